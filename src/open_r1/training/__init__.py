"""What TRL's GRPOTrainer lacks."""

"""What TRL's GRPOTrainer lacks: which prompts are rolled out next, which groups are trained on, an exact resume, a record."""

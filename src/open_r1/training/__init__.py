"""What TRL's GRPOTrainer lacks: which prompts are rolled out next, which groups are trained on, and an exact resume."""

"""Publishing: the model card, pushes to the hub, evaluation of what was saved."""

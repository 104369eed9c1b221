"""open-medical-r1: GRPO with verifiable medical answers, one judge for training and evaluation."""

__version__ = "0.1.0"

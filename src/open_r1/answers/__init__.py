"""Extract the answer from a completion and grade it against a question."""

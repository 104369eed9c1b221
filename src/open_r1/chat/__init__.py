"""Talk to a model as it was trained: its system prompt, its form of asking, the project's judge of what it answered."""

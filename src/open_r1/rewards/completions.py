"""The text of a completion, in the two shapes TRL hands to reward functions."""


def completion_text(completion: str | list[dict]) -> str:
    """A completion's text: of a plain string, or of the assistant's last message in a conversation."""
    return completion if isinstance(completion, str) else completion[-1]["content"] or ""

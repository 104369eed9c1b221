"""A reward that a random model learns in 30 steps."""


def lower_case(completion_ids, **kwargs):
    """The share of a completion's tokens that are lower-case letters; ids of tests/tiny_model.py's byte tokenizer."""
    first, last = 3 + ord("a") - ord("!"), 3 + ord("z") - ord("!")
    return [sum(first <= token <= last for token in ids) / len(ids) for ids in completion_ids]

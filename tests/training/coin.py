"""A reward that no recipe of ours has: a coin toss for a random model, dead on half of the rows."""


def odd(completion_ids: list, live: list, **kwargs) -> list[float]:
    """1 for an odd sum of token ids, on rows that are live; 0 on all others."""
    return [float(alive and sum(ids) % 2) for ids, alive in zip(completion_ids, live, strict=True)]

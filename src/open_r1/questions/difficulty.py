"""Difficulty in words: the levels that grading, the data step and the curriculum share."""

LEVELS = ("easy", "medium", "hard")

# Difficulties (1 - pass rate) up to the first are easy, from the second on hard.
BOUNDS = (0.25, 0.75)


def level(difficulty: float, bounds: tuple[float, float] = BOUNDS) -> str:
    """The level of a difficulty: `easy` up to the first bound, `hard` from the second on, else `medium`."""
    if difficulty <= bounds[0]:
        return "easy"
    return "hard" if difficulty >= bounds[1] else "medium"


def check_bounds(bounds: object, what: str) -> tuple[float, float]:
    """Two difficulties in order; raises ValueError naming `what` otherwise."""
    numbers = isinstance(bounds, list | tuple) and all(
        isinstance(bound, int | float) and not isinstance(bound, bool) for bound in bounds
    )
    if not numbers or len(bounds) != 2 or not 0 <= bounds[0] < bounds[1] <= 1:
        raise ValueError(f"{what} takes two difficulties in order, from 0 to 1, like {list(BOUNDS)}; got {bounds!r}.")
    return float(bounds[0]), float(bounds[1])

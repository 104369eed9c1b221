"""Seeded sampling without replacement: the same seed gives the same rows, whatever else is sampled beside them."""

import random
from collections.abc import Callable

from open_r1.questions.files import DataError
from open_r1.questions.record import Question


def sample(
    questions: list[Question], size: int, seed: int, stratum: Callable[[Question], str] | None = None
) -> tuple[list[Question], list[Question]]:
    """Draws `size` questions without replacement; returns (drawn, rest), both in their order in `questions`.

    Every stratum is drawn from in proportion to its size, by largest remainder, so that each count is within one of
    its exact share. A smaller draw with the same seed is part of a larger one within a stratum. The draw depends on
    the source's name and the seed only. Raises DataError when there are fewer questions than asked for.
    """
    if not 0 <= size <= len(questions):
        source = questions[0].source if questions else "the dataset"
        raise DataError(f"{source}: {size:,} rows asked for, but there are {len(questions):,}")
    strata: dict[str, list[int]] = {}
    for place, question in enumerate(questions):
        strata.setdefault(stratum(question) if stratum else "", []).append(place)
    chosen = set()
    for name, quota in proportional({name: len(places) for name, places in strata.items()}, size).items():
        places = strata[name]
        random.Random(f"{seed}:{questions[places[0]].source}:{name}").shuffle(places)
        chosen.update(places[:quota])
    drawn = [question for place, question in enumerate(questions) if place in chosen]
    return drawn, [question for place, question in enumerate(questions) if place not in chosen]


def proportional(sizes: dict[str, int], total: int) -> dict[str, int]:
    """Shares of `total` in proportion to `sizes`, by largest remainder; ties go to the first name in the alphabet."""
    everything = sum(sizes.values())
    if not everything:
        return dict.fromkeys(sizes, 0)
    shares = {name: divmod(total * size, everything) for name, size in sizes.items()}
    left = total - sum(whole for whole, _ in shares.values())
    favoured = sorted(shares, key=lambda name: (-shares[name][1], name))[:left]
    return {name: whole + (name in favoured) for name, (whole, _) in shares.items()}


def shuffled(questions: list[Question], seed: int) -> list[Question]:
    """The questions in a seeded order."""
    questions = list(questions)
    random.Random(f"{seed}:order").shuffle(questions)
    return questions

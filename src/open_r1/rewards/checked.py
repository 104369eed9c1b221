"""Rewards that are held to their contract: one finite number, or None, for each completion."""

import functools
import inspect
import math
from collections.abc import Callable

from open_r1.faults import TrainingFault, first_line, place_of


def checked(reward: Callable) -> Callable:
    """The reward, ending the run when it raises or returns what no policy should be trained on.

    Raises TrainingFault naming the reward, the completion and the value: a run that went on with a guess would train on it.
    """
    if inspect.iscoroutinefunction(reward):

        @functools.wraps(reward)
        async def call(*arguments, **columns) -> list[float | None]:
            try:
                values = await reward(*arguments, **columns)
            except Exception as error:  # a user's code may raise anything
                raise _raised(reward, error) from error
            return _sound(reward, values, _judged(arguments, columns))

    else:

        @functools.wraps(reward)
        def call(*arguments, **columns) -> list[float | None]:
            try:
                values = reward(*arguments, **columns)
            except Exception as error:  # a user's code may raise anything
                raise _raised(reward, error) from error
            return _sound(reward, values, _judged(arguments, columns))

    return call


def _judged(arguments: tuple, columns: dict) -> list:
    """The completions of a call, which TRL passes by name, as text and as tokens."""
    return arguments[0] if arguments else columns.get("completions", columns.get("completion_ids"))


def _raised(reward: Callable, error: Exception) -> TrainingFault:
    return TrainingFault(
        f"reward `{reward.__name__}` raised {type(error).__name__}: {first_line(error)} ({place_of(error)}). Mend it; a "
        "completion that it cannot judge should get 0, or None for not applicable."
    )


def _sound(reward: Callable, values, completions: list) -> list[float | None]:
    try:
        values = list(values)
    except TypeError:
        raise TrainingFault(
            f"reward `{reward.__name__}` returned {values!r:.80} where a list of {len(completions)} numbers is expected, "
            "one for each completion."
        ) from None
    if len(values) != len(completions):
        raise TrainingFault(
            f"reward `{reward.__name__}` returned {len(values)} values for {len(completions)} completions. Return one "
            "for each, in their order."
        )
    return [_number(reward, value, row, completions[row]) for row, value in enumerate(values)]


def _number(reward: Callable, value, row: int, completion) -> float | None:
    if value is None:
        return None
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise TrainingFault(
            f"reward `{reward.__name__}` returned {value!r:.80} for completion {row} of its batch ({completion!r:.80}). "
            "Return a finite number, or None for not applicable."
        )
    return number

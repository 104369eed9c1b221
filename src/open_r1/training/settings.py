"""The recipe's keys `curriculum` and `dynamic_sampling`, read strictly.

In a recipe:

    curriculum: {strategy: adaptive, floor: 0.1}
    dynamic_sampling: {max_rounds: 4}
"""

import dataclasses
import difflib
from dataclasses import dataclass

from open_r1.questions.difficulty import BOUNDS, LEVELS, check_bounds

STRATEGIES = ("fixed", "phases", "mix", "adaptive")

# Which keys of `curriculum` a strategy reads; another one there would do nothing.
READS = {
    "fixed": {"reward", "levels"},
    "phases": {"reward", "levels", "share"},
    "mix": {"reward", "levels", "share"},
    "adaptive": {"reward", "levels", "floor", "ema", "prior"},
}


@dataclass(frozen=True)
class Curriculum:
    """Which prompts come next.

    `fixed` is TRL's own order; `phases` goes from easy to hard over the run; `mix` holds every batch to the same
    shares; `adaptive` accepts a prompt with probability floor + (1 - floor) * 4p(1 - p), p its estimated pass rate.
    """

    strategy: str = "fixed"
    reward: str = "accuracy"
    """The reward that says whether a completion passes: it does above 0."""
    levels: tuple[float, float] = BOUNDS
    """Difficulties up to the first are easy, from the second on hard."""
    share: dict[str, float] | None = None
    """Of the run (`phases`) or of every batch (`mix`), by level; None is the same for all levels that have rows."""
    floor: float = 0.1
    """The least probability with which a prompt is accepted, so that none starves."""
    ema: float = 0.3
    """Weight of a group's pass rate in the estimate, the old one keeping the rest."""
    prior: bool = True
    """Whether the graded difficulty, where there is one, starts the estimate; else it starts at one half."""


@dataclass(frozen=True)
class DynamicSampling:
    """DAPO's dynamic sampling: draw on until the batch is full of groups whose completions differ in `reward`."""

    max_rounds: int = 4
    """Rounds of generation for one batch; then groups without a difference fill it up."""
    reward: str = "accuracy"


def read_curriculum(given: dict) -> Curriculum:
    """The recipe's `curriculum`; raises ValueError naming the key that is wrong."""
    _check_keys("curriculum", given, Curriculum)
    strategy = given.get("strategy")
    if strategy not in STRATEGIES:
        raise ValueError(f"curriculum.strategy must be one of {', '.join(STRATEGIES)}, got {strategy!r}.")
    if idle := given.keys() - READS[strategy] - {"strategy"}:
        raise ValueError(f"curriculum.{min(idle)} has no effect with strategy {strategy}: remove it.")
    given = dict(given)
    if "levels" in given:
        given["levels"] = check_bounds(given["levels"], "curriculum.levels")
    if "share" in given:
        given["share"] = _share(given["share"])
    for key in ("floor", "ema"):
        value = given.get(key, 1)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 1:
            raise ValueError(f"curriculum.{key} takes a number above 0 and up to 1, got {value!r}.")
    if not isinstance(given.get("prior", True), bool):
        raise ValueError(f"curriculum.prior takes true or false, got {given['prior']!r}.")
    _check_reward("curriculum", given)
    return Curriculum(**given)


def read_dynamic_sampling(given: dict) -> DynamicSampling:
    """The recipe's `dynamic_sampling`; raises ValueError naming the key that is wrong."""
    _check_keys("dynamic_sampling", given, DynamicSampling)
    rounds = given.get("max_rounds", 1)
    if isinstance(rounds, bool) or not isinstance(rounds, int) or rounds < 1:
        raise ValueError(f"dynamic_sampling.max_rounds takes a whole number from 1 on, got {rounds!r}.")
    _check_reward("dynamic_sampling", given)
    return DynamicSampling(**given)


def _check_keys(what: str, given: dict, settings: type) -> None:
    names = [field.name for field in dataclasses.fields(settings)]
    for key in given:
        if key not in names:
            close = difflib.get_close_matches(str(key), names, n=1)
            hint = f" Did you mean `{close[0]}`?" if close else ""
            raise ValueError(f"{what}.{key}: unknown key, it takes {', '.join(names)}.{hint}")


def _check_reward(what: str, given: dict) -> None:
    if not isinstance(given.get("reward", ""), str):
        raise ValueError(f"{what}.reward takes the name of one of reward_funcs, got {given['reward']!r}.")


def _share(given: object) -> dict[str, float]:
    if not isinstance(given, dict) or not given or given.keys() - set(LEVELS):
        raise ValueError(f"curriculum.share takes shares of {', '.join(LEVELS)}, got {given!r}.")
    for name, share in given.items():
        if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= 1:
            raise ValueError(f"curriculum.share.{name} takes a share from 0 to 1, got {share!r}.")
    if abs(sum(given.values()) - 1) > 1e-6:
        raise ValueError(f"curriculum.share: the shares add up to {sum(given.values()):g}, not 1.")
    return {name: float(given.get(name, 0)) for name in LEVELS}

"""The prompt pool: which rows are rolled out next. It knows rows, difficulties and pass rates, and nothing of TRL.

Everything random is a function of the seed and of how far the pool has come, so its state is a few numbers, and every
process draws the same rows without talking to the others.
"""

import random
from collections.abc import Sequence

import torch

from open_r1.arguments import RecipeError
from open_r1.questions.difficulty import LEVELS, level
from open_r1.training.settings import Curriculum

UNKNOWN = "ungraded"


class Passes:
    """Rows without end, pass after pass: shuffled as TRL's RepeatSampler does, or always in their order."""

    def __init__(self, rows: Sequence[int], seed: int, shuffle: bool, chunk: int = 1):
        """`chunk`: like TRL, a pass leaves out the last rows that do not fill one."""
        self.rows = list(rows)
        self.seed = seed
        self.shuffle = shuffle
        self.length = len(self.rows) // chunk * chunk
        self.taken = 0
        self._rewind()

    def _rewind(self) -> None:
        self.generator = torch.Generator().manual_seed(self.seed)
        self.order: list[int] = []
        self.current = -1  # the pass that `order` belongs to

    def take(self) -> int:
        """The next row."""
        number, place = divmod(self.taken, self.length)
        if number < self.current:
            self._rewind()
        while self.current < number:
            # One permutation a pass from one generator: the orders of TRL's sampler, epoch after epoch.
            places = torch.randperm(len(self.rows), generator=self.generator).tolist() if self.shuffle else None
            self.order = [self.rows[place] for place in places] if places else self.rows
            self.current += 1
        self.taken += 1
        return self.order[place]


class PromptPool:
    """Draws row numbers by a curriculum's strategy and learns from the pass rates of their groups."""

    def __init__(
        self, difficulties: Sequence[float | None], curriculum: Curriculum, batch: int, seed: int, shuffle: bool = True
    ):
        """`difficulties`: 0 always solved to 1 never solved, None ungraded; `batch`: groups of one generation batch.

        Raises RecipeError when the strategy needs difficulties that are not there.
        """
        self.curriculum = curriculum
        self.seed = seed
        self.levels = [
            UNKNOWN if difficulty is None else level(difficulty, curriculum.levels) for difficulty in difficulties
        ]
        rows = range(len(self.levels))
        if curriculum.strategy in ("phases", "mix"):
            self.share = self._shares()
            self.passes = {
                name: Passes([row for row in rows if self.levels[row] == name], seed, shuffle) for name in self.share
            }
        else:
            self.passes = {"all": Passes(rows, seed, shuffle, batch)}
        prior = curriculum.strategy != "adaptive" or curriculum.prior
        self.rates = [1.0 - difficulty if prior and difficulty is not None else 0.5 for difficulty in difficulties]
        self.seen = [0] * len(self.levels)
        self.drawn = dict.fromkeys(sorted(set(self.levels)), 0)

    def _shares(self) -> dict[str, float]:
        """The share of each level that has one; raises RecipeError when rows for it are missing."""
        strategy, there = self.curriculum.strategy, set(self.levels)
        if UNKNOWN in there:
            raise RecipeError(
                f"curriculum.strategy: {strategy} goes by the column `difficulty`, and {self.levels.count(UNKNOWN):,} of "
                f"{len(self.levels):,} rows have none. Grade them with scripts/grade_difficulty.py, or take `adaptive`."
            )
        share = self.curriculum.share
        if share is None:
            return {name: 1 / len(there) for name in LEVELS if name in there}
        share = {name: part for name, part in share.items() if part > 0}
        if missing := share.keys() - there:
            raise RecipeError(
                f"curriculum.share gives {' and '.join(sorted(missing))} questions a share, but no row is one "
                f"(curriculum.levels: {list(self.curriculum.levels)})."
            )
        return share

    def draw(self, count: int, progress: float) -> list[int]:
        """`count` rows for the next groups; `progress`: how much of the run is done, from 0 to 1."""
        rows: list[int] = []
        for _ in range(count):
            match self.curriculum.strategy:
                case "phases":
                    row = self.passes[self._phase(progress)].take()
                case "mix":
                    row = self.passes[self._most_behind()].take()
                case "adaptive":
                    row = self._accepted(rows)
                case _:
                    row = self.passes["all"].take()
            self.drawn[self.levels[row]] += 1
            rows.append(row)
        return rows

    def _phase(self, progress: float) -> str:
        end = 0.0
        for name, share in self.share.items():
            end += share
            if progress < end - 1e-9:
                return name
        return name

    def _most_behind(self) -> str:
        """The level furthest behind its share, so that any number of rows in a row holds the mix to within one."""
        total = sum(self.drawn.values()) + 1
        return max(self.share, key=lambda name: self.share[name] * total - self.drawn[name])

    def _accepted(self, taken: list[int]) -> int:
        passes, floor = self.passes["all"], self.curriculum.floor
        repeats = len(taken) >= passes.length  # a batch larger than the pool
        while True:
            # Its own generator a look: where the pool stands is then all there is to remember.
            luck = random.Random(f"{self.seed}:{passes.taken}").random()
            row = passes.take()
            rate = self.rates[row]
            if luck < floor + (1 - floor) * 4 * rate * (1 - rate) and (repeats or row not in taken):
                return row

    def learn(self, rows: Sequence[int], rates: Sequence[float]) -> None:
        """Take in the pass rates of groups, in the order that they were drawn in; NaN tells nothing."""
        ema = self.curriculum.ema
        for row, rate in zip(rows, rates, strict=True):
            if rate == rate:
                self.rates[row] += ema * (rate - self.rates[row])
                self.seen[row] += 1

    def metrics(self) -> dict[str, float]:
        """What the pool knows, by level: rows drawn so far, and the mean estimated pass rate."""
        taken = sum(passes.taken for passes in self.passes.values())
        found = {"pool/passes": taken / len(self.levels), "pool/seen": sum(map(bool, self.seen)) / len(self.seen)}
        for name, drawn in self.drawn.items():
            rates = [rate for rate, own in zip(self.rates, self.levels, strict=True) if own == name]
            found |= {f"pool/drawn/{name}": float(drawn), f"pool/pass_rate/{name}": sum(rates) / len(rates)}
        return found

    def state(self) -> dict:
        """Everything to go on from here, as JSON; floats survive it exactly."""
        taken = {name: passes.taken for name, passes in self.passes.items()}
        return {"taken": taken, "rates": self.rates, "seen": self.seen, "drawn": self.drawn}

    def restore(self, state: dict) -> None:
        """Go on from a state; raises RecipeError when it belongs to other rows or another strategy."""
        for what, theirs, ours in (
            ("rows", len(state["rates"]), len(self.rates)),
            ("passes over", sorted(state["taken"]), sorted(self.passes)),
            ("levels", sorted(state["drawn"]), sorted(self.drawn)),
        ):
            if theirs != ours:
                raise RecipeError(
                    f"the checkpoint's prompt pool has {what} {theirs}, this run {ours}: the data or `curriculum` has "
                    "changed since. Change it back, or start a new run with another output_dir."
                )
        for name, taken in state["taken"].items():
            self.passes[name].taken = taken
        self.rates, self.seen, self.drawn = list(state["rates"]), list(state["seen"]), dict(state["drawn"])

"""What models made of questions: pass rates by model, joined to questions as their difficulty, and selection by them.

A gradings file (scripts/grade_difficulty.py writes it) has a JSON object a line:
    {"source": "medqa_usmle", "id": "...", "models": {"phi-4": {"right": 3, "samples": 8, "pass_rate": 0.375, "low": ..., "high": ...}}}
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from open_r1.questions.difficulty import BOUNDS, LEVELS, level
from open_r1.questions.files import DataError, read_jsonl
from open_r1.questions.record import Question

Key = tuple[str, str]
Gradings = dict[Key, dict[str, dict]]
"""(source, id) -> model -> {right, samples, pass_rate, low, high}."""


def read_gradings(paths: Iterable[Path]) -> Gradings:
    """The gradings of several files in one; raises DataError for a line that is none, or a model graded twice."""
    merged: Gradings = {}
    for path in paths:
        for row in read_jsonl(path):
            if isinstance(row, DataError):
                raise row
            models = row.data.get("models")
            if not isinstance(models, dict) or not all(
                isinstance(one, dict) and isinstance(one.get("pass_rate"), int | float) for one in models.values()
            ):
                raise row.bad("models", "a mapping from models to what they did, with a `pass_rate` each")
            if not all(isinstance(row.data.get(name), str) for name in ("source", "id")):
                raise row.bad("id", "`source` and `id` of a question")
            known = merged.setdefault((row.data["source"], row.data["id"]), {})
            if twice := known.keys() & models.keys():
                raise row.bad("models", f"one grading by {min(twice)}; another one of this question came before")
            known |= models
    return merged


def write_gradings(path: Path, gradings: Gradings) -> None:
    """One question a line, in the order of the mapping."""
    with path.open("w", encoding="utf-8", newline="\n") as lines:
        for (source, identity), models in gradings.items():
            row = {"source": source, "id": identity, "models": models}
            lines.write(json.dumps(row, ensure_ascii=False) + "\n")


def graded(question: Question, gradings: Gradings) -> Question:
    """The question with 1 less the mean pass rate as its difficulty and the gradings in its metadata; else unchanged."""
    models = gradings.get((question.source, question.id))
    if not models:
        return question
    mean = sum(one["pass_rate"] for one in models.values()) / len(models)
    return replace(question, difficulty=1 - mean, metadata=question.metadata | {"graded": models})


@dataclass(frozen=True)
class Select:
    """Which questions may be drawn: `random` all, the others by a pass rate; ungraded ones are then left out."""

    text: str
    low: float = 0.0
    high: float = 1.0
    model: str | None = None
    """Whose pass rate; None is the mean of all."""
    open: bool = False
    """Whether the bounds themselves are left out."""
    level: str | None = None

    def keeps(self, question: Question) -> bool:
        """Whether a question, graded by `graded`, may be drawn."""
        if self.text == "random":
            return True
        if question.difficulty is None:
            return False
        if self.level:
            return level(question.difficulty, BOUNDS) == self.level
        rate = 1 - question.difficulty if self.model is None else self._rate(question)
        if rate is None:
            return False
        # The difficulty is 1 less the rate: what was 0.3 comes back a hair off.
        rate = round(rate, 9)
        return self.low < rate < self.high if self.open else self.low <= rate <= self.high

    def _rate(self, question: Question) -> float | None:
        found = {model: one for model, one in question.metadata.get("graded", {}).items() if named(model, self.model)}
        if len(found) > 1:
            raise DataError(
                f"--select {self.text}: the gradings hold {' and '.join(sorted(found))}; give the full name"
            )
        return next(iter(found.values()))["pass_rate"] if found else None


def named(model: str, name: str) -> bool:
    """Whether a model is meant by a name: in full, or by its last part, in any case."""
    return name.lower() in (model.lower(), model.lower().rstrip("/").rpartition("/")[2])


FORMS = """random: any question
passrate:MIN-MAX: a mean pass rate from MIN to MAX, e.g. passrate:0.2-0.8
model:NAME: the model NAME gets it right sometimes, but not always
model:NAME:MIN-MAX: a pass rate of the model NAME from MIN to MAX
level:easy, level:medium, level:hard: a mean pass rate of 0.75 or more, between, of 0.25 or less"""


def parse_select(text: str) -> Select:
    """`--select` as settings; raises DataError naming the forms."""
    kind, _, rest = text.partition(":")
    if kind == "random" and not rest:
        return Select(text)
    if kind == "level" and rest in LEVELS:
        return Select(text, level=rest)
    bounds = re.fullmatch(r"(?:(.+):)?([\d.]+)-([\d.]+)", rest) if kind in ("passrate", "model") else None
    if kind == "model" and rest and not bounds:
        return Select(text, model=rest, open=True)
    if bounds and (kind == "model") == (bounds[1] is not None):
        try:
            low, high = float(bounds[2]), float(bounds[3])
        except ValueError:
            low, high = 1.0, 0.0
        if 0 <= low <= high <= 1:
            return Select(text, low, high, bounds[1])
        raise DataError(f"--select {text}: pass rates go from 0 to 1, the smaller one first")
    raise DataError(f"--select {text}: not one of {'; '.join(FORMS.splitlines())}")

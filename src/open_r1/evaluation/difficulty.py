"""Difficulty read from logs: how often each model got each question right, with Wilson's interval, and a histogram."""

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from open_r1.evaluation.results import Result
from open_r1.evaluation.statistics import estimate, wilson
from open_r1.questions import DataError, Question
from open_r1.questions.difficulty import LEVELS, level
from open_r1.questions.gradings import Gradings


@dataclass(frozen=True)
class Reading:
    """Gradings of the questions, and what of the logs did not count."""

    gradings: Gradings
    failed: int
    """Completions that never came: no evidence of anything."""
    strangers: int
    """Rows of the logs that ask none of the questions."""


def read_gradings_of(results: Sequence[Result], questions: Sequence[Question]) -> Reading:
    """Pass rates by model; several logs of one model are counted together.

    A row of a log is known by its source and id, or by its id alone where the log names no source and the id is unique.
    Raises DataError when the logs ask none of the questions.
    """
    known = {(question.source, question.id): question for question in questions}
    by_id: dict[str, list] = defaultdict(list)
    for key in known:
        by_id[key[1]].append(key)
    counts: dict[tuple[str, str], dict[str, list[int]]] = {key: {} for key in known}
    failed = strangers = 0
    for result in results:
        for outcome in result.outcomes:
            source = outcome.groups.get("source")
            # Where rows of several sources have one id, the log has the source before it.
            keys = [(source, outcome.id.removeprefix(f"{source}/"))] if source else by_id[outcome.id]
            if len(keys) != 1 or keys[0] not in known:
                strangers += 1
            elif outcome.failed:
                failed += 1
            else:
                right_and_all = counts[keys[0]].setdefault(result.model, [0, 0])
                right_and_all[0] += outcome.correct
                right_and_all[1] += 1
    gradings = {
        key: {model: _grading(right, samples) for model, (right, samples) in models.items()}
        for key, models in counts.items()
        if models
    }
    if not gradings:
        raise DataError(
            f"none of the {len(known):,} questions was answered in {', '.join(sorted({r.log.name for r in results}))}: "
            f"{failed:,} completions failed, {strangers:,} rows ask other questions"
        )
    return Reading(gradings, failed, strangers)


def _grading(right: int, samples: int) -> dict:
    low, high = wilson(right / samples, samples)
    rounded = {"pass_rate": right / samples, "low": round(low, 4), "high": round(high, 4)}
    return {"right": right, "samples": samples, **rounded}


def report(questions: Sequence[Question], bounds: tuple[float, float]) -> str:
    """A table of graded questions: by model and merged, the mean pass rate with its interval, and the levels."""
    lines = [
        "| graded by | questions | samples each | mean pass rate (95%) | never solved | always solved |",
        "|---|---|---|---|---|---|",
    ]
    for model, rates in _rates(questions).items():
        mean = estimate(list(rates.values()), list(map(str, rates)))
        samples = sorted(
            {q.metadata["graded"][model]["samples"] for q in questions if model in q.metadata.get("graded", {})}
        )
        each = f"{samples[0]}" if len(samples) == 1 else f"{samples[0]} to {samples[-1]}"
        ends = [sum(rate == end for rate in rates.values()) for end in (0, 1)]
        lines.append(
            f"| {model} | {len(rates):,} | {each} | {mean.value:.3f} ({mean.low:.3f} to {mean.high:.3f}) | "
            f"{ends[0]:,} | {ends[1]:,} |"
        )
    difficulties = [question.difficulty for question in questions if question.difficulty is not None]
    levels = Counter(level(difficulty, bounds) for difficulty in difficulties)
    listed = ", ".join(f"{levels[name]:,} {name}" for name in LEVELS)
    return "\n".join(
        [*lines, "", f"levels (difficulty up to {bounds[0]:g}, from {bounds[1]:g} on, between): {listed}"]
    )


def _rates(questions: Sequence[Question]) -> dict[str, dict[tuple[str, str], float]]:
    """Model -> (source, id) -> pass rate."""
    rates: dict[str, dict[str, float]] = defaultdict(dict)
    for question in questions:
        for model, one in question.metadata.get("graded", {}).items():
            rates[model][question.source, question.id] = one["pass_rate"]
    return rates


def draw(questions: Sequence[Question], bounds: tuple[float, float], path: Path) -> None:
    """A histogram of pass rates by model, with the levels' bounds, as a PNG."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    rates = _rates(questions)
    samples = max(one["samples"] for q in questions for one in q.metadata.get("graded", {}).values())
    bins = min(10, samples) + 1
    edges = [(place - 0.5) / (bins - 1) for place in range(bins + 1)]
    figure, axes = pyplot.subplots(figsize=(7, 4), layout="constrained")
    axes.hist([list(own.values()) for own in rates.values()], bins=edges, label=[Path(model).name for model in rates])
    for bound in bounds:
        axes.axvline(1 - bound, color="black", linestyle="--", linewidth=1)
    tops = {"hard": (1 - bounds[1]) / 2, "medium": 1 - sum(bounds) / 2, "easy": 1 - bounds[0] / 2}
    for name, place in tops.items():
        axes.text(place, 1.01, name, transform=axes.get_xaxis_transform(), ha="center")
    axes.set_xlabel("pass rate")
    axes.set_ylabel("questions")
    axes.set_ylim(top=max(1, math.ceil(axes.get_ylim()[1])))
    axes.legend()
    figure.savefig(path, dpi=120)
    pyplot.close(figure)

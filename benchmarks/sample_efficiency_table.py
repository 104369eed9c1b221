"""What benchmarks/sample_efficiency.py measures, and its results read: the table and the figure."""

import math
import os
import platform
import statistics
from collections.abc import Sequence
from datetime import date
from itertools import pairwise
from pathlib import Path

from scipy import stats

GROUPS, COMPLETIONS = 16, 4  # a batch
BUDGET = 512  # groups a run may generate, discarded ones included
EVERY = 32  # groups between two looks at the held-out vignettes
HELD_OUT = 160  # rows of that look
TARGET = 75.0
GRADING = 4  # completions a row for the graded difficulty
KINDS = {"easy": 160, "learnable": 80, "unanswerable": 48, "wrongly labelled": 32}
RATES = (1e-4, 2e-4, 4e-4)
TUNING_SEED = 100

# A result of other settings is not one of this table.
SETTINGS = {
    "groups": GROUPS,
    "completions": COMPLETIONS,
    "budget": BUDGET,
    "every": EVERY,
    "held_out": HELD_OUT,
    "grading": GRADING,
    "kinds": KINDS,
}
GRADED = {"adaptive, graded", "mix", "phases"}


def area(result: dict) -> float:
    """Mean held-out accuracy over the budget: what the learning rate is chosen by."""
    return statistics.mean(accuracy_at(result, BUDGET * part / 20) for part in range(1, 21))


def accuracy_at(result: dict, groups: float) -> float:
    """Held-out accuracy after so many generated groups, between two looks on a straight line."""
    curve = result["curve"]
    for (left, _, low), (right, _, high) in pairwise(curve):
        if groups <= right:
            return low + (high - low) * (groups - left) / (right - left)
    return curve[-1][2]


def groups_to(result: dict, target: float) -> float | None:
    """Generated groups at which the held-out accuracy first reaches the target; None within no budget."""
    curve = result["curve"]
    for (left, _, low), (right, _, high) in pairwise(curve):
        if high >= target:
            return left + (right - left) * max(0.0, target - low) / (high - low) if high > low else left
    return None


def interval(values: list[float]) -> tuple[float, float]:
    """Mean and half of its 95% interval by Student's t; the half is NaN for a single value."""
    if len(values) < 2:
        return values[0], math.nan
    half = stats.t.ppf(0.975, len(values) - 1) * statistics.stdev(values) / math.sqrt(len(values))
    return statistics.mean(values), half


def cost(result: dict, grading: bool) -> float:
    """Groups to the target, the budget where it was not reached; with those that the grading took."""
    reached = groups_to(result, TARGET)
    extra = sum(KINDS.values()) * GRADING / COMPLETIONS if grading and result["method"] in GRADED else 0
    return (BUDGET if reached is None else reached) + extra


def ratio(results: list[dict], plain: dict[int, dict], grading: bool) -> str:
    """Geometric mean of the ratios to plain TRL's groups, seed by seed, with its 95% interval."""
    pairs = [(result, plain[result["seed"]]) for result in results if result["seed"] in plain]
    logs = [math.log(cost(own, grading) / cost(other, False)) for own, other in pairs]
    if not logs:
        return "not measured"
    mean, half = interval(logs)
    spread = "" if math.isnan(half) else f" ({math.exp(mean - half):.2f} to {math.exp(mean + half):.2f})"
    open_end = any(groups_to(one, TARGET) is None for pair in pairs for one in pair)
    return f"{math.exp(mean):.2f}{spread}{' †' if open_end else ''}"


def report(results: list[dict], methods: Sequence[str], seeds: list[int]) -> str:
    """The table, with what is missing named as not measured."""
    by_method = {name: [r for r in results if r["method"] == name and r["seed"] != TUNING_SEED] for name in methods}
    plain = {result["seed"]: result for result in by_method["plain"]}
    counts = ", ".join(f"{count} {kind}" for kind, count in KINDS.items())
    lines = [
        "# Prompt groups to the same accuracy",
        "",
        f"{date.today().isoformat()}, {os.cpu_count()}-core CPU ({platform.machine()}), one thread a run, "
        "`python benchmarks/sample_efficiency.py`.",
        "",
        f"GRPO from the demo's model after careless traces, on rows of synthetic vignettes: {counts}. A batch is {GROUPS} "
        f"groups of {COMPLETIONS}; a run may generate {BUDGET} groups, discarded ones included. Greedy accuracy on "
        f"{HELD_OUT} held-out rows every {EVERY} groups. The rate is the best of {', '.join(f'{r:g}' for r in RATES)} by mean "
        f"accuracy over the budget on seed {TUNING_SEED}. One model to start from: intervals tell of rows, order and sampling.",
        "",
        f"| method | rate | seeds | groups to {TARGET:g}% (median, range) | ratio to plain (95%) | with grading | "
        f"steps to {TARGET:g}% | accuracy at {BUDGET} groups, % (95%) | best look, % |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for name, found in by_method.items():
        if not found:
            lines.append(f"| {name} | | 0 of {len(seeds)} | not measured | | | | | |")
            continue
        reached = [groups_to(result, TARGET) for result in found]
        ordered = sorted(math.inf if value is None else value for value in reached)
        shown = [f"> {BUDGET}" if value == math.inf else f"{value:.0f}" for value in ordered]
        middle = statistics.median_low(ordered)
        median = f"> {BUDGET}" if middle == math.inf else f"{middle:.0f}"
        final, half = interval([accuracy_at(result, BUDGET) for result in found])
        error = "" if math.isnan(half) else f" ± {half:.1f}"
        steps = [steps_to(result) for result in found if groups_to(result, TARGET) is not None]
        best = statistics.mean(max(accuracy for *_, accuracy in result["curve"]) for result in found)
        lines.append(
            f"| {name} | {found[0]['rate']:g} | {len(found)} of {len(seeds)} | {median} ({shown[0]} to {shown[-1]}) | "
            f"{'1' if name == 'plain' else ratio(found, plain, False)} | "
            f"{ratio(found, plain, True) if name in GRADED else ''} | "
            f"{f'{statistics.median(steps):.0f}' if steps else ''} | {final:.1f}{error} | {best:.1f} |"
        )
    lines += [
        "",
        "† a run did not reach the target and counts with the whole budget. Medians are of the lower middle. "
        f"Grading takes {sum(KINDS.values()) * GRADING // COMPLETIONS} groups ({GRADING} completions a row), once: a second run "
        "on the same rows does not pay it again.",
        "",
        f"Share of generated groups that taught nothing (all right or all wrong): {idle(by_method)}.",
    ]
    return "\n".join(lines) + "\n"


def steps_to(result: dict) -> float:
    """Optimizer steps at the target, between two looks on a straight line."""
    groups = groups_to(result, TARGET)
    for (left, low, _), (right, high, _) in pairwise(result["curve"]):
        if groups <= right:
            return low + (high - low) * (groups - left) / (right - left)
    raise ValueError("the target was not reached")


def idle(by_method: dict[str, list[dict]]) -> str:
    """Solved and hopeless groups of all runs, by method."""
    parts = []
    for name, found in by_method.items():
        rows = [row for result in found for row in result["log"] if "sampling/solved" in row]
        if rows:
            groups = sum(row["sampling/groups_generated"] for row in rows)
            shares = [
                sum(row[f"sampling/{kind}"] * row["sampling/groups_generated"] for row in rows) / groups
                for kind in ("solved", "hopeless")
            ]
            parts.append(f"{name} {100 * shares[0]:.0f}% solved and {100 * shares[1]:.0f}% hopeless")
    return "; ".join(parts) or "not measured"


def draw(results: list[dict], methods: Sequence[str], path: Path) -> None:
    """Held-out accuracy over generated groups, the mean of the seeds with their range, as a PNG."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(8, 4.5), layout="constrained")
    grid = range(0, BUDGET + 1, EVERY)
    for name in methods:
        curves = [
            [accuracy_at(result, groups) for groups in grid]
            for result in results
            if result["method"] == name and result["seed"] != TUNING_SEED
        ]
        if curves:
            columns = list(zip(*curves, strict=True))
            (line,) = axes.plot(grid, list(map(statistics.mean, columns)), label=f"{name} ({len(curves)} seeds)")
            axes.fill_between(
                grid, list(map(min, columns)), list(map(max, columns)), color=line.get_color(), alpha=0.1
            )
    axes.axhline(TARGET, color="black", linestyle="--", linewidth=1)
    axes.set_xlabel("prompt groups generated, discarded ones included")
    axes.set_ylabel("held-out accuracy, % (greedy)")
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(path, dpi=120)
    pyplot.close(figure)

"""What is charted, once for the page and for the PNG figures: metrics by step, in sections, runs overlaid."""

import re
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from open_r1.report.run import Run

MOST_POINTS = 2000
SMOOTHED_FROM = 30  # steps; fewer are drawn as they are


@dataclass(frozen=True)
class Series:
    """One line: `smooth` is the centred mean over `window` points, None where there are too few to smooth."""

    label: str
    run: str
    x: np.ndarray
    y: np.ndarray
    smooth: np.ndarray | None
    window: int


@dataclass(frozen=True)
class Chart:
    """One chart. `kind` is lines, stack (parts of a whole, one run at a time) or points (y against x, no time)."""

    id: str
    title: str
    unit: str
    series: list[Series]
    kind: str = "lines"
    x_title: str = "step"
    note: str = ""


@dataclass(frozen=True)
class Section:
    """Charts under one heading."""

    id: str
    title: str
    charts: list[Chart] = field(default_factory=list)


@dataclass(frozen=True)
class Plan:
    """A chart to be: `metrics` are regular expressions for whole names; a group in one names the line."""

    id: str
    title: str
    unit: str
    metrics: tuple[str, ...]
    kind: str = "lines"
    note: str = ""


SECTIONS: dict[str, tuple[str, tuple[Plan, ...]]] = {
    "learning": (
        "Is it learning?",
        (
            Plan("reward", "Reward", "weighted sum", ("reward", "sampling/(reward_all)")),
            Plan("reward_parts", "Parts of the reward", "mean, unweighted", ("rewards/(.+)/mean",)),
            Plan("answers", "Answers", "share of completions", ("answers/(?!truncated)(.+)",)),
            Plan("eval", "Evaluation during training", "mean", ("eval_(reward)", "eval_(answers/correct)")),
            Plan("loss", "Loss", "policy loss", ("loss",), note="near 0 by construction in GRPO: no sign of learning"),
        ),
    ),
    "length": (
        "How long, and does it check itself?",
        (
            Plan(
                "length",
                "Completion length",
                "tokens",
                ("completions/(mean_length)", "completions/(mean_terminated_length)"),
            ),
            Plan(
                "truncated", "Truncated completions", "share", ("completions/(clipped_ratio)", "answers/(truncated)")
            ),
        ),
    ),
    "signal": (
        "Is there a signal?",
        (
            Plan(
                "zero_variance",
                "Groups without variance",
                "share",
                ("frac_reward_zero_std",),
                note="their completions earn the same and teach nothing",
            ),
            Plan("reward_std", "Spread of the reward", "standard deviation", ("reward_std", "rewards/(.+)/std")),
            Plan("entropy", "Entropy", "nats a token", ("entropy",)),
            Plan("kl", "KL to the reference model", "nats a token", ("kl",)),
            Plan("clipped", "Clipped tokens", "share", ("clip_ratio/(.+_mean)", "cispo_clip_ratio")),
            Plan("importance", "Importance ratios", "trainer / sampler", ("sampling/importance_sampling_ratio/(.+)",)),
            Plan(
                "agreement",
                "Trainer and server",
                "|log-prob difference|",
                ("sampling/sampling_logp_difference/(.+)",),
            ),
            Plan("learning_rate", "Learning rate", "", ("learning_rate",)),
            Plan("grad_norm", "Gradient norm", "", ("grad_norm",)),
        ),
    ),
    "cost": (
        "Where do time and memory go?",
        (
            Plan("time", "Where a step's time goes", "seconds a step", ("time/(.+)",), kind="stack"),
            Plan("step_time", "Time of a step", "seconds", ("step_time",)),
            Plan("memory", "Memory of the first process", "GB", ("memory/(.+)_gb",)),
        ),
    ),
    "curriculum": (
        "Curriculum and pool",
        (
            Plan("pool", "Prompt pool", "passes, and share of prompts seen", ("pool/(passes|seen)",)),
            Plan("drawn", "Prompts drawn, by difficulty", "prompts", ("pool/drawn/(.+)",)),
            Plan("pass_rate", "Pass rate, by difficulty", "share", ("pool/pass_rate/(.+)",)),
            Plan("groups", "Groups of a batch", "groups", ("sampling/groups_(generated|kept|informative|filled_up)",)),
            Plan("solved", "Prompts always and never solved", "share", ("sampling/(solved|hopeless)",)),
            Plan("rounds", "Rounds of generation a batch", "rounds", ("sampling/(rounds)",)),
        ),
    ),
}
# Logged, but counters and settings rather than something that happens.
NOT_CHARTED = re.compile(r"step|seconds|epoch|num_tokens|train_.*|total_flos|eval_.*|completions/.*|clip_ratio/.*")


def sections(runs: list[Run]) -> list[Section]:
    """All charts of runs in their sections; what a run logged and no plan names comes under "Other metrics"."""
    found, used = [], set()
    for name, (title, plans) in SECTIONS.items():
        section = Section(name, title)
        for plan in plans:
            if chart := _planned(plan, runs, used):
                section.charts.append(chart)
        if name == "length":
            section.charts[1:1] = [chart for chart in (reward_against_length(runs), checks(runs)) if chart]
        if name == "cost" and (chart := tokens_a_second(runs)):
            section.charts.append(chart)
        found.append(section)
    names = dict.fromkeys(name for run in runs for name in numeric(run.steps) if name not in used)
    rest = [
        Plan(re.sub(r"\W+", "_", name), name, "", (re.escape(name),))
        for name in names
        if not NOT_CHARTED.fullmatch(name)
    ]
    found.append(Section("other", "Other metrics", [chart for plan in rest if (chart := _planned(plan, runs, used))]))
    return [section for section in found if section.charts]


def numeric(frame: pd.DataFrame) -> list[str]:
    """The columns that hold numbers."""
    return [name for name in frame if pd.api.types.is_numeric_dtype(frame[name])]


def _planned(plan: Plan, runs: list[Run], used: set[str]) -> Chart | None:
    series = []
    for run in runs:
        frame = run.evaluations if plan.id == "eval" else run.steps
        for pattern in plan.metrics:
            for name in numeric(frame):
                if match := re.fullmatch(pattern, name):
                    used.add(name)
                    label = match[1] if match.groups() else name
                    series.append(line(run, label, frame[name], several=len(runs) > 1))
    return Chart(plan.id, plan.title, plan.unit, series, plan.kind, note=plan.note) if series else None


def line(run: Run, label: str, values: pd.Series, several: bool) -> Series:
    """A series of values by step; beyond MOST_POINTS it is thinned to means over neighbours."""
    values = values.dropna().astype(float)
    x, y = values.index.to_numpy(float), values.to_numpy()
    if len(y) > MOST_POINTS:
        size = -(-len(y) // MOST_POINTS)
        starts = np.arange(0, len(y), size)
        counts = np.diff([*starts, len(y)])
        x, y = (np.add.reduceat(part, starts) / counts for part in (x, y))
    window, smooth = 1, None
    if len(y) >= SMOOTHED_FROM:
        window = max(5, len(y) // 10 | 1)
        smooth = pd.Series(y).rolling(window, center=True, min_periods=1).mean().to_numpy()
    return Series(f"{run.name}: {label}" if several else label, run.name, x, y, smooth, window)


def reward_against_length(runs: list[Run]) -> Chart | None:
    """A point a step: mean completion length and mean reward."""
    series = []
    for run in runs:
        if {"reward", "completions/mean_length"} <= set(run.steps):
            points = run.steps[["completions/mean_length", "reward"]].dropna()
            if len(points):
                values = points.to_numpy(float)[:: -(-len(points) // MOST_POINTS)]
                series.append(Series(run.name, run.name, values[:, 0], values[:, 1], None, 1))
    if not series:
        return None
    return Chart(
        "reward_against_length", "Reward against length", "reward", series, "points", "completion length in tokens"
    )


def checks(runs: list[Run]) -> Chart | None:
    """Self-validation by step, from the completions on disk."""
    series = []
    for run in runs:
        if len(run.rollouts):
            by_step = run.rollouts.groupby("step")["checks"]
            for label, values in (
                ("passages a completion", by_step.mean()),
                ("share with a passage", by_step.apply(lambda found: (found > 0).mean())),
            ):
                series.append(line(run, label, values, several=len(runs) > 1))
    return Chart("checks", "Self-validation passages", "", series) if series else None


def tokens_a_second(runs: list[Run]) -> Chart | None:
    """Prompt and completion tokens by wall-clock second, all processes together."""
    series = []
    for run in runs:
        if "num_tokens" in run.steps and len(run.steps) > 1:
            seconds = run.steps["seconds"].diff()
            rate = (run.steps["num_tokens"].diff() / seconds.where(seconds > 0)).dropna()
            series.append(line(run, "tokens a second", rate, several=len(runs) > 1))
    return Chart("tokens", "Tokens a second", "prompt and completion tokens", series) if series else None

"""The page: one HTML file that needs nothing else, neither a network nor a server.

What a model wrote is hostile until shown otherwise. It reaches the page compressed in base64 and from there text nodes;
all else goes through the template's escaping; the content security policy lets only the page's own two scripts run and
forbids every request.
"""

import base64
import hashlib
import json
import math
from pathlib import Path

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from open_r1.private import owner_only
from open_r1.report.charts import Chart, Section, Series
from open_r1.report.checks import check, late_rows
from open_r1.report.correlation import changes, over_time, within_groups
from open_r1.report.embedded import GROUP_COLUMNS, HOW, ROW_COLUMNS, VERDICTS, Embedded
from open_r1.report.evaluations import EvaluationRow, evaluation_rows
from open_r1.report.lexicon import LEXICON, SOURCE
from open_r1.report.run import Run

ASSETS = Path(__file__).parent / "assets"


def write_page(path: Path, runs: list[Run], sections: list[Section], embedded: Embedded) -> None:
    """Write the page, readable by its owner alone, since it holds the completions."""
    environment = Environment(
        loader=FileSystemLoader(ASSETS), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    plotly = get_plotlyjs()
    script = "".join((ASSETS / name).read_text(encoding="utf-8") for name in ("charts.js", "completions.js"))
    shown = [shown_run(run) for run in runs]
    types = {f"group_{name}": kind for name, kind in GROUP_COLUMNS.items()}
    types |= {f"row_{name}": kind for name, kind in ROW_COLUMNS.items()}
    data = {
        "charts": {chart.id: chart_data(chart) for section in sections for chart in section.charts},
        "columns": types,
        "runs": [run.name for run in runs],
        "splits": ["training", "evaluation"],
        "sources": embedded.sources,
        "verdicts": VERDICTS,
        "how": HOW,
        "lexicon": SOURCE,
    }
    text = environment.get_template("page.html").render(
        title=" and ".join(run.name for run in runs),
        runs=shown,
        sections=sections,
        warnings=sum(finding["state"] == "warning" for run in shown for finding in run["findings"]),
        has_completions=embedded.rows > 0,
        completion_notes=completion_notes(runs, embedded),
        differing=differing_keys(runs),
        lexicon=LEXICON,
        columns={name: Markup(packed) for name, packed in embedded.columns.items()} if embedded.rows else {},
        chunks=map(Markup, embedded.chunks),
        data=data,
        plotly=Markup(plotly),
        script=Markup(script),
        style=Markup((ASSETS / "page.css").read_text(encoding="utf-8")),
        policy=policy(plotly, script),
    )
    fresh = path.with_name(f".{path.name}.new")
    with open(fresh, "w", encoding="utf-8", opener=owner_only) as file:
        file.write(text)
    fresh.rename(path)


def policy(*scripts: str) -> str:
    """The content security policy: these scripts by their hash, styles and pictures of the page itself, nothing else."""
    hashes = " ".join(
        f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'" for script in scripts
    )
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )


# ---- charts as data


def chart_data(chart: Chart) -> dict:
    """A chart as JSON."""
    series = [
        {"label": one.label, "run": one.run, "x": rounded(one.x), "y": rounded(one.y), "smooth": _smooth(one)}
        for one in chart.series
    ]
    return {"kind": chart.kind, "unit": chart.unit, "x_title": chart.x_title, "series": series}


def _smooth(series: Series) -> list | None:
    return None if series.smooth is None else rounded(series.smooth)


def rounded(values: np.ndarray) -> list[float | None]:
    """Five significant digits, and null for what is no number."""
    return [float(f"{value:.5g}") if math.isfinite(value) else None for value in values.tolist()]


# ---- a run in words


def shown_run(run: Run) -> dict:
    """What the template says of one run."""
    late = int(late_rows(run)["step"].min()) if len(run.rollouts) else 0
    findings = []
    for finding in check(run):
        filters = {"step-from": late} | {_CONTROLS.get(name, name): value for name, value in finding.show.items()}
        if "verdict" in filters:
            filters["verdict"] = VERDICTS.index(filters["verdict"])
        if "how" in filters:
            filters["how"] = HOW.index(filters["how"])
        findings.append(vars(finding) | {"show": filters if finding.show else {}})
    return {
        "name": run.name,
        "status": run.status,
        "notes": run.notes,
        "tiles": tiles(run),
        "findings": findings,
        "correlations": correlations(run),
        "evaluations": [evaluation_cells(row) for row in evaluation_rows(run)],
        "description": description(run),
    }


_CONTROLS = {"extracted": "letter"}


def tiles(run: Run) -> list[tuple[str, str, str]]:
    """The numbers to look at first: name, value, and what it is."""
    found = []

    def moved(title: str, metric: str, form: str, more: str) -> None:
        if metric in run.steps and run.steps[metric].notna().any():
            values = run.steps[metric].dropna()
            few = max(1, min(5, len(values) // 10))
            first, last = values.iloc[:few].mean(), values.iloc[-few:].mean()
            steps = f"first and last {few} logged steps" if few > 1 else "first and last logged step"
            found.append((title, f"{first:{form}} → {last:{form}}", f"{more}, {steps}" if more else steps))

    moved("Reward", "reward", ".3g", "")
    moved("Right answers", "answers/correct", ".1%", "")
    moved("Completion length", "completions/mean_length", ".0f", "tokens")
    moved("Groups without variance", "frac_reward_zero_std", ".0%", "")
    if "reward" not in run.steps:
        moved("Loss", "loss", ".3g", "")
    if len(run.rollouts):
        checked = (run.rollouts["checks"] > 0).mean()
        found.append(("Self-validation", f"{checked:.1%}", "of completions have a passage"))
    if len(run.steps) > 1:
        seconds = run.steps["seconds"].diff()
        found.append(("Time of a step", f"{seconds.median():.3g} s", "median between logs"))
    return found


def correlations(run: Run) -> list[tuple[str, str, str]]:
    """Reward and completion length: over time, step to step, and within groups."""
    found = []
    if {"reward", "completions/mean_length"} <= set(run.steps):
        series = [run.steps[name].to_numpy(float) for name in ("reward", "completions/mean_length")]
        for what, function in (("over time", over_time), ("of their changes from step to step", changes)):
            if result := function(*series):
                found.append((what, str(result), f"{result.count:,} steps"))
    if len(run.rollouts) and run.rollouts["tokens"].notna().all():
        groups = run.rollouts.groupby(["step", "group"], sort=False).ngroup().to_numpy()
        values = [run.rollouts[name].to_numpy(float) for name in ("reward", "tokens")]
        if result := within_groups(*values, groups):
            found.append(("between completions of a prompt", str(result), f"{result.count:,} divided groups"))
    return found


def evaluation_cells(row: EvaluationRow) -> dict:
    """An evaluation's row of the table."""
    found, difference = row.accuracy, ""
    if row.difference:
        change = row.difference
        difference = (
            f"{100 * change['difference']:+.1f} [{100 * change['low']:+.1f}, {100 * change['high']:+.1f}], "
            f"p = {change['p']:.2g}"
        )
    return {
        "what": row.what,
        "stage": row.stage,
        "accuracy": f"{100 * found.value:.1f} [{100 * found.low:.1f}, {100 * found.high:.1f}]",
        "rows": f"{found.rows:,}",
        "questions": f"{found.clusters:,}",
        "difference": difference,
    }


def description(run: Run) -> list[tuple[str, str]]:
    """run.json in parts to open."""
    if run.description is None:
        return []
    titles = {
        "command": "Command",
        "starts": "Starts",
        "recipe": "Recipe (keys that differ from their defaults)",
        "data": "Data",
        "versions": "Versions",
        "hardware": "Hardware",
    }
    return [(title, as_text(run.description[name])) for name, title in titles.items() if name in run.description]


def as_text(value) -> str:
    """A value as indented JSON, a text as it is."""
    return value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)


def differing_keys(runs: list[Run]) -> list[tuple[str, list[str]]]:
    """The recipe keys in which runs differ, with each run's value."""
    if len(runs) < 2:
        return []
    keys = dict.fromkeys(key for run in runs for key in run.recipe)
    rows = [(key, [as_text(run.recipe.get(key, "(default)")) for run in runs]) for key in keys]
    return [(key, values) for key, values in rows if len(set(values)) > 1]


def completion_notes(runs: list[Run], embedded: Embedded) -> list[str]:
    """What is not on the page, and why."""
    notes = []
    for run in runs:
        if run.recipe.get("log_completions") is False:
            notes.append(f"{run.name}: log_completions is false, so no completions were kept.")
        elif not len(run.rollouts) and not len(run.eval_rollouts):
            notes.append(f"{run.name}: there are no completions in the run folder.")
        if run.recipe.get("log_completions_redaction"):
            notes.append(f"{run.name}: texts are redacted by {run.recipe['log_completions_redaction']}.")
        for split, rows in run.skipped.items():
            notes.append(
                f"{run.name}: {rows:,} completions of {split} were not kept, to stay within log_completions_max_mb."
            )
    if embedded.kept < embedded.total:
        notes.append(
            f"The page holds {embedded.kept:,} of {embedded.total:,} groups ({embedded.rows:,} completions), evenly over the "
            "run: all would make it too large to open. Charts and warnings come from all."
        )
    return notes

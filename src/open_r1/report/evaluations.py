"""Evaluation before and after, from what lies in the run folder: results of `make evaluate`, and the run's own.

make evaluate MODEL=BASE      OUTPUT_DIR=RUN/evaluation/before ...
make evaluate MODEL=RUN       OUTPUT_DIR=RUN/evaluation/after ...
"""

import importlib.util
import json
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from open_r1.evaluation.statistics import Estimate, Outcome, compare, estimate
from open_r1.report.run import EVALUATION, Run


@dataclass(frozen=True)
class EvaluationRow:
    """One evaluation: accuracy from 0 to 1 with its 95% interval over questions."""

    what: str
    stage: str
    accuracy: Estimate
    difference: dict | None = None
    """To the one before on the same questions, as statistics.compare gives it; None where there is none."""
    note: str = ""


def evaluation_rows(run: Run) -> list[EvaluationRow]:
    """Every evaluation in a run folder, those of one benchmark together, the base model's first."""
    return [*_benchmarks(run), *_own(run)]


def _benchmarks(run: Run) -> list[EvaluationRow]:
    found = []
    for path in sorted((run.folder / EVALUATION).rglob("results.json")):
        for result in json.loads(path.read_text(encoding="utf-8")):
            what = f"{result['benchmark']} ({result['preset']})"
            estimated = Estimate(**result["accuracy"])
            found.append((what, _stage(run, result["model"]), estimated, path.parent / "logs" / result["log"]))
    found.sort(key=lambda row: (row[0], ("before", "after").index(row[1]) if row[1] in ("before", "after") else 2))
    rows, base = [], None
    for what, stage, estimated, log in found:
        difference = None
        if stage == "before":
            base = what, log
        elif base and base[0] == what and log.exists() and base[1].exists():
            difference = _difference(log, base[1])
        rows.append(EvaluationRow(what, stage, estimated, difference))
    return rows


def _stage(run: Run, model: str) -> str:
    if Path(model).resolve() == run.folder.resolve():
        return "after"
    return "before" if model == run.recipe.get("model_name_or_path") else Path(model).name


def _difference(log: Path, base: Path) -> dict | None:
    if importlib.util.find_spec("inspect_ai") is None:
        return None
    from open_r1.evaluation.results import read_result  # takes seconds to import

    return compare(read_result(log).outcomes, read_result(base).outcomes)


def _own(run: Run) -> list[EvaluationRow]:
    """The run's evaluations of its first and last evaluated step, from the completions on disk."""
    rows = run.eval_rollouts
    if not len(rows) or rows["correct"].isna().all():
        return []
    first, last = rows["step"].min(), rows["step"].max()
    found = []
    for step in dict.fromkeys((first, last)):
        mine = _outcomes(rows[rows["step"] == step])
        accuracy = estimate([float(one.correct) for one in mine], [one.cluster for one in mine])
        difference = None
        if step != first:
            before = _outcomes(rows[rows["step"] == first])
            if {one.id for one in before} == {one.id for one in mine}:
                difference = compare(mine, before)
        found.append(EvaluationRow("evaluation during training", f"step {step}", accuracy, difference))
    return found


def _outcomes(rows: pd.DataFrame) -> list[Outcome]:
    """Rollouts as outcomes; without ids of questions each group is one of its own."""
    names = rows["id"] if rows["id"].notna().all() else rows["group"].astype(str)
    pairs = zip(names, rows["correct"].astype(bool), strict=True)
    return [Outcome(name, name, 1, right, True, False, False, False, None) for name, right in pairs]

"""A run folder read: metrics, completions, evaluations and what the run was, finished, running or crashed."""

import json
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd
import pyarrow.compute as pc
import pyarrow.parquet as pq

from open_r1.completions import FOLDER, REWARD, parts
from open_r1.questions import DataError
from open_r1.report.lexicon import count_passages
from open_r1.run_description import DESCRIPTION, QUESTIONS, question_fingerprints

RUNNING_WITHIN = 120.0  # seconds since the last log, or ten times the time between logs if that is longer
EVALUATION = "evaluation"
TEXTS = ("prompt", "completion")
MOST_TEXTS = 2000


@dataclass
class Run:
    """One run folder. `metrics` has a row a log, in order; `description` is None for runs that left no run.json."""

    folder: Path
    name: str
    metrics: pd.DataFrame
    description: dict | None
    notes: list[str]
    """What could not be read and why, for the page."""

    @cached_property
    def steps(self) -> pd.DataFrame:
        """The logs of training steps, one row a step, indexed by step."""
        if "loss" not in self.metrics:
            return pd.DataFrame(index=pd.Index([], name="step"))
        rows = self.metrics[self.metrics["loss"].notna()]
        return rows.drop_duplicates("step", keep="last").set_index("step").dropna(axis=1, how="all")

    @cached_property
    def evaluations(self) -> pd.DataFrame:
        """The logs of evaluations during the run, indexed by step."""
        names = [name for name in self.metrics if name.startswith("eval_")]
        if not names:
            return pd.DataFrame(index=pd.Index([], name="step"))
        rows = self.metrics[self.metrics[names].notna().any(axis=1)]
        return rows.drop_duplicates("step", keep="last").set_index("step")[names]

    @cached_property
    def rollouts(self) -> pd.DataFrame:
        """Every training completion without its texts, plus `checks` (self-validation passages) and `characters`."""
        return _numbers(self.folder, "train")

    @cached_property
    def eval_rollouts(self) -> pd.DataFrame:
        """The same of evaluations."""
        return _numbers(self.folder, "eval")

    @property
    def recipe(self) -> dict:
        """The recipe's keys as far as they differ from the defaults."""
        return self.description["recipe"] if self.description else {}

    @property
    def status(self) -> str:
        """Finished, running, or stopped, and at which step."""
        last = int(self.metrics["step"].max()) if len(self.metrics) else 0
        results = self.folder / "train_results.json"
        # An earlier run in the same folder has left one too.
        started = (self.folder / DESCRIPTION).stat().st_mtime if self.description else 0.0
        if results.exists() and results.stat().st_mtime >= started:
            return f"finished after step {last}"
        seconds = self.metrics["seconds"] if len(self.metrics) else pd.Series(dtype=float)
        pause = seconds.diff().median() if len(seconds) > 1 else 0.0
        age = time.time() - (self.folder / "metrics.jsonl").stat().st_mtime
        if age < max(RUNNING_WITHIN, 10 * pause):
            return f"running, at step {last}"
        return f"stopped at step {last} before its end"

    @cached_property
    def skipped(self) -> Counter:
        """Rows of generations that were not kept on disk, by split."""
        path, rows = self.folder / FOLDER / "skipped.jsonl", Counter()
        if path.exists():
            for row in _json_lines(path, []):
                rows[row["split"]] += row["rows"]
        return rows

    @cached_property
    def questions(self) -> pd.DataFrame:
        """Which questions the run trains on and could evaluate on (see run_description.py); empty when unknown."""
        path = self.folder / QUESTIONS
        if not path.exists():
            return pd.DataFrame(columns=["use", "source", "id", "with_options", "with_answer"])
        return pd.read_parquet(path)

    @cached_property
    def evaluated_questions(self) -> dict[str, pd.DataFrame]:
        """The questions of the evaluation logs in the folder, by benchmark, in the columns of `questions`."""
        columns = ["use", "source", "id", "with_options", "with_answer"]
        return {
            name: pd.DataFrame([(name, q.source, q.id, *question_fingerprints(q)) for q in asked], columns=columns)
            for name, asked in _evaluated(self.folder).items()
        }

    @cached_property
    def late_texts(self) -> list[dict]:
        """At most MOST_TEXTS completions of the last third of the steps with their prompts, spread evenly over it.

        `cluster` names the group of each.
        """
        files = parts(self.folder, "train")
        files = files[-(len(files) // 3) :] if len(files) >= 3 else files
        names = ["step", "group", "prompt", "completion", "reference", "extracted", "how", "correct", "truncated"]
        every = max(1, -(-sum(pq.read_metadata(file).num_rows for file in files) // MOST_TEXTS))
        if len(files) > every:
            files, every = files[::every], 1
        rows = [row for file in files for row in pq.read_table(file, columns=names).to_pylist()][::every]
        return [row | {"cluster": f"{row['step']}/{row['group']}"} for row in rows]


def read_run(folder: Path) -> Run:
    """A run folder; raises DataError when it is none."""
    path = folder / "metrics.jsonl"
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder; give the output_dir of a run")
    if not path.is_file():
        raise DataError(f"{folder}: not a run folder, or one before its first log: there is no metrics.jsonl in it")
    notes: list[str] = []
    rows = list(_json_lines(path, notes))
    metrics = pd.DataFrame(rows or [{"step": 0, "seconds": 0.0}])
    description = None
    if (folder / DESCRIPTION).exists():
        description = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
    else:
        notes.append(f"no {DESCRIPTION}: recipe, data, versions and hardware of this run are not known")
    return Run(folder, folder.resolve().name, metrics, description, notes)


def read_runs(folders: Iterable[Path]) -> list[Run]:
    """Run folders, with names that tell them apart."""
    runs = [read_run(folder) for folder in folders]
    for run in runs:
        if sum(other.name == run.name for other in runs) > 1:
            run.name = run.folder.as_posix()
    return runs


def _json_lines(path: Path, notes: list[str]) -> Iterable[dict]:
    """The objects of a file to which a run may be writing: a broken last line is what a killed run leaves."""
    lines = path.read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines, 1):
        try:
            yield json.loads(line)
        except json.JSONDecodeError as error:
            if number < len(lines):
                raise DataError(f"{path}:{number}: not a JSON object ({error}); is this a run's file?") from None
            notes.append(f"the last line of {path.name} is broken off and left out")


def _numbers(folder: Path, split: str) -> pd.DataFrame:
    frames = []
    for path in parts(folder, split):
        file = pq.ParquetFile(path)
        kept = [name for name in file.schema_arrow.names if name not in TEXTS]
        table = file.read([*kept, "completion"])
        frame = table.select(kept).to_pandas()
        frame["checks"] = count_passages(table["completion"]).to_pandas()
        frame["characters"] = pc.utf8_length(table["completion"]).to_pandas()
        frames.append(frame)
    if not frames:
        return pd.DataFrame(columns=["step", "group", "reward", "tokens", "correct", "extracted", "how", "checks"])
    return pd.concat(frames, ignore_index=True)


def reward_names(frame: pd.DataFrame) -> list[str]:
    """The rewards of a table of rollouts."""
    return [name.removeprefix(REWARD) for name in frame if name.startswith(REWARD)]


def _evaluated(folder: Path) -> dict[str, list]:
    """The questions of each evaluation log in a run folder, by benchmark."""
    logs = sorted((folder / EVALUATION).rglob("*.eval"))
    if not logs:
        return {}
    from inspect_ai.log import read_eval_log  # takes seconds to import

    from open_r1.questions.prepared import question_from_row

    found = {}
    for path in logs:
        log = read_eval_log(str(path), resolve_attachments=True)
        name = (log.eval.metadata or {}).get("benchmark", path.name)
        samples = [sample for sample in log.samples or [] if "question" in sample.metadata]
        found[name] = [question_from_row(sample.metadata["question"]) for sample in samples]
    return found

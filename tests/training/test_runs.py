"""Real runs of the entry points with a tiny model: what a run leaves in its folder, resume, refusals."""

import json
import os
import signal
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import pandas
import pytest
from torch import distributed
from transformers import AutoModelForCausalLM

from open_r1 import faults, run_setup
from open_r1.questions import Question
from open_r1.questions.prepared import write_prepared

ROOT = Path(__file__).parents[2]

SFT_ONLY = dict.fromkeys(
    (
        "reward_funcs",
        "reward_args",
        "num_generations",
        "max_completion_length",
        "log_completions",
        "num_completions_to_print",
    )
)


def metrics(folder) -> list[dict]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def check_run(folder, completions: int):
    """The folder of a finished GRPO run of three steps holds a loadable model, its metrics and every rollout."""
    AutoModelForCausalLM.from_pretrained(folder)
    steps = [row for row in metrics(folder) if "reward" in row]
    assert [row["step"] for row in steps] == [1, 2, 3]
    assert all(row["completions/mean_length"] > 0 for row in steps)
    table = pandas.read_parquet(folder / "completions" / "train")
    assert list(table["step"].value_counts().sort_index()) == [completions] * 3
    assert {"prompt", "completion", "rewards/accuracy_reward", "extracted", "how", "correct"} <= set(table)


def test_grpo_runs_to_the_end_and_resumes(launch, tmp_path):
    result = launch("grpo", fresh=True)
    assert result.returncode == 0, result.stderr[-3000:]
    check_run(tmp_path / "run", completions=8)
    assert "20 of 20 kept" in result.stdout and "reward=" in result.stderr

    resumed = launch("grpo", "--max_steps", "4")
    assert resumed.returncode == 0, resumed.stderr[-3000:]
    assert "resuming from" in resumed.stdout and "checkpoint-3" in resumed.stdout
    assert [row["step"] for row in metrics(tmp_path / "run") if "reward" in row] == [1, 2, 3, 4]


@pytest.mark.slow
def test_grpo_runs_on_two_zero3_processes(launch, tmp_path):
    result = launch("grpo", processes=2)
    assert result.returncode == 0, result.stderr[-3000:]
    check_run(tmp_path / "run", completions=16)


def test_sft_runs_to_the_end(launch, tmp_path):
    rows = tmp_path / "traces.jsonl"
    messages = [{"role": "user", "content": "Which?"}, {"role": "assistant", "content": "<answer>B</answer>"}]
    rows.write_text((json.dumps({"messages": messages}) + "\n") * 16)
    result = launch(
        "sft",
        dataset_name=str(rows),
        system_prompt="Answer.",
        max_length=256,
        **SFT_ONLY | {"max_prompt_length": None},
    )
    assert result.returncode == 0, result.stderr[-3000:]
    losses = [row["loss"] for row in metrics(tmp_path / "run") if "loss" in row]
    assert len(losses) == 3 and losses[-1] < losses[0]
    AutoModelForCausalLM.from_pretrained(tmp_path / "run")


def test_a_users_reward_module_wins_over_ours_of_the_same_name(launch, tmp_path):
    (tmp_path / "rewards.py").write_text("def seven(completions, **kwargs):\n    return [7.0] * len(completions)\n")
    result = launch("grpo", fresh=True, reward_funcs=["rewards.seven"], reward_args=None, max_steps=1)
    assert result.returncode == 0, result.stderr[-3000:]
    assert metrics(tmp_path / "run")[0]["rewards/seven/mean"] == 7.0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"dataset_name": "./data/nowhere"}, "dataset ./data/nowhere is not there. Prepare it with"),
        ({"model_name_or_path": "./nowhere"}, "model_name_or_path: ./nowhere is not a folder"),
        ({"max_prompt_length": 3}, "every prompt is longer"),
        ({"gradient_accumulation_steps": 64}, "20 prompts, but a generation batch holds 64"),
        ({"eval_strategy": "steps"}, "eval_strategy needs the split `test`"),
        ({"attn_implementation": "flash_attention_2"}, "flash-attn is not installed"),
        ({"resume_from_checkpoint": "./nowhere"}, "resume_from_checkpoint: ./nowhere is not a folder"),
        ({"dataset_prompt_column": "query"}, "no column holds a prompt: looked for query"),
        ({"leerning_rate": 1}, "unknown key `leerning_rate`. Did you mean `learning_rate`?"),
    ],
)
def test_bad_input_is_one_line_and_exit_2(launch, tmp_path, changes, message):
    result = launch("grpo", **changes)
    assert result.returncode == 2
    assert message in result.stderr and "Traceback" not in result.stderr
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("stopped", [False, True], ids=["done", "stopped by a signal"])
def test_processes_that_end_together_leave_their_group(tmp_path, monkeypatch, stopped):
    """gloo's threads abort a process that ends with its group: a run that is done would count as failed."""
    rows = tmp_path / "rows.jsonl"
    rows.write_text(json.dumps({"messages": [{"role": "user", "content": "?"}]}) + "\n")
    flags = ["--model_name_or_path", "./model", "--dataset_name", str(rows), "--output_dir", str(tmp_path / "run")]
    monkeypatch.setattr(sys, "argv", ["sft.py", *flags, "--use_cpu", "true", "--bf16", "false", "--report_to", "none"])
    in_group = []

    def main(*_):
        distributed.init_process_group("gloo", store=distributed.HashStore(), rank=0, world_size=1)
        in_group.append(distributed.is_initialized())
        if stopped:
            raise faults.Preempted("stopped")

    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit) if stopped else nullcontext() as ended:
        run_setup.run("sft", main)
    # The launcher's SIGTERM to those that are slower to end must not change their code.
    assert signal.signal(signal.SIGTERM, before) == (signal.SIG_IGN if stopped else before)
    assert in_group == [True] and not distributed.is_initialized()
    assert not stopped or ended.value.code == faults.PREEMPTED


@pytest.mark.slow
def test_trls_own_command_trains_on_a_prepared_folder_with_our_rewards(tmp_path, tiny_model):
    questions = [Question(str(i), "own", "train", f"{i}?", {"A": "x", "B": "y"}, "AB"[i % 2]) for i in range(8)]
    (tmp_path / "prepared").mkdir()
    write_prepared(tmp_path / "prepared", {"train": questions, "test": questions[:2]})
    command = [sys.executable, "-m", "trl.cli.main", "grpo", "--dataset_name", str(tmp_path / "prepared")]
    command += ["--reward_funcs", "open_r1.rewards.accuracy_reward", "open_r1.rewards.format_reward"]
    command += ["--model_name_or_path", str(tiny_model), "--output_dir", str(tmp_path / "run"), "--max_steps", "1"]
    command += ["--num_generations", "2", "--per_device_train_batch_size", "4", "--max_completion_length", "16"]
    command += ["--use_cpu", "true", "--bf16", "false", "--logging_steps", "1"]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT / "src"), "HF_HUB_OFFLINE": "1"}
    result = subprocess.run(command, capture_output=True, text=True, timeout=300, env=environment, cwd=tmp_path)
    assert result.returncode == 0, result.stderr[-3000:]
    assert "rewards/accuracy_reward/mean" in result.stdout + result.stderr

"""Faults while a run trains, injected for real: what it says, its exit code, and that its last checkpoint stays whole."""

import json
import signal

import pytest
from mounts import tmpfs

from open_r1 import faults
from open_r1.training.checkpoints import STATE, checkpoints_in, damage


def told(run, code: int) -> str:
    """What the run said when it ended with `code`, in one paragraph and without a traceback."""
    assert run.code == code, run.said[-3000:]
    said = run.said
    assert "Traceback" not in said, said[-3000:]
    assert code == faults.PREEMPTED or said.count("error: ") == 1, said[-3000:]
    return said


def nothing_is_torn(run) -> None:
    assert all(damage(checkpoint) is None for checkpoint in checkpoints_in(run.output))


REWARD = """
def late(completions, trainer_state, **kwargs):
    values = [float(len(text[-1]["content"])) for text in completions]
    return {fault} if trainer_state.global_step == 2 else values
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("1 / 0", "reward `late` raised ZeroDivisionError: division by zero (brevity.py:4)"),
        ("[float('nan')] + values[1:]", "reward `late` returned nan for completion 0 of its batch"),
        ("values[1:]", "returned 3 values for 4 completions"),
        ("None", "returned None where a list of 4 numbers is expected"),
        ("['good'] + values[1:]", "returned 'good' for completion 0"),
        ("values[:-1] + [float('inf')]", "returned inf for completion 3"),
    ],
)
def test_a_reward_that_breaks_its_contract(start, tmp_path, fault, message):
    (tmp_path / "brevity.py").write_text(REWARD.format(fault=fault))
    run = start("grpo", reward_funcs=["brevity.late"], reward_args=None, gradient_accumulation_steps=1)
    said = told(run, faults.FAULT)
    assert message in said and "checkpoint-2 is as it was: the same command goes on from there" in said
    nothing_is_torn(run)


def test_a_reward_mended_goes_on_where_it_broke(start, tmp_path):
    (tmp_path / "brevity.py").write_text(REWARD.format(fault="1 / 0"))
    changes = {"reward_funcs": ["brevity.late"], "reward_args": None, "gradient_accumulation_steps": 1}
    assert start("grpo", **changes).code == faults.FAULT
    (tmp_path / "brevity.py").write_text(REWARD.format(fault="values"))
    run = start("grpo", **changes)
    assert run.code == 0 and run.steps() == [1, 2, 3, 4]


def test_a_gradient_that_is_not_finite(start):
    run = start("sft", learning_rate=1e30, max_grad_norm=0.0)
    said = told(run, faults.FAULT)
    assert "the gradient's norm is " in said and "Lower learning_rate" in said
    nothing_is_torn(run)


@pytest.mark.slow
def test_weights_that_compute_nan(start, tmp_path, tiny_model):
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(tiny_model)
    with torch.no_grad():
        model.lm_head.weight.fill_(float("nan"))
    model.save_pretrained(tmp_path / "nan")
    AutoTokenizer.from_pretrained(tiny_model).save_pretrained(tmp_path / "nan")
    said = told(start("grpo", model_name_or_path=str(tmp_path / "nan")), faults.FAULT)
    assert "the model computes NaN" in said and "No checkpoint had been written yet" in said


@pytest.mark.slow
def test_out_of_memory(start):
    big = {"per_device_train_batch_size": 512, "num_generations": 512, "max_completion_length": 512}
    said = told(start("grpo", **big, process={"address_space": 600 * 1024**2}), faults.FAULT)
    assert "out of memory" in said and "lower per_device_train_batch_size" in said


@pytest.mark.slow
def test_a_full_disk_while_checkpoints_are_written(start, tmp_path):
    with tmpfs(tmp_path / "disk", "2m"):
        run = start("sft", output_dir=str(tmp_path / "disk/run"), save_total_limit=None, max_steps=40)
        said = told(run, faults.FAULT)
        assert "is full" in said and "save_total_limit" in said and "is as it was" in said
        nothing_is_torn(run)
        # The remedy: what the run itself can do without is gone, and the same command ends well.
        again = start("sft", output_dir=str(tmp_path / "disk/run"), save_total_limit=1, max_steps=40)
        assert again.code == 0 or "is full" in again.said
        nothing_is_torn(again)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1])
@pytest.mark.parametrize("task", ["sft", "grpo"])
def test_told_to_stop_it_writes_a_checkpoint_and_goes_on_later(start, task, number):
    run = start(task, save_steps=1000)
    run.wait_for_step(1)
    run.send(number)
    said = told(run, faults.PREEMPTED)
    (checkpoint,) = run.checkpoints()
    assert f"{number.name}: writing a checkpoint" in said and f"{checkpoint} is written" in said
    nothing_is_torn(run)
    again = start(task, save_steps=1000)
    assert again.code == 0 and f"resuming from {run.output}/{checkpoint}" in again.said
    assert again.steps() == list(range(1, again.steps()[-1] + 1))


@pytest.mark.slow
def test_told_twice_it_stops_at_once(start):
    run = start("grpo", max_completion_length=400, max_steps=50)
    run.wait_for_step(1)
    for _ in range(2):
        run.send(signal.SIGTERM)
        run._wait(lambda: "writing a checkpoint" in run.said)
    assert run.code == -signal.SIGTERM
    nothing_is_torn(run)


def test_ctrl_c_is_one_line(start):
    run = start("sft", max_steps=1000)
    run.wait_for_step(2)
    run.send(signal.SIGINT)
    assert run.code == faults.INTERRUPTED
    assert "Traceback" not in run.said and "interrupted. " in run.said and "the same command goes on" in run.said


@pytest.mark.slow
def test_the_state_in_a_checkpoint_does_not_grow_with_every_step(start):
    run = start("sft", max_steps=230, save_steps=230)
    assert run.code == 0, run.said[-3000:]
    (checkpoint,) = checkpoints_in(run.output)
    kept = [row["step"] for row in json.loads((checkpoint / STATE).read_text())["log_history"]]
    assert kept == [*range(1, 101), *range(131, 231)] and run.steps() == list(range(1, 231))

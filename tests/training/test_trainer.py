"""The trainer beside TRL's own: equal where nothing is asked of it, exact after a resume, full batches where it filters."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import small_run

ROOT = Path(__file__).parents[2]

SHAPES = {
    "one batch a step": {},
    "accumulation": {"per_device_train_batch_size": 2, "gradient_accumulation_steps": 2, "steps_per_generation": 4},
    "two iterations": {"num_iterations": 2},
    "in the file's order": {"shuffle_dataset": False},
}


@pytest.fixture
def train(tmp_path, tiny_model):
    """Train in a folder by name, in this process."""

    def run(name: str, **arguments) -> dict:
        return small_run.train(str(tmp_path / name), model=str(tiny_model), **arguments)

    return run


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_the_pool_in_trls_order_is_trl_bit_for_bit(train, shape):
    """Six steps over eight prompts of which four fill a batch: into the third epoch."""
    stock = train("stock", stock=True, max_steps=6, **shape)
    ours = train("ours", max_steps=6, **shape)
    assert ours["rollouts"] == stock["rollouts"] and ours["weights"] == stock["weights"]
    assert [row.get("reward") for row in ours["log"]] == [row.get("reward") for row in stock["log"]]
    # One round keeps every group, so that collecting and replaying changes nothing either.
    replayed = train("replayed", max_steps=6, dynamic_sampling={"max_rounds": 1, "reward": "odd"}, **shape)
    assert replayed["rollouts"] == stock["rollouts"] and replayed["weights"] == stock["weights"]
    assert replayed["tokens"] == stock["tokens"]


CURRICULA = {
    "fixed": {"strategy": "fixed", "reward": "odd"},
    "phases": {"strategy": "phases", "reward": "odd"},
    "mix": {"strategy": "mix", "reward": "odd", "share": {"easy": 0.5, "hard": 0.5}},
    "adaptive": {"strategy": "adaptive", "reward": "odd"},
}


@pytest.mark.parametrize("dynamic", [None, {"max_rounds": 3, "reward": "odd"}], ids=["all groups", "dynamic"])
@pytest.mark.parametrize("curriculum", CURRICULA.values(), ids=CURRICULA)
def test_a_resumed_run_equals_an_uninterrupted_one(train, tmp_path, curriculum, dynamic):
    """Resumed in the second epoch, which TRL would begin with the first one's order."""
    common = {"curriculum": curriculum, "dynamic_sampling": dynamic, "data": {"dead": 3, "graded": True}}
    whole = train("whole", save_strategy="steps", save_steps=1, max_steps=5, **common)
    resumed = train("resumed", max_steps=5, resume=str(tmp_path / "whole" / "checkpoint-3"), **common)
    assert resumed["rollouts"] == {step: rows for step, rows in whole["rollouts"].items() if step > 3}
    assert resumed["weights"] == whole["weights"]
    assert resumed["log"][-2]["pool/passes"] == whole["log"][-2]["pool/passes"]
    assert resumed["log"][-2]["sampling/groups_generated_total"] == whole["log"][-2]["sampling/groups_generated_total"]


def test_a_save_inside_a_generation_is_moved_to_its_end_and_resumes_exactly(train, tmp_path):
    shape = {"per_device_train_batch_size": 2, "steps_per_generation": 3, "num_generations": 2, "max_steps": 8}
    whole = train("whole", save_strategy="steps", save_steps=2, **shape)
    saved = sorted(int(path.name.partition("-")[2]) for path in (tmp_path / "whole").glob("checkpoint-*"))
    # 2 and 4 are moved, 6 is due, and 8 ends the run.
    assert saved == [3, 6, 8]
    assert [text.partition(":")[0] for text in whole["said"]] == ["step 2", "step 4"]
    resumed = train("resumed", resume=str(tmp_path / "whole" / "checkpoint-3"), **shape)
    assert resumed["weights"] == whole["weights"] and not resumed["said"]

    longer = train("longer", resume=str(tmp_path / "whole" / "checkpoint-8"), **shape | {"max_steps": 9})
    assert "not the run that would have gone on" in longer["said"][0]


def test_a_finished_run_started_again_trains_no_step_more(train, tmp_path):
    whole = train("whole", save_strategy="steps", save_steps=2)
    again = train("again", resume=str(tmp_path / "whole" / "checkpoint-4"))
    assert again["weights"] == whole["weights"] and not again["rollouts"]


def test_dynamic_sampling_fills_the_batch_with_groups_that_differ(train):
    common = {"data": {"dead": 4}, "max_steps": 6, "max_completion_length": 4}
    plain = train("plain", **common)
    dynamic = train("dynamic", dynamic_sampling={"max_rounds": 20, "reward": "odd"}, **common)

    def mixed(run: dict) -> list[bool]:
        rewards = [[reward for *_, reward in rows] for rows in run["rollouts"].values()]
        return [step[place] != step[place + 1] for step in rewards for place in range(0, len(step), 2)]

    assert all(mixed(dynamic)) and not all(mixed(plain))
    for row in dynamic["log"][:-1]:
        assert row["sampling/groups_kept"] == 2 and row["sampling/groups_filled_up"] == 0
        assert row["sampling/groups_generated"] >= row["sampling/groups_informative"] >= 2
        # Pairs that differ hold one right completion of two; all rollouts hold fewer, half of the rows being dead.
        assert row["rewards/odd/mean"] == 0.5
    assert sum(row["sampling/hopeless"] for row in dynamic["log"][:-1]) > 0
    assert dynamic["log"][-2]["sampling/groups_generated_total"] == sum(
        row["sampling/groups_generated"] for row in dynamic["log"][:-1]
    )


def test_at_the_cap_the_batch_is_filled_up_and_accuracy_alone_moves_nothing(train):
    """Rows that no completion passes: with the accuracy reward alone the gradient is 0."""
    common = {"data": {"dead": 8}, "max_steps": 2, "reward_weights": [1.0, 0.0]}
    run = train("run", dynamic_sampling={"max_rounds": 3, "reward": "odd"}, **common)
    for row in run["log"][:-1]:
        assert row["sampling/rounds"] == 3 and row["sampling/groups_generated"] == 6
        assert row["sampling/groups_filled_up"] == 2 and row["grad_norm"] == 0 and row["sampling/hopeless"] == 1


@pytest.mark.slow
@pytest.mark.parametrize("dynamic", [None, {"max_rounds": 3, "reward": "odd"}], ids=["all groups", "dynamic"])
def test_two_zero3_processes_with_a_group_on_both(tmp_path, tiny_model, dynamic):
    """Three prompts of four completions on two processes of six: the second group lies on both."""

    def launch(name: str, **arguments) -> dict:
        settings = {"per_device_train_batch_size": 6, "num_generations": 4, "max_steps": 4, "data": {"dead": 3}}
        settings |= {"model": str(tiny_model), "output_dir": str(tmp_path / name)} | arguments
        command = [sys.executable, "-m", "accelerate.commands.launch", "--config_file"]
        command += [ROOT / "recipes/accelerate_configs/zero3_cpu.yaml", Path(small_run.__file__), json.dumps(settings)]
        environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT / "src")}
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=600, env=environment)
        assert done.returncode == 0, done.stderr[-3000:]
        return small_run.result(str(tmp_path / name))

    whole = launch("whole", dynamic_sampling=dynamic, save_strategy="steps", save_steps=2)
    if dynamic is None:
        assert whole == launch("stock", stock=True)
    resumed = launch("resumed", dynamic_sampling=dynamic, resume=str(tmp_path / "whole" / "checkpoint-2"))
    assert resumed["weights"] == whole["weights"]
    assert resumed["rollouts"] == {step: rows for step, rows in whole["rollouts"].items() if step > 2}

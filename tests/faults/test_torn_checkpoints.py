"""Checkpoints that are not what was written: recognised, and the one before is used. None of it is ever started afresh."""

import json
import shutil
import signal

import pytest

from open_r1 import faults
from open_r1.training.checkpoints import SEAL, STAGING, STATE, checkpoints_in, damage, newest_whole


@pytest.fixture(scope="module")
def finished(tmp_path_factory, tiny_model, rows):
    """A run folder with checkpoints 4, 5 and 6, to be copied and damaged."""
    from runs import SFT, Run

    folder = tmp_path_factory.mktemp("finished")
    recipe = SFT | {"model_name_or_path": str(tiny_model), "dataset_name": str(rows["sft"])}
    run = Run("sft", folder, recipe | {"output_dir": str(folder / "run")})
    assert run.code == 0, run.said[-3000:]
    return run.output


@pytest.fixture
def run_folder(finished, tmp_path):
    return shutil.copytree(finished, tmp_path / "run")


def cut(file):
    file.write_bytes(file.read_bytes()[:-10])


def flip(file):
    """One bit of one byte, as a failing disk does it; the size stays."""
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)


DAMAGES = {
    "weights cut off": (lambda folder: cut(folder / "model.safetensors"), "model.safetensors has"),
    "weights with a flipped bit": (lambda folder: flip(folder / "model.safetensors"), "is not what was written"),
    "optimizer with a flipped bit": (lambda folder: flip(folder / "optimizer.pt"), "optimizer.pt is not what was"),
    "optimizer gone": (lambda folder: (folder / "optimizer.pt").unlink(), "optimizer.pt is missing"),
    "random state gone": (lambda folder: (folder / "rng_state.pth").unlink(), "rng_state.pth is missing"),
    "state gone": (lambda folder: (folder / STATE).unlink(), "trainer_state.json is missing"),
    "state cut off": (lambda folder: cut(folder / STATE), "cannot be read"),
    "seal cut off": (lambda folder: cut(folder / SEAL), "cannot be read"),
    "another step's": (lambda folder: copy_of_five(folder), "trainer_state.json is that of step 5"),
}


def copy_of_five(folder):
    shutil.rmtree(folder)
    shutil.copytree(folder.parent / "checkpoint-5", folder)


@pytest.mark.parametrize("what", DAMAGES)
def test_a_torn_checkpoint_is_told_and_the_one_before_it_is_used(run_folder, what):
    injure, message = DAMAGES[what]
    assert [path.name for path in checkpoints_in(run_folder)] == ["checkpoint-6", "checkpoint-5", "checkpoint-4"]
    injure(run_folder / "checkpoint-6")
    said = []
    assert newest_whole(run_folder, said.append).name == "checkpoint-5"
    assert len(said) == 1 and "checkpoint-6 is torn and left aside" in said[0] and message in said[0]


def test_checkpoints_without_a_seal_are_judged_by_their_files(run_folder):
    last = run_folder / "checkpoint-6"
    (last / SEAL).unlink()
    assert damage(last) is None
    for name, message in (("model.safetensors", "cannot be read"), ("optimizer.pt", "is cut off")):
        whole = (last / name).read_bytes()
        (last / name).write_bytes(whole[: len(whole) // 2])
        assert message in damage(last)
        (last / name).write_bytes(whole)
    (last / "model.safetensors").unlink()
    assert "no .safetensors" in damage(last)


@pytest.mark.slow
def test_when_all_are_torn_the_run_does_not_begin_afresh(run_folder, start):
    for checkpoint in checkpoints_in(run_folder):
        cut(checkpoint / "model.safetensors")
    run = start("sft", max_steps=8)
    assert run.code == faults.BAD_INPUT
    assert "holds no whole checkpoint" in run.said and "start afresh" in run.said
    assert run.steps() == [1, 2, 3, 4, 5, 6]


def test_a_run_goes_on_from_the_last_whole_one_and_replaces_the_torn(run_folder, start):
    flip(run_folder / "checkpoint-6" / "optimizer.pt")
    run = start("sft", max_steps=7)
    assert run.code == 0, run.said[-3000:]
    assert "checkpoint-6 is torn" in run.said and "resuming from" in run.said and "checkpoint-5" in run.said
    assert "max_steps: 6 when" in run.said
    assert run.steps() == [1, 2, 3, 4, 5, 6, 7] and damage(run_folder / "checkpoint-6") is None


@pytest.mark.slow
def test_a_named_checkpoint_that_is_torn_is_refused(run_folder, start):
    cut(run_folder / "checkpoint-6" / "model.safetensors")
    run = start("sft", resume_from_checkpoint=str(run_folder / "checkpoint-6"))
    assert run.code == faults.BAD_INPUT and "checkpoint-6 is torn: model.safetensors has" in run.said


@pytest.mark.slow
def test_a_kill_in_the_middle_of_a_save_leaves_no_checkpoint_of_that_step(start):
    run = start("sft", max_steps=1000)
    run.wait_for_step(2)
    run.wait_for_file(f"{STAGING}/checkpoint-*/*")
    run.send(signal.SIGSTOP)  # so that the save is not over before the kill
    run.kill()
    assert all(damage(checkpoint) is None for checkpoint in checkpoints_in(run.output))
    last = len(run.steps())
    again = start("sft", max_steps=last + 2)
    assert again.code == 0 and again.steps() == list(range(1, last + 3)) and not (run.output / STAGING).exists()


@pytest.mark.slow
def test_a_metrics_line_that_was_cut_off_is_written_again(run_folder, start):
    file = run_folder / "metrics.jsonl"
    file.write_text(file.read_text() + '{"step": 6, "sec')
    run = start("sft", max_steps=7)
    assert run.code == 0, run.said[-3000:]
    assert run.steps() == [1, 2, 3, 4, 5, 6, 7]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"learning_rate": 2e-3}, "learning_rate was 0.001, is 0.002"),
        ({"seed": 7}, "seed was 42, is 7"),
        ({"dataset_name": "other"}, "the data is another (20 rows, now 19)"),
    ],
)
def test_what_makes_an_exact_resume_impossible_is_named_with_the_choice_to_go_on(
    run_folder, start, rows, tmp_path, changes, message
):
    if "dataset_name" in changes:
        (tmp_path / "rows.jsonl").write_text("".join(rows["sft"].read_text().splitlines(keepends=True)[:-1]))
        changes = {"dataset_name": str(tmp_path / "rows.jsonl")}
    run = start("sft", max_steps=7, **changes)
    assert run.code == faults.BAD_INPUT
    assert message in run.said and "--resume_anyway true" in run.said
    run = start("sft", "--resume_anyway", "true", max_steps=7, **changes)
    assert run.code == 0, run.said[-3000:]
    assert (
        "resume_anyway: going on although" in run.said
        and json.loads((run_folder / "checkpoint-7" / SEAL).read_text())["step"] == 7
    )

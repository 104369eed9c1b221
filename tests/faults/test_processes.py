"""Two ZeRO-3 processes, one of which dies, stops answering or is told to stop: bounded, told, nothing torn."""

import signal
import time

import pytest

from open_r1.training.checkpoints import checkpoints_in, damage

pytestmark = pytest.mark.slow


@pytest.fixture
def two(tmp_path, tiny_model, rows):
    """A run of SFT on two processes that would take for ever."""
    from runs import SFT, Launched

    started = []

    def start(**changes):
        recipe = SFT | {"model_name_or_path": str(tiny_model), "dataset_name": str(rows["sft"]), "max_steps": 100000}
        recipe |= {"output_dir": str(tmp_path / "run"), "save_steps": 5} | changes
        started.append(Launched("sft", tmp_path, recipe))
        started[-1].wait_for_step(6)
        return started[-1]

    yield start
    for run in started:
        if run.process.is_alive():
            run.kill()


def whole(run) -> bool:
    found = checkpoints_in(run.output)
    return bool(found) and all(damage(checkpoint) is None for checkpoint in found)


def test_a_process_that_is_killed_ends_the_run_at_once(two):
    run = two()
    began = time.monotonic()
    run.processes()[1].kill()
    assert run.code != 0 and time.monotonic() - began < 120  # torchrun gives the others 30 s
    assert "another training process is gone" in run.said and "the same command goes on from there" in run.said
    assert whole(run)


def test_a_process_that_does_not_answer_ends_the_run_after_ddp_timeout(two):
    run = two(ddp_timeout=20)
    began = time.monotonic()
    run.processes()[1].suspend()
    assert run.code != 0 and time.monotonic() - began < 180
    assert "another training process is gone or does not answer" in run.said
    assert whole(run)


def test_a_signal_to_one_process_stops_all_with_one_checkpoint(two):
    run = two(save_steps=100000)
    run.processes()[1].send_signal(signal.SIGUSR1)
    assert run.code != 0
    assert "stopped by a signal after step" in run.said and whole(run) and len(run.checkpoints()) == 1


def test_slurms_sigterm_to_the_launcher_leaves_a_checkpoint(two):
    run = two(save_steps=100000)
    run.process.send_signal(signal.SIGTERM)
    assert run.code != 0
    assert "stopped by a signal after step" in run.said and whole(run) and len(run.checkpoints()) == 1

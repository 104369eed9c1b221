"""Two training processes, one of which dies, hangs or is told to stop: bounded, told, nothing torn."""

import signal
import time

import pytest

from open_r1.rollouts.topology import free_port
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


@pytest.fixture
def ranks(start):
    """Two processes of one SFT run, as a launcher starts them but forked, so that they begin to train within seconds."""

    def ranks(**changes):
        shared = {
            "WORLD_SIZE": "2",
            "LOCAL_WORLD_SIZE": "2",
            "MASTER_ADDR": "127.0.0.1",
            "MASTER_PORT": str(free_port()),
        }
        own = [{"RANK": rank, "LOCAL_RANK": rank} for rank in "01"]
        runs = [start("sft", process=shared | one, max_steps=100000, save_steps=5, **changes) for one in own]
        runs[0].wait_for_step(6)
        return runs

    return ranks


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


@pytest.mark.parametrize("hung", [0, 1])
def test_a_process_that_hangs_is_named_and_ends_the_run(ranks, hung):
    runs = ranks(ddp_timeout=5)
    # A pause within the limit harms nothing.
    runs[hung].send(signal.SIGSTOP)
    time.sleep(2)
    runs[hung].send(signal.SIGCONT)
    runs[0].wait_for_step(runs[0].steps()[-1] + 3)
    runs[hung].send(signal.SIGSTOP)
    began, other = time.monotonic(), runs[1 - hung]
    assert other.code == 3 and time.monotonic() - began < 30
    assert f"training process {hung} has given no sign of life for 5 s (ddp_timeout)" in other.said
    assert "the same command goes on from there" in other.said and whole(other)


def test_processes_that_are_all_stopped_for_a_while_go_on(ranks):
    runs = ranks(ddp_timeout=2)
    for run in runs:
        run.send(signal.SIGSTOP)
    time.sleep(6)
    for run in runs:
        run.send(signal.SIGCONT)
    runs[0].wait_for_step(runs[0].steps()[-1] + 20)
    assert all(run.process.is_alive() for run in runs)


def test_a_signal_to_one_process_stops_all_with_a_checkpoint(two):
    run = two()
    run.processes()[1].send_signal(signal.SIGUSR1)
    assert run.code == 1, "accelerate's own code"
    last = run.steps()[-1]
    assert "SIGUSR1: writing a checkpoint, then stopping" in run.said
    assert f"stopped by a signal after step {last}, and checkpoint-{last} is written" in run.said
    assert run.said.count("exitcode  : 75") == 2 and whole(run)

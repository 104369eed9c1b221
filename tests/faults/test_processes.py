"""Two ZeRO-3 processes, one of which dies: bounded, told, nothing torn."""

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

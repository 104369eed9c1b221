"""Six cycles of kill -9 and resume over the modes, bit for bit; forty and more by `python tests/faults/kill_resume.py`."""

import pytest
from kill_resume import cycle, prepare


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cycles")
    prepare(folder)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "mode"),
    enumerate(
        [
            "SFT, three epochs",
            "GRPO, several epochs",
            "GRPO, two updates a generation",
            "GRPO, num_iterations 2",
            "GRPO, adaptive",
            "GRPO, dynamic sampling",
        ]
    ),
)
def test_a_killed_run_goes_on_as_if_nobody_had_killed_it(data, tmp_path, number, mode):
    result = cycle(mode, number, data, tmp_path / "cycle")
    assert result["equal"], result


@pytest.mark.slow
def test_two_zero3_processes_go_on_too(data, tmp_path):
    result = cycle("GRPO, ZeRO-3 on two processes", 0, data, tmp_path / "cycle")
    assert result["equal"], result

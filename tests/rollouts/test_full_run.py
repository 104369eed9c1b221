"""One command: ZeRO-3 on two CPU processes, a vLLM server of its own, and what is left when either is killed."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from process_watch import Watch

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
RECIPE = ROOT / "recipes/tiny-medical/grpo/config_vllm_cpu.yaml"
LIMIT = 900  # seconds for one run on a busy machine


class Run:
    """A run of the recipe in a folder of its own."""

    def __init__(self, folder: Path, model: Path, *flags: str):
        rows = [{"prompt": f"Case {number}: say something.", "reference": "B"} for number in range(64)]
        (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        self.output = folder / "run"
        self.watch = Watch(f"run-of-{folder}")
        command = [sys.executable, "-m", "accelerate.commands.launch", "--config_file"]
        command += [ROOT / "recipes/accelerate_configs/zero3_cpu.yaml", ROOT / "src/open_r1/grpo.py"]
        command += ["--config", RECIPE, "--model_name_or_path", model, "--dataset_name", folder / "rows.jsonl"]
        command += ["--reward_funcs", "letters.lower_case", "--reward_weights", "1.0", "--reward_args", "{}"]
        command += ["--learning_rate", "1e-2", "--output_dir", self.output, *flags]
        self.log = folder / "log"
        paths = os.pathsep.join([str(ROOT / "src"), str(Path(__file__).parent)])
        with open(self.log, "w") as log:
            self.process = subprocess.Popen(
                [str(word) for word in command],
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=folder,
                env=os.environ
                | {"PYTHONPATH": paths, "ROLLOUT_TEST_MARK": self.watch.mark, "OMP_WAIT_POLICY": "PASSIVE"},
            )

    def metrics(self) -> list[dict]:
        file = self.output / "metrics.jsonl"
        rows = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
        return [row for row in rows if "reward" in row]

    def wait_for_step(self, step: int) -> None:
        deadline = time.monotonic() + LIMIT
        while len(self.metrics()) < step:
            assert self.process.poll() is None and time.monotonic() < deadline, self.log.read_text()[-5000:]
            time.sleep(0.1)
        assert {"VLLM::EngineCore", "VLLM::Worker"} <= {process.cmdline()[0] for process in self.watch.living()}

    def processes(self, word: str) -> list:
        """The processes one of whose first three words holds `word`: the guard's command line holds its server's."""
        return [process for process in self.watch.living() if any(word in part for part in process.cmdline()[:3])]


@pytest.fixture
def start(tmp_path, tiny_model):
    runs = []

    def start(*flags):
        (folder := tmp_path / str(len(runs))).mkdir()
        runs.append(Run(folder, tiny_model, *flags))
        return runs[-1]

    yield start
    for run in runs:
        for process in run.processes("grpo.py"):  # the guard ends the rest
            process.kill()
        run.process.kill()
        run.process.wait()
        assert run.watch.gone(), run.watch.living()


def test_thirty_steps_with_the_servers_death_in_between(start):
    run = start()
    run.wait_for_step(10)
    run.processes("api_server")[0].kill()
    assert run.process.wait(LIMIT) == 0, run.log.read_text()[-5000:]
    assert run.watch.gone(), run.watch.living()

    rows = run.metrics()
    assert [row["step"] for row in rows] == list(range(1, 31))
    assert max(row["sampling/sampling_logp_difference/mean"] for row in rows) < 1e-4
    rewards = [row["reward"] for row in rows]
    assert sum(rewards[-5:]) / 5 > sum(rewards[:5]) / 5 + 0.2
    log = run.log.read_text()
    assert log.count("vLLM server: lost") == 1 and log.count("vLLM server: ready") == 2


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_no_process_outlives_a_killed_run(start, number):
    run = start()
    run.wait_for_step(2)
    if number == signal.SIGKILL:
        for process in run.processes("grpo.py"):
            process.kill()
    else:
        run.process.send_signal(number)
    # torchrun waits 30 s for a process that hangs in a collective before it kills it.
    assert run.process.wait(120) != 0
    assert run.watch.gone(60), run.watch.living()


def test_a_server_lost_too_often_ends_all_processes_of_the_run(start):
    run = start("--vllm_max_restarts", "0")
    run.wait_for_step(2)
    run.processes("api_server")[0].kill()
    assert run.process.wait(LIMIT) != 0
    assert "lost 1 times in a row (vllm_max_restarts: 0)" in run.log.read_text()
    assert run.watch.gone(), run.watch.living()


def test_a_run_stops_when_trainer_and_server_disagree(start):
    run = start("--max_logp_difference", "1e-12")
    assert run.process.wait(LIMIT) != 0
    assert "the limit is 1e-12 (max_logp_difference)" in run.log.read_text()
    assert run.watch.gone(), run.watch.living()


def test_two_runs_at_the_same_time_take_different_ports(start):
    runs = [start("--max_steps", "3"), start("--max_steps", "3")]
    for run in runs:
        assert run.process.wait(LIMIT) == 0, run.log.read_text()[-5000:]
        assert len(run.metrics()) == 3
        assert run.watch.gone(), run.watch.living()

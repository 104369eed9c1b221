"""Real runs of grpo.py and sft.py in processes of their own, forked from one that has imported them already.

Importing torch, transformers and TRL takes longer than a run of the tiny model, so a server imports them once. Everything
else is as for a user: an own process with its signals, exit code, output and memory limit.
"""

import json
import multiprocessing
import os
import resource
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil
import yaml

ROOT = Path(__file__).parents[1]

LIMIT = 600  # seconds that a run may take on a busy machine
# The server that imports everything is started from here and must find this tree's code first.
os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT / "src"), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload(["open_r1.grpo", "open_r1.sft"])

GRPO = {
    "reward_funcs": ["format", "length"],
    "reward_args": {"length": {"min_characters": 20}},
    "num_generations": 4,
    "per_device_train_batch_size": 4,
    "gradient_accumulation_steps": 2,
    "max_completion_length": 12,
    "max_steps": 4,
    "save_steps": 1,
    "save_total_limit": 3,
    "learning_rate": 1e-3,
    "logging_steps": 1,
    "use_cpu": True,
    "use_vllm": False,
    "bf16": False,
    "report_to": "none",
    "log_completions": True,
    "num_completions_to_print": 0,
    "dataloader_pin_memory": False,
}
SFT = {
    "per_device_train_batch_size": 4,
    "max_length": 128,
    "max_steps": 6,
    "save_steps": 1,
    "save_total_limit": 3,
    "learning_rate": 1e-3,
    "logging_steps": 1,
    "use_cpu": True,
    "bf16": False,
    "report_to": "none",
    "dataloader_pin_memory": False,
}


def _enter(task: str, argv: list[str], folder: str, log: str, environment: dict, address_space: int | None) -> None:
    """In the new process: become what the user's command line would have started."""
    os.setsid()
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for stream in (1, 2):
        os.dup2(output, stream)
    sys.stdout, sys.stderr = os.fdopen(1, "w", buffering=1), os.fdopen(2, "w", buffering=1)
    os.chdir(folder)
    os.environ.update(environment)
    if address_space is not None:
        in_use = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (in_use + address_space,) * 2)
    sys.argv = [f"{task}.py", *argv]
    from open_r1 import grpo, sft
    from open_r1.run_setup import run

    run(task, {"grpo": grpo, "sft": sft}[task].main)


class Run:
    """One run: its process, log and folder. `code` waits for its end and is its exit code (-9 when killed so)."""

    def __init__(
        self, task: str, folder: Path, recipe: dict, *flags: str, address_space: int | None = None, **environment
    ):
        folder.mkdir(exist_ok=True)
        self.folder, self.output = folder, Path(recipe["output_dir"])
        path = folder / f"{task}.yaml"
        path.write_text(yaml.safe_dump({key: value for key, value in recipe.items() if value is not None}))
        self.log = folder / f"{time.monotonic_ns()}.log"
        environment = {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"} | environment
        argv = ["--config", str(path), *flags]
        self.process = SERVER.Process(
            target=_enter, args=(task, argv, str(folder), str(self.log), environment, address_space)
        )
        self.process.start()

    @property
    def code(self) -> int:
        self.process.join(LIMIT)
        if self.process.exitcode is None:
            self.process.kill()
            raise TimeoutError(f"the run did not end: {self.said[-3000:]}")
        return self.process.exitcode

    @property
    def said(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def steps(self) -> list[int]:
        """The steps that metrics.jsonl holds; a line that is being written does not count."""
        return self.steps_of(self.output)

    @staticmethod
    def steps_of(output: Path) -> list[int]:
        """The same of any run folder."""
        file = output / "metrics.jsonl"
        lines = file.read_text().split("\n")[:-1] if file.exists() else []
        return [row["step"] for row in map(json.loads, lines) if "loss" in row]

    def wait_for_step(self, step: int) -> None:
        self._wait(lambda: self.steps()[-1:] >= [step])

    def wait_for_file(self, pattern: str) -> None:
        """Until the run folder holds a file that fits."""
        self._wait(lambda: self.output.exists() and any(self.output.glob(pattern)))

    def _wait(self, happened) -> None:
        deadline = time.monotonic() + LIMIT
        while not happened():
            assert self.process.is_alive() and time.monotonic() < deadline, self.said[-3000:]
            time.sleep(0.005)

    def send(self, number: signal.Signals) -> None:
        os.kill(self.process.pid, number)

    def kill(self) -> None:
        """kill -9, and wait until it is gone."""
        self.process.kill()
        self.process.join()

    def checkpoints(self) -> list[str]:
        return sorted(path.name for path in self.output.glob("checkpoint-*"))


class Launched(Run):
    """A run on two ZeRO-3 processes under `accelerate launch`, as users start it; `kill` takes all of them at once."""

    def __init__(self, task: str, folder: Path, recipe: dict, *flags: str, **environment):
        self.folder, self.output = folder, Path(recipe["output_dir"])
        path, self.log = folder / f"{task}.yaml", folder / f"{time.monotonic_ns()}.log"
        path.write_text(yaml.safe_dump({key: value for key, value in recipe.items() if value is not None}))
        command = [sys.executable, "-m", "accelerate.commands.launch", "--config_file"]
        command += [str(ROOT / "recipes/accelerate_configs/zero3_cpu.yaml"), str(ROOT / f"src/open_r1/{task}.py")]
        environment = {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT / "src")} | environment
        with open(self.log, "w") as log:
            self.process = _Family(
                [*command, "--config", str(path), *flags],
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=folder,
                env=os.environ | environment,
                start_new_session=True,
            )

    def processes(self) -> list[psutil.Process]:
        """The training processes, in the order of their ranks."""
        found = [
            one for one in psutil.Process(self.process.pid).children(recursive=True) if "--config" in one.cmdline()
        ]
        return sorted(found, key=lambda one: int(one.environ()["RANK"]))


class _Family(subprocess.Popen):
    """A process with multiprocessing's words for it, killed with all that it started."""

    def join(self, seconds: float | None = None) -> None:
        with suppress(subprocess.TimeoutExpired):
            self.wait(seconds)

    def is_alive(self) -> bool:
        return self.poll() is None

    @property
    def exitcode(self) -> int | None:
        return self.poll()

    def kill(self) -> None:
        for one in [*psutil.Process(self.pid).children(recursive=True), psutil.Process(self.pid)]:
            with suppress(psutil.NoSuchProcess):
                one.kill()

"""Real runs of grpo.py and sft.py in processes of their own, forked from one that has imported them already.

Importing torch, transformers and TRL takes longer than a run of the tiny model, so a server imports them once. Everything
else is as for a user: an own process with its signals, exit code, output and memory limit.
"""

import json
import multiprocessing
import os
import resource
import signal
import sys
import time
from pathlib import Path

import yaml

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
        self.process.join(300)
        if self.process.exitcode is None:
            self.process.kill()
            raise TimeoutError(f"the run did not end: {self.said[-3000:]}")
        return self.process.exitcode

    @property
    def said(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def steps(self) -> list[int]:
        """The steps that metrics.jsonl holds; a line that is being written does not count."""
        file = self.output / "metrics.jsonl"
        lines = file.read_text().split("\n")[:-1] if file.exists() else []
        return [row["step"] for row in map(json.loads, lines) if "loss" in row]

    def wait_for_step(self, step: int) -> None:
        self._wait(lambda: self.steps()[-1:] >= [step])

    def wait_for_file(self, pattern: str) -> None:
        """Until the run folder holds a file that fits."""
        self._wait(lambda: self.output.exists() and any(self.output.glob(pattern)))

    def _wait(self, happened) -> None:
        deadline = time.monotonic() + 300
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

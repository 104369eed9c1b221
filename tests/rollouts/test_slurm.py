"""slurm/train.slurm: the commands it would run, and what it refuses."""

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from runs import GRPO, Run
from tiny_model import save_tiny_model

from open_r1.training.checkpoints import damage

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "slurm/train.slurm"
RECIPE = "recipes/tiny-medical/grpo/config_vllm_cpu.yaml"
SERVE = (
    f"python -m open_r1.rollouts.serve --config {RECIPE} --seed 1 --vllm_listen_host 0.0.0.0 --vllm_server_port 8000 "
    "--vllm_tensor_parallel_size 1 --vllm_data_parallel_size 8"
)
ZERO3 = "--config_file recipes/accelerate_configs/zero3.yaml"


def dry_run(*arguments: str, **environment: str) -> subprocess.CompletedProcess:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SLURM")}
    return subprocess.run(
        ["bash", SCRIPT, *arguments],
        env=clean | {"DRY_RUN": "1"} | environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
    )


def test_the_script_is_valid_bash():
    assert subprocess.run(["bash", "-n", SCRIPT], timeout=30).returncode == 0


def test_one_node_trains_on_all_gpus_but_the_last():
    done = dry_run(RECIPE, "--seed", "1", SLURM_NNODES="1", SLURM_JOB_ID="4711")
    assert done.stdout.splitlines() == [
        f"accelerate launch --num_processes 7 --main_process_port 24711 {ZERO3} "
        f"src/open_r1/grpo.py --config {RECIPE} --seed 1"
    ]


@pytest.mark.parametrize("nodes", [2, 8])
def test_of_several_nodes_the_last_serves_and_the_others_train(nodes):
    done = dry_run(RECIPE, "--seed", "1", SLURM_NNODES=str(nodes), SLURM_JOB_ID="4711")
    serve, train = done.stdout.splitlines()
    assert serve == f"srun --nodes=1 --ntasks=1 --nodelist=node{nodes} {SERVE}"
    trainers = nodes - 1
    *srun, bash, flag, command = shlex.split(train)
    assert " ".join(srun) == (
        f"srun --nodes={trainers} --ntasks={trainers} --ntasks-per-node=1 "
        f"--nodelist={','.join(f'node{number}' for number in range(1, nodes))}"
    )
    assert (bash, flag) == ("bash", "-c")
    assert command == (
        f"trap '' USR1; accelerate launch --num_machines {trainers} --num_processes {trainers * 8} --main_process_ip node1 "
        f"--main_process_port 24711 {ZERO3} --machine_rank $SLURM_PROCID "
        f"src/open_r1/grpo.py --config {RECIPE} --seed 1 --vllm_server_base_url http://node{nodes}:8000"
    )
    assert "TOKEN" not in done.stdout


def test_a_value_with_spaces_and_quotes_survives_both_shells():
    prompt = """Say "it's" $HOME"""
    train = dry_run(RECIPE, "--system_prompt", prompt, SLURM_NNODES="2").stdout.splitlines()[1]
    assert prompt in shlex.split(shlex.split(train)[-1])


def test_tensor_parallel_copies_share_the_serving_node():
    done = dry_run(RECIPE, SLURM_NNODES="2", TENSOR_PARALLEL="4", SLURM_GPUS_ON_NODE="8")
    assert "--vllm_tensor_parallel_size 4 --vllm_data_parallel_size 2" in done.stdout


def test_it_refuses_one_gpu_and_a_missing_recipe():
    done = dry_run(RECIPE, SLURM_NNODES="1", SLURM_GPUS_ON_NODE="1")
    assert done.returncode == 2 and "colocate" in done.stderr
    done = dry_run("no.yaml")
    assert done.returncode == 2 and "no.yaml is not there" in done.stderr


@pytest.mark.slow
def test_a_job_told_to_stop_writes_a_checkpoint_and_requeues_itself(tmp_path):
    """The script with a real run; `scontrol`, which only a cluster has, is a script that notes what it was asked."""
    save_tiny_model(tmp_path / "model")
    rows = [{"question": f"Which is {number}?", "answer": "B"} for number in range(20)]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    changes = {"model_name_or_path": str(tmp_path / "model"), "dataset_name": str(tmp_path / "rows.jsonl")}
    changes |= {"output_dir": str(tmp_path / "run"), "max_steps": 100_000, "save_steps": 100_000}
    (tmp_path / "grpo.yaml").write_text(yaml.safe_dump(GRPO | changes))
    (tmp_path / "scontrol").write_text(f"#!/bin/sh\necho $@ > {tmp_path}/asked\n")
    (tmp_path / "scontrol").chmod(0o755)
    path = os.pathsep.join([str(tmp_path), str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {"PATH": path, "PYTHONPATH": str(ROOT / "src"), "ACCELERATE": "zero3_cpu", "SLURM_JOB_ID": "4711"}
    with open(tmp_path / "log", "w") as log:
        job = subprocess.Popen(
            ["bash", SCRIPT, tmp_path / "grpo.yaml"],
            env=os.environ | environment | {"SLURM_NNODES": "1", "SLURM_GPUS_ON_NODE": "2"},
            cwd=ROOT,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    deadline = time.monotonic() + 600
    while not Run.steps_of(tmp_path / "run"):
        assert job.poll() is None and time.monotonic() < deadline, (tmp_path / "log").read_text()[-3000:]
        time.sleep(0.1)
    job.send_signal(signal.SIGUSR1)
    job.wait(300)
    said = (tmp_path / "log").read_text()
    assert (tmp_path / "asked").read_text() == "requeue 4711\n", said[-3000:]
    (checkpoint,) = (tmp_path / "run").glob("checkpoint-*")
    assert damage(checkpoint) is None and f"{checkpoint.name} is written" in said

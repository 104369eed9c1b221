"""The doctor: on a machine without packages, on a whole one, and on recipes with one thing wrong each."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from mounts import tmpfs
from tiny_model import save_tiny_model

from open_r1.doctor import recipe as checks
from open_r1.doctor.finding import Finding, findings_of
from open_r1.doctor.installed import look_at_vllm, requirements
from open_r1.doctor.machine import look_at_port, slowest_link
from open_r1.questions import Question
from open_r1.questions.manifest import build, write
from open_r1.questions.prepared import write_prepared

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    return save_tiny_model(tmp_path_factory.mktemp("model"))


@pytest.fixture
def prepared(tmp_path) -> Path:
    folder = tmp_path / "prepared"
    folder.mkdir()
    splits = {"train": [Question(str(i), "own", "train", f"{i}?", {"A": "x", "B": "y"}, "A") for i in range(6)]}
    write_prepared(folder, splits)
    write(folder / "manifest.json", build({}, [], splits, 0, []))
    return folder


@pytest.fixture
def recipe(tmp_path, model, prepared):
    def write_recipe(*flags: str, processes: int | None = None, **changes) -> checks.Recipe:
        keys = {
            "model_name_or_path": str(model),
            "dataset_name": str(prepared),
            "output_dir": str(tmp_path / "run"),
            "num_generations": 4,
            "per_device_train_batch_size": 4,
            "use_cpu": True,
            "use_vllm": False,
            "bf16": False,
            "save_total_limit": 2,
        } | changes
        path = tmp_path / "grpo.yaml"
        path.write_text(yaml.safe_dump(keys))
        return checks.Recipe(path, list(flags), processes)

    return write_recipe


def doctor(*arguments: str, python=(sys.executable,), **environment) -> subprocess.CompletedProcess:
    return subprocess.run(
        [*python, "-m", "open_r1.doctor", *arguments],
        capture_output=True,
        text=True,
        timeout=300,
        env=os.environ | {"PYTHONPATH": str(ROOT / "src"), "HF_HUB_OFFLINE": "1"} | environment,
    )


def only(findings) -> Finding:
    (finding,) = findings
    return finding


def test_it_works_before_anything_is_installed():
    done = doctor(python=(sys.executable, "-S"))  # -S: no site-packages at all
    assert done.returncode == 1 and "Traceback" not in done.stdout + done.stderr
    assert "not installed: torch==" in done.stdout and "-> make install" in done.stdout
    done = doctor(str(ROOT / "recipes/tiny-medical/grpo/config_demo.yaml"), python=(sys.executable, "-S"))
    assert done.returncode == 1 and "not read, since packages are missing" in done.stdout


@pytest.mark.slow
def test_a_whole_machine_and_a_recipe_that_would_run(recipe, tmp_path):
    written = recipe()
    done = doctor(str(written.path))
    assert done.returncode == 0, done.stdout + done.stderr
    for name in ("python", "packages", "recipe", "memory", "processes", "model", "data", "disk"):
        assert f"ok    {name}" in done.stdout, name
    assert "0 fail" in done.stdout.splitlines()[-1] and not (tmp_path / "run").exists()


@pytest.mark.slow
def test_a_recipe_that_does_not_parse_and_a_wrong_command_line(recipe):
    path = recipe().path
    path.write_text(path.read_text() + "leerning_rate: 1\n")
    done = doctor(str(path))
    assert done.returncode == 1 and "unknown key `leerning_rate`. Did you mean `learning_rate`?" in done.stdout
    assert doctor("--learning_rate=1").returncode == 2


def test_the_tested_versions_are_setup_pys():
    versions = {package: wanted for package, _, wanted in requirements()}
    assert versions["trl"] in (ROOT / "setup.py").read_text() and {"torch", "datasets", "psutil"} <= versions.keys()


def test_vllm_is_wanted_only_by_recipes_that_generate_with_it():
    found = only(look_at_vllm(True))
    assert (found.status == "ok" and "fits torch" in found.text) or (found.status == "fail" and found.remedy)


def test_processes_that_fit(recipe):
    assert only(checks.look_at_processes(recipe())).status == "ok"
    wrong = only(checks.look_at_processes(recipe(num_generations=3, per_device_train_batch_size=2, processes=4)))
    assert wrong.status == "fail" and "3, 6, 9" in wrong.remedy


def test_a_recipe_for_gpus_on_a_machine_without(recipe):
    found = only(checks.look_at_processes(recipe(use_cpu=False, bf16=True, use_vllm=True)))
    if found.status == "fail":
        assert "1 to train and 1 for the vLLM server; " in found.text
    assert only(checks.look_at_processes(recipe("--use_cpu", "true", use_cpu=False))).text.startswith("1 on the CPU")


def test_a_taken_port(recipe):
    with socket.socket() as taken:
        taken.bind(("0.0.0.0", 0))
        taken.listen()
        port = taken.getsockname()[1]
        found = only(checks.look_at_ports(recipe(processes=2), port))
        assert found.status == "fail" and "--main_process_port" in found.remedy
    assert look_at_port("server", "127.0.0.1", port, "--port").status == "ok"


def test_a_named_server_that_does_not_answer(recipe):
    written = recipe(use_vllm=True, weight_sync="folder", vllm_server_base_url="http://127.0.0.1:9")
    found = only(checks.look_at_ports(written, None))
    assert found.status == "fail" and "open_r1.rollouts.serve" in found.remedy


@pytest.mark.parametrize(
    ("name", "said"),
    [("./nowhere", "./nowhere is not a folder"), ("no/such/model/here", "is not a folder"), ("owner/name", "cache")],
)
def test_a_model_that_is_not_there(recipe, monkeypatch, name, said):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    found = only(checks.look_at_model(recipe(model_name_or_path=name)))
    assert found.status == "fail" and said in found.text


def test_a_model_folder_without_safetensors(recipe, tmp_path):
    (tmp_path / "bare").mkdir()
    (tmp_path / "bare/config.json").write_text("{}")
    assert "no .safetensors" in only(checks.look_at_model(recipe(model_name_or_path=str(tmp_path / "bare")))).text
    (tmp_path / "bare/config.json").unlink()
    assert "no config.json" in only(checks.look_at_model(recipe(model_name_or_path=str(tmp_path / "bare")))).text


def test_the_memory_estimate_against_what_is_there(recipe):
    assert only(checks.look_at_memory(recipe(), "zero3_cpu")).status == "ok"
    huge = recipe(per_device_train_batch_size=4_000_000, max_completion_length=4000)
    found = only(checks.look_at_memory(huge, "zero3_cpu"))
    assert found.status == "fail" and "open_r1.memory" in found.remedy


def test_data_against_its_manifest(recipe, prepared):
    assert "6 rows" in only(checks.look_at_data(recipe())).text
    lines = (prepared / "train.jsonl").read_text().splitlines(keepends=True)
    (prepared / "train.jsonl").write_text("".join(lines[1:]))
    found = only(checks.look_at_data(recipe()))
    assert found.status == "fail" and "5 rows for 6, 1 ids missing" in found.text
    (prepared / "train.jsonl").write_text("".join(lines[:-1]) + lines[-1][:20])
    assert "train.jsonl cannot be read" in only(checks.look_at_data(recipe())).text
    (prepared / "train.jsonl").write_text("".join(lines))
    (prepared / "train.parquet").write_bytes((prepared / "train.parquet").read_bytes()[:-40])
    assert "train.parquet cannot be read" in only(checks.look_at_data(recipe())).text
    (prepared / "manifest.json").write_text(json.dumps({"ids": []})[:-2])
    assert "manifest.json cannot be read" in only(checks.look_at_data(recipe())).text
    (prepared / "manifest.json").unlink()
    assert only(checks.look_at_data(recipe())).status == "warn"


def test_room_for_checkpoints(recipe, tmp_path):
    assert only(checks.look_at_output(recipe())).status == "ok"
    assert only(checks.look_at_output(recipe(save_total_limit=None))).remedy == "set save_total_limit: 2"
    assert only(checks.look_at_output(recipe(save_strategy="no"))).status == "warn"
    with tmpfs(tmp_path / "small", "1m"):
        found = only(checks.look_at_output(recipe(output_dir=str(tmp_path / "small/run"))))
        assert found.status == "fail" and "3 must fit" in found.text
    with tmpfs(tmp_path / "small", "1m", "ro"):
        found = only(checks.look_at_output(recipe(output_dir=str(tmp_path / "small/run"))))
        assert found.status == "fail" and "cannot be written" in found.text


def test_a_check_that_breaks_is_a_finding():
    def broken():
        raise OSError("no such\ndevice")
        yield

    found = only(findings_of("gpu", broken))
    assert found.status == "fail" and "OSError: no such device" in found.text


@pytest.mark.parametrize(
    ("matrix", "status", "said"),
    [
        ("\tGPU0\tGPU1\nGPU0\t X \tNV18\nGPU1\tNV18\t X \n", "ok", "NVLink"),
        ("\tGPU0\tGPU1\nGPU0\t X \tSYS\nGPU1\tSYS\t X \n", "warn", "across CPU sockets (1 of 1 pairs)"),
        ("\tGPU0\tGPU1\tGPU2\nGPU0\t X \tPIX\tPHB\nGPU1\tPIX\t X \tPHB\nGPU2\tPHB\tPHB\t X \n", "warn", "2 of 3"),
        ("nothing", "warn", "no matrix"),
    ],
)
def test_the_slowest_link_between_two_gpus(matrix, status, said):
    found = slowest_link(matrix)
    assert found.status == status and said in found.text

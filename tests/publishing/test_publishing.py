"""Real runs that publish to a hub on this machine: saves, revisions, the card, benchmarks after a save, refusals."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from publishing.stand_in_hub import TOKEN, stand_in_hub
from tiny_model import save_tiny_model

from open_r1.questions import Question
from open_r1.questions.prepared import write_prepared

ROOT = Path(__file__).parents[2]
RECIPE = {
    "max_length": 256,
    "per_device_train_batch_size": 4,
    "max_steps": 2,
    "learning_rate": 1e-3,
    "logging_steps": 1,
    "save_steps": 1,
    "use_cpu": True,
    "bf16": False,
    "report_to": "none",
    "push_to_hub": True,
    "hub_model_id": "me/medical",
}


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory) -> Path:
    return save_tiny_model(tmp_path_factory.mktemp("model") / "tiny")


@pytest.fixture
def folder(tmp_path) -> Path:
    """Traces with a manifest, and four held-out questions."""
    (tmp_path / "traces").mkdir()
    messages = [{"role": "user", "content": "Which?"}, {"role": "assistant", "content": "<answer>B</answer>"}]
    (tmp_path / "traces/train.jsonl").write_text((json.dumps({"messages": messages}) + "\n") * 8)
    manifest = {"settings": {"model": "teacher"}, "acceptance_rate": 0.5, "ids": {"train": {"medqa": ["1", "2", "3"]}}}
    (tmp_path / "traces/manifest.json").write_text(json.dumps(manifest))
    questions = [Question(str(i), "own", "test", f"{i}?", {"A": "x", "B": "y"}, "B") for i in range(4)]
    (tmp_path / "held_out").mkdir()
    write_prepared(tmp_path / "held_out", {"test": questions})
    return tmp_path


def run(
    folder: Path, endpoint: str, script: str, *arguments, token: str = TOKEN, **variables
) -> subprocess.CompletedProcess:
    """A command whose hub is the stand-in."""
    environment = {name: value for name, value in os.environ.items() if name not in ("HF_HUB_OFFLINE", "HF_TOKEN")}
    environment |= {"HF_ENDPOINT": endpoint, "HF_HOME": str(folder / "hf"), "HF_HUB_DISABLE_XET": "1"}
    environment |= {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT / "src"), **variables}
    if token:
        environment["HF_TOKEN"] = token
    command = [sys.executable, script if (folder / script).is_file() else str(ROOT / script), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=900, env=environment, cwd=folder)


def sft(folder: Path, model: Path, endpoint: str, *flags, **changes) -> subprocess.CompletedProcess:
    recipe = (
        RECIPE | {"model_name_or_path": str(model), "dataset_name": "./traces", "output_dir": "runs/first"} | changes
    )
    (folder / "sft.yaml").write_text(yaml.safe_dump(recipe))
    return run(folder, endpoint, "src/open_r1/sft.py", "--config", "sft.yaml", *flags)


LOAD = """
import sys
from transformers import AutoModelForCausalLM, AutoTokenizer
name, revision = sys.argv[1:]
model = AutoModelForCausalLM.from_pretrained(name, revision=revision)
tokenizer = AutoTokenizer.from_pretrained(name, revision=revision)
chat = [{"role": "user", "content": "Which?"}]
inputs = tokenizer.apply_chat_template(chat, add_generation_prompt=True, return_dict=True, return_tensors="pt")
print("tokens", model.generate(**inputs, max_new_tokens=5, min_new_tokens=5).shape[1] - inputs["input_ids"].shape[1])
"""


@pytest.mark.slow
def test_a_run_publishes_its_model_and_nothing_else(folder, tiny_model):
    with stand_in_hub() as hub:
        first = sft(folder, tiny_model, hub.url, hub_revision="v1", benchmarks=["./held_out"], benchmark_args={"backend": "hf", "max_tokens": 8, "api_key": "EMPTY"})  # fmt: skip
        assert first.returncode == 0, first.stderr[-3000:]
        assert [commit[1:] for commit in hub.commits] == [
            ("v1", "step 1"),
            ("v1", "step 2"),
            ("v1", "end of training"),
        ]
        published = hub.repos["me/medical"]["v1"]
        assert {"config.json", "model.safetensors", "tokenizer.json", "README.md", "recipe.yaml", "data_manifests.json"} <= set(published)  # fmt: skip
        for name in published:
            assert not name.startswith(
                ("checkpoint", "completions", "evaluation", "metrics", "training_args", "optimizer")
            ), name
        assert list(hub.repos["me/medical"]["main"]) == [".gitattributes"]

        # ---- the card
        card = published["README.md"].decode()
        front = yaml.safe_load(card.split("---")[1])
        assert front["library_name"] == "transformers" and "medical" in front["tags"]
        assert "Not a medical device and not medical advice" in card
        assert (
            "| final | held_out/test, prepared" in card.replace("  ", " ")
            and "[" in card.split("## Evaluation")[1].split("## Data")[0]
        )
        assert "medqa 3; traces by teacher" in card and "2 steps; loss" in card
        recipe = yaml.safe_load(published["recipe.yaml"])
        assert recipe["learning_rate"] == 1e-3 and "api_key" not in recipe["benchmark_args"]
        assert str(folder) not in card and TOKEN not in card

        # ---- whoever has transformers can use it
        (folder / "load.py").write_text(LOAD)
        loaded = run(folder, hub.url, "load.py", "me/medical", "v1")
        assert "tokens 5" in loaded.stdout, loaded.stderr[-2000:]

        # ---- the same revision a second time only when that is said; a resumed run goes on
        again = sft(folder, tiny_model, hub.url, hub_revision="v1", output_dir="runs/second")
        assert (
            again.returncode == 2
            and "already has a revision v1" in again.stderr
            and not (folder / "runs/second").exists()
        )


@pytest.mark.slow
def test_open_r1s_keys_give_every_save_a_branch_and_an_evaluation(folder, tiny_model):
    keys = {
        "push_to_hub": False,
        "push_to_hub_revision": True,
        "hub_model_revision": "v2",
        "overwrite_hub_revision": True,
    }
    keys |= {"callbacks": ["push_to_hub_revision"], "benchmarks": ["./held_out"], "use_peft": True}
    keys |= {"lora_target_modules": ["q_proj"], "benchmark_args": {"backend": "hf", "max_tokens": 8}}
    with stand_in_hub() as hub:
        hub.repos["me/medical"] = {"main": {}, "v2": {}}
        hub.refuse_commits = 1
        result = sft(folder, tiny_model, hub.url, **keys)
    assert result.returncode == 0, result.stderr[-3000:]
    assert "not published, training goes on" in result.stdout and "storage is full" in result.stdout
    branches = hub.repos["me/medical"]
    assert set(branches) == {"main", "v2", "v2-step-000000001", "v2-step-000000002"}
    assert (
        "adapter_model.safetensors" in branches["v2"] and "adapter_model.safetensors" in branches["v2-step-000000002"]
    )
    card = branches["v2"]["README.md"].decode()
    assert "library_name: peft" in card and "An adapter (LoRA)" in card
    for name in ("checkpoint-1", "checkpoint-2", "final"):
        (row,) = json.loads((folder / "runs/first/evaluation" / name / "results.json").read_text())
        assert row["rows"] == 4 and name in card

    # ---- under Slurm the evaluation is a job
    (folder / "bin").mkdir()
    sbatch = folder / "bin/sbatch"
    sbatch.write_text(f'#!/bin/sh\necho "$@" >> {folder}/jobs\n')
    sbatch.chmod(0o755)
    recipe = RECIPE | {"model_name_or_path": str(tiny_model), "dataset_name": "./traces", "output_dir": "runs/slurm"}
    recipe |= {
        "push_to_hub": False,
        "benchmarks": ["medqa_usmle"],
        "benchmark_args": {"preset": "huatuo"},
        "max_steps": 1,
    }
    (folder / "slurm.yaml").write_text(yaml.safe_dump(recipe))
    path = f"{folder}/bin:{os.environ['PATH']}"
    result = run(
        folder, "http://127.0.0.1:9", "src/open_r1/sft.py", "--config", "slurm.yaml", SLURM_JOB_ID="7", PATH=path
    )
    assert result.returncode == 0, result.stderr[-3000:]
    job = (folder / "jobs").read_text()
    assert f"slurm/evaluate.slurm {folder}/runs/slurm --task medqa_usmle --preset huatuo" in job
    assert f"--exclude_trained {folder}/runs/slurm/data_manifests.json" in job


@pytest.mark.parametrize(
    "change, message",
    [
        ({}, "hf auth login"),
        (
            {"benchmarks": ["aime24"], "push_to_hub": False},
            "no benchmark and no prepared folder 'aime24'; the benchmarks are",
        ),
        ({"callbacks": ["push_to_hub"]}, "`callbacks` are push_to_hub_revision, run_benchmarks"),
        ({"callbacks": ["run_benchmarks"]}, "without `benchmarks`"),
        (
            {"callbacks": ["run_benchmarks"], "benchmarks": ["pubmedqa"], "save_total_limit": 1, "push_to_hub": False},
            "deleted while it is still evaluated",
        ),
        ({"callbacks": ["push_to_hub_revision"], "push_to_hub": False}, "without `push_to_hub: true`"),
    ],
)
@pytest.mark.slow
def test_what_cannot_be_published_or_evaluated_is_refused_before_the_run(folder, tiny_model, change, message):
    with stand_in_hub() as hub:
        recipe = RECIPE | {
            "model_name_or_path": str(tiny_model),
            "dataset_name": "./traces",
            "output_dir": "runs/first",
        }
        (folder / "sft.yaml").write_text(yaml.safe_dump(recipe | change))
        result = run(folder, hub.url, "src/open_r1/sft.py", "--config", "sft.yaml", token="hf_wrong")
    assert result.returncode == 2 and message in result.stderr, result.stderr[-2000:]
    assert "Traceback" not in result.stderr and not (folder / "runs").exists()


def test_publishing_afterwards(folder, tiny_model):
    with stand_in_hub() as hub:
        done = run(
            folder, hub.url, "scripts/publish.py", tiny_model, "--hub_model_id", "me/later", "--hub_revision", "v3"
        )
        assert done.returncode == 0, done.stderr[-2000:]
        card = hub.repos["me/later"]["v3"]["README.md"].decode()
    assert "Not evaluated." in card and "without a manifest" in card
    refused = run(folder, hub.url, "scripts/publish.py", folder)
    assert refused.returncode == 2 and "no model there" in refused.stderr

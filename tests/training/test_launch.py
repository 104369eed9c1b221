"""`make train`: which launch a recipe gets on which machine, and a real one on this."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from memory.shapes import config_of
from runs import GRPO

from open_r1.arguments import RecipeError
from open_r1.launch import plan_launch
from open_r1.memory import GIB

ROOT = Path(__file__).parents[2]
RECIPES = Path("recipes")
FULL = RECIPES / "Qwen2.5-7B-Instruct/grpo/config_medxpert_usmle.yaml"
LORA = RECIPES / "gemma-3-12b-it/grpo/config_lora.yaml"
QLORA = RECIPES / "gemma-3-12b-it/grpo/config_qlora.yaml"
ONE_GPU = RECIPES / "Qwen2.5-1.5B-Instruct/grpo/config_one_gpu_lora.yaml"
SFT = RECIPES / "Qwen2.5-7B-Instruct/sft/config_medical_o1.yaml"
DEMO = RECIPES / "tiny-medical/grpo/config_demo.yaml"


def planned(recipe: Path, flags: list[str] = (), gpus: int = 0, gib: int = 80):
    return plan_launch(ROOT / recipe, list(flags), [gib * GIB] * gpus, 29500, config_of(ROOT / recipe))


def chosen(launch) -> tuple[str, int]:
    words = launch.command
    return Path(words[words.index("--config_file") + 1]).stem, int(words[words.index("--num_processes") + 1])


@pytest.mark.parametrize(
    ("recipe", "flags", "gpus", "gib", "launch"),
    [
        (FULL, [], 4, 80, ("zero3", 3)),
        (FULL, [], 8, 80, ("zero3", 7)),
        (FULL, ["--vllm_tensor_parallel_size", "2"], 4, 96, ("zero3", 2)),
        (FULL, [], 4, 48, ("zero3_offload", 3)),
        (FULL, ["--vllm_server_base_url", "http://elsewhere:8000"], 4, 80, ("zero3", 4)),
        (LORA, [], 4, 80, ("zero2", 3)),
        (LORA, [], 2, 80, ("ddp", 1)),
        (QLORA, [], 3, 48, ("ddp", 3)),
        (ONE_GPU, [], 1, 24, ("single_gpu", 1)),
        (SFT, [], 4, 80, ("zero3", 4)),
        (SFT, [], 1, 40, ("zero3_offload", 1)),
        (DEMO, [], 0, 0, ("cpu", 1)),
        (DEMO, [], 2, 80, ("cpu", 1)),
    ],
)
def test_the_launch_fits_recipe_and_machine(recipe, flags, gpus, gib, launch):
    found = planned(recipe, flags, gpus, gib)
    assert chosen(found) == launch
    task = "sft" if recipe is SFT else "grpo"
    assert found.command[-3 - len(flags) :] == [f"src/open_r1/{task}.py", "--config", str(ROOT / recipe), *flags]
    assert ("--main_process_port" in found.command) is (launch[0] not in ("cpu", "single_gpu"))


def test_what_is_chosen_is_explained(tmp_path):
    said = " ".join(planned(FULL, gpus=4, gib=48).reasons)
    assert re.search(r"4 GPUs: 3 to train, 1 to serve .*zero3 needs \d+ of 48 GiB a GPU \(estimate\), so not", said)
    said = " ".join(planned(LORA, gpus=4, gib=16).reasons)
    assert "It may run out of memory" in said
    launch = plan_launch(ROOT / FULL, ["--model_name_or_path", str(tmp_path)], [8 * GIB] * 2, 1)
    assert "cannot be read, so memory is not estimated" in launch.reasons[-1]


@pytest.mark.parametrize(
    ("recipe", "gpus", "message"),
    [
        (FULL, 1, "1 GPU, 1 of them for the vLLM server: none can train; `vllm_mode: colocate`"),
        (FULL, 0, "no GPU visible here, and the recipe trains on GPUs"),
    ],
)
def test_a_recipe_that_cannot_run_here(recipe, gpus, message):
    with pytest.raises(RecipeError, match=re.escape(message)):
        planned(recipe, gpus=gpus)


@pytest.mark.slow
def test_a_real_launch_says_its_command_and_trains(tmp_path, tiny_model, rows_folder):
    recipe = tmp_path / "grpo.yaml"
    own = {
        "model_name_or_path": str(tiny_model),
        "dataset_name": str(rows_folder),
        "output_dir": str(tmp_path / "run"),
    }
    recipe.write_text(yaml.safe_dump(GRPO | own))
    command = [sys.executable, "-m", "open_r1.launch"]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": "1"}
    options = {"capture_output": True, "text": True, "timeout": 300, "env": environment, "cwd": tmp_path}
    done = subprocess.run([*command, str(recipe), "--max_steps", "2"], **options)
    assert done.returncode == 0, done.stderr
    said = "accelerate launch --config_file recipes/accelerate_configs/cpu.yaml --num_processes 1 src/open_r1/grpo.py"
    assert f"{said} --config {recipe} --max_steps 2" in done.stdout.splitlines()
    assert (tmp_path / "run" / "model.safetensors").is_file()
    refused = subprocess.run([*command, str(ROOT / FULL)], **options)
    assert refused.returncode == 2 and "no GPU visible here" in refused.stderr

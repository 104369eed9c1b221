"""Every recipe's model on the meta device, and the memory estimate beside DeepSpeed's and beside what autograd keeps."""

import re
import runpy
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from deepspeed.runtime.zero.stage3 import estimate_zero3_model_states_mem_needs
from deepspeed.runtime.zero.stage_1_and_2 import estimate_zero2_model_states_mem_needs
from memory.shapes import MODELS, config_of, qwen
from transformers import Qwen2ForCausalLM
from trl import ModelConfig

from open_r1.arguments import RecipeError
from open_r1.memory import ACCELERATE, GIB, Sharding, build_on_meta, estimate, shape_of
from open_r1.recipes import load_recipe, task_of

ROOT = Path(__file__).parents[2]
RECIPES = [path for path in sorted((ROOT / "recipes").glob("*/*/*.yaml")) if config_of(path) is not None]
HUATUO = ROOT / "recipes/HuatuoGPT-o1/grpo/config_medxpert_usmle.yaml"
STATES = ("weights", "gradients", "optimizer states")


def parsed(recipe: Path, processes: int, *flags: str) -> tuple:
    return load_recipe(task_of(recipe), ["--config", str(recipe), *flags], num_processes=processes)[0]


def launch_of(recipe: Path) -> tuple[int, str, str]:
    """Training processes, accelerate config and the hardware line of a recipe's own command."""
    head = recipe.read_text().split("\n\n")[0]
    processes = int(re.findall(r"--num_processes (\d+)", head)[-1])
    return processes, re.findall(r"accelerate_configs/(\w+)\.yaml", head)[-1], re.search(r"Hardware: (.*)", head)[1]


def test_the_configurations_are_those_of_the_published_models():
    for name, (config, billions) in MODELS.items():
        assert shape_of(config, ModelConfig()).params / 1e9 == pytest.approx(billions, abs=0.005), name


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: str(path.relative_to(ROOT / "recipes")))
def test_every_recipe_fits_its_model_its_launch_and_its_hardware(recipe):
    processes, accelerate, hardware = launch_of(recipe)
    script_args, training_args, model_args = parsed(recipe, processes)
    config, sharding = config_of(recipe), Sharding.of(ACCELERATE / f"{accelerate}.yaml")
    model = build_on_meta(config, model_args)
    assert all(parameter.is_meta for parameter in model.parameters())
    if model_args.use_peft:
        trained = [name for name, parameter in model.named_parameters() if parameter.requires_grad]
        layers = config.get_text_config().num_hidden_layers
        assert len(trained) == 2 * 7 * layers, "both matrices on each of the seven projections of every layer"
        assert not any("vision" in name or "lm_head" in name for name in trained)
    if model_args.load_in_4bit:
        assert sharding.stage < 3, "packed weights are not split"
    length = config.get_text_config().max_position_embeddings
    assert (training_args.max_length if "sft" in recipe.parts else training_args.max_completion_length) < length

    found = estimate((script_args, training_args, model_args), processes, sharding, config)
    size = re.search(r"GPUs? of (\d+) GB", hardware)
    if size is None:
        assert "upstream" in recipe.stem
        return
    # Makers' GB are 1e9 bytes of marketing and GiB of memory: 24 GB cards hold a little less than 24 GiB.
    assert max(found.gpu, found.server_gpu) < int(size[1]) * 0.95 * GIB
    serving = bool(found.server)
    assert int(re.match(r"\d+", hardware)[0]) == processes + serving


def test_one_target_module_is_a_name_and_not_a_pattern():
    config = MODELS["Qwen/Qwen2.5-1.5B-Instruct"][0]
    model = build_on_meta(config, ModelConfig(use_peft=True, lora_target_modules=["q_proj"]))
    assert sum(parameter.requires_grad for parameter in model.parameters()) == 2 * config.num_hidden_layers


def test_wrong_target_modules_are_named():
    config = MODELS["Qwen/Qwen2.5-1.5B-Instruct"][0]
    with pytest.raises(RecipeError, match="lora_target_modules: query_proj"):
        build_on_meta(config, ModelConfig(use_peft=True, lora_target_modules=["query_proj"]))


@pytest.mark.parametrize("processes", [1, 3, 8])
def test_states_beside_deepspeeds_estimators(processes):
    config = MODELS["FreedomIntelligence/HuatuoGPT-o1-7B"][0]
    recipe, shape = parsed(HUATUO, processes, "--num_generations", "2"), shape_of(config, ModelConfig())

    def states(**sharding) -> int:
        parts = estimate(recipe, processes, Sharding(**sharding), config).parts
        return sum(parts.get(name, 0) for name in STATES)

    _, zero2 = estimate_zero2_model_states_mem_needs(shape.params, processes, cpu_offload=False)
    assert states(stage=2) == pytest.approx(zero2, rel=1e-6)
    # DeepSpeed leaves the half-precision gradients out of stage 3; beside float32 copies they are there in the step.
    _, zero3, layer = estimate_zero3_model_states_mem_needs(
        shape.params, shape.largest_layer, processes, cpu_offload=False, cpu_offload_params=False
    )
    assert zero3 - layer <= states(stage=3) <= 1.12 * (zero3 - layer)
    found = estimate(recipe, processes, Sharding(3, offload_optimizer=True, offload_params=True), config)
    assert found.parts["buffers"] == layer and not any(name in found.parts for name in STATES)
    host, _, _ = estimate_zero3_model_states_mem_needs(shape.params, shape.largest_layer, processes)
    assert found.host <= host


def test_adapters_packed_weights_and_vllm_change_what_they_should():
    config = MODELS["Qwen/Qwen2.5-7B-Instruct"][0]
    recipe = ROOT / "recipes/Qwen2.5-7B-Instruct/sft/config_qlora.yaml"

    def parts(*flags: str) -> dict[str, int]:
        return estimate(parsed(recipe, 1, *flags), 1, Sharding(), config).parts

    qlora, lora = parts(), parts("--load_in_4bit", "false")
    assert qlora["weights"] < 0.4 * lora["weights"] and qlora["gradients"] == lora["gradients"]
    assert lora["weights"] > 2 * 7.6e9 and lora["optimizer states"] < 0.05 * lora["weights"]
    assert parts("--gradient_checkpointing", "false")["activations"] > 5 * qlora["activations"]
    assert parts("--max_length", "8192")["activations"] == pytest.approx(2 * qlora["activations"], rel=1e-3)

    recipe = ROOT / "recipes/Qwen2.5-1.5B-Instruct/grpo/config_one_gpu_lora.yaml"
    config = MODELS["Qwen/Qwen2.5-1.5B-Instruct"][0]
    share = ["--vllm_gpu_memory_utilization", "0.6"]
    asleep = estimate(parsed(recipe, 1, *share), 1, Sharding(), config)
    awake = estimate(parsed(recipe, 1, *share, "--vllm_enable_sleep_mode", "false"), 1, Sharding(), config)
    assert awake.gpu == pytest.approx(sum(awake.parts.values()) / 0.4, rel=1e-6)
    # Asleep while the model trains, its share and the states must still fit while it generates.
    assert asleep.parts == awake.parts and sum(asleep.parts.values()) <= asleep.gpu < awake.gpu
    small = estimate(parsed(recipe, 1, "--vllm_gpu_memory_utilization", "0.05"), 1, Sharding(), config)
    assert small.gpu * 0.05 == pytest.approx(sum(small.colocated.values()), rel=1e-6)
    assert small.colocated["weights"] == 2 * shape_of(config, ModelConfig()).params


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_activations_beside_what_autograd_keeps(attention):
    config = qwen(256, 1024, 3, 4, 2, 512)
    config._attn_implementation = attention
    model = Qwen2ForCausalLM(config)
    own = {parameter.untyped_storage().data_ptr() for parameter in model.parameters()}
    kept: dict[int, int] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        output = model.model(input_ids=torch.randint(0, 512, (2, 160)), use_cache=False).last_hidden_state
    flags = ["--bf16", "false", "--dtype", "float32", "--gradient_checkpointing", "false", "--max_length", "160"]
    flags += ["--per_device_train_batch_size", "2", "--use_peft", "false", "--load_in_4bit", "false"]
    recipe = parsed(
        ROOT / "recipes/Qwen2.5-7B-Instruct/sft/config_qlora.yaml", 1, *flags, "--attn_implementation", attention
    )
    estimated = estimate(recipe, 1, Sharding(), config).parts["activations"]
    assert output.requires_grad
    assert 0.75 * estimated < sum(kept.values()) < 1.25 * estimated


def test_the_table_of_recipes_is_what_the_script_writes():
    script = runpy.run_path(str(ROOT / "scripts/recipe_table.py"))
    assert script["main"](["--check"]) == 0, "recipes/README.md is old: run python scripts/recipe_table.py"


@pytest.mark.slow
def test_the_command(tmp_path):
    MODELS["Qwen/Qwen2.5-1.5B-Instruct"][0].save_pretrained(tmp_path)
    recipe = ROOT / "recipes/Qwen2.5-1.5B-Instruct/grpo/config_medqa.yaml"
    command = [
        sys.executable,
        "-m",
        "open_r1.memory",
        recipe,
        "--num_processes",
        "3",
        "--model_name_or_path",
        tmp_path,
    ]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, cwd=ROOT / "src")
    assert done.returncode == 0, done.stderr
    assert "a training GPU" in done.stdout and "a GPU of the vLLM server" in done.stdout


def test_sharding_is_read_from_the_launch_files():
    assert Sharding.of(ACCELERATE / "ddp.yaml") == Sharding()
    assert Sharding.of(ACCELERATE / "zero2.yaml") == Sharding(2)
    assert Sharding.of(ACCELERATE / "zero3_offload.yaml") == replace(
        Sharding(3), offload_optimizer=True, offload_params=True
    )

"""LoRA and QLoRA: which combinations a recipe may ask for, and an adapter's weights as those of a whole model."""

import importlib.util
from collections.abc import Iterator
from pathlib import Path

import torch
from peft import LoraConfig
from trl import ModelConfig, get_peft_config

from open_r1.arguments import GRPOConfig, RecipeError

ADAPTER_CONFIG = "adapter_config.json"


def check_method(training_args, model_args: ModelConfig) -> None:
    """Raise RecipeError for LoRA and quantisation keys that do not go together, whatever the machine."""
    bits = _bits(model_args)
    if bits is None:
        return
    if not model_args.use_peft:
        raise RecipeError(
            f"load_in_{bits}: true without `use_peft: true`: packed weights cannot be trained themselves. Add `use_peft: "
            "true` (QLoRA), or remove the key."
        )
    if not (isinstance(training_args, GRPOConfig) and training_args.use_vllm):
        return
    if bits == "8bit":
        raise RecipeError(
            "load_in_8bit: true with `use_vllm: true`: 8-bit layers round their inputs too, so vLLM could not compute "
            "the trainer's log-probs. Use `load_in_4bit: true`, or `use_vllm: false`."
        )
    if model_args.use_dora or model_args.lora_target_parameters:
        raise RecipeError(
            "load_in_4bit: true with `use_vllm: true` merges plain LoRA into the 4-bit weights for vLLM; use_dora and "
            "lora_target_parameters are not among what it can merge. Remove the key, or set `use_vllm: false`."
        )


def check_adapters(training_args, model_args: ModelConfig) -> None:
    """Raise RecipeError for adapters that this machine or this launch cannot train."""
    path = Path(model_args.model_name_or_path).expanduser()
    if is_adapter(path):
        raise RecipeError(
            f"model_name_or_path: {path} holds an adapter, not a model. Merge it first: `python scripts/merge_adapter.py "
            f"{path} --output_dir {path.name}-merged`."
        )
    bits = _bits(model_args)
    if bits is None:
        return
    if importlib.util.find_spec("bitsandbytes") is None:
        raise RecipeError(
            f"load_in_{bits}: true, but bitsandbytes is not installed. Run `pip install -e '.[quant]'`, or train LoRA "
            "on the whole weights: remove the key."
        )
    plugin = training_args.deepspeed_plugin
    if plugin is None or plugin.zero_stage != 3:
        return
    remedy = "Launch with recipes/accelerate_configs/ddp.yaml or zero2.yaml: each GPU then holds all packed weights."
    if bits == "8bit":
        raise RecipeError(f"load_in_8bit: true under ZeRO-3: 8-bit weights cannot be split over processes. {remedy}")
    if isinstance(training_args, GRPOConfig) and training_args.use_vllm:
        raise RecipeError(
            "load_in_4bit: true with `use_vllm: true` under ZeRO-3: weights that are packed and split cannot be sent to "
            f"vLLM. {remedy}"
        )
    if model_args.bnb_4bit_quant_storage != model_args.dtype:
        raise RecipeError(
            "load_in_4bit: true under ZeRO-3: weights are split only when they are stored in the model's own type. Add "
            f"`bnb_4bit_quant_storage: {model_args.dtype}`. Or l{remedy[1:]}"
        )


def adapter_config(model_args: ModelConfig) -> LoraConfig | None:
    """The recipe's LoRA settings, or None without `use_peft`."""
    config = get_peft_config(model_args)
    # TRL turns a list of one name into that name, which peft reads as a pattern for whole paths and finds nowhere.
    if config is not None and isinstance(config.target_modules, str) and config.target_modules.isidentifier():
        config.target_modules = {config.target_modules}
    return config


def _bits(model_args: ModelConfig) -> str | None:
    return "4bit" if model_args.load_in_4bit else "8bit" if model_args.load_in_8bit else None


def is_adapter(folder: Path) -> bool:
    """Whether a folder holds an adapter and no whole model."""
    return (folder / ADAPTER_CONFIG).is_file() and not (folder / "config.json").is_file()


def refuse_adapter(name: str) -> None:
    """Raise RecipeError when a folder that is to answer questions holds an adapter and no whole model."""
    if is_adapter(Path(name)):
        raise RecipeError(
            f"{name} holds an adapter, not a model. Merge it first: `python scripts/merge_adapter.py {name} --output_dir "
            f"{name}-merged`"
        )


def whole_params(model) -> Iterator[tuple[str, torch.Tensor]]:
    """The parameters of a LoRA model on a 4-bit base as a plain model has them: dequantised, adapters added.

    Names are the base model's. The model itself stays as it is: merging into the packed weights, as peft does, would
    round the sum to 4 bits again.
    """
    from bitsandbytes.functional import dequantize_4bit
    from bitsandbytes.nn import Params4bit
    from peft.tuners.lora import LoraLayer

    adapted = {name: module for name, module in model.named_modules() if isinstance(module, LoraLayer)}
    for name, parameter in model.named_parameters():
        if model.prefix in name or "original_module" in name:
            continue
        packed = isinstance(parameter, Params4bit)
        weight = dequantize_4bit(parameter.data, parameter.quant_state) if packed else parameter.data
        layer = adapted.get(name.removesuffix(".base_layer.weight"))
        if layer is not None:
            for adapter in layer.active_adapters:
                weight = weight + layer.get_delta_weight(adapter).to(weight.dtype)
        name = name.removeprefix("base_model.model.").replace(".base_layer", "")
        yield name.replace("modules_to_save.default.", ""), weight

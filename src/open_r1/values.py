"""A recipe's values, held to the types of the keys that take them.

argparse converts text only. What YAML has read already, a list in a number's place or `1.0` in that of a whole number,
would reach the trainer as it is and end there in a traceback.
"""

import argparse
import functools
import json
import math
import types
import typing
from collections.abc import Callable

from pydantic import ConfigDict, TypeAdapter, ValidationError

from open_r1.arguments import RecipeError

# Text keys that take more than their type says: `resume_from_checkpoint: true`, `scale_rewards: false`.
MORE_THAN_TEXT = {"fsdp", "resume_from_checkpoint", "scale_rewards"}
# Mappings that may stand in a file of their own.
FILES = {"accelerator_config", "deepspeed", "fsdp_config"}

# Words that TRL's GRPO trainer knows and its arguments do not list; another one ends a run at its first step.
CHOICES = {
    "loss_type": ["grpo", "dr_grpo", "dapo", "bnpo", "cispo", "sapo", "luspo", "vespo"],
    "scale_rewards": ["group", "batch", "none", True, False],
    "importance_sampling_level": ["token", "sequence"],
    "multi_objective_aggregation": ["sum_then_normalize", "normalize_then_sum"],
    "vllm_importance_sampling_mode": ["token_truncate", "token_mask", "sequence_truncate", "sequence_mask"],
    "vllm_model_impl": ["vllm", "transformers"],
}

# The least and the most that numbers take, where a run divides by them, cannot do without them, or their library refuses them
# after the model is loaded.
LEAST = {"num_generations": 2} | dict.fromkeys(
    [
        "generation_batch_size",
        "gradient_accumulation_steps",
        "lora_r",
        "max_completion_length",
        "max_length",
        "max_prompt_length",
        "num_generations_eval",
        "num_iterations",
        "per_device_eval_batch_size",
        "per_device_train_batch_size",
        "ref_model_sync_steps",
        "steps_per_generation",
        "vllm_data_parallel_size",
        "vllm_max_model_length",
        "vllm_tensor_parallel_size",
    ],
    1,
)
LEAST |= dict.fromkeys(["data_seed", "lora_dropout", "min_p", "seed", "top_k"], 0)
ABOVE_0 = {"repetition_penalty", "temperature", "top_p", "vllm_gpu_memory_utilization"}
MOST = dict.fromkeys(["lora_dropout", "min_p", "top_p", "vllm_gpu_memory_utilization"], 1)
MOST |= dict.fromkeys(["data_seed", "seed"], 2**32 - 1)
LIMITED = LEAST.keys() | ABOVE_0


@functools.cache
def hints(classes: tuple[type, ...]) -> dict[str, typing.Any]:
    """The type of every key of some dataclasses."""
    return {name: hint for kind in classes for name, hint in typing.get_type_hints(kind).items()}


def limit(parser: argparse.ArgumentParser) -> None:
    """Let a parser of recipe keys refuse words and numbers that no run can do anything with."""
    for action in parser._actions:
        action.choices = action.choices or CHOICES.get(action.dest)
        if action.dest in LIMITED:
            action.type = _within(action.type, action.dest)


def _within(kind: type, key: str) -> Callable:
    def convert(given):
        value = kind(str(given))
        if value is None and key != "max_completion_length":
            return None
        if value is None:
            raise argparse.ArgumentTypeError("is empty: give a value, or leave it out")
        if value < LEAST.get(key, value):
            raise argparse.ArgumentTypeError(f"takes {LEAST[key]} or more, got {given}")
        if key in ABOVE_0 and value <= 0:
            raise argparse.ArgumentTypeError(f"takes a number above 0, got {given}")
        if value > MOST.get(key, value):
            raise argparse.ArgumentTypeError(f"takes {MOST[key]} at most, got {given}")
        return value

    convert.__name__ = kind.__name__
    return convert


def checked(value, key: str, hint, action: argparse.Action, mappings: list[str], where: str):
    """A value of a recipe as the key's type has it; `mappings` are the keys whose JSON transformers reads.

    Raises RecipeError at `where` for what the trainer could not use.
    """
    kinds = set(typing.get_args(hint)) if typing.get_origin(hint) in (types.UnionType, typing.Union) else {hint}
    needed = key == "max_completion_length" or (type(None) not in kinds and kinds & {int, float, str})
    if value is None and needed and action.nargs != "+":
        raise RecipeError(f"{where}: `{key}` is empty: give a value, or leave the line out.")
    if action.nargs == "+" and isinstance(value, str | int | float):
        value = [value]
    if action.nargs == "+" and not isinstance(value, list) and action.default is not None:
        raise RecipeError(f"{where}: `{key}` takes a list, got {value!r}.")
    kind = getattr(action.type, "__name__", "")
    if isinstance(value, (list, dict)) and action.nargs != "+" and kind in ("int", "float", "string_to_bool"):
        raise RecipeError(f"{where}: `{key}` takes one value, got {value!r}.")
    if kind in ("int", "float") and not _is_finite(value):
        raise RecipeError(f"{where}: `{key}` takes a finite number, got {value!r}.")
    if kind == "int" and isinstance(value, float):
        if value != int(value):
            raise RecipeError(f"{where}: `{key}` takes a whole number, got {value!r}.")
        value = int(value)
    if kind in ("int", "float") and isinstance(value, bool):
        raise RecipeError(f"{where}: `{key}` takes a number, got {value!r}.")
    if key in LIMITED and isinstance(value, int | float):
        try:
            value = action.type(value)
        except argparse.ArgumentTypeError as error:
            raise RecipeError(f"{where}: `{key}` {error}.") from None
    if kind == "string_to_bool" and not isinstance(value, (bool, str, type(None))):
        raise RecipeError(f"{where}: `{key}` takes true or false, got {value!r}.")
    if action.choices and value is not None and not isinstance(value, list) and value not in action.choices:
        raise RecipeError(f"{where}: `{key}` must be one of {', '.join(map(str, action.choices))}, got {value!r}.")
    if kinds <= {str, type(None)} and key not in MORE_THAN_TEXT and not isinstance(value, str | None):
        raise RecipeError(f"{where}: `{key}` takes text, got {value!r}. Put it in quotes if that is what is meant.")
    if key in mappings and key not in FILES and isinstance(value, str):
        value = _mapping(value, key, where)
    if {list, dict} & {typing.get_origin(one) or one for one in kinds}:
        try:
            return TypeAdapter(hint, config=ConfigDict(allow_inf_nan=False)).validate_python(value)
        except ValidationError as error:
            what = error.errors()[0]
            at = "".join(f"[{part}]" for part in what["loc"] if isinstance(part, int))
            raise RecipeError(f"{where}: `{key}{at}` {told(what)}.") from None
    return value


def told(error: dict) -> str:
    """What pydantic says of a value, in a recipe's words."""
    message = error["msg"][0].lower() + error["msg"][1:]
    words = {
        "input should be": "takes",
        "a valid string": "text",
        "dictionary": "mapping",
        "integer": "whole number",
        "a valid": "a",
    }
    for theirs, ours in words.items():
        message = message.replace(theirs, ours)
    return f"{message}, got {error['input']!r:.80}"


def _mapping(text: str, key: str, where: str) -> dict:
    try:
        value = json.loads(text)
    except json.JSONDecodeError:
        value = text
    if not isinstance(value, dict):
        raise RecipeError(f"{where}: `{key}` takes a mapping, got {text!r:.80}.")
    return value


def _is_finite(value) -> bool:
    """False for infinities and NaN, also as text: YAML reads 1e999 as text, and argparse that as infinity."""
    try:
        return math.isfinite(float(value))
    except (TypeError, ValueError, OverflowError):  # no number, or a whole one too large for a float: told elsewhere
        return True

"""Retired keys of Open-R1's recipes, and what they mean today."""

import json
from collections.abc import Callable

from open_r1.arguments import RecipeError

# Retired key of Open-R1's recipes -> the key that means the same today.
RENAMED = {
    "torch_dtype": "dtype",
    "warmup_ratio": "warmup_steps",  # transformers 5 reads a value below 1 as a ratio
    "evaluation_strategy": "eval_strategy",
    "vllm_max_model_len": "vllm_max_model_length",
    "wandb_log_unique_prompts": "log_unique_prompts",
    "vllm_guided_decoding_regex": "vllm_structured_outputs_regex",
    "no_cuda": "use_cpu",
    "max_seq_length": "max_length",
    "use_liger": "use_liger_kernel",
    "use_liger_loss": "use_liger_kernel",
    "hub_model_revision": "hub_revision",
    "model_name": "model_name_or_path",
    "preprocessing_num_workers": "dataset_num_proc",
}

# Key and value of then -> key and value that mean the same today, or None where nothing need be said any more.
RETIRED_VALUES = [
    (("packing_strategy", "ffd"), ("packing_strategy", "bfd")),
    (("top_k", None), ("top_k", 0)),
    (("top_k", -1), ("top_k", 0)),
    (("use_flash_attention_2", True), ("attn_implementation", "flash_attention_2")),
    (("use_flash_attention_2", False), None),
    (("use_liger_loss", False), None),
]

# Open-R1's names of rewards -> the same ones here.
RENAMED_REWARDS = {"tag_count": "xmlcount_reward_func", "soft_overlong_punishment": "overlong"}

# Retired key -> why it can go. None of them changes what is trained.
DROPPED = {
    "num_processes": "accelerate's own flag; give --num_processes to `accelerate launch`",
    "dataset_configs": "Open-R1 never read it; use dataset_config",
    "overwrite_output_dir": "a checkpoint in output_dir is always resumed; remove the folder to start afresh",
    "logging_dir": "metrics go to output_dir",
    "save_safetensors": "safetensors is the only format now",
    "vllm_dtype": "the vLLM server takes the model's dtype",
}

# Open-R1's flat keys of reward arguments -> (reward, argument).
REWARD_ARGUMENTS = {
    "cosine_min_value_wrong": ("cosine", "min_value_wrong"),
    "cosine_max_value_wrong": ("cosine", "max_value_wrong"),
    "cosine_min_value_correct": ("cosine", "min_value_correct"),
    "cosine_max_value_correct": ("cosine", "max_value_correct"),
    "cosine_max_len": ("cosine", "max_len"),
    "repetition_n_grams": ("repetition_penalty", "ngram_size"),
    "repetition_max_penalty": ("repetition_penalty", "max_penalty"),
    "max_completion_len": ("overlong", "max_completion_len"),
    "soft_punish_cache": ("overlong", "soft_punish_cache"),
}

# Open-R1's Weights & Biases keys -> the variables that wandb reads.
ENVIRONMENT = {"wandb_entity": "WANDB_ENTITY", "wandb_project": "WANDB_PROJECT", "wandb_run_group": "WANDB_RUN_GROUP"}


def translate(config: dict, valid: set[str], at: Callable[[str], str]) -> tuple[dict, dict, list[str]]:
    """Retired keys turned into today's: (config, environment variables, one note for each change).

    Raises RecipeError when a key and its retired name are both set to different values.
    """
    config, values = _values_of_today(config, valid, at)
    result, environment, notes = dict(config), {}, values
    for old, value in config.items():
        if old in valid and old not in ENVIRONMENT:
            continue
        if old in RENAMED and RENAMED[old] in valid:
            new = RENAMED[old]
            if new in config and config[new] != value:
                raise RecipeError(
                    f"{at(old)}: `{old}` is the retired name of `{new}`, and both are set. Keep `{new}`."
                )
            if old == "warmup_ratio" and isinstance(value, int | float) and value >= 1:
                raise RecipeError(f"{at(old)}: `{old}` is a share of the steps below 1, got {value!r}.")
            result[new] = result.pop(old)
            notes.append(f"{old} -> {new}")
        elif old in REWARD_ARGUMENTS and "reward_args" in valid:
            reward, argument = REWARD_ARGUMENTS[old]
            given = result.get("reward_args") or {}
            if not isinstance(given, dict) or not all(isinstance(values, dict) for values in given.values()):
                raise RecipeError(
                    f"{at('reward_args')}: `reward_args` takes a mapping of mappings, got {given!r:.80}."
                )
            arguments = {name: dict(values) for name, values in given.items()}
            arguments.setdefault(reward, {}).setdefault(argument, result.pop(old))
            result["reward_args"] = arguments
            notes.append(f"{old} -> reward_args.{reward}.{argument}")
        elif old in ENVIRONMENT:
            environment[ENVIRONMENT[old]] = str(result.pop(old))
            notes.append(f"{old} -> environment variable {ENVIRONMENT[old]}")
        elif old in DROPPED:
            del result[old]
            notes.append(f"{old} dropped: {DROPPED[old]}")
    return result, environment, notes


def _values_of_today(config: dict, valid: set[str], at: Callable[[str], str]) -> tuple[dict, list[str]]:
    """The config with its retired values replaced, and a note for each."""
    result, notes = dict(config), []
    for (old, value), today in RETIRED_VALUES:
        if old not in config or config[old] != value or (today and today[0] not in valid):
            continue
        del result[old]
        if today is None:
            notes.append(f"{old}: {said(value)} dropped: it is so without the line")
            continue
        key, new = today
        if result.setdefault(key, new) != new:
            raise RecipeError(
                f"{at(old)}: `{old}: {said(value)}` means `{key}: {new}`, and `{key}` is set too. Keep `{key}`."
            )
        notes.append(f"{old}: {said(value)} -> {key}: {new}")
    return result, notes


def said(value: str | bool | None) -> str:
    """A value as YAML writes it."""
    return value if isinstance(value, str) else json.dumps(value)

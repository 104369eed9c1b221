"""What the keys of a recipe say together: contradictions that a run would meet only after loading its model, and keys
without effect.
"""

import dataclasses

import jinja2
import torch
from torch.utils.data import DataLoader
from transformers import get_scheduler
from transformers.integrations import get_reporting_integration_callbacks
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS
from transformers.utils.chat_template_utils import _compile_jinja_template
from trl import ModelConfig

from open_r1.adapters import adapter_config
from open_r1.arguments import DataArguments, GRPOConfig, RecipeError
from open_r1.publishing.callbacks import check_saves
from open_r1.questions import DataError
from open_r1.questions.own import check_fields
from open_r1.rollouts.topology import named_gpus

ADAPTER_KEYS = {field.name for field in dataclasses.fields(ModelConfig) if field.name.startswith("lora_")}
ADAPTER_KEYS |= {"use_rslora", "use_dora"}


def check_together(script_args: DataArguments, training_args, model_args: ModelConfig) -> None:
    """Raise RecipeError, beginning with a key, for values that cannot go together; the libraries judge where they can."""
    _check_optimizer(training_args)
    _check_template(script_args.chat_template)
    check_saves(script_args, training_args)
    for key, made in (
        ("report_to", lambda: get_reporting_integration_callbacks(training_args.report_to)),
        ("lora_task_type", lambda: adapter_config(model_args)),
        ("dataloader_num_workers", lambda: _loader(training_args)),
    ):
        try:
            made()
        except ValueError as error:
            raise RecipeError(f"{key}: {error}") from None
    try:
        check_fields(script_args.dataset_columns or {})
    except DataError as error:
        raise RecipeError(f"dataset_{error}") from None
    attention = model_args.attn_implementation
    if attention not in (None, "eager", *ALL_ATTENTION_FUNCTIONS.valid_keys()) and "/" not in attention:
        raise RecipeError(
            f"attn_implementation: no {attention!r}; transformers has eager, {', '.join(ALL_ATTENTION_FUNCTIONS.valid_keys())}."
        )
    mixture = script_args.dataset_mixture
    if mixture and mixture.get("test_split_size") is None and training_args.eval_strategy != "no":
        raise RecipeError(
            f"eval_strategy: {training_args.eval_strategy.value} has no rows to evaluate on: give "
            '`dataset_mixture` a `test_split_size`, or set `eval_strategy: "no"`.'
        )
    if training_args.eval_strategy == "no" and (training_args.eval_on_start or training_args.save_strategy == "best"):
        key = "eval_on_start: true" if training_args.eval_on_start else "save_strategy: best"
        raise RecipeError(f'{key} with `eval_strategy: "no"`: there is nothing to evaluate. Set `eval_strategy`.')
    if isinstance(training_args, GRPOConfig):
        if training_args.vllm_device != "auto":
            named_gpus(training_args.vllm_device)
        if training_args.sync_ref_model and training_args.beta == 0:
            raise RecipeError("sync_ref_model: true with `beta: 0`, which has no reference model. Set `beta` above 0.")
        return
    if training_args.packing and training_args.max_length is None:
        raise RecipeError("max_length: packing fills sequences of that length, so it cannot be empty.")
    if training_args.padding_free and not training_args.packing and training_args.max_length is not None:
        raise RecipeError(
            f"padding_free: TRL cuts no sequence without `packing: true`, and `max_length` is {training_args.max_length}. "
            "Set `packing: true`, or `max_length: null`."
        )


def _check_optimizer(training_args) -> None:
    weight = torch.nn.Parameter(torch.zeros(1))
    try:
        optimizer = torch.optim.AdamW(
            [weight],
            lr=training_args.learning_rate,
            betas=(training_args.adam_beta1, training_args.adam_beta2),
            eps=training_args.adam_epsilon,
            weight_decay=training_args.weight_decay,
        )
    except ValueError as error:
        raise RecipeError(f"learning_rate, adam_beta1, adam_beta2, adam_epsilon, weight_decay: {error}.") from None
    schedule, given = training_args.lr_scheduler_type, training_args.lr_scheduler_kwargs
    try:
        get_scheduler(schedule, optimizer, num_warmup_steps=1, num_training_steps=10, scheduler_specific_kwargs=given)
    except (ValueError, TypeError) as error:
        raise RecipeError(f"lr_scheduler_kwargs: {schedule.value} does not take {given}: {error}") from None


def _loader(training_args) -> DataLoader:
    return DataLoader(
        [],
        num_workers=training_args.dataloader_num_workers,
        prefetch_factor=training_args.dataloader_prefetch_factor,
        persistent_workers=training_args.dataloader_persistent_workers,
    )


def _check_template(template: str | None) -> None:
    if not template:
        return
    try:
        _compile_jinja_template(template)
    except jinja2.TemplateError as error:
        raise RecipeError(f"chat_template: {error}") from None
    if "messages" not in template:
        raise RecipeError(
            f"chat_template: {template!r:.60} reads no `messages`: it is the Jinja template itself, not the name of a file."
        )


def without_effect(config: dict, script_args: DataArguments, training_args, model_args: ModelConfig) -> list[str]:
    """A note for each key of a recipe that its other keys leave without effect."""
    idle = {}
    if not model_args.use_peft:
        idle |= dict.fromkeys(ADAPTER_KEYS, "`use_peft: true` is missing")
    if script_args.dataset_mixture:
        idle |= dict.fromkeys(["dataset_name", "dataset_config"], "`dataset_mixture` names the data")
    if isinstance(training_args, GRPOConfig):
        if training_args.use_vllm and training_args.vllm_mode == "colocate":
            server = ["vllm_server_base_url", "vllm_server_host", "vllm_server_port", "vllm_device", "weight_sync"]
            idle |= dict.fromkeys(server, "`vllm_mode: colocate` has no server")
    else:
        idle |= dict.fromkeys(["dataset_prompt_column", "max_prompt_length"], "only grpo.py reads it")
    idle |= {"dataset_streaming": "rows are always loaded whole"}
    return [f"{name} has no effect: {idle[name]}" for name in sorted(config.keys() & idle.keys()) if config[name]]

"""Supervised fine-tuning: the cold start before GRPO, or a baseline beside it.

Rows hold `messages`, or `prompt` and `completion` (what generate.py writes), or `text`, or three columns that
`trace_columns` names. The loss is the completion's alone, or with `assistant_only_loss: true` that of all the assistant's turns in
`messages`. `packing: true` fills sequences with several conversations that do not see each other. TRL's SFTTrainer computes every
number.

    accelerate launch --num_processes 4 --config_file recipes/accelerate_configs/zero3.yaml \\
        src/open_r1/sft.py --config recipes/HuatuoGPT-o1/sft/config_traces.yaml
"""

import open_r1  # noqa: F401 before the libraries: it says to them that nothing is reported

# isort: split

from functools import partial

from transformers import PreTrainedTokenizerBase, set_seed
from trl import ModelConfig, SFTConfig, SFTTrainer, get_quantization_config
from trl.chat_template_utils import get_training_chat_template, has_generation_markers

from open_r1.adapters import adapter_config
from open_r1.arguments import RecipeError, SFTScriptArguments
from open_r1.data import load_data, trained_on, with_conversations
from open_r1.publishing.run import Publishing
from open_r1.run_description import write_description
from open_r1.run_folder import EvaluateAtEnd, MetricsFile, checkpoint_to_resume, write_data_manifests
from open_r1.run_setup import (
    check_before_loading,
    finish,
    load_config,
    load_tokenizer,
    model_init_kwargs,
    run,
    say,
    set_up_logging,
    show_progress,
    split_of,
)
from open_r1.training.guarded import Guarded
from open_r1.training.identity import check_same_run, identity
from open_r1.training.preemption import Preemption


class GuardedSFTTrainer(Guarded, SFTTrainer):
    """TRL's SFTTrainer with whole checkpoints."""


def main(script_args: SFTScriptArguments, training_args: SFTConfig, model_args: ModelConfig) -> None:
    """Train as a parsed recipe says; model and metrics lie in output_dir afterwards."""
    set_seed(training_args.seed)
    set_up_logging(training_args)
    check_before_loading(training_args, model_args)
    tell = partial(say, training_args)
    checkpoint = checkpoint_to_resume(training_args, tell)
    publishing = Publishing.of(script_args, training_args, model_args, checkpoint is not None, tell)

    # ---- conversations
    config = load_config(model_args, training_args)
    tokenizer = load_tokenizer(model_args, script_args, training_args, config)
    check_template(tokenizer, training_args)
    evaluates = training_args.eval_strategy != "no"
    with training_args.main_process_first(desc="conversations"):
        splits = load_data(script_args)
        train_rows = with_conversations(split_of(splits, script_args.dataset_train_split, "training"), script_args)
        eval_rows = None
        if evaluates:
            eval_rows = with_conversations(
                split_of(splits, script_args.dataset_test_split, "eval_strategy"), script_args
            )

    # ---- trainer
    run_identity = identity(script_args, training_args, model_args, train_rows)
    check_same_run(checkpoint, run_identity, script_args.resume_anyway, tell)
    training_args.model_init_kwargs = model_init_kwargs(model_args, training_args)
    preemption = Preemption(tell)
    trainer = GuardedSFTTrainer(
        model=model_args.model_name_or_path,
        args=training_args,
        train_dataset=train_rows,
        eval_dataset=eval_rows,
        processing_class=tokenizer,
        peft_config=adapter_config(model_args),
        quantization_config=get_quantization_config(model_args),
        callbacks=[MetricsFile(), EvaluateAtEnd(), publishing.on_save, preemption],
    )
    trainer.run_identity = run_identity
    show_progress(trainer)

    # ---- train, save, evaluate
    write_description(script_args, training_args, model_args, train_rows, splits, checkpoint)
    if checkpoint:
        tell(f"resuming from {checkpoint}")
    write_data_manifests(training_args, trained_on(script_args, model_args.model_name_or_path))
    publishing.start()
    result = trainer.train(resume_from_checkpoint=checkpoint)
    preemption.raise_if_stopped()
    finish(trainer, result)

    # ---- benchmarks, model card, hub
    publishing.finish()


def check_template(tokenizer: PreTrainedTokenizerBase, training_args: SFTConfig) -> None:
    """Raise RecipeError when the chat template does not say which tokens are the assistant's."""
    if not training_args.assistant_only_loss or has_generation_markers(tokenizer.chat_template):
        return
    try:
        # TRL knows such templates for the common families.
        get_training_chat_template(tokenizer)
    except ValueError:
        raise RecipeError(
            "assistant_only_loss: true, but the chat template does not mark the assistant's turns, and TRL knows no marked "
            "version of it. Give one in the recipe, with {% generation %} and {% endgeneration %} around what the "
            "assistant says (`chat_template: ...`), or rows of `prompt` and `completion` without this key."
        ) from None


if __name__ == "__main__":
    run("sft", main)

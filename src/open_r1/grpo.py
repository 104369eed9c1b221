"""GRPO on medical questions with verifiable answers.

The idea: sample several completions of a prompt, let the judge say which are right, and raise the probability of
those that did better than their group. No reward model, no critic.

    ACCELERATE_LOG_LEVEL=info accelerate launch --num_processes 3 --main_process_port 6688 \\
        --config_file recipes/accelerate_configs/zero3.yaml \\
        src/open_r1/grpo.py --config recipes/HuatuoGPT-o1/grpo/config_medxpert_usmle.yaml

Any key of the recipe can be overridden: `--learning_rate 1e-6`. TRL's GRPOTrainer computes every number.
"""

import open_r1  # noqa: F401 before the libraries: it says to them that nothing is reported

# isort: split

from functools import partial

from transformers import PreTrainedTokenizerBase, set_seed
from trl import ModelConfig, get_quantization_config

from open_r1.adapters import adapter_config
from open_r1.arguments import GRPOConfig, GRPOScriptArguments, RecipeError
from open_r1.data import check_context, drop_long_prompts, load_data, trained_on, with_prompts
from open_r1.named_function import named_function
from open_r1.publishing.run import Publishing
from open_r1.rewards import build_rewards
from open_r1.rollouts.run import check_agreement, rollouts
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
from open_r1.training.recording import RecordingTrainer
from open_r1.training.trainer import PooledGRPOTrainer


class RunTrainer(Guarded, RecordingTrainer, PooledGRPOTrainer):
    """TRL's trainer with a prompt pool, a record of what it does, and whole checkpoints.

    `Guarded` is outermost, so that it seals what the pool writes too; the record sees every round of the pool.
    """


def main(script_args: GRPOScriptArguments, training_args: GRPOConfig, model_args: ModelConfig) -> None:
    """Train as a parsed recipe says; model, metrics and completions lie in output_dir afterwards."""
    set_seed(training_args.seed)
    set_up_logging(training_args)
    check_before_loading(training_args, model_args)
    tell = partial(say, training_args)
    checkpoint = checkpoint_to_resume(training_args, tell)
    publishing = Publishing.of(script_args, training_args, model_args, checkpoint is not None, tell)

    # ---- prompts
    config = load_config(model_args, training_args)
    tokenizer = load_tokenizer(model_args, script_args, training_args, config)
    evaluates = training_args.eval_strategy != "no"
    with training_args.main_process_first(desc="prompts"):
        splits = load_data(script_args)
        train_rows = with_prompts(split_of(splits, script_args.dataset_train_split, "training"), script_args)
        train_rows = drop_long_prompts(train_rows, tokenizer, script_args.max_prompt_length, tell)
        check_context(train_rows, tokenizer, config, script_args.max_prompt_length, training_args)
        eval_rows = None
        if evaluates:
            eval_rows = with_prompts(split_of(splits, script_args.dataset_test_split, "eval_strategy"), script_args)
    check_size(len(train_rows), training_args)

    # ---- rewards
    rewards = build_rewards(
        script_args.reward_funcs,
        script_args.reward_args or {},
        max_completion_length=training_args.max_completion_length,
        folder=script_args.recipe_folder,
        prefilled_think=begins_with_think(tokenizer, training_args.chat_template_kwargs or {}),
    )

    # ---- trainer
    run_identity = identity(script_args, training_args, model_args, train_rows)
    check_same_run(checkpoint, run_identity, script_args.resume_anyway, tell)
    preemption = Preemption(tell)
    training_args.model_init_kwargs = model_init_kwargs(model_args, training_args)
    # The vLLM server, where the recipe wants one, lives as long as this block.
    with rollouts(training_args, model_args, script_args.max_prompt_length, tell):
        trainer = RunTrainer(
            curriculum=script_args.prompt_order(),
            dynamic_sampling=script_args.group_filter(),
            reward_names=script_args.reward_funcs,
            tell=tell,
            model=model_args.model_name_or_path,
            reward_funcs=rewards,
            args=training_args,
            train_dataset=train_rows,
            eval_dataset=eval_rows,
            processing_class=tokenizer,
            peft_config=adapter_config(model_args),
            quantization_config=get_quantization_config(model_args),
            callbacks=[MetricsFile(), EvaluateAtEnd(), publishing.on_save, preemption],
            redact=named_function(path, script_args.recipe_folder)
            if (path := training_args.log_completions_redaction)
            else None,
        )
        trainer.run_identity = run_identity
        show_progress(trainer)
        check_agreement(trainer, training_args, tell)

        # ---- train
        write_description(script_args, training_args, model_args, train_rows, splits, checkpoint)
        if checkpoint:
            tell(f"resuming from {checkpoint}")
        write_data_manifests(training_args, trained_on(script_args, model_args.model_name_or_path))
        publishing.start()
        result = trainer.train(resume_from_checkpoint=checkpoint)
        preemption.raise_if_stopped()
        finish(trainer, result)

    # ---- benchmarks and model card, on the GPUs that the server had, and to the hub
    publishing.finish()


def check_size(prompts: int, training_args: GRPOConfig) -> None:
    """Raise RecipeError when the prompts do not fill one generation batch: TRL would train zero steps."""
    needed = training_args.generation_batch_size // training_args.num_generations
    if prompts < needed:
        raise RecipeError(
            f"{prompts} prompts, but a generation batch holds {needed} (per_device_train_batch_size x processes x "
            "steps_per_generation / num_generations). Prepare more rows or lower one of these."
        )


def begins_with_think(tokenizer: PreTrainedTokenizerBase, template_kwargs: dict) -> bool:
    """Whether the chat template itself begins the model's turn with `<think>`."""
    messages = [{"role": "user", "content": ""}]
    text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True, **template_kwargs)
    return text.rstrip().endswith("<think>")


if __name__ == "__main__":
    run("grpo", main)

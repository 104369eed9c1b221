"""What GRPO and SFT runs set up alike: logging, tokenizer, model arguments, trackers, progress."""

import importlib.util
import logging
import os
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import datasets
import transformers
from transformers import AutoTokenizer, PreTrainedTokenizerBase, ProgressCallback, Trainer
from trl import ModelConfig

from open_r1.adapters import check_adapters
from open_r1.arguments import DataArguments, RecipeError
from open_r1.questions import DataError
from open_r1.recipes import load_recipe
from open_r1.rollouts.errors import ServerError
from open_r1.run_folder import Progress


def run(task: str, main: Callable) -> None:
    """Parse the command line's recipe and run `main` with it; what is wrong with either is one line and exit 2."""
    # A script's folder comes first on the path: without this, a user's `rewards.py` or Hugging Face's `evaluate` would
    # be taken for the modules of that name in here.
    sys.path[:] = [entry for entry in sys.path if Path(entry).resolve() != Path(__file__).parent]
    # TRL and DeepSpeed call functions by retired names at every step; nobody who runs a recipe can act on that.
    for message in (".*gradient_checkpointing", "`torch.distributed"):
        warnings.filterwarnings("ignore", message=message, category=FutureWarning)
    talks = os.environ.get("LOCAL_RANK", "0") == "0"
    try:
        arguments, notes = load_recipe(task, sys.argv[1:])
        for note in notes if talks else []:
            print(f"recipe: {note}", file=sys.stderr)
        main(*arguments)
    except (RecipeError, DataError, ServerError) as error:
        if talks:
            print(f"error: {error}", file=sys.stderr)
        sys.exit(2)


def say(training_args, text: str) -> None:
    """Print a line once, on the first process."""
    if training_args.process_index == 0:
        print(text, flush=True)


def set_up_logging(training_args) -> None:
    """One log level for this package, datasets and transformers: the recipe's `log_level`."""
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s", datefmt="%H:%M:%S")
    level = training_args.get_process_log_level()
    logging.getLogger("open_r1").setLevel(level)
    datasets.utils.logging.set_verbosity(level)
    transformers.utils.logging.set_verbosity(level)


def check_before_loading(training_args, model_args: ModelConfig) -> None:
    """Raise RecipeError for what would otherwise fail only after the model is loaded."""
    name = model_args.model_name_or_path
    if name.startswith((".", "/", "~")) and not Path(name).expanduser().is_dir():
        raise RecipeError(f"model_name_or_path: {name} is not a folder.")
    check_adapters(training_args, model_args)
    if model_args.attn_implementation == "flash_attention_2" and importlib.util.find_spec("flash_attn") is None:
        raise RecipeError(
            "attn_implementation: flash_attention_2, but the package flash-attn is not installed. "
            "Install it, or add `--attn_implementation sdpa`."
        )
    trackers = training_args.report_to if isinstance(training_args.report_to, list) else [training_args.report_to]
    for tracker in trackers:
        if tracker in ("wandb", "tensorboard", "trackio") and importlib.util.find_spec(tracker) is None:
            raise RecipeError(
                f"report_to: {tracker}, but the package {tracker} is not installed. "
                "Run `pip install -e '.[tracking]'`, or add `--report_to none`."
            )


def load_tokenizer(model_args: ModelConfig, script_args: DataArguments) -> PreTrainedTokenizerBase:
    """The model's tokenizer, padded on the left as generation needs, with the recipe's chat template if it has one."""
    tokenizer = AutoTokenizer.from_pretrained(
        model_args.model_name_or_path, revision=model_args.model_revision, padding_side="left"
    )
    if script_args.chat_template:
        tokenizer.chat_template = script_args.chat_template
    if tokenizer.chat_template is None:
        raise RecipeError(
            f"{model_args.model_name_or_path} has no chat template. Give one in the recipe: `chat_template: ...`."
        )
    return tokenizer


def model_init_kwargs(model_args: ModelConfig, training_args) -> dict:
    """How transformers loads the model."""
    return {
        **(training_args.model_init_kwargs or {}),
        "revision": model_args.model_revision,
        "attn_implementation": model_args.attn_implementation,
        "dtype": model_args.dtype,
    }


def show_progress(trainer: Trainer) -> None:
    """Swap transformers' progress bar, which prints every log, for one that shows the numbers to watch."""
    trainer.remove_callback(ProgressCallback)
    if not trainer.args.disable_tqdm:
        trainer.add_callback(Progress)


def split_of(splits, name: str, purpose: str):
    """A split by name; raises RecipeError when the data has none of that name."""
    if name not in splits:
        raise RecipeError(f"{purpose} needs the split `{name}`, the data has only {', '.join(splits)}.")
    return splits[name]


def finish(trainer: Trainer, result, evaluates: bool) -> None:
    """Write a run's metrics, state and model to its folder, and evaluate on the test split where the recipe says so."""
    trainer.log_metrics("train", result.metrics)
    trainer.save_metrics("train", result.metrics)
    trainer.save_state()
    trainer.save_model(trainer.args.output_dir)
    say(trainer.args, f"model saved to {trainer.args.output_dir}")
    if evaluates:
        metrics = trainer.evaluate()
        trainer.log_metrics("eval", metrics)
        trainer.save_metrics("eval", metrics)
    trainer.end()

"""What GRPO and SFT runs set up alike: logging, tokenizer, model arguments, trackers, progress."""

import importlib.util
import logging
import os
import re
import signal
import sys
import tempfile
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path

import datasets
import torch
import transformers
from accelerate import PartialState
from transformers import (
    AutoConfig,
    AutoTokenizer,
    PreTrainedConfig,
    PreTrainedTokenizerBase,
    ProgressCallback,
    Trainer,
)
from trl import ModelConfig

from open_r1 import faults
from open_r1.adapters import check_adapters
from open_r1.arguments import DataArguments, RecipeError
from open_r1.build_locks import clear_stale_locks
from open_r1.questions import DataError
from open_r1.recipes import load_recipe
from open_r1.rollouts.errors import ServerError
from open_r1.run_folder import Progress
from open_r1.training.checkpoints import checkpoints_in
from open_r1.training.heartbeat import Heartbeat

SECRET = re.compile(r"TOKEN|KEY|SECRET|PASSWORD|CREDENTIAL", re.IGNORECASE)
SHORTEST_SECRET = 8  # what is shorter stands in ordinary words too


def run(task: str, main: Callable) -> None:
    """Parse the command line's recipe and run `main` with it; whatever ends it is a paragraph and a code of `faults`."""
    # A script's folder comes first on the path: without this, a user's `rewards.py` or Hugging Face's `evaluate` would
    # be taken for the modules of that name in here.
    sys.path[:] = [entry for entry in sys.path if Path(entry).resolve() != Path(__file__).parent]
    # TRL and DeepSpeed call functions by retired names at every step; nobody who runs a recipe can act on that.
    for message in (".*gradient_checkpointing", "`torch.distributed"):
        warnings.filterwarnings("ignore", message=message, category=FutureWarning)
    rank, processes, output_dir = os.environ.get("RANK", "0"), os.environ.get("WORLD_SIZE", "1"), None
    # On Slurm and under torchrun a fault of one process is told by that process.
    who = f"[process {rank}] " if processes != "1" else ""

    def give_up(told: str) -> None:
        # The main thread waits in a collective that never ends.
        print(f"error: {who}{told} {what_remains(output_dir)}", file=sys.stderr, flush=True)
        os._exit(faults.FAULT)

    try:
        arguments, notes = load_recipe(task, sys.argv[1:])
        for note in notes if rank == "0" else []:
            print(f"recipe: {note}", file=sys.stderr)
        output_dir = arguments[1].output_dir
        keep_secrets(arguments[1])
        for lock in clear_stale_locks() if os.environ.get("LOCAL_RANK", "0") == "0" else []:
            print(f"removed {lock}, which a killed process left: runs would wait for it for ever", file=sys.stderr)
        # A run sends nothing anywhere by default: `WANDB_MODE=online` (or `wandb sync` later) is the user's step. What is
        # printed can be a patient's text, so wandb does not copy the console either.
        os.environ.setdefault("WANDB_MODE", "offline")
        os.environ.setdefault("WANDB_CONSOLE", "off")
        with Heartbeat(int(rank), int(processes), arguments[1].ddp_timeout, give_up):
            main(*arguments)
        leave_process_group()
    except (RecipeError, DataError) as error:
        # All processes meet these, and one tells of them.
        if rank == "0":
            print(f"error: {redacted(str(error))}", file=sys.stderr)
        sys.exit(faults.BAD_INPUT)
    except faults.Preempted as stopped:
        if rank == "0":
            print(stopped, file=sys.stderr, flush=True)
        # The first process that is gone makes the launcher end the others by SIGTERM: not before all are done, and then
        # each with its own code.
        PartialState().wait_for_everyone()
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        leave_process_group()
        sys.exit(faults.PREEMPTED)
    except KeyboardInterrupt:
        if rank == "0":
            print(f"interrupted. {what_remains(output_dir)}", file=sys.stderr)
        sys.exit(faults.INTERRUPTED)
    except Exception as error:
        told = str(error) if isinstance(error, (faults.TrainingFault, ServerError)) else None
        told = told or faults.explain(error, output_dir or ".")
        if told is None:
            print(redacted(traceback.format_exc()), file=sys.stderr)
            told = f"unforeseen: {type(error).__name__}, see the traceback above."
            code = faults.UNFORESEEN
        else:
            code = faults.FAULT
        print(f"error: {who}{redacted(told)} {what_remains(output_dir)}", file=sys.stderr)
        sys.exit(code)


def leave_process_group() -> None:
    """Leave a gloo process group at the end of a run, when no collective waits.

    gloo's threads free tensors, which Python owns, a moment after a collective has ended. When Python has ended by then,
    the process aborts ("terminate called without an active exception"), and a run that is done counts as failed. NCCL has
    no such threads, and leaving its group waits for the first process, which may publish for hours.
    """
    if torch.distributed.is_initialized() and torch.distributed.get_backend() == "gloo":
        torch.distributed.destroy_process_group()


def what_remains(output_dir: str | None) -> str:
    """The sentence on where the same command would go on."""
    found = checkpoints_in(Path(output_dir)) if output_dir else []
    if not found:
        return "No checkpoint had been written yet."
    return f"{found[0]} is as it was: the same command goes on from there."


def keep_secrets(training_args) -> None:
    """Move the hub token out of the arguments, which are saved and published with every checkpoint."""
    if training_args.hub_token:
        os.environ["HF_TOKEN"], training_args.hub_token = training_args.hub_token, None


def redacted(text: str) -> str:
    """A text with the values of secret environment variables taken out."""
    for name, value in os.environ.items():
        if SECRET.search(name) and len(value) >= SHORTEST_SECRET:
            text = text.replace(value, f"<{name}>")
    return text


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
    folder = Path(name).expanduser()
    if folder.is_dir() and not any(folder.glob("*.safetensors")):
        raise RecipeError(
            f"model_name_or_path: {name} holds no .safetensors file. Other formats are pickles, which can run code, and are "
            "not read: load the model where you trust it and save it again with save_pretrained."
        )
    check_adapters(training_args, model_args)
    if model_args.attn_implementation == "flash_attention_2" and importlib.util.find_spec("flash_attn") is None:
        raise RecipeError(
            "attn_implementation: flash_attention_2, but the package flash-attn is not installed. "
            "Install it, or add `--attn_implementation sdpa`."
        )
    if training_args.use_liger_kernel and importlib.util.find_spec("liger_kernel") is None:
        raise RecipeError(
            "use_liger_kernel: true, but the package liger-kernel is not installed. Install it, or add `--use_liger_kernel "
            "false`."
        )
    check_output(training_args)
    trackers = training_args.report_to if isinstance(training_args.report_to, list) else [training_args.report_to]
    for tracker in trackers:
        if tracker in ("wandb", "tensorboard", "trackio") and importlib.util.find_spec(tracker) is None:
            raise RecipeError(
                f"report_to: {tracker}, but the package {tracker} is not installed. "
                "Run `pip install -e '.[tracking]'`, or add `--report_to none`."
            )


def check_output(training_args) -> None:
    """Raise RecipeError for a run folder that cannot be written; writes nothing itself."""
    folder = Path(training_args.output_dir).expanduser().absolute()
    place = next(parent for parent in (folder, *folder.parents) if parent.exists())
    try:
        with tempfile.TemporaryFile(dir=place):
            pass
    except OSError as error:
        raise RecipeError(
            f"output_dir: {place} cannot be written: {error.strerror}. Mend that, or give another --output_dir."
        ) from None


def load_config(model_args: ModelConfig, training_args) -> PreTrainedConfig:
    """The model's configuration; raises RecipeError where it cannot be had."""
    return _loaded(AutoConfig, model_args, trust_remote_code=training_args.trust_remote_code)


def _loaded(kind, model_args: ModelConfig, **kwargs):
    name = model_args.model_name_or_path
    try:
        return kind.from_pretrained(name, revision=model_args.model_revision, **kwargs)
    except (OSError, ValueError) as error:  # missing, damaged, gated, no network, code that is not trusted
        what = " ".join(str(error).split())
        remedy = "`python -m open_r1.doctor RECIPE` says whether it can be reached."
        if "trust_remote_code" in what:
            remedy = "It brings code of its own: set `trust_remote_code: true` only if you have read that code."
        raise RecipeError(f"model_name_or_path: {name} cannot be loaded: {what[:300]} {remedy}") from None


def load_tokenizer(
    model_args: ModelConfig, script_args: DataArguments, training_args, config: PreTrainedConfig
) -> PreTrainedTokenizerBase:
    """The model's tokenizer, padded on the left as generation needs, with the recipe's chat template if it has one.

    Raises RecipeError when it cannot be loaded, has no chat template, or has tokens that the model does not embed.
    """
    name = model_args.model_name_or_path
    tokenizer = _loaded(
        AutoTokenizer, model_args, padding_side="left", trust_remote_code=training_args.trust_remote_code
    )
    if script_args.chat_template:
        tokenizer.chat_template = script_args.chat_template
    if tokenizer.chat_template is None:
        raise RecipeError(f"{name} has no chat template. Give one in the recipe: `chat_template: ...`.")
    size = config.get_text_config().vocab_size
    if len(tokenizer) > size:
        raise RecipeError(
            f"{name}: tokenizer and model do not fit: {len(tokenizer):,} tokens, but {size:,} embeddings. They are of "
            "two models, or tokens were added without resize_token_embeddings."
        )
    return tokenizer


def model_init_kwargs(model_args: ModelConfig, training_args) -> dict:
    """How transformers loads the model."""
    return {
        **(training_args.model_init_kwargs or {}),
        "revision": model_args.model_revision,
        "attn_implementation": model_args.attn_implementation,
        "dtype": model_args.dtype,
        # Other formats are pickles, which can run code.
        "use_safetensors": True,
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


def finish(trainer: Trainer, result) -> None:
    """Write a run's metrics, state, model and report to its folder."""
    trainer.log_metrics("train", result.metrics)
    trainer.save_metrics("train", result.metrics)
    trainer.save_state()
    trainer.save_model(trainer.args.output_dir)
    say(trainer.args, f"model saved to {trainer.args.output_dir}")
    evaluated = [row for row in trainer.state.log_history if "eval_runtime" in row]
    if evaluated:  # the last one is that of EvaluateAtEnd
        trainer.log_metrics("eval", evaluated[-1])
        trainer.save_metrics("eval", evaluated[-1])
    if trainer.is_world_process_zero():
        # Imported here: pandas and matplotlib take seconds, and a mistake in a recipe should not.
        from open_r1.report import write_report

        say(trainer.args, f"report: {write_report([Path(trainer.args.output_dir)])}")
    trainer.end()

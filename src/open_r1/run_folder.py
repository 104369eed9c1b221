"""What a run leaves in its folder besides the model, and what it shows while it runs."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from accelerate.utils import broadcast_object_list
from transformers import ProgressCallback, TrainerCallback

from open_r1.arguments import RecipeError
from open_r1.questions.manifest import DATA_MANIFESTS
from open_r1.training.checkpoints import damage, newest_whole


def write_data_manifests(training_args, manifests: dict[str, dict]) -> None:
    """Keep in the run's folder what it trains on, so that an evaluation of its model can leave those rows out."""
    if training_args.process_index == 0 and manifests:
        path = Path(training_args.output_dir) / DATA_MANIFESTS
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(manifests, ensure_ascii=False) + "\n", encoding="utf-8")


class MetricsFile(TrainerCallback):
    """Appends every log of a run to metrics.jsonl in its folder: one JSON object a line, with step and seconds."""

    def __init__(self):
        self.start = time.monotonic()

    def on_train_begin(self, args, state, control, **kwargs):
        if not state.is_world_process_zero:
            return
        path = Path(args.output_dir) / "metrics.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            # A resumed run repeats the steps after its checkpoint: what the lost steps logged goes, and with it the line
            # that a kill cut off.
            lines = [line for line in path.read_text().splitlines(keepends=True) if line.endswith("\n")]
            kept = [row for row in map(json.loads, lines) if row["step"] <= state.global_step]
            beside = path.with_suffix(".new")
            beside.write_text("".join(json.dumps(row) + "\n" for row in kept))
            beside.replace(path)
            if kept:
                self.start = time.monotonic() - kept[-1]["seconds"]

    def on_log(self, args, state, control, logs=None, **kwargs):
        if state.is_world_process_zero:
            row = {"step": state.global_step, "seconds": round(time.monotonic() - self.start, 3), **logs}
            with open(Path(args.output_dir) / "metrics.jsonl", "a") as file:
                file.write(json.dumps(row) + "\n")


class EvaluateAtEnd(TrainerCallback):
    """Evaluates after the last step, within the training: later on trackers no longer listen (trackio would fail)."""

    def on_step_end(self, args, state, control, **kwargs):
        if args.eval_strategy != "no" and state.global_step >= state.max_steps:
            control.should_evaluate = True


class Progress(ProgressCallback):
    """A progress bar that shows reward and completion length (GRPO) or loss (SFT) instead of printing every log."""

    SHOWN: ClassVar = {"reward": "reward", "completions/mean_length": "length", "loss": "loss"}

    def on_log(self, args, state, control, logs=None, **kwargs):
        if state.is_world_process_zero and self.training_bar is not None:
            shown = {label: f"{float(logs[key]):.3g}" for key, label in self.SHOWN.items() if key in logs}
            if "reward" in shown:
                shown.pop("loss", None)  # near 0 by construction in GRPO: no sign of learning
            if shown:
                self.training_bar.set_postfix(shown)


def checkpoint_to_resume(training_args, tell: Callable[[str], None]) -> str | None:
    """The checkpoint named in the recipe, else the newest whole one in the run folder, else None.

    The first process reads the files for all. Raises RecipeError when the named one is not there or torn, or when all are.
    """
    found: list = [None, None]
    if training_args.process_index == 0:
        try:
            found[0] = _find_checkpoint(training_args, tell)
        except (RecipeError, ValueError) as error:
            found[1] = str(error)
    if training_args.world_size > 1:
        broadcast_object_list(found)
    checkpoint, error = found
    if error:
        raise RecipeError(error)
    return checkpoint


def _find_checkpoint(training_args, tell: Callable[[str], None]) -> str | None:
    named, run_folder = training_args.resume_from_checkpoint, Path(training_args.output_dir)
    if named and str(named).lower() != "true":
        if not Path(named).is_dir():
            raise RecipeError(f"resume_from_checkpoint: {named} is not a folder.")
        if what := damage(Path(named)):
            raise RecipeError(f"resume_from_checkpoint: {named} is torn: {what}. Name another, or leave the key out.")
        return str(named)
    last = newest_whole(run_folder, tell)
    if named and last is None:
        raise RecipeError(f"resume_from_checkpoint: true, but {run_folder} holds no checkpoint.")
    return None if last is None else str(last)

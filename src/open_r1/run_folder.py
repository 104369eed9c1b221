"""What a run leaves in its folder besides the model, and what it shows while it runs."""

import json
import time
from pathlib import Path
from typing import ClassVar

from transformers import ProgressCallback, TrainerCallback
from transformers.trainer_utils import get_last_checkpoint

from open_r1.arguments import RecipeError
from open_r1.questions.manifest import DATA_MANIFESTS


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
            # A resumed run repeats the steps after its checkpoint: what the lost steps logged goes.
            kept = [row for row in map(json.loads, path.read_text().splitlines()) if row["step"] <= state.global_step]
            path.write_text("".join(json.dumps(row) + "\n" for row in kept))
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


def checkpoint_to_resume(training_args) -> str | None:
    """The checkpoint named in the recipe, else the last one in the run folder, else None.

    Raises RecipeError when the named one is not there.
    """
    named = training_args.resume_from_checkpoint
    if named and str(named).lower() != "true":
        if not Path(named).is_dir():
            raise RecipeError(f"resume_from_checkpoint: {named} is not a folder.")
        return str(named)
    last = get_last_checkpoint(training_args.output_dir) if Path(training_args.output_dir).is_dir() else None
    if named and last is None:
        raise RecipeError(f"resume_from_checkpoint: true, but {training_args.output_dir} holds no checkpoint.")
    return last

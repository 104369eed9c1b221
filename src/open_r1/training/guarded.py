"""What a run of days needs of any of TRL's trainers: whole checkpoints that do not grow, no step on numbers that are not finite."""

import math
from pathlib import Path

from transformers.trainer_utils import rotate_checkpoints

from open_r1.faults import TrainingFault
from open_r1.training.checkpoints import STAGING, STATE, clear_staging, publish, staged

LOGS_KEPT = 100


class Guarded:
    """Mixed in before a trainer: `class GuardedSFTTrainer(Guarded, SFTTrainer)`. Set `run_identity` before training."""

    run_identity: dict
    _staging = False

    # ---- checkpoints

    def _get_output_dir(self, trial) -> str:
        folder = super()._get_output_dir(trial)
        return str(Path(folder) / STAGING) if self._staging else folder

    def _save_checkpoint(self, model, trial) -> None:
        run_folder, step = Path(self._get_output_dir(trial)), self.state.global_step
        if self.args.should_save:
            clear_staging(run_folder)
        self.accelerator.wait_for_everyone()
        self._staging = True
        try:
            super()._save_checkpoint(model, trial)
        finally:
            self._staging = False
        # The others may still be writing their shards.
        self.accelerator.wait_for_everyone()
        if self.args.should_save:
            self._name_the_best(run_folder, step)
            publish(run_folder, step, self.run_identity)
            if self.args.push_to_hub:
                self._push_from_checkpoint(str(run_folder / f"checkpoint-{step}"))
            rotate_checkpoints(
                output_dir=str(run_folder),
                save_total_limit=self.args.save_total_limit,
                best_model_checkpoint=self.state.best_model_checkpoint,
                use_mtime=True,
            )
        self.accelerator.wait_for_everyone()

    def _name_the_best(self, run_folder: Path, step: int) -> None:
        """The state names the best checkpoint by its path, which was that of the staging folder a moment ago."""
        best = self.state.best_model_checkpoint
        if best and Path(best).parent.name == STAGING:
            self.state.best_model_checkpoint = str(run_folder / Path(best).name)
            self.state.save_to_json(str(staged(run_folder, step) / STATE))

    def _push_from_checkpoint(self, checkpoint_folder: str) -> None:
        if not self._staging:  # the upload goes on in the background, and a staged folder is renamed
            super()._push_from_checkpoint(checkpoint_folder)

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """TRL's log, of which the state keeps the first LOGS_KEPT and the last; metrics.jsonl holds all.

        Every checkpoint writes the state: with all logs, 2 kB a step, memory and checkpoints would grow for ever.
        """
        super().log(logs, start_time)
        del self.state.log_history[LOGS_KEPT:-LOGS_KEPT]

    # ---- numbers

    def _get_grad_norm(self, model, grad_norm=None):
        """TRL's, of all processes together; raises TrainingFault when it is not finite, before the next checkpoint.

        A loss that is not finite makes it so. fp16's loss scaling meets such steps by design and skips them.
        """
        norm = super()._get_grad_norm(model, grad_norm)
        if norm is not None and not self.args.fp16 and not math.isfinite(norm):
            raise TrainingFault(
                f"step {self.state.global_step + 1}: the gradient's norm is {float(norm)}, so this step was not kept. "
                "Lower learning_rate, set max_grad_norm: 1.0, or compute in bf16 or fp32; if it comes back at the same "
                "step, look at the rows and rewards there."
            )
        return norm

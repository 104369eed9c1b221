"""SIGTERM and SIGUSR1: finish the step, write a checkpoint, stop.

Slurm sends SIGTERM when a job is cancelled or preempted, and SIGUSR1 ahead of the time limit where the job asks for it
(`#SBATCH --signal=B:USR1@600`). The step in progress and the checkpoint must fit into that lead.
"""

import os
import signal
from collections.abc import Callable

import torch
from accelerate import PartialState
from transformers import TrainerCallback

from open_r1.faults import Preempted

SIGNALS = (signal.SIGTERM, signal.SIGUSR1)


class Preemption(TrainerCallback):
    """Stops a run at the next checkpoint that can be resumed exactly, once any of its processes has been told to.

    A second SIGTERM ends the process at once, as it would without this; SIGUSR1 may be repeated.
    """

    def __init__(self, tell: Callable[[str], None]):
        self.tell = tell
        self.told: signal.Signals | None = None
        self.stopped_at: int | None = None
        self._before: dict = {}
        self._agreed = False

    def on_train_begin(self, args, state, control, **kwargs):
        self._before = {number: signal.signal(number, self._heard) for number in SIGNALS}

    def on_train_end(self, args, state, control, **kwargs):
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _heard(self, number, frame):
        if number == signal.SIGTERM:
            signal.signal(number, signal.SIG_DFL)
        if self.told is None:
            self.told = signal.Signals(number)
            # Not print: the signal may have come in the middle of one.
            os.write(2, f"{self.told.name}: writing a checkpoint, then stopping\n".encode())

    def on_step_end(self, args, state, control, **kwargs):
        # A signal may reach one process only, or one step later than another.
        self._agreed = self._agreed or any_process(self.told is not None)
        # Again at every step: a trainer may have to put a save off to the end of a generation.
        if self._agreed and state.global_step < state.max_steps:
            control.should_save = True

    def on_save(self, args, state, control, **kwargs):
        if self._agreed:
            control.should_training_stop = True
            self.stopped_at = state.global_step

    def raise_if_stopped(self) -> None:
        """Raise Preempted when the run stopped before its end."""
        if self.stopped_at is not None:
            raise Preempted(
                f"stopped by a signal after step {self.stopped_at}, and checkpoint-{self.stopped_at} is written: the same "
                "command goes on from there."
            )


def any_process(here: bool) -> bool:
    """Whether `here` is true in any training process."""
    state = PartialState()
    if state.num_processes == 1:
        return here
    flag = torch.tensor([int(here)], device=state.device)
    torch.distributed.all_reduce(flag, op=torch.distributed.ReduceOp.MAX)
    return bool(flag.item())

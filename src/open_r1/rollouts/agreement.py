"""The check that trainer and server compute the same log-probs, which no broken weight sync passes."""

from transformers import TrainerCallback
from trl import GRPOTrainer

from open_r1.rollouts.errors import ServerError

METRIC = "sampling/sampling_logp_difference/mean"


class AgreementCheck(TrainerCallback):
    """Stops a run in which the mean |log-prob difference| of the sampled tokens exceeds `limit`.

    TRL computes it after every generation, right after the weight sync, over all processes: all stop together.
    """

    def __init__(self, trainer: GRPOTrainer, limit: float):
        self.trainer = trainer
        self.limit = limit
        self.seen = 0

    def on_step_end(self, args, state, control, **kwargs):
        values = self.trainer._metrics["train"].get(METRIC, [])
        for value in values[self.seen :]:
            if not value <= self.limit:  # not `>`: NaN must stop the run too
                raise ServerError(
                    f"step {state.global_step}: the log-probs of trainer and vLLM server differ by {value:.3g} on "
                    f"average, the limit is {self.limit:g} (max_logp_difference). The server does not compute with the "
                    "trainer's weights, or in another precision: look at vllm_server.log in the run folder."
                )
        self.seen = len(values)

    def on_log(self, args, state, control, **kwargs):
        self.seen = 0  # TRL empties its metrics with every log

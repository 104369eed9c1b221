"""TRL's vLLM generation on a server that may be lost and come back."""

from trl.generation.vllm_generation import VLLMGeneration

from open_r1.arguments import RecipeError
from open_r1.rollouts.errors import ServerLost


class RolloutGeneration(VLLMGeneration):
    """Generation that loses no step: a lost server is restarted, given the current weights and asked again."""

    def _init_vllm(self):
        config = self.model.config.get_text_config()
        if self.mode == "server" and self.accelerator.device.type == "cpu" and config.tie_word_embeddings:
            raise RecipeError(
                "this model ties its output layer to its embeddings, and vLLM on the CPU keeps the old output layer "
                "when weights are synced. Train a model saved with `tie_word_embeddings: false`, or `--use_vllm false`."
            )
        super()._init_vllm()

    def generate(self, *args, **kwargs):
        """TRL's generate. All processes learn of a lost server here, together, and sync the weights together."""
        while True:
            try:
                return super().generate(*args, **kwargs)
            except ServerLost:
                if self.accelerator.is_main_process:
                    self.vllm_client.revive(self.accelerator.device)
                self.sync_weights()

"""TRL's vLLM generation on a server that may be lost and come back."""

from collections.abc import Iterator

import torch
from transformers import PreTrainedConfig
from trl.generation.vllm_generation import VLLMGeneration

from open_r1.adapters import whole_params
from open_r1.arguments import RecipeError
from open_r1.rollouts.errors import ServerLost


class RolloutGeneration(VLLMGeneration):
    """Generation that loses no step: a lost server is restarted, given the current weights and asked again.

    `seeds`, one a prompt over all processes, hold for the next `generate` in server mode: asked again, or in a resumed
    run, a prompt is sampled with the same seed. Without them the server draws its own.
    """

    seeds: list[int] | None = None

    def _init_vllm(self):
        if self.mode == "server" and self.accelerator.device.type == "cpu":
            check_model_for_cpu(self.model.config.get_text_config())
        super()._init_vllm()

    def _iter_named_params(self) -> Iterator[tuple[str, torch.Tensor]]:
        """TRL's, but for a 4-bit base, whose packed weights vLLM could not read."""
        if not getattr(self.model, "is_loaded_in_4bit", False):
            yield from super()._iter_named_params()
            return
        for name, weight in whole_params(self.model):
            yield self._fix_param_name_to_vllm(name), weight

    def generate(self, *args, **kwargs):
        """TRL's generate. All processes learn of a lost server here, together, and sync the weights together."""
        seeds, self.seeds = self.seeds, None
        while True:
            if self.accelerator.is_main_process:
                self.vllm_client.seeds = seeds
            try:
                return super().generate(*args, **kwargs)
            except ServerLost:
                if self.accelerator.is_main_process:
                    self.vllm_client.revive(self.accelerator.device)
                self.sync_weights()


def check_model_for_cpu(config: PreTrainedConfig) -> None:
    """Raise RecipeError for a model that vLLM's CPU build serves wrongly or not at all."""
    from vllm.v1.attention.backends.cpu_attn import CPUAttentionBackend  # not in the GPU build's way

    if config.tie_word_embeddings:
        raise RecipeError(
            "this model ties its output layer to its embeddings, and vLLM on the CPU keeps the old output layer when "
            "weights are synced. Train a model saved with `tie_word_embeddings: false`, or add `--use_vllm false`."
        )
    head_size = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    known = CPUAttentionBackend.get_supported_head_sizes()
    if head_size not in known:
        raise RecipeError(
            f"this model's attention heads are {head_size} wide; vLLM on the CPU knows {', '.join(map(str, known))}. "
            "Train another model, or add `--use_vllm false`."
        )

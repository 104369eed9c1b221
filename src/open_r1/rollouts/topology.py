"""Which GPUs and ports a rollout server gets."""

import os
import socket

import torch

from open_r1.arguments import RecipeError


def visible_gpus() -> list[str]:
    """The GPUs this run may use, as CUDA_VISIBLE_DEVICES names them."""
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    if named is not None:
        return [name.strip() for name in named.split(",") if name.strip()]
    return [str(index) for index in range(torch.cuda.device_count())]


def server_gpus(visible: list[str], training_processes: int, needed: int, device: str = "auto") -> list[str]:
    """The server's GPUs: the first `needed` that training leaves free, or those that `device` ("cuda:3,4") names.

    Training takes the first `training_processes` of `visible`, one each.
    Raises RecipeError when there are too few, or when the named ones are not free.
    """
    if device == "auto":
        indices = range(training_processes, training_processes + needed)
    else:
        indices = named_gpus(device)
        if len(indices) != needed:
            raise RecipeError(
                f"vllm_device: {device} names {len(indices)} GPU(s), but the server takes {needed} "
                "(vllm_tensor_parallel_size x vllm_data_parallel_size)."
            )
        if taken := [index for index in indices if index < training_processes]:
            raise RecipeError(
                f"vllm_device: {device}, but training runs on GPUs 0 to {training_processes - 1}, so {taken[0]} is "
                "taken. Say `auto`, or lower --num_processes."
            )
    if not visible or max(indices) >= len(visible):
        here = {0: "no GPU", 1: "1 GPU"}.get(len(visible), f"{len(visible)} GPUs")
        ways = ["set `vllm_mode: colocate`, or name a server elsewhere with `vllm_server_base_url`"]
        if len(visible) > needed and device == "auto":
            ways.insert(0, f"give `--num_processes {len(visible) - needed}`")
        raise RecipeError(
            f"{here} visible, but the command asks for {training_processes + needed}: {training_processes} to train "
            f"and {needed} for the vLLM server. Either {', or '.join(ways)}."
        )
    return [visible[index] for index in indices]


def named_gpus(device: str) -> list[int]:
    """The indices in "cuda:3,4"; raises RecipeError when it is not of that form."""
    try:
        return [int(index) for index in device.removeprefix("cuda:").split(",")]
    except ValueError:
        raise RecipeError(f"vllm_device: `auto`, or GPUs as in `cuda:3` or `cuda:6,7`, not {device!r}.") from None


def free_port(host: str = "127.0.0.1") -> int:
    """A port that is free on `host` now; it can be taken by the time it is used."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        return probe.getsockname()[1]


def is_free(host: str, port: int) -> bool:
    """Whether a server could listen on host:port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True

"""A model's parameters as a folder of safetensors files."""

from collections.abc import Iterator
from pathlib import Path

import torch
from safetensors.torch import save_file

SHARD_BYTES = 2 * 1024**3


def write_checkpoint(folder: Path, named_params: Iterator[tuple[str, torch.Tensor]], shard_bytes: int = SHARD_BYTES):
    """Write parameters that exist one at a time, holding at most one shard of them in memory.

    The shards of the last call are replaced: the same model fills the same shards every time.
    """
    folder.mkdir(parents=True, exist_ok=True)
    shard: dict[str, torch.Tensor] = {}
    size = number = 0

    def flush():
        nonlocal size, number
        save_file(shard, folder / f"model-{number:05d}.safetensors")
        shard.clear()
        size, number = 0, number + 1

    for name, parameter in named_params:
        # A copy: under ZeRO-3 the parameter is gathered only until the next one is asked for.
        shard[name] = parameter.detach().to("cpu", copy=True).contiguous()
        size += shard[name].nbytes
        if size >= shard_bytes:
            flush()
    if shard:
        flush()

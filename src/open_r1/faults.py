"""What ends a run before its last step: the exit codes, and the paragraph that says what happened and what to do.

| code | means | the same command then |
|---|---|---|
| 0 | finished | has nothing left to do |
| 1 | a fault that nobody foresaw; its traceback is printed | goes on from the last whole checkpoint |
| 2 | the recipe, the data or the machine cannot do this: nothing was started or written | says the same again |
| 3 | a fault while training (disk, memory, a reward, NaN, a dead process, the vLLM server) | goes on from the last whole checkpoint, once its cause is mended |
| 75 | told to stop by SIGTERM or SIGUSR1: a checkpoint was written | goes on from that checkpoint |
| 130 | Ctrl-C | goes on from the last whole checkpoint |

`accelerate launch` ends with 1 whatever the code of its processes; the paragraph is printed all the same.
"""

import errno
import os
import re
import shutil
import traceback
from collections.abc import Iterator

UNFORESEEN, BAD_INPUT, FAULT, PREEMPTED, INTERRUPTED = 1, 2, 3, 75, 130


class TrainingFault(RuntimeError):
    """A fault that ends a run and leaves its last checkpoint as it was; the message is a paragraph with the remedy."""


class Preempted(Exception):
    """The run was told to stop and has written its checkpoint."""


MEMORY = re.compile(r"out of memory|can't allocate memory|Cannot allocate memory|bad_alloc", re.IGNORECASE)
PEER = re.compile(
    r"Connection (closed|reset|refused)|Broken pipe|gloo|NCCL|ProcessGroup|process group|TCPStore|Timed out waiting|recvValue",
    re.IGNORECASE,
)
WRITING = re.compile(
    r"PytorchStreamWriter|unexpected pos|write_bytes|No space left|IoError|os error 28", re.IGNORECASE
)
NOT_FINITE = re.compile(r"probability tensor contains either")
DAMAGED = re.compile(
    r"Error while deserializing header|incomplete metadata|InvalidHeader|HeaderTooLarge|MetadataIncomplete",
    re.IGNORECASE,
)
ALMOST_FULL = 16 * 1024**2  # bytes free below which a failed write is taken for a full disk


def explain(error: BaseException, output_dir: str) -> str | None:
    """A paragraph for a fault of the machine that is recognised anywhere in the error's chain of causes, else None."""
    for cause in chain(error):
        told = _memory(cause) or _disk(cause, output_dir) or _numbers(cause) or _files(cause) or _peer(cause)
        if told:
            return told
    return None


def chain(error: BaseException) -> Iterator[BaseException]:
    """An error, what it was raised from, and so on to the first."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _memory(error: BaseException) -> str | None:
    if not (
        isinstance(error, MemoryError) or MEMORY.search(str(error)) or getattr(error, "errno", None) == errno.ENOMEM
    ):
        return None
    return (
        f"out of memory ({first_line(error)}). Take fewer at a time: lower per_device_train_batch_size (and raise "
        "gradient_accumulation_steps to match), max_completion_length or max_length; set gradient_checkpointing: true; "
        "recipes/accelerate_configs/zero3_offload.yaml keeps optimizer states in the host's memory."
    )


def _disk(error: BaseException, output_dir: str) -> str | None:
    number, place = getattr(error, "errno", None), getattr(error, "filename", None) or output_dir
    if number == errno.EROFS or (number in (errno.EACCES, errno.EPERM) and isinstance(error, OSError)):
        return f"{place} cannot be written ({error.strerror}). Mend its permissions or mount, or give another --output_dir."
    wrote = number in (errno.ENOSPC, errno.EDQUOT) or "No space left" in str(error)
    if not wrote and WRITING.search(str(error)) and os.path.isdir(output_dir):
        wrote = shutil.disk_usage(output_dir).free < ALMOST_FULL
    if not wrote:
        return None
    return (
        f"the disk of {output_dir} is full ({first_line(error)}). Free some space, or set a lower save_total_limit; "
        "`python -m open_r1.doctor RECIPE` says how much the checkpoints of a recipe take."
    )


def _numbers(error: BaseException) -> str | None:
    if not NOT_FINITE.search(str(error)):
        return None
    return (
        "the model computes NaN: no token can be sampled from it. Its weights, or the ones it was started from, are "
        "damaged; if they were sound, lower learning_rate and use bf16 or fp32 in place of fp16."
    )


def _files(error: BaseException) -> str | None:
    if not DAMAGED.search(str(error)):
        return None
    return (
        f"a .safetensors file is damaged ({first_line(error)}). Copy or download the folder named by model_name_or_path "
        "again; `python -m open_r1.doctor RECIPE` reads its files."
    )


def _peer(error: BaseException) -> str | None:
    if not isinstance(error, (RuntimeError, ConnectionError)) or not PEER.search(str(error)):
        return None
    return (
        f"another training process is gone or does not answer ({first_line(error)}). Look above, and into the logs of the "
        "other machines, for the first error; a process killed without a word was often out of memory (dmesg)."
    )


def first_line(error: BaseException) -> str:
    """An error in at most 200 characters of one line."""
    told = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
    return told if len(told) <= 200 else told[:197] + "..."


def place_of(error: BaseException) -> str:
    """`file.py:12`, where an error was raised."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{os.path.basename(last.filename)}:{last.lineno}"

"""Locks that killed processes left on compiled extensions, for which every later run would wait without a word."""

import os
from pathlib import Path

import psutil
from torch.utils.cpp_extension import get_default_build_root


def clear_stale_locks() -> list[Path]:
    """Remove the locks in torch's folder of extensions that no running process holds; returns them.

    DeepSpeed compiles its operators at their first use, and torch keeps a lock's file open meanwhile
    (torch.utils.file_baton): a process that is killed then leaves a lock that nobody holds.
    """
    root = Path(os.environ.get("TORCH_EXTENSIONS_DIR", get_default_build_root()))
    # Of one build each: NAME/lock in a folder that the user named, else PYTHON_DEVICE/NAME/lock.
    locks = {*root.glob("*/lock"), *root.glob("*/*/lock")}
    held = _open_files() if locks else set()
    stale = sorted(lock for lock in locks if str(lock.resolve()) not in held)
    for lock in stale:
        lock.unlink(missing_ok=True)
    return stale


def _open_files() -> set[str]:
    found = set()
    for process in psutil.process_iter():
        try:
            found |= {file.path for file in process.open_files()}
        except psutil.Error:  # ended meanwhile, or another user's, who has a folder of extensions of their own
            continue
    return found

"""Files for their owner alone: what a model was asked and what it said can be the text of a patient."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def owner_only(path: str, flags: int) -> int:
    """For `open(path, "w", opener=owner_only)`: a file that this makes is readable and writable by its owner alone (0600)."""
    return os.open(path, flags, 0o600)


def private_folder(path: Path) -> None:
    """Make a folder, where it is not there, and close it to others (0700)."""
    path.mkdir(parents=True, exist_ok=True)
    path.chmod(0o700)


@contextmanager
def private_files() -> Iterator[None]:
    """What this process, its threads and the processes that it starts create within the block is their owner's alone.

    For files that a library writes; a file of our own is opened by `owner_only`.
    """
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)

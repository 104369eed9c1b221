"""A small file system of its own for a test: full or read-only for real, for root too."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def tmpfs(folder: Path, size: str, *options: str) -> Iterator[Path]:
    """`folder` as a tmpfs of `size` (as in "1m"), unmounted at the end; skips the test where mounting is not allowed."""
    folder.mkdir(exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", ",".join([f"size={size}", *options]), "open-r1-test", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"no file system of its own for this test: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        # Lazily: a process that the test killed may still hold a file there.
        subprocess.run(["umount", "--lazy", str(folder)], check=True)

"""Output folders that appear whole or not at all."""

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from open_r1.questions.files import DataError


def check_output(target: Path, overwrite: bool, names: set[str]) -> None:
    """Raises DataError when `target` may not be written: it is there, or holds files that are not ours to replace."""
    if not target.exists() or (target.is_dir() and not any(target.iterdir())):
        return
    if not target.is_dir():
        raise DataError(f"{target}: this is a file; give --output_dir the name of a folder")
    if not overwrite:
        raise DataError(f"{target}: the output is already there; give --overwrite to replace it, or another folder")
    if strangers := sorted(entry.name for entry in target.iterdir() if entry.name not in names):
        raise DataError(f"{target}: not overwritten, since it holds {strangers[0]}, which this script did not write")


@contextlib.contextmanager
def whole_folder(target: Path, overwrite: bool, names: set[str]) -> Iterator[Path]:
    """A folder beside `target` to write into, renamed to `target` at the end; on any error nothing stays behind.

    `names` are the files that an existing target may hold and be replaced all the same. Raises DataError as
    `check_output` does.
    """
    check_output(target, overwrite, names)
    target = target.resolve()
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh, old = (target.with_name(f".{target.name}.{kind}-{os.getpid()}") for kind in ("new", "old"))
    fresh.mkdir()
    try:
        yield fresh
        if target.exists():
            target.rename(old)
        fresh.rename(target)
    finally:
        # Where the second rename did not happen the old output goes back to its place.
        if old.exists() and not target.exists():
            old.rename(target)
        shutil.rmtree(fresh, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)

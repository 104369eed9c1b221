"""Checkpoints that are there whole or not at all.

A checkpoint is written into STAGING beside its place, sealed by a list of its files with sizes and hashes, flushed to the
disk and renamed. What is left in STAGING after a kill is nobody's checkpoint. A sealed one whose files no longer are what
its seal says is torn, and the one before it is used.
"""

import hashlib
import json
import os
import re
import shutil
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

STAGING = ".checkpoint_being_written"
SEAL = "seal.json"
STATE = "trainer_state.json"
NAME = re.compile(r"checkpoint-(\d+)")
READERS = 8  # files hashed at a time


def staged(run_folder: Path, step: int) -> Path:
    """Where the checkpoint of a step is written before it is whole."""
    return run_folder / STAGING / f"checkpoint-{step}"


def publish(run_folder: Path, step: int, run: dict) -> Path:
    """Seal the staged checkpoint of `step`, flush it and give it its name; `run` is what wrote it (see `identity`).

    Returns its folder. Raises OSError when the disk does not take it; the checkpoints that were there stay.
    """
    source, target = staged(run_folder, step), run_folder / f"checkpoint-{step}"
    seal = {"step": step, "run": run, "files": _entries(source)}
    file = source / SEAL
    with file.open("w") as text:
        json.dump(seal, text, indent=1)
        text.flush()
        os.fsync(text.fileno())
    if target.exists():  # torn, or written by steps that were lost
        shutil.rmtree(target)
    source.rename(target)
    _flush_folder(run_folder)
    clear_staging(run_folder)
    return target


def clear_staging(run_folder: Path) -> None:
    """Remove what a killed run left half-written."""
    shutil.rmtree(run_folder / STAGING, ignore_errors=True)


def _files_of(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and path != folder / SEAL)


def _entries(folder: Path) -> dict[str, dict]:
    files = _files_of(folder)
    with ThreadPoolExecutor(READERS) as readers:
        hashes = list(readers.map(_flushed_hash, files))
    return {
        file.relative_to(folder).as_posix(): {"bytes": file.stat().st_size, "sha256": digest}
        for file, digest in zip(files, hashes, strict=True)
    }


def _flushed_hash(file: Path) -> str:
    with file.open("rb") as data:
        os.fsync(data.fileno())
        return hashlib.file_digest(data, "sha256").hexdigest()


def _flush_folder(folder: Path) -> None:
    """A rename is on the disk only when its folder is."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def seal_of(checkpoint: Path) -> dict | None:
    """A checkpoint's seal; None where it has none (one of another tool, say)."""
    file = checkpoint / SEAL
    return json.loads(file.read_text()) if file.is_file() else None


def damage(checkpoint: Path) -> str | None:
    """What is wrong with a checkpoint, or None for a whole one. One without a seal is judged by its files' own forms."""
    try:
        seal = seal_of(checkpoint)
        step = json.loads((checkpoint / STATE).read_text())["global_step"]
    except FileNotFoundError as error:
        return f"{Path(error.filename).name} is missing"
    except (ValueError, KeyError, TypeError) as error:
        return f"{STATE} or {SEAL} cannot be read ({error})"
    if (named := NAME.fullmatch(checkpoint.name)) and step != int(named[1]):
        return f"{STATE} is that of step {step}"
    if seal is None:
        return next(_malformed(checkpoint), None)
    for name, entry in seal["files"].items():
        file = checkpoint / name
        if not file.is_file():
            return f"{name} is missing"
        if file.stat().st_size != entry["bytes"]:
            return f"{name} has {file.stat().st_size:,} bytes of {entry['bytes']:,}"
    with ThreadPoolExecutor(READERS) as readers:
        digests = readers.map(lambda name: _flushed_hash(checkpoint / name), seal["files"])
        changed = [
            name
            for name, digest in zip(seal["files"], digests, strict=True)
            if digest != seal["files"][name]["sha256"]
        ]
    return f"{changed[0]} is not what was written" if changed else None


def _malformed(checkpoint: Path) -> Iterator[str]:
    from safetensors import SafetensorError, safe_open

    files = _files_of(checkpoint)
    if not any(file.suffix == ".safetensors" for file in files):
        yield "no .safetensors file"
    for file in files:
        if file.suffix == ".safetensors":
            try:
                with safe_open(file, "pt"):
                    pass
            except SafetensorError as error:
                yield f"{file.name} cannot be read ({error})"
        elif file.suffix in (".pt", ".pth", ".bin") and not zipfile.is_zipfile(file):
            yield f"{file.name} is cut off"


def checkpoints_in(run_folder: Path) -> list[Path]:
    """The checkpoints of a run folder, the newest step first."""
    if not run_folder.is_dir():
        return []
    numbered = [(int(match[1]), path) for path in run_folder.iterdir() if (match := NAME.fullmatch(path.name))]
    return [path for _, path in sorted(numbered, reverse=True) if path.is_dir()]


def newest_whole(run_folder: Path, tell: Callable[[str], None]) -> Path | None:
    """The newest checkpoint without damage, after telling of each damaged one; None where there is no checkpoint.

    Raises ValueError when there are some and all are damaged.
    """
    found = checkpoints_in(run_folder)
    wrong = []
    for checkpoint in found:
        if (what := damage(checkpoint)) is None:
            return checkpoint
        wrong.append(f"{checkpoint.name}: {what}")
        tell(f"{checkpoint} is torn and left aside: {what}")
    if wrong:
        raise ValueError(
            f"{run_folder} holds no whole checkpoint ({'; '.join(wrong)}). Bring one back from a copy, or start afresh: "
            "remove them, or give another --output_dir."
        )
    return None

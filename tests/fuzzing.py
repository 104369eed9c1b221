"""How many examples a fuzz test draws: few in `make test`, the full number with OPEN_R1_FUZZ=full (`make soak`)."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from hypothesis import HealthCheck, settings

FULL = os.environ.get("OPEN_R1_FUZZ") == "full"
PATIENCE = 5.0  # seconds of processor time for one example; a regular expression that explodes takes minutes


def examples(few: int, full: int) -> settings:
    """The same few ones every time, or the full number of new ones."""
    return settings(
        max_examples=full if FULL else few,
        derandomize=not FULL,
        database=None,
        deadline=None,  # `no_hang` measures the processor's time, which other processes do not disturb
        suppress_health_check=list(HealthCheck),
    )


@contextmanager
def no_hang() -> Iterator[None]:
    """Fails when the block takes more processor time than any input may."""
    began = time.process_time()
    yield
    assert time.process_time() - began < PATIENCE

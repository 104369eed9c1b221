"""Fixtures that every test may use."""

import os
import signal
from pathlib import Path

import pytest

# Processes under test get Ctrl-C as from a terminal; a shell's background job, which these tests may be, would hand on that
# it is ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real rows beside the repository; tests that need it skip where it is not there."""
    beside = Path(__file__).resolve().parents[1].parent / "shared" / "data"
    folder = Path(os.environ.get("OPEN_R1_SHARED_DATA", beside))
    if not folder.is_dir():
        pytest.skip(f"no real rows: {folder} is not there (OPEN_R1_SHARED_DATA may name another folder)")
    return folder

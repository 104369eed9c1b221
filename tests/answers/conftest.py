import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real rows, which is not part of the repository."""
    folder = Path(os.environ.get("OPEN_R1_SHARED_DATA", Path(__file__).resolve().parents[3] / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no shared data at {folder}; set OPEN_R1_SHARED_DATA")
    return folder

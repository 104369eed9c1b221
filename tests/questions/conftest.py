"""The data script, and raw files for it."""

import importlib.util
import sys
from pathlib import Path

import pytest
import raw_rows
from raw_rows import write_jsonl

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "data_prepare.py"


@pytest.fixture(scope="session")
def script():
    spec = importlib.util.spec_from_file_location("data_prepare", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    # Dataclasses look their module up by name.
    sys.modules["data_prepare"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def raw(tmp_path_factory):
    """1,200 MedQA rows and MedXpertQA's 2,450, of which 613 ask for understanding."""
    root = tmp_path_factory.mktemp("raw")
    write_jsonl(root / "medqa/train.jsonl", [raw_rows.medqa(n) for n in range(1200)])
    write_jsonl(root / "xpert/Text/test.jsonl", [raw_rows.medxpertqa(n) for n in range(2450)])
    return root

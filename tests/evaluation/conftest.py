"""Skips the room where Inspect is not installed; the tiny model is made once."""

import json
from pathlib import Path

import pytest
from tiny_model import save_tiny_model

pytest.importorskip("inspect_ai", reason="evaluation needs `pip install -e '.[eval]'`")


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory) -> Path:
    """A folder with the tiny model."""
    return save_tiny_model(tmp_path_factory.mktemp("model") / "tiny")


@pytest.fixture
def data_root(tmp_path) -> Path:
    """A DATA_ROOT with invented rows in three raw layouts; none is of a benchmark."""
    root = tmp_path / "data"
    medqa, xpert, gpqa = root / "medqa_usmle", root / "medxpertqa" / "Text", root / "gpqa"
    for folder in (medqa, xpert, gpqa):
        folder.mkdir(parents=True)
    rows = [
        {
            "question": f"Invented question {n}?",
            "options": {"A": "one", "B": "two", "C": "three", "D": "four"},
            "answer": "two",
            "answer_idx": "B",
            "meta_info": "step1" if n % 2 else "step2&3",
        }
        for n in range(6)
    ]
    _write(medqa / "test.jsonl", rows)
    letters = "ABCDEFGHIJ"
    rows = [
        {
            "id": f"Text-{n}",
            "question": "Invented?",
            "options": {letter: f"choice {letter} of {n}" for letter in letters},
            "label": "C",
            "question_type": "Reasoning",
            "body_system": "Other",
            "medical_task": "Diagnosis",
        }
        for n in (7, 1000, 1001, 1002, 2449, 2450)
    ]
    _write(xpert / "test.jsonl", rows)
    header = ["Question", "Correct Answer", "Incorrect Answer 1", "Incorrect Answer 2", "Incorrect Answer 3"]
    lines = [",".join([*header, "High-level domain", "Record ID"])]
    lines += [f"Invented {n}?,right {n},wrong a{n},wrong b{n},wrong c{n},Biology,rec{n}" for n in range(4)]
    (gpqa / "gpqa_main.csv").write_text("\n".join(lines) + "\n")
    return root


def _write(path: Path, rows: list[dict]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))

"""Questions that come again in the benchmarks are found, whatever became of their options."""

import json
import random
import sys
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

from decontaminate import main

from open_r1.questions import load
from open_r1.questions.prepared import write_prepared
from open_r1.questions.similar import similar


@pytest.fixture(scope="module")
def rows(shared_data):
    return load("medqa_usmle", shared_data / "medqa_usmle", "train")


def test_reworded_questions_are_found_and_others_are_not(rows):
    """Of 200 real vignettes, 100 are planted with a tenth of their words lost and other options."""
    rng = random.Random(0)
    kept = [question for question in rows if len(question.stem.split()) > 40][:200]
    planted = [
        replace(
            q,
            id=f"copy-{q.id}",
            options={"A": "x", "B": "y"},
            answer="A",
            stem=" ".join(w for w in q.stem.upper().split() if rng.random() > 0.1),
        )
        for q in kept[:100]
    ]
    found = similar(planted + kept[100:], kept[:100])
    pairs = [(pair.train.id, pair.evaluation.id) for pair in found]
    assert sum(left == f"copy-{right}" for left, right in pairs) == 100
    assert len(pairs) == 100, "no two of the other questions are alike"


def test_the_command(rows, tmp_path, capsys):
    for split, questions in (("clean", rows[:5]), ("dirty", rows[5:10])):
        (tmp_path / split).mkdir()
        write_prepared(tmp_path / split, {"train": questions})
    benchmark = tmp_path / "data" / "medqa_usmle"
    benchmark.mkdir(parents=True)
    lines = [
        {"question": q.stem, "options": q.options, "answer": q.answer_text, "answer_idx": q.answer} for q in rows[5:10]
    ]
    (benchmark / "test.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert main([str(tmp_path / "clean"), "--data_root", str(tmp_path / "data")]) == 0
    assert (
        main([str(tmp_path / "dirty"), "--data_root", str(tmp_path / "data"), "--output", str(tmp_path / "o.jsonl")])
        == 1
    )
    assert "medqa_usmle: 5 of 5 training rows" in capsys.readouterr().out
    assert len((tmp_path / "o.jsonl").read_text().splitlines()) == 5
    assert main([str(tmp_path / "none"), "--data_root", str(tmp_path / "data")]) == 2

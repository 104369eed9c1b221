"""Questions that come again in the benchmarks are found, whatever became of their options."""

import json
import random
import sys
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

from decontaminate import main

from open_r1.questions import Kind, Question, load
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


STEM = "Which of the drugs listed here is given first to adults with absence seizures?"
NOTE = "The patient, an invented farmer of {age} years, has had {what} since the spring, sleeps badly and takes no drugs at all."


@pytest.mark.parametrize(
    ("change", "like"),
    [
        ({"stem": STEM.replace("listed", "named").upper()}, True),
        ({"stem": STEM.replace(" here", "").replace("?", "...")}, True),
        ({"options": {"A": "valproate", "B": "ethosuximide"}, "answer": "B"}, True),
        ({"stem": STEM.replace("given first", "not given"), "options": {"A": "carbamazepine", "B": "x"}}, False),
        ({"stem": "Which of the drugs is given first to adults with absence seizures, and which to children?"}, True),
        ({"context": NOTE.format(age=40, what="seizures")}, True),
    ],
)
def test_short_questions_are_alike_by_their_words_and_answer(change, like):
    """One word changed in a short question leaves no eight in a row; with another answer it is a question of the same kind."""
    asked = Question("q", "s", "test", STEM, {"A": "ethosuximide", "B": "valproate"}, "A")
    assert bool(similar([replace(asked, **change)], [asked])) is like


@pytest.mark.parametrize(
    ("copy", "like"),
    [
        (
            {"context": NOTE.format(age=70, what="a cough that brings up blood, fever at night and a loss of weight")},
            False,
        ),
        ({"context": NOTE.format(age=41, what="palpitations").upper()}, True),
        ({"context": "", "stem": NOTE.format(age=40, what="palpitations") + "\nWhat is the score?"}, True),
        ({"context": ""}, True),
        ({"stem": "What is the body mass index of this patient?"}, False),
    ],
)
def test_where_both_have_a_passage_the_passages_are_compared_too(copy, like):
    asked = Question(
        "q", "s", "test", "What is the score?", {}, "3", Kind.NUMBER, NOTE.format(age=40, what="palpitations")
    )
    assert bool(similar([replace(asked, **copy)], [asked])) is like


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

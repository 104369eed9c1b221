"""Training rows that come again in an evaluation."""

from dataclasses import replace

import pytest

from open_r1.questions import Question
from open_r1.questions.leakage import overlap

BASE = Question("1", "s", "train", "Which sign is it?", {"A": "Fever", "B": "Cough"}, "A")
OTHER = replace(BASE, id="2", split="test")


@pytest.mark.parametrize(
    ("evaluated", "found"),
    [
        (replace(BASE, stem="Another?"), "ids"),
        (OTHER, "texts"),
        (replace(OTHER, stem="which  sign is it"), "texts"),
        (replace(OTHER, options={"A": "cough.", "B": "FEVER"}, answer="B"), "texts"),
        (replace(OTHER, options={"A": "Rash", "B": "Fever"}, answer="B"), "answers"),
        (replace(OTHER, options={"A": "Rash", "B": "Fever"}, answer="A"), None),
        (replace(OTHER, images=("x.png",)), None),
        (replace(OTHER, context="Another patient."), None),
        (replace(BASE, source="t", stem="Another?"), None),
    ],
)
def test_what_counts_as_the_same(evaluated, found):
    result = overlap([BASE], [evaluated])
    assert [name for name in ("ids", "texts", "answers") if getattr(result, name)] == ([found] if found else [])
    assert bool(result) == (found is not None)

"""Seeded, stratified sampling without replacement."""

from collections import Counter

import pytest

from open_r1.questions import DataError, Question
from open_r1.questions.sampling import proportional, sample, shuffled


def questions(count: int, source: str = "s") -> list[Question]:
    kinds = ["Understanding" if number % 4 == 0 else "Reasoning" for number in range(count)]
    return [
        Question(str(number), source, "test", "?", {}, "x", metadata={"type": kind})
        for number, kind in enumerate(kinds)
    ]


def kind(question: Question) -> str:
    return question.metadata["type"]


@pytest.mark.parametrize(
    ("sizes", "total", "expected"),
    [
        ({"a": 1861, "b": 589}, 490, {"a": 372, "b": 118}),
        ({"a": 1, "b": 1, "c": 1}, 2, {"a": 1, "b": 1, "c": 0}),
        ({"a": 5, "b": 3, "c": 2}, 3, {"a": 1, "b": 1, "c": 1}),
        ({"a": 3}, 0, {"a": 0}),
        ({}, 0, {}),
    ],
)
def test_proportional_shares_by_largest_remainder(sizes, total, expected):
    assert proportional(sizes, total) == expected


def test_draw_and_rest_divide_the_questions_within_strata():
    everything = questions(200)
    drawn, rest = sample(everything, 40, 7, kind)
    assert Counter(map(kind, drawn)) == {"Reasoning": 30, "Understanding": 10}
    assert sorted(drawn + rest, key=lambda question: int(question.id)) == everything
    assert drawn == sorted(drawn, key=lambda question: int(question.id))


def test_the_seed_decides_and_a_smaller_draw_is_part_of_a_larger_one():
    everything = questions(300)
    small, large = (sample(everything, size, 42)[0] for size in (60, 109))
    assert set(question.id for question in small) < set(question.id for question in large)
    assert sample(everything, 60, 42)[0] == small
    assert sample(everything, 60, 43)[0] != small
    assert [q.id for q in sample(questions(300, "other"), 60, 42)[0]] != [q.id for q in small]


def test_too_few_rows():
    with pytest.raises(DataError, match="s: 11 rows asked for, but there are 10"):
        sample(questions(10), 11, 42)


def test_shuffled_leaves_its_argument_alone():
    everything = questions(50)
    mixed = shuffled(everything, 1)
    assert mixed != everything == questions(50)
    assert sorted(mixed, key=lambda question: int(question.id)) == everything
    assert shuffled(everything, 1) == mixed != shuffled(everything, 2)

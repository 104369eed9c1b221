"""Synthetic vignettes: one right answer each, nothing held out in training, traces that the judge reads as meant."""

import random

import pytest

from open_r1.answers import grade
from open_r1.questions.vignettes import (
    all_vignettes,
    careless_trace,
    gold_trace,
    hasty_trace,
    make_questions,
    shared_findings,
    split_vignettes,
    stated_diagnosis,
)
from open_r1.rewards.vignettes import trace_agrees


@pytest.fixture(scope="module")
def questions():
    return make_questions(split_vignettes(0)["test"], 4, "test", 0)


def test_no_triple_of_findings_is_in_both_splits():
    splits = {name: {frozenset(v.findings) for v in vignettes} for name, vignettes in split_vignettes(7).items()}
    assert not splits["train"] & splits["test"]
    assert len(splits["test"]) == 24 * 5
    assert len(splits["train"] | splits["test"]) == len(all_vignettes())


def test_same_seed_same_questions_and_another_seed_others(questions):
    assert make_questions(split_vignettes(0)["test"], 4, "test", 0) == questions
    assert make_questions(split_vignettes(0)["test"], 4, "test", 1) != questions


def test_exactly_one_option_explains_all_findings_and_difficulty_is_the_closest_other(questions):
    for question in questions:
        shared = {x: shared_findings(name, question.metadata["findings"]) for x, name in question.options.items()}
        assert [letter for letter, number in shared.items() if number == 3] == [question.answer]
        closest = max(number for letter, number in shared.items() if letter != question.answer)
        assert question.difficulty == closest / 3
    assert {question.difficulty for question in questions} == {0, 1 / 3, 2 / 3}


def test_gold_traces_are_right_and_hasty_ones_mostly_wrong(questions):
    assert all(grade(gold_trace(question), question).correct for question in questions)
    right = sum(grade(hasty_trace(question), question).correct for question in questions) / len(questions)
    assert 0.3 < right < 0.6
    rng = random.Random(0)
    hasty = sum(careless_trace(question, rng) != gold_trace(question) for question in questions) / len(questions)
    assert 0.55 < hasty < 0.75  # a hasty trace equals the gold one where the right option stands last


def test_trace_agrees_pays_for_the_concluded_option_even_when_wrong(questions):
    question = questions[0]
    other = next(letter for letter in question.options if letter != question.answer)
    gold, hasty = gold_trace(question), hasty_trace(question)
    torn = gold.replace(f"<answer>{question.answer}", f"<answer>{other}")
    completions = [[{"role": "assistant", "content": text}] for text in (gold, hasty, torn, "no idea")]
    columns = {"stem": question.stem, "answer": question.answer, "id": "", "source": "", "split": "", "context": ""}
    columns |= {"kind": "choice", "images": [], "difficulty": None, "metadata": "{}"}
    columns["options"] = [{"letter": letter, "text": text} for letter, text in question.options.items()]
    rows = {name: [value] * 4 for name, value in columns.items()}
    assert stated_diagnosis(gold) == question.answer_text
    assert trace_agrees(completions, **rows) == [1, 1, 0, 0]

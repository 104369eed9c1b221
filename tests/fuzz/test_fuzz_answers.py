"""Strings through the judge and the rewards: no traceback, no hang, and never an answer that nobody gave."""

import math

import pytest
from fuzzing import examples, no_hang
from hypothesis import given
from hypothesis import strategies as st

from open_r1.answers import grade
from open_r1.questions import Kind, Question
from open_r1.rewards import REWARDS, build_rewards

OPTIONS = {"A": "Asthma", "B": "Migraine", "C": "Gout", "D": "Cushing syndrome"}
CHOICE = Question("1", "own", "test", "Which?", OPTIONS, "B")
UNBOUNDED = Question("4", "own", "test", "How much?", {}, "10.5", Kind.NUMBER)
OTHERS = [
    Question("2", "own", "test", "How much?", {}, "10.5", Kind.NUMBER, metadata={"lower_limit": "10", "upper_limit": "11"}),
    Question("3", "own", "test", "What?", {}, "aspirin", Kind.TEXT),
]  # fmt: skip

# What completions are made of, and what breaks readers of them.
PIECES = [
    "<think>", "</think>", "<answer>", "</answer>", "## Thinking", "## Final Response", "\\boxed{", "}", "{", "$", "\\text{",
    "The answer is ", "Answer: ", "**", "(", ")", ".", ",", ":", "\n", " ", "not ", "neither ", "however, ", "option ", "A", "B",
    "C", "D", "E", "a", "b", "Asthma", "Migraine", "Gout", "Cushing syndrome", "cannot be determined", "I", "\u0000", "\u200b",
    "\u202e", "\ud83d\ude00", "İ", "ß", "10.5", "1e999", "-", "/", "10/", "^", "\\frac{1}{0}", "%", "mg", "nan", "inf", "12/31/2020",
    "99999999", "!", "^{", "\\prod_{n=1}^{", "\\exp(",
]  # fmt: skip
COMPLETIONS = st.one_of(
    st.text(max_size=300),
    st.lists(st.sampled_from(PIECES), max_size=40).map("".join),
    st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=12)), max_size=30).map("".join),
    st.tuples(st.sampled_from(PIECES), st.integers(1, 400)).map(lambda pair: pair[0] * pair[1]),
)


@examples(100, 20_000)
@given(COMPLETIONS)
def test_any_string_gets_a_grade(text):
    for question in (CHOICE, *OTHERS, UNBOUNDED):
        with no_hang():
            result = grade(text, question)
        assert result.how.answered == (result.extracted is not None)
        assert not (result.correct and result.extracted is None)
    letter = grade(text, CHOICE).extracted
    assert letter is None or letter in OPTIONS


@examples(50, 20_000)
@given(st.lists(COMPLETIONS, min_size=1, max_size=4))
def test_any_string_gets_finite_rewards(texts):
    arguments = {"length": {"min_characters": 20}}
    columns = {"reference": ["B"] * len(texts), "option": ["Migraine"] * len(texts)}
    completions = [[{"role": "assistant", "content": text}] for text in texts]
    ids = [list(text.encode("utf-8", "surrogatepass")) or [0] for text in texts]
    for reward in build_rewards(list(REWARDS), arguments, max_completion_length=64):
        with no_hang():
            values = reward(prompts=completions, completions=completions, completion_ids=ids, **columns)
        assert len(values) == len(texts) and all(value is None or math.isfinite(value) for value in values)


# Words that say nothing about any option and hold no letter that could be one.
FILLER = st.lists(
    st.sampled_from(
        [
            "patient",
            "history",
            "suggests",
            "chronic",
            "cough",
            "with",
            "fever",
            "seen",
            "over",
            "weeks",
            "labs",
            "were",
            "normal",
        ]
    ),
    max_size=30,
).map(" ".join)
CLEAR = ["The answer is ({}).", "<answer>{}</answer>", "\\boxed{{{}}}", "Final answer: {}", "**Answer: {}**"]


@examples(50, 5_000)
@given(FILLER)
def test_no_answer_is_found_where_none_is(filler):
    assert grade(filler, CHOICE).extracted is None
    assert grade(f"<think>The answer is (B). {filler}</think>", CHOICE).extracted is None


@examples(50, 5_000)
@given(FILLER, st.sampled_from(CLEAR), st.sampled_from("ABCD"), FILLER)
def test_one_clear_answer_is_never_read_as_another(before, form, letter, after):
    found = grade(f"{before}\n{form.format(letter)}\n{after}", CHOICE).extracted
    assert found in (letter, None)


@examples(50, 5_000)
@given(st.sampled_from(CLEAR), st.sampled_from("ABCD"), FILLER, st.sampled_from(CLEAR), st.sampled_from("ABCD"))
def test_of_two_answers_no_third_is_made(one, first, filler, other, second):
    found = grade(f"{one.format(first)} {filler}\n{other.format(second)}", CHOICE).extracted
    assert found in (first, second, None)


@pytest.mark.parametrize("piece", PIECES)
def test_long_repetitions_do_not_hang(piece):
    for question in (CHOICE, *OTHERS, UNBOUNDED):
        with no_hang():
            grade(piece * 4_000, question)


# Numbers of more digits than the memory holds, which sympy writes out, and forms whose work doubles with each part.
COSTLY = ["9999999!", "99999999!!", "2^{999999999}", "2**999999999", "9^9^9", "10^{10^{10}}", "((1.5^{99})^{99})^{99}", "(x+y)^{5000}",
          "\\prod_{n=1}^{9999999} n", "\\binom{99999999}{4444444}", "\\log_{2}(3^{99999999})", "\\exp(\\exp(\\exp(99)))", "12/31/2020" * 25,
          "(" * 40 + "3" + ")" * 40]  # fmt: skip


@pytest.mark.parametrize("formula", COSTLY)
def test_a_formula_too_large_to_be_computed_does_not_hang(formula):
    for question in (OTHERS[1], UNBOUNDED):
        with no_hang():
            assert not grade(f"The answer is \\boxed{{{formula}}}", question).correct

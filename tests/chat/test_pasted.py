"""Questions as people paste them: every form of options gives the same question, and prose gives none."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from open_r1.chat.pasted import read_pasted
from open_r1.questions import load
from open_r1.questions.files import LETTERS

STEM = "A 45-year-old man has a fever (39 C). Vitamin A. helps little. Which is it?"
OPTIONS = ["Measles", "Hepatitis B", "Type I (A) reaction", "None of the above"]


def lines(form: str, signs="ABCDEFGHIJKLMNOPQRSTUVWXYZ"):
    return lambda texts: "\n".join(form.format(sign, text) for sign, text in zip(signs, texts, strict=False))


FORMS = {
    "dots": lines("{}. {}"),
    "brackets": lines("({}) {}"),
    "closing brackets": lines("{}) {}"),
    "colons": lines("{}: {}"),
    "square": lines("[{}] {}"),
    "indented": lines("   {}.   {}"),
    "bulleted letters": lines("- {}. {}"),
    "bold": lines("**{}.** {}"),
    "bold brackets": lines("**({})** {}"),
    "small letters": lines("{}) {}", LETTERS.lower()),
    "numbers": lines("{}. {}", [str(n) for n in range(1, 27)]),
    "numbers in brackets": lines("({}) {}", [str(n) for n in range(1, 27)]),
    "dashes": lines("{} - {}"),
    "one line": lambda texts: " ".join(f"({sign}) {text}" for sign, text in zip(LETTERS, texts, strict=False)),
    "json": lambda texts: json.dumps(dict(zip(LETTERS, texts, strict=False))),
    "python": lambda texts: str(dict(zip(LETTERS, texts, strict=False))),
    "bullets": lambda texts: "\n".join(f"* {text}" for text in texts),
}


@pytest.mark.parametrize("label", ["\n", "\nAnswer Choices: ", "\n\nOptions:\n", "\n**Choices**\n"])
@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_question(form, label):
    if form == "bullets" and "Choices**" in label:
        label = "\n"
    pasted = STEM + label + FORMS[form](OPTIONS)
    expected = (STEM, dict(zip(LETTERS, OPTIONS, strict=False)))
    if form == "one line":  # an option that holds another's sign cannot be told apart there
        options = [*OPTIONS[:2], "Type I reaction", OPTIONS[3]]
        pasted, expected = STEM + label + FORMS[form](options), (STEM, dict(zip(LETTERS, options, strict=False)))
    assert read_pasted(pasted) == expected
    assert read_pasted(f"\n{pasted}\n\n") == expected


@pytest.mark.parametrize("after", ["\n\nPlease think step by step.", "\nAnswer:", "\nThe correct answer is:"])
def test_what_follows_the_options_is_none_of_them(after):
    assert read_pasted(STEM + "\nA. x\nB. y" + after) == (STEM, {"A": "x", "B": "y"})


def test_an_option_may_run_over_lines():
    assert read_pasted("Which?\nA. one\n   two\nB. three") == ("Which?", {"A": "one two", "B": "three"})


@pytest.mark.parametrize(
    "text",
    [
        "Hello there.",
        "What is vitamin A. And B?",
        "Is hepatitis B. worse than hepatitis C.?",
        "First take\n1. your temperature",
        "A. alone",
        "He takes:\n- aspirin\n- insulin\nand feels well.",
        "{'A': 'x', 'B': 'y'}",
        "A patient (A) and his brother came.",
    ],
)
def test_prose_has_no_options(text):
    assert read_pasted(text) == (text, {})


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=300))
def test_any_text_comes_back(text):
    stem, options = read_pasted(text)
    assert options or stem == text.strip()
    assert all(options.values()) and list(options) == list(LETTERS[: len(options)])


@pytest.mark.parametrize("form", ["dots", "brackets", "closing brackets", "bold", "one line", "json"])
def test_real_questions(shared_data, form):
    questions = load("medqa_usmle", shared_data / "medqa_usmle", "train")[:300]
    questions += load("medxpertqa", shared_data / "medxpertqa", "test")[:300]
    wrong = []
    for question in questions:
        stem = " ".join(question.stem.split())
        texts = [" ".join(text.split()) for text in question.options.values()]
        if read_pasted(f"{stem}\n{FORMS[form](texts)}") != (stem, dict(zip(LETTERS, texts, strict=False))):
            wrong.append(question.id)
    assert len(wrong) <= len(questions) // 200, wrong

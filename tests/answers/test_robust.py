"""Any text is read without an error, in a time that grows with its length."""

import random
import time

import pytest

from open_r1.answers import Found, extract
from open_r1.answers.value import grade_number, grade_text

OPTIONS = {"A": "B. fragilis", "B": "Vitamin A", "C": "C (complement)", "D": "3.5 mg", "E": ""}
PIECES = (
    *(
        "A",
        "B",
        " (C)",
        "D)",
        "the answer is ",
        "Answer:",
        "not ",
        " and ",
        " or ",
        "\n",
        ". ",
        ", ",
        "**",
        "\\boxed{",
        "}",
        "{",
        "$",
    ),
    *(
        "<think>",
        "</think>",
        "<answer>",
        "</answer>",
        '{"answer": "',
        '"',
        "## Final Response",
        "Question:",
        "Vitamin A",
        "3.5",
        "é",
        "答案",
    ),
    *(
        "\u200b",
        "\x00",
        "\ud7ff",
        "-",
        "is incorrect",
        "Wait, ",
        "option ",
        "(",
        ")",
        "[",
        "]",
        "𝐁",
        "½",
        "\u2028",
        "İ",
        "ß",
    ),
)


def test_random_texts_never_raise():
    rng = random.Random(0)
    for _ in range(4000):
        text = "".join(rng.choice(PIECES) for _ in range(rng.randint(0, 40)))
        letter, how = extract(text, OPTIONS)
        assert letter is None or letter in OPTIONS
        assert (letter is not None) == how.answered
        grade_number(text, "3.5", "3.4", "3.6")


def test_random_characters_never_raise():
    rng = random.Random(1)
    for _ in range(1000):
        text = "".join(
            chr(rng.choice((rng.randint(0, 127), rng.randint(0, 0xD7FF)))) for _ in range(rng.randint(0, 80))
        )
        extract(text, OPTIONS)
        grade_text(text, "x + 1")


@pytest.mark.parametrize(
    "piece",
    ["a", "A ", "(A) ", "is ", "answer ", "answer is ", "the answer is (A) and ", "<think>", "<answer>", "</think>", "\\boxed{", "{", "(",
     "\n", "* ", "#", " \n", "A, ", "B. fragilis ", "not ", "Question: ", "$", "\\text{", "=", ": ", '{"answer": ', "B or ", ".", "-", "the "],
)  # fmt: skip
def test_time_grows_with_length(piece):
    def seconds(length):
        text = (piece * (length // len(piece) + 1))[:length]
        start = time.process_time()
        extract(text, OPTIONS)
        grade_number(text, "3.5")
        return time.process_time() - start

    assert seconds(100_000) < 2.0


def test_options_may_be_few_or_odd():
    assert extract("The answer is B", {}) == (None, Found.NOTHING)
    assert extract("b", {"b": "x", "a": "y"}) == ("b", Found.LETTER)
    assert extract("B", {"A": "", "B": ""}) == ("B", Found.LETTER)


def test_a_long_text_is_not_cut_inside_a_word():
    sentence = "Both cases differ in the age at onset, and each was described before any drug became available"
    for shift in range(120):
        assert extract("x" * shift + ".\n\n" + (sentence + ".\n\n") * 60, OPTIONS)[0] is None

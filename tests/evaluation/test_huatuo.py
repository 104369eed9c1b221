"""The HuatuoGPT-compatible scorer reads as theirs does, faults included."""

import pytest

from open_r1.answers.huatuo import read_two

OPTIONS = {"A": "Addison disease", "B": "Cushing syndrome", "C": "Conn syndrome", "D": "No"}


@pytest.mark.parametrize(
    "completion, first, last, rule",
    [
        ("The answer is B.", "B", "B", 1),
        ("The answer is A. No, the answer is C.", "A", "C", 1),
        ("The answer is N", "N", "N", 1),  # a letter that is no option is read all the same
        ("Perhaps A.\n\n## Final Response\n\nThe answer is B.", "B", "B", 1),
        ("(B) rather than (C)", "B", "C", 1),
        ("**C**", "C", "C", 1),
        ("A patient came", "A", "A", 3),  # an article is no letter; the text most alike is taken
        ("It is cushing syndrome", "B", "B", 2),
        ("Addison disease, no: Conn syndrome", "C", "C", 2),
        ("The answer is Cushing syndrome, B.", "C", "C", 1),
        ("", "D", "D", 3),
        ("I cannot determine.", "D", "D", 2),
        ("I cannot say what", "D", "D", 2),  # "no" in "cannot" is found as the option "No"
    ],
)
def test_readings(completion, first, last, rule):
    assert read_two(completion, OPTIONS) == (first, last, rule)

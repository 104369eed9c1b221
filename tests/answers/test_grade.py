import pytest

from open_r1.answers import Found, extract, grade
from open_r1.questions.record import Kind, Question

OPTIONS = {"A": "Addison disease", "B": "Conn syndrome", "C": "Cushing syndrome"}


def question(answer="C", options=OPTIONS, kind=Kind.CHOICE, **metadata):
    return Question("1", "test", "test", "Which?", options, answer, kind, metadata=metadata)


@pytest.mark.parametrize(
    ("completion", "how"),
    [
        ("C", Found.LETTER),
        ("The answer is (C).", Found.LETTER),
        ("C. Cushing syndrome", Found.LETTER_AND_TEXT),
        ("The answer is Cushing syndrome (C).", Found.LETTER_AND_TEXT),
        ("Cushing syndrome", Found.TEXT),
        ("The answer is Cushing syndrome.", Found.TEXT),
        ("\\boxed{Cushing syndrome}", Found.TEXT),
        ("", Found.EMPTY),
        ("<think>C</think>", Found.EMPTY),
        ("A or C", Found.SEVERAL),
        ("C. Conn syndrome", Found.CONTRADICTION),
        ("I cannot determine the diagnosis.", Found.DECLINED),
        ("Hello there.", Found.NOTHING),
    ],
)
def test_how_it_was_found(completion, how):
    assert extract(completion, OPTIONS)[1] is how


def test_by_text_tells_a_text_from_a_letter():
    assert extract("Cushing syndrome", OPTIONS)[1].by_text
    assert not extract("C. Cushing syndrome", OPTIONS)[1].by_text


@pytest.mark.parametrize(
    ("completion", "truncated"),
    [
        ("The answer is (C).", False),
        ("The answer is (C). This is because the cort", False),
        ("We first look at the cort", True),
        ("We first look at the cortisol.", False),
        ("<think>The cortisol is high", True),
        ("<think>The cortisol is high.", True),
        ("<think>x</think><answer>C", True),
        ("<think>x</think><answer>C</answer>", False),
        ("## Thinking\n\nThe cortisol is high.", True),
        ("", False),
        (None, False),
    ],
)
def test_truncated_is_read_off_the_text(completion, truncated):
    assert grade(completion, question()).truncated is truncated


def test_the_generator_knows_better():
    assert grade("The answer is (C).", question(), truncated=True).truncated
    assert not grade("We first look at the cort", question(), truncated=False).truncated


def test_an_abstention_is_wrong():
    result = grade("I cannot tell.", question())
    assert (result.correct, result.extracted) == (False, None)


def test_yes_no_maybe_is_answered_by_letter():
    asked = question("B", {"A": "yes", "B": "no", "C": "maybe"}, Kind.YES_NO_MAYBE)
    assert grade("No, because it was not significant.", asked).extracted == "B"
    assert grade("no", asked).correct


AGE = "('8 weeks', '6 days')"
NUMBERS = [
    ("The answer is 39.6 mL/min/1.73m².", "39.642", 37.66, 41.62, True),
    ("\\boxed{39.6}", "39.642", "37.66", "41.62", True),
    ("CrCl = (140-27)*60/(72*1.2) = 39.6 mL/min", "39.642", 37.66, 41.62, True),
    ("The answer is 0.", "0", 0, 0, True),
    ("Final answer: -2 points", "-2", -2, -2, True),
    ("The answer is \\(-1.3\\) L", "-1.3", -1.365, -1.235, True),
    ("The answer is −1.3 L", "-1.3", -1.365, -1.235, True),
    ("The answer is 1.3 L", "-1.3", -1.365, -1.235, False),
    ("Answer: 1,920 mg", "1920", 1900, 1930, True),
    ("The answer is 5-6.", "5", 5, 5, False),
    ("The answer is 5 or 6.", "5", 5, 5, False),
    ("The corrected calcium is 9.2 mg/dL.", "9.2", 9, 9.4, True),
    ("Therefore, the patient's BMI is approximately 24.1 kg/m^2.", "24.1", 23, 25, True),
    ('{"answer": "5.2"}', "5.2", 5, 5.4, True),
    ('{"answer": 5.2}', "5.2", 5, 5.4, True),
    ("The answer is 60ml/hr", "60", 57, 63, True),
    ("<think>5</think>", "5", 5, 5, False),
    ("I cannot say.", "5", 5, 5, False),
    ("", "5", 5, 5, False),
    ("<answer>12/31/2009</answer>", "12/31/2009", "12/31/2009", "12/31/2009", True),
    ("The estimated due date is November 9, 2012.", "11/09/2012", "11/09/2012", "11/09/2012", True),
    ("9th November 2012", "11/09/2012", None, None, True),
    ("2012-11-09", "11/09/2012", None, None, True),
    ("11/9/2012", "11/09/2012", None, None, True),
    ("11/10/2012", "11/09/2012", None, None, False),
    ("13/32/2012", "11/09/2012", None, None, False),
    ("The answer is (8 weeks, 6 days).", AGE, None, None, True),
    ("8 weeks and 6 days", AGE, AGE, AGE, True),
    ("8w6d", AGE, None, None, True),
    ("8 weeks", AGE, None, None, False),
    ("\\boxed{\\frac{3}{4}}", "0.75", None, None, True),
    ("The answer is 3/4.", "0.75", None, None, True),
    ("$1.2 \\times 10^{-3}$", "0.0012", None, None, True),
    ("1.2e-3", "0.0012", None, None, True),
    ("The answer is 19.2.", "0.192", None, None, False),
]


@pytest.mark.parametrize(("completion", "answer", "lower", "upper", "right"), NUMBERS)
def test_numbers(completion, answer, lower, upper, right):
    limits = {k: v for k, v in (("lower_limit", lower), ("upper_limit", upper)) if v is not None}
    assert grade(completion, question(answer, {}, Kind.NUMBER, **limits)).correct is right


@pytest.mark.parametrize(
    ("completion", "answer", "right"),
    [
        ("The answer is metformin.", "Metformin", True),
        ("**Answer:** the liver", "liver", True),
        ("\\boxed{x^2+2x+1}", "(x+1)^2", True),
        ("The answer is insulin", "metformin", False),
        ("", "metformin", False),
    ],
)
def test_free_text(completion, answer, right):
    assert grade(completion, question(answer, {}, Kind.TEXT)).correct is right


def test_real_bounds_take_their_own_answers(shared_data):
    import json

    with (shared_data / "medcalc" / "test.jsonl").open(encoding="utf-8", newline="\n") as lines:
        rows = [json.loads(line) for line in lines]
    wrong = []
    for row in rows:
        limits = {"lower_limit": row["Lower Limit"], "upper_limit": row["Upper Limit"]}
        asked = question(row["Ground Truth Answer"], {}, Kind.NUMBER, **limits)
        if (
            not grade(f"Thus the answer is {row['Ground Truth Answer']}.", asked).correct
            or grade("0.12345", asked).correct
        ):
            wrong.append(row["Row Number"])
    assert wrong == []

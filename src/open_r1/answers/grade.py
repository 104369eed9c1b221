"""The one judge of an answer: a completion and a question in, a grade out."""

from dataclasses import dataclass

from open_r1.answers.choice import extract
from open_r1.answers.found import Found
from open_r1.questions.record import Question


@dataclass(frozen=True, slots=True)
class Grade:
    """What the judge says of one completion.

    `extracted` is a letter for questions with options, else the number or text as found; None when there is no answer.
    """

    correct: bool
    extracted: str | None
    how: Found
    truncated: bool


def grade(completion: str | None, question: Question, *, truncated: bool | None = None) -> Grade:
    """Grade one completion against its question; `truncated` is read off the text when the caller does not know it."""
    letter, how = extract(completion, question.options)
    return Grade(letter == question.answer, letter, how, bool(truncated))

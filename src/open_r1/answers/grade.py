"""The one judge of an answer: a completion and a question in, a grade out."""

import re
from dataclasses import dataclass

from open_r1.answers.choice import extract
from open_r1.answers.found import Found
from open_r1.answers.sections import answering_part
from open_r1.answers.value import grade_number, grade_text
from open_r1.questions.record import Kind, Question

_ENDED = re.compile(r"[.!?。！？:;)\]}>\"'`*|…$%]\s*$")


@dataclass(frozen=True, slots=True)
class Grade:
    """What the judge says of one completion.

    `extracted` is a letter for questions with options, else the number or text as found; None when there is no answer.
    """

    correct: bool
    extracted: str | None
    how: Found
    truncated: bool


def looks_truncated(completion: str, how: Found) -> bool:
    """Whether a completion reads as cut off: thinking or an answer section left open, or no answer and no final stop.

    A completion that gave its answer before it broke off is not counted: nothing that matters was lost.
    """
    text = completion.strip()
    if not text:
        return False
    if answering_part(text).cut:
        return True
    return not how.answered and _ENDED.search(text[-20:]) is None


def grade(completion: str | None, question: Question, *, truncated: bool | None = None) -> Grade:
    """Grade one completion against its question.

    `truncated` is what the generator knows (finish reason "length"); when it is not given it is read off the text, see
    `looks_truncated`. An abstention is never correct.
    """
    text = completion or ""
    if question.options:
        found, how = extract(text, question.options)
        correct = found is not None and found == question.answer
    elif question.kind is Kind.NUMBER:
        limits = question.metadata.get("lower_limit"), question.metadata.get("upper_limit")
        correct, found, how = grade_number(text, question.answer, *limits)
    else:
        correct, found, how = grade_text(text, question.answer)
    return Grade(correct, found, how, looks_truncated(text, how) if truncated is None else truncated)

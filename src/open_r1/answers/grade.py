"""The one judge of an answer: a completion and a question in, a grade out."""

from dataclasses import dataclass
from enum import StrEnum

from open_r1.questions.record import Question


class Found(StrEnum):
    """How an answer was found in a completion, or why none was."""

    LETTER = "letter"
    """The letter of an option, with or without other words: B, (B), "The answer is B", \\boxed{B}."""
    LETTER_AND_TEXT = "letter and text"
    """A letter with the text of the same option beside it: "B. Cushing syndrome"."""
    TEXT = "text"
    """The text of one option and no letter: "The answer is Cushing syndrome"."""
    VALUE = "value"
    """A number, a date, a formula or free text, for questions without options."""
    NOTHING = "nothing"
    """No answer that a careful reader would accept."""
    EMPTY = "empty"
    """Nothing but white space or thinking: no answer was written."""
    SEVERAL = "several"
    """Two or more answers, none of them withdrawn."""
    CONTRADICTION = "contradiction"
    """A letter beside the text of another option."""
    DECLINED = "declined"
    """The completion says that it cannot tell, or that no option is right."""

    @property
    def by_text(self) -> bool:
        """Whether the answer was given by an option's text alone, without its letter."""
        return self is Found.TEXT

    @property
    def answered(self) -> bool:
        """Whether there is an answer at all."""
        return self in (Found.LETTER, Found.LETTER_AND_TEXT, Found.TEXT, Found.VALUE)


@dataclass(frozen=True, slots=True)
class Grade:
    """What the judge says of one completion.

    `extracted` is a letter for questions with options, else the number or text as found; None when there is no answer.
    """

    correct: bool
    extracted: str | None
    how: Found
    truncated: bool


def extract(completion: str | None, options: dict[str, str]) -> tuple[str | None, Found]:
    """The letter a completion commits to and how it was found; (None, reason) where a careful reader would abstain."""
    letter = (completion or "").strip(" .()")
    return (letter, Found.LETTER) if letter in options else (None, Found.NOTHING)


def extract_choice(completion: str | None, options: dict[str, str]) -> str | None:
    """The letter a completion commits to, or None where a careful reader would abstain."""
    return extract(completion, options)[0]


def grade(completion: str | None, question: Question, *, truncated: bool | None = None) -> Grade:
    """Grade one completion against its question; `truncated` is read off the text when the caller does not know it."""
    letter, how = extract(completion, question.options)
    return Grade(letter == question.answer, letter, how, bool(truncated))

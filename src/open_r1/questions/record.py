"""One record of a question, used everywhere: in training, evaluation, difficulty grading and distillation."""

from dataclasses import dataclass, field
from enum import StrEnum


class Kind(StrEnum):
    """How a question is answered, and so how an answer to it is graded."""

    CHOICE = "choice"
    """One of several lettered options; `answer` is the letter of the right one."""
    YES_NO_MAYBE = "yes-no-maybe"
    """PubMedQA: options are A yes, B no, C maybe, so that the answer is a letter here too."""
    NUMBER = "number"
    """A number or a date; `metadata` may hold `lower_limit` and `upper_limit` (MedCalc-Bench)."""
    TEXT = "text"
    """Free text or a formula, compared by math-verify and by normalised text."""


@dataclass(frozen=True, slots=True)
class Question:
    """A question with its one right answer.

    `stem` never repeats the options; `question_text` puts them into a prompt. `options` maps letters in order to texts
    and is empty for questions without options. `answer` is a letter where there are options, else the number, date or
    text as the dataset writes it. `difficulty` is a pass rate turned round: 0 is always solved, 1 is never solved.
    """

    id: str
    source: str
    split: str
    stem: str
    options: dict[str, str]
    answer: str
    kind: Kind = Kind.CHOICE
    context: str = ""
    images: tuple[str, ...] = ()
    difficulty: float | None = None
    metadata: dict = field(default_factory=dict)

    @property
    def answer_text(self) -> str:
        """The text of the right option, or the answer itself where there are no options."""
        return self.options[self.answer] if self.options else self.answer


def render_options(options: dict[str, str]) -> str:
    """Options inline in MedXpertQA's own form: "(A) text (B) text"."""
    return " ".join(f"({letter}) {text}" for letter, text in options.items())


def question_text(question: Question) -> str:
    """The user message that asks a question: context, stem, and the choices inline in MedXpertQA's own form."""
    text = f"{question.context}\n\n{question.stem}" if question.context else question.stem
    if question.options:
        text += "\nAnswer Choices: " + render_options(question.options)
    return text

"""Do training rows come again in an evaluation?"""

import re
import unicodedata
from dataclasses import dataclass

from open_r1.questions.record import Question


@dataclass(frozen=True)
class Overlap:
    """Pairs (training question, evaluation question) that are the same, by three readings of "same"."""

    ids: list[tuple[Question, Question]]
    """Same source and same id."""
    texts: list[tuple[Question, Question]]
    """Same images, stem and options after normalisation, in whatever order the options stand."""
    answers: list[tuple[Question, Question]]
    """Same images, stem and right answer, but other options: MedQA's 4- and 5-option files, or a harder rewrite."""

    def __bool__(self) -> bool:
        return bool(self.ids or self.texts or self.answers)


def overlap(train: list[Question], evaluation: list[Question]) -> Overlap:
    """Compares every training question with every evaluation question; linear but for repeated stems."""
    texts, answers = [], []
    for left, right in _pairs(train, evaluation, _stem):
        if _options(left) == _options(right):
            texts.append((left, right))
        elif normalised(left.answer_text) == normalised(right.answer_text):
            answers.append((left, right))
    return Overlap(ids=_pairs(train, evaluation, lambda q: (q.source, q.id)), texts=texts, answers=answers)


def normalised(text: str) -> str:
    """Text without what copies of a dataset differ in: case, compatibility forms, spacing and punctuation."""
    return re.sub(r"[\W_]+", " ", unicodedata.normalize("NFKC", text).casefold()).strip()


def _stem(question: Question) -> tuple:
    return question.images, normalised(question.context), normalised(question.stem)


def _options(question: Question) -> list[str]:
    texts = question.options.values() if question.options else [question.answer]
    return sorted(map(normalised, texts))


def _pairs(train, evaluation, key) -> list[tuple[Question, Question]]:
    known: dict = {}
    for question in train:
        known.setdefault(key(question), []).append(question)
    return [(left, right) for right in evaluation for left in known.get(key(right), [])]

"""Questions that come again in other words: n-grams in common, then likeness, with the options left aside."""

import difflib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from open_r1.questions.leakage import normalised
from open_r1.questions.record import Question

NGRAM = 8
"""Words. Short enough for a shortened vignette, long enough that stock phrases ("which of the following is the") are rare."""
SHORT = 3
"""Words in common with a question of the same right answer: one word changed in ten leaves no run of NGRAM."""


@dataclass(frozen=True)
class Similar:
    """A training question and the evaluation question that it is like; `shared` and `likeness` are from 0 to 1."""

    train: Question
    evaluation: Question
    shared: float
    """Share of the shorter question's n-grams that the other has too."""
    likeness: float
    """difflib's ratio over words."""


@dataclass(frozen=True)
class Text:
    """The words of a text, whose n-grams are made once: a text is compared with many."""

    words: list[str]

    @cached_property
    def grams(self) -> set[tuple]:
        return ngrams(self.words)


@dataclass(frozen=True)
class Words:
    """What is compared of a question."""

    stem: Text
    context: Text
    answer: str

    @cached_property
    def texts(self) -> list[Text]:
        """The stem, and the stem after its passage: a copy may have either."""
        return [self.stem, Text(self.context.words + self.stem.words)] if self.context.words else [self.stem]

    @property
    def keys(self) -> Iterator[tuple]:
        """What two questions must have one of in common to be compared."""
        for text in self.texts:
            yield from text.grams
        yield from ((self.answer, *gram) for gram in ngrams(self.stem.words, SHORT) if len(gram) == SHORT)


def similar(
    train: list[Question], evaluation: list[Question], shared: float = 0.5, likeness: float = 0.8
) -> list[Similar]:
    """Pairs over either threshold, at most one, the likest, for each training question.

    Only pairs that have NGRAM words in a row in common are compared, or SHORT words and the right answer; questions of fewer
    than NGRAM words match when they are equal. Where both have a passage (a patient's note, an abstract), the passages must
    be alike as well: one question asked about other patients is another question.
    """
    known = [_words(question) for question in evaluation]
    index: dict[tuple, set[int]] = defaultdict(set)
    for place, words in enumerate(known):
        for key in words.keys:
            index[key].add(place)
    found = []
    for question in train:
        mine = _words(question)
        best = None
        for place in set().union(*(index.get(key, ()) for key in mine.keys)):
            close = _closeness(mine, known[place], shared, likeness)
            if close and (best is None or close[::-1] > (best.likeness, best.shared)):
                best = Similar(question, evaluation[place], *close)
        if best:
            found.append(best)
    return found


def ngrams(words: list[str], length: int = NGRAM) -> set[tuple]:
    """Every run of `length` words; of a shorter text, the whole of it."""
    size = min(length, len(words))
    return {tuple(words[i : i + size]) for i in range(len(words) - size + 1)} if words else set()


def _words(question: Question) -> Words:
    stem, context = (Text(normalised(text).split()) for text in (question.stem, question.context))
    return Words(stem, context, normalised(question.answer_text))


def _closeness(mine: Words, theirs: Words, shared: float, likeness: float) -> tuple[float, float] | None:
    """(shared, likeness) of two questions that are alike, else None."""

    def alike(left: Text, right: Text, same_answer: bool = False) -> tuple[float, float] | None:
        smaller = min(len(left.grams), len(right.grams))
        share = len(left.grams & right.grams) / smaller if smaller else 0.0
        # Difflib takes its time, and without any of this two questions are of one kind at most ("drug of choice for ...").
        if share <= 0.1 and not same_answer:
            return None
        ratio = difflib.SequenceMatcher(None, left.words, right.words, autojunk=False).ratio()
        return (share, ratio) if share >= shared or ratio >= likeness else None

    same = mine.answer == theirs.answer
    if mine.context.words and theirs.context.words:
        stems = alike(mine.stem, theirs.stem, same)
        passages = stems and alike(mine.context, theirs.context)
        return passages and (min(stems[0], passages[0]), min(stems[1], passages[1]))
    pairs = [alike(left, right, same) for left in mine.texts for right in theirs.texts]
    return max(filter(None, pairs), key=lambda pair: pair[::-1], default=None)

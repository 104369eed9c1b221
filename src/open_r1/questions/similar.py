"""Questions that come again in other words: n-grams in common, then likeness, with the options left aside."""

import difflib
from collections import Counter, defaultdict
from dataclasses import dataclass

from open_r1.questions.leakage import normalised
from open_r1.questions.record import Question

NGRAM = 8
"""Words. Short enough for a shortened vignette, long enough that stock phrases ("which of the following is the") are rare."""


@dataclass(frozen=True)
class Similar:
    """A training question and the evaluation question that it is like; `shared` and `likeness` are from 0 to 1."""

    train: Question
    evaluation: Question
    shared: float
    """Share of the shorter question's n-grams that the other has too."""
    likeness: float
    """difflib's ratio over words."""


def similar(
    train: list[Question], evaluation: list[Question], shared: float = 0.5, likeness: float = 0.8
) -> list[Similar]:
    """Pairs over either threshold, at most one, the likest, for each training question.

    Only pairs that have an n-gram in common are compared; questions of fewer than NGRAM words match when they are equal.
    """
    words = [normalised(question.stem).split() for question in evaluation]
    index: dict[tuple, set[int]] = defaultdict(set)
    for place, text in enumerate(words):
        for gram in ngrams(text):
            index[gram].add(place)
    found = []
    for question in train:
        mine = normalised(question.stem).split()
        grams = ngrams(mine)
        common = Counter(place for gram in grams for place in index.get(gram, ()))
        best = None
        for place, count in common.items():
            share = count / min(len(grams), len(ngrams(words[place])))
            ratio = difflib.SequenceMatcher(None, mine, words[place], autojunk=False).ratio() if share > 0.1 else 0.0
            if (share >= shared or ratio >= likeness) and (
                best is None or (ratio, share) > (best.likeness, best.shared)
            ):
                best = Similar(question, evaluation[place], share, ratio)
        if best:
            found.append(best)
    return found


def ngrams(words: list[str]) -> set[tuple]:
    """Every run of NGRAM words; of a shorter text, the whole of it."""
    size = min(NGRAM, len(words))
    return {tuple(words[i : i + size]) for i in range(len(words) - size + 1)} if words else set()

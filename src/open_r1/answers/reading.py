"""What reading a text yields: its commitments to answers, with their place and weight, and weaker signs beside them."""

import re
from bisect import bisect_right
from dataclasses import dataclass, field
from typing import NamedTuple

from open_r1.answers.found import Found

WEAK, ANSWER, FINAL = 1, 2, 3
_MARKER_LINE = re.compile(r"\s*[-•]?\s*\(?([A-Z])[).:]\s")


class Commitment(NamedTuple):
    """One place that names an answer, or withdraws one (`withdraws`); `concluding` for weak ones that end a thought,
    `equated` for a letter whose own words stand between "is" and itself."""

    letters: frozenset[str]
    how: Found
    weight: int
    start: int
    end: int
    withdraws: bool = False
    also: bool = False
    concluding: bool = False
    equated: bool = False


@dataclass(slots=True)
class Reading:
    """A text with its commitments; weaker signs beside them: letters pointed at, called right, seeming right; the place
    where the text declines to answer last, or -1."""

    text: str
    commitments: list[Commitment] = field(default_factory=list)
    pointed: list[Commitment] = field(default_factory=list)
    verdicts: list[Commitment] = field(default_factory=list)
    seeming: set[str] = field(default_factory=set)
    last_decline: int = -1
    sentence_ends: list[int] = field(default_factory=list)

    def sentence_start(self, at: int) -> int:
        """Where the sentence around `at` begins."""
        i = bisect_right(self.sentence_ends, at)
        return self.sentence_ends[i - 1] if i else 0

    def sentence_end(self, at: int) -> int:
        """Where the sentence around `at` ends."""
        i = bisect_right(self.sentence_ends, at)
        return self.sentence_ends[i] if i < len(self.sentence_ends) else len(self.text)


def line_start(text: str, at: int) -> int:
    """Where the words of the line around `at` begin, after blanks and a bullet."""
    start = text.rfind("\n", 0, at) + 1
    while start < at and text[start] in " \t-":
        start += 1
    return start


def in_list(text: str, start: int) -> bool:
    """Whether the line at `start` stands in a list of lettered lines, as when the options are repeated."""
    line = text.rfind("\n", 0, start) + 1
    here = _MARKER_LINE.match(text, line)
    if not here:
        return False
    end = text.find("\n", start)
    following = _MARKER_LINE.match(text, end + 1) if end >= 0 else None
    before_line = text.rfind("\n", 0, max(0, line - 1)) + 1 if line else None
    before = _MARKER_LINE.match(text, before_line) if before_line is not None and before_line < line else None
    return bool((following and following[1] != here[1]) or (before and before[1] != here[1]))

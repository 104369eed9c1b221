"""The one judge of an answer: a completion and a question in, a grade out."""

from dataclasses import dataclass
from enum import StrEnum


class Found(StrEnum):
    """How an answer was found in a completion."""

    NOTHING = "nothing"
    """No answer that a careful reader would accept."""


@dataclass(frozen=True, slots=True)
class Grade:
    """What the judge says of one completion."""

    correct: bool
    extracted: str | None
    how: Found
    truncated: bool

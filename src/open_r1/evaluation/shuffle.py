"""Options in another order, with what refers to other options or to all of them left where it is."""

import random
import re
from dataclasses import replace

from open_r1.questions import Kind, Question

# "None of the above", "All of these", "Both A and B", "A, C and D", "1 and 2 only": they mean something by their place
# or by the places of others.
_LETTER = r"\(?[A-J1-9]\)?"
REFERS = re.compile(
    r"^\s*(?:(?:none|all|any|both|neither|either|some|two|three)\b.{0,12}\b(?:above|below|these|those|them|options?|choices|"
    r"following|foregoing)\b"
    rf"|(?:both|either|neither|only|options?|choices?)?\s*{_LETTER}(?:\s*(?:,|&|/|\+|\band\b|\bor\b|\bnor\b)\s*{_LETTER})+"
    r"(?:\s+(?:only|both|alone))?\s*\.?\s*$)",
    re.IGNORECASE,
)
NAMES_LETTERS = re.compile(
    r"\b(?:both|either|neither|options?|choices?)?\s*\(?[A-J]\)?\s*(?:and|or|&|,)\s*\(?[A-J]\)?(?:\W|$)"
)


def shuffled_options(question: Question, seed: int) -> Question:
    """The question with its options in an order that depends on `seed` and its id alone.

    "None of the above" and its kind keep their place. Where an option names other letters ("A and B"), nothing moves:
    they would name others. Questions of yes, no and maybe, and those without options, come back as they are.
    """
    if question.kind is not Kind.CHOICE or any(_names_letters(text) for text in question.options.values()):
        return question
    letters = list(question.options)
    movable = [letter for letter in letters if not REFERS.match(question.options[letter])]
    order = movable.copy()
    random.Random(f"{seed}:{question.source}:{question.id}").shuffle(order)
    origin = dict(zip(movable, order, strict=True))
    options = {letter: question.options[origin.get(letter, letter)] for letter in letters}
    answer = next(letter for letter in letters if origin.get(letter, letter) == question.answer)
    return replace(question, options=options, answer=answer)


def _names_letters(text: str) -> bool:
    return bool(REFERS.match(text)) and bool(NAMES_LETTERS.search(text))

"""A scorer that reads answers as HuatuoGPT-o1's does. For comparison with published numbers only, never for training.

Its rules (FreedomIntelligence/HuatuoGPT-o1, evaluation/scorer.py): after the last "## Final Response", take the letters
after "answer is", else letters that stand alone, else options whose text occurs, else the option whose text is most
alike. It always answers. Its published number is the better of two accuracies: by the first match and by the last.
"""

import difflib
import re
from typing import NamedTuple

FINAL = "## Final Response\n\n"
_CHINESE = "\u4e00-\u9fff"
_STATED = re.compile(r"answer is\s*?([A-N])")


class TwoReadings(NamedTuple):
    """The letters of the first and of the last match, and which rule found them: 1 letter, 2 text, 3 likeness."""

    first: str
    last: str
    rule: int


def read_two(completion: str, options: dict[str, str]) -> TwoReadings:
    """The two letters that HuatuoGPT-o1's scorer would read; there are always two, whatever the text."""
    text = completion.rpartition(FINAL)[2]
    letters = _STATED.findall(text) or _standalone(len(options)).findall(text)
    if letters:
        return TwoReadings(letters[0], letters[-1], 1)
    text = text.lower()
    texts = {letter: option.lower() for letter, option in options.items()}
    if named := [letter for letter in texts if texts[letter] in text]:
        # Both take the option that occurs furthest to the right; only the occurrence they look at differs.
        first = max(named, key=lambda letter: text.index(texts[letter]))
        return TwoReadings(first, max(named, key=lambda letter: text.rindex(texts[letter])), 2)
    likeness = {letter: difflib.SequenceMatcher(None, texts[letter], text).ratio() for letter in texts}
    # Of equals the last one wins there, so that an empty completion is always the last option.
    alike = max(reversed(likeness), key=likeness.get)
    return TwoReadings(alike, alike, 3)


def _standalone(count: int) -> re.Pattern:
    """A letter of the options with something before it that is no letter, and something after it that is none."""
    letters = "ABCDEFGHIJKLMN"[:count]
    # No "A" or "a" and a blank next: an article. The rule was meant for the letter and looks at what precedes it.
    return re.compile(rf"(?:[{_CHINESE}]|is |\W|^)(?![aA] )([{letters}])(?:\W|[{_CHINESE}]|$)")

"""The options of a question, made ready for finding them in a text by their words."""

from collections import defaultdict
from dataclasses import dataclass
from functools import lru_cache

import re

from open_r1.answers.normalise import Token, tidy, tokens

_PART = re.compile(r"(?<![A-Za-z0-9])[a-j]\)")
_ARTICLES = frozenset(("a", "an", "the"))
_IN_BRACKETS = re.compile(r"\([^()]*\)")
# Words that stand in any prose, so that their mere presence says nothing: such options count in a statement only.
_COMMON = frozenset("yes no maybe true false none all both neither unknown normal other".split())


@dataclass(frozen=True, slots=True)
class Spelling:
    """One way to write an option: its words folded, as written, and its letter."""

    folded: tuple[str, ...]
    written: tuple[str, ...]
    letter: str


@dataclass(frozen=True, slots=True)
class Options:
    """Letters and texts of a question's options; `spellings` are by first word, the longest first.

    `none_letter` and `all_letter` are the options "none of the above" and "all of the above"; `numbered` says that
    texts have parts of their own, "(a) 20, (b) 10", so that a small letter may be a part and not an option.
    """

    letters: dict[str, str]
    texts: dict[str, str]
    spellings: dict[str, tuple[Spelling, ...]]
    none_letter: str | None
    all_letter: str | None
    numbered: bool

    def match(self, words: list[Token], at: int) -> tuple[frozenset[str], int]:
        """The letters whose text stands at word `at`, and how many words it takes; the longest text wins.

        Several letters come back when texts are the same; texts that differ in case alone are told apart by case.
        """
        skipped = 0
        while at < len(words):
            for spelling in self.spellings.get(words[at].folded, ()):
                size = len(spelling.folded)
                if all(words[at + i].folded == spelling.folded[i] for i in range(size)) if at + size <= len(words) else False:
                    written = tuple(word.written for word in words[at : at + size])
                    same = [s for s in self.spellings[words[at].folded] if s.folded == spelling.folded]
                    exact = [s for s in same if s.written == written]
                    several = len({s.letter for s in same}) > 1
                    return frozenset(s.letter for s in (exact if several and exact else same)), skipped + size
            if words[at].folded not in _ARTICLES:
                break
            at, skipped = at + 1, skipped + 1
        return frozenset(), 0

    def telling(self, letter: str) -> bool:
        """Whether the option's text is particular enough to be recognised in running prose."""
        words = [w for w in re.findall(r"[^\W\d_]+", self.texts[letter].casefold()) if len(w) > 2]
        return bool(words) and not (len(words) == 1 and words[0] in _COMMON)


def _spellings(texts: dict[str, str]) -> dict[str, tuple[Spelling, ...]]:
    found: list[Spelling] = []
    aliases: dict[tuple[str, ...], list[Spelling]] = defaultdict(list)
    for letter, text in texts.items():
        for form, kept in ((text, found), (_IN_BRACKETS.sub(" ", text), None)):
            words = tokens(form)
            if len(words) > 1 and words[0].folded in _ARTICLES:
                words = words[1:]
            if not words:
                continue
            spelling = Spelling(tuple(w.folded for w in words), tuple(w.written for w in words), letter)
            if kept is not None:
                kept.append(spelling)
            elif form != text:
                aliases[spelling.folded].append(spelling)
    # "MDMA" means the option "MDMA (Ecstasy)" as long as no other option reads so.
    full = {spelling.folded for spelling in found}
    found += [same[0] for folded, same in aliases.items() if len(same) == 1 and folded not in full]
    by_first = defaultdict(list)
    for spelling in sorted(found, key=lambda s: -len(s.folded)):
        by_first[spelling.folded[0]].append(spelling)
    return {first: tuple(same) for first, same in by_first.items()}


_NONE_TEXT = re.compile(r"none(?: of (?:the |these |those )?(?:above|options|choices|answers|these|those|mentioned)?.*)?\W*$", re.I)
_ALL_TEXT = re.compile(r"all(?: of)? (?:the |these |those )?(?:above|options|choices|answers|these|those|mentioned).*$", re.I)


def _only(pattern: re.Pattern[str], texts: dict[str, str]) -> str | None:
    letters = [letter for letter, text in texts.items() if pattern.match(text.strip())]
    return letters[0] if len(letters) == 1 else None


@lru_cache(maxsize=4096)
def _read(items: tuple[tuple[str, str], ...]) -> Options:
    texts = {letter: tidy(text) for letter, text in items}
    letters = {letter.strip().upper(): letter for letter, _ in items}
    numbered = any(_PART.search(text) for text in texts.values())
    return Options(letters, texts, _spellings(texts), _only(_NONE_TEXT, texts), _only(_ALL_TEXT, texts), numbered)


def read_options(options: dict[str, str]) -> Options:
    """The options made ready; kept for the next call, because many completions answer one question."""
    return _read(tuple(options.items()))

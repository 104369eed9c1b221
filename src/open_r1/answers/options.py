"""The options of a question, made ready for finding them in a text by their words."""

import re
from collections import defaultdict
from dataclasses import dataclass
from functools import lru_cache

from open_r1.answers.normalise import Token, first_token, tidy, tokens

_PART = re.compile(r"(?<![A-Za-z0-9])[a-j]\)")
_ARTICLES = frozenset(("a", "an", "the"))
_IN_BRACKETS = re.compile(r"\([^()]*\)")
_ONLY = re.compile(r"^only\s+|[\s,]+only$", re.I)
_ABBREVIATED = re.compile(r"\(\s*([A-Z][A-Za-z0-9]*[A-Z][A-Za-z0-9]*)\s*\)")
_SMALL_WORDS = frozenset(("a", "an", "the", "of", "in", "to", "for", "by", "with", "and", "or"))
_MOST_INITIALS = 5
_CAPITALS = re.compile("[A-Z].*[A-Z]")
# Words that stand in any prose, so that their mere presence says nothing: such options count in a statement only.
_COMMON = frozenset(
    ["yes", "no", "maybe", "true", "false", "none", "all", "both", "neither", "unknown", "normal", "other"]
)


@dataclass(frozen=True, slots=True)
class Spelling:
    """One way to write an option: its words folded, as written, and its letter; abbreviations are read in capitals only."""

    folded: tuple[str, ...]
    written: tuple[str, ...]
    letter: str
    abbreviation: bool = False


@dataclass(frozen=True, slots=True)
class Options:
    """Letters and texts of a question's options; `spellings` are by first word, the longest first.

    `none_letter` and `all_letter` are the options "none of the above" and "all of the above"; `numbered` says that
    texts have parts of their own, "(a) 20, (b) 10", so that a small letter may be a part and not an option. `cased` says that
    texts differ in nothing but case, as genotypes do, so that case counts. `composed` are texts made of other options' letters,
    `bare_numbers` the letters of numbers that all have the same unit, by the number. No text takes more than `reach` characters where it is quoted.
    """

    letters: dict[str, str]
    texts: dict[str, str]
    spellings: dict[str, tuple[Spelling, ...]]
    none_letter: str | None
    all_letter: str | None
    numbered: bool
    reach: int
    cased: bool
    composed: tuple[tuple[re.Pattern[str], str], ...]
    bare_numbers: dict[str, str]

    def spelled_out(self, text: str) -> str:
        """The text with the letter of an option for its words where these are letters themselves: "Both A and B"."""
        for pattern, letter in self.composed:
            text = pattern.sub(f"({letter})", text)
        return text

    def may_start(self, text: str, at: int) -> bool:
        """Whether the first word from `at` on begins an option: a quick look before reading on."""
        word = first_token(text, at)
        if word and word.folded in _ARTICLES and word.folded not in self.spellings:
            word = first_token(text, word.end)
        return word is not None and word.folded in self.spellings

    def match(self, words: list[Token], at: int) -> tuple[frozenset[str], int]:
        """The letters whose text stands at word `at`, and how many words it takes; the longest text wins.

        Several letters come back when texts are the same.
        """
        for skipped in range(2):
            if at >= len(words):
                break
            for spelling in self.spellings.get(words[at].folded, ()):
                size = len(spelling.folded)
                if at + size <= len(words) and all(words[at + i].folded == spelling.folded[i] for i in range(size)):
                    written = tuple(word.written for word in words[at : at + size])
                    if spelling.abbreviation and not _CAPITALS.search(written[0]):
                        continue
                    same = [s for s in self.spellings[words[at].folded] if s.folded == spelling.folded]
                    exact = [s for s in same if s.written == written]
                    if self.cased and not exact:
                        continue
                    return frozenset(s.letter for s in (exact if self.cased else same)), skipped + size
            # "A. 1/2" is a letter with its text; an article has nothing between itself and its noun.
            if words[at].folded not in _ARTICLES or (
                words[at + 1 : at + 2] and words[at + 1].start > words[at].end + 1
            ):
                break
            at += 1
        return frozenset(), 0

    def telling(self, letter: str) -> bool:
        """Whether the option's text is particular enough to be recognised in running prose."""
        words = [w for w in re.findall(r"[^\W\d_]+", self.texts[letter].casefold()) if len(w) > 2]
        return bool(words) and not (len(words) == 1 and words[0] in _COMMON)

    def measured(self, letter: str) -> bool:
        """Whether the option's text is a number with its unit."""
        words = tokens(self.texts[letter])
        return len(words) == 2 and words[0].folded[0].isdigit()


def _abbreviation(text: str) -> str | None:
    """How an option is abbreviated: as its text says in brackets, or by the initials of its three or more words."""
    said = _ABBREVIATED.search(text)
    if said:
        return said[1]
    words = [word.folded for word in tokens(text) if word.folded not in _SMALL_WORDS]
    if not 3 <= len(words) <= _MOST_INITIALS or not all(len(word) > 1 and word.isalpha() for word in words):
        return None
    return "".join(word[0] for word in words)


def _spellings(texts: dict[str, str]) -> dict[str, tuple[Spelling, ...]]:
    found: list[Spelling] = []
    aliases: dict[tuple[str, ...], list[Spelling]] = defaultdict(list)
    for letter, text in texts.items():
        shorter = {_IN_BRACKETS.sub(" ", text), _ONLY.sub("", text)} - {text}
        for form in (text, *shorter):
            words = tokens(form)
            if len(words) > 1 and words[0].folded in _ARTICLES and words[1].start == words[0].end + 1:
                words = words[1:]
            # "I" is a pronoun where it does not stand beside another word.
            if not words or (form != text and len(words) == 1 and len(words[0].written) == 1):
                continue
            spelling = Spelling(tuple(w.folded for w in words), tuple(w.written for w in words), letter)
            if form == text:
                found.append(spelling)
            else:
                aliases[spelling.folded].append(spelling)
        short = _abbreviation(text)
        if short:
            aliases[(short.casefold(),)].append(Spelling((short.casefold(),), (short,), letter, abbreviation=True))
    # "MDMA" means the option "MDMA (Ecstasy)" as long as no other option reads so; "RAS" is no abbreviation of one
    # option where another has it as a word.
    full = {spelling.folded for spelling in found}
    words = {(word, spelling.letter) for spelling in found for word in spelling.folded}
    for folded, same in aliases.items():
        elsewhere = same[0].abbreviation and any(
            (folded[0], letter) in words for letter in texts.keys() - {same[0].letter}
        )
        if len(same) == 1 and folded not in full and not elsewhere:
            found.append(same[0])
    by_first = defaultdict(list)
    for spelling in sorted(found, key=lambda s: -len(s.folded)):
        by_first[spelling.folded[0]].append(spelling)
    return {first: tuple(same) for first, same in by_first.items()}


_NONE_TEXT = re.compile(
    r"none(?: of (?:the |these |those )?(?:above|options|choices|answers|these|those|mentioned)?.*)?\W*$", re.I
)
_ALL_TEXT = re.compile(
    r"all(?: of)? (?:the |these |those )?(?:above|options|choices|answers|these|those|mentioned).*$", re.I
)


def _composed(texts: dict[str, str], letters: dict[str, str]) -> tuple[tuple[re.Pattern[str], str], ...]:
    found = []
    for letter, text in texts.items():
        words = [word.written for word in tokens(text.replace("&", " and "))]
        named = [word for word in words if word in letters]
        if len(named) > 1 and {"and", "or", "nor"} & {word.lower() for word in words}:
            signs = {"and": "and|&"}
            form = r"\W{1,3}".join(
                f"(?i:{signs.get(w.lower(), re.escape(w))})" if w not in letters else re.escape(w) for w in words
            )
            found.append((re.compile(rf"(?<![A-Z],\s)(?<!\w)\(?{form}(?!\w)\)?"), letter))
    return tuple(found)


def _bare_numbers(texts: dict[str, str]) -> dict[str, str]:
    """Numbers to letters where every option is a number with the same unit, so that the number alone says which."""
    read = {letter: [word.folded for word in tokens(text)] for letter, text in texts.items()}
    units = {tuple(words[1:]) for words in read.values()}
    numbers = {words[0]: letter for letter, words in read.items() if len(words) > 1 and words[0][0].isdigit()}
    return numbers if len(units) == 1 and len(numbers) == len(texts) else {}


def _only(pattern: re.Pattern[str], texts: dict[str, str]) -> str | None:
    letters = [letter for letter, text in texts.items() if pattern.match(text.strip())]
    return letters[0] if len(letters) == 1 else None


@lru_cache(maxsize=4096)
def _read(items: tuple[tuple[str, str], ...]) -> Options:
    texts = {letter: tidy(text) for letter, text in items}
    letters = {letter.strip().upper(): letter for letter, _ in items}
    reach = 60 + 3 * max(map(len, texts.values()), default=0) // 2
    numbered = any(_PART.search(text) for text in texts.values())
    spellings = _spellings(texts)
    written = defaultdict(set)
    for same in spellings.values():
        for spelling in same:
            written[spelling.folded].add(spelling.written)
    cased = any(len(forms) > 1 for forms in written.values())
    return Options(
        letters,
        texts,
        spellings,
        _only(_NONE_TEXT, texts),
        _only(_ALL_TEXT, texts),
        numbered,
        reach,
        cased,
        _composed(texts, letters),
        _bare_numbers(texts),
    )


def read_options(options: dict[str, str]) -> Options:
    """The options made ready; kept for the next call, because many completions answer one question."""
    return _read(tuple(options.items()))

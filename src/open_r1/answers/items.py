"""Read what stands at one place of a text as an answer: a letter, an option's text, both, or several of them."""

import re
from typing import NamedTuple

from open_r1.answers.found import Found
from open_r1.answers.normalise import Token, tokens
from open_r1.answers.options import Options

_BRACKETED = re.compile(r"[(\[{]\s*[\"']?(?:option |choice )?([A-Za-z])[\"']?\s*[)\]}]", re.I)
_IN_BRACKETS = re.compile(
    r"\(\s*([A-Z](?:\s*(?:,|/|&|\band\b|\bor\b)\s*(?:\b(?:and|or)\b\s*)?[A-Z])+|[A-Z]{2,5})\s*\)"
)
_BARE = re.compile(r"([A-Za-z])(?![A-Za-z0-9_]|'[A-Za-z]|-[A-Za-z]|\+)")
# What may follow a bare capital letter that is an answer. A full stop before a small letter is an abbreviated genus
# ("C. difficile"), before anything else it ends the answer.
_CLOSED = re.compile(
    r"[ \t]*(?:$|\n|[\u3040-\u30ff\u4e00-\u9fff]|[):,;!?\"'\]/&}=|]|-(?=\s)|\s-|\()|[ \t]*\.(?!\s*[a-z](?!\)))"
)
_GOES_ON = re.compile(
    r"[ .]*\s(?:because|since|as|and|or|which|due|based|given|but|is|are|was|in|for|according|not|with"
    r"|would|all|both|can|cannot|could|may|might|should|does|do|this|the|it|he|she|they|there|that|these|while|where|so|also|from|after|by|has|shows?|if|when|unless|over|rather|instead|here)(?![A-Za-z])"
)
_GOES_ON_A = re.compile(
    r"[ .]*\s(?:because|since|as|and|or|which|due|based|given|but|is|in|for|according|not|with|rather|over|instead|here|if)(?![A-Za-z])"
)
_CLOSED_SMALL = re.compile(r"[ \t]*(?:$|\n|[):;\]\"'}]|[.,](?:\s|$))")
_AFTER_BRACKET = re.compile(r"(?:[\s:\"']|-(?!\.?\d))*(?:is |= )?")
_AFTER_BARE = re.compile(r"[ \t]*(?:[).:\],]|-(?!\.?\d))?(?:[\s\"':(]|-(?!\.?\d))*(?:is |= )?")
_TEXT_BEGINS = re.compile(r"\.?\s+[A-Z0-9]")
_PART_TEXT = re.compile(r"\)\s*\S")
_WORD_FOLLOWS = re.compile(r"\s*\w")
_COMMENT = re.compile(r"\s*\([^()\n]{1,200}\)")
_TEXT_END = re.compile(
    r"\s*(?:$|[.,;:!?)\]}\"'\n(\[]|-\s)|\s+(?:because|since|as|which|due|given|based|but|in this|in the|for this|for the|rather"
    r"|instead|and (?:it|this|the|is|that|not)|so|option|choice|is (?:the|correct)|would|while|making|although|even)(?![A-Za-z])"
)
_HARD_END = re.compile(r"\s*(?:$|[.;)\]\n\"]|,?\s*(?:because|since|as|which|due)\b)")
_JOINED = re.compile(
    r"\s*(?:,?\s*(?:and/or|and|or|as well as|plus|&)\s+(?:also\s+|possibly\s+|maybe\s+|perhaps\s+)?|,\s*|/\s*|;\s*|&\s*|\+\s*)"
)
_LONGEST_LIST = 12
_OPTION_WORD = re.compile(r"(?:the\s+)?(?:options?|choices?|answers?|letters?|statements?)\s+", re.I)
_LIST_END = re.compile(r"\s*(?:$|[.,;:!)\]\n/&(]|(?:and|or|are|all|both|together|but|as|because|since)\b)")
_GOES_ON_ALONE = re.compile(r"\s*(?:is|was|would|can|could|should|may|might|has|does|describes?|cannot)\b")
_LETTER_AFTER_TEXT = re.compile(
    r"[\s,;:.-]*[(\[\"']?\s*(?:which is |i\.e\.,? |that is,? )?(?:the )?(?:option|choice|letter|answer)?\s*[(\[\"']?\s*([A-Za-z])\s*[)\]\"']?(?![A-Za-z0-9'-])"
)
_ECHO = re.compile(r"[\s,;|]*[(\[]?([A-Z])[).:\]]\s*\S")


class Item(NamedTuple):
    """One answer as it stands in a text; `letters` holds "?" and the letter for one that no option has."""

    letters: frozenset[str]
    how: Found
    start: int
    end: int
    marked: bool


def _letter_at(text: str, at: int, options: Options) -> tuple[str, int, bool] | None:
    """A letter in answer position: the letter (with "?" when no option has it), its end, whether brackets mark it."""
    found = _BRACKETED.match(text, at)
    if found:
        letter = found[1].upper()
        if options.numbered and found[1].islower() and _WORD_FOLLOWS.match(text, found.end()):
            return None
        if letter in options.letters:
            return options.letters[letter], found.end(), True
        return ("?" + letter, found.end(), True) if found[1].isupper() else None
    found = _BARE.match(text, at)
    if not found:
        return None
    letter, end = found[1], found.end()
    known = options.letters.get(letter.upper())
    if letter.islower():
        if options.numbered and _PART_TEXT.match(text, end):
            return None
        follows = _CLOSED_SMALL.match(text, end) or (letter not in "ai" and _GOES_ON.match(text, end))
    else:
        follows = _CLOSED.match(text, end) or (_GOES_ON_A if letter in "AI" else _GOES_ON).match(text, end)
        if not follows and known and letter not in "AI":
            # "The answer is B Cushing syndrome": a capital or a digit begins the option's text.
            follows = _TEXT_BEGINS.match(text, end)
        if not follows and known:
            letters, _ = options.match(tokens(text, end, end + options.reach), 0)
            follows = known in letters
    if not follows:
        return None
    if known is None:
        return (
            ("?" + letter, end, False)
            if letter.isupper() and letter not in "AI" and _CLOSED.match(text, end)
            else None
        )
    return known, end, False


def text_at(text: str, at: int, options: Options) -> tuple[frozenset[str], int, list[Token]] | None:
    """The option whose text stands at `at` as a whole phrase: its letters, where it ends, and the words read."""
    if not options.spellings or not options.may_start(text, at):
        return None
    words = tokens(text, at, at + options.reach)
    letters, size = options.match(words, 0)
    if letters:
        return letters, words[size - 1].end, words
    number = options.bare_numbers.get(words[0].folded) if words else None
    if number and _HARD_END.match(text, words[0].end):
        return frozenset((number,)), words[0].end, words
    return None


def _letter_item(text: str, at: int, options: Options) -> Item | None:
    several = _IN_BRACKETS.match(text, at)
    if several:
        letters = re.findall(r"[A-Z]", re.sub(r"and|or", "", several[1]))
        known = [options.letters[x] for x in letters if x in options.letters]
        if len(known) == len(letters) or re.search(r"\W", several[1]):
            return Item(frozenset(known), Found.SEVERAL, at, several.end(), True)
    found = _letter_at(text, at, options)
    if not found:
        return None
    letter, end, marked = found
    if letter.startswith("?"):
        return Item(frozenset((letter,)), Found.NOTHING, at, end, marked)
    after = (_AFTER_BRACKET if marked else _AFTER_BARE).match(text, end).end()
    beside = text_at(text, after, options)
    how = Found.LETTER
    if beside:
        if letter in beside[0]:
            how, end = Found.LETTER_AND_TEXT, beside[1]
        elif _HARD_END.match(text, beside[1]):
            return Item(frozenset((letter,)) | beside[0], Found.CONTRADICTION, at, beside[1], marked)
    return Item(frozenset((letter,)), how, at, end, marked)


def _with_others(text: str, item: Item, options: Options) -> Item:
    """The item and those joined to it by commas, "and" or "or"."""
    letters, end = set(item.letters), item.end
    for _ in range(_LONGEST_LIST):
        comment = _COMMENT.match(text, end)
        joined = _JOINED.match(text, comment.end() if comment else end)
        if not joined:
            break
        at = joined.end()
        word = _OPTION_WORD.match(text, at)
        at = word.end() if word else at
        other = _letter_at(text, at, options)
        if other and not other[0].startswith("?") and (other[2] or text[at].isupper()):
            beside = text_at(text, _AFTER_BRACKET.match(text, other[1]).end(), options)
            stop = beside[1] if beside and other[0] in beside[0] else other[1]
            if _LIST_END.match(text, stop) or (other[2] and not _GOES_ON_ALONE.match(text, stop)):
                letters.add(other[0])
                end = stop
                continue
        if text[joined.start() : at].strip(" ,"):
            beside = text_at(text, at, options)
            if beside and _TEXT_END.match(text, beside[1]) and len(beside[0]) == 1:
                letters |= beside[0]
                end = beside[1]
                continue
        break
    if len(letters) > 1 and item.how is not Found.CONTRADICTION:
        return item._replace(letters=frozenset(letters), how=Found.SEVERAL, end=end)
    return item


def read_item(text: str, at: int, options: Options, *, letters_only: bool = False) -> Item | None:
    """The answer that stands at `at`: a letter, a text or both, with others joined to it; None when none does."""
    by_text = None if letters_only else text_at(text, at, options)
    by_letter = _letter_item(text, at, options)
    if by_letter and by_text:
        # "C. difficile colitis" is option B's text, not the letter C; but a text of one letter loses to the letter.
        longer = by_text[1] > by_letter.end and by_letter.how is not Found.LETTER_AND_TEXT
        by_letter = None if longer and by_letter.how is not Found.CONTRADICTION else by_letter
    if by_letter:
        echo = _ECHO.match(text, by_letter.end) if by_letter.how is Found.LETTER_AND_TEXT else None
        if echo and echo[1] in options.letters and options.letters[echo[1]] not in by_letter.letters:
            return None
        return _with_others(text, by_letter, options)
    if not by_text or not _TEXT_END.match(text, by_text[1]):
        return None
    letters, end, _ = by_text
    after = _LETTER_AFTER_TEXT.match(text, end)
    if (
        after
        and (after[1].isupper() or text[after.start(1) - 1] == "(")
        and (re.search(r"[(\[]|\b(?:option|choice|letter|answer)\b", after[0]) or _LIST_END.match(text, after.end()))
    ):
        letter = options.letters.get(after[1].upper())
        plain = after[1] in "AI" and not re.search(r"[(\[\"',]", after[0])
        if letter and not plain:
            if letter not in letters:
                return Item(letters | {letter}, Found.CONTRADICTION, at, after.end(), True)
            return Item(frozenset((letter,)), Found.LETTER_AND_TEXT, at, after.end(), True)
    item = Item(letters, Found.TEXT if len(letters) == 1 else Found.SEVERAL, at, end, True)
    return _with_others(text, item, options)

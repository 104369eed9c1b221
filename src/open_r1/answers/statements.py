"""Read every commitment in a text: who is named, with what weight, and what is withdrawn."""

import re

from open_r1.answers import phrases as say
from open_r1.answers.found import Found
from open_r1.answers.items import Item, read_item
from open_r1.answers.options import Options
from open_r1.answers.passing import letters_in_passing
from open_r1.answers.reading import ANSWER, FINAL, WEAK, Commitment, Reading, line_start

_REACH = 170

# A full stop after a single capital is an initial ("E. coli"), not the end of a sentence.
_SENTENCE_END = re.compile(r"(?<![\s(][A-Z])[.!?][\"')\]]*\s+|[。！？]\s*|\n\s*")
_DIRECT = re.compile(r"\s*(?:choice|option|letter)?\s*(?=[(\[]\s*[A-Za-z]\s*[)\]])", re.I)
_LINE_DIRECT = re.compile(r"[ \t]*(?:choice|option|letter)?[ \t]*[-.]?[ \t]*(?=[A-Za-z](?:[).]|[ \t]*(?:\n|$)))")
_BLANK = re.compile(r"[\s\"'*]*")
_BUT = re.compile(r"[^.\n;]{0,60}?\b(?:but|rather|instead)\b\s*(?:rather\s+)?(?:is\s+|it's\s+|it is\s+)?", re.I)


def read_statements(text: str, options: Options, *, last_only: bool = False) -> Reading:
    """All commitments of tidy text: statements of the answer, choices made, options called right or wrong.

    In the tail of a long text only what is said in passing after its last statement matters (`last_only`).
    """
    reading = Reading(text, sentence_ends=[m.end() for m in _SENTENCE_END.finditer(text)])
    small = say.lower(text)
    for noun in say.ANSWER_NOUN.finditer(small):
        if say.starts_word(small, noun.start()):
            _answer_statement(reading, noun, options)
    for label in say.LABEL.finditer(text) if ":" in text else ():
        _commit(reading, _item_after(text, label.end(), options), FINAL if label["final"] else ANSWER, label.end())
    for verb in say.CHOOSING.finditer(small):
        if say.starts_word(small, verb.start()) and not re.search(
            r"(?:not|n't|never|cannot|which|(?<!had\s)to)\s+$", text[max(0, verb.start() - 12) : verb.start()]
        ):
            item = _item_after(text, verb.end(), options)
            if item:
                _commit(reading, item, ANSWER, verb.start())
    stated = [c.end for c in reading.commitments if c.weight > WEAK and not c.withdraws]
    letters_in_passing(reading, options, max(stated) if last_only and stated else 0)
    if all(c.withdraws or c.weight == WEAK for c in reading.commitments):
        _declines(reading, small, options)
    return reading


def _item_after(text: str, at: int, options: Options) -> Item | None:
    """The item after a copula or a colon: an option may itself begin with a filler word, so it is tried first."""
    start = _BLANK.match(text, at).end()
    item = read_item(text, start, options)
    if item:
        return item
    filled = say.FILLER.match(text, at).end()
    return read_item(text, filled, options) if filled > start else None


def _commit(reading: Reading, item: Item | None, weight: int, start: int) -> None:
    """Keep an item as a commitment, or as a withdrawal when the sentence goes on to take it back."""
    if item is None:
        return
    text = reading.text
    back = say.TAKEN_BACK.match(text, item.end)
    if back or say.HEDGED.match(text, item.end):
        also = bool(back and back["also"])
        reading.commitments.append(Commitment(item.letters, item.how, weight, start, item.end, True, also))
        return
    shared = say.SHARED_OUT.match(text, item.end) if item.how.answered else None
    if shared and {shared[1]} != item.letters:
        item = item._replace(letters=item.letters | {shared[1]}, how=Found.SEVERAL)
    if item.how.answered and say.UNDER_CONDITION.match(text, item.end):
        weight = WEAK
    reading.commitments.append(Commitment(item.letters, item.how, weight, start, item.end))


def _answer_statement(reading: Reading, noun: re.Match[str], options: Options) -> None:
    text, at = reading.text, noun.end()
    if say.WRONG_BEFORE.search(text, max(0, noun.start() - 30), noun.start()):
        return
    final = noun[0].startswith("final") or say.FINAL_BEFORE.search(text, max(0, noun.start() - 24), noun.start())
    weight = FINAL if final else ANSWER
    sentence = reading.sentence_start(noun.start())
    if say.CONDITIONAL.search(text[max(sentence, noun.start() - 120) : noun.start()]):
        weight = WEAK
    direct = _DIRECT.match(text, at)
    if not direct and noun.start() == line_start(text, noun.start()):
        direct = _LINE_DIRECT.match(text, at)
    if direct:
        _commit(reading, read_item(text, direct.end(), options, letters_only=True), weight, noun.start())
        return
    limit = min(len(text), at + _REACH)
    for copula in say.COPULA.finditer(text, at, limit):
        gap = text[at : copula.start()]
        if "\n" in gap.strip(" \t") or re.search(r"[.?!]\s", gap) or say.NOT_A_STATEMENT.search(gap):
            return
        negated = say.NEGATED_COPULA.match(text, copula.end())
        if negated or gap.rstrip().endswith(("not", "n't", "cannot")):
            _negated_statement(reading, negated.end() if negated else copula.end(), weight, noun.start(), options)
            return
        item = _item_after(text, copula.end(), options)
        if item:
            if say.ALSO.search(text[copula.end() : item.start]) or say.ALSO.search(gap):
                _join_last(reading, item)
            _commit(reading, item, weight, noun.start())
            return
        rest = say.lower(text[copula.end() : copula.end() + 60])
        declines = say.DECLINES.search(rest)
        if declines and "\n" not in rest[: declines.start()].strip():
            letter = _none_or_all(declines[0], options)
            how = Found.TEXT if letter else Found.DECLINED
            letters = frozenset((letter,)) if letter else frozenset()
            reading.commitments.append(Commitment(letters, how, weight, noun.start(), copula.end() + declines.end()))
            return


def _negated_statement(reading: Reading, at: int, weight: int, start: int, options: Options) -> None:
    """ "The answer is not B but C": B is withdrawn, C is named."""
    item = _item_after(reading.text, at, options)
    end = at
    if item:
        reading.commitments.append(Commitment(item.letters, item.how, weight, start, item.end, True))
        end = item.end
    but = _BUT.match(reading.text, end)
    if but:
        _commit(reading, _item_after(reading.text, but.end(), options), weight, but.start())


def _join_last(reading: Reading, item: Item) -> None:
    """ "The answer is also D" adds to what was named before instead of replacing it."""
    if reading.commitments and not reading.commitments[-1].withdraws:
        last = reading.commitments[-1]
        reading.commitments[-1] = last._replace(letters=last.letters | item.letters, how=Found.SEVERAL)


def _none_or_all(phrase: str, options: Options) -> str | None:
    if options.none_letter and say.NONE_RIGHT.search(phrase):
        return options.none_letter
    if options.all_letter and say.ALL_RIGHT.search(phrase):
        return options.all_letter
    return None


def _declines(reading: Reading, small: str, options: Options) -> None:
    """Note where the text says last that it cannot tell, or that none is right, which an option may say too."""
    found = [m for m in say.DECLINES.finditer(small) if say.starts_word(small, m.start())]
    if not found:
        return
    last = found[-1]
    reading.last_decline = last.start()
    if all(c.withdraws for c in reading.commitments):
        letter = _none_or_all(last[0], options)
        if letter:
            reading.commitments.append(Commitment(frozenset((letter,)), Found.TEXT, ANSWER, last.start(), last.end()))

"""Read every commitment in a text: who is named, with what weight, and what is withdrawn."""

import re
from bisect import bisect_right
from dataclasses import dataclass, field
from typing import NamedTuple

from open_r1.answers import phrases as say
from open_r1.answers.found import Found
from open_r1.answers.items import Item, read_item
from open_r1.answers.options import Options

WEAK, ANSWER, FINAL = 1, 2, 3
_REACH = 170

# A full stop after a single capital is an initial ("E. coli"), not the end of a sentence.
_SENTENCE_END = re.compile(r"(?<![\s(][A-Z])[.!?][\"')\]]*(?=\s)|[。！？]|\n+")
_MENTION = re.compile(
    r"(?<![A-Za-z0-9'/^_+-])(?:\(\s*([A-Za-z])\s*\)|\[\s*([A-Z])\s*\]|([A-Z])(?![A-Za-z0-9_+^]|'[A-Za-z]|-[A-Za-z0-9]))"
)
_DIRECT = re.compile(r"\s*(?:choice|option|letter)?\s*(?=[(\[]\s*[A-Za-z]\s*[)\]])", re.I)
_LINE_DIRECT = re.compile(r"[ \t]*(?:choice|option|letter)?[ \t]*[-.]?[ \t]*(?=[A-Za-z](?:[).]|[ \t]*(?:\n|$)))")
_JOINED = re.compile(r"\s*(?:,\s*(?:and|or)?|and|or|/|&|as well as)\s*(?:options?\s+|choices?\s+)?", re.I)
_BLANK = re.compile(r"[\s\"'*]*")
_BUT = re.compile(r"[^.\n;]{0,60}?\b(?:but|rather|instead)\b\s*(?:rather\s+)?(?:is\s+|it's\s+|it is\s+)?", re.I)
_MARKER_LINE = re.compile(r"\s*[-•]?\s*\(?([A-Z])[).:]\s")


class Commitment(NamedTuple):
    """One place that names an answer, or withdraws one (`withdraws`); `concluding` for weak ones that end a thought."""

    letters: frozenset[str]
    how: Found
    weight: int
    start: int
    end: int
    withdraws: bool = False
    also: bool = False
    concluding: bool = False


@dataclass(slots=True)
class Reading:
    """A text with its commitments, its letters pointed at in passing, and whether it declines to answer."""

    text: str
    commitments: list[Commitment] = field(default_factory=list)
    pointed: list[Commitment] = field(default_factory=list)
    verdicts: list[Commitment] = field(default_factory=list)
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


def read_statements(text: str, options: Options) -> Reading:
    """All commitments of tidy text: statements of the answer, choices made, options called right or wrong."""
    reading = Reading(text, sentence_ends=[m.end() for m in _SENTENCE_END.finditer(text)])
    for noun in say.ANSWER_NOUN.finditer(text):
        _answer_statement(reading, noun, options)
    for label in say.LABEL.finditer(text):
        _commit(reading, _item_after(text, label.end(), options), FINAL if label["final"] else ANSWER, label.start())
    for verb in say.CHOOSING.finditer(text):
        if not re.search(r"(?:not|n't|never|cannot|which|to)\s+$", text[max(0, verb.start() - 12) : verb.start()]):
            item = _item_after(text, verb.end(), options)
            if item:
                _commit(reading, item, ANSWER, verb.start())
    _letters_in_passing(reading, options)
    _declines(reading, options)
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
    if item.how.answered and say.UNDER_CONDITION.match(text, item.end):
        weight = WEAK
    reading.commitments.append(Commitment(item.letters, item.how, weight, start, item.end))


def _answer_statement(reading: Reading, noun: re.Match[str], options: Options) -> None:
    text, at = reading.text, noun.end()
    if say.WRONG_BEFORE.search(text, max(0, noun.start() - 30), noun.start()):
        return
    weight = FINAL if noun["final"] else ANSWER
    sentence = reading.sentence_start(noun.start())
    if say.CONDITIONAL.search(text[max(sentence, noun.start() - 120) : noun.start()]):
        weight = WEAK
    direct = _DIRECT.match(text, at)
    if not direct and noun.start() == _line_start(text, noun.start()):
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
        declines = say.DECLINES.search(text, copula.end(), min(len(text), copula.end() + 60))
        if declines and "\n" not in text[copula.end() : declines.start()].strip():
            letter = _none_or_all(declines[0], options)
            how = Found.TEXT if letter else Found.DECLINED
            letters = frozenset((letter,)) if letter else frozenset()
            reading.commitments.append(Commitment(letters, how, weight, noun.start(), declines.end()))
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


def _declines(reading: Reading, options: Options) -> None:
    """Note where the text says last that it cannot tell, or that none is right, which an option may say too."""
    last = None
    for last in say.DECLINES.finditer(reading.text):  # noqa: B007 - the last one is the conclusion
        pass
    if last is None:
        return
    reading.last_decline = last.start()
    if all(c.withdraws for c in reading.commitments):
        letter = _none_or_all(last[0], options)
        if letter:
            reading.commitments.append(Commitment(frozenset((letter,)), Found.TEXT, ANSWER, last.start(), last.end()))


def _line_start(text: str, at: int) -> int:
    start = text.rfind("\n", 0, at) + 1
    while start < at and text[start] in " \t-":
        start += 1
    return start


def _listed(text: str, start: int) -> bool:
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


def _letters_in_passing(reading: Reading, options: Options) -> None:
    """Letters outside of statements: called the answer, called right or wrong, or pointed at in a conclusion."""
    text = reading.text
    taken = [(c.start, c.end) for c in reading.commitments]
    mentions = list(_MENTION.finditer(text))
    group: frozenset[str] = frozenset()
    for i, mention in enumerate(mentions):
        start, end = mention.span()
        if any(a <= start < b for a, b in taken):
            continue
        letter = options.letters.get((mention[1] or mention[2] or mention[3]).upper())
        if letter is None:
            continue
        word = say.OPTION_WORD.search(text, max(0, start - 12), start)
        marked = bool(word) or not mention[3]
        if not marked and not say.BEFORE_BARE.search(text, max(0, start - 20), start):
            continue
        if mention[1] and mention[1].islower() and not word:
            continue
        until = min(mentions[i + 1].start() if i + 1 < len(mentions) else len(text), end + 130)
        before = text[max(0, start - 60) : start]
        letters = frozenset((letter,))
        joined = i and _JOINED.fullmatch(text, mentions[i - 1].end(), start) and group
        group = letters = letters | joined if joined else letters
        if say.NEGATED.search(before) or say.NOT_RIGHT.match(text, end, until):
            reading.verdicts.append(Commitment(letters, Found.LETTER, WEAK, start, end, True))
            reading.commitments.append(Commitment(letters, Found.LETTER, WEAK, start, end, True))
            continue
        if _listed(text, start):
            continue
        item = read_item(text, start, options) or Item(letters, Found.LETTER, start, end, marked)
        if joined:
            item = item._replace(letters=item.letters | letters, how=Found.SEVERAL)
        answer = say.IS_THE_ANSWER.match(text, end, until)
        if answer and item.end <= answer.end() + 1:
            if re.search(r"\bnot\b|n't\b", answer[0]):
                reading.verdicts.append(Commitment(letters, Found.LETTER, WEAK, start, end, True))
            elif not re.search(r"\b(?:incorrect|wrong|only other|another|possible|plausible)\b", answer[0]):
                weight = WEAK if say.SEEMS.search(answer[0]) else ANSWER
                reading.commitments.append(Commitment(item.letters, item.how, weight, start, max(item.end, answer.end())))
            continue
        right = say.IS_RIGHT.match(text, end, until)
        if right and not re.search(r"\bnot\b|n't\b", right[0]):
            right_one = Commitment(item.letters, item.how, WEAK, start, item.end, concluding=not say.SEEMS.search(right[0]))
            reading.verdicts.append(right_one)
            reading.commitments.append(right_one)
        points = say.POINTS_TO.search(before) or say.LEADS.search(before)
        if points and (marked or _bare_points(reading, mention)):
            back = say.TAKEN_BACK.match(text, item.end) or say.HEDGED.match(text, item.end)
            sure = (say.EQUATES.search(before) or say.LEADS.search(before)) is not None and not say.ALSO.search(before)
            weak = Commitment(item.letters, item.how, WEAK, start, item.end, bool(back), False, sure)
            reading.pointed.append(weak)
            reading.commitments.append(weak)
        elif marked and (word or mention[1]):
            reading.pointed.append(Commitment(letters, Found.LETTER, 0, start, end))


def _bare_points(reading: Reading, mention: re.Match[str]) -> bool:
    """Whether a capital without brackets after "is" is an option: a lettered line, or the end of a judging sentence."""
    text, end = reading.text, mention.end()
    if say.LEADS.search(text, max(0, mention.start() - 14), mention.start()):
        return re.compile(r"\s*(?:[.!]\s*(?:$|\n|\s[A-Z])|$|\n)").match(text, end) is not None
    if mention.start() == _line_start(text, mention.start()) and text[end : end + 1] in (".", ")", ":", "\n", ""):
        return True
    closed = re.match(r"\s*(?:[.,;!)]?\s*$|[;,]\s|\.\s+(?![a-z])|\.\s*\n|\n)", text[end : end + 4])
    sentence = text[reading.sentence_start(mention.start()) : mention.start()]
    judging = re.search(
        r"\b(?:most|best|correct|closest|likely|appropriate|answer|option|choice|right|it's|it is|must be|diagnosis"
        r"|treatment|cause|step|test|drug|organism|finding|mechanism|management|therapy|explanation|leaves|remains|left|not|no)\b",
        sentence,
        re.I,
    )
    return bool(closed and judging)

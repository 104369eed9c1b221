"""Read letters outside of statements: called the answer, called right or wrong, or pointed at in a conclusion."""

import re

from open_r1.answers import phrases as say
from open_r1.answers.found import Found
from open_r1.answers.items import Item, read_item
from open_r1.answers.normalise import tokens
from open_r1.answers.options import Options
from open_r1.answers.reading import ANSWER, WEAK, Commitment, Reading, in_list, line_start

_MENTION = re.compile(
    r"(?<![A-Za-z0-9'/^_+-])(?:\(\s*([A-Za-z])\s*\)|\[\s*([A-Z])\s*\]|([A-Z])(?![A-Za-z0-9_+^]|'[A-Za-z]|-[A-Za-z0-9]))"
)
_JOINED = re.compile(r"\s*(?:,\s*(?:and|or)?|and|or|/|&|as well as)\s*(?:options?\s+|choices?\s+)?", re.I)
# "Projection (B) would mean …" speaks of what is not so.
_WOULD = re.compile(
    r"\s+would(?!\s+(?:also )?be (?:the|preferred|best|better|most|more|an? (?:good|better|appropriate)))\b"
)
# "… (option B), which could also play a role" equates nothing.
_HEDGES = re.compile(r"[)\]\"']*,?\s*(?:(?:which|that|this|it)\s+)?(?:also\s+)?(?:could|may|might)\b")
_NO_NOUN = frozenset(("is", "are", "was", "were", "be", "or", "and", "nor", "either", "both", "but"))
# "… due to drift (D) or natural selection (J)".
_JOINED_WORDS = re.compile(
    r"\)?\s*,?\s*(?:or|and)\s+(?:(?!(?:is|are|was|not|so|thus|therefore|hence)\b)[\w'-]+\s+){1,6}\(?(?:options?\s+)?",
    re.I,
)
# "Options A and B are both plausible": A alone is not what is spoken of.
_FIRST_OF_SEVERAL = re.compile(r"(?:option|choice|answer|statement)s\s+$", re.I)
_OPENING = re.compile(r"\(\s*(?:option|choice|answer)\s+$", re.I)
_OWN_VERB = re.compile(r"\s*(?:is|was|would|seems|has|may|might|could|can)\b")
# "which is true for some species" is no verdict on the whole.
_QUALIFIED = re.compile(
    r"\s*,?\s*(?:for (?:some|most|many)|of (?:some|most|many)|in (?:some|most|many|part|general)|but|to some|only)\b"
)
# "A vitamin deficiency", "I am": an article and a pronoun. Only what follows tells the letters from them.
_AS_SUBJECT = r"is|it is|was|seems|appears|remains|and|or|because|since|as|but|with|due|the|which"
_LETTER_FOLLOWED = {
    letter: re.compile(rf"[^\w\s]|\s*(?:$|\n|[^\w\s]|(?:{words})(?![A-Za-z]))")
    for letter, words in (
        ("A", _AS_SUBJECT + r"|would|could|can|may|might|should|must|has|does|in|for"),
        ("I", _AS_SUBJECT),
    )
}
_CLOSES = re.compile(
    r"\s*[)\]\"']*\s*(?:[.,;!?]|$|\n|(?:because|since|as|which|in|here|for|with)\b"
    r"|\([^()\n]*\)\s*(?:[.,;]|可能|$))"
)
_SENTENCE_CLOSES = re.compile(r"\s*(?:[.!]\s*(?:$|\n|\s[A-Z])|$|\n)")


def letters_in_passing(reading: Reading, options: Options, since: int) -> None:
    """Letters outside of statements: called the answer, called right or wrong, or pointed at in a conclusion."""
    text = reading.text
    taken = [(c.start, c.end) for c in reading.commitments]
    mentions = list(_MENTION.finditer(text, since))
    group: frozenset[str] = frozenset()
    group_negated = group_equated = False
    for i, mention in enumerate(mentions):
        start, end = mention.span()
        if any(a <= start < b for a, b in taken):
            continue
        letter = options.letters.get((mention[1] or mention[2] or mention[3]).upper())
        if letter is None:
            continue
        word = say.OPTION_WORD.search(text, max(0, start - 12), start)
        marked = bool(word) or not mention[3]
        if (
            not marked
            and text[start - 2 : start - 1] == "s"
            and _FIRST_OF_SEVERAL.search(text, max(0, start - 12), start)
        ):
            group, group_negated, group_equated = frozenset((letter,)), False, False
            continue
        if not marked and not say.BEFORE_BARE.search(text, max(0, start - 20), start):
            continue
        if not marked and mention[3] in _LETTER_FOLLOWED and not _LETTER_FOLLOWED[mention[3]].match(text, end):
            continue
        if mention[1] and mention[1].islower() and not word:
            continue
        if not marked and text[end : end + 1] in (".", ")") and in_list(text, start):
            end += 1
        until = min(mentions[i + 1].start() if i + 1 < len(mentions) else len(text), end + 130)
        # "not stabilizing selection (C) or disruptive selection (E)": what is said of the text is said of the letter.
        opening = _OPENING.search(text, max(0, start - 16), start)
        opens = opening.start() if opening else start
        words_before = _own_words_before(text, opens, letter, options) if marked else (start, False)
        if words_before is None:
            continue
        begins, own = (start if words_before[0] == opens else words_before[0]), words_before[1]
        before, after = text[max(0, start - 45) : start], text[end:until].lower()
        before_own = text[max(0, begins - 45) : begins]
        letters = frozenset((letter,))
        joins = (
            _JOINED.fullmatch(text, mentions[i - 1].end(), begins) if i and begins >= mentions[i - 1].end() else None
        )
        # "Between A and E, A is better": a comma before a letter with its own verb joins nothing.
        joined = group if joins and not (joins[0].strip() == "," and _OWN_VERB.match(text, end)) else frozenset()
        previous, group = group, letters | joined if joined else letters
        letters = group
        negated = (
            _hinted(before_own, say.NEGATED_HINTS)
            and say.NEGATED.search(before_own)
            and not say.ALL_EXCEPT.search(before_own)
        ) or (joined and group_negated)
        loosely = _JOINED_WORDS.fullmatch(text, mentions[i - 1].end(), begins) if i and not joined else None
        group_negated = bool(negated)
        group_equated = (bool(joined) and group_equated) or (
            begins < start and say.EQUATES.search(before_own) is not None
        )
        if negated and begins < start:
            # "not the basal cell (option A)" speaks of the cell; the statement A may be what is looked for.
            continue
        false_one = say.IS_THE_FALSE_ONE.match(text, end, until) if _hinted(after, say.FALSE_HINTS) else None
        if negated or (not false_one and say.NOT_RIGHT.match(text, end, until)):
            reading.verdicts.append(Commitment(letters, Found.LETTER, WEAK, start, end, True))
            reading.commitments.append(Commitment(letters, Found.LETTER, WEAK, start, end, True))
            continue
        item = read_item(text, start, options) or Item(letters, Found.LETTER, start, end, marked)
        if joined:
            item = item._replace(letters=item.letters | letters, how=Found.SEVERAL)
        answer = say.IS_THE_ANSWER.match(text, end, until) if _hinted(after, say.ANSWER_HINTS) else None
        answer = false_one or answer
        if answer and item.end <= answer.end() + 1:
            if re.search(r"\bnot\b|n't\b", answer[0]):
                reading.verdicts.append(Commitment(letters, Found.LETTER, WEAK, start, end, True))
            elif false_one or not re.search(
                r"\b(?:incorrect|wrong|only other|another|possible|plausible)\b", answer[0]
            ):
                weight = WEAK if say.SEEMS.search(answer[0]) else ANSWER
                if weight == WEAK:
                    reading.seeming |= item.letters
                reading.commitments.append(
                    Commitment(item.letters, item.how, weight, start, max(item.end, answer.end()))
                )
            continue
        right = say.IS_RIGHT.match(text, end, until) if _hinted(after, say.RIGHT_HINTS) else None
        # An option that reads "… is more likely to be swallowed" is quoted, not called likely.
        quoted = right and item.how is Found.LETTER_AND_TEXT and right.end() <= item.end
        if (
            right
            and not quoted
            and not _QUALIFIED.match(text, right.end())
            and not re.search(r"\bnot\b|n't\b", right[0])
        ):
            right_one = Commitment(
                item.letters, item.how, WEAK, start, item.end, concluding=not say.SEEMS.search(right[0])
            )
            if right_one.concluding:
                reading.verdicts.append(right_one)
            else:
                reading.seeming |= item.letters
            reading.commitments.append(right_one)
        if say.AS_IN.search(before):
            continue
        points = say.POINTS_TO.search(before) or say.LEADS.search(before)
        # "- (A) is incorrect because … . Hence (B)." concludes below a list.
        if in_list(text, start) and reading.sentence_start(start) <= line_start(text, start):
            continue
        if say.ONLY.search(before):
            reading.verdicts.append(Commitment(item.letters, item.how, WEAK, start, item.end))
            continue
        if points and _OWN_VERB.match(text, item.end):
            continue
        if points and (marked or item.how is Found.LETTER_AND_TEXT or _bare_points(reading, mention)):
            back = say.TAKEN_BACK.match(text, item.end) or say.HEDGED.match(text, item.end)
            sure = (say.EQUATES.search(before) or say.LEADS.search(before)) is not None and not say.ALSO.search(before)
            weak = Commitment(item.letters, item.how, WEAK, start, item.end, bool(back), False, sure)
            reading.pointed.append(weak)
            reading.commitments.append(weak)
        elif marked and (word or mention[1]):
            # "(A) Lisinopril." as a sentence of its own is a conclusion without another word.
            alone = item.how is Found.LETTER_AND_TEXT and _is_sentence(reading, start, item.end)
            both = alone or (own and not _WOULD.match(text, end))
            if both or _CLOSES.match(text, end):
                how = Found.LETTER_AND_TEXT if both else Found.LETTER
                together = letters | previous if loosely else letters
                reading.pointed.append(
                    Commitment(
                        together,
                        how,
                        0,
                        start,
                        end,
                        bool(say.DENIES.search(before)),
                        equated=group_equated and not _HEDGES.match(text, end),
                        concluding=both,
                    )
                )


def _own_words_before(text: str, at: int, letter: str, options: Options) -> tuple[int, bool] | None:
    """Where words of the option begin that stand right before its letter: "… genetic drift (C)"; whether they are all.

    None when the words are another option's.
    """
    words = tokens(text, max(0, at - options.reach), at)
    folded = tuple(word.folded for word in words)
    ending = [
        spelling
        for same in options.spellings.values()
        for spelling in same
        if folded[-len(spelling.folded) :] == spelling.folded
    ]
    if ending:
        longest = max(ending, key=lambda spelling: len(spelling.folded))
        whole = any(s.letter == letter for s in ending if s.folded == longest.folded)
        return (words[-len(longest.folded)].start, True) if whole else None
    own = [spelling.folded for same in options.spellings.values() for spelling in same if spelling.letter == letter]
    begins = at
    for word in reversed(words):
        if word.folded in _NO_NOUN or not any(word.folded in folded for folded in own):
            break
        begins = word.start
    return begins, False


def _is_sentence(reading: Reading, start: int, end: int) -> bool:
    text = reading.text
    return not text[reading.sentence_start(start) : start].strip() and not text[end : reading.sentence_end(end)].strip(
        " .!\n"
    )


def _hinted(text: str, hints: tuple[str, ...]) -> bool:
    return any(hint in text for hint in hints)


def _bare_points(reading: Reading, mention: re.Match[str]) -> bool:
    """Whether a capital without brackets after "is" is an option: a lettered line, or the end of a judging sentence."""
    text, end = reading.text, mention.end()
    if text[: mention.start()].endswith(("→ ", "-> ", "=> ")):
        return _SENTENCE_CLOSES.match(text, end) is not None
    if say.LEADS.search(text, max(0, mention.start() - 14), mention.start()):
        return _SENTENCE_CLOSES.match(text, end) is not None
    if mention.start() == line_start(text, mention.start()) and text[end : end + 1] in (".", ")", ":", "\n", ""):
        return True
    closed = re.match(r"\s*(?:[.,;!)]?\s*$|[;,]\s|\.\s+(?![a-z])|\.\s*\n|\n)", text[end : end + 4])
    sentence = text[reading.sentence_start(mention.start()) : mention.start()]
    judging = re.search(
        r"\b(?:most|best|correct|closest|likely|appropriate|answer|option|choice|right|it's|it is|must be|diagnosis"
        r"|treatment|cause|step|test|drug|organism|finding|mechanism|management|therapy|explanation|leaves|remains|left|lean|leaning|not|no|aligns|matches|supports|corresponds)\b",
        sentence,
        re.I,
    )
    return bool(closed and judging)

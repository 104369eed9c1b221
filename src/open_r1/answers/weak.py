"""Answers given without saying so: the letter or the option's text on which a conclusion ends."""

import re

from open_r1.answers import phrases as say
from open_r1.answers.found import Found
from open_r1.answers.items import read_item, text_at
from open_r1.answers.normalise import tidy, tokens
from open_r1.answers.options import Options
from open_r1.answers.reading import Commitment, Reading, in_list, line_start
from open_r1.answers.short import read_short

Choice = tuple[str | None, Found]
_SENTENCES_BACK = 4
_LONG = 4
_LETTERED = re.compile(r"[(\[]\s*[A-Za-z]\s*[)\]]|\b(?:option|choice|answer|statement)\s+[A-Z]\b")
_NOTHING: Choice = (None, Found.NOTHING)


def pointed_letter(reading: Reading, options: Options) -> Choice:
    """The letter that the last sentences point at ("the most likely cause is (B)", "… of the nerve (B)").

    Options called right one by one come next, when one only is called so.
    """
    text = reading.text
    zone = _zone_start(reading, _SENTENCES_BACK)
    strong = [c for c in reading.pointed if c.weight and not c.withdraws]
    late = [c for c in strong if c.start >= max(zone, reading.last_decline)]
    if late:
        last = late[-1]
        letters = [x for x in last.letters if not x.startswith("?")]
        if last.how.answered and len(letters) == 1:
            return letters[0], last.how
        return None, last.how
    right = {letter for c in reading.verdicts if not c.withdraws for letter in c.letters}
    wrong = {letter for c in reading.verdicts if c.withdraws for letter in c.letters}
    left = set(options.letters.values()) - wrong
    if len(right) == 1:
        return right.pop(), Found.LETTER
    if len(right) > 1:
        return None, Found.SEVERAL
    if reading.last_decline >= zone:
        return None, Found.DECLINED
    if reading.seeming:
        return (next(iter(reading.seeming)), Found.LETTER) if len(reading.seeming) == 1 else (None, Found.SEVERAL)
    if len(left) == 1 and len(wrong) > 1:
        # All the others were called wrong.
        return left.pop(), Found.LETTER
    passing = [c for c in reading.pointed if not c.weight and c.start >= zone and not c.letters <= wrong]
    named = {letter for c in passing for letter in c.letters}
    if len(named) > 1:
        # "This is nephritis (C). In necrosis (B) there would be casts." names C only.
        # "They face the same pressures (B) and don't indicate ancestry (A)." names B only.
        for kept in ([c for c in passing if c.equated], [c for c in passing if not c.withdraws]):
            named = {letter for c in kept for letter in c.letters}
            if len(named) == 1:
                passing = kept
                break
        else:
            return _opened_with(strong, reading)
    if named and _FINISHED.search(text[-10:]) and any(c.concluding for c in passing):
        return named.pop(), next(c.how for c in passing if c.concluding)
    said_last = bool(named) and not text[passing[-1].end :].strip(" .!\n")
    if said_last and not _FINISHED.search(text[-10:]):
        # "… which is the muscle (D" breaks off.
        return _NOTHING
    if named and _beside(reading, passing[-1], options) - named - wrong:
        return None, Found.SEVERAL
    if said_last:
        # "… is a function of the subscapularis muscle (D)." ends with the only letter it points at.
        return named.pop(), Found.LETTER
    if named and say.CUE.search(
        text, reading.sentence_start(passing[0].start), reading.sentence_end(passing[0].start)
    ):
        return named.pop(), Found.LETTER
    return _NOTHING


def _beside(reading: Reading, mention: Commitment, options: Options) -> set[str]:
    """The letters that the sentence of a mention has before it in brackets or after "option", options or not.

    "Leucine (L) … and alanine (A)" speaks of something else.
    """
    before = _LETTERED.finditer(reading.text, reading.sentence_start(mention.start), mention.start)
    letters = (re.sub(r"\W", "", m[0])[-1].upper() for m in before)
    return {options.letters.get(letter, letter) for letter in letters}


def _opened_with(strong: list[Commitment], reading: Reading) -> Choice:
    """The option that the first sentence equates with what is asked for, when explanations name others after it."""
    opening = [c for c in strong if c.start < reading.sentence_end(0)]
    if len(strong) == len(opening) == 1 and opening[0].how is Found.LETTER_AND_TEXT and opening[0].concluding:
        return next(iter(opening[0].letters)), Found.LETTER_AND_TEXT
    return None, Found.SEVERAL


def closing_text(reading: Reading, options: Options) -> Choice:
    """The option whose text alone the last sentence draws as its conclusion: "Therefore the muscle is the deltoid."."""
    text = reading.text
    ends = [e for e in reading.sentence_ends if text[e:].strip()]
    start = ends[-1] if ends else 0
    if reading.last_decline >= 0 or not say.CONCLUDES.search(text, start) or _LETTERED.search(text, start):
        return _NOTHING
    named = _said_last(text, start, len(text), options) or _named_in(text, start, len(text), options)[0]
    return (named.pop(), Found.TEXT) if len(named) == 1 else _NOTHING


def _zone_start(reading: Reading, sentences: int) -> int:
    ends = [e for e in reading.sentence_ends if reading.text[e:].strip()]
    return ends[-sentences] if len(ends) >= sentences else 0


_NAMES = re.compile(
    r"(?:\b(?:most|best|correct|right|likely|appropriate|next|first|primary|underlying|definitive|final|indicated|recommended|preferred|closest|suggestive"
    r"|consistent|diagnosis|answer|conclusion|explanation|treatment)\b[^.\n]{0,90}?\b(?:is|are|be|was|has|of|with|(?<!,\s)as|would be)"
    r"|\b(?:diagnosis|answer|conclusion|step|treatment|management|test|cause)\s*:|\b(?:suggests?|indicates?|diagnosed with|diagnosis of|consistent with|points? to(?:wards?)?"
    r"|suggestive of|indicative of|(?:instance|example|case|form) of|(?:classic|characteristic|typical|pathognomonic|diagnostic) (?:for|of)|go(?:es)? with|(?:due|secondary) to|caused by|explained by|(?:treated|managed|reversed) (?:with|by)|recommended?|is called|known as)"
    r"|\b(?:this|it|he|she|patient|which) (?:is|has|would be|must be))"
    r"[\s:\"'-]*(?:(?:therefore|thus|likely|most likely|probably|clearly|indeed|to|start(?:ing)? with|a diagnosis of|a|an|the|acute|chronic|severe|(?:to|by|with) \w+|performing"
    r"|administering|obtaining|starting|ordering|initiating)\s+){0,4}[\"']?$",
    re.I,
)
_IS_NAMED = re.compile(
    r"[\s\"')]*(?:,[^.,\n]{0,60},)?\s*(?:is|are|would be|should be|remains|was|represents|appears to be|seems)\s+(?:\w+\s+){0,2}?"
    r"(?:the\s+)?(?:\w+\s+){0,2}?(?:most|best|correct|right|answer|likely|appropriate|next|first|indicated|recommended|preferred|treatment|diagnosis"
    r"|cause|explanation)\b"
    r"|[\s\"')]*\s(?:is|are)\s+(?:\w+\s+){1,3}of choice\b"
    r"|[\s\"')]*(?:as\s+)?the\s+(?:most (?:likely|appropriate|probable|suitable|consistent)|best|correct|right)\b"
    r"|[\s\"')]*\s+it is(?=\s*[.!\n])"
    r"|[\s\"')]*(?:fits|matches|best (?:fits|explains|matches|describes|accounts for))\b",
    re.I,
)
_OR = re.compile(r"\s*,?\s*(?:or|and)\s+(?:an?\s+|the\s+)?")
_ENDED = re.compile(
    r"\s*(?:$|[.,;:!?)\]\"'\n(]|(?:because|since|as|which|due|given|based|in|for|with|and|is|by|rather|over)\b)"
)
# A sentence of a list says what one part is, not what the answer is.
_ENUMERATED = re.compile(r"^\s*(?:[-•]|\(?(?:\d{1,2}|[a-z])[.)])\s*$")
_PART = re.compile(r"(?:[-•]|\(?(?:\d{1,2}|[a-z])[.)])\s")
_PLAIN_IS = re.compile(
    r"(?:(?:(?<=[.!?]\s)|\A)(?:[Gg]ive|[Ss]tart|[Oo]rder|[Aa]dminister|[Oo]btain|[Pp]erform)\s|\b(?:is|are|was|be|has|but|meaning|yields?|gives?)\s|(?<=[A-Za-z])'s\s|\bi\.e\.,?\s|:\s|→(?:\s*(?:add|start|give|order|perform)\s)?)\s*(?=\S)"
)
_PERCENT = re.compile(r",?\s*\(?(?:or|i\.e\.,?)?\s*\d+(?:\.\d+)?\s*%\)?(?=[\s.]*$)")
_STRONG_CUE = re.compile(
    r"\b(?:therefore|thus|hence|most (?:likely|appropriate|consistent|probable|suggestive)|best|of choice|diagnosis|consistent with"
    r"|in conclusion|recommend|prescribe|start|points? to)\b",
    re.I,
)
_FINISHED = re.compile(r"[.!?:)\]\"'|\d%]\s*$")
_BOLD = re.compile(r"\*\*([^*\n]{1,200})\*\*")
_GOES_ON = re.compile(r"[.!?:][ \t]+\w|\n\s*\S")
_NEW_CLAUSE = ("; ", " but ")
_CONDITION = re.compile(r"\s*(?:if|when|suppose|assuming|unless)\b", re.I)
_LESS = re.compile(
    r"\b(?:less|unlikely|least|not|n't|never|incorrect|wrong|neither|nor|ruled out|exclude\w*|rule out|rather than|unlike|over|versus|than)\b",
    re.I,
)


def concluding_text(reading: Reading, options: Options, *, tagged: bool) -> Choice:
    """The option whose text the last sentences conclude with, by its words alone.

    In a section marked as the answer an option named as the only one is enough; elsewhere a sentence must name it as
    the diagnosis, the best step and the like.
    """
    if reading.last_decline >= 0 or not options.spellings:
        return (None, Found.DECLINED) if reading.last_decline >= 0 else _NOTHING
    text = reading.text
    starts = [0, *(e for e in reading.sentence_ends if text[e:].strip())]
    cut = not _FINISHED.search(text[-10:])
    seen: set[str] = set()
    for i in range(len(starts) - 1, max(-1, len(starts) - 1 - _SENTENCES_BACK), -1):
        start, end = starts[i], starts[i + 1] if i + 1 < len(starts) else len(text)
        if _is_part(text, start):
            continue
        named, mentioned = _named_in(text, start, end, options)
        if not named and len(mentioned) <= 1 and i == len(starts) - 1 and not _CONDITION.match(text, start):
            named = _said_last(text, start, end, options)
            if not named and len(mentioned) == 1 and _STRONG_CUE.search(text, start, end):
                named = _whole(text, start, end, mentioned, options)
        if not named and len(mentioned) == 1 and i == len(starts) - 1 and not cut:
            named = _long_ending(text, start, end, mentioned, options)
        if (
            named
            and i < len(starts) - 1
            and (say.CORRECTS.search(text, end) or (cut and not _STRONG_CUE.search(text, start, end)))
        ):
            return _NOTHING
        if len(named) == 1:
            return named.pop(), Found.TEXT
        if len(named) > 1:
            return None, Found.SEVERAL
        seen |= mentioned
    if len(starts) > _SENTENCES_BACK:
        # An answer that stands first, before its explanation.
        named = _named_in(text, 0, starts[1], options)[0]
        if len(named) == 1 and not say.CORRECTS.search(text, starts[1]):
            return named.pop(), Found.TEXT
    if tagged:
        everywhere = seen if len(starts) <= _SENTENCES_BACK else _named_in(text, 0, len(text), options)[1]
        if len(everywhere) == 1:
            return everywhere.pop(), Found.TEXT
    return _NOTHING


def emphasised_option(text: str, options: Options) -> Choice:
    """The one option in bold, as it was written, when the last sentence has it: "The total is **150 mg**."."""
    spans = [(span, read_short(tidy(span[1]), options)) for span in _BOLD.finditer(text)]
    named = [(span, choice) for span, choice in spans if choice]
    if not named or len({choice[0] for _, choice in named}) > 1:
        return _NOTHING
    last, choice = named[-1]
    before = text[max(0, last.start() - 40) : last.start()]
    return _NOTHING if _GOES_ON.search(text, last.end()) or _LESS.search(before) else choice


def _is_part(text: str, start: int) -> bool:
    first = len(text) - len(text[start:].lstrip())
    return bool(_ENUMERATED.search(text[text.rfind("\n", 0, first) + 1 : first]) or _PART.match(text, first))


def _said_last(text: str, start: int, end: int, options: Options) -> set[str]:
    """The option that is the whole last sentence, or that follows its plain "is" as a whole phrase."""
    first = len(text) - len(text[start:].lstrip())
    for at in [first, *(c.end() for c in _PLAIN_IS.finditer(text, start, end))]:
        item = read_item(text, at, options)
        if not item or not item.how.answered or item.how is Found.LETTER or in_list(text, at):
            continue
        letter = next(iter(item.letters))
        listed = text[at - 2 : at - 1] == ":"
        # "… Parasitism" is a sentence that breaks off.
        if at == first and first > line_start(text, first) and not _FINISHED.search(text[-10:]):
            continue
        # "Not the aorta but the vena cava", "it isn't the aorta; it's the vena cava": what is denied before is another.
        clause = max(start, *(text.rfind(sign, start, at) + len(sign) - 1 for sign in _NEW_CLAUSE))
        if at != first and _LESS.search(text, clause, at):
            continue
        rest = _PERCENT.sub("", text[item.end : end]).strip(" .!\"')\n")
        measured = len(tokens(options.texts[letter])) > 1 or bool(
            at != first and say.CONCLUDES.search(text, start, at)
        )
        if (not rest and (options.telling(letter) or measured)) or (
            at != first and not listed and options.telling(letter)
        ):
            return {letter}
    return set()


def _long_ending(text: str, start: int, end: int, letters: set[str], options: Options) -> set[str]:
    """The option of several words with which the last sentence ends: so much text stands there for a purpose."""
    own = [t.folded for t in tokens(options.texts[next(iter(letters))])]
    return letters if len(own) >= _LONG and [t.folded for t in tokens(text, start, end)][-len(own) :] == own else set()


def _whole(text: str, start: int, end: int, letters: set[str], options: Options) -> set[str]:
    """The one option that a concluding sentence mentions, when it stands there as a whole phrase."""
    for word in tokens(text, start, end):
        item = read_item(text, word.start, options)
        if item and item.how is Found.TEXT and item.letters == letters:
            return set(letters)
    return set()


def _named_in(text: str, start: int, end: int, options: Options) -> tuple[set[str], set[str]]:
    """The options that a stretch of text names as the answer, and those it mentions without a negation."""
    words = tokens(text, start, end)
    named: set[str] = set()
    mentioned: set[str] = set()
    i, previous = 0, start
    while i < len(words):
        letters, size = options.match(words, i)
        if not letters:
            i += 1
            continue
        first, last = words[i].start, words[i + size - 1].end
        i += size
        telling = options.telling(next(iter(letters)))
        if len(letters) > 1 or not (telling or options.measured(next(iter(letters)))):
            continue
        joins = _OR.fullmatch(text, previous, first)
        previous = last
        before = text[max(start, first - 140) : first]
        if _LESS.search(before[-40:]) or say.NOT_RIGHT.match(text, last):
            continue
        # A number with its unit stands in any calculation; only what names it counts.
        mentioned |= letters if telling else frozenset()
        whole = text_at(text, first, options)
        ended = _ENDED.match(text, last)
        if (_NAMES.search(before) and whole and ended) or _IS_NAMED.match(text, last, end):
            # "Either lisinopril or losartan would be best" names both.
            named |= letters | (mentioned if joins else set())
        elif joins and named:
            named |= letters
    return named, mentioned

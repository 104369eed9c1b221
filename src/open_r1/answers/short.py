"""Read what is nothing but an answer: a whole short text, a boxed one, a JSON field, a first line."""

import re

from open_r1.answers.found import Found
from open_r1.answers.items import Item, read_item, text_at
from open_r1.answers.normalise import tidy, tokens
from open_r1.answers.options import Options
from open_r1.answers.phrases import CROSSED

Choice = tuple[str | None, Found]
_LONGEST = 3000
_ONLY_LETTER = re.compile(
    r"\W*(?:(?:the\s+)?(?:correct\s+|final\s+|best\s+)?(?:option|choice|answer|letter)s?\W+(?:is\W+)?)?([A-Za-z])\W*",
    re.I,
)
_LETTER_LINE = re.compile(
    r"\W*(?:option|choice|answer)?[\s:(]*([A-Za-z])(?P<mark>\s*[).:\]|]|\s+-|\s)\s*(?P<rest>\S.*)?$", re.I
)
# How an answer that stands first begins: a closed letter, perhaps after an adverb.
_LEAD = re.compile(
    r"[\s\"'-]*(?:(?:definitely|probably|likely|certainly|surely|clearly|i think|i believe|i guess|i'd say|option|choice)[,:]?\s+){0,2}"
    r"(?P<item>\([A-Za-z]\)|[A-Za-z](?=\s*(?:$|[).,:!?;/\]]|-\s|\s-|\s(?:because|since|due|given|based)\b"
    r"|(?P<two>\s(?:or|and)\s+\(?[A-Z]\b))))",
    re.I,
)
# "(A) is incorrect because …" only speaks of an option.
_SUBJECT = re.compile(
    r"\s*(?:all|both|each|is|are|was|were|can|could|may|might|would|should|must|has|have|do|does|did|cannot|can't|isn't|aren't)\b"
)
_JSON_FIELD = re.compile(
    r"[\"'](?:final[\"']|(?:final_|correct_|predicted_|my_|the_)?(?:answer|choice|option|prediction|response)(?:_?(?:choice|letter|idx|key|option))?[\"'])\s*:\s*"
    r"(?:[\"']([^\"\n]{0,400}?)[\"']\s*(?=[,}\n]|$)|\[([^\]\n]{0,200})\]|([A-Za-z])\s*[,}])",
    re.I,
)
_BOX = re.compile(r"\\f?boxed\s*\{")


def _crossed(text: str) -> bool:
    return not text.isascii() and CROSSED.search(text) is not None


def read_short(text: str, options: Options) -> Choice | None:
    """Read text that is a letter, an option's text or both, and nothing else; None when it is more than that."""
    if len(text) > options.reach + 40 or _crossed(text):
        return None
    only = _ONLY_LETTER.fullmatch(text)
    if only and only[1].upper() in options.letters and not re.search(r"\b(?:not|[-+]\d)", text):
        return options.letters[only[1].upper()], Found.LETTER
    words = tokens(text)
    if not words:
        return None
    if len(words) == 1 and words[0].folded in options.bare_numbers:
        return options.bare_numbers[words[0].folded], Found.TEXT
    letters, size = options.match(words, 0)
    if letters and size == len(words):
        return (next(iter(letters)), Found.TEXT) if len(letters) == 1 else (None, Found.SEVERAL)
    line = _LETTER_LINE.fullmatch(text.strip())
    if line and line["rest"] and line[1].upper() in options.letters:
        letter = options.letters[line[1].upper()]
        beside = tokens(line["rest"])
        letters, size = options.match(beside, 0)
        if letters and size == len(beside):
            return (letter, Found.LETTER_AND_TEXT) if letter in letters else (None, Found.CONTRADICTION)
        if not options.texts[letter] and line["mark"].strip() in (")", ".", ":"):
            return letter, Found.LETTER
    return None


def read_first_line(text: str, options: Options) -> tuple[frozenset[str], Found] | None:
    """An answer that stands first, before its explanation: "B", "B) Cushing syndrome", "Yes, because …"."""
    lines = [line for line in text.strip().split("\n", 40)[:40] if line.strip()]
    if not lines or _crossed(lines[0]):
        return None
    line = lines[0].strip()
    short = read_short(line, options) if len(lines) > 1 else None
    if short:
        if _lettered(lines[1].strip(), options):
            return None
        return (frozenset((short[0],)) if short[0] else frozenset(), short[1])
    lead = _LEAD.match(line)
    if lead:
        item = read_item(line, lead.start("item"), options)
        # "(A) If the ratio is …" begins an answer in parts when a (B) follows; "A: …" marks an answer, not option A.
        parts = item and item.how is Found.LETTER and _part_after(text, item)
        if item and lead["two"] and item.how is not Found.SEVERAL:
            return None
        if item and _SUBJECT.match(line, item.end):
            return None
        if item and not parts and (item.how is not Found.LETTER or not re.match(r"A\s*:", line)):
            if len(lines) > 1 and _lettered(lines[1].strip(), options):
                return None
            return item.letters, item.how
        return None
    both = read_item(line, 0, options)
    if both and both.how in (Found.LETTER_AND_TEXT, Found.CONTRADICTION):
        return both.letters, both.how
    beside = text_at(line, 0, options)
    if beside and len(beside[0]) == 1 and re.match(r"\s*(?:$|[.:;]|-\s|,\s)", line[beside[1] : beside[1] + 3]):
        comma = line[beside[1] : beside[1] + 1] == ","
        if comma and text_at(line, beside[1] + 1, options):
            return None
        if not comma or len(beside[2][0].folded) <= 5:
            return beside[0], Found.TEXT
    return None


_BULLET = re.compile(r"^(?:[-•]|\(?(?:\d{1,2}|[a-z])[.)])\s+(?=\S)")


def _lettered(line: str, options: Options) -> bool:
    """Whether a line is one of a list of letters or options."""
    marked = _LETTER_LINE.fullmatch(line)
    if marked and marked["mark"].strip() and marked[1].upper() in options.letters:
        return True
    return len(line) < 6 and (only := _ONLY_LETTER.fullmatch(line)) is not None and only[1].upper() in options.letters


def _below_list(text: str, above: str, short: Choice) -> bool:
    """Whether an answer stands after a blank line below a list of options, and is not the list's next one."""
    marked = _LETTER_LINE.fullmatch(above)
    if short[1] not in (Found.LETTER, Found.LETTER_AND_TEXT) or len(above) < 6 or not marked:
        return False
    before = text.rstrip().rpartition("\n")[0].rstrip(" \t")
    return before.endswith("\n") and ord(short[0].upper()) != ord(marked[1].upper()) + 1


def read_last_line(text: str, options: Options) -> tuple[frozenset[str], Found] | None:
    """An answer that stands alone on the last line, below its explanation."""
    lines = [line.strip() for line in text[-600:].split("\n") if line.strip()]
    if len(lines) < 2:
        return None
    short = read_short(_BULLET.sub("", lines[-1]), options)
    if _lettered(lines[-2], options) and not (short and _below_list(text, lines[-2], short)):
        return None
    # "No" or "13" below a table or a calculation may be a part of it.
    bare = short and short[1] is Found.TEXT and not options.telling(short[0]) and len(lines[-2]) < 40
    if bare or (short and short[1] is Found.TEXT and _BULLET.match(lines[-1])):
        return None
    return (frozenset((short[0],)) if short[0] else frozenset(), short[1]) if short else None


def _part_after(text: str, item: Item) -> bool:
    letter = next(iter(item.letters))
    following = chr(ord(letter[-1]) + 1)
    return (
        re.search(rf"(?:^|[.;,\n]\s*)(?:option |choice )?\(?{re.escape(following)}[).:]\s", text[1:], re.I | re.M)
        is not None
    )


def json_answer(text: str, options: Options) -> Choice | None:
    """The last field "answer" (or the like) of JSON in the text, read as a short text; None when there is none."""
    found = None
    for found in _JSON_FIELD.finditer(text):  # noqa: B007 - the last field rules
        pass
    if not found:
        return None
    value = found[1] or found[3]
    if value is None:
        letters = [x for x in re.findall(r"[A-Za-z]+", found[2] or "")]
        value = letters[0] if len(letters) == 1 else " and ".join(letters)
    short = read_short(value, options)
    if short:
        return short
    item = read_item(value, 0, options)
    if item:
        return (
            (next(iter(item.letters)), item.how) if item.how.answered and len(item.letters) == 1 else (None, item.how)
        )
    return None


def boxed_spans(text: str, options: Options) -> list[tuple[frozenset[str], Found, int, int]]:
    """The last \\boxed{…} as (letters, how, start, end); boxes joined by "and" or "or" count together."""
    spans = []
    for box in _BOX.finditer(text):
        depth, end = 1, box.end()
        limit = min(len(text), end + _LONGEST)
        while end < limit and depth:
            depth += {"{": 1, "}": -1}.get(text[end], 0)
            end += 1
        inside = tidy(text[box.end() : end - 1 if not depth else end])
        short = read_short(inside, options)
        if short is None:
            item = read_item(inside, len(inside) - len(inside.lstrip()), options)
            if item is None:
                continue
            spans.append((item.letters, item.how, box.start(), end))
        else:
            spans.append((frozenset((short[0],)) if short[0] else frozenset(), short[1], box.start(), end))
    if not spans:
        return []
    last = spans[-1]
    if len(spans) > 1:
        before = spans[-2]
        between = text[before[3] : last[2]]
        if (
            len(between) < 20
            and re.fullmatch(r"[\s,]*(?:and|or|,|/|&)?[\s,]*(?:option )?", between)
            and before[0] != last[0]
        ):
            return [(before[0] | last[0], Found.SEVERAL, before[2], last[3])]
    return [last]

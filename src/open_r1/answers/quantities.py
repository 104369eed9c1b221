"""Read a number, a date, or weeks and days as people write them: 1,920 · 1½ · 1.2 × 10^-3 · 9 Nov 2012 · 8w6d."""

import re
from datetime import date
from typing import NamedTuple

_NUMBER = re.compile(
    r"(?<![A-Za-z0-9_.,/^])[-+]?(?:\d{1,3}(?:[, ]\d{3})+(?!\d)|\d+)?(?:\.\d+|(?<=\d))(?:\s*[eE][-+]?\d+)?"
    r"(?:\s*(?:×|x|\*)\s*10\s*\^?\s*\{?\s*(?P<power>[-+]?\d+)\s*\}?)?(?:\s*/\s*(?P<below>\d+(?:\.\d+)?)(?![\d/]))?(?![A-Za-z]*\d)"
)
_MIXED = re.compile(r"(?<![\d.,/])(?P<whole>\d+)\s+(?P<above>\d+)\s*/\s*(?P<below>\d+)(?![\d/])")
_RANGE = re.compile(r"\s*\S{0,12}\s*(?P<by>-|to|or|and)\s*[-+]?\d")
# What a sentence says of its subject: "the score is 3", not "at a weight of 70 kg".
_SAID = re.compile(
    r"(?:\b(?:is|are|was|be|equals|becomes|yields|gives)|:)\s*(?:(?:equal to|approximately|about|roughly|around|only|just|a|now)\s+)*$"
)
_REASON = re.compile(r"[,;]?\s*\b(?:because|since|as|based on|given|which|where|when|if|normal)\b|\(")
_CONDITION = re.compile(r"\W*(?:if|when|with|at|for|since|given|because|as)\b", re.I)
_CONCLUDES = re.compile(r"\b(?:so|thus|therefore|hence)\b", re.I)
_OUT_OF = re.compile(r"\b(?:score|points?|total)\b", re.I)
_WORDS = "zero one two three four five six seven eight nine ten eleven twelve"
_WORD_VALUES = {word: value for value, word in enumerate(_WORDS.split(" "))}
_WORD = re.compile(
    r"\b(?:is|are|of|:)\s+(?P<minus>(?:minus|negative)\s+)?(" + _WORDS.replace(" ", "|") + r")\b(?!\s+of\b)", re.I
)
_MONTHS = {
    m: i for i, m in enumerate(["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"], 1)
}
_MONTH = r"(?P<{0}>jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
_DATES = (
    re.compile(r"(?<![\d/])(?P<m>\d{1,2})[/.-](?P<d>\d{1,2})[/.-](?P<y>\d{4}|\d\d)(?![\d/])"),
    re.compile(r"(?<!\d)(?P<y>\d{4})[/.-](?P<m>\d{1,2})[/.-](?P<d>\d{1,2})(?!\d)"),
    re.compile(_MONTH.format("mon") + r"\s+(?P<d>\d{1,2})(?:st|nd|rd|th)?,?\s+(?P<y>\d{4})", re.I),
    re.compile(
        r"(?<!\d)(?P<d>\d{1,2})(?:st|nd|rd|th)?\s+(?:of\s+)?" + _MONTH.format("mon") + r",?\s+(?P<y>\d{4})", re.I
    ),
)
_BRACKETED = re.compile(r"\([^()]*\)")
_AGE = re.compile(
    r"(?P<weeks>\d+)['\"]?\s*(?:weeks?|wks?|w)\b['\"]?[\s,]*(?:and\s+)?['\"]?(?:(?P<days>\d+)\s*(?:days?|d)\b)?"
    r"|(?P<w>\d+)w(?P<d>\d+)d?\b|(?P<w2>\d+)\s*(?:\+\s*(?P<d2>[0-6])|\s(?P<d3>[1-6])\s*/\s*7)\s*(?:weeks?|wks?)\b",
    re.I,
)


class Quantity(NamedTuple):
    """A number as it is written and as a value."""

    written: str
    value: float


def read_number(passage: str) -> Quantity | None:
    """The one number that tidy text gives; after the last equals sign where there is one. None for a range or a choice."""
    after = max(passage.rfind(sign) for sign in "=≈")
    found = [m for m in _NUMBER.finditer(passage, after + 1) if re.search(r"\d", m[0])]
    if not found:
        word = _WORD.search(passage)
        if not word:
            return None
        value = _WORD_VALUES[word[2].lower()]
        return Quantity((word["minus"] or "") + word[2], -value if word["minus"] else value)
    first = found[0]
    if after < 0 and len(found) > 1:
        # "The score is 3 because age gives 1": what is said of the subject counts, before the reason.
        drawn = [m.end() for m in _CONCLUDES.finditer(passage)]
        found = [m for m in found if not drawn or m.start() >= drawn[-1]] or found
        first = found[0]
        reason = _REASON.search(passage, first.end())
        until = reason.start() if reason else len(passage)
        said = [m for m in found if m.start() < until and _SAID.search(passage[max(0, m.start() - 40) : m.start()])]
        # "If the clearance is 40, the dose is 50" says its result last, "the score is 3 and the risk is 5%" first.
        first = (said[-1] if _CONDITION.match(passage) else said[0]) if said else first
        span = _RANGE.match(passage, first.end())
        if span and not _same_again(passage, first, span):
            return None
    mixed = _MIXED.match(passage, first.start())
    if mixed and int(mixed["above"]) < int(mixed["below"]):
        return Quantity(mixed[0], int(mixed["whole"]) + int(mixed["above"]) / int(mixed["below"]))
    return _value(first, out_of=_OUT_OF.search(passage) is not None)


def _value(number: re.Match[str], *, out_of: bool = False) -> Quantity | None:
    written = number[0].strip()
    plain = re.sub(r"(?<=\d)[, ](?=\d{3})", "", written)
    if number["power"]:
        return Quantity(written, float(f"{re.split(r'[×x*]', plain)[0].strip()}e{number['power']}"))
    if number["below"]:
        above, below = float(plain.split("/")[0]), float(number["below"])
        if out_of:
            # "The score is 4/9" is 4 points of 9.
            return Quantity(written, above)
        return Quantity(written, above / below) if below else None
    return Quantity(written, float(plain.replace(" ", "")))


def _same_again(passage: str, first: re.Match[str], span: re.Match[str]) -> bool:
    """Whether "0.75 or 75%" says one value twice."""
    if span["by"] != "or":
        return False
    second = _NUMBER.search(passage, first.end())
    one, two = _value(first), _value(second) if second else None
    if not one or not two:
        return False
    percent = passage[second.end() : second.end() + 2].strip().startswith("%")
    return abs(two.value / (100 if percent else 1) - one.value) <= 1e-9 * max(1.0, abs(one.value))


def read_date(text: str) -> tuple[str, date] | None:
    """The last date of a text, month first where only numbers are given; dates in brackets count when no other is there."""
    for shown in (_BRACKETED.sub(" ", text), text):
        for pattern in _DATES:
            found = None
            for found in pattern.finditer(shown):  # noqa: B007 - the last date is the result
                pass
            if found:
                groups = found.groupdict()
                month = int(groups["m"]) if groups.get("m") else _MONTHS[groups["mon"].lower()]
                year = int(groups["y"]) + (2000 if len(groups["y"]) == 2 else 0)
                try:
                    return found[0], date(year, month, int(groups["d"]))
                except ValueError:  # the 31st of February
                    return None
    return None


def read_age(text: str) -> tuple[str, tuple[int, int]] | None:
    """The last weeks and days of a text: "8 weeks, 6 days", "8w6d", "8+6 weeks", "8 6/7 weeks"."""
    found = None
    for found in _AGE.finditer(text):  # noqa: B007
        pass
    if not found:
        return None
    weeks = found["weeks"] or found["w"] or found["w2"]
    days = found["days"] or found["d"] or found["d2"] or found["d3"] or 0
    return found[0].strip(" ,'\""), (int(weeks), int(days))

"""Answers to questions without options: numbers within bounds, dates, weeks and days, formulas and free text."""

import logging
import math
import re
from datetime import date

from open_r1.answers.found import Found
from open_r1.answers.normalise import tidy, tokens
from open_r1.answers.sections import answering_part

# Its time limits are alarm signals, which work in the main thread only; rewards may run in another. Lengths are bounded
# here instead, so its warning about that says nothing new.
for _module in ("math_verify.parser", "math_verify.grader"):
    logging.getLogger(_module).addFilter(lambda record: "Timeout is disabled" not in record.getMessage())
# math-verify takes time that grows fast with length; a longer passage is no number and no formula.
_LONGEST_FORMULA = 300
_BOX = re.compile(r"\\f?boxed\s*\{")
_JSON = re.compile(r"[\"'](?:final_|correct_)?answer[\"']\s*:\s*(?:[\"']([^\"\n]*)[\"']|([^,}\n]+))", re.I)
_STATED = re.compile(
    r"(?<![A-Za-z])(?:answer|ans|result|solution)(?:\s+(?:to|for)[^.:\n]{0,60}?|\s+(?:here|would|should|must))?\s*"
    r"(?:(?:is|be|are)(?![A-Za-z])(?:\s*(?:therefore|thus|approximately|about|roughly|around|equal to))?|[:=≈])[\s:]*",
    re.I,
)
_SENTENCE = re.compile(r"\n|[.!?](?=\s|$)")
_NUMBER = re.compile(
    r"(?<![A-Za-z0-9_.,/^])[-+]?(?:\d{1,3}(?:,\d{3})+|\d+)?(?:\.\d+|(?<=\d))(?:\s*[eE][-+]?\d+)?"
    r"(?:\s*(?:×|x|\*)\s*10\s*\^?\s*\{?\s*(?P<power>[-+]?\d+)\s*\}?)?(?:\s*/\s*(?P<below>\d+(?:\.\d+)?)(?![\d/]))?(?![A-Za-z]*\d)"
)
_RANGE = re.compile(r"\s*\S{0,12}\s*(?:-|to|or|and)\s*[-+]?\d")
_MONTHS = {
    m: i for i, m in enumerate(["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"], 1)
}
_MONTH = r"(?P<{0}>jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
_DATES = (
    re.compile(r"(?<!\d)(?P<m>\d{1,2})[/.-](?P<d>\d{1,2})[/.-](?P<y>\d{4})(?!\d)"),
    re.compile(r"(?<!\d)(?P<y>\d{4})[/.-](?P<m>\d{1,2})[/.-](?P<d>\d{1,2})(?!\d)"),
    re.compile(_MONTH.format("mon") + r"\s+(?P<d>\d{1,2})(?:st|nd|rd|th)?,?\s+(?P<y>\d{4})", re.I),
    re.compile(
        r"(?<!\d)(?P<d>\d{1,2})(?:st|nd|rd|th)?\s+(?:of\s+)?" + _MONTH.format("mon") + r",?\s+(?P<y>\d{4})", re.I
    ),
)
_AGE = re.compile(
    r"(?P<weeks>\d+)['\"]?\s*(?:weeks?|wks?|w)\b['\"]?[\s,]*(?:and\s+)?['\"]?(?:(?P<days>\d+)\s*(?:days?|d)\b)?"
    r"|(?P<w>\d+)w(?P<d>\d+)d?\b",
    re.I,
)


def _parse(formula: str) -> list:
    # Imported when needed: sympy takes a second, and questions with options never need it.
    from math_verify import parse

    return parse(f"${formula}$", parsing_timeout=None)


def _boxed(text: str) -> str | None:
    boxes = list(_BOX.finditer(text))
    if not boxes:
        return None
    start = end = boxes[-1].end()
    depth = 1
    while end < len(text) and depth:
        depth += {"{": 1, "}": -1}.get(text[end], 0)
        end += 1
    return text[start : end - 1 if not depth else end]


def answer_passage(completion: str) -> str | None:
    """The words in which a completion states its answer: boxed, tagged, after "the answer is", or its last sentence."""
    part = answering_part(completion)
    text = part.text.strip()
    boxed = _boxed(text)
    if boxed is not None:
        return boxed.strip()
    field = list(_JSON.finditer(text)) if "{" in text else []
    if field:
        return (field[-1][1] or field[-1][2] or "").strip()
    text = tidy(text).strip()
    stated = list(_STATED.finditer(text))
    if stated:
        rest = text[stated[-1].end() :].lstrip()
        end = _SENTENCE.search(rest)
        return (rest[: end.start()] if end else rest).strip()
    sentences = [s.strip() for s in _SENTENCE.split(text) if s and s.strip()]
    return sentences[-1] if sentences else None


def _number(passage: str) -> tuple[str, float] | None:
    """The one number a passage gives, as written and as a value; after the last equals sign where there is one."""
    after = max(passage.rfind(sign) for sign in "=≈")
    found = [m for m in _NUMBER.finditer(passage, after + 1) if re.search(r"\d", m[0])]
    if not found:
        return None
    first = found[0]
    if after < 0 and len(found) > 1:
        # "The score is 3 because age gives 1": the first counts, unless a range or a choice of two is given.
        if _RANGE.match(passage, first.end()):
            return None
        said = re.search(r"\b(?:is|of|be|to|:)\s*(?:approximately |about |roughly )?$", passage[: found[-1].start()])
        led = re.search(r"\b(?:is|of|be|to|:)\s*(?:approximately |about |roughly )?$", passage[: first.start()])
        first = found[-1] if said and not led and first.start() > 0 else first
    written = first[0].strip()
    plain = written.replace(",", "")
    if first["power"]:
        return written, float(f"{re.split(r'[×x*]', plain)[0].strip()}e{first['power']}")
    if first["below"]:
        value = _as_float(_parse(plain))
        return (written, value) if value is not None else None
    return written, float(plain.replace(" ", ""))


def _as_float(parsed: list) -> float | None:
    for value in parsed:
        if not isinstance(value, str) and getattr(value, "is_real", False):
            return float(value)
    return None


def _date(text: str) -> tuple[str, date] | None:
    for pattern in _DATES:
        found = None
        for found in pattern.finditer(text):  # noqa: B007 - the last date is the result
            pass
        if found:
            groups = found.groupdict()
            month = int(groups["m"]) if groups.get("m") else _MONTHS[groups["mon"].lower()]
            try:
                return found[0], date(int(groups["y"]), month, int(groups["d"]))
            except ValueError:  # the 31st of February
                return None
    return None


def _age(text: str) -> tuple[str, tuple[int, int]] | None:
    found = None
    for found in _AGE.finditer(text):  # noqa: B007
        pass
    if not found:
        return None
    return found[0].strip(" ,'\""), (int(found["weeks"] or found["w"]), int(found["days"] or found["d"] or 0))


def grade_number(
    completion: str, answer: str, lower: str | float | None = None, upper: str | float | None = None
) -> tuple[bool, str | None, Found]:
    """Whether a completion gives the number, date or ("8 weeks", "6 days") asked for; what was found, and how.

    With bounds the value must lie within them, ends included; without, it must equal the answer.
    """
    passage = answer_passage(completion)
    if not passage:
        return False, None, Found.EMPTY if not completion.strip() else Found.NOTHING
    for read in (_date, _age):
        gold = read(answer)
        if gold:
            found = read(tidy(passage)) or read(tidy(answering_part(completion).text[-400:]))
            if not found:
                return False, None, Found.NOTHING
            low, high = (read(str(bound)) if bound is not None else gold for bound in (lower, upper))
            return (low or gold)[1] <= found[1] <= (high or gold)[1], found[0], Found.VALUE
    found = _number(tidy(passage))
    if not found:
        return False, None, Found.NOTHING
    gold_value = _number(tidy(answer))
    low, high = (float(str(bound).replace(",", "")) if bound is not None else None for bound in (lower, upper))
    if low is not None and high is not None:
        slack = 1e-9 * max(abs(low), abs(high), 1.0)
        return low - slack <= found[1] <= high + slack, found[0], Found.VALUE
    right = gold_value is not None and math.isclose(found[1], gold_value[1], rel_tol=1e-6, abs_tol=1e-12)
    return right or _same_formula(passage, answer), found[0], Found.VALUE


def _same_formula(passage: str, answer: str) -> bool:
    if len(passage) > _LONGEST_FORMULA or len(answer) > _LONGEST_FORMULA:
        return False
    from math_verify import verify

    gold, said = _parse(answer.strip("$ ")), _parse(passage.strip("$ ."))
    return bool(gold and said and verify(gold, said, timeout_seconds=None))


def grade_text(completion: str, answer: str) -> tuple[bool, str | None, Found]:
    """Whether a completion's answer is the same words or the same formula; what was found, and how."""
    passage = answer_passage(completion)
    if not passage:
        return False, None, Found.EMPTY if not completion.strip() else Found.NOTHING
    gold = [t.folded for t in tokens(tidy(answer))]
    said = [t.folded for t in tokens(tidy(passage))]
    strip = frozenset(("a", "an", "the"))
    same = [t for t in said if t not in strip] == [t for t in gold if t not in strip] and bool(gold)
    return same or _same_formula(passage, answer), passage, Found.VALUE

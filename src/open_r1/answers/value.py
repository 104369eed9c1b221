"""Answers to questions without options: numbers within bounds, dates, weeks and days, formulas and free text."""

import logging
import math
import re
from itertools import accumulate

from open_r1.answers.found import Found
from open_r1.answers.normalise import tidy, tokens
from open_r1.answers.quantities import read_age, read_date, read_number
from open_r1.answers.sections import answering_part

# Its time limits are alarm signals, which work in the main thread only; rewards may run in another. Lengths are bounded
# here instead, so its warning about that says nothing new.
for _module in ("math_verify.parser", "math_verify.grader"):
    logging.getLogger(_module).addFilter(lambda record: "Timeout is disabled" not in record.getMessage())
# math-verify takes time that grows fast with length; a longer passage is no number and no formula.
_LONGEST_FORMULA = 300
# What a formula may hold besides numbers, letters, brackets and + - * /. Anything else could be worth more digits than fit
# into memory: factorials, sums, towers of powers, functions of functions.
_OTHER_COMMAND = re.compile(
    r"\\(?!(?:[dt]?frac|sqrt|cdot|times|div|pm|mp|left|right|text(?:rm|bf)?|math(?:rm|bf|it)|operatorname|circ|degree|boxed|fbox"
    r"|q?quad|approx|sim|leq?|geq?|lt|gt|neq?|to|rightarrow|in|infty|cup|cap|alpha|beta|gamma|delta|epsilon|eta|theta|kappa"
    r"|lambda|mu|nu|pi|rho|sigma|tau|phi|chi|psi|omega|Delta|Omega|ln|log|lg|exp|sin|cos|tan)(?![A-Za-z]))[A-Za-z]"
)
_FUNCTION = re.compile(r"(?:ln|log|lg|exp|sin|cos|tan)(?![a-z])")
_POWER = re.compile(r"\^|\*\*")
# A number of two digits, a fraction of such, a letter, a charge, a degree sign; no power of it again.
_EXPONENT = r"[-+]?\d{1,2}(?:[./]\d{1,2})?|\d?[-+]|[A-Za-z]|\\circ|\\degree|[-+]?\\[dt]?frac\{?\d{1,2}\}?\{?\d{1,2}\}?"
_SMALL_POWER = re.compile(
    rf"(?:\^|\*\*)\s*(?:\{{\s*(?:{_EXPONENT})\s*\}}|\(\s*(?:{_EXPONENT})\s*\)|(?:{_EXPONENT})(?![\d.eE]))(?!\s*(?:\^|\*\*))"
)
_POWER_OF_GROUP = re.compile(r"[)}\]]\s*(?:\^|\*\*)\s*[{(]?\s*[-+]?(\d+)")
_LARGEST_POWER = 16  # of a bracket, which sympy multiplies out
# Each division in a row doubles sympy's work, each bracket in a bracket its parser's.
_DIVISION = re.compile(r"/|\\div|\\[dt]?frac")
_MOST_DIVISIONS = 12
_DEEPEST = 8
_BOX = re.compile(r"\\f?boxed\s*\{")
_JSON = re.compile(r"[\"'](?:final_|correct_)?answer[\"']\s*:\s*(?:[\"']([^\"\n]*)[\"']|([^,}\n]+))", re.I)
_STATED = re.compile(
    r"(?<![A-Za-z])(?:answer|ans|result|solution)(?:\s+(?:to|for)[^.:\n]{0,60}?|\s+(?:here|would|should|must))?\s*"
    r"(?:(?:is|be|are)(?![A-Za-z])(?:\s*(?:therefore|thus|approximately|about|roughly|around|equal to))?|[:=≈])[\s:]*",
    re.I,
)
# A full stop after a single capital is an initial ("H. pylori").
_SENTENCE = re.compile(r"\n|(?<!\s[A-Z])(?<!^[A-Z])[.!?](?=\s|$)")
_FINISHED = re.compile(r"[.!?:)\]}\"'*$%]\s*$|\d\s*\S{0,16}\s*$")
_RESULT = re.compile(r"\b(?:is|are|was|equals|gives|yields|of)\b|[:=≈]")
# "This corresponds to stage 3 (30-44)", "A BMI between 18.5 and 24.9 is normal" explain a result and are none.
_EXPLAINS = re.compile(
    r"\W*(?:this|these|it|which|such|values?|an?|note|normal|he|she|the patient)\b[^=≈]*\b(?:correspond|indicat|suggest|mean|impl|consider"
    r"|classif|categor|plac|fall|within|above|below|between|normal|risk|defin|recommend|should)",
    re.I,
)
_SENTENCES_BACK = 4
_ARTICLES = frozenset(("a", "an", "the"))
_IN_BRACKETS = re.compile(r"\s*\([^()]*\)")
_CLAUSE = re.compile(r"[,;]?\s+(?:because|since|as|which|due to|given|based on)\b|[,;]\s", re.I)
_NAMED = re.compile(r"\b(?:is|are|was|be|has|have|with)\s+|:\s*", re.I)


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
    """The words in which a completion states its answer: boxed, in JSON, after "the answer is", or its last result.

    The last result is the last sentence, or one of the few before it where the last ones only explain it.
    """
    text = answering_part(completion).text.strip()
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
    if not sentences:
        return None
    if _FINISHED.search(text[-20:]):
        for sentence in reversed(sentences[-_SENTENCES_BACK:]):
            if any(c.isdigit() for c in sentence) and _RESULT.search(sentence) and not _EXPLAINS.match(sentence):
                return sentence
    return sentences[-1]


def grade_number(
    completion: str, answer: str, lower: str | float | None = None, upper: str | float | None = None
) -> tuple[bool, str | None, Found]:
    """Whether a completion gives the number, date or ("8 weeks", "6 days") asked for; what was found, and how.

    With bounds the value must lie within them, ends included; without, it must equal the answer.
    """
    passage = answer_passage(completion)
    if not passage:
        return False, None, Found.EMPTY if not completion.strip() else Found.NOTHING
    for read in (read_date, read_age):
        gold = read(answer)
        if gold:
            found = read(tidy(passage)) or read(tidy(answering_part(completion).text[-400:]))
            if not found:
                return False, None, Found.NOTHING
            low, high = (read(str(bound)) if bound is not None else gold for bound in (lower, upper))
            return (low or gold)[1] <= found[1] <= (high or gold)[1], found[0], Found.VALUE
    found = read_number(tidy(passage))
    if not found:
        return False, None, Found.NOTHING
    low, high = (float(str(bound).replace(",", "")) if bound is not None else None for bound in (lower, upper))
    if low is not None and high is not None:
        slack = 1e-9 * max(abs(low), abs(high), 1.0)
        return low - slack <= found.value <= high + slack, found.written, Found.VALUE
    gold_value = read_number(tidy(answer))
    right = gold_value is not None and math.isclose(found.value, gold_value.value, rel_tol=1e-6, abs_tol=1e-12)
    return right or _same_formula(passage, answer), found.written, Found.VALUE


def _is_small(formula: str) -> bool:
    """Whether a formula is sure to be computed at once: 10^{10^{10}} or 9999999! would take until the machine is full."""
    if len(formula) > _LONGEST_FORMULA or "!" in formula:
        return False
    if _OTHER_COMMAND.search(formula) or len(_FUNCTION.findall(formula)) > 1:
        return False
    depths = accumulate((letter in "([{") - (letter in ")]}") for letter in formula)
    if len(_DIVISION.findall(formula)) > _MOST_DIVISIONS or max(depths, default=0) > _DEEPEST:
        return False
    if len(_POWER.findall(formula)) != len(_SMALL_POWER.findall(formula)):
        return False
    return math.prod(int(number) for number in _POWER_OF_GROUP.findall(formula)) <= _LARGEST_POWER


def _same_formula(passage: str, answer: str) -> bool:
    if not (_is_small(passage) and _is_small(answer)):
        return False
    from math_verify import verify

    gold, said = _parse(answer.strip("$ ")), _parse(passage.strip("$ ."))
    return bool(gold and said and verify(gold, said, timeout_seconds=None))


def _words(text: str) -> list[str]:
    return [token.folded for token in tokens(text) if token.folded not in _ARTICLES]


def grade_text(completion: str, answer: str) -> tuple[bool, str | None, Found]:
    """Whether a completion's answer is the same words or the same formula; what was found, and how.

    The words count as a whole: alone, before a reason or a remark in brackets, or after "is" and the like.
    """
    passage = answer_passage(completion)
    if not passage:
        return False, None, Found.EMPTY if not completion.strip() else Found.NOTHING
    gold, said = _words(tidy(answer)), tidy(passage)
    clause = _CLAUSE.search(said)
    for form in (said, _IN_BRACKETS.sub("", said), said[: clause.start()] if clause else said):
        named = list(_NAMED.finditer(form))
        for words in (form, form[named[-1].end() :] if named else form):
            if gold and _words(words) == gold:
                return True, words.strip(), Found.VALUE
    return _same_formula(passage, answer), passage, Found.VALUE

"""The letter that a completion commits to, read as a careful reader would; abstains where that reader could not say.

1. sections.py finds the part that answers: after the thinking, in the last answer tags, before an invented question.
2. statements.py and passing.py read every commitment in it with its place and weight ("the answer is (B)", "C is wrong").
3. Here they are weighed in the order in which they were written: a later one takes over when the text says that it
   corrects or concludes, else two different ones are no answer.
4. Where nothing was stated, weak.py looks at what the last sentences conclude with, and checklist.py at lists that
   judge the options one by one.
"""

import re

from open_r1.answers.checklist import judged_option, ticked_option
from open_r1.answers.found import Found
from open_r1.answers.normalise import tidy
from open_r1.answers.options import Options, read_options
from open_r1.answers.phrases import CONCLUDES, CORRECTS, DOUBTS, TAKEN_BACK
from open_r1.answers.reading import ANSWER, FINAL, WEAK, Commitment, Reading
from open_r1.answers.sections import Part, answering_part
from open_r1.answers.short import boxed_spans, json_answer, read_first_line, read_last_line, read_short
from open_r1.answers.statements import read_statements
from open_r1.answers.weak import closing_text, concluding_text, emphasised_option, pointed_letter

# A long completion is read from its end: first its last lines, then more of it, then its beginning and the places where
# it speaks of its answer. What was weighed pages before is not what it ends with.
_LONG = 3000
_LAST, _TAIL, _HEAD = 250, 1500, 600
_SENTENCE_START = re.compile(r"[.!?]\s|\n")
_WORKED = 60
_BENCHMARK_FORM = re.compile(
    r"answer is (?:\(([A-Z])(?![A-Za-z'])\)?|([A-Z])(?=\s*(?:$|[,:;)(\n]|\.(?!\s*[a-z](?!\))))|\s+(?:and|or)\s+\(?[A-Z]\b))"
)

Choice = tuple[str | None, Found]


def extract(completion: str | None, options: dict[str, str]) -> Choice:
    """The letter a completion commits to and how it was found; (None, reason) where a careful reader would abstain.

    `options` maps letters to texts; texts may be empty, then letters alone are read. The letter comes back as the key
    it has in `options`.
    """
    if not completion or not completion.strip():
        return None, Found.EMPTY
    part = answering_part(completion)
    if not part.text.strip():
        return None, Found.EMPTY
    known = read_options(options)
    if len(part.text) <= _LONG:
        choice, reading = _read(tidy(part.text), known, whole=True)
        return _concluded(part, reading, known) if choice[1] is Found.NOTHING else choice
    for reach in (_LAST, _TAIL):
        choice, reading = _read(tidy(_from_sentence(part.text, len(part.text) - reach)), known, whole=False)
        if choice[1] is not Found.NOTHING:
            return choice
    if reading.last_decline < 0:
        for passage, first in _earlier(part.text):
            choice, _ = _read(tidy(passage), known, whole=first)
            if choice[1] is not Found.NOTHING:
                return choice
    return _concluded(part, reading, known)


def extract_choice(completion: str | None, options: dict[str, str]) -> str | None:
    """The letter a completion commits to, or None where a careful reader would abstain."""
    return extract(completion, options)[0]


def _from_sentence(text: str, at: int) -> str:
    start = _SENTENCE_START.search(text, at)
    return text[start.end() :] if start else text[at:]


def _to_sentence(text: str, start: int, end: int) -> str:
    """The text between two places up to its last full sentence: a word cut in two is no letter."""
    last = max(text.rfind(sign, start, end) for sign in (". ", "! ", "? ", "\n"))
    return text[start : last + 1] if last > start else text[start:end]


def _earlier(text: str) -> list[tuple[str, bool]]:
    """Places before the tail of a long text where it may have answered: the last "answer is", then its beginning."""
    places = [text.rfind(sign, 0, len(text) - _TAIL) for sign in ("answer is", "Answer:", "boxed{")]
    at = max(places)
    said = [(_to_sentence(text, max(0, at - 300), at + 300), False)] if at >= 0 else []
    return [*said, (_to_sentence(text, 0, _HEAD), True)]


def _read(text: str, options: Options, *, whole: bool) -> tuple[Choice, Reading]:
    """What the text states, and the reading from which a conclusion may be drawn when it states nothing."""
    text = options.spelled_out(text)
    reading = Reading(text)
    short = read_short(text, options) if whole else None
    if not short and ("[" in text or "☐" in text):
        short = ticked_option(text, options)
    if not short and "{" in text and ('"' in text or "'" in text):
        short = json_answer(text, options)
    if short:
        return short, reading
    reading = read_statements(text, options, last_only=not whole)
    if "\\boxed" in text or "\\fbox" in text:
        reading.commitments += [
            Commitment(letters, how, FINAL, start, end) for letters, how, start, end in boxed_spans(text, options)
        ]
    first = read_first_line(text, options) if whole else None
    if first:
        reading.commitments.append(Commitment(*first, ANSWER, 0, 0))
    last = read_last_line(text, options)
    if last and not any(text[c.end :].strip() == "" for c in reading.commitments):
        reading.commitments.append(Commitment(*last, FINAL, len(text), len(text)))
    choice = _weigh(reading)
    if choice[1] is not Found.DECLINED:
        as_taught = _benchmark_letter(reading, choice)
        if as_taught in options.letters:
            choice = options.letters[as_taught], Found.LETTER
    return choice, reading


def _concluded(part: Part, reading: Reading, options: Options) -> Choice:
    choice = closing_text(reading, options)
    if choice[1].answered:
        return choice
    choice = pointed_letter(reading, options)
    if choice[1] in (Found.NOTHING, Found.SEVERAL):
        choice = judged_option(reading.text, options) or choice
    if choice[1] is Found.NOTHING:
        choice = concluding_text(reading, options, tagged=part.tagged)
    return emphasised_option(part.text, options) if choice[1] is Found.NOTHING else choice


def _weigh(reading: Reading) -> Choice:
    """Weigh the commitments in the order of the text; a later one rules when it corrects, concludes or is final."""
    text, current, conflict = reading.text, None, False
    for new in sorted(reading.commitments, key=lambda c: c.start):
        if new.withdraws:
            # "The answer is (A). … The answer is (B) is also incorrect": A was meant as incorrect too.
            if current and (
                new.also or (new.letters & current.letters and CORRECTS.search(text, current.end, new.start))
            ):
                current, conflict = None, False
            continue
        if current is None:
            if new.weight > WEAK:
                current = new
            continue
        corrects = CORRECTS.search(text, current.end, new.start) is not None
        if new.weight == WEAK:
            if corrects and new.letters != current.letters and new.concluding:
                current, conflict = new, False
            elif new.letters != current.letters and DOUBTS.search(text, current.end, new.start):
                conflict = True
            continue
        if new.letters == current.letters and new.letters:
            better = current.how if new.how is Found.LETTER else new.how
            weight = max(current.weight, new.weight)
            current, conflict = new._replace(how=better, weight=weight), conflict and new.weight < current.weight
        elif (
            # "The answer is either (C) or (E). … I choose (C)."
            (current.how is Found.SEVERAL and new.how.answered and new.letters < current.letters)
            or current.how is Found.DECLINED
            or new.weight > current.weight
            or corrects
            or CONCLUDES.search(text, reading.sentence_start(new.start), new.start)
        ):
            if new.weight >= current.weight or corrects or current.how is Found.DECLINED:
                current, conflict = new, False
        elif new.weight == current.weight:
            current, conflict = new, True
    if current is None:
        return None, Found.NOTHING
    if conflict:
        return None, Found.SEVERAL
    denied = any(c.withdraws and c.weight > WEAK for c in reading.commitments)
    if denied and current.end >= len(text.rstrip()) and not text.rstrip().endswith((".", "!")):
        # "The answer is (D) is incorrect because … The answer is (F)" breaks off before it says the same of F.
        return None, Found.NOTHING
    letters = [letter for letter in current.letters if not letter.startswith("?")]
    if current.how.answered and len(letters) == 1:
        return letters[0], current.how
    return None, current.how


def _benchmark_letter(reading: Reading, choice: Choice) -> str | None:
    """The letter of the one sentence "the answer is (X)" that ends worked reasoning, as the benchmark itself reads it.

    MMLU-Pro teaches its examples' closing sentence and grades by it alone: the first letter of "The answer is (G) and
    (H)", and the sentence's letter where another text or remark follows. Agreement with published results needs that
    reading, so it holds where reasoning stands before the sentence, one letter only is so named, and nothing after it
    corrects it. A bare "The answer is (A) or (B)" stays no answer.
    """
    text = reading.text
    named = list(_BENCHMARK_FORM.finditer(text))
    letters = {m[1] or m[2] for m in named}
    if len(letters) != 1 or named[0].start() < _WORKED or choice[0] in letters or choice[1] is Found.TEXT:
        return None
    at = named[-1].end()
    taken_back = any(TAKEN_BACK.match(text, m.end()) for m in named)
    withdrawn = any(c.withdraws and c.letters & letters and c.start >= at for c in reading.commitments)
    if taken_back or (choice[0] and CORRECTS.search(text, at)) or (choice[1] is Found.NOTHING and withdrawn):
        return None
    return letters.pop()

"""The letter that a completion commits to, read as a careful reader would; abstains where that reader could not say.

First the part that answers is found (sections.py). In it every commitment is read with its place and weight
(statements.py), then the commitments are weighed against each other in the order in which they were written (here):
a later one takes over when the text says that it corrects or concludes, else two different ones are no answer.
"""

import re

from open_r1.answers.found import Found
from open_r1.answers.normalise import tidy
from open_r1.answers.options import Options, read_options
from open_r1.answers.phrases import CONCLUDES, CORRECTS, TAKEN_BACK
from open_r1.answers.sections import answering_part
from open_r1.answers.short import boxed_spans, json_answer, read_first_line, read_last_line, read_short
from open_r1.answers.statements import ANSWER, FINAL, WEAK, Commitment, Reading, read_statements
from open_r1.answers.weak import concluding_text, pointed_letter

# A long completion is read from its end first: what was weighed pages before is not what it ends with.
_TAIL = 1500
_WORKED = 140
_BENCHMARK_FORM = re.compile(r"answer is \(?([A-Z])(?![A-Za-z'])\)?")

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
    if len(part.text) > 2 * _TAIL:
        tail = _from_sentence(part.text, len(part.text) - _TAIL)
        choice = _read(tidy(tail), known, tagged=part.tagged, whole=False)
        if choice[1] is not Found.NOTHING:
            return choice
    return _read(tidy(part.text), known, tagged=part.tagged, whole=True)


def extract_choice(completion: str | None, options: dict[str, str]) -> str | None:
    """The letter a completion commits to, or None where a careful reader would abstain."""
    return extract(completion, options)[0]


def _from_sentence(text: str, at: int) -> str:
    start = re.compile(r"[.!?]\s|\n").search(text, at)
    return text[start.end() :] if start else text[at:]


def _read(text: str, options: Options, *, tagged: bool, whole: bool) -> Choice:
    if whole:
        short = read_short(text, options)
        if short:
            return short
    if "{" in text and '"' in text:
        stated = json_answer(text, options)
        if stated:
            return stated
    reading = read_statements(text, options)
    if "\\boxed" in text or "\\fbox" in text:
        reading.commitments += [
            Commitment(letters, how, FINAL, start, end) for letters, how, start, end in boxed_spans(text, options)
        ]
    if whole:
        first = read_first_line(text, options)
        if first:
            reading.commitments.append(Commitment(*first, ANSWER, 0, 0))
    last = read_last_line(text, options)
    if last and not any(text[c.end :].strip() == "" for c in reading.commitments):
        reading.commitments.append(Commitment(*last, FINAL, len(text), len(text)))
    choice = _weigh(reading, options)
    if choice[1] is not Found.DECLINED:
        as_taught = _benchmark_letter(text, choice)
        if as_taught in options.letters:
            return options.letters[as_taught], Found.LETTER
    if choice[1] is Found.NOTHING:
        choice = pointed_letter(reading, options)
    if choice[1] is Found.NOTHING:
        choice = concluding_text(reading, options, tagged=tagged)
    return choice


def _weigh(reading: Reading, options: Options) -> Choice:
    """Weigh the commitments in the order of the text; a later one rules when it corrects, concludes or is final."""
    text, current, conflict = reading.text, None, False
    for new in sorted(reading.commitments, key=lambda c: c.start):
        if new.withdraws:
            # "The answer is (A). … The answer is (B) is also incorrect": A was meant as incorrect too.
            if current and (new.also or (new.letters & current.letters and CORRECTS.search(text, current.end, new.start))):
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
            continue
        if new.letters == current.letters and new.letters:
            better = current.how if new.how is Found.LETTER else new.how
            weight = max(current.weight, new.weight)
            current, conflict = new._replace(how=better, weight=weight), conflict and new.weight < current.weight
        elif new.weight > current.weight or corrects or CONCLUDES.search(text, reading.sentence_start(new.start), new.start):
            if not (new.weight < current.weight and not corrects):
                current, conflict = new, False
        elif new.weight == current.weight:
            current, conflict = new, True
    if current is None:
        return None, Found.NOTHING
    if conflict:
        return None, Found.SEVERAL
    letters = [letter for letter in current.letters if not letter.startswith("?")]
    if current.how.answered and len(letters) == 1:
        return letters[0], current.how
    return None, current.how


def _benchmark_letter(text: str, choice: Choice) -> str | None:
    """The letter of the one sentence "the answer is (X)" that ends worked reasoning, as the benchmark itself reads it.

    MMLU-Pro teaches its examples' closing sentence and grades by it alone: the first letter of "The answer is (G) and
    (H)", and the sentence's letter where another text or remark follows. Agreement with published results needs that
    reading, so it holds where reasoning stands before the sentence, one letter only is so named, and nothing after it
    corrects it. A bare "The answer is (A) or (B)" stays no answer.
    """
    named = list(_BENCHMARK_FORM.finditer(text))
    if len({m[1] for m in named}) != 1 or named[0].start() < _WORKED or named[0][1] == choice[0]:
        return None
    if any(TAKEN_BACK.match(text, m.end()) for m in named) or (choice[0] and CORRECTS.search(text, named[-1].end())):
        return None
    return named[0][1]

"""What was understood of a file of your own questions, in lines to read before anything is written."""

from collections import Counter
from pathlib import Path
from textwrap import indent, shorten

from open_r1.answers import grade
from open_r1.questions import own
from open_r1.questions.files import BadRow, brief, read_rows
from open_r1.questions.leakage import normalised
from open_r1.questions.record import Kind, Question, question_text

WIDTH = 100  # of a value that is shown
MOST_BAD = 5  # bad rows that are shown
FEW = 20  # answers from which one letter's share says something
GRADED = 1000  # questions whose own answer is given to the judge


def preview(file: Path, columns: dict | None, questions: list[Question], rejects: list[BadRow]) -> str:
    """Which column is read as what, what kinds of questions came of it, the first of each kind as a model is asked it, and
    what looks odd. `questions` and `rejects` are what `own.load` made of the file with `columns`.
    """
    columns = columns or {}
    rows = list(read_rows(file))
    there = own.column_names(rows)
    read_from = own.columns_read(columns, there)
    form = f" ({columns['answer_form']})" if "answer_form" in columns else ""
    lines = [f"{file}: {len(rows):,} rows, {len(questions):,} understood"]
    lines += [
        f"  {field:12} <- {', '.join(names)}{form if field == 'answer' else ''}" for field, names in read_from.items()
    ]
    used = {name for names in read_from.values() for name in names}
    if unused := [name for name in there if name not in used]:
        lines.append(f"  {'not read':12}    {', '.join(unused)}")
    for kind, number in Counter(question.kind for question in questions).items():
        own_kind = [question for question in questions if question.kind is kind]
        lines += [f"  {number:,} {kind}: {_answers(own_kind)}", "    the first, as a model is asked it:"]
        lines.append(indent(question_text(own_kind[0]), "      | "))
        lines.append(f"      right: {_right(own_kind[0])}")
    lines += [f"  bad: {bad}" for bad in rejects[:MOST_BAD]]
    if len(rejects) > MOST_BAD:
        lines.append(f"  bad: {len(rejects) - MOST_BAD:,} more rows")
    if rejects and "answer_form" not in columns and (form := _better_form(file, columns, len(rejects))):
        lines.append(f"  look: more rows can be read with --map answer_form={form}")
    return "\n".join(lines + [f"  look: {line}" for line in odd(questions)])


def _better_form(file: Path, columns: dict, bad: int) -> str | None:
    """The way of writing answers that fewest rows contradict, where that is fewer than `bad`."""
    left = {}
    for form in own.ANSWER_FORMS:
        own.load(file, columns | {"answer_form": form}, rejects=(rejects := []))
        left[form] = len(rejects)
    best = min(left, key=left.get)
    return best if left[best] < bad else None


def _answers(questions: list[Question]) -> str:
    """How answers are spread over letters, or the first few of them."""
    if not questions[0].options:
        return shorten(
            "answers " + ", ".join(question.answer for question in questions[:FEW]), WIDTH, placeholder=" ..."
        )
    sizes = Counter(len(question.options) for question in questions)
    letters = Counter(question.answer for question in questions)
    return (
        ", ".join(f"{rows:,} with {size} options" for size, rows in sorted(sizes.items()))
        + "; right answers "
        + ", ".join(f"{letter} {rows:,}" for letter, rows in sorted(letters.items()))
    )


def _right(question: Question) -> str:
    limits = [question.metadata[name] for name in own.LIMITS if name in question.metadata]
    within = f" (from {limits[0]} to {limits[1]})" if limits else ""
    return f"{question.answer}. {question.answer_text}" if question.options else question.answer + within


def odd(questions: list[Question]) -> list[str]:
    """What is probably not meant, each with what to do about it."""
    found = []
    texts = [question for question in questions if question.kind is Kind.TEXT]
    if texts and all(_is_number(question.answer) for question in texts):
        found.append("every answer without options is a number; --map kind=number grades 5.0 like 5")
    elif texts and {question.answer.lower() for question in texts} <= set(own.YES_NO_MAYBE):
        found.append(
            "every answer without options is yes, no or maybe; --map kind=yes-no-maybe asks with these as choices"
        )
    repeated = Counter(normalised(question_text(question)) for question in questions)
    if more := sum(times - 1 for times in repeated.values()):
        found.append(
            f"questions that repeat an earlier one: {more:,}; drawn for training and test, they leak from one to the other"
        )
    unknown = [q for q in questions[:GRADED] if not grade(f"<answer>{q.answer}</answer>", q).correct]
    if unknown:
        found.append(
            f"answers that are not recognised even when a model repeats them: {len(unknown):,}, first that of "
            f"{unknown[0].id}: {brief(unknown[0].answer)}; no completion can be right there"
        )
    with_options = [question for question in questions if question.options]
    if len(with_options) >= FEW:
        (letter, times), *_ = Counter(question.answer for question in with_options).most_common()
        fair = sum(1 / len(question.options) for question in with_options)
        if times > 2 * fair:
            found.append(
                f"{letter} is right in {times:,} of {len(with_options):,} rows; a model learns to say {letter}. Is the answer "
                "column the right one, and answer_form?"
            )
    if same := sum(len(set(question.options.values())) < len(question.options) for question in questions):
        found.append(f"questions with the same option twice: {same:,}; the judge takes the letter alone there")
    return found


def _is_number(text: str) -> bool:
    try:
        float(text.replace(",", ""))
    except ValueError:
        return False
    return True

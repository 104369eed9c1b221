"""Grade a file of completions with the project's one judge.

    python scripts/grade_completions.py IN.jsonl --output OUT.jsonl

Each line of IN is an object with `completion` (text or null), `options` (letter: text) and `answer` (the right letter);
other fields pass through, and a row of a prepared folder with a `completion` beside its columns is one too. OUT has the same lines with `extracted` (letter or null), `how`, `correct` and `truncated`
added. Lines without options are graded as a number or a text, with `lower_limit` and `upper_limit` where they are
given. Accuracy, abstentions and truncations are printed as counts and as shares of all lines. A bad line stops the run
with exit status 2 and leaves no output.
"""

import argparse
import json
import math
import os
import re
import sys
from collections import Counter
from pathlib import Path

from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from open_r1.answers import grade
from open_r1.private import owner_only
from open_r1.questions import question_from_row
from open_r1.questions.files import DataError, refuse_other_forms
from open_r1.questions.prepared import COLUMNS
from open_r1.questions.record import Kind, Question

_NUMERIC = re.compile(r"\s*[-+]?[\d.,]*\d[\d.,]*(?:[eE][-+]?\d+)?\s*$|\s*\d{1,2}/\d{1,2}/\d{4}\s*$|.*\d+ weeks?\b")


class BadRow(ValueError):
    """A line that cannot be graded; the message names the field."""


def read_row(line: str) -> dict:
    """One line as a row with the fields that grading needs; raises BadRow."""
    try:
        row = json.loads(line)
    except json.JSONDecodeError as error:
        raise BadRow(f"not JSON: {error.msg} at column {error.colno}") from None
    if not isinstance(row, dict):
        raise BadRow(f"expected an object, found {type(row).__name__}")
    if "completion" not in row:
        raise BadRow("field completion: missing")
    if row["completion"] is not None and not isinstance(row["completion"], str):
        raise BadRow(f"field completion: expected text or null, found {type(row['completion']).__name__}")
    if is_prepared(row):
        return row
    options = row.get("options")
    if options is not None:
        if not isinstance(options, dict) or not all(isinstance(text, str) for text in options.values()):
            raise BadRow("field options: expected an object of letter: text")
        wrong = [letter for letter in options if not re.fullmatch(r"[A-Za-z]", letter)]
        if wrong:
            raise BadRow(f"field options: expected single letters as keys, found {wrong[0]!r}")
    answer = row.get("answer")
    if options and answer not in list(options):
        raise BadRow(f"field answer: expected one of {', '.join(options)}, found {answer!r}")
    if not options and (answer is None or isinstance(answer, bool | list | dict) or not _finite(answer)):
        raise BadRow(f"field answer: expected a text or a number, found {answer!r}")
    for limit in ("lower_limit", "upper_limit"):
        value = row.get(limit)
        if value is None:
            continue
        plain = isinstance(value, int | float) and not isinstance(value, bool)
        if not (plain and _finite(value)) and not (isinstance(value, str) and _NUMERIC.match(value)):
            raise BadRow(f"field {limit}: expected a number or a date, found {row[limit]!r}")
    return row


def is_prepared(row: dict) -> bool:
    """Whether a row has all the columns of a prepared folder."""
    return set(COLUMNS) <= row.keys()


def _finite(value) -> bool:
    return not isinstance(value, float) or math.isfinite(value)


def question_of(row: dict) -> Question:
    """The question that a row's completion answers, as far as grading needs it; raises BadRow for a broken prepared row."""
    if is_prepared(row):
        try:
            question = question_from_row(row)
        except (KeyError, TypeError, ValueError):
            question = None
        if question is None or (question.options and question.answer not in question.options):
            raise BadRow("has all columns of a prepared folder, and is not as scripts/data_prepare.py writes rows")
        return question
    options, answer = row.get("options") or {}, str(row["answer"])
    limits = {key: row[key] for key in ("lower_limit", "upper_limit") if row.get(key) is not None}
    kind = Kind.CHOICE if options else Kind.NUMBER if limits or _NUMERIC.match(answer) else Kind.TEXT
    return Question("", "", "", "", options, answer, kind, metadata=limits)


def main() -> int:
    parser = argparse.ArgumentParser(description="Grade a file of completions with the project's one judge.")
    parser.add_argument("input", type=Path, help="JSON lines with completion, options and answer")
    parser.add_argument("--output", type=Path, required=True, help="the same lines with the grades added")
    args = parser.parse_args()
    beside = args.output.with_name(args.output.name + f".{os.getpid()}.part")
    counts: Counter[str] = Counter()
    number = 0
    try:
        refuse_other_forms(args.input)
        with (
            args.input.open(encoding="utf-8-sig", newline="\n") as lines,
            # Half of a surrogate pair, which a model may write, goes back into the escape that it came from.
            open(beside, "w", encoding="utf-8", errors="backslashreplace", opener=owner_only) as out,
        ):
            for line in tqdm(lines, unit="row", desc="grading", mininterval=0.5, disable=None):
                number += 1
                if not line.strip():
                    continue
                row = read_row(line)
                result = grade(row["completion"], question_of(row))
                row |= {
                    "extracted": result.extracted,
                    "how": result.how.value,
                    "correct": result.correct,
                    "truncated": result.truncated,
                }
                out.write(json.dumps(row, ensure_ascii=False) + "\n")
                counts.update(rows=1, correct=result.correct, abstained=not result.how.answered, cut=result.truncated)
        if not counts["rows"]:
            raise DataError(f"{args.input}: no lines to grade")
        os.replace(beside, args.output)
    except BadRow as error:
        print(f"{args.input}, line {number}: {error}", file=sys.stderr)
        return 2
    except DataError as error:
        print(error, file=sys.stderr)
        return 2
    except (OSError, UnicodeDecodeError) as error:
        print(f"{args.input}: {error}", file=sys.stderr)
        return 2
    finally:
        beside.unlink(missing_ok=True)
    for name, key in (("accuracy", "correct"), ("abstentions", "abstained"), ("truncations", "cut")):
        share = counts[key] / counts["rows"] if counts["rows"] else 0.0
        print(f"{name:12} {counts[key]:>7} of {counts['rows']} ({share:.1%})")
    return 0


if __name__ == "__main__":
    sys.exit(main())

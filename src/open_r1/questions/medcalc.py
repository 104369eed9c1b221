"""MedCalc-Bench: a patient note and a clinical calculator's question; answers are numbers, dates or weeks and days."""

import re
from functools import partial
from pathlib import Path

from open_r1.questions import counts
from open_r1.questions.files import (
    BadRow,
    Row,
    check_split,
    find_files,
    hub_parts,
    load_hub_rows,
    read_parts,
    to_questions,
)
from open_r1.questions.record import Kind, Question

SOURCE = "medcalc"
SPLITS = ("test", "train")
EVALUATION_SPLITS = ("test",)
HUB = "ncbi/MedCalc-Bench-v1.0"
# Releases differ in their labels, and none is pinned here: `load_hub` asks for a revision.
REVISION = None
DATE = re.compile(r"\d{1,2}/\d{1,2}/\d{4}")
WEEKS_AND_DAYS = re.compile(r"\('\d+ weeks?', '\d+ days?'\)")
# The benchmark's word for the answer field, and our name for the two bounds that an answer may lie between.
ANSWER, LIMITS = "Ground Truth Answer", {"lower_limit": "Lower Limit", "upper_limit": "Upper Limit"}


def find(root: Path | str, split: str = "test") -> list[Path]:
    """The file that holds a split, as CSV (test_data.csv and later names), JSON lines or the hub's parquet."""
    check_split(SOURCE, split, SPLITS)
    names = [f"{split}.jsonl", f"{split}.csv", f"{split}_data*.csv", f"{split}.parquet", *hub_parts(split)]
    return find_files(root, names + [f"dataset/{split}_data*.csv"], f"MedCalc-Bench {split}")


def load(root: Path | str, split: str = "test", rejects: list[BadRow] | None = None) -> list[Question]:
    """MedCalc-Bench from files on disk, in file order.

    `answer` and the bounds `lower_limit` and `upper_limit` in `metadata` are the dataset's own strings: "141.042",
    "11/09/2012" (month/day/year) or "('8 weeks', '6 days')". The note is the context. Raises BadRow, DataError,
    FileNotFoundError.
    """
    rows = read_parts(find(root, split))
    questions = to_questions(rows, partial(_question, split=split), rejects)
    counts.check(SOURCE, split, questions)
    return questions


def load_hub(
    split: str = "test", revision: str | None = REVISION, path: str = HUB, rejects: list[BadRow] | None = None
) -> list[Question]:
    """MedCalc-Bench from the hub; `path` may name a later release (ncbi/MedCalc-Bench-v1.2), `revision` is needed."""
    check_split(SOURCE, split, SPLITS)
    rows = load_hub_rows(path, None, split, revision)
    questions = to_questions(rows, partial(_question, split=split), rejects)
    counts.check(SOURCE, split, questions)
    return questions


def _question(row: Row, split: str) -> Question:
    kind = row.one_of("Output Type", ("decimal", "integer", "date"))
    answer = _value(row, ANSWER, kind)
    limits = {name: _value(row, field, kind) for name, field in LIMITS.items()}
    metadata = {
        "output_type": kind,
        **limits,
        **{
            name.lower().replace(" ", "_"): value
            for name, value in row.metadata("Calculator ID", "Calculator Name", "Category", "Note Type").items()
        },
    }
    number = row.data.get("Row Number")
    return Question(
        id=f"medcalc-{split}-{number if number not in (None, '') else row.where.split()[-1]}",
        source=SOURCE,
        split=split,
        stem=row.text("Question").strip(),
        options={},
        answer=answer,
        kind=Kind.NUMBER,
        context=row.text("Patient Note").strip(),
        metadata=metadata,
    )


def _value(row: Row, field: str, kind: str) -> str:
    raw = row.data.get(field)
    # The hub's columns may be numeric.
    text = str(raw).strip() if isinstance(raw, int | float | str) and not isinstance(raw, bool) else ""
    if kind == "date":
        fits, expected = DATE.fullmatch(text), "a date MM/DD/YYYY"
    elif kind == "integer":
        fits, expected = _is_number(text) or WEEKS_AND_DAYS.fullmatch(text), "a number or ('N weeks', 'N days')"
    else:
        fits, expected = _is_number(text), "a number"
    if not fits:
        raise row.bad(field, f"{expected}, found {text!r}")
    return text


def _is_number(text: str) -> bool:
    return re.fullmatch(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", text) is not None

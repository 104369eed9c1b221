"""MedMCQA: 4 options, the right one in `cop`, which counts from 0 on the hub and from 1 in the raw release."""

from functools import partial
from pathlib import Path

from open_r1.questions import counts
from open_r1.questions.files import (
    BadRow,
    DataError,
    Row,
    brief,
    check_split,
    find_files,
    hub_parts,
    load_hub_rows,
    read_parts,
    to_questions,
    whole,
)
from open_r1.questions.record import Question

SOURCE = "medmcqa"
SPLITS = ("train", "validation")
EVALUATION_SPLITS = ("validation",)
HUB = "openlifescienceai/medmcqa"
REVISION = "91c6572c454088bf71b679ad90aa8dffcd0d5868"
COLUMNS = {"A": "opa", "B": "opb", "C": "opc", "D": "opd"}


def find(root: Path | str, split: str = "train", cop_base: int | None = None) -> list[Path]:
    """The file that holds a split, or the parts of it; the raw release calls the validation split `dev.json`."""
    check_split(SOURCE, split, SPLITS)
    names = ("validation", "dev") if split == "validation" else ("train",)
    candidates = [f"{name}.{suffix}" for name in names for suffix in ("jsonl", "json", "csv", "parquet")]
    return find_files(root, [*candidates, *hub_parts(split)], f"MedMCQA {split}")


def load(
    root: Path | str, split: str = "train", cop_base: int | None = None, rejects: list[BadRow] | None = None
) -> list[Question]:
    """MedMCQA from files on disk, in file order.

    `cop_base` 0 or 1 says from where `cop` counts. Without it the labels must tell: a 0 among them means 0-based, a
    4 means 1-based; both or neither is an error that asks for it. White space at the edges of stem and options is
    stripped, all else kept. Raises BadRow, DataError, FileNotFoundError.
    """
    paths = find(root, split)
    return _questions(list(read_parts(paths)), paths[0], split, cop_base, rejects)


def load_hub(
    split: str = "train",
    revision: str | None = REVISION,
    path: str = HUB,
    cop_base: int | None = None,
    rejects: list[BadRow] | None = None,
) -> list[Question]:
    """MedMCQA from the hub at a pinned revision."""
    check_split(SOURCE, split, SPLITS)
    return _questions(list(load_hub_rows(path, None, split, revision)), path, split, cop_base, rejects)


def _questions(rows, path, split, cop_base, rejects) -> list[Question]:
    if cop_base is None:
        cop_base = _cop_base({whole(row.data.get("cop")) for row in rows if isinstance(row, Row)}, path)
    questions = to_questions(rows, partial(_question, split=split, cop_base=cop_base), rejects)
    counts.check(SOURCE, split, questions)
    return questions


def _cop_base(labels: set, path: Path | str) -> int:
    if (0 in labels) == (4 in labels):
        seen = "both 0 and 4" if 0 in labels else "neither 0 nor 4"
        raise DataError(
            f"{path}, field 'cop': {seen} among the labels, so that they do not tell whether `cop` counts from 0 "
            "or 1; say it with cop_base (--medmcqa_cop_base)"
        )
    return 0 if 0 in labels else 1


def _question(row: Row, split: str, cop_base: int) -> Question:
    cop = whole(row.data.get("cop"))
    if cop is None or not 0 <= cop - cop_base <= 3:
        raise row.bad("cop", f"an integer from {cop_base} to {cop_base + 3}, found {brief(row.data.get('cop'))}")
    return Question(
        id=row.text("id"),
        source=SOURCE,
        split=split,
        stem=row.text("question").strip(),
        options={letter: row.text(column).strip() for letter, column in COLUMNS.items()},
        answer="ABCD"[cop - cop_base],
        metadata=row.metadata("choice_type", "subject_name", "topic_name", "exp"),
    )

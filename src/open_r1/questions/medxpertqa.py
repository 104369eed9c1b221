"""MedXpertQA (TsinghuaC3I/MedXpertQA): Text with 10 options, MM with 5 options and images."""

from functools import partial
from pathlib import Path

from open_r1.questions import counts
from open_r1.questions.files import (
    BadRow,
    Row,
    brief,
    check_split,
    find_files,
    load_hub_rows,
    read_parts,
    to_questions,
)
from open_r1.questions.options import lettered
from open_r1.questions.record import Question, render_options

SPLITS = ("test", "dev")
# There is no training split: its test file is trained on, as upstream does, and the manifest keeps the ids.
EVALUATION_SPLITS = ()
SOURCES = {"Text": "medxpertqa", "MM": "medxpertqa_mm"}
HUB = "TsinghuaC3I/MedXpertQA"
REVISION = "7e7c465a68eb2b866926bfa59c8c9d17a8daba65"
MARKER = "\nAnswer Choices: "


def find(root: Path | str, split: str = "test", subset: str = "Text") -> list[Path]:
    """The file, or the parts, of a split of `subset` (Text or MM); `root` holds Text/ and MM/, or is one of them."""
    check_split(SOURCES[subset], split, SPLITS)
    root = Path(root).expanduser()
    # A folder is taken for the subset's own only by its name: Text/ and MM/ hold files of the same names.
    names = [f"{split}.jsonl", f"{split}.parquet", f"{split}-*.parquet"]
    candidates = [f"{subset}/{name}" for name in names] + (names if root.resolve().name == subset else [])
    return find_files(root, candidates, f"MedXpertQA {subset} {split}")


def load(
    root: Path | str, split: str = "test", subset: str = "Text", rejects: list[BadRow] | None = None
) -> list[Question]:
    """MedXpertQA from files on disk, in file order; text is kept as it is.

    `question` ends with the choices inline. They are taken off once, and only when they equal the options word for
    word: options hold newlines and "(D)", so that no pattern can find where they begin. A row without them is fine,
    a row whose inline choices differ from its options is bad. Raises BadRow, DataError, FileNotFoundError.
    """
    rows = read_parts(find(root, split, subset))
    questions = to_questions(rows, partial(_question, split=split, subset=subset), rejects)
    counts.check(SOURCES[subset], split, questions)
    return questions


def load_hub(
    split: str = "test",
    revision: str | None = REVISION,
    path: str = HUB,
    subset: str = "Text",
    rejects: list[BadRow] | None = None,
) -> list[Question]:
    """MedXpertQA from the hub at a pinned revision."""
    check_split(SOURCES[subset], split, SPLITS)
    rows = load_hub_rows(path, subset, split, revision)
    questions = to_questions(rows, partial(_question, split=split, subset=subset), rejects)
    counts.check(SOURCES[subset], split, questions)
    return questions


def _question(row: Row, split: str, subset: str) -> Question:
    # Where both subsets are one table, MM's five options have nulls beside them.
    options = {
        letter: text for letter, text in lettered(row, "options", row.parsed("options")).items() if text is not None
    }
    images = row.data.get("images") or []
    if not isinstance(images, list) or not all(isinstance(name, str) for name in images):
        raise row.bad("images", f"a list of file names, found {brief(images)}")
    if subset == "MM" and not images:
        raise row.bad("images", "at least one file name, found nothing")
    label = row.one_of("label", options)
    if not options[label].strip():
        raise row.bad("options", f"a text for the right letter {label}, found {brief(options)}")
    return Question(
        id=row.text("id"),
        source=SOURCES[subset],
        split=split,
        stem=_stem(row, options),
        options=options,
        answer=label,
        images=tuple(images),
        # `question_type` must be there: the split between training and test rows is stratified on it.
        metadata={"question_type": row.text("question_type"), **row.metadata("medical_task", "body_system")},
    )


def _stem(row: Row, options: dict[str, str]) -> str:
    question = row.text("question")
    inline = MARKER + render_options(options)
    if question.endswith(inline):
        return question[: -len(inline)]
    if MARKER in question:
        raise row.bad("question", "inline answer choices equal to `options`, found others")
    return question

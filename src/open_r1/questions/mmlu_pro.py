"""MMLU-Pro, by default its medical part: the categories health and biology, 3 to 10 options."""

from functools import partial
from pathlib import Path

from open_r1.questions import counts
from open_r1.questions.files import (
    BadRow,
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
from open_r1.questions.options import lettered
from open_r1.questions.record import Question

SOURCE = "mmlu_pro"
SPLITS = ("test", "validation")
EVALUATION_SPLITS = ("test",)
HUB = "TIGER-Lab/MMLU-Pro"
# Answers changed between revisions (question 2817 was F, then E), so that a score means nothing without this.
REVISION = "527feea0afed1de15a8c115abf7be4c912123315"
MEDICAL = ("health", "biology")


def find(root: Path | str, split: str = "test") -> list[Path]:
    """The file that holds a split, as JSON lines or as the hub's parquet, in however many parts."""
    check_split(SOURCE, split, SPLITS)
    return find_files(root, [f"{split}.jsonl", f"{split}.parquet", *hub_parts(split)], f"MMLU-Pro {split}")


def load(
    root: Path | str,
    split: str = "test",
    categories: tuple[str, ...] = MEDICAL,
    rejects: list[BadRow] | None = None,
) -> list[Question]:
    """MMLU-Pro rows of the given categories from files on disk, in file order.

    White space at the edges of stem and options is stripped, "N/A" with which some copies fill ten options up is left out,
    all else kept: options may differ only in case. Stems come again with other options, so a row is known by its
    `question_id`. Raises BadRow, DataError, FileNotFoundError.
    """
    return _questions(read_parts(find(root, split)), split, categories, rejects)


def load_hub(
    split: str = "test",
    revision: str | None = REVISION,
    path: str = HUB,
    categories: tuple[str, ...] = MEDICAL,
    rejects: list[BadRow] | None = None,
) -> list[Question]:
    """MMLU-Pro rows of the given categories from the hub at a pinned revision."""
    check_split(SOURCE, split, SPLITS)
    return _questions(load_hub_rows(path, None, split, revision), split, categories, rejects)


def _questions(rows, split, categories, rejects) -> list[Question]:
    questions = to_questions(rows, partial(_question, split=split, categories=categories), rejects)
    if tuple(categories) == MEDICAL:
        counts.check(SOURCE, split, questions)
    return questions


def _question(row: Row, split: str, categories: tuple[str, ...]) -> Question | None:
    if row.text("category") not in categories:
        return None
    raw, number = lettered(row, "options", row.parsed("options")), row.data.get("question_id")
    options = {letter: (text or "").strip() for letter, text in raw.items()}
    if not isinstance(number, int | str):
        raise row.bad("question_id", f"a number, found {brief(number)}")
    letter, index = row.one_of("answer", options), row.data.get("answer_index")
    while (last := max(options)) > letter and options[last] == "N/A":
        del options[last]
    if len(options) < 2 or not options[letter]:
        raise row.bad("options", f"2 to 26 texts, found {brief(list(options.values()))}")
    place = list(options).index(letter)
    if index not in (None, "") and whole(index) != place:
        raise row.bad("answer_index", f"{place}, the place of answer {letter}; found {brief(index)}")
    return Question(
        id=str(number),
        source=SOURCE,
        split=split,
        stem=row.text("question").strip(),
        options=options,
        answer=letter,
        metadata=row.metadata("category", "src"),
    )

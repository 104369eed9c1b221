"""PubMedQA, the expert-labelled questions (PQA-L): yes, no or maybe from an abstract without its conclusion."""

from functools import partial
from pathlib import Path

from open_r1.questions import counts
from open_r1.questions.files import (
    BadRow,
    DataError,
    Row,
    brief,
    check_split,
    find_file,
    load_hub_rows,
    read_json,
    read_rows,
    to_questions,
)
from open_r1.questions.record import Kind, Question

SOURCE = "pubmedqa"
# `test` is the official 500 of test_ground_truth.json, `train` the other 500. Papers report on 1,000 or on 500.
SPLITS = ("all", "train", "test")
EVALUATION_SPLITS = ("all", "test")
HUB = "qiaojin/PubMedQA"
REVISION = "9001f2853fb87cab8d220904e0de81ac6973b318"
OPTIONS = {"A": "yes", "B": "no", "C": "maybe"}
LETTERS = {text: letter for letter, text in OPTIONS.items()}


def find(root: Path | str, split: str = "all") -> list[Path]:
    """ori_pqal.json or the hub's parquet, and test_ground_truth.json beside it unless all 1,000 rows are asked for."""
    check_split(SOURCE, split, SPLITS)
    names = ["ori_pqal.json", "data/ori_pqal.json", "pqa_labeled/train-*.parquet", "train-*.parquet"]
    path = find_file(root, names, "PubMedQA")
    return [path] if split == "all" else [path, find_file(path.parent, ["test_ground_truth.json"], "PubMedQA test")]


def load(root: Path | str, split: str = "all", rejects: list[BadRow] | None = None) -> list[Question]:
    """PubMedQA from files on disk: the parts of the abstract, one a line, are the context.

    The label is `final_decision`; what models or annotators predicted is not read. Raises BadRow, DataError,
    FileNotFoundError.
    """
    path, *ground_truth = find(root, split)
    parquet = path.suffix == ".parquet"
    rows = [(_pmid(row), row) for row in read_rows(path)] if parquet else _raw_rows(path)
    truth = read_json(ground_truth[0]) if ground_truth else {}
    if not isinstance(truth, dict):
        raise DataError(f"{ground_truth[0]}: expected one JSON object of PMIDs and answers")
    if missing := sorted(truth.keys() - {pmid for pmid, _ in rows}):
        raise DataError(f"{ground_truth[0]}: PMID {missing[0]} is not in {path}")
    wanted = [row for pmid, row in rows if split == "all" or (pmid in truth) == (split == "test")]
    convert = partial(_from_hub if parquet else _from_file, split=split, truth=truth)
    questions = to_questions(wanted, convert, rejects)
    counts.check(SOURCE, split, questions)
    return questions


def load_hub(
    split: str = "all", revision: str | None = REVISION, path: str = HUB, rejects: list[BadRow] | None = None
) -> list[Question]:
    """PubMedQA's 1,000 labelled rows from the hub at a pinned revision; the hub does not say which 500 are the test."""
    if split != "all":
        raise DataError(f"{path} has no list of the official test rows; load split '{split}' from the raw files")
    rows = load_hub_rows(path, "pqa_labeled", "train", revision)
    questions = to_questions(rows, partial(_from_hub, split=split, truth={}), rejects)
    counts.check(SOURCE, split, questions)
    return questions


def _raw_rows(path: Path) -> list[tuple[str, Row | BadRow]]:
    """The PMIDs and rows of ori_pqal.json."""
    rows = read_json(path)
    if not isinstance(rows, dict):
        raise DataError(f"{path}: expected one JSON object of PMIDs and rows")
    return [
        (
            pmid,
            Row(path, f"PMID {pmid}", data)
            if isinstance(data, dict)
            else BadRow(path, f"PMID {pmid}", "", f"an object, found {brief(data)}", data),
        )
        for pmid, data in rows.items()
    ]


def _pmid(row: Row) -> str:
    """The PMID of a row of the hub's."""
    return str(row.data.get("pubid"))


def _label(row: Row, pmid: str, truth: dict[str, str]) -> str:
    """The right answer; raises BadRow when test_ground_truth.json has another one."""
    label = row.one_of("final_decision", LETTERS)
    if pmid in truth and truth[pmid] != label:
        raise row.bad("final_decision", f"{truth[pmid]!r} as in test_ground_truth.json, found {label!r}")
    return label


def _from_file(row: Row, split: str, truth: dict[str, str]) -> Question:
    pmid = row.where.removeprefix("PMID ")
    label = _label(row, pmid, truth)
    metadata = {name.lower(): value for name, value in row.metadata("YEAR", "MESHES", "LONG_ANSWER").items()}
    return _question(row, pmid, split, row.text("QUESTION"), row.data.get("CONTEXTS"), label, metadata)


def _from_hub(row: Row, split: str, truth: dict[str, str]) -> Question:
    context = row.data.get("context")
    contexts = context.get("contexts") if isinstance(context, dict) else None
    label, metadata = _label(row, _pmid(row), truth), row.metadata("long_answer")
    return _question(row, _pmid(row), split, row.text("question"), contexts, label, metadata)


def _question(row: Row, pmid: str, split: str, stem: str, contexts, label: str, metadata: dict) -> Question:
    if not isinstance(contexts, list) or not contexts or not all(isinstance(part, str) for part in contexts):
        raise row.bad("CONTEXTS", f"a list of texts, found {brief(contexts)}")
    return Question(
        id=pmid,
        source=SOURCE,
        split=split,
        stem=stem.strip(),
        options=dict(OPTIONS),
        answer=LETTERS[label],
        kind=Kind.YES_NO_MAYBE,
        context="\n".join(contexts),
        metadata=metadata,
    )

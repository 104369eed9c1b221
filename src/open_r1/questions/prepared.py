"""The prepared folder: questions as rows, the same in JSON lines and in parquet, ready for a trainer.

Upstream's columns come first: `question` (what is asked, choices inline), `answer` (the letter) and `option` (always
the text of the right option). `prompt` and `reference` are what TRL and the rewards read. The rest is the record.
"""

import json
from pathlib import Path

from open_r1.questions.files import DataError, find_file, read_jsonl
from open_r1.questions.record import Kind, Question, question_text

COLUMNS = (
    "question",
    "answer",
    "option",
    "prompt",
    "reference",
    "id",
    "source",
    "split",
    "stem",
    "options",
    "kind",
    "context",
    "images",
    "difficulty",
    "metadata",
)
SPLITS = ("train", "test")

# Without this card `datasets.load_dataset(folder)` would read the JSON lines and the manifest as data too.
CARD = """---
configs:
- config_name: default
  data_files:
{data_files}
---
Questions prepared by open-medical-r1. `manifest.json` says from what, how and which.
"""


def row_from_question(question: Question) -> dict:
    """A question as a row: COLUMNS in order, `options` as a list of {letter, text}, `metadata` as JSON text."""
    text = question_text(question)
    return {
        "question": text,
        "answer": question.answer,
        "option": question.answer_text,
        "prompt": [{"role": "user", "content": text}],
        "reference": question.answer,
        "id": question.id,
        "source": question.source,
        "split": question.split,
        "stem": question.stem,
        # Not an object: parquet would give every row the letters of all rows, with nulls.
        "options": [{"letter": letter, "text": option} for letter, option in question.options.items()],
        "kind": str(question.kind),
        "context": question.context,
        "images": list(question.images),
        "difficulty": question.difficulty,
        "metadata": json.dumps(question.metadata, ensure_ascii=False),
    }


def question_from_row(row: dict) -> Question:
    """The question that a row was made of; columns beyond COLUMNS (completions, say) are ignored.

    Raises KeyError when a column of the record is missing.
    """
    return Question(
        id=row["id"],
        source=row["source"],
        split=row["split"],
        stem=row["stem"],
        options={option["letter"]: option["text"] for option in row["options"]},
        answer=row["answer"],
        kind=Kind(row["kind"]),
        context=row["context"],
        images=tuple(row["images"]),
        difficulty=row["difficulty"],
        metadata=json.loads(row["metadata"]),
    )


def write_prepared(folder: Path, splits: dict[str, list[Question]]) -> None:
    """Writes each split as .jsonl and .parquet, and the card that makes `datasets.load_dataset(folder)` work."""
    for split, questions in splits.items():
        with (folder / f"{split}.jsonl").open("w", encoding="utf-8", newline="\n") as lines:
            for question in questions:
                lines.write(json.dumps(row_from_question(question), ensure_ascii=False) + "\n")
        _write_parquet(folder / f"{split}.parquet", folder / f"{split}.jsonl")
    data_files = "\n".join(f"  - split: {split}\n    path: {split}.parquet" for split in splits)
    (folder / "README.md").write_text(CARD.format(data_files=data_files), encoding="utf-8")


def _write_parquet(path: Path, jsonl: Path) -> None:
    # Imported here: grading and rewards use this module without parquet. The rows are read back from the JSON lines:
    # building arrays from Python objects would import pandas, which takes longer than all the rest.
    import pyarrow as pa
    import pyarrow.json
    import pyarrow.parquet as pq

    pairs = {"prompt": ("role", "content"), "options": ("letter", "text")}
    types = {name: pa.list_(pa.struct([(key, pa.string()) for key in keys])) for name, keys in pairs.items()}
    types |= {"images": pa.list_(pa.string()), "difficulty": pa.float64()}
    schema = pa.schema([(name, types.get(name, pa.string())) for name in COLUMNS])
    table = pyarrow.json.read_json(
        jsonl,
        # One block for the file: a row may not be longer than a block.
        read_options=pyarrow.json.ReadOptions(use_threads=False, block_size=max(1, jsonl.stat().st_size)),
        parse_options=pyarrow.json.ParseOptions(explicit_schema=schema, unexpected_field_behavior="error"),
    )
    pq.write_table(table, path, compression="zstd")


def read_prepared(path: Path | str, split: str | None = None) -> list[Question]:
    """The questions of a prepared folder (one split, or all there are) or of one .parquet or .jsonl file of it.

    Raises FileNotFoundError, or DataError when the rows are not prepared ones.
    """
    path = Path(path).expanduser()
    if path.is_dir():
        wanted = [split] if split else [name for name in SPLITS if (path / f"{name}.parquet").exists()] or ["train"]
        files = [find_file(path, [f"{name}.parquet", f"{name}.jsonl"], "prepared questions") for name in wanted]
    else:
        files = [find_file(path, [], "prepared questions")]
    return [question for file in files for question in _read_file(file)]


def _read_file(file: Path) -> list[Question]:
    if not is_prepared(file):
        raise DataError(f"{file}: not a prepared file; it lacks columns that scripts/data_prepare.py writes")
    if file.suffix == ".parquet":
        import pyarrow.parquet as pq

        return [question_from_row(row) for row in pq.read_table(file).to_pylist()]
    questions = []
    for row in read_jsonl(file):
        if isinstance(row, DataError):
            raise row
        try:
            questions.append(question_from_row(row.data))
        except KeyError as missing:
            raise row.bad(missing.args[0], "this column of a prepared row") from None
    return questions


def is_prepared(file: Path) -> bool:
    """Whether a .parquet or .jsonl file has the columns that `question_from_row` reads."""
    if not file.is_file():
        return False
    if file.suffix == ".parquet":
        import pyarrow.parquet as pq

        names = pq.read_schema(file).names
    elif file.suffix == ".jsonl":
        first = next(read_jsonl(file), None)
        names = list(first.data) if first and not isinstance(first, DataError) else []
    else:
        return False
    return set(COLUMNS) <= set(names)

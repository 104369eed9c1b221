"""The prepared folder: written, read back and loaded by `datasets` without loss."""

import json

import pytest

from open_r1.questions import DataError, Kind, Question, load, question_from_row, read_prepared, row_from_question
from open_r1.questions.prepared import COLUMNS, write_prepared

QUESTIONS = [
    Question("1", "a", "train", "Four?", {letter: f"text {letter}" for letter in "ABCD"}, "C", metadata={"type": "x"}),
    Question(
        "2",
        "b",
        "test",
        "Ten\u2028?\x00",
        {letter: f'"{letter}"\n\t<é>' for letter in "ABCDEFGHIJ"},
        "J",
        images=("i.png",),
    ),
    Question(
        "3",
        "c",
        "all",
        "Maybe?",
        {"A": "yes", "B": "no", "C": "maybe"},
        "C",
        Kind.YES_NO_MAYBE,
        context="Abstract. 2020-01-01",
    ),
    Question(
        "4", "d", "test", "2020-01-01", {}, "11/09/2012", Kind.NUMBER, difficulty=0.25, metadata={"limits": [1, None]}
    ),
    # Options out of the alphabet's order, and texts that a reader of JSON might take for something else.
    Question("5", "e", "train", "1", {"B": "2020-01-01T00:00:00", "A": "1e5"}, "A"),
    Question("6", "f", "train", "Long? " + "x" * 3_000_000, {"A": "true", "B": "null"}, "B"),
]


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "prepared"
    folder.mkdir()
    write_prepared(folder, {"train": QUESTIONS, "test": QUESTIONS[1:2]})
    (folder / "manifest.json").write_text('{"seed": 42}')
    return folder


def test_row_has_upstream_columns_first_and_what_a_trainer_reads():
    row = row_from_question(QUESTIONS[0])
    assert list(row) == list(COLUMNS)
    assert row["question"] == "Four?\nAnswer Choices: (A) text A (B) text B (C) text C (D) text D"
    assert (row["answer"], row["option"], row["reference"]) == ("C", "text C", "C")
    assert row["prompt"] == [{"role": "user", "content": row["question"]}]
    number = row_from_question(QUESTIONS[3])
    assert (number["question"], number["option"]) == ("2020-01-01", "11/09/2012")


@pytest.mark.parametrize("name", ["train.jsonl", "train.parquet"])
def test_read_back_exactly_from_either_format(folder, name):
    read = read_prepared(folder / name)
    assert read == QUESTIONS
    assert [list(question.options) for question in read] == [list(question.options) for question in QUESTIONS]


def test_read_a_folder_by_split_or_whole(folder):
    assert read_prepared(folder, "test") == QUESTIONS[1:2]
    assert read_prepared(folder) == QUESTIONS + QUESTIONS[1:2]
    assert load(folder, split="train") == load(folder / "train.parquet") == load(folder / "train.jsonl") == QUESTIONS
    (folder / "train.parquet").unlink()
    assert read_prepared(folder, "train") == QUESTIONS


def test_datasets_loads_the_folder_with_its_splits(folder, tmp_path):
    datasets = pytest.importorskip("datasets")
    loaded = datasets.load_dataset(str(folder), cache_dir=str(tmp_path / "cache"))
    assert {split: rows.num_rows for split, rows in loaded.items()} == {"train": 6, "test": 1}
    assert loaded["train"].column_names == list(COLUMNS)
    assert [question_from_row(row) for row in loaded["train"]] == QUESTIONS
    plain = datasets.load_dataset("json", data_files=str(folder / "train.jsonl"), cache_dir=str(tmp_path / "cache"))
    assert [question_from_row(row) for row in plain["train"]] == QUESTIONS


def test_datasets_loads_a_folder_without_test_rows(tmp_path):
    datasets = pytest.importorskip("datasets")
    (tmp_path / "prepared").mkdir()
    write_prepared(tmp_path / "prepared", {"train": QUESTIONS})
    loaded = datasets.load_dataset(str(tmp_path / "prepared"), cache_dir=str(tmp_path / "cache"))
    assert list(loaded) == ["train"]


def test_question_from_row_leaves_other_columns_alone():
    assert question_from_row(row_from_question(QUESTIONS[0]) | {"completion": "x"}) == QUESTIONS[0]


def test_files_that_are_not_prepared(folder, tmp_path):
    with pytest.raises(FileNotFoundError):
        read_prepared(tmp_path / "nowhere")
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps({"stem": "?", "answer": "x"}))
    with pytest.raises(DataError, match="not a prepared file"):
        read_prepared(path)
    first = json.dumps(row_from_question(QUESTIONS[0]))
    path.write_text(f'{first}\n{{"question": "?"}}\n')
    with pytest.raises(DataError, match="line 2, field 'id': expected this column"):
        read_prepared(path)

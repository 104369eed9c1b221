"""Your own questions: column maps, and errors that say how to mend them."""

import json

import pytest
from raw_rows import write_csv, write_jsonl

from open_r1.questions import BadRow, DataError, Kind, load


def test_jsonl_under_our_own_names(tmp_path):
    path = write_jsonl(tmp_path / "mine.jsonl", [{"stem": "Which?", "options": {"A": "x", "B": "y"}, "answer": "B"}])
    (question,) = load(path)
    assert (question.id, question.source, question.split) == ("mine-1", "mine", "train")
    assert (question.options, question.answer, question.kind) == ({"A": "x", "B": "y"}, "B", Kind.CHOICE)


@pytest.mark.parametrize(
    ("form", "answer"), [("letter", "B"), ("text", "y"), ("index0", 1), ("index1", 2.0), ("index0", "1")]
)
@pytest.mark.parametrize(
    ("options", "cells"),
    [
        ("choices", {"choices": ["x", "y", "z"]}),
        ("choices", {"choices": {"A": "x", "B": "y", "C": "z"}}),
        ("choices", {"choices": json.dumps(["x", "y", "z"])}),
        ("choices", {"choices": [{"key": "A", "value": "x"}, {"key": "B", "value": "y"}, {"key": "C", "value": "z"}]}),
        ("choices", {"choices": {"C": "z", "B": "y", "A": "x", "D": None}}),
        (["o1", "o2", "o3", "o4"], {"o1": "x", "o2": "y", "o3": "z", "o4": ""}),
        ({"A": "o1", "B": "o2", "C": "o3"}, {"o1": "x", "o2": "y", "o3": "z"}),
    ],
)
def test_every_way_to_write_options_and_answer(tmp_path, form, answer, options, cells):
    path = write_jsonl(tmp_path / "mine.jsonl", [{"q": "Which?", "key": answer} | cells])
    (question,) = load(path, columns={"stem": "q", "options": options, "answer": "key", "answer_form": form})
    assert list(question.options.items()) == [("A", "x"), ("B", "y"), ("C", "z")]
    assert question.answer == "B"


def test_csv_with_every_field(tmp_path):
    row = {
        "nr": "7",
        "q": "Which?",
        "a": "x",
        "b": "y",
        "key": "A",
        "note": "Note.",
        "pictures": '["p.png"]',
        "hard": "0.25",
        "form": "yes-no-maybe",
    }
    columns = {"id": "nr", "stem": "q", "options": ["a", "b"], "answer": "key", "context": "note"}
    columns |= {"images": "pictures", "difficulty": "hard", "kind": "form"}
    (question,) = load(write_csv(tmp_path / "mine.csv", [row]), columns=columns, split="test", source="ours")
    assert (question.id, question.source, question.split, question.context) == ("7", "ours", "test", "Note.")
    assert (question.images, question.difficulty, question.kind) == (("p.png",), 0.25, Kind.YES_NO_MAYBE)


def test_questions_without_options(tmp_path):
    rows = [{"stem": "How many?", "answer": 12.5, "kind": "number"}, {"stem": "Who?", "answer": "An invented person"}]
    number, text = load(write_jsonl(tmp_path / "mine.jsonl", rows))
    assert (number.kind, number.answer, number.options) == (Kind.NUMBER, "12.5", {})
    assert (text.kind, text.answer_text) == (Kind.TEXT, "An invented person")


@pytest.mark.parametrize(
    ("change", "form", "field", "expected"),
    [
        ({"key": "C"}, "letter", "key", "one of the letters A, B"),
        ({"key": "b"}, "letter", "key", "one of the letters A, B"),
        ({"key": 2}, "index0", "key", "a whole number from 0 to 1, found 2"),
        ({"key": 0}, "index1", "key", "a whole number from 1 to 2, found 0"),
        ({"key": "z"}, "text", "key", "the text of exactly one option"),
        ({"key": None}, "letter", "key", "an answer, found nothing"),
        ({"q": " "}, "letter", "q", "a non-empty string"),
        ({"choices": 3}, "letter", "choices", "a list of texts"),
        ({"choices": "[x"}, "letter", "choices", "JSON text"),
        ({"choices": ["", "y"]}, "letter", "choices", "no blank option"),
        ({"choices": {"one": "x"}}, "letter", "choices", "letters A to Z"),
        ({"kind": "number"}, "letter", "kind", "choice or yes-no-maybe in a question with options"),
        ({"difficulty": 2}, "letter", "difficulty", "a number from 0"),
        ({"images": 5}, "letter", "images", "a file name"),
        ({"choices": ["x"]}, "letter", "choices", "at least two options"),
        ({"choices": ["x", ["y"]]}, "letter", "choices", "a text for every letter"),
        ({"choices": [{"letter": "A", "text": "x", "why": ""}]}, "letter", "choices", "a text for every letter"),
        ({"choices": None}, "letter", "choices", "options, or a `kind`"),
        ({"choices": None, "kind": "number", "key": "a few"}, "letter", "key", "a number, found 'a few'"),
        ({"key": float("nan")}, "text", "key", "an answer, found nan"),
        ({"context": ["one", "two"]}, "letter", "context", "a text or a number"),
        ({"id": {"oid": "1"}}, "letter", "id", "a text or a number"),
    ],
)
def test_bad_rows(tmp_path, change, form, field, expected):
    path = write_jsonl(tmp_path / "mine.jsonl", [{"q": "Which?", "choices": ["x", "y"], "key": "A"} | change])
    columns = {"stem": "q", "options": "choices", "answer": "key", "answer_form": form}
    with pytest.raises(BadRow) as error:
        load(path, columns=columns)
    assert f"line 1, field '{field}': expected {expected}" in str(error.value)
    rejects = []
    assert load(path, columns=columns, rejects=rejects) == []
    assert len(rejects) == 1


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"stem": "frage"}, "no column 'frage' to read stem from; it has question, key"),
        (None, "no column 'answer'"),
        ({"stem": "question", "answer": "key", "options": ["a", "b"]}, "no column 'a'"),
        ({"stem": "question", "answer": "key", "hint": "x"}, "no field 'hint'; the fields are stem"),
        ({"stem": "question", "answer": "key", "answer_form": "number"}, "answer_form must be one of letter"),
        ({"stem": ["question"], "answer": "key"}, "stem is read from one column, found"),
        ({"stem": "question", "answer": "key", "options": ["key"] * 27}, "at most 26 columns of options, found 27"),
    ],
)
def test_mistakes_in_the_column_map(tmp_path, columns, message):
    path = write_jsonl(tmp_path / "mine.jsonl", [{"question": "Which?", "key": "x"}])
    with pytest.raises(DataError, match=message) as error:
        load(path, columns=columns)
    assert not isinstance(error.value, BadRow)


def test_unknown_names_and_endings(tmp_path):
    with pytest.raises(FileNotFoundError, match="neither a file or folder nor a dataset"):
        load("medqs_usmle")
    (tmp_path / "mine.txt").write_text("x")
    with pytest.raises(DataError, match=r"must end in \.jsonl"):
        load(tmp_path / "mine.txt")


@pytest.mark.parametrize("limits", [("6", "4"), ("nan", "9"), (1, float("inf"))])
def test_limits_that_no_number_lies_between(tmp_path, limits):
    row = {"stem": "How many?", "answer": 5, "kind": "number"} | dict(
        zip(("lower_limit", "upper_limit"), limits, strict=True)
    )
    with pytest.raises(
        BadRow, match=r"field '(lower|upper)_limit': expected (a number|at most the upper limit 4, found 6)"
    ):
        load(write_jsonl(tmp_path / "mine.jsonl", [row]))


def test_a_json_array_and_a_prepared_file_are_files_of_questions_too(tmp_path):
    rows = [{"stem": "Which?", "options": [{"letter": a, "text": a * 2} for a in "AB"], "answer": "B"}] * 2
    (tmp_path / "mine.json").write_text(json.dumps(rows, indent=1))
    first, second = load(tmp_path / "mine.json")
    assert (first.options, first.answer_text) == ({"A": "AA", "B": "BB"}, "BB")
    assert (first.id, second.id) == ("mine-1", "mine-2")

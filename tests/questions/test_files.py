"""Reading files: what is a line, what is a row, and how errors name their place."""

import pytest
from raw_rows import medqa, write_jsonl

from open_r1.questions import Question, load
from open_r1.questions.files import (
    BadRow,
    DataError,
    Row,
    find_files,
    read_csv,
    read_jsonl,
    read_parquet,
    to_questions,
)


@pytest.mark.parametrize("character", ["\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c"])
def test_jsonl_ends_lines_at_newline_only(tmp_path, character):
    path = tmp_path / "rows.jsonl"
    escaped = character if ord(character) > 0x1F else f"\\u{ord(character):04x}"
    path.write_bytes(f'{{"a": "x{escaped}y"}}\r\n\n{{"a": "z"}}'.encode())
    first, second = read_jsonl(path)
    assert (first.data, first.where) == ({"a": f"x{character}y"}, "line 1")
    assert (second.data, second.where) == ({"a": "z"}, "line 3")


def test_jsonl_byte_order_mark(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"a": 1}\n')
    assert [row.data for row in read_jsonl(path)] == [{"a": 1}]


@pytest.mark.parametrize(
    "line", [b'{"a": ', b"[1]", b'{"a": "\xff"}', b'{"a": "\\ud83d"}', b'{"a": "\xed\xa0\xbd"}', b'"text"']
)
def test_jsonl_bad_line_is_located_and_the_rest_is_read(tmp_path, line):
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b'{"a": 1}\n' + line + b'\n{"a": "\\ud83d\\ude00"}\n')
    good, bad, pair = read_jsonl(path)
    assert isinstance(bad, BadRow)
    assert (bad.where, bad.path) == ("line 2", path)
    assert good.data == {"a": 1}
    assert pair.data == {"a": "\U0001f600"}


def test_csv_cells_hold_line_breaks_and_errors_name_the_line(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_bytes('\ufeffa,b\n"x\ny","\u2028"\n1,2,3\nlast,row\n'.encode())
    first, bad, last = read_csv(path)
    assert (first.data, first.where) == ({"a": "x\ny", "b": "\u2028"}, "line 2")
    assert isinstance(bad, BadRow)
    assert "line 4: expected 2 columns as in the header, found 3" in str(bad)
    assert (last.data, last.where) == ({"a": "last", "b": "row"}, "line 5")


@pytest.mark.parametrize(
    ("header", "delimiter"), [("a;b", ";"), ("a\tb", "\t"), ('"a";"b, or c"', ";"), ('a,"b;c;d"', ","), ("a,b", ",")]
)
def test_csv_delimiter_is_the_headers(tmp_path, header, delimiter):
    path = tmp_path / "rows.csv"
    path.write_text(f"{header}\n1{delimiter}2\n{delimiter}\n")
    (row,) = read_csv(path)
    assert list(row.data.values()) == ["1", "2"], "a row of blank cells alone is a blank line"


@pytest.mark.parametrize("content", [b"a\n\xff\n", b'a,b\n"x,1\n', b"a,b,a\n1,2,3\n"])
def test_csv_that_is_none(tmp_path, content):
    path = tmp_path / "rows.csv"
    path.write_bytes(content)
    with pytest.raises(DataError, match=str(path)):
        list(read_csv(path))


def test_row_errors_say_what_was_found_in_few_words():
    error = Row("file.jsonl", "line 7", {"a": 3, "b": "x" * 500}).bad("a", "a letter")
    assert str(error) == "file.jsonl, line 7, field 'a': expected a letter"
    with pytest.raises(BadRow, match=r"found 'xxx.*\.\.\.$") as long:
        Row("file.jsonl", "line 7", {"b": "x" * 500}).one_of("b", "AB")
    assert len(str(long.value)) < 140


@pytest.mark.parametrize("read", [read_jsonl, read_csv])
@pytest.mark.parametrize(
    ("content", "remedy"),
    [
        (b"\x1f\x8b\x08", "packed by gzip; unpack it"),
        (b"PK\x03\x04\x14", "save the sheet as CSV"),
        ("a,b".encode("utf-16"), "UTF-16; save it as UTF-8"),
        (b"PAR1\x15", "let its name end in .parquet"),
    ],
)
def test_files_of_another_form_are_called_by_it(tmp_path, read, content, remedy):
    (tmp_path / "rows").write_bytes(content)
    with pytest.raises(DataError, match=remedy) as error:
        list(read(tmp_path / "rows"))
    assert not isinstance(error.value, BadRow)


def test_a_broken_parquet_file(tmp_path):
    (tmp_path / "rows.parquet").write_bytes(b"PAR1 broken off")
    with pytest.raises(DataError, match=r"rows\.parquet: not a whole parquet file"):
        list(read_parquet(tmp_path / "rows.parquet"))


def test_a_json_array_has_rows_and_places(tmp_path):
    path = tmp_path / "rows.json"
    path.write_text('\n[{"a": 1}, "text", {"a": "\\ud83d"}]')
    good, text, half = read_jsonl(path)
    assert (good.data, good.where) == ({"a": 1}, "row 1")
    assert "row 2: expected a JSON object, found 'text'" in str(text)
    assert "row 3: expected text that UTF-8 can hold" in str(half)
    path.write_text('[{"a": 1},')
    with pytest.raises(DataError, match=r"rows\.json: not a JSON array"):
        list(read_jsonl(path))


def test_all_parts_of_a_file_are_read_or_none(tmp_path):
    parts = [f"train-0000{n}-of-00002.jsonl" for n in range(2)]
    for number, name in enumerate(parts):
        write_jsonl(tmp_path / "data" / name, [medqa(number)])
    found = find_files(tmp_path, ["train.jsonl", "data/train-*.jsonl"], "rows")
    assert [path.name for path in found] == parts
    (tmp_path / "data" / parts[0]).unlink()
    with pytest.raises(DataError, match="found 1 of the 2 parts of rows; fetch all of them"):
        find_files(tmp_path, ["data/train-*.jsonl"], "rows")
    for name in ("test_data.csv", "test_data_v2.csv"):
        (tmp_path / name).touch()
    with pytest.raises(DataError, match=r"test_data\.csv and test_data_v2\.csv are there; name one"):
        find_files(tmp_path, ["test_data*.csv"], "rows")


def test_a_folder_of_the_hubs_cache_stands_for_its_snapshot(tmp_path):
    for number, revision in enumerate(("aaa", "bbb")):
        write_jsonl(tmp_path / "snapshots" / revision / "phrases_no_exclude_train.jsonl", [medqa(number)])
    with pytest.raises(DataError, match="several snapshots are there; name one of them"):
        load("medqa_usmle", tmp_path)
    (tmp_path / "refs").mkdir()
    (tmp_path / "refs" / "main").write_text("bbb")
    assert load("medqa_usmle", tmp_path) == load("medqa_usmle", tmp_path / "snapshots" / "bbb")


def test_ids_are_unique_whatever_the_file_calls_its_rows():
    names = ["x", "x", "x#2", "x", "y#2", "y", "y"]
    questions = to_questions(names, lambda name: Question(name, "mine", "train", "Which?", {}, "1"), None)
    assert [question.id for question in questions] == ["x", "x#2", "x#2#2", "x#3", "y#2", "y", "y#3"]
    assert [question.metadata.get("repeats") for question in questions] == [None, "x", "x#2", "x", None, None, "y"]

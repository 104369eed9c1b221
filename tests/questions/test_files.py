"""Reading files: what is a line, what is a row, and how errors name their place."""

import pytest

from open_r1.questions.files import BadRow, DataError, Row, read_csv, read_jsonl


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


@pytest.mark.parametrize("content", [b"a\n\xff\n", b'a,b\n"x,1\n'])
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

import json
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from open_r1.questions import Kind, Question, row_from_question

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "grade_completions.py"
ROW = {"completion": "The answer is B.", "options": {"A": "x", "B": "y"}, "answer": "B", "id": 7}


def run(tmp_path, *lines):
    source, output = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_text(
        "".join(line if isinstance(line, str) else json.dumps(line) + "\n" for line in lines), encoding="utf-8"
    )
    command = [sys.executable, str(SCRIPT), str(source), "--output", str(output)]
    return subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False), output


def test_grades_and_passes_other_fields_through(tmp_path):
    number = {"completion": "The answer is 5.1", "answer": "5", "lower_limit": 4.9, "upper_limit": 5.2}
    dose = Question(
        "i", "s", "test", "How much?", {}, "5", Kind.NUMBER, metadata={"lower_limit": "4", "upper_limit": "6"}
    )
    prepared = row_from_question(dose) | {"completion": "The answer is 5.5"}
    half = {**ROW, "completion": "\ud83d The answer is A."}
    lines = [ROW, {**ROW, "completion": None}, {**ROW, "completion": "We look at the"}, number, prepared, half]
    done, output = run(tmp_path, "\ufeff", *lines)
    rows = [json.loads(line) for line in output.read_text(encoding="utf-8").splitlines()]
    assert done.returncode == 0, done.stderr
    assert [row["extracted"] for row in rows] == ["B", None, None, "5.1", "5.5", "A"]
    assert [row["correct"] for row in rows] == [True, False, False, True, True, False]
    assert [row["truncated"] for row in rows] == [False, False, True, False, False, False]
    assert [row["completion"] for row in rows] == [line["completion"] for line in lines]
    assert (rows[0]["how"], rows[1]["how"], rows[0]["id"]) == ("letter", "empty", 7)
    assert "3 of 6 (50.0%)" in done.stdout
    assert stat.S_IMODE(output.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("line", "field"),
    [
        ("{not json\n", "not JSON"),
        ({"options": {"A": "x"}, "answer": "A"}, "completion"),
        ({**ROW, "completion": 3}, "completion"),
        ({**ROW, "options": ["x", "y"]}, "options"),
        ({**ROW, "answer": "C"}, "answer"),
        ({"completion": "5"}, "answer"),
        ("[1]\n", "object"),
        ({**ROW, "answer": ["B"]}, "answer"),
        ({"completion": "5", "answer": float("nan")}, "answer"),
        ({"completion": "5", "answer": 5, "lower_limit": float("nan"), "upper_limit": 6}, "lower_limit"),
    ],
)
def test_a_bad_row_is_named_and_leaves_no_output(tmp_path, line, field):
    done, output = run(tmp_path, ROW, line)
    assert done.returncode == 2
    assert "in.jsonl, line 2" in done.stderr and field in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["in.jsonl"] and not output.exists()


@pytest.mark.parametrize(("content", "message"), [(b"", "no lines to grade"), (b"\x1f\x8b\x08", "packed by gzip")])
def test_a_file_without_lines_is_named_and_leaves_no_output(tmp_path, content, message):
    (tmp_path / "in.jsonl").write_bytes(content)
    command = [sys.executable, str(SCRIPT), str(tmp_path / "in.jsonl"), "--output", str(tmp_path / "out.jsonl")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (
        done.returncode == 2
        and f"in.jsonl: {'' if content == b'' else 'expected UTF-8 text, and this is '}{message}" in done.stderr
    )
    assert [path.name for path in tmp_path.iterdir()] == ["in.jsonl"]


def test_a_missing_file_is_one_line(tmp_path):
    command = [sys.executable, str(SCRIPT), str(tmp_path / "none.jsonl"), "--output", str(tmp_path / "out.jsonl")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "none.jsonl" in done.stderr and "Traceback" not in done.stderr

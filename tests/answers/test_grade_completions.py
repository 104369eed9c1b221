import json
import stat
import subprocess
import sys
from pathlib import Path

import pytest

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
    done, output = run(tmp_path, ROW, {**ROW, "completion": None}, {**ROW, "completion": "We look at the"}, number)
    rows = [json.loads(line) for line in output.read_text(encoding="utf-8").splitlines()]
    assert done.returncode == 0, done.stderr
    assert [row["extracted"] for row in rows] == ["B", None, None, "5.1"]
    assert [row["correct"] for row in rows] == [True, False, False, True]
    assert [row["truncated"] for row in rows] == [False, False, True, False]
    assert (rows[0]["how"], rows[1]["how"], rows[0]["id"]) == ("letter", "empty", 7)
    assert "2 of 4 (50.0%)" in done.stdout
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
    ],
)
def test_a_bad_row_is_named_and_leaves_no_output(tmp_path, line, field):
    done, output = run(tmp_path, ROW, line)
    assert done.returncode == 2
    assert "in.jsonl, line 2" in done.stderr and field in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["in.jsonl"] and not output.exists()


def test_a_missing_file_is_one_line(tmp_path):
    command = [sys.executable, str(SCRIPT), str(tmp_path / "none.jsonl"), "--output", str(tmp_path / "out.jsonl")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "none.jsonl" in done.stderr and "Traceback" not in done.stderr

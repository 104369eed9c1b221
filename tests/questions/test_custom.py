"""Your own questions through data_prepare.py --custom: what was understood is shown before anything is written."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from raw_rows import write_csv, write_jsonl

from open_r1.questions import Kind, read_prepared

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "data_prepare.py"


@pytest.fixture
def choices(tmp_path):
    """Twenty-four rows in columns of a user's, answers as texts, one question twice."""
    rows = [
        {
            "nr": str(n),
            "vignette": f"Case {n % 23}: which?",
            "a": "rest",
            "b": "splint",
            "c": "",
            "key": key,
            "by": "me",
        }
        for n in range(24)
        for key in ["rest" if n % 3 else "splint"]
    ]
    return write_csv(tmp_path / "choices.csv", rows)


def test_a_file_is_shown_then_written(script, choices, tmp_path, capsys):
    flags = ["--custom", str(choices), "--map", "question=vignette", "options=a,b,c", "--map", "answer=key", "id=nr"]
    flags += ["answer_form=text", "--custom_test_size", "0.25", "--output_dir", str(tmp_path / "out")]
    assert script.main([*flags, "--preview"]) == 0
    shown = capsys.readouterr().out
    assert not (tmp_path / "out").exists() and shown.endswith("nothing written (--preview)\n")
    for line in (
        "24 rows, 24 understood",
        "stem         <- vignette",
        "options      <- a, b, c",
        "answer       <- key (text)",
        "not read        by",
        "24 choice: 24 with 2 options; right answers A 16, B 8",
        "| Answer Choices: (A) rest (B) splint",
        "right: B. splint",
        "questions that repeat an earlier one: 1",
    ):
        assert line in shown
    assert script.main(flags) == 0
    assert capsys.readouterr().out.startswith(shown.removesuffix("nothing written (--preview)\n"))
    assert [len(read_prepared(tmp_path / "out", split)) for split in ("train", "test")] == [18, 6]
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["settings"]["columns"]["options"] == ["a", "b", "c"]


def test_the_way_of_writing_answers_is_suggested_and_nothing_written(script, choices, tmp_path, capsys):
    flags = ["--custom", str(choices), "--map", "question=vignette", "options=a,b,c", "answer=key"]
    assert script.main([*flags, "--output_dir", str(tmp_path / "out")]) == 2
    said = capsys.readouterr()
    assert "0 understood" in said.out and "bad: 19 more rows" in said.out and "--map answer_form=text" in said.out
    assert "line 2, field 'key': expected one of the letters A, B" in said.err and not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("answers", "kind", "hint", "read"),
    [
        (["4", "2.50", 12], "number", "--map kind=number", [("4", {}), ("2.50", {}), ("12", {})]),
        (["Yes", "no", "NO"], "yes-no-maybe", "--map kind=yes-no-maybe", [("A", {}), ("B", {}), ("B", {})]),
        (["measles", "mumps", "rubella"], "text", None, [("measles", {}), ("mumps", {}), ("rubella", {})]),
    ],
)
def test_answers_without_options(script, tmp_path, capsys, answers, kind, hint, read):
    path = write_jsonl(tmp_path / "open.jsonl", [{"q": f"Question {n}?", "a": a} for n, a in enumerate(answers)])
    flags = ["--custom", str(path), "--map", "question=q", "answer=a", "--output_dir", str(tmp_path / "out")]
    assert script.main([*flags, "--preview"]) == 0
    shown = capsys.readouterr().out
    assert (hint is None and "look:" not in shown) or hint in shown
    assert script.main([*flags, "--map", f"kind={kind}"]) == 0
    assert "look:" not in capsys.readouterr().out
    questions = sorted(read_prepared(tmp_path / "out", "train"), key=lambda question: question.stem)
    assert [(question.answer, question.metadata) for question in questions] == read
    assert {question.kind for question in questions} == {Kind(kind)}
    assert questions[0].options == ({"A": "yes", "B": "no"} if kind == "yes-no-maybe" else {})


def test_a_number_with_limits_and_an_answer_that_no_one_can_give(script, tmp_path, capsys):
    rows = [
        {"question": "How many mL/h?", "answer": "125", "lower_limit": 120, "upper_limit": 130},
        {"question": "And then?", "answer": "10 to 20", "lower_limit": "", "upper_limit": None},
    ]
    path = write_jsonl(tmp_path / "dose.jsonl", rows)
    flags = ["--custom", str(path), "--map", "question=question", "kind=number", "--output_dir", str(tmp_path / "out")]
    assert script.main(flags) == 0
    shown = capsys.readouterr().out
    assert "right: 125 (from 120 to 130)" in shown
    assert "not recognised even when a model repeats them: 1, first that of dose-2: '10 to 20'" in shown
    limits = {question.answer: question.metadata for question in read_prepared(tmp_path / "out", "train")}
    assert limits == {"125": {"lower_limit": "120", "upper_limit": "130"}, "10 to 20": {}}


def test_files_of_one_name_are_told_apart(script, tmp_path, capsys):
    rows = [{"question": "Which?", "options": ["x", "y"], "answer": "A"}]
    paths = [write_jsonl(tmp_path / folder / "mine.jsonl", rows) for folder in ("one", "two")]
    flags = ["--custom", str(paths[0]), "--custom", str(paths[1]), "--output_dir", str(tmp_path / "out")]
    assert script.main(flags) == 0
    assert {(q.source, q.id) for q in read_prepared(tmp_path / "out")} == {
        ("one/mine", "one/mine-1"),
        ("two/mine", "two/mine-1"),
    }
    (tmp_path / "one/mine.json").write_text(json.dumps(rows))
    flags[3:4] = [str(tmp_path / "one/mine.json"), "--overwrite"]
    assert script.main(flags) == 2
    assert "rows are known by the name of their file; give one of them another name" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--map", "question"], "--map question: expected FIELD=COLUMN"),
        (["--map", "question=q", "stem=q"], "--map stem=q: this field is already mapped, to q"),
        (["--map", "question=q", "--columns", "null"], "leave one of the two flags out"),
        (
            ["--map", "question=q", "answer=a", "kind=numbers"],
            "or one of choice, yes-no-maybe, number, text for all rows",
        ),
        (["--custom_test_size", "1.5"], "--custom_test_size 1.5: give a share between 0 and 1"),
        (["--test_dataset", "{file}:1", "--custom_test_size", "0.5"], "divides whole files"),
        (["--dataset", "{file}"], "this file is already asked for"),
        (["--custom", "medqa_usmle"], "medqa_usmle is a dataset, for --dataset"),
        (["--preset", "dataset1", "--medqa_usmle_root", "."], "--preset dataset1 is a whole mixture"),
    ],
)
def test_mistakes_on_the_command_line(script, tmp_path, capsys, flags, message):
    path = write_jsonl(tmp_path / "open.jsonl", [{"q": "Question?", "a": "x"}])
    flags = [flag.format(file=path) for flag in flags]
    assert script.main(["--custom", str(path), *flags, "--output_dir", str(tmp_path / "out")]) == 2
    assert message in capsys.readouterr().err and not (tmp_path / "out").exists()


@pytest.mark.parametrize(("typed", "written"), [("n", False), ("y", True)])
def test_a_person_at_a_terminal_is_asked(tmp_path, typed, written):
    path = write_jsonl(tmp_path / "open.jsonl", [{"question": "Question?", "answer": "x"}])
    ours, theirs = pty.openpty()
    command = [sys.executable, str(SCRIPT), "--custom", str(path), "--output_dir", str(tmp_path / "out")]
    process = subprocess.Popen(command, stdin=theirs, stdout=subprocess.PIPE, text=True)
    os.write(ours, f"{typed}\n".encode())
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 0 and f"Write this to {tmp_path / 'out'}? [y/N]" in said
    assert (tmp_path / "out").exists() is written and ("nothing written" in said) is not written

"""Talking to the tiny model: at a real terminal, for scripts, over a server, and what is refused."""

import io
import json
import os
import pty
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_model import save_tiny_model

from open_r1.answers.sections import answering_part
from open_r1.chat.__main__ import NOTICE, as_question, main, paragraphs, result, told
from open_r1.chat.display import Screen, Splitter, reasoning_of
from open_r1.chat.replies import Ending

ROOT = Path(__file__).parents[2]
R1 = "<think>\nIt is the \x1b[31mheart.\n</think>\n<answer>\n(B) heart\n</answer>"
HUATUO = "## Thinking\n\nThe heart beats.\n\n## Final Response\n\nThe answer is B."
QUESTION = "Which organ beats?\na) liver\nb) heart"


def shown(completion: str, cuts: list[int]) -> list[tuple[bool, str]]:
    """What a splitter shows of a completion that comes in pieces, neighbours of a kind joined."""
    splitter, parts = Splitter(), []
    places = sorted({min(cut, len(completion)) for cut in cuts} | {0, len(completion)})
    pieces = [completion[a:b] for a, b in pairwise(places)]
    for piece in pieces:
        parts += splitter.feed(piece)
    parts += splitter.feed("", last=True)
    joined: list[tuple[bool, str]] = []
    for reasoning, text in parts:
        if joined and joined[-1][0] is reasoning:
            joined[-1] = (reasoning, joined[-1][1] + text)
        else:
            joined.append((reasoning, text))
    return joined


@settings(max_examples=100, deadline=None)
@given(st.sampled_from([R1, HUATUO, "no marks < here", "a <b> # c"]), st.lists(st.integers(0, 90), max_size=12))
def test_pieces_show_what_the_whole_shows(completion, cuts):
    assert shown(completion, cuts) == shown(completion, [])


def test_reasoning_and_answer_are_shown_apart():
    assert [(kind, text.split()) for kind, text in shown(R1, [3, 5, 40])] == [
        (True, ["It", "is", "the", "\x1b[31mheart."]),
        (False, ["(B)", "heart"]),
    ]
    assert shown(HUATUO, [])[0] == (True, "\n\nThe heart beats.\n\n")
    assert reasoning_of("opened by the template</think><answer>B</answer>") == "opened by the template"


def test_the_screen_gives_each_its_lines_and_no_control_characters(capsys):
    for colour, expected in (
        (False, "It is the [31mheart.\n(B) heart\n"),
        (True, "\x1b[2mIt is the [31mheart.\n\x1b[0m(B) heart\n"),
    ):
        screen = Screen(colour)
        screen.show(R1)
        screen.show("", last=True)
        assert capsys.readouterr().out == expected
    screen = Screen(False)
    for piece in ["<think> a", "b</th", "ink><ans", "wer>C</answer>"]:
        screen.show(piece)
    screen.show("", last=True)
    assert capsys.readouterr().out == "ab\nC\n"


def test_what_was_answered_is_told():
    question = as_question(QUESTION)
    found = result(question, R1, Ending(12, False), 1.5, "model")
    assert (found["answer"], found["answer_text"], found["how"]) == ("B", "heart", "letter and text")
    assert found["options"] == {"A": "liver", "B": "heart"} and found["notice"] == NOTICE
    assert told(found) == "Answer: (B) heart  [read by its letter and text]"
    cut = result(question, "<think>I wonder", Ending(4, True), 1.5, "model")
    assert cut["answer"] is None and told(cut) == "No answer that can be read: empty (cut off: --max_tokens)"
    free = result(as_question("What is a fever?"), "<think>so</think>A raised temperature.", Ending(4, False), 1, "m")
    assert (free["reasoning"], free["answer"], told(free)) == ("so", "A raised temperature.", "")
    assert free["answer"] == answering_part(free["completion"]).text.strip()


def test_paragraphs_end_at_empty_lines():
    assert list(paragraphs(iter(["a\n", "b\n", "\n", " \n", "c"]))) == ["a\nb", "c"]


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory):
    """A model as a run leaves it: with the system prompt and the limit that it was trained with."""
    folder = save_tiny_model(tmp_path_factory.mktemp("run"))
    recipe = {"system_prompt": "Answer at once.", "max_completion_length": 12}
    (folder / "run.json").write_text(json.dumps({"recipe": recipe}))
    return folder


def chat(*flags: str, cwd: Path = ROOT, **options) -> subprocess.Popen:
    environment = os.environ | {
        "PYTHONPATH": str(ROOT / "src"),
        "HF_HUB_OFFLINE": "1",
        "OMP_NUM_THREADS": "1",
        "COLUMNS": "120",
    }
    command = [sys.executable, "-m", "open_r1.chat", *flags]
    return subprocess.Popen(command, env=environment, cwd=cwd, text=True, stdout=subprocess.PIPE, **options)


@pytest.mark.slow
def test_scripts_get_a_json_object_for_each_question(run_folder, tmp_path):
    process = chat(
        str(run_folder), "--backend", "hf", "--json", stdin=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path
    )
    said, errors = process.communicate(f"{QUESTION}\n\nWhat is\na fever?\n", timeout=120)
    assert process.returncode == 0, errors
    first, second = map(json.loads, said.splitlines())
    assert first["options"] == {"A": "liver", "B": "heart"} and second["options"] == {}
    assert second["question"] == "What is\na fever?"
    assert all(1 <= row["tokens"] <= 12 and row["notice"] == NOTICE for row in (first, second))
    assert NOTICE in errors and list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_person_at_a_terminal(run_folder):
    ours, theirs = pty.openpty()
    process = chat(str(run_folder), "--backend", "hf", stdin=theirs, stderr=subprocess.STDOUT)
    os.write(ours, f"{QUESTION}\n\n/new\n\nhello\n\n/quit\n\n".encode())
    said, _ = process.communicate(timeout=120)
    assert process.returncode == 0 and NOTICE in said
    assert "understood: (A) liver  (B) heart" in said and "(a new conversation)" in said
    assert re.search(r"No answer that can be read|Answer: \(", said)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ([], "runs/demo/grpo is not there; run `make demo` first"),
        (["adapter", "--backend", "hf"], "holds an adapter, not a model. Merge it first"),
        (["./nowhere", "--backend", "hf"], "./nowhere cannot be loaded"),
        (["model", "--base_url", "http://127.0.0.1:9"], "http://127.0.0.1:9: Connection error"),
    ],
)
def test_what_is_not_there_is_one_line(tmp_path, monkeypatch, capsys, flags, message):
    (tmp_path / "adapter").mkdir()
    (tmp_path / "adapter" / "adapter_config.json").write_text("{}")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "stdin", io.StringIO("hello\n"))
    assert main(flags) == 2
    (error,) = capsys.readouterr().err.splitlines()
    assert error.startswith("error: ") and message in error

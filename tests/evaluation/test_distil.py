"""Traces from a teacher: what is kept, in which form, the manifest, and that a second run asks nobody again."""

import json
import os
import subprocess
from collections import Counter
from itertools import count
from pathlib import Path

import pytest
from evaluation.stand_in import stand_in

from open_r1.evaluation.traces import in_form
from open_r1.generate import main
from open_r1.questions import Question
from open_r1.questions.prepared import write_prepared

ROOT = Path(__file__).resolve().parents[2]
LONG = "The findings " + " ".join(f"f{i}" for i in range(40)) + " point to it."


@pytest.fixture
def questions(tmp_path) -> Path:
    """A prepared folder of six training questions, B always right."""
    rows = [Question(f"q{i}", "own", "train", f"Case {i}?", {"A": "flu", "B": "gout"}, "B") for i in range(6)]
    (tmp_path / "questions").mkdir()
    write_prepared(tmp_path / "questions", {"train": rows})
    return tmp_path / "questions"


def teacher(text: str) -> str:
    """Right in three ways, wrong, without reasoning, undecided, by the number of the case."""
    return {
        "0": f"<think> {LONG} </think><answer> B </answer>",
        "1": "<think>Uric acid is high.</think>\n\nThe answer is B, gout.",
        "2": "## Thinking\n\nA red toe.\n\n## Final Response\n\nIt is (B) gout.",
        "3": "<think>Fever.</think><answer>A</answer>",
        "4": "The answer is B.",
        "5": "<think>Hm.</think><answer>A or B</answer>",
    }[text.split("?")[0].split()[-1]]


def rows(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / "train.jsonl").read_text().splitlines()]


def test_right_well_formed_and_different_completions_are_kept(questions, tmp_path, capsys):
    out = tmp_path / "out"
    with stand_in(text=teacher) as server:
        command = ["--data", str(questions), "--model", "teacher", "--base_url", server.url, "--output_dir", str(out), "--samples", "3"]  # fmt: skip
        assert main(command) == 0
        assert len(server.asked) == 18 and len(set(server.seeds)) == 18
        printed = capsys.readouterr().out
        assert main([*command, "--form", "final_response", "--per_question", "2"]) == 0
        assert len(server.asked) == 18, "other limits are read off the same log"
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["settings"]["form"] == "final_response"
    assert [row["id"] for row in rows(out)] == ["q0", "q1", "q2"]
    assert rows(out)[2]["completion"][0]["content"] == teacher("Case 2?")
    assert "16.67%" in printed and "126 tokens generated, 21 of them kept" in printed

    assert main(["--data", str(questions), "--model", "teacher", "--base_url", server.url, "--output_dir", str(out), "--samples", "3"]) == 0  # fmt: skip
    manifest = json.loads((out / "manifest.json").read_text())
    expected = {"questions": 6, "questions_with_a_trace": 3, "completions": 18, "kept": 3, "duplicate": 6, "wrong": 3}
    expected |= {"no form": 3, "no clear answer": 3}
    assert {name: number for name, number in manifest["counts"].items() if number} == expected
    assert manifest["ids"] == {"train": {"own": ["q0", "q1", "q2"]}}
    assert manifest["tokens"] == {"generated": 18 * 7, "kept": 3 * 7} and manifest["acceptance_rate"] == 0.1667
    first, second, third = rows(out)
    assert first["prompt"] == [{"role": "user", "content": "Case 0?\nAnswer Choices: (A) flu (B) gout"}]
    assert first["completion"][0]["content"] == teacher("Case 0?")
    assert second["completion"][0]["content"] == "<think> Uric acid is high. </think><answer> B </answer>"
    assert third["completion"][0]["content"] == "<think> A red toe. </think><answer> B </answer>"


def test_several_different_traces_of_a_question_up_to_a_number(questions, tmp_path):
    numbers = count()

    def varied(text: str) -> str:
        words = " ".join(f"w{next(numbers)}" for _ in range(20))
        return f"<think> {words} </think><answer> B </answer>"

    with stand_in(text=varied) as server:
        command = ["--data", str(questions), "--model", "t", "--base_url", server.url, "--output_dir", str(tmp_path / "out"), "--samples", "4", "--per_question", "3"]  # fmt: skip
        assert main(command) == 0
        assert main([*command, "--max_trace_tokens", "6"]) == 1, "no trace is left"
    assert json.loads((tmp_path / "out/manifest.json").read_text())["counts"]["too long"] == 24
    assert main([*command, "--min_tokens", "7", "--max_trace_tokens", "7"]) == 0
    assert Counter(row["id"] for row in rows(tmp_path / "out")) == {f"q{i}": 3 for i in range(6)}
    assert {row["sample"] for row in rows(tmp_path / "out")} == {1, 2, 3}


def test_failed_completions_are_told_and_asked_again(questions, tmp_path):
    with stand_in(text=teacher) as server:
        command = ["--data", str(questions), "--model", "t", "--base_url", server.url, "--output_dir", str(tmp_path / "out"), "--samples", "1"]  # fmt: skip
        server.refuse = "Case 0"
        assert main(command) == 1
        assert json.loads((tmp_path / "out/manifest.json").read_text())["counts"]["failed"] == 1
        server.refuse = ""
        assert main(command) == 0
        assert len(server.asked) == 6
    assert [row["id"] for row in rows(tmp_path / "out")] == ["q0", "q1", "q2"]


@pytest.mark.parametrize(
    "completion, form, expected",
    [
        ("Reasoned before.</think>The answer is B.", "think_answer", "<think> Reasoned before. </think><answer> B </answer>"),
        ("<think>a</think><answer>B</answer>", "final_response", "## Thinking\n\na\n\n## Final Response\n\nB"),
        ("<think>a</think> So: <answer>B. gout</answer>!", "think_answer", "<think> a </think><answer> B </answer>"),
        ("<think></think><answer>B</answer>", "think_answer", None),
        ("<think>a <answer>A</answer></think> B", "think_answer", None),
        ("B", "any", "B"),
    ],
)  # fmt: skip
def test_forms(completion, form, expected):
    assert in_form(completion, "B", form) == expected


@pytest.mark.parametrize(
    "flags, message",
    [
        (["--temperature", "0"], "4 times the same completion"),
        (["--samples", "0"], "1 or more"),
        (["--min_tokens", "9", "--max_trace_tokens", "3"], "less than --min_tokens"),
        (["--split", "dev"], "dev"),
    ],
)
def test_mistakes_are_one_line_and_exit_2(questions, tmp_path, capsys, flags, message):
    assert main(["--data", str(questions), "--model", "t", "--output_dir", str(tmp_path / "out"), *flags]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1 and not (tmp_path / "out").exists()


def test_open_r1s_flags_mean_the_same(questions, tmp_path):
    with stand_in(text=teacher) as server:
        command = ["--hf-dataset", str(questions), "--hf-dataset-split", "train", "--model", "t", "--vllm-server-url", server.url, "--num-generations", "1", "--max-new-tokens", "64", "--top-p", "0.9", "--output_dir", str(tmp_path / "out")]  # fmt: skip
        assert main(command) == 0
    assert len(rows(tmp_path / "out")) == 3


def test_the_slurm_script_prints_its_command():
    environment = os.environ | {"DRY_RUN": "1", "SLURM_GPUS_ON_NODE": "8"}
    command = ["bash", "slurm/generate.slurm", "./data/q", "Qwen/QwQ-32B", "./data/traces", "--samples", "8"]
    result = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment)
    assert result.returncode == 0, result.stderr
    assert "'--num_gpus' '8' '--samples' '8'" in result.stdout
    assert subprocess.run(command[:3], capture_output=True, cwd=ROOT, env=environment).returncode != 0

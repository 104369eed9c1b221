"""What the four differences between a base and a trained model allow to say."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

from diagnose_run import diagnosis, main, verdict
from evaluation.stand_in import stand_in

from open_r1.evaluate import main as evaluate
from open_r1.evaluation.presets import PROMPTS

COMBINATIONS = [(prompt, judge) for prompt in ("training", "huatuo") for judge in ("ours", "HuatuoGPT-compatible")]


@pytest.mark.parametrize(
    "signs, said",
    [
        ((-1, -1, -1, -1), "worse under both prompts and both judges"),
        ((0, 0, 0, 0), "not told apart from the base under both"),
        ((-1, 0, -1, 0), "a matter of grading"),
        ((-1, -1, 0, 0), "a matter of how it is asked"),
        ((-1, 0, 0, 1), "depends on both"),
    ],
)
def test_verdicts(signs, said):
    assert said in verdict(dict(zip(COMBINATIONS, signs, strict=True)))


def test_a_model_that_only_writes_otherwise_is_told_from_one_that_got_worse(data_root, tmp_path):
    """One answers right in a form that the other scorer misreads, so that its fall is a matter of grading."""
    texts = {
        "base": "<answer>B</answer>",
        "worse": "<answer>C</answer>",
        "wordy": "The right one is (B). Never C, nor D.",
    }
    for name, text in texts.items():
        for prompt in PROMPTS:
            with stand_in(text=text) as server:
                assert evaluate(["--model", name, "--base_url", server.url, "--task", "medqa_usmle", "--data_root", str(data_root), "--prompt", prompt, "--output_dir", str(tmp_path / name / prompt)]) == 0  # fmt: skip
    text = diagnosis(tmp_path, list(texts))
    assert "medqa_usmle, worse: worse under both prompts and both judges" in text
    assert "medqa_usmle, wordy: it depends on the judge" in text


def test_two_models_of_one_name_are_refused(capsys):
    assert main(["--base", "a/m", "--trained", "b/m"]) == 2
    assert "two models of the same name" in capsys.readouterr().err

"""Tables made from logs: ours beside published rows, paired differences, the gap between judges."""

import subprocess
import sys
from pathlib import Path

import pytest
from evaluation.stand_in import stand_in

from open_r1.evaluate import main as evaluate
from open_r1.evaluation.table import main

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def two_models(tmp_path_factory):
    """Logs of a model that says B, which is right, and of one that rambles, on six invented questions."""
    folder = tmp_path_factory.mktemp("logs")
    data = folder / "data" / "medqa_usmle"
    data.mkdir(parents=True)
    row = '{{"question": "Invented {n}?", "options": {{"A": "one", "B": "two", "C": "three", "D": "no"}}, "answer": "two", "answer_idx": "B", "meta_info": "step1"}}\n'
    (data / "test.jsonl").write_text("".join(row.format(n=n) for n in range(6)))
    for name, text in (("right", "<answer>B</answer>"), ("rambling", "I cannot determine. It is B or C.")):
        with stand_in(text=text) as server:
            assert evaluate(["--model", name, "--base_url", server.url, "--task", "medqa_usmle", "--data_root", str(data.parent), "--output_dir", str(folder / name)]) == 0  # fmt: skip
    return folder


def test_published_rows_comparison_and_gap(two_models, capsys):
    assert main([str(two_models / "right"), "--base", str(two_models / "rambling"), "--groups"]) == 0
    printed = capsys.readouterr().out
    assert "QwQ-32B (published)         | 67.32" in printed
    assert "right (official)" in printed and "100.00 [60.97, 100.00] *" in printed
    assert "+100.00 [+26.00, +100.00] | 6 / 0" in printed and "0.0312" in printed


def test_rescoring_shows_what_a_guessing_scorer_gives(two_models, capsys):
    assert main([str(two_models / "rambling"), "--rescore", "huatuo"]) == 0
    last = capsys.readouterr().out.strip().splitlines()[-1]
    # Ours abstains six times; the other takes the first of "B or C" and reports the better reading.
    assert [cell.strip() for cell in last.split("|")[3:9]] == ["0.00", "6", "100.00", "0.00", "100.00", "+100.00"]


def test_what_is_no_log_is_said(two_models, tmp_path, capsys):
    assert main([str(tmp_path)]) == 2
    assert "no .eval log there" in capsys.readouterr().err
    assert main([str(tmp_path / "none")]) == 2


def test_the_slurm_job_prints_its_command():
    done = subprocess.run(["bash", "slurm/evaluate.slurm", "a/b", "--preset", "huatuo"], cwd=ROOT, env={"PATH": "/usr/bin:/bin", "DRY_RUN": "1", "SLURM_GPUS_ON_NODE": "4"}, capture_output=True, text=True)  # fmt: skip
    assert (
        done.stdout.replace("'", "").strip()
        == "python src/open_r1/evaluate.py --model a/b --num_gpus 4 --preset huatuo"
    )


@pytest.mark.parametrize("arguments", [["m", "m"], ["a/m", "b/m"]])
def test_models_of_one_name_are_refused(arguments):
    done = subprocess.run(
        [sys.executable, ROOT / "scripts/run_benchmarks.py", *arguments], capture_output=True, text=True
    )
    assert done.returncode == 2 and "two models of the same name" in done.stderr

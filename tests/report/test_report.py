"""A report from whatever a run folder holds: finished, running, crashed, evaluated, compared, with metrics of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from evaluation.stand_in import stand_in
from report.planted import careful, plant, questions

from open_r1.questions.prepared import write_prepared
from open_r1.report import write_report
from open_r1.report.__main__ import main
from open_r1.report.charts import MOST_POINTS, sections
from open_r1.report.checks import check
from open_r1.report.embedded import embed
from open_r1.report.evaluations import evaluation_rows
from open_r1.report.run import read_run

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    return plant(tmp_path_factory.mktemp("runs") / "run", careful)


def test_the_command_writes_one_page_and_figures(run, tmp_path):
    command = [sys.executable, "-m", "open_r1.report", str(run), "--output_dir", str(tmp_path / "out")]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert str(tmp_path / "out" / "report.html") in done.stdout
    names = {path.name for path in (tmp_path / "out" / "figures").iterdir()}
    assert {"reward_and_length.png", "learning.png", "length.png", "signal.png", "cost.png"} <= names
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    for told in ("finished after step 18", "Reward against length", "grpo.py --config recipe.yaml", "learning_rate"):
        assert told in page


@pytest.mark.parametrize(
    ("made", "words"),
    [((), "no such folder"), (("folder",), "not a run folder"), (("metrics.jsonl",), "metrics.jsonl:1")],
)
def test_what_is_no_run_is_one_line_and_exit_2(tmp_path, capsys, made, words):
    folder = tmp_path / "run"
    if made:
        folder.mkdir()
    if "metrics.jsonl" in made:
        (folder / "metrics.jsonl").write_text("not json\n{}\n")
    assert main([str(folder)]) == 2
    assert words in capsys.readouterr().err
    assert not (folder / "report").exists()


def test_a_running_run_and_a_crashed_one(tmp_path):
    folder = plant(tmp_path / "run", careful)
    (folder / "train_results.json").unlink()
    assert read_run(folder).status == "running, at step 18"
    with open(folder / "metrics.jsonl", "a") as file:
        file.write('{"step": 19, "rew')  # killed while it wrote
    (folder / "completions" / "train" / ".step_00000019_0000.parquet.new").write_bytes(b"half")
    (folder / "questions.parquet").unlink()
    (folder / "run.json").unlink()
    os.utime(folder / "metrics.jsonl", (1e9, 1e9))
    crashed = read_run(folder)
    assert crashed.status == "stopped at step 18 before its end"
    page = write_report([folder]).read_text(encoding="utf-8")
    assert "broken off" in page and "versions and hardware of this run are not known" in page


def test_an_earlier_runs_results_do_not_make_a_new_one_finished(tmp_path):
    folder = plant(tmp_path / "run", careful)
    os.utime(folder / "train_results.json", (1e9, 1e9))
    assert read_run(folder).status.startswith("running")


@pytest.mark.slow
def test_evaluations_before_and_after_and_what_they_asked(tmp_path):
    pytest.importorskip("inspect_ai", reason="evaluation needs `pip install -e '.[eval]'`")
    from open_r1.evaluate import main as evaluate

    asked = [*questions("test")[:30], *questions("train")[:2]]
    (tmp_path / "data").mkdir()
    write_prepared(tmp_path / "data", {"test": asked})
    folder = plant(tmp_path / "run", careful, description={"model_name_or_path": "base"})
    for stage, model, letter in (("before", "base", "A"), ("after", str(folder), "B")):
        with stand_in(text=f"<think>so</think><answer>{letter}</answer>") as server:
            output = folder / "evaluation" / stage
            flags = [
                "--model",
                model,
                "--base_url",
                server.url,
                "--task",
                str(tmp_path / "data"),
                "--output_dir",
                output,
            ]
            assert evaluate(list(map(str, flags))) == 0
    before, after = evaluation_rows(read_run(folder))
    assert (before.stage, after.stage) == ("before", "after")
    shares = [sum(question.answer == letter for question in asked) / 32 for letter in "AB"]
    assert [before.accuracy.value, after.accuracy.value] == pytest.approx(shares)
    assert after.difference["difference"] == pytest.approx(shares[1] - shares[0])
    leak = next(finding for finding in check(read_run(folder)) if finding.title.startswith("Evaluation set"))
    assert leak.state == "warning" and any("2 of 32" in value for _, value in leak.evidence)
    assert "difference to before" in write_report([folder]).read_text(encoding="utf-8")


def test_every_logged_metric_is_charted_and_long_runs_are_thinned(tmp_path):
    folder = plant(
        tmp_path / "run", careful, metrics=lambda progress: {"my/own": progress, "pool/drawn/easy": 3.0, "kl": 0.1}
    )
    found = {section.id: [chart.id for chart in section.charts] for section in sections([read_run(folder)])}
    assert found["other"] == ["my_own"] and found["curriculum"] == ["drawn"] and "kl" in found["signal"]
    rows = [{"step": step, "seconds": step, "loss": 0.0, "reward": step % 7} for step in range(1, 5 * MOST_POINTS)]
    (folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    [chart] = [chart for part in sections([read_run(folder)]) for chart in part.charts if chart.id == "reward"]
    [series] = chart.series
    assert len(series.y) <= MOST_POINTS and series.y.mean() == pytest.approx(3.0, abs=0.01)


def test_a_page_too_large_holds_every_kth_group_of_the_whole_run(run):
    everything = embed([read_run(run)])
    assert everything.kept == everything.total == 18 * 8 and everything.rows == 18 * 8 * 4
    characters = int(read_run(run).rollouts["characters"].sum())
    part = embed([read_run(run)], most_characters=characters // 3)
    assert part.total == 18 * 8 and 0.2 < part.kept / part.total <= 0.34

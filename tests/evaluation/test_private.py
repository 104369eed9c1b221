"""What a model was asked and said lies in its log and traces alone, and those are their owner's."""

import gzip
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from evaluation.stand_in import stand_in

from open_r1.questions import Question
from open_r1.questions.prepared import write_prepared

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
def test_logs_and_traces_are_their_owners_alone_and_nothing_else_holds_a_text(tmp_path):
    rows = [
        Question(f"q{i}", "own", "train", f"Mr Smith, case {i}?", {"A": "flu", "B": "gout"}, "B") for i in range(4)
    ]
    data, out, home = (tmp_path / name for name in ("data", "out", "home"))
    data.mkdir()
    write_prepared(data, {"train": rows})
    with stand_in(text="<think>Mr Smith has a red toe.</think><answer>B</answer>") as server:
        server.refuse = "case 3"  # what failed is logged too, request and all
        command = [sys.executable, str(ROOT / "src/open_r1/generate.py"), "--data", str(data), "--model", "teacher"]
        command += ["--base_url", server.url, "--output_dir", str(out), "--samples", "1"]
        environment = os.environ | {"HOME": str(home), "TMPDIR": str(tmp_path), "PYTHONPATH": str(ROOT / "src")}
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 1, done.stderr
    assert "Smith" not in done.stdout + done.stderr

    written = [path for path in out.rglob("*") if path.is_file()]
    assert {path.suffix for path in written} == {".jsonl", ".json", ".eval", ""}
    assert {stat.S_IMODE(path.stat().st_mode) for path in written} == {0o600}
    assert stat.S_IMODE((out / "logs").stat().st_mode) == 0o700
    elsewhere = [path for path in tmp_path.rglob("*") if path.is_file() and not path.is_relative_to(out)]
    elsewhere = [path for path in elsewhere if not path.is_relative_to(data)]
    assert any("inspect_ai" in path.parts for path in elsewhere)
    for path in elsewhere:
        held = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        assert b"Smith" not in held, path

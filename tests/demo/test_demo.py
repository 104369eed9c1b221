"""The demo as `make demo` runs it: every stage, the picture and the table; and its reward rises."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_the_demo_runs_and_its_reward_rises(tmp_path):
    command = [sys.executable, "scripts/demo.py", "--seed", "200", "--output_dir", str(tmp_path / "demo")]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src"), "OMP_WAIT_POLICY": "PASSIVE"}
    result = subprocess.run(command, capture_output=True, text=True, timeout=1800, cwd=ROOT, env=environment)
    assert result.returncode == 0, result.stderr[-3000:]
    for stage in ("after gold SFT", "after careless traces", "after GRPO", "control: more careless SFT"):
        assert stage in result.stdout
    assert "synthetic" in result.stdout.lower() and "not medical" in result.stdout.lower()
    assert (tmp_path / "demo/grpo/report/figures/reward_and_length.png").stat().st_size > 10_000
    page = (tmp_path / "demo/grpo/report/report.html").read_text(encoding="utf-8")
    assert "difference to before" in page and "Reward against length" in page
    rows = [json.loads(line) for line in (tmp_path / "demo/grpo/metrics.jsonl").read_text().splitlines()]
    rewards = [row["reward"] for row in rows if "reward" in row]
    assert sum(rewards[-10:]) > sum(rewards[:10])

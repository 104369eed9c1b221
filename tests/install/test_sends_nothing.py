"""What leaves this machine by default, as the kernel sees it: nothing."""

import ipaddress
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from runs import GRPO
from tiny_model import save_tiny_model

ROOT = Path(__file__).parents[2]
# What the user may have set, or a test machine sets, and what would keep libraries quiet without our doing anything.
SAYING_SOMETHING = re.compile("^(CI|DO_NOT_TRACK|.*(TELEMETRY|OFFLINE|USAGE_STATS|ANALYTICS|WANDB).*)$")
ADDRESS = re.compile(r'(?:inet_addr\(|inet_pton\(AF_INET6, )"([^"]+)"')

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not here: apt-get install strace"),
]


def contacted(trace: Path) -> list[str]:
    """The system calls that name an address of another machine; a name's look-up is one too."""
    found = []
    for line in trace.read_text(errors="replace").splitlines():
        if (address := ADDRESS.search(line)) and not ipaddress.ip_address(address[1]).is_loopback:
            found.append(line)
    return found


def traced(command: list, trace: Path) -> subprocess.Popen:
    """A command as a user starts it, with every connection and every datagram of it and its children written down."""
    environment = {name: value for name, value in os.environ.items() if not SAYING_SOMETHING.match(name)}
    calls = ["strace", "-f", "-qq", "--seccomp-bpf", "-e", "trace=connect,sendto,sendmsg,sendmmsg", "-o", trace]
    return subprocess.Popen(
        [str(part) for part in [*calls, sys.executable, *command]],
        cwd=trace.parent,
        env=environment | {"PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def ended(process: subprocess.Popen) -> str:
    """What a command said, after it ended well."""
    said, _ = process.communicate(timeout=300)
    assert process.returncode == 0, said[-3000:]
    return said


def test_a_contact_with_another_machine_would_be_seen(tmp_path):
    # 192.0.2.1 belongs to nobody (RFC 5737). The child process sends, as a data loader or a server of a run would.
    send = "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('192.0.2.1', 53))"
    child = f"import subprocess, sys; subprocess.run([sys.executable, '-S', '-c', {send!r}])"
    ended(traced(["-S", "-c", child], tmp_path / "trace"))
    assert any("192.0.2.1" in line for line in contacted(tmp_path / "trace"))


def test_training_evaluation_and_report_contact_nobody(tmp_path):
    model = save_tiny_model(tmp_path / "model")
    rows = [
        {"question": f"Which is {n}?\n(A) x (B) y", "answer": "AB"[n % 2], "option": "xy"[n % 2]} for n in range(8)
    ]
    (tmp_path / "rows").mkdir()
    (tmp_path / "rows/train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "raw/medqa_usmle").mkdir(parents=True)
    row = {"question": "Which?", "options": dict(zip("ABCD", "wxyz", strict=True)), "answer": "x", "answer_idx": "B"}
    (tmp_path / "raw/medqa_usmle/test.jsonl").write_text(json.dumps(row) + "\n")
    recipe = GRPO | {"model_name_or_path": str(model), "dataset_name": str(tmp_path / "rows"), "output_dir": "run"}
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(recipe | {"max_steps": 2, "save_steps": 2}))

    train = traced([ROOT / "src/open_r1/grpo.py", "--config", "recipe.yaml"], tmp_path / "training")
    evaluate = [ROOT / "src/open_r1/evaluate.py", "--model", model, "--task", "medqa_usmle", "--data_root", "raw"]
    ask = traced(
        [*evaluate, "--backend", "hf", "--max_tokens", "4", "--output_dir", "scores"], tmp_path / "evaluation"
    )
    assert "report: run/report/report.html" in ended(train)
    ended(ask)
    assert (tmp_path / "scores/results.json").is_file()
    for trace in ("training", "evaluation"):
        assert contacted(tmp_path / trace) == [], trace

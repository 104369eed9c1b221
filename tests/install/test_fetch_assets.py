"""Models and datasets from a hub on this machine into one folder, carried over and used by name without a network."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from publishing.stand_in_hub import stand_in_hub
from questions import raw_rows
from runs import GRPO
from tiny_model import save_tiny_model

from open_r1.questions import medqa_usmle

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "scripts/fetch_assets.py"
spec = importlib.util.spec_from_file_location("fetch_assets", SCRIPT)
fetch_assets = importlib.util.module_from_spec(spec)
spec.loader.exec_module(fetch_assets)
ROWS = [{"question": f"Which is {n}?\n(A) x (B) y", "answer": "AB"[n % 2], "option": "xy"[n % 2]} for n in range(8)]
QUESTIONS = [raw_rows.medqa(n) for n in range(3)]
USE = """
import sys
from transformers import AutoModelForCausalLM, AutoTokenizer
from open_r1.arguments import GRPOScriptArguments
from open_r1.data import load_data
from open_r1.questions import medqa_usmle
AutoTokenizer.from_pretrained("me/tiny", revision="main")
print(AutoModelForCausalLM.from_pretrained("me/tiny", revision="main").num_parameters(), "parameters")
print(load_data(GRPOScriptArguments(dataset_name="me/rows"))["train"].num_rows, "rows")
print([question.answer for question in medqa_usmle.load_hub("test")], "answers")
"""


def lines(rows: list[dict]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def run(*arguments, **variables) -> subprocess.CompletedProcess:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    environment |= {"PYTHONPATH": str(ROOT / "src"), "HF_HUB_DISABLE_XET": "1", **variables}
    command = [sys.executable, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, env=environment)


@pytest.fixture
def recipe(tmp_path) -> Path:
    """A recipe whose model and rows are of the hub."""
    path = tmp_path / "recipes/tiny/grpo/config.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(
        yaml.safe_dump(GRPO | {"model_name_or_path": "me/tiny", "dataset_name": "me/rows", "output_dir": "run"})
    )
    return path


def test_the_list_needs_no_network_and_says_what_the_hub_does_not_have(recipe, tmp_path, capsys):
    local = tmp_path / "local.yaml"
    local.write_text(recipe.read_text().replace("me/rows", "./data/mine"))
    assert fetch_assets.main([str(recipe), str(local), "--benchmarks", "official", "--list"]) == 0
    said = capsys.readouterr().out
    listed = [[cell.strip() for cell in line.split("|")[1:-1]] for line in said.splitlines() if "|" in line]
    assert ["dataset", "me/rows", "main", "tiny/config.yaml"] in listed
    assert [row[0] for row in listed if row[1] == "me/tiny"] == ["model"]
    assert [row[2] for row in listed if row[1] == "Idavidrein/gpqa (gated)"] == ["633f5ee89ab8"]
    assert "not of the hub: dataset ./data/mine" in said and "benchmark medcalc" in said


@pytest.mark.slow
def test_fetched_carried_verified_and_used_by_name(recipe, tmp_path, capsys):
    model = save_tiny_model(tmp_path / "model")
    folder, carried = tmp_path / "assets", tmp_path / "there"
    fetch = [
        SCRIPT,
        recipe,
        "--benchmarks",
        "huatuo",
        "--without",
        "pubmedqa",
        "medmcqa",
        "mmlu_pro_medical",
        "medxpertqa",
    ]
    with stand_in_hub() as hub:
        files = {path.name: path.read_bytes() for path in model.iterdir()}
        hub.repos["me/tiny"] = {"main": files | {"pytorch_model.bin": b"a pickle"}}
        hub.repos["me/rows"] = {"main": {"train.jsonl": lines(ROWS)}}
        questions = {
            "phrases_no_exclude_test.jsonl": lines(QUESTIONS),
            "phrases_no_exclude_train.jsonl": lines(QUESTIONS),
        }
        hub.repos[medqa_usmle.HUB] = {medqa_usmle.REVISION: questions}
        hub.gated.add("Idavidrein/gpqa")

        # ---- one repository cannot be read: nothing is fetched
        refused = run(*fetch, "--output_dir", folder, HF_ENDPOINT=hub.url)
        assert refused.returncode == 2 and "dataset Idavidrein/gpqa is gated: accept its terms" in refused.stderr
        assert "--without" in refused.stderr and not folder.exists() and hub.asked == []

        # ---- fetched; a second start asks for what is missing alone
        done = run(*fetch, "gpqa_medical", "--output_dir", folder, HF_ENDPOINT=hub.url)
        assert done.returncode == 0, done.stderr
        assert not any("pytorch_model.bin" in path for path in hub.asked)
        entries = {entry["repo"]: entry for entry in json.loads((folder / "assets.json").read_text())}
        assert entries[medqa_usmle.HUB]["commit"] == medqa_usmle.REVISION
        lost = folder / entries["me/rows"]["folder"] / "train.jsonl"
        lost.resolve().unlink()
        lost.unlink()
        hub.asked.clear()
        done = run(*fetch, "gpqa_medical", "--output_dir", folder, HF_ENDPOINT=hub.url)
        assert done.returncode == 0, done.stderr
        assert {path.rpartition("/")[2] for path in hub.asked} == {"train.jsonl"}

    # ---- carried, and used by name while the hub is gone
    shutil.copytree(folder, carried, symlinks=True)
    assert fetch_assets.main([str(recipe), "--verify", str(carried)]) == 0
    assert "3 repositories" in capsys.readouterr().out
    used = run("-c", USE, HF_HOME=str(carried), HF_HUB_OFFLINE="1", HF_ENDPOINT="http://127.0.0.1:9")
    assert used.returncode == 0, used.stderr[-3000:]
    assert (
        "parameters\n8 rows\n" in used.stdout and f"{[row['answer_idx'] for row in QUESTIONS]} answers" in used.stdout
    )

    # ---- what the journey did to it is told
    weights = carried / entries["me/tiny"]["folder"] / "model.safetensors"
    with weights.resolve().open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        file.write(b"\x7f")
    (carried / entries["me/rows"]["folder"] / "train.jsonl").unlink()
    (other := tmp_path / "other.yaml").write_text(recipe.read_text().replace("me/tiny", "me/other"))
    assert fetch_assets.main([str(other), "--verify", str(carried)]) == 2
    said = capsys.readouterr().err
    assert "missing: " in said and "train.jsonl. not as fetched: " in said
    assert f"model.safetensors. not in {carried}: model me/other at main." in said

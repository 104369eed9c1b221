"""From real MedQA and MedXpertQA rows to a trained model: upstream's data command, then its training command."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from open_r1.completions import read_completions

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def prepared(shared_data, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("prepared") / "xpert_usmle"
    command = [
        sys.executable,
        str(ROOT / "scripts/data_prepare.py"),
        "--usmle_nums",
        "60",
        "--output_dir",
        str(folder),
    ]
    command += [
        "--medqa_usmle_root",
        str(shared_data / "medqa_usmle"),
        "--medxpertqa_root",
        str(shared_data / "medxpertqa"),
    ]
    result = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("processes", [1, 2])
def test_real_rows_train_to_the_end(launch, prepared, tmp_path, processes):
    result = launch(
        "grpo",
        processes=processes,
        dataset_name=str(prepared),
        max_prompt_length=3000,
        max_steps=2,
        reward_funcs=["accuracy", "format", "xmlcount_reward_func"],
        reward_args=None,
    )
    assert result.returncode == 0, result.stderr[-3000:]
    assert "longer than 3,000 tokens dropped" in result.stdout
    rows = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    rewards = [row for row in rows if "rewards/accuracy_reward/mean" in row]
    assert [row["step"] for row in rewards] == [1, 2] and all("answers/abstained" in row for row in rewards)
    assert set(read_completions(tmp_path / "run", "train").to_pandas()["step"]) == {1, 2}
    # The manifest stays with the model, so that its evaluation leaves the rows out that it was trained on.
    kept = json.loads((tmp_path / "run" / "data_manifests.json").read_text())
    assert kept == {str(prepared): json.loads((prepared / "manifest.json").read_text())}

"""The completions of a run on disk: apart, appended, bounded, private, readable; and text kept out where it is unwanted."""

import json
import re
import stat
from itertools import pairwise

import datasets
import pandas
import pytest

from open_r1.arguments import RecipeError
from open_r1.completions import CompletionsFolder, read_completions
from open_r1.recipes import load_recipe
from open_r1.report import write_report


def columns(rows: int = 8, text: str = "<think>so</think><answer>B</answer>") -> dict:
    return {
        "group": [row // 4 for row in range(rows)],
        "prompt": [[{"role": "user", "content": "Which?"}] for _ in range(rows)],
        "completion": [f"{text} {row}" for row in range(rows)],
        "reward": [1.0] * rows,
        "rewards/accuracy_reward": [1.0] * rows,
    }


def test_train_and_eval_of_one_step_lie_apart_and_are_readable(tmp_path):
    writer = CompletionsFolder(tmp_path, max_mb=10)
    for step in (1, 2):
        writer.append("train", step, columns(), progress=step / 2)
    for _ in range(3):  # an evaluation comes in batches
        writer.append("eval", 2, columns(), progress=1.0)
    train = pandas.read_parquet(tmp_path / "completions" / "train")
    assert list(train["step"]) == [1] * 8 + [2] * 8
    evaluated = read_completions(tmp_path, "eval").to_pandas()
    assert list(evaluated["group"].unique()) == [0, 1, 2, 3, 4, 5]
    loaded = datasets.load_dataset(
        "parquet", data_files=str(tmp_path / "completions/train/*.parquet"), cache_dir=str(tmp_path / "cache")
    )["train"]
    assert len(loaded) == 16 and loaded[0]["prompt"] == [{"role": "user", "content": "Which?"}]


def test_files_are_their_owners_alone(tmp_path):
    writer = CompletionsFolder(tmp_path, max_mb=0.01)
    for step in range(1, 5):
        writer.append("train", step, columns(rows=64), progress=step / 4)
    (tmp_path / "metrics.jsonl").write_text(json.dumps({"step": 1, "seconds": 1.0, "loss": 0.0}) + "\n")
    page = write_report([tmp_path])
    files = [path for path in (tmp_path / "completions").rglob("*") if path.is_file()]
    assert {stat.S_IMODE(path.stat().st_mode) for path in [*files, page]} == {0o600}
    folders = [tmp_path / "completions", *(path for path in (tmp_path / "completions").rglob("*") if path.is_dir())]
    assert {stat.S_IMODE(path.stat().st_mode) for path in folders} == {0o700}


def test_a_small_bound_keeps_generations_over_the_whole_run_and_says_what_it_left_out(tmp_path):
    size = CompletionsFolder(tmp_path / "measure", max_mb=10)
    size.append("train", 1, columns(), progress=1.0)
    writer = CompletionsFolder(tmp_path / "run", max_mb=10 * size.used["train"] / 1e6)
    for step in range(1, 101):
        writer.append("train", step, columns(), progress=step / 100)
    kept = read_completions(tmp_path / "run", "train")["step"].unique().to_pylist()
    assert 8 <= len(kept) <= 10 and max(kept) >= 95 and min(kept) <= 15
    assert max(b - a for a, b in pairwise(kept)) <= 15
    files = (tmp_path / "run" / "completions" / "train").glob("*.parquet")
    assert sum(file.stat().st_size for file in files) <= 10 * size.used["train"]
    skipped = [json.loads(line) for line in (tmp_path / "run/completions/skipped.jsonl").read_text().splitlines()]
    assert len(skipped) == 100 - len(kept) and skipped[0]["rows"] == 8


def test_steps_done_again_are_set_aside_not_overwritten(tmp_path):
    writer = CompletionsFolder(tmp_path, max_mb=10)
    for step in (1, 2, 3):
        writer.append("train", step, columns(text=f"first {step}"), progress=1.0)
    again = CompletionsFolder(tmp_path, max_mb=10)
    again.append("train", 3, columns(text="second 3"), progress=1.0)
    texts = read_completions(tmp_path, "train")["completion"].to_pylist()
    assert [text.rpartition(" ")[0] for text in texts[::8]] == ["first 1", "first 2", "second 3"]
    old = list((tmp_path / "completions" / "superseded").glob("*.parquet"))
    assert [pandas.read_parquet(path)["completion"][0] for path in old] == ["first 3 0"]


def test_every_text_is_redacted_and_any_text_fits(tmp_path):
    writer = CompletionsFolder(tmp_path, max_mb=10, redact=lambda text: text.replace("Smith", "[name]"))
    given = columns(rows=4, text="Mr Smith \ud800\x00 <b>")
    given |= {"prompt": [[{"role": "user", "content": "Smith?"}]] * 4, "extracted": ["Smith"] * 4}
    given |= {"extra/note": ["by Smith", None, {"who": "Smith"}, 3]}
    writer.append("train", 1, given, progress=1.0)
    [file] = (tmp_path / "completions" / "train").iterdir()
    frame = pandas.read_parquet(file)
    assert "Smith" not in frame.to_json() and frame["completion"][0] == "Mr [name] \ufffd\x00 <b> 0"
    assert frame["extra/note"][2] == '{"who": "[name]"}'


@pytest.mark.parametrize(
    ("key", "message"),
    [
        (
            "log_completions_redaction: privacy.redact",
            "log_completions_redaction: `privacy.redact` cannot be imported",
        ),
        ("log_completions_redaction: redact", "is no dotted path of a function"),
        ("log_completions_redaction: json.__name__", "is no function, but 'json'"),
        ("log_completions_max_mb: 0", "for no rollouts on disk set log_completions: false"),
    ],
)
def test_a_recipe_is_refused_before_anything_is_written(tmp_path, key, message):
    recipe = tmp_path / "grpo.yaml"
    recipe.write_text(f"model_name_or_path: model\ndataset_name: data\nuse_cpu: true\nbf16: false\n{key}\n")
    with pytest.raises(RecipeError, match=re.escape(message)):
        load_recipe("grpo", ["--config", str(recipe)])


# ---- whole runs


@pytest.fixture
def tracked(launch, tmp_path, monkeypatch):
    """Run GRPO with evaluations and all three trackers, offline; returns what each tracker holds, as bytes."""
    (tmp_path / "privacy.py").write_text("def redact(text):\n    return text.replace('Which is', '[redacted]')\n")
    rows = [
        {"question": f"Which is {i}? (A) x (B) y", "answer": "AB"[i % 2], "option": "xy"[i % 2]} for i in range(12)
    ]
    data = tmp_path / "data"
    data.mkdir()
    for name, part in (("train", rows), ("test", rows[:4])):
        (data / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in part))
    monkeypatch.setenv("TRACKIO_DIR", str(tmp_path / "trackio"))
    monkeypatch.delenv("WANDB_MODE", raising=False)

    def run(**changes) -> dict[str, bytes]:
        result = launch(
            "grpo",
            fresh=True,  # trackio reads its folder's name when it is imported
            dataset_name=str(data),
            eval_strategy="steps",
            eval_steps=2,
            eval_on_start=True,
            per_device_eval_batch_size=4,
            max_steps=2,
            report_to=["wandb", "tensorboard", "trackio"],
            save_strategy="no",
            **changes,
        )
        assert result.returncode == 0, result.stderr[-3000:]
        assert list((tmp_path / "wandb").glob("offline-run-*")) and not list((tmp_path / "wandb").glob("run-*"))
        places = {
            "wandb": tmp_path / "wandb",
            "tensorboard": tmp_path / "run" / "runs",
            "trackio": tmp_path / "trackio",
        }
        places["tensorboard"] = places["tensorboard"] if places["tensorboard"].is_dir() else tmp_path / "run"
        held = {}
        for name, place in places.items():
            pattern = "*tfevents*" if name == "tensorboard" else "*"
            held[name] = b"".join(path.read_bytes() for path in place.rglob(pattern) if path.is_file())
            assert held[name], f"{name} has recorded nothing"
        return held

    return run


@pytest.mark.slow
def test_trackers_get_numbers_only_and_the_redaction_is_everywhere(tracked, tmp_path):
    for name, held in tracked(log_completions_redaction="privacy.redact").items():
        assert b"reward" in held and b"[redacted]" not in held and b"Which is" not in held, name
    train, evaluated = (read_completions(tmp_path / "run", split).to_pandas() for split in ("train", "eval"))
    assert list(train["step"].value_counts()) == [8, 8] and set(evaluated["step"]) == {0, 2}
    assert "[redacted]" in train["prompt"][0][1]["content"]
    assert b"Which is" not in b"".join(path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file())
    page = (tmp_path / "run" / "report" / "report.html").read_text()
    assert "texts are redacted by privacy.redact" in page and "evaluation during training" in page


@pytest.mark.slow
def test_trackers_get_texts_where_the_recipe_says_so(tracked):
    held = tracked(log_completions_to_trackers=True)
    assert b"Which is" in held["wandb"] and b"Which is" in held["trackio"]


@pytest.mark.slow
def test_no_text_is_kept_where_the_recipe_says_so(launch, tmp_path):
    result = launch("grpo", log_completions=False)
    assert result.returncode == 0, result.stderr[-3000:]
    assert not (tmp_path / "run" / "completions").exists()
    assert "log_completions is false" in (tmp_path / "run" / "report" / "report.html").read_text()
    kept = [path for path in (tmp_path / "run").rglob("*") if path.is_file() and path.suffix != ".safetensors"]
    assert b"Answer Choices" not in b"".join(path.read_bytes() for path in kept)

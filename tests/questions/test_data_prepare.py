"""scripts/data_prepare.py as users run it, on invented rows in the official layouts."""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
import raw_rows
from raw_rows import contents, manifest, medqa_flags, medxpertqa_flags, write_jsonl

from open_r1.questions import read_prepared

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "data_prepare.py"


def test_as_a_process_with_upstream_flags(raw, tmp_path):
    out = tmp_path / "deep" / "out"
    command = [sys.executable, str(SCRIPT), *medqa_flags(raw), *medxpertqa_flags(raw), "--output_dir", str(out)]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=environment)
    assert done.returncode == 0, done.stderr
    assert "train:  1,580 rows (1,090 medqa_usmle, 490 medxpertqa)" in done.stdout
    assert "test:   1,960 rows (1,960 medxpertqa)" in done.stdout
    assert "warning: 490 training rows come from MedXpertQA's test file" in done.stdout
    assert "medqa_usmle train: 1,200 rows; the complete official file has 10,178" in done.stderr
    assert sorted(contents(out)) == [
        "README.md",
        "manifest.json",
        "test.jsonl",
        "test.parquet",
        "train.jsonl",
        "train.parquet",
    ]
    rows = [json.loads(line) for line in (out / "train.jsonl").read_text().splitlines()]
    assert all(isinstance(row["option"], str) and row["option"] for row in rows)
    assert all(f"({row['answer']}) {row['option']}" in row["question"] for row in rows)


@pytest.mark.parametrize(
    ("flags", "train", "test"),
    [
        (["--preset", "dataset1"], {"medqa_usmle": 1090}, {}),
        (["--preset", "dataset2"], {"medqa_usmle": 600, "medxpertqa": 490}, {"medxpertqa": 1960}),
        (["--preset", "dataset3"], {"medxpertqa": 490}, {"medxpertqa": 1960}),
        ([], {"medqa_usmle": 1090, "medxpertqa": 490}, {"medxpertqa": 1960}),
        (
            ["--usmle_nums", "10", "--xpert_test_size", "0.5"],
            {"medqa_usmle": 10, "medxpertqa": 1225},
            {"medxpertqa": 1225},
        ),
        (["--usmle_nums", "10", "--xpert_test_size", "1"], {"medqa_usmle": 10}, {"medxpertqa": 2450}),
        (["--usmle_nums", "0", "--xpert_test_size", "0"], {"medxpertqa": 2450}, {}),
    ],
)
def test_mixtures(script, raw, tmp_path, flags, train, test):
    roots = {"dataset1": medqa_flags(raw), "dataset3": medxpertqa_flags(raw)}.get(
        flags[-1] if flags else "", medqa_flags(raw) + medxpertqa_flags(raw)
    )
    assert script.main([*roots, *flags, "--output_dir", str(tmp_path / "out")]) == 0
    questions = {
        split: read_prepared(tmp_path / "out", split) for split in (("train", "test") if test else ("train",))
    }
    assert Counter(question.source for question in questions["train"]) == train
    assert Counter(question.source for question in questions.get("test", [])) == test
    assert (tmp_path / "out" / "test.jsonl").exists() == bool(test)
    everything = [(question.source, question.id) for split in questions.values() for question in split]
    assert len(set(everything)) == len(everything)


def test_medxpertqa_is_stratified_on_question_type(script, raw, tmp_path):
    script.main([*medxpertqa_flags(raw), "--preset", "dataset3", "--output_dir", str(tmp_path / "out")])
    types = Counter(question.metadata["question_type"] for question in read_prepared(tmp_path / "out", "train"))
    # 490 × 1837/2450 = 367.4 and 490 × 613/2450 = 122.6
    assert types == {"Reasoning": 367, "Understanding": 123}


def test_training_rows_are_mixed_not_stacked(script, raw, tmp_path):
    script.main([*medqa_flags(raw), *medxpertqa_flags(raw), "--output_dir", str(tmp_path / "out")])
    sources = [question.source for question in read_prepared(tmp_path / "out", "train")]
    assert 20 < sources[:100].count("medxpertqa") < 45


def test_same_seed_same_bytes_whatever_the_order_of_flags(script, raw, tmp_path):
    own = [
        write_jsonl(tmp_path / f"{name}.jsonl", [{"stem": f"{name}{n}?", "answer": "x"} for n in range(9)])
        for name in "ab"
    ]
    datasets = [["--dataset", f"{path}:5"] for path in own]
    flags = [medqa_flags(raw), medxpertqa_flags(raw), *datasets, ["--seed", "7"]]
    outputs = []
    for number, order in enumerate([flags, flags[::-1], flags]):
        out = tmp_path / f"out{number}"
        assert script.main([flag for part in order for flag in part] + ["--output_dir", str(out)]) == 0
        outputs.append(contents(out))
    assert outputs[0] == outputs[1] == outputs[2]
    assert (
        script.main(
            [*medqa_flags(raw), *medxpertqa_flags(raw), "--seed", "8", "--output_dir", str(tmp_path / "other")]
        )
        == 0
    )
    assert contents(tmp_path / "other")["train.jsonl"] != outputs[0]["train.jsonl"]


def test_raw_files_in_another_place_give_the_same_bytes(script, raw, tmp_path):
    (tmp_path / "elsewhere").symlink_to(raw)
    for name, root in (("one", raw), ("two", tmp_path / "elsewhere")):
        script.main([*medqa_flags(root), *medxpertqa_flags(root), "--output_dir", str(tmp_path / name)])
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    assert str(tmp_path) not in (tmp_path / "one" / "manifest.json").read_text()


def test_manifest(script, raw, tmp_path):
    script.main([*medqa_flags(raw), *medxpertqa_flags(raw), "--output_dir", str(tmp_path / "out")])
    made = manifest(tmp_path / "out")
    assert made["settings"]["seed"] == 42
    assert made["counts"]["train"]["by_source"] == {"medqa_usmle": 1090, "medxpertqa": 490}
    first, second = made["sources"]
    assert (first["dataset"], first["rows"], first["files"][0]["file"]) == ("medqa_usmle", 1200, "train.jsonl")
    assert (second["dataset"], second["rows"], second["files"][0]["file"]) == ("medxpertqa", 2450, "Text/test.jsonl")
    command = ["sha256sum", raw / "xpert/Text/test.jsonl"]
    assert second["files"][0]["sha256"] == subprocess.run(command, capture_output=True, text=True).stdout.split()[0]
    for split in ("train", "test"):
        ids = {}
        for question in read_prepared(tmp_path / "out", split):
            ids.setdefault(question.source, []).append(question.id)
        assert made["ids"][split] == {source: sorted(found) for source, found in sorted(ids.items())}
    assert "no training split" in made["notes"][0]


# Other datasets ------------------------------------------------------------------------------------------------------


def test_other_datasets_and_own_files(script, tmp_path):
    write_jsonl(tmp_path / "medmcqa/train.jsonl", [raw_rows.medmcqa(n, cop=1 + n % 3) for n in range(30)])
    columns = {"stem": "frage", "options": {"A": "a", "B": "b"}, "answer": "key", "answer_form": "text"}
    rows = [{"frage": f"Which {n}?", "a": f"x{n}", "b": f"y{n}", "key": f"y{n}"} for n in range(8)]
    own = raw_rows.write_csv(tmp_path / "own.csv", rows)
    flags = [
        "--dataset",
        f"medmcqa={tmp_path}/medmcqa:20",
        "--medmcqa_cop_base",
        "1",
        "--columns",
        json.dumps(columns),
    ]
    flags += ["--dataset", f"{own}:6", "--test_dataset", str(own), "--output_dir", str(tmp_path / "out")]
    assert script.main(flags) == 0
    train, test = (read_prepared(tmp_path / "out", split) for split in ("train", "test"))
    assert Counter(question.source for question in train) == {"medmcqa": 20, "own": 6}
    assert {question.answer for question in train if question.source == "medmcqa"} == {"A", "B", "C"}
    assert Counter(question.source for question in test) == {"own": 2}
    assert all(question.answer == "B" for question in test)


def test_evaluation_rows_are_trained_on_only_when_told_to(script, tmp_path, capsys):
    write_jsonl(tmp_path / "medmcqa/validation.jsonl", [raw_rows.medmcqa(n, cop=n % 4) for n in range(12)])
    dataset = f"medmcqa/validation={tmp_path}/medmcqa"
    # As a test set they are what they are for.
    own = write_jsonl(tmp_path / "own.jsonl", [{"stem": f"Which {n}?", "answer": "x"} for n in range(5)])
    assert script.main(["--dataset", str(own), "--test_dataset", dataset, "--output_dir", str(tmp_path / "test")]) == 0
    assert script.main(["--dataset", dataset, "--output_dir", str(tmp_path / "train")]) == 2
    flags = ["--dataset", dataset, "--allow_evaluation_rows", "--output_dir", str(tmp_path / "train")]
    assert script.main(flags) == 0
    assert "warning: 12 training rows come from medmcqa/validation" in capsys.readouterr().out
    made = manifest(tmp_path / "train")
    assert made["settings"]["allow_evaluation_rows"] and len(made["ids"]["train"]["medmcqa"]) == 12


def test_overlap_of_training_and_test_rows_is_told(script, tmp_path, capsys):
    train = write_jsonl(tmp_path / "train_rows.jsonl", [{"stem": f"Which {n}?", "answer": "x"} for n in range(5)])
    test = write_jsonl(tmp_path / "test_rows.jsonl", [{"stem": f"WHICH {n}", "answer": "x"} for n in range(2)])
    flags = ["--dataset", str(train), "--test_dataset", str(test), "--output_dir", str(tmp_path / "out")]
    assert script.main(flags) == 0
    assert [question.split for question in read_prepared(tmp_path / "out", "test")] == ["test", "test"]
    told = "training and test rows overlap: 0 by id, 2 by stem and options, 0 by stem and right answer"
    assert f"warning: {told}" in capsys.readouterr().out
    assert manifest(tmp_path / "out")["notes"] == [told]


def test_real_rows(script, shared_data, tmp_path):
    flags = [
        "--medqa_usmle_root",
        str(shared_data / "medqa_usmle"),
        "--medxpertqa_root",
        str(shared_data / "medxpertqa"),
    ]
    assert script.main([*flags, "--preset", "dataset2", "--output_dir", str(tmp_path / "out")]) == 0
    assert Counter(question.source for question in read_prepared(tmp_path / "out")) == {
        "medqa_usmle": 600,
        "medxpertqa": 795,
    }

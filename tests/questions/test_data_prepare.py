"""scripts/data_prepare.py as users run it, on invented rows in the official layouts."""

import importlib.util
import json
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
import raw_rows
from raw_rows import write_jsonl

from open_r1.questions import read_prepared

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "data_prepare.py"


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("data_prepare", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    # Dataclasses look their module up by name.
    sys.modules["data_prepare"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def raw(tmp_path_factory):
    """1,200 MedQA rows and MedXpertQA's 2,450, of which 613 ask for understanding."""
    root = tmp_path_factory.mktemp("raw")
    write_jsonl(root / "medqa/train.jsonl", [raw_rows.medqa(n) for n in range(1200)])
    write_jsonl(root / "xpert/Text/test.jsonl", [raw_rows.medxpertqa(n) for n in range(2450)])
    return root


def medqa(raw) -> list[str]:
    return ["--medqa_usmle_root", str(raw / "medqa")]


def xpert(raw) -> list[str]:
    return ["--medxpertqa_root", str(raw / "xpert")]


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def manifest(folder: Path) -> dict:
    return json.loads((folder / "manifest.json").read_text())


def test_as_a_process_with_upstream_flags(raw, tmp_path):
    out = tmp_path / "deep" / "out"
    command = [sys.executable, str(SCRIPT), *medqa(raw), *xpert(raw), "--output_dir", str(out)]
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
    roots = {"dataset1": medqa(raw), "dataset3": xpert(raw)}.get(flags[-1] if flags else "", medqa(raw) + xpert(raw))
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
    script.main([*xpert(raw), "--preset", "dataset3", "--output_dir", str(tmp_path / "out")])
    types = Counter(question.metadata["question_type"] for question in read_prepared(tmp_path / "out", "train"))
    # 490 × 1837/2450 = 367.4 and 490 × 613/2450 = 122.6
    assert types == {"Reasoning": 367, "Understanding": 123}


def test_training_rows_are_mixed_not_stacked(script, raw, tmp_path):
    script.main([*medqa(raw), *xpert(raw), "--output_dir", str(tmp_path / "out")])
    sources = [question.source for question in read_prepared(tmp_path / "out", "train")]
    assert 20 < sources[:100].count("medxpertqa") < 45


def test_same_seed_same_bytes_whatever_the_order_of_flags(script, raw, tmp_path):
    own = [
        write_jsonl(tmp_path / f"{name}.jsonl", [{"stem": f"{name}{n}?", "answer": "x"} for n in range(9)])
        for name in "ab"
    ]
    datasets = [["--dataset", f"{path}:5"] for path in own]
    flags = [medqa(raw), xpert(raw), *datasets, ["--seed", "7"]]
    outputs = []
    for number, order in enumerate([flags, flags[::-1], flags]):
        out = tmp_path / f"out{number}"
        assert script.main([flag for part in order for flag in part] + ["--output_dir", str(out)]) == 0
        outputs.append(contents(out))
    assert outputs[0] == outputs[1] == outputs[2]
    assert script.main([*medqa(raw), *xpert(raw), "--seed", "8", "--output_dir", str(tmp_path / "other")]) == 0
    assert contents(tmp_path / "other")["train.jsonl"] != outputs[0]["train.jsonl"]


def test_raw_files_in_another_place_give_the_same_bytes(script, raw, tmp_path):
    (tmp_path / "elsewhere").symlink_to(raw)
    for name, root in (("one", raw), ("two", tmp_path / "elsewhere")):
        script.main([*medqa(root), *xpert(root), "--output_dir", str(tmp_path / name)])
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    assert str(tmp_path) not in (tmp_path / "one" / "manifest.json").read_text()


def test_manifest(script, raw, tmp_path):
    script.main([*medqa(raw), *xpert(raw), "--output_dir", str(tmp_path / "out")])
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


# Errors --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ([], "nothing to prepare: give --medqa_usmle_root"),
        (["M", "--usmle_nums", "1201"], "medqa_usmle: 1,201 rows asked for, but"),
        (["M", "--usmle_nums", "-1"], "--usmle_nums -1: give 0 or more"),
        (["M", "--usmle_nums", "0"], "no training rows"),
        (["X", "--xpert_test_size", "1.5"], "--xpert_test_size 1.5: give a share"),
        (["X", "--xpert_test_size", "nan"], "--xpert_test_size nan: give a share"),
        (["--preset", "dataset1"], "--preset dataset1 takes 1090 rows from the folder that --medqa_usmle_root names"),
        (["M", "X", "--preset", "dataset1"], "takes no rows from --medxpertqa_root"),
        (["M", "X", "--preset", "dataset3"], "takes no rows from --medqa_usmle_root"),
        (["M", "--preset", "dataset1", "--usmle_nums", "1000"], "takes 1090 MedQA rows, --usmle_nums says 1000"),
        (["X", "--preset", "dataset3", "--xpert_test_size", "0.5"], "fixes the MedXpertQA rows"),
        (["M", "--preset", "dataset1", "--dataset", "medmcqa"], "a whole mixture"),
        (["--medqa_usmle_root", "nowhere"], "nowhere: no such folder"),
        (["--medxpertqa_root", "."], "no file of MedXpertQA Text test there; looked for Text/test.jsonl"),
        (["--dataset", "medmqca=."], "--dataset medmqca=.: neither a file nor one of medqa_usmle"),
        (["--dataset", "medmcqa/moon=."], "medmcqa has no split 'moon'"),
        (["--dataset", "medmcqa@abc=."], "a revision is for the hub"),
        (["M", "--columns", "{"], "--columns: not JSON"),
        (["M", "--columns", "[]"], "--columns: expected a JSON object"),
    ],
)
def test_errors_are_one_line_and_leave_nothing(script, raw, tmp_path, monkeypatch, capsys, flags, message):
    monkeypatch.chdir(tmp_path)
    roots = {"M": medqa(raw), "X": xpert(raw)}
    flags = [flag for given in flags for flag in roots.get(given, [given])]
    assert script.main([*flags, "--output_dir", "out"]) == 2
    errors = [line for line in capsys.readouterr().err.splitlines() if not line.startswith("warning")]
    assert len(errors) == 1
    assert message in errors[0]
    assert list(tmp_path.iterdir()) == []


def test_presets_want_their_rows_exactly(script, tmp_path, capsys):
    write_jsonl(tmp_path / "xpert/Text/test.jsonl", [raw_rows.medxpertqa(n) for n in range(489)])
    assert script.main([*xpert(tmp_path), "--preset", "dataset3", "--output_dir", str(tmp_path / "out")]) == 2
    assert "490 rows asked for" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_presets_agree_with_flags_that_say_the_same(script, raw, tmp_path):
    flags = [*medqa(raw), *xpert(raw), "--preset", "dataset2", "--usmle_nums", "600", "--xpert_test_size", "0.8"]
    assert script.main([*flags, "--output_dir", str(tmp_path / "out")]) == 0


def test_bad_row_stops_or_is_listed(script, tmp_path, capsys):
    rows = [raw_rows.medqa(n) for n in range(20)]
    rows[4]["answer_idx"] = "X"
    path = write_jsonl(tmp_path / "medqa/train.jsonl", rows)
    with path.open("a") as file:
        file.write("not json\n")
    flags = [*medqa(tmp_path), "--usmle_nums", "10", "--output_dir", str(tmp_path / "out")]
    assert script.main(flags) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert f"{path}, line 5, field 'answer_idx': expected one of A, B, C, D, found 'X'" in error
    assert error.endswith("--skip_bad_rows")
    assert not (tmp_path / "out").exists()
    assert script.main([*flags, "--skip_bad_rows"]) == 0
    assert "bad rows left out: 2" in capsys.readouterr().out
    rejects = [json.loads(line) for line in (tmp_path / "out/rejects.jsonl").read_text().splitlines()]
    assert [(reject["file"], reject["where"], reject["field"]) for reject in rejects] == [
        ("train.jsonl", "line 5", "answer_idx"),
        ("train.jsonl", "line 21", ""),
    ]
    assert rejects[0]["row"] == rows[4]
    assert manifest(tmp_path / "out")["rejected_rows"] == 2
    assert len(read_prepared(tmp_path / "out")) == 10


def test_existing_output_is_kept_unless_told(script, raw, tmp_path, capsys):
    out = tmp_path / "out"
    flags = [*medqa(raw), "--output_dir", str(out)]
    assert script.main([*flags, "--usmle_nums", "5"]) == 0
    before = contents(out)
    assert script.main([*flags, "--usmle_nums", "6"]) == 2
    assert "the output is already there; give --overwrite" in capsys.readouterr().err
    assert contents(out) == before
    assert script.main([*flags, "--usmle_nums", "6", "--overwrite"]) == 0
    assert len(read_prepared(out)) == 6
    (out / "thesis.tex").write_text("years of work")
    assert script.main([*flags, "--overwrite"]) == 2
    assert "holds thesis.tex, which this script did not write" in capsys.readouterr().err
    assert (out / "thesis.tex").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_an_empty_folder_is_no_output_and_a_file_is_in_the_way(script, raw, tmp_path, capsys):
    (tmp_path / "out").mkdir()
    assert script.main([*medqa(raw), "--output_dir", str(tmp_path / "out")]) == 0
    (tmp_path / "file").write_text("x")
    assert script.main([*medqa(raw), "--overwrite", "--output_dir", str(tmp_path / "file")]) == 2
    assert "this is a file" in capsys.readouterr().err


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize(("error", "code"), [(KeyboardInterrupt(), 130), (OSError("No space left on device"), 2)])
def test_an_interrupted_run_leaves_everything_as_it_was(script, raw, tmp_path, monkeypatch, error, code, overwrite):
    flags = [*medqa(raw), "--output_dir", str(tmp_path / "out")]
    if overwrite:
        script.main(flags)
        flags.append("--overwrite")
    before = contents(tmp_path / "out") if overwrite else {}

    def stop(*_):
        raise error

    monkeypatch.setattr(script.manifest, "write", stop)
    assert script.main([*flags, "--usmle_nums", "3"]) == code
    assert [path.name for path in tmp_path.iterdir()] == (["out"] if overwrite else [])
    assert not overwrite or contents(tmp_path / "out") == before


def test_overwrite_puts_the_old_output_back_when_the_last_rename_fails(script, raw, tmp_path, monkeypatch):
    flags = [*medqa(raw), "--output_dir", str(tmp_path / "out")]
    script.main(flags)
    before, rename = contents(tmp_path / "out"), Path.rename

    def fail_for_the_new_one(path, target):
        if ".new-" in path.name:
            raise OSError("disk gone")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", fail_for_the_new_one)
    assert script.main([*flags, "--usmle_nums", "3", "--overwrite"]) == 2
    assert contents(tmp_path / "out") == before
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_terminated_process_leaves_nothing(raw, tmp_path):
    # The real script, stopped for long enough at the moment when its files are half written.
    code = f"""
import sys, time
sys.path.insert(0, {str(SCRIPT.parent)!r})
import data_prepare
def stop(path, made):
    print("writing", flush=True)
    time.sleep(60)
data_prepare.manifest.write = stop
sys.exit(data_prepare.main(sys.argv[1:]))
"""
    command = [sys.executable, "-c", code, *medqa(raw), "--output_dir", str(tmp_path / "out")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout.readline() == "writing\n"
    assert len(list(tmp_path.iterdir())) == 1
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    assert process.returncode == 128 + signal.SIGTERM
    assert list(tmp_path.iterdir()) == []


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


def test_overlap_of_training_and_test_rows_is_told(script, tmp_path, capsys):
    train = write_jsonl(tmp_path / "train_rows.jsonl", [{"stem": f"Which {n}?", "answer": "x"} for n in range(5)])
    test = write_jsonl(tmp_path / "test_rows.jsonl", [{"stem": f"WHICH {n}", "answer": "x"} for n in range(2)])
    flags = ["--dataset", str(train), "--test_dataset", str(test), "--output_dir", str(tmp_path / "out")]
    assert script.main(flags) == 0
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

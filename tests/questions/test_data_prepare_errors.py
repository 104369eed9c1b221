"""What scripts/data_prepare.py does with bad input, outputs in its way and interruptions."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import raw_rows
from raw_rows import contents, manifest, medqa_flags, medxpertqa_flags, write_jsonl

from open_r1.questions import read_prepared

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "data_prepare.py"


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
        (
            ["--dataset", "medmcqa/validation=."],
            "what models are evaluated on: one trained on its rows has no score there. Take medmcqa/train",
        ),
        (["--dataset", "gpqa=."], "gpqa/main is what models are evaluated on"),
        (["M", "--columns", "{"], "--columns: not JSON"),
        (["M", "--columns", "[]"], "--columns: expected a JSON object"),
    ],
)
def test_errors_are_one_line_and_leave_nothing(script, raw, tmp_path, monkeypatch, capsys, flags, message):
    monkeypatch.chdir(tmp_path)
    roots = {"M": medqa_flags(raw), "X": medxpertqa_flags(raw)}
    flags = [flag for given in flags for flag in roots.get(given, [given])]
    assert script.main([*flags, "--output_dir", "out"]) == 2
    errors = [line for line in capsys.readouterr().err.splitlines() if not line.startswith("warning")]
    assert len(errors) == 1
    assert message in errors[0]
    assert list(tmp_path.iterdir()) == []


def test_presets_want_their_rows_exactly(script, tmp_path, capsys):
    write_jsonl(tmp_path / "xpert/Text/test.jsonl", [raw_rows.medxpertqa(n) for n in range(489)])
    assert (
        script.main([*medxpertqa_flags(tmp_path), "--preset", "dataset3", "--output_dir", str(tmp_path / "out")]) == 2
    )
    assert "490 rows asked for" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_presets_agree_with_flags_that_say_the_same(script, raw, tmp_path):
    flags = [
        *medqa_flags(raw),
        *medxpertqa_flags(raw),
        "--preset",
        "dataset2",
        "--usmle_nums",
        "600",
        "--xpert_test_size",
        "0.8",
    ]
    assert script.main([*flags, "--output_dir", str(tmp_path / "out")]) == 0


def test_bad_row_stops_or_is_listed(script, tmp_path, capsys):
    rows = [raw_rows.medqa(n) for n in range(20)]
    rows[4]["answer_idx"] = "X"
    path = write_jsonl(tmp_path / "medqa/train.jsonl", rows)
    with path.open("a") as file:
        file.write("not json\n")
    flags = [*medqa_flags(tmp_path), "--usmle_nums", "10", "--output_dir", str(tmp_path / "out")]
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
    flags = [*medqa_flags(raw), "--output_dir", str(out)]
    assert script.main([*flags, "--usmle_nums", "5"]) == 0
    before = contents(out)
    assert script.main([*flags, "--usmle_nums", "6"]) == 2
    assert "the output is already there; give --overwrite" in capsys.readouterr().err
    assert contents(out) == before
    # It is told before anything is read.
    assert script.main(["--medqa_usmle_root", "nowhere", "--output_dir", str(out)]) == 2
    assert "the output is already there" in capsys.readouterr().err
    assert script.main([*flags, "--usmle_nums", "6", "--overwrite"]) == 0
    assert len(read_prepared(out)) == 6
    (out / "thesis.tex").write_text("years of work")
    assert script.main([*flags, "--overwrite"]) == 2
    assert "holds thesis.tex, which this script did not write" in capsys.readouterr().err
    assert (out / "thesis.tex").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_an_empty_folder_is_no_output_and_a_file_is_in_the_way(script, raw, tmp_path, capsys):
    (tmp_path / "out").mkdir()
    assert script.main([*medqa_flags(raw), "--output_dir", str(tmp_path / "out")]) == 0
    (tmp_path / "file").write_text("x")
    assert script.main([*medqa_flags(raw), "--overwrite", "--output_dir", str(tmp_path / "file")]) == 2
    assert "this is a file" in capsys.readouterr().err


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize(("error", "code"), [(KeyboardInterrupt(), 130), (OSError("No space left on device"), 2)])
def test_an_interrupted_run_leaves_everything_as_it_was(script, raw, tmp_path, monkeypatch, error, code, overwrite):
    flags = [*medqa_flags(raw), "--output_dir", str(tmp_path / "out")]
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
    flags = [*medqa_flags(raw), "--output_dir", str(tmp_path / "out")]
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
    command = [sys.executable, "-c", code, *medqa_flags(raw), "--output_dir", str(tmp_path / "out")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout.readline() == "writing\n"
    assert len(list(tmp_path.iterdir())) == 1
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    assert process.returncode == 128 + signal.SIGTERM
    assert list(tmp_path.iterdir()) == []

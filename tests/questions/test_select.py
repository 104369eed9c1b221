"""Choosing training rows by what models get right: gradings joined to questions, the forms of --select, the presets."""

import json
from collections import Counter

import pytest
from raw_rows import manifest, medqa_flags, medxpertqa_flags

from open_r1.questions import DataError, Question, read_prepared
from open_r1.questions.gradings import graded, parse_select, read_gradings


def row(identity: str, source: str = "medqa_usmle", **rates: float) -> dict:
    models = {name.replace("__", "/"): {"pass_rate": rate, "right": 0, "samples": 8} for name, rate in rates.items()}
    return {"source": source, "id": identity, "models": models}


def write(path, rows: list[dict]):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.fixture
def gradings(script, raw, tmp_path):
    """Gradings of all 1,200 MedQA rows by two models: one solves a third never and a third always, the other none."""
    script.main([*medqa_flags(raw), "--usmle_nums", "1200", "--output_dir", str(tmp_path / "all")])
    questions = sorted(read_prepared(tmp_path / "all", "train"), key=lambda question: question.id)
    rates = {question.id: (0.0, 0.5, 1.0)[place % 3] for place, question in enumerate(questions)}
    both = [
        row(identity, **{"microsoft__phi-4": rate, "google__gemma-3-12b-it": 0.0}) for identity, rate in rates.items()
    ]
    return write(tmp_path / "gradings.jsonl", both), rates


def prepared(script, raw, tmp_path, *flags) -> list[Question]:
    out = tmp_path / "out"
    assert script.main([*medqa_flags(raw), "--output_dir", str(out), "--overwrite", *map(str, flags)]) == 0
    return read_prepared(out, "train")


def test_the_reports_strategies_draw_500_rows_each(script, raw, tmp_path, gradings):
    path, rates = gradings
    chosen = prepared(script, raw, tmp_path, "--preset", "report_random")
    assert len(chosen) == 500 and all(question.difficulty is None for question in chosen)
    assert len({rates[question.id] for question in chosen}) == 3

    other = [row(identity, **{"google__gemma-3-27b-it": 0.5 if rate else 0.0}) for identity, rate in rates.items()]
    flags = ("--preset", "report_gemma3_27b", "--gradings", path, "--gradings", write(tmp_path / "other.jsonl", other))
    chosen = prepared(script, raw, tmp_path, *flags)
    assert len(chosen) == 500 and {rates[question.id] for question in chosen} == {0.5, 1.0}

    flags = [*medqa_flags(raw), "--output_dir", str(tmp_path / "none"), "--gradings", str(path)]
    # 400 of the 1,200 are solved sometimes, but not always: fewer than the preset's 500.
    assert script.main([*flags, "--preset", "report_phi4"]) == 2
    assert script.main([*flags, "--preset", "report_gemma3_27b"]) == 2
    assert not (tmp_path / "none").exists()


def test_a_model_and_its_pass_rate(script, raw, tmp_path, gradings, capsys):
    path, rates = gradings
    common = ("--gradings", path, "--usmle_nums", 300)
    chosen = prepared(script, raw, tmp_path, *common, "--select", "model:phi-4")
    assert len(chosen) == 300 and {rates[question.id] for question in chosen} == {0.5}
    # The difficulty is 1 less the mean of both models.
    assert {question.difficulty for question in chosen} == {0.75}
    assert chosen[0].metadata["graded"]["microsoft/phi-4"]["pass_rate"] == 0.5
    made = manifest(tmp_path / "out")
    assert made["settings"]["select"] == "model:phi-4"
    assert [file["file"] for file in made["settings"]["gradings"]] == ["gradings.jsonl"]
    source = made["sources"][0]
    assert [source[key] for key in ("rows", "graded_rows", "selected_rows", "train_rows")] == [1200, 1200, 400, 300]
    assert "1,200 rows, 1,200 graded, 400 kept by --select model:phi-4, 300 drawn" in capsys.readouterr().out

    chosen = prepared(script, raw, tmp_path, *common, "--select", "model:microsoft/phi-4:0.5-1")
    assert Counter(rates[question.id] for question in chosen).keys() == {0.5, 1.0}
    chosen = prepared(script, raw, tmp_path, *common, "--select", "passrate:0-0.3")
    assert Counter(rates[question.id] for question in chosen).keys() == {0.0, 0.5}
    chosen = prepared(script, raw, tmp_path, *common, "--select", "level:hard")
    assert Counter(rates[question.id] for question in chosen).keys() == {0.0, 0.5}


def test_test_rows_are_the_same_whatever_is_selected(script, raw, tmp_path):
    flags = [*medxpertqa_flags(raw), "--output_dir", str(tmp_path / "out"), "--overwrite"]
    script.main(flags)
    train, test = (read_prepared(tmp_path / "out", split) for split in ("train", "test"))
    path = write(tmp_path / "gradings.jsonl", [row(q.id, "medxpertqa", m=n / 490) for n, q in enumerate(train)])
    script.main([*flags, "--gradings", str(path), "--select", "passrate:0.5-1"])
    assert read_prepared(tmp_path / "out", "test") == test
    chosen = read_prepared(tmp_path / "out", "train")
    assert {question.id for question in chosen} == {question.id for question in train[245:]}


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--select", "model:phi-4"], "--select model:phi-4 goes by gradings: give --gradings"),
        (["--select", "easy"], "--select easy: not one of random: any question; passrate:MIN-MAX"),
        (["--select", "passrate:0.8-0.2"], "the smaller one first"),
        (["--select", "passrate:a-b"], "not one of random"),
        (["--preset", "report_phi4"], "goes by gradings: give --gradings"),
        (["--preset", "report_phi4", "--select", "random"], "is --select model:microsoft/phi-4; leave one"),
        (["--gradings", "nowhere.jsonl"], "nowhere.jsonl"),
    ],
)
def test_mistakes_are_one_line_and_exit_2(script, raw, tmp_path, capsys, flags, message):
    assert script.main([*medqa_flags(raw), "--output_dir", str(tmp_path / "out"), *flags]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1 and not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([{"source": "s", "id": "1", "models": {"m": 0.5}}], "line 1, field 'models': expected a mapping from models"),
        ([{"id": "1", "models": {"m": {"pass_rate": 0.5}}}], "`source` and `id` of a question"),
        ([row("1", m=0.5) | {"id": ["1"]}], "`source` and `id` of a question"),
        ([row("1", m=0.5), row("1", m=0.5)], "line 2, field 'models': expected one grading by m"),
    ],
)
def test_a_line_that_is_no_grading_is_named(tmp_path, rows, message):
    with pytest.raises(DataError, match=message):
        read_gradings([write(tmp_path / "g.jsonl", rows)])


def test_a_short_name_that_means_two_models_is_refused():
    question = Question("1", "s", "train", "?", {"A": "x"}, "A")
    rated = graded(question, {("s", "1"): row("1", **{"a__m": 0.5, "b__M": 0.5})["models"]})
    with pytest.raises(DataError, match="the gradings hold a/m and b/M; give the full name"):
        parse_select("model:m").keeps(rated)
    assert parse_select("model:a/m").keeps(rated)

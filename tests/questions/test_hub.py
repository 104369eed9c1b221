"""Hub loading, on local folders in the hub's layout (a folder stands for the dataset's name)."""

from dataclasses import replace

import pytest
import raw_rows
from raw_rows import write_csv, write_jsonl

from open_r1.questions import DataError, ddxplus, gpqa, medcalc, medmcqa, medqa_usmle, medxpertqa, mmlu_pro, pubmedqa

pytest.importorskip("datasets")


@pytest.fixture(autouse=True)
def no_network(monkeypatch, tmp_path):
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")


def write_parquet(path, rows):
    import pyarrow as pa
    import pyarrow.parquet as pq

    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows), path)


def write_card(root, *configs: tuple[str, str, str]):
    """The README by which the hub knows a dataset's configs, as (config, split, file)."""
    blocks = [
        f"- config_name: {config}\n  data_files:\n  - split: {split}\n    path: {path}\n"
        for config, split, path in configs
    ]
    (root / "README.md").write_text("---\nconfigs:\n" + "".join(blocks) + "---\n")


def test_medqa(tmp_path):
    root = tmp_path / "hub"
    rows = [raw_rows.medqa(n) for n in range(3)]
    path = write_jsonl(root / "phrases_no_exclude_train.jsonl", rows)
    write_jsonl(root / "phrases_no_exclude_test.jsonl", rows[:1])
    assert medqa_usmle.load_hub("train", path=str(root)) == medqa_usmle.load(path)


def test_files_of_parquet_are_read_from_disk_as_those_of_json_lines(tmp_path):
    """Columns of a table are the same for all rows: letters that a row lacks are null."""
    medqa_rows = [raw_rows.medqa(n, letters) for n, letters in enumerate(("ABCD", "ABCDE"))]
    xpert_rows = [raw_rows.medxpertqa(n, letters) for n, letters in enumerate(("ABCDE", "ABCDEFGHIJ"))]
    for number in range(2):
        write_parquet(tmp_path / f"data/train-0000{number}-of-00002.parquet", medqa_rows[number:][:1])
    write_parquet(tmp_path / "Text/test-00000-of-00001.parquet", xpert_rows)
    write_parquet(tmp_path / "both.parquet", medqa_rows)
    lines = write_jsonl(tmp_path / "lines.jsonl", medqa_rows)
    assert medqa_usmle.load(tmp_path) == medqa_usmle.load(tmp_path / "both.parquet") == medqa_usmle.load(lines)
    assert medxpertqa.load(tmp_path) == medxpertqa.load(write_jsonl(tmp_path / "xpert.jsonl", xpert_rows))


def test_medxpertqa(tmp_path):
    root = tmp_path / "hub"
    write_jsonl(root / "Text/test.jsonl", [raw_rows.medxpertqa(n) for n in range(3)])
    write_jsonl(root / "MM/test.jsonl", [raw_rows.medxpertqa(n, "ABCDE", "MM", images=["a.png"]) for n in range(2)])
    write_card(root, ("Text", "test", "Text/test.jsonl"), ("MM", "test", "MM/test.jsonl"))
    assert medxpertqa.load_hub(path=str(root)) == medxpertqa.load(root)
    assert medxpertqa.load_hub(path=str(root), subset="MM") == medxpertqa.load(root, subset="MM")


def test_medmcqa_on_disk_and_through_datasets(tmp_path):
    root = tmp_path / "hub"
    write_parquet(root / "data/validation-00000-of-00001.parquet", [raw_rows.medmcqa(n) for n in range(4)])
    questions = medmcqa.load_hub("validation", path=str(root))
    assert [question.answer for question in questions] == list("ABCD")
    assert medmcqa.load(root, "validation") == questions


def test_mmlu_pro(tmp_path):
    root = tmp_path / "hub"
    write_parquet(root / "data/test-00000-of-00001.parquet", [raw_rows.mmlu_pro(n, size=3 + n) for n in range(4)])
    questions = mmlu_pro.load_hub(path=str(root))
    assert [len(question.options) for question in questions] == [3, 4, 5, 6]
    assert mmlu_pro.load(root) == questions


def test_pubmedqa(tmp_path):
    root = tmp_path / "hub"
    row = {
        "pubid": 11,
        "question": "Does it?",
        "context": {
            "contexts": ["One.", "Two."],
            "labels": ["A", "B"],
            "meshes": [],
            "reasoning_required_pred": ["no"],
        },
        "long_answer": "It does.",
        "final_decision": "maybe",
    }
    write_parquet(root / "pqa_labeled/train-00000-of-00001.parquet", [row])
    write_card(root, ("pqa_labeled", "train", "pqa_labeled/train-*"))
    (question,) = pubmedqa.load_hub(path=str(root))
    assert (question.id, question.answer_text, question.context) == ("11", "maybe", "One.\nTwo.")
    with pytest.raises(DataError, match="no list of the official test rows"):
        pubmedqa.load_hub("test", path=str(root))
    assert pubmedqa.load(root) == [question]
    (root / "pqa_labeled/test_ground_truth.json").write_text('{"11": "maybe"}')
    assert [pubmedqa.load(root, split)[:1] for split in ("train", "test")] == [[], [replace(question, split="test")]]
    (root / "pqa_labeled/test_ground_truth.json").write_text('["11"]')
    with pytest.raises(DataError, match=r"test_ground_truth\.json: expected one JSON object"):
        pubmedqa.load(root, "test")


def test_gpqa(tmp_path):
    root = tmp_path / "hub"
    write_csv(root / "gpqa_main.csv", [raw_rows.gpqa(n) for n in range(3)])
    write_card(root, ("gpqa_main", "train", "gpqa_main.csv"))
    assert gpqa.load_hub(path=str(root)) == gpqa.load(root)


def test_medcalc_numeric_columns(tmp_path):
    root = tmp_path / "hub"
    write_csv(root / "test_data.csv", [raw_rows.medcalc(n) for n in range(3)])
    write_card(root, ("default", "test", "test_data.csv"))
    questions = medcalc.load_hub(path=str(root))
    assert [question.answer for question in questions] == ["10.5"] * 3


def test_ddxplus(tmp_path):
    root = raw_rows.write_ddxplus(tmp_path / "hub", [raw_rows.ddxplus()], "train.csv")
    write_card(root, ("default", "train", "train.csv"))
    (question,) = ddxplus.load_hub(path=str(root))
    assert question.answer_text == "Aa (en)"
    assert "44-year-old female" in question.stem


@pytest.mark.parametrize("dataset", [medcalc, ddxplus])
def test_a_hub_dataset_without_a_pinned_revision_asks_for_one(dataset):
    with pytest.raises(DataError, match="no revision is pinned"):
        dataset.load_hub("test")

"""Every loader on real rows: exact counts and label distributions, and the quirks that the files are known for."""

import json
import re
from collections import Counter

import pytest

from open_r1.questions import Kind, load, question_from_row, question_text, row_from_question

LABELS = [
    ("medqa_usmle", "medqa_usmle", "train", {"A": 212, "B": 198, "C": 227, "D": 163}, {4: 800}),
    ("medqa_usmle", "medqa_usmle_5options", "train", {"A": 81, "B": 74, "C": 87, "D": 92, "E": 66}, {5: 400}),
    ("medxpertqa", "medxpertqa", "dev", {"A": 1, "C": 1, "H": 1, "J": 2}, {10: 5}),
    (
        "medxpertqa",
        "medxpertqa",
        "test",
        {"A": 85, "B": 75, "C": 77, "D": 80, "E": 80, "F": 77, "G": 81, "H": 72, "I": 90, "J": 78},
        {10: 795},
    ),
    ("medxpertqa_mm", "medxpertqa", "test", {"A": 23, "B": 40, "C": 27, "D": 26, "E": 34}, {5: 150}),
    ("medmcqa", "medmcqa", "validation", {"A": 192, "B": 153, "C": 134, "D": 121}, {4: 600}),
    ("pubmedqa", "pubmedqa", "all", {"A": 552, "B": 338, "C": 110}, {3: 1000}),
    ("pubmedqa", "pubmedqa", "test", {"A": 276, "B": 169, "C": 55}, {3: 500}),
    ("pubmedqa", "pubmedqa", "train", {"A": 276, "B": 169, "C": 55}, {3: 500}),
    (
        "mmlu_pro",
        "mmlu_pro",
        "test",
        {"A": 37, "B": 30, "C": 28, "D": 37, "E": 33, "F": 25, "G": 29, "H": 21, "I": 31, "J": 29},
        {3: 1, 4: 12, 5: 2, 6: 1, 7: 9, 8: 14, 9: 24, 10: 237},
    ),
]


@pytest.mark.parametrize(("name", "folder", "split", "labels", "options"), LABELS)
def test_counts_and_labels(shared_data, name, folder, split, labels, options):
    questions = load(name, shared_data / folder, split)
    assert dict(sorted(Counter(question.answer for question in questions).items())) == labels
    assert dict(sorted(Counter(len(question.options) for question in questions).items())) == options
    assert len({question.id for question in questions}) == len(questions)
    assert {question.split for question in questions} == {split}
    assert all(list(question.options) == list("ABCDEFGHIJ"[: len(question.options)]) for question in questions)
    assert all(question_from_row(row_from_question(question)) == question for question in questions)


def raw_rows(path):
    return [json.loads(line) for line in path.read_bytes().split(b"\n") if line]


@pytest.mark.parametrize(("folder", "junk"), [("medqa_usmle", 28), ("medqa_usmle_5options", 15)])
def test_medqa_repairs_the_stray_quote_and_nothing_else(shared_data, folder, junk):
    path = shared_data / folder / "train.jsonl"
    repaired = 0
    for row, question in zip(raw_rows(path), load("medqa_usmle", path), strict=True):
        for letter, text in row["options"].items():
            repaired += text.endswith('\n"')
            assert question.options[letter] == re.sub(r'\n"$', "", text).strip()
        assert question.stem == row["question"].strip()
        assert question.answer == row["answer_idx"]
    assert repaired == junk


@pytest.mark.parametrize(("name", "subset"), [("medxpertqa", "Text"), ("medxpertqa_mm", "MM")])
def test_medxpertqa_question_text_is_the_official_question(shared_data, name, subset):
    rows = raw_rows(shared_data / "medxpertqa" / subset / "test.jsonl")
    questions = load(name, shared_data / "medxpertqa")
    assert [question_text(question) for question in questions] == [row["question"] for row in rows]
    assert [question.options for question in questions] == [row["options"] for row in rows]
    assert not any("Answer Choices" in question.stem for question in questions)


def test_medxpertqa_images_keep_their_names(shared_data):
    rows = raw_rows(shared_data / "medxpertqa" / "MM" / "test.jsonl")
    questions = load("medxpertqa_mm", shared_data / "medxpertqa")
    assert [list(question.images) for question in questions] == [row["images"] for row in rows]
    assert {len(question.images) for question in questions} == {1, 2, 3, 4, 5, 6}


def test_medmcqa_texts_stay_but_for_their_edges(shared_data):
    path = shared_data / "medmcqa" / "validation.jsonl"
    for row, question in zip(raw_rows(path), load("medmcqa", path, "validation"), strict=True):
        assert list(question.options.values()) == [row[name].strip() for name in ("opa", "opb", "opc", "opd")]
        assert question.answer == "ABCD"[row["cop"]]


def test_pubmedqa_reads_final_decision_and_the_whole_context(shared_data):
    rows = json.loads((shared_data / "pubmedqa" / "ori_pqal.json").read_bytes())
    for question in load("pubmedqa", shared_data / "pubmedqa", "test"):
        row = rows[question.id]
        assert question.kind == Kind.YES_NO_MAYBE
        assert question.answer_text == row["final_decision"]
        assert question.context == "\n".join(row["CONTEXTS"])


def test_mmlu_pro_options_that_differ_in_case_stay_apart(shared_data):
    first = load("mmlu_pro", shared_data / "mmlu_pro")[0]
    assert (first.id, first.answer, first.answer_text) == ("2806", "C", "Bb Bb")
    assert first.options["A"] == "bb bb"


def test_medcalc_numbers_dates_and_weeks(shared_data):
    questions = load("medcalc", shared_data / "medcalc")
    rows = raw_rows(shared_data / "medcalc" / "test.jsonl")
    kinds = Counter(question.metadata["output_type"] for question in questions)
    assert kinds == {"decimal": 55, "integer": 33, "date": 12}
    for question, row in zip(questions, rows, strict=True):
        assert question.kind == Kind.NUMBER
        assert question.options == {}
        assert question.answer == row["Ground Truth Answer"]
        assert question.metadata["lower_limit"] == row["Lower Limit"]
        assert question.metadata["upper_limit"] == row["Upper Limit"]
        assert question.context == row["Patient Note"].strip()
    assert sum(question.answer.startswith("(") for question in questions) == 2


def test_four_and_five_option_files_of_medqa_are_found_to_overlap(shared_data):
    from open_r1.questions.leakage import overlap

    found = overlap(
        load("medqa_usmle", shared_data / "medqa_usmle"), load("medqa_usmle", shared_data / "medqa_usmle_5options")
    )
    assert len(found.answers) == 400
    assert not found.ids

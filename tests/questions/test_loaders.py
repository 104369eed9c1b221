"""Each dataset's raw layouts and traps, on invented rows."""

import json
import logging

import pytest
import raw_rows
from raw_rows import write_csv, write_jsonl

from open_r1.questions import (
    BadRow,
    DataError,
    Kind,
    counts,
    ddxplus,
    gpqa,
    load,
    medcalc,
    medmcqa,
    medqa_usmle,
    medxpertqa,
    medxpertqa_mm,
    mmlu_pro,
    pubmedqa,
)

BAD_ROWS = [
    (medqa_usmle, "train.jsonl", raw_rows.medqa(), {"question": ""}, "question", "non-empty string"),
    (medqa_usmle, "train.jsonl", raw_rows.medqa(), {"options": "a, b"}, "options", "an object of letters"),
    (medqa_usmle, "train.jsonl", raw_rows.medqa(), {"options": {"A": " "}}, "options", "a non-empty text"),
    (medqa_usmle, "train.jsonl", raw_rows.medqa(), {"answer_idx": "E"}, "answer_idx", "one of A, B, C, D, found 'E'"),
    (medqa_usmle, "train.jsonl", raw_rows.medqa(), {"answer": "Drug b0"}, "answer", "the text of option A, 'Drug a0'"),
    (medxpertqa, "Text/test.jsonl", raw_rows.medxpertqa(), {"label": "K"}, "label", "found 'K'"),
    (medxpertqa, "Text/test.jsonl", raw_rows.medxpertqa(), {"question_type": None}, "question_type", "found nothing"),
    (medxpertqa, "Text/test.jsonl", raw_rows.medxpertqa(), {"id": 7}, "id", "non-empty string, found 7"),
    (
        medxpertqa,
        "Text/test.jsonl",
        raw_rows.medxpertqa(),
        {"question": "Stem?\nAnswer Choices: (A) other (B) texts"},
        "question",
        "inline answer choices equal to `options`",
    ),
    (medxpertqa_mm, "MM/test.jsonl", raw_rows.medxpertqa(name="MM"), {}, "images", "at least one file name"),
    (medxpertqa_mm, "MM/test.jsonl", raw_rows.medxpertqa(name="MM"), {"images": "a.jpeg"}, "images", "a list"),
    (medmcqa, "train.jsonl", raw_rows.medmcqa(), {"cop": 5}, "cop", "an integer from 0 to 3, found 5"),
    (medmcqa, "train.jsonl", raw_rows.medmcqa(), {"cop": None}, "cop", "found nothing"),
    (medmcqa, "train.jsonl", raw_rows.medmcqa(), {"opc": None}, "opc", "non-empty string"),
    (mmlu_pro, "test.jsonl", raw_rows.mmlu_pro(), {"answer": "K"}, "answer", "found 'K'"),
    (mmlu_pro, "test.jsonl", raw_rows.mmlu_pro(), {"answer_index": 3}, "answer_index", "0, the place of answer A"),
    (mmlu_pro, "test.jsonl", raw_rows.mmlu_pro(), {"options": "a, b"}, "options", "a list of texts"),
    (gpqa, "gpqa_main.jsonl", raw_rows.gpqa(), {"Correct Answer": ""}, "Correct Answer", "non-empty string"),
    (gpqa, "gpqa_main.jsonl", raw_rows.gpqa(), {"High-level domain": None}, "High-level domain", "found nothing"),
    (medcalc, "test.jsonl", raw_rows.medcalc(), {"Ground Truth Answer": "ten"}, "Ground Truth Answer", "a number"),
    (medcalc, "test.jsonl", raw_rows.medcalc(), {"Upper Limit": None}, "Upper Limit", "a number"),
    (medcalc, "test.jsonl", raw_rows.medcalc(), {"Output Type": "date"}, "Ground Truth Answer", "a date MM/DD/YYYY"),
    (
        medcalc,
        "test.jsonl",
        raw_rows.medcalc(),
        {"Output Type": "text"},
        "Output Type",
        "one of decimal, integer, date",
    ),
]


@pytest.mark.parametrize(("dataset", "name", "good", "change", "field", "expected"), BAD_ROWS)
def test_bad_row_is_named_or_collected(tmp_path, dataset, name, good, change, field, expected):
    path = write_jsonl(tmp_path / name, [good | {"images": ["x.png"]}, good | change])
    with pytest.raises(BadRow) as error:
        dataset.load(tmp_path, dataset.SPLITS[0])
    assert str(error.value).startswith(f"{path}, line 2, field '{field}': expected ")
    assert expected in str(error.value)
    rejects = []
    assert len(dataset.load(tmp_path, dataset.SPLITS[0], rejects=rejects)) == 1
    assert [(bad.where, bad.field) for bad in rejects] == [("line 2", field)]


@pytest.mark.parametrize("dataset", [medqa_usmle, medxpertqa, medmcqa, pubmedqa, mmlu_pro, gpqa, medcalc, ddxplus])
def test_missing_file_and_unknown_split_are_named(tmp_path, dataset):
    with pytest.raises(FileNotFoundError, match=str(tmp_path)):
        dataset.load(tmp_path)
    with pytest.raises(FileNotFoundError, match="no such folder"):
        dataset.load(tmp_path / "nowhere")
    with pytest.raises(DataError, match="has no split 'moon'"):
        dataset.load(tmp_path, "moon")


# MedQA-USMLE ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("files", "root", "options", "found"),
    [
        ({"train.jsonl": 4}, ".", None, 4),
        ({"phrases_no_exclude_train.jsonl": 4}, ".", None, 4),
        ({"questions/US/train.jsonl": 5, "questions/US/4_options/phrases_no_exclude_train.jsonl": 4}, ".", None, 4),
        ({"questions/US/train.jsonl": 5, "questions/US/4_options/phrases_no_exclude_train.jsonl": 4}, ".", 5, 5),
        ({"data_clean/questions/US/train.jsonl": 5}, ".", None, 5),
        # In the US folder itself `train.jsonl` is what upstream reads.
        ({"US/train.jsonl": 5, "US/4_options/phrases_no_exclude_train.jsonl": 4}, "US", None, 5),
        ({"US/train.jsonl": 5, "US/4_options/phrases_no_exclude_train.jsonl": 4}, "US", 4, 4),
    ],
)
def test_medqa_layouts(tmp_path, files, root, options, found):
    for name, size in files.items():
        write_jsonl(tmp_path / name, [raw_rows.medqa(letters="ABCDE"[:size])])
    (question,) = medqa_usmle.load(tmp_path / root, options=options)
    assert len(question.options) == found


def test_medqa_row_with_another_number_of_options_than_asked_for(tmp_path):
    write_jsonl(tmp_path / "train.jsonl", [raw_rows.medqa(letters="ABCDE")])
    with pytest.raises(BadRow, match="expected 4 options, found 5"):
        medqa_usmle.load(tmp_path, options=4)


def test_medqa_repairs(tmp_path):
    options = {"A": 'Fever\n"', "B": " Cough ", "C": "6' 2\"", "D": 'The "common" cold'}
    row = raw_rows.medqa(question='What is "it"?"\n', options=options, answer='Fever\n"')
    write_jsonl(tmp_path / "train.jsonl", [row])
    (question,) = medqa_usmle.load(tmp_path)
    assert question.options == {"A": "Fever", "B": "Cough", "C": "6' 2\"", "D": 'The "common" cold'}
    assert question.stem == 'What is "it"?"'
    assert question.answer_text == "Fever"


def test_medqa_ids_come_from_the_content_and_repeated_rows_stay(tmp_path):
    rows = [raw_rows.medqa(1), raw_rows.medqa(2), raw_rows.medqa(1)]
    first, second, again = medqa_usmle.load(write_jsonl(tmp_path / "a.jsonl", rows))
    (alone,) = medqa_usmle.load(write_jsonl(tmp_path / "b.jsonl", rows[:1]), "test")
    assert alone.id == first.id != second.id
    assert again.id == f"{first.id}#2"


def test_medqa_options_in_other_forms(tmp_path):
    row = raw_rows.medqa()
    forms = [row["options"], list(row["options"].values()), json.dumps(row["options"])]
    forms += [[{"key": letter, "value": text} for letter, text in row["options"].items()]]
    path = write_jsonl(tmp_path / "train.jsonl", [row | {"options": form} for form in forms])
    assert [question.options for question in medqa_usmle.load(path)] == [row["options"]] * 4


# MedXpertQA ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{"A": "V(D)J\nrecombination", "B": "Rh(D) (A) positive"}, {"A": "y", "B": ""}])
def test_medxpertqa_takes_the_inline_choices_off_once(tmp_path, options):
    inline = f"\nAnswer Choices: (A) {options['A']} (B) {options['B']}"
    stems = ["Plain?", f"A stem that quotes itself:{inline}"]
    rows = [raw_rows.medxpertqa(n, question=stem + inline, options=options, label="A") for n, stem in enumerate(stems)]
    rows.append(raw_rows.medxpertqa(2, question="No choices inline?", options=options, label="A"))
    write_jsonl(tmp_path / "Text/test.jsonl", rows)
    assert [question.stem for question in medxpertqa.load(tmp_path)] == [*stems, "No choices inline?"]


def test_medxpertqa_root_is_the_parent_or_the_subset_folder(tmp_path):
    write_jsonl(tmp_path / "Text/test.jsonl", [raw_rows.medxpertqa()])
    write_jsonl(
        tmp_path / "MM/test.jsonl", [raw_rows.medxpertqa(name="MM", letters="ABCDE", images=["a.png", "b.png"])]
    )
    assert medxpertqa.load(tmp_path) == medxpertqa.load(tmp_path / "Text")
    assert load("medxpertqa_mm", tmp_path)[0].images == ("a.png", "b.png")
    with pytest.raises(FileNotFoundError):
        medxpertqa.load(tmp_path / "MM")


# MedMCQA -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cops", "base", "answers"),
    [
        ([0, 1, 2, 3], None, "ABCD"),
        ([1, 2, 3, 4], None, "ABCD"),
        ([0, 2], None, "AC"),
        ([2, 4], None, "BD"),
        ([1, 2], 0, "BC"),
        ([1, 2], 1, "AB"),
        (["0", "3"], None, "AD"),
        ([0.0, "3.0"], None, "AD"),
    ],
)
def test_medmcqa_cop_base(tmp_path, cops, base, answers):
    write_jsonl(tmp_path / "dev.json", [raw_rows.medmcqa(n, cop=cop) for n, cop in enumerate(cops)])
    questions = medmcqa.load(tmp_path, "validation", cop_base=base)
    assert "".join(question.answer for question in questions) == answers


@pytest.mark.parametrize("cops", [[1, 2, 3], [0, 4]])
def test_medmcqa_never_guesses_the_base(tmp_path, cops):
    write_jsonl(tmp_path / "train.jsonl", [raw_rows.medmcqa(n, cop=cop) for n, cop in enumerate(cops)])
    with pytest.raises(DataError, match="cop_base"):
        medmcqa.load(tmp_path)


def test_medmcqa_explicit_base_that_a_row_contradicts(tmp_path):
    write_jsonl(tmp_path / "train.jsonl", [raw_rows.medmcqa(cop=0)])
    with pytest.raises(BadRow, match="an integer from 1 to 4, found 0"):
        medmcqa.load(tmp_path, cop_base=1)


# PubMedQA ------------------------------------------------------------------------------------------------------------


def write_pubmedqa(root, rows, truth=None):
    (root / "ori_pqal.json").write_text(json.dumps(rows), encoding="utf-8")
    if truth is not None:
        (root / "test_ground_truth.json").write_text(json.dumps(truth), encoding="utf-8")


def test_pubmedqa_splits_and_labels(tmp_path):
    rows = {"11": raw_rows.pubmedqa("no"), "22": raw_rows.pubmedqa("maybe"), "33": raw_rows.pubmedqa("yes")}
    write_pubmedqa(tmp_path, rows, {"22": "maybe"})
    everything = pubmedqa.load(tmp_path)
    assert [(question.id, question.answer) for question in everything] == [("11", "B"), ("22", "C"), ("33", "A")]
    assert everything[0].context == "Part one.\nPart two."
    assert everything[0].kind == Kind.YES_NO_MAYBE
    assert [question.id for question in pubmedqa.load(tmp_path, "test")] == ["22"]
    assert [question.id for question in pubmedqa.load(tmp_path, "train")] == ["11", "33"]


def test_pubmedqa_errors_name_the_pmid(tmp_path):
    write_pubmedqa(tmp_path, {"11": raw_rows.pubmedqa("perhaps"), "22": []})
    rejects = []
    assert pubmedqa.load(tmp_path, rejects=rejects) == []
    assert [(bad.where, bad.field) for bad in rejects] == [("PMID 11", "final_decision"), ("PMID 22", "")]
    write_pubmedqa(tmp_path, {"11": raw_rows.pubmedqa("yes")}, {"11": "no"})
    with pytest.raises(BadRow, match="PMID 11, field 'final_decision': expected 'no' as in test_ground_truth"):
        pubmedqa.load(tmp_path, "test")
    write_pubmedqa(tmp_path, {"11": raw_rows.pubmedqa("yes")}, {"99": "no"})
    with pytest.raises(DataError, match="PMID 99 is not in"):
        pubmedqa.load(tmp_path, "test")


# MMLU-Pro, GPQA, MedCalc ---------------------------------------------------------------------------------------------


def test_mmlu_pro_takes_its_categories_and_keeps_case(tmp_path):
    rows = [
        raw_rows.mmlu_pro(0, category="law"),
        raw_rows.mmlu_pro(1, category="biology", options=["bb bb", "Bb bb "]),
        raw_rows.mmlu_pro(2, size=3),
        raw_rows.mmlu_pro(3, options=["N/A", "x", "y", "N/A", "N/A"], answer="B", answer_index=1),
    ]
    write_jsonl(tmp_path / "test.jsonl", rows)
    biology, health, filled_up = mmlu_pro.load(tmp_path)
    assert filled_up.options == {"A": "N/A", "B": "x", "C": "y"}
    assert biology.options == {"A": "bb bb", "B": "Bb bb"}
    assert (biology.id, biology.answer, len(health.options)) == ("1", "B", 3)
    assert [question.id for question in mmlu_pro.load(tmp_path, categories=("law",))] == ["0"]


def test_gpqa_shuffles_with_a_seed_and_keeps_the_right_option(tmp_path):
    rows = [raw_rows.gpqa(n) for n in range(40)] + [raw_rows.gpqa(99, **{"High-level domain": "Physics"})]
    write_csv(tmp_path / "gpqa_main.csv", rows)
    questions = gpqa.load(tmp_path)
    assert len(questions) == 40
    assert all(question.answer_text == f"right {number}" for number, question in enumerate(questions))
    assert {question.answer for question in questions} == set("ABCD")
    assert gpqa.load(tmp_path) == questions
    assert [question.answer for question in gpqa.load(tmp_path, seed=1)] != [question.answer for question in questions]
    # The order of one question does not depend on the rows around it.
    write_csv(tmp_path / "gpqa_main.csv", rows[::-1])
    assert gpqa.load(tmp_path)[::-1] == questions


@pytest.mark.parametrize(
    ("kind", "answer"),
    [("decimal", "-0.763"), ("integer", "0"), ("integer", "('8 weeks', '6 days')"), ("date", "11/09/2012")],
)
def test_medcalc_keeps_answers_as_they_are(tmp_path, kind, answer):
    write_csv(tmp_path / "test_data.csv", [raw_rows.medcalc(5, kind, answer)])
    (question,) = medcalc.load(tmp_path)
    assert (question.answer, question.kind, question.options) == (answer, Kind.NUMBER, {})
    assert (question.metadata["lower_limit"], question.metadata["upper_limit"]) == (answer, answer)
    assert (question.stem, question.context) == ("What is the invented score?", "Invented note 5.")


# DDXPlus -------------------------------------------------------------------------------------------------------------


def test_ddxplus_vignette_and_options(tmp_path):
    raw_rows.write_ddxplus(tmp_path, [raw_rows.ddxplus()] * 30)
    questions = ddxplus.load(tmp_path, num_options=4)
    assert questions[0].stem == (
        "A 44-year-old female patient.\nReason for the visit: Do you cough? Yes\n\n"
        "Symptoms:\n- Do you cough? Yes\n- What is the pain like: dull, sharp\n- How strong is it? 7\n\n"
        "History:\n- Do you smoke? Yes\n\n"
        "Which of the following is the most likely diagnosis?"
    )
    for question in questions:
        assert question.answer_text == "Aa (en)"
        # Both other diagnoses of the differential come first, then one of the other conditions.
        assert {"Bb (en)", "Cc (en)"} < set(question.options.values())
        assert len(set(question.options.values())) == 4
    assert {question.answer for question in questions} == set("ABCD")
    assert ddxplus.load(tmp_path, num_options=4) == questions
    assert ddxplus.load(tmp_path, num_options=4, seed=1) != questions


def test_ddxplus_default_values_were_not_experienced(tmp_path):
    raw_rows.write_ddxplus(tmp_path, [raw_rows.ddxplus(EVIDENCES="['E_1', 'E_2_@_V_0', 'E_3_@_0']")], "train.csv")
    assert "pain" not in ddxplus.load(tmp_path)[0].stem
    assert "strong" not in ddxplus.load(tmp_path)[0].stem


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"PATHOLOGY": "Zz"}, "PATHOLOGY"),
        ({"EVIDENCES": "E_1"}, "EVIDENCES"),
        ({"EVIDENCES": "['E_9']"}, "EVIDENCES"),
        ({"SEX": "X"}, "SEX"),
        ({"AGE": "old"}, "AGE"),
        ({"INITIAL_EVIDENCE": "E_9"}, "INITIAL_EVIDENCE"),
        ({"DIFFERENTIAL_DIAGNOSIS": "__import__('os')"}, "DIFFERENTIAL_DIAGNOSIS"),
    ],
)
def test_ddxplus_bad_rows(tmp_path, change, field):
    raw_rows.write_ddxplus(tmp_path, [raw_rows.ddxplus(), raw_rows.ddxplus(**change)])
    with pytest.raises(BadRow, match=f"line 3, field '{field}'"):
        ddxplus.load(tmp_path)


# Known counts --------------------------------------------------------------------------------------------------------


def test_another_length_is_told_and_the_official_one_is_not(tmp_path, caplog):
    rows = {str(n): raw_rows.pubmedqa(label) for n, label in enumerate(["yes"] * 552 + ["no"] * 338 + ["maybe"] * 110)}
    write_pubmedqa(tmp_path, rows)
    with caplog.at_level(logging.WARNING):
        questions = pubmedqa.load(tmp_path)
    assert caplog.messages == []
    assert "999 rows; the complete official file has 1,000" in counts.check("pubmedqa", "all", questions[1:])


def test_shifted_labels_at_the_official_length_are_told(tmp_path):
    rows = {str(n): raw_rows.pubmedqa("no") for n in range(1000)}
    write_pubmedqa(tmp_path, rows)
    told = counts.check("pubmedqa", "all", pubmedqa.load(tmp_path))
    assert "the right answers are {'B': 1000}" in told

"""Mutated rows through every loader: each becomes a question, or a BadRow that names file and place."""

import copy
import csv
import json
from pathlib import Path

import pytest
import raw_rows
from fuzzing import examples, no_hang
from hypothesis import example, given
from hypothesis import strategies as st

from open_r1.questions import DATASETS, BadRow, DataError, Question, own, question_text
from open_r1.questions.prepared import question_from_row, row_from_question

JSON = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(max_size=20),
        st.sampled_from(
            ["", " ", "A", "E", "(B)", "1", "-1", "nan", "12/31/2020", "\u2028", "[]", "{}", "['x'", "((((", "0/0"]
        ),
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=5), inner, max_size=4)),
    max_leaves=6,
)

OWN = {
    "stem": "Which?",
    "options": {"A": "x", "B": "y"},
    "answer": "B",
    "id": "1",
    "difficulty": 0.5,
    "images": ["x.png"],
}
# loader -> (the file's place under the root, a good row, load's further arguments)
LOADERS = {
    "medqa_usmle": ("train.jsonl", raw_rows.medqa(), {}),
    "medxpertqa": ("Text/test.jsonl", raw_rows.medxpertqa(), {}),
    "medxpertqa_mm": ("MM/test.jsonl", raw_rows.medxpertqa(name="MM") | {"images": ["a.jpeg"]}, {}),
    "medmcqa": ("train.jsonl", raw_rows.medmcqa(), {"cop_base": 0}),
    "mmlu_pro": ("test.jsonl", raw_rows.mmlu_pro(), {}),
    "gpqa": ("gpqa_main.jsonl", raw_rows.gpqa(), {}),
    "medcalc": ("test.jsonl", raw_rows.medcalc(), {}),
    "pubmedqa": ("ori_pqal.json", raw_rows.pubmedqa(), {}),
    "ddxplus": ("release_train_patients.csv", raw_rows.ddxplus(), {}),
    "own": ("own.jsonl", OWN, {}),
}


@st.composite
def mutations(draw) -> list[tuple]:
    """Up to three changes of a row: (which field, how, with what)."""
    hows = st.sampled_from(["set", "set", "set", "inside", "drop", "add", "whole"])
    return draw(st.lists(st.tuples(st.integers(0, 99), hows, JSON, st.text(max_size=8)), min_size=1, max_size=3))


def mutate(row: dict, changes: list[tuple]):
    row = copy.deepcopy(row)
    for place, how, value, text in changes:
        if not isinstance(row, dict) or not row:
            return row
        field = list(row)[place % len(row)]
        if how == "set":
            row[field] = value
        elif how == "inside" and isinstance(row[field], dict):
            row[field][text] = value
        elif how == "inside" and isinstance(row[field], list):
            row[field].append(value)
        elif how == "inside":
            row[field] = f"{row[field]}{text}"
        elif how == "drop":
            del row[field]
        elif how == "add":
            row[text] = value
        else:
            row = value
    return row


def write(file: Path, good: dict, changed) -> None:
    """A good row and the changed one in the loader's own format."""
    file.parent.mkdir(parents=True, exist_ok=True)
    if file.suffix == ".json":
        file.write_text(json.dumps({"1": good, "2": changed}))
    elif file.suffix == ".csv":
        cells = [list(good), list(good.values())]
        cells.append([str(changed)] if not isinstance(changed, dict) else list(map(str, changed.values())))
        with file.open("w", encoding="utf-8", errors="surrogatepass", newline="") as text:
            csv.writer(text, escapechar="\\").writerows(cells)
    else:
        file.write_text(json.dumps(good) + "\n" + json.dumps(changed) + "\n")


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return tmp_path_factory.mktemp("rows")


@pytest.mark.parametrize("name", LOADERS)
@examples(15, 2_000)
@given(changes=mutations())
@example(changes=[(7, "set", [None], "")])  # GPQA's id as a list
@example(changes=[(1, "set", [None], "")])  # DDXPlus's differential of nothing
def test_a_mutated_row_is_a_question_or_a_bad_row(root, name, changes):
    module, (place, good, arguments) = DATASETS.get(name, own), LOADERS[name]
    file = root / name / place
    if name == "ddxplus":
        file.parent.mkdir(parents=True, exist_ok=True)
        raw_rows.write_ddxplus(file.parent, [good])
    write(file, good, mutate(good, changes))
    rejects: list[BadRow] = []
    try:
        with no_hang():
            questions = module.load(file if module is own else root / name, rejects=rejects, **arguments)
    except DataError as error:  # what is wrong with the file as a whole
        assert str(error) and "\n" not in str(error)
        return
    assert all(str(file) in str(bad) and "\n" not in str(bad) for bad in rejects)
    for question in questions:
        assert isinstance(question, Question) and question_text(question)
        assert question_from_row(row_from_question(question)) == question

"""DDXPlus: synthetic patients as coded evidences, told as a vignette with a choice of diagnoses.

Files as released: release_{split}_patients.csv (on the hub {split}.csv), with release_evidences.json and
release_conditions.json beside them.
"""

import ast
import random
from functools import partial
from pathlib import Path

from open_r1.questions import counts
from open_r1.questions.files import (
    LETTERS,
    BadRow,
    DataError,
    Row,
    brief,
    check_split,
    find_file,
    load_hub_rows,
    read_csv,
    read_json,
    to_questions,
)
from open_r1.questions.record import Question

SOURCE = "ddxplus"
SPLITS = ("train", "validate", "test")
EVALUATION_SPLITS = ("validate", "test")
HUB = "aai530-group6/ddxplus"
# No revision is pinned here: `load_hub` asks for one.
REVISION = None
EVIDENCES, CONDITIONS = "release_evidences.json", "release_conditions.json"
SEXES = {"M": "male", "F": "female"}


def find(root: Path | str, split: str = "train") -> list[Path]:
    """The split's CSV, the evidences and the conditions."""
    check_split(SOURCE, split, SPLITS)
    names = [f"release_{split}_patients.csv", f"release_{split}_patients", f"{split}.csv"]
    patients = find_file(root, names, f"DDXPlus {split}")
    return [patients, *(find_file(patients.parent, [name], "DDXPlus") for name in (EVIDENCES, CONDITIONS))]


def load(
    root: Path | str,
    split: str = "train",
    num_options: int = 5,
    seed: int = 42,
    rejects: list[BadRow] | None = None,
) -> list[Question]:
    """DDXPlus patients as questions for the diagnosis, from files on disk.

    The wrong options come from the patient's own differential first, then from the other conditions; which ones and
    in what order depends on `seed` and the row's place. Raises BadRow, DataError, FileNotFoundError.
    """
    patients, evidences, conditions = find(root, split)
    return _questions(
        read_csv(patients), read_json(evidences), read_json(conditions), split, num_options, seed, rejects
    )


def load_hub(
    split: str = "train",
    revision: str | None = REVISION,
    path: str = HUB,
    num_options: int = 5,
    seed: int = 42,
    rejects: list[BadRow] | None = None,
) -> list[Question]:
    """DDXPlus from the hub; `revision` is needed."""
    check_split(SOURCE, split, SPLITS)
    rows = load_hub_rows(path, None, split, revision)
    evidences, conditions = (read_json(_hub_file(path, name, revision)) for name in (EVIDENCES, CONDITIONS))
    return _questions(rows, evidences, conditions, split, num_options, seed, rejects)


def _hub_file(path: str, name: str, revision: str | None) -> Path:
    if Path(path).is_dir():
        return find_file(path, [name], "DDXPlus")
    from huggingface_hub import hf_hub_download

    return Path(hf_hub_download(path, name, repo_type="dataset", revision=revision))


def _questions(rows, evidences, conditions, split, num_options, seed, rejects) -> list[Question]:
    if not 2 <= num_options <= min(len(LETTERS), len(conditions)):
        raise DataError(f"num_options: expected 2 to {min(len(LETTERS), len(conditions))}, found {num_options}")
    convert = partial(
        _question, evidences=evidences, conditions=conditions, split=split, num_options=num_options, seed=seed
    )
    questions = to_questions(rows, convert, rejects)
    counts.check(SOURCE, split, questions)
    return questions


def _question(row: Row, evidences: dict, conditions: dict, split: str, num_options: int, seed: int) -> Question:
    identity = f"ddxplus-{split}-{row.where.split()[-1]}"
    pathology = row.text("PATHOLOGY")
    if pathology not in conditions:
        raise row.bad("PATHOLOGY", f"a condition of {CONDITIONS}, found {brief(pathology)}")
    entries = _literal(row, "DIFFERENTIAL_DIAGNOSIS")
    if not all(isinstance(entry, list | tuple) and entry and isinstance(entry[0], str) for entry in entries):
        raise row.bad("DIFFERENTIAL_DIAGNOSIS", f"pairs of condition and probability, found {brief(entries)}")
    differential = [entry[0] for entry in entries]
    rng = random.Random(f"{seed}:{identity}")
    likely = sorted({name for name in differential if name in conditions and name != pathology})
    others = sorted(conditions.keys() - set(likely) - {pathology})
    wrong = rng.sample(likely, min(len(likely), num_options - 1))
    names = [pathology, *wrong, *rng.sample(others, num_options - 1 - len(wrong))]
    rng.shuffle(names)
    return Question(
        id=identity,
        source=SOURCE,
        split=split,
        stem=_vignette(row, evidences) + "\n\nWhich of the following is the most likely diagnosis?",
        options={
            letter: conditions[name].get("cond-name-eng", name) for letter, name in zip(LETTERS, names, strict=False)
        },
        answer=LETTERS[names.index(pathology)],
        metadata={"pathology": pathology, "differential": differential, "seed": seed},
    )


def _literal(row: Row, field: str) -> list:
    """A column that holds a Python list as text."""
    text = row.text(field)
    try:
        value = ast.literal_eval(text)
    except (SyntaxError, ValueError, TypeError, MemoryError, RecursionError):  # all that literal_eval names
        raise row.bad(field, f"a Python list as text, found {brief(text)}") from None
    if not isinstance(value, list):
        raise row.bad(field, f"a Python list as text, found {brief(value)}")
    return value


def _vignette(row: Row, evidences: dict) -> str:
    """Age, sex and complaint, then what the patient reports and the history, one evidence a line."""
    age, sex = str(row.data.get("AGE")), SEXES[row.one_of("SEX", SEXES)]
    if not age.isdecimal():
        raise row.bad("AGE", f"a number of years, found {brief(row.data.get('AGE'))}")
    answers: dict[str, list[str]] = {}
    for code in _literal(row, "EVIDENCES"):
        name, _, value = str(code).partition("_@_")
        evidence = _evidence(row, "EVIDENCES", name, evidences)
        # An evidence at its default value was not experienced: "NA", or the pain nowhere.
        if not value or value != str(evidence.get("default_value")):
            answers.setdefault(name, []).append(_meaning(evidence, value))
    lines = {False: [], True: []}
    for name, values in answers.items():
        lines[bool(evidences[name].get("is_antecedent"))].append(
            f"- {evidences[name]['question_en']} {', '.join(values)}"
        )
    initial = _evidence(row, "INITIAL_EVIDENCE", row.text("INITIAL_EVIDENCE"), evidences)["question_en"]
    parts = [f"A {age}-year-old {sex} patient.\nReason for the visit: {initial} Yes"]
    parts += ["\nSymptoms:", *lines[False]] if lines[False] else []
    parts += ["\nHistory:", *lines[True]] if lines[True] else []
    return "\n".join(parts)


def _evidence(row: Row, field: str, name: str, evidences: dict) -> dict:
    if name not in evidences:
        raise row.bad(field, f"an evidence of {EVIDENCES}, found {brief(name)}")
    return evidences[name]


def _meaning(evidence: dict, value: str) -> str:
    """What a code stands for; a bare evidence is a yes, and a scale's numbers stand for themselves."""
    if not value:
        return "Yes"
    return evidence.get("value_meaning", {}).get(value, {}).get("en", value)

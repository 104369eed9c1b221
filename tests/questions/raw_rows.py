"""Invented rows in the datasets' raw layouts, and the files they stand in. None of them is medical advice."""

import csv
import json
from pathlib import Path


def write_jsonl(path: Path, rows: list) -> Path:
    """One JSON row a line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def write_csv(path: Path, rows: list[dict]) -> Path:
    """Rows under a header."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def medqa(number: int = 0, letters: str = "ABCD", **changes) -> dict:
    """A MedQA-USMLE row; its right option is the one that `number` points to."""
    options = {letter: f"Drug {letter.lower()}{number}" for letter in letters}
    letter = letters[number % len(letters)]
    row = {
        "question": f"Invented patient {number} coughs. What helps?",
        "answer": options[letter],
        "options": options,
        "meta_info": "step1",
        "answer_idx": letter,
    }
    return row | changes


def medxpertqa(number: int = 0, letters: str = "ABCDEFGHIJ", name: str = "Text", **changes) -> dict:
    """A MedXpertQA row with inline choices; every fourth is Understanding, the others Reasoning."""
    options = {letter: f"Sign {letter.lower()}{number}" for letter in letters}
    inline = " ".join(f"({letter}) {text}" for letter, text in options.items())
    row = {
        "id": f"{name}-{number}",
        "question": f"Which invented sign belongs to case {number}?\nAnswer Choices: {inline}",
        "options": options,
        "label": letters[number % len(letters)],
        "medical_task": "Diagnosis",
        "body_system": "Nervous",
        "question_type": "Understanding" if number % 4 == 0 else "Reasoning",
    }
    return row | changes


def medmcqa(number: int = 0, **changes) -> dict:
    """A MedMCQA row, `cop` counted from 0."""
    row = {
        "id": f"row-{number}",
        "question": f"Invented fact {number} is:",
        "cop": number % 4,
        "choice_type": "single",
    }
    return row | {f"op{letter}": f"fact {letter}{number}" for letter in "abcd"} | changes


def mmlu_pro(number: int = 0, size: int = 10, **changes) -> dict:
    """An MMLU-Pro row of the category health."""
    place = number % size
    row = {
        "question_id": number,
        "question": f"Invented question {number}?",
        "options": [f"choice {place} of {number}" for place in range(size)],
        "answer": "ABCDEFGHIJ"[place],
        "answer_index": place,
        "cot_content": "",
        "category": "health",
        "src": "invented",
    }
    return row | changes


def pubmedqa(label: str = "yes", **changes) -> dict:
    """A row of ori_pqal.json, without its PMID."""
    row = {
        "QUESTION": "Does the invented drug help?",
        "CONTEXTS": ["Part one.", "Part two."],
        "LABELS": ["BACKGROUND", "RESULTS"],
        "MESHES": [],
        "YEAR": None,
        "reasoning_required_pred": "maybe",
        "reasoning_free_pred": "maybe",
        "final_decision": label,
        "LONG_ANSWER": "It may.",
    }
    return row | changes


def gpqa(number: int = 0, **changes) -> dict:
    """A GPQA row with an invented question."""
    row = {
        "Question": f"Invented riddle {number}?",
        "Correct Answer": f"right {number}",
        "Incorrect Answer 1": f"wrong one {number}",
        "Incorrect Answer 2": f"wrong two {number}",
        "Incorrect Answer 3": f"wrong three {number}",
        "Subdomain": "Genetics",
        "High-level domain": "Biology",
        "Record ID": f"rec{number}",
    }
    return row | changes


def medcalc(number: int = 0, kind: str = "decimal", answer: str = "10.5", **changes) -> dict:
    """A MedCalc-Bench row whose bounds equal its answer."""
    row = {
        "Row Number": number,
        "Calculator ID": 2,
        "Calculator Name": "Invented score",
        "Output Type": kind,
        "Patient Note": f"Invented note {number}.",
        "Question": "What is the invented score? ",
        "Ground Truth Answer": answer,
        "Lower Limit": answer,
        "Upper Limit": answer,
    }
    return row | changes


EVIDENCES = {
    "E_1": {"question_en": "Do you cough?", "data_type": "B", "is_antecedent": False, "default_value": 0},
    "E_2": {
        "question_en": "What is the pain like:",
        "data_type": "M",
        "is_antecedent": False,
        "default_value": "V_0",
        "value_meaning": {"V_0": {"en": "NA"}, "V_1": {"en": "dull"}, "V_2": {"en": "sharp"}},
    },
    "E_3": {"question_en": "How strong is it?", "data_type": "C", "is_antecedent": False, "default_value": 0},
    "E_4": {"question_en": "Do you smoke?", "data_type": "B", "is_antecedent": True, "default_value": 0},
}
CONDITIONS = {
    name: {"condition_name": name, "cond-name-eng": f"{name} (en)"} for name in ("Aa", "Bb", "Cc", "Dd", "Ee", "Ff")
}


def ddxplus(**changes) -> dict:
    """A DDXPlus row in the columns of its CSV."""
    row = {
        "AGE": "44",
        "DIFFERENTIAL_DIAGNOSIS": "[['Bb', 0.5], ['Aa', 0.3], ['Cc', 0.2]]",
        "SEX": "F",
        "PATHOLOGY": "Aa",
        "EVIDENCES": "['E_1', 'E_2_@_V_1', 'E_2_@_V_2', 'E_3_@_7', 'E_4']",
        "INITIAL_EVIDENCE": "E_1",
    }
    return row | changes


def write_ddxplus(root: Path, rows: list[dict], name: str = "release_train_patients.csv") -> Path:
    """A DDXPlus folder: patients, evidences, conditions."""
    write_csv(root / name, rows)
    (root / "release_evidences.json").write_text(json.dumps(EVIDENCES), encoding="utf-8")
    (root / "release_conditions.json").write_text(json.dumps(CONDITIONS), encoding="utf-8")
    return root


def medqa_flags(root: Path) -> list[str]:
    """The flags that name the MedQA folder under `root`."""
    return ["--medqa_usmle_root", str(root / "medqa")]


def medxpertqa_flags(root: Path) -> list[str]:
    """The flags that name the MedXpertQA folder under `root`."""
    return ["--medxpertqa_root", str(root / "xpert")]


def contents(folder: Path) -> dict[str, bytes]:
    """Every file of a folder by its name."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def manifest(folder: Path) -> dict:
    """The manifest of a prepared folder."""
    return json.loads((folder / "manifest.json").read_text())

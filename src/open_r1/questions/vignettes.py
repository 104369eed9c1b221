"""Synthetic clinical vignettes for the demo: a seeded generator with graded difficulty and two teachers' traces.

SYNTHETIC, NOT MEDICAL ADVICE. A hand-made table of 24 conditions and their findings stands in for medicine. A vignette
shows three findings that together fit one condition of the table and no other; the wrong options fit some or none of
them. It is small enough that a model of half a million parameters learns it on two CPU cores.
"""

import random
import re
from dataclasses import dataclass
from itertools import combinations

from open_r1.questions.record import Question

SOURCE = "synthetic_vignettes"
LETTERS = "ABCD"

FINDINGS: dict[str, tuple[str, ...]] = {
    "asthma": ("wheeze", "night cough", "chest tightness", "breathlessness", "eczema", "smoke exposure"),
    "COPD": ("wheeze", "productive cough", "breathlessness", "smoke exposure", "clubbing", "leg swelling"),
    "pneumonia": ("productive cough", "fever", "rigors", "pleuritic pain", "crackles", "confusion"),
    "pulmonary embolism": (
        "breathlessness",
        "pleuritic pain",
        "leg swelling",
        "coughing blood",
        "palpitations",
        "fainting",
    ),
    "heart failure": ("breathlessness", "leg swelling", "crackles", "night cough", "fatigue", "palpitations"),
    "tuberculosis": ("night sweats", "weight loss", "coughing blood", "productive cough", "fever", "fatigue"),
    "lung cancer": ("coughing blood", "weight loss", "smoke exposure", "hoarse voice", "clubbing", "chest tightness"),
    "angina": ("chest tightness", "breathlessness", "palpitations", "jaw pain", "sweating", "smoke exposure"),
    "hyperthyroidism": ("weight loss", "palpitations", "tremor", "sweating", "neck swelling", "diarrhoea"),
    "hypothyroidism": ("fatigue", "dry skin", "constipation", "hoarse voice", "neck swelling", "hair loss"),
    "anaemia": ("fatigue", "pallor", "palpitations", "hair loss", "fainting", "headache"),
    "migraine": ("headache", "nausea", "light sensitivity", "blurred vision", "pallor", "neck pain"),
    "meningitis": ("headache", "fever", "light sensitivity", "neck pain", "rash", "confusion"),
    "giant cell arteritis": ("headache", "jaw pain", "blurred vision", "weight loss", "neck pain", "night sweats"),
    "gout": ("joint pain", "joint swelling", "fever", "kidney stones", "red skin", "rigors"),
    "rheumatoid arthritis": ("joint pain", "joint swelling", "morning stiffness", "fatigue", "dry eyes", "neck pain"),
    "lupus": ("joint pain", "rash", "mouth ulcers", "hair loss", "light sensitivity", "pleuritic pain"),
    "psoriasis": ("rash", "dry skin", "joint swelling", "morning stiffness", "nail pits", "red skin"),
    "coeliac disease": ("diarrhoea", "bloating", "weight loss", "pallor", "mouth ulcers", "rash"),
    "Crohn disease": ("diarrhoea", "belly pain", "mouth ulcers", "fever", "joint pain", "weight loss"),
    "gallstones": ("belly pain", "nausea", "jaundice", "dark urine", "bloating", "rigors"),
    "hepatitis": ("jaundice", "dark urine", "fatigue", "nausea", "itching", "joint pain"),
    "diabetes": ("thirst", "frequent urination", "weight loss", "blurred vision", "itching", "confusion"),
    "kidney infection": ("fever", "rigors", "frequent urination", "belly pain", "nausea", "kidney stones"),
}


@dataclass(frozen=True, slots=True)
class Vignette:
    """A condition and three of its findings, in table order; no other condition of the table has all three."""

    condition: str
    findings: tuple[str, str, str]


def all_vignettes() -> list[Vignette]:
    """Every distinct vignette of the table: triples of findings that exactly one condition explains in full."""
    vignettes = []
    for condition, findings in FINDINGS.items():
        for triple in combinations(findings, 3):
            if sum(set(triple) <= set(other) for other in FINDINGS.values()) == 1:
                vignettes.append(Vignette(condition, triple))
    return vignettes


def split_vignettes(seed: int) -> dict[str, list[Vignette]]:
    """Train and test vignettes, no triple of findings in both: of each condition 5 go to test, 13 to 15 to train."""
    rng = random.Random(f"split {seed}")
    splits: dict[str, list[Vignette]] = {"train": [], "test": []}
    for condition in FINDINGS:
        own = [vignette for vignette in all_vignettes() if vignette.condition == condition]
        rng.shuffle(own)
        splits["test"] += own[:5]
        splits["train"] += own[5:]
    return splits


def shared_findings(condition: str, findings: tuple[str, ...]) -> int:
    """How many of these findings the table gives to the condition."""
    return len(set(FINDINGS[condition]) & set(findings))


def make_questions(vignettes: list[Vignette], rows_per_vignette: int, split: str, seed: int) -> list[Question]:
    """Questions from vignettes: each vignette asked `rows_per_vignette` times with fresh options, in random order.

    Difficulty is graded by the closest wrong option, which explains 0, 1 or 2 of the three findings (`difficulty` 0,
    1/3, 2/3: an estimate, not a measured pass rate), and the others at most one. The harder two levels are drawn twice
    as often as the easy one, where the table offers them. The distinct vignette behind a row is `metadata["vignette"]`: rows of one vignette are not independent, so intervals cluster on it.
    """
    rng = random.Random(f"questions {split} {seed}")
    rows = []
    for number, vignette in enumerate(vignettes):
        by_shared: dict[int, list[str]] = {shared: [] for shared in range(3)}
        for condition in FINDINGS:
            if condition != vignette.condition:
                by_shared[shared_findings(condition, vignette.findings)].append(condition)
        for row in range(rows_per_vignette):
            level = rng.choice([level for level in (0, 1, 1, 2, 2) if by_shared[level]])
            # As many wrong options as possible explain something: a teacher who stops early is then mostly wrong.
            wrong = rng.sample(by_shared[level], min(3 if level < 2 else 1, len(by_shared[level])))
            fill = by_shared[1] if level == 2 and len(by_shared[1]) >= 2 else by_shared[0]
            wrong += rng.sample([name for name in fill if name not in wrong], 3 - len(wrong))
            names = [vignette.condition, *wrong]
            rng.shuffle(names)
            findings = rng.sample(vignette.findings, 3)
            person = rng.choice(["woman", "man"])
            rows.append(
                Question(
                    id=f"{SOURCE}-{seed}-{split}-{number}-{row}",
                    source=SOURCE,
                    split=split,
                    stem=f"A {person} has {findings[0]}, {findings[1]} and {findings[2]}. Which condition fits best?",
                    options=dict(zip(LETTERS, names, strict=True)),
                    answer=LETTERS[names.index(vignette.condition)],
                    difficulty=level / 3,
                    metadata={
                        "vignette": f"{vignette.condition}: {', '.join(vignette.findings)}",
                        "findings": findings,
                    },
                )
            )
    rng.shuffle(rows)
    return rows


def gold_trace(question: Question) -> str:
    """A careful teacher's completion: every option weighed (no, partly, fits), the one that fits named and answered."""
    findings = question.metadata["findings"]
    verdicts = ("no", "partly", "partly", "fits")
    weighed = [f"({x}) {name} {verdicts[shared_findings(name, findings)]}" for x, name in question.options.items()]
    return _completion(weighed, question.answer, question.answer_text)


def hasty_trace(question: Question) -> str:
    """A hasty teacher's completion: it stops at the first option that explains any finding, often the wrong one."""
    weighed = []
    for letter, name in question.options.items():
        if shared_findings(name, question.metadata["findings"]):
            break
        weighed.append(f"({letter}) {name} no")
    return _completion([*weighed, f"({letter}) {name} fits"], letter, name)


def careless_trace(question: Question, rng: random.Random, hasty: float = 0.7) -> str:
    """A careless teacher's completion, as in distillation that nobody filtered: hasty with this probability, else gold."""
    return hasty_trace(question) if rng.random() < hasty else gold_trace(question)


def stated_diagnosis(completion: str) -> str | None:
    """The condition a trace concludes with, to compare with the lettered answer; None when it concludes nothing."""
    found = re.findall(r"So \([A-D]\) ([^.<]+)\.</think>", completion)
    return found[-1] if found else None


def _completion(weighed: list[str], letter: str, name: str) -> str:
    return f"<think> {', '.join(weighed)}. So ({letter}) {name}.</think><answer>{letter}</answer>"

"""What is known of complete official files: how many rows, and how often each right answer."""

import logging
from collections import Counter

from open_r1.questions.record import Question

logger = logging.getLogger(__name__)

ROWS = {
    ("medqa_usmle", "train"): 10_178,
    ("medqa_usmle", "dev"): 1_272,
    ("medqa_usmle", "test"): 1_273,
    ("medxpertqa", "test"): 2_450,
    ("medxpertqa", "dev"): 5,
    ("medxpertqa_mm", "test"): 2_000,
    ("medxpertqa_mm", "dev"): 5,
    ("medmcqa", "train"): 182_822,
    ("medmcqa", "validation"): 4_183,
    ("pubmedqa", "all"): 1_000,
    ("pubmedqa", "train"): 500,
    ("pubmedqa", "test"): 500,
    ("mmlu_pro", "test"): 1_535,
    ("gpqa", "main"): 78,
    ("medcalc", "test"): 1_047,
    ("medcalc", "train"): 10_053,
    ("ddxplus", "train"): 1_025_602,
    ("ddxplus", "validate"): 132_448,
    ("ddxplus", "test"): 134_529,
}

LABELS = {
    ("medmcqa", "validation"): {"A": 1348, "B": 1085, "C": 925, "D": 825},
    ("pubmedqa", "all"): {"A": 552, "B": 338, "C": 110},
    ("pubmedqa", "test"): {"A": 276, "B": 169, "C": 55},
    ("pubmedqa", "train"): {"A": 276, "B": 169, "C": 55},
}


def check(source: str, split: str, questions: list[Question]) -> str | None:
    """Tells, as a logged warning, where questions differ from the complete official file.

    Another length is told, not refused: users have parts of files, and releases grow. At the official length the
    right answers are counted too, since a shifted key would otherwise pass in silence. Returns the sentence.
    """
    expected, found = ROWS.get((source, split)), len(questions)
    if expected is None:
        return None
    told = None
    if found != expected:
        told = f"{source} {split}: {found:,} rows; the complete official file has {expected:,}"
    elif labels := LABELS.get((source, split)):
        counts = dict(sorted(Counter(question.answer for question in questions).items()))
        if counts != labels:
            told = f"{source} {split}: the right answers are {counts}; in the official file they are {labels}"
    if told:
        logger.warning(told)
    return told

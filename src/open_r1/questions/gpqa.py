"""GPQA, its biology questions ("GPQA Medical"): four options, placed by a seeded shuffle.

The dataset is gated and asks that no question be published: no row of it belongs into this repository or its logs.
"""

import hashlib
import random
from functools import partial
from pathlib import Path

from open_r1.questions import counts
from open_r1.questions.files import BadRow, Row, check_split, find_file, load_hub_rows, read_rows, to_questions
from open_r1.questions.record import Question

SOURCE = "gpqa"
SPLITS = ("main", "diamond", "extended")
EVALUATION_SPLITS = SPLITS
HUB = "Idavidrein/gpqa"
REVISION = "633f5ee89ab8ad4522a9f850766b73f62147ffdd"
WRONG = ("Incorrect Answer 1", "Incorrect Answer 2", "Incorrect Answer 3")


def find(root: Path | str, split: str = "main") -> list[Path]:
    """gpqa_{split}.csv, in the folder or in the `dataset/` of the unpacked archive."""
    check_split(SOURCE, split, SPLITS)
    names = [f"{folder}gpqa_{split}.{suffix}" for folder in ("", "dataset/") for suffix in ("csv", "jsonl", "parquet")]
    return [find_file(root, names, f"GPQA {split}")]


def load(
    root: Path | str,
    split: str = "main",
    domain: str = "Biology",
    seed: int = 42,
    rejects: list[BadRow] | None = None,
) -> list[Question]:
    """GPQA questions of a high-level domain from files on disk.

    Where the right option stands depends on `seed` and the question alone, not on the rows around it. White space
    at the edges is stripped. Raises BadRow, DataError, FileNotFoundError.
    """
    (path,) = find(root, split)
    return _questions(read_rows(path), split, domain, seed, rejects)


def load_hub(
    split: str = "main",
    revision: str | None = REVISION,
    path: str = HUB,
    domain: str = "Biology",
    seed: int = 42,
    rejects: list[BadRow] | None = None,
) -> list[Question]:
    """GPQA questions of a high-level domain from the gated hub dataset at a pinned revision."""
    check_split(SOURCE, split, SPLITS)
    return _questions(load_hub_rows(path, f"gpqa_{split}", "train", revision), split, domain, seed, rejects)


def _questions(rows, split, domain, seed, rejects) -> list[Question]:
    questions = to_questions(rows, partial(_question, split=split, domain=domain, seed=seed), rejects)
    if domain == "Biology":
        counts.check(SOURCE, split, questions)
    return questions


def _question(row: Row, split: str, domain: str, seed: int) -> Question | None:
    if row.text("High-level domain") != domain:
        return None
    stem, right = row.text("Question").strip(), row.text("Correct Answer").strip()
    texts = [right, *(row.text(field).strip() for field in WRONG)]
    key = hashlib.sha256("\n".join([stem, *texts]).encode()).hexdigest()[:16]
    order = list(range(4))
    random.Random(f"{seed}:{key}").shuffle(order)
    return Question(
        id=row.text("Record ID") if row.data.get("Record ID") else f"gpqa-{key}",
        source=SOURCE,
        split=split,
        stem=stem,
        options={letter: texts[place] for letter, place in zip("ABCD", order, strict=True)},
        answer="ABCD"[order.index(0)],
        metadata={"domain": domain, "seed": seed, **row.metadata("Subdomain")},
    )

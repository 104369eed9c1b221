"""MedQA-USMLE (jind11/MedQA): 4 or 5 options, from the original zip, the hub's files or one `train.jsonl`."""

import hashlib
from functools import partial
from pathlib import Path

from open_r1.questions import counts
from open_r1.questions.files import (
    BadRow,
    Row,
    brief,
    check_split,
    find_files,
    hub_parts,
    load_hub_rows,
    read_parts,
    to_questions,
)
from open_r1.questions.options import lettered
from open_r1.questions.record import Question

SOURCE = "medqa_usmle"
SPLITS = ("train", "dev", "test")
EVALUATION_SPLITS = ("test",)
HUB = "GBaker/MedQA-USMLE-4-options"
REVISION = "0fb93dd23a7339b6dcd27e241cb9b5eca62d4d18"

# The zip unpacks to data_clean/questions/US; users point at any folder on that way.
US = ("questions/US", "data_clean/questions/US", "US", ".")


def find(root: Path | str, split: str = "train", options: int | None = None) -> list[Path]:
    """The file that holds a split, or the parts of it.

    `options` 4 or 5 picks between the two files of the zip. Without it `{split}.jsonl` in the folder itself comes
    first, as upstream reads it, then the 4-option files, which the field reports on.
    """
    check_split(SOURCE, split, SPLITS)
    four = [f"{folder}/4_options/phrases_no_exclude_{split}.jsonl" for folder in US] + [
        f"phrases_no_exclude_{split}.jsonl"
    ]
    five = [f"{folder}/{split}.jsonl" for folder in US]
    top = [f"{split}.jsonl", f"{split}.parquet", *hub_parts(split)]
    candidates = {None: [*top, *four, *five], 4: [*four, *top], 5: five}[options]
    return find_files(root, candidates, f"MedQA-USMLE {split}")


def load(
    root: Path | str, split: str = "train", options: int | None = None, rejects: list[BadRow] | None = None
) -> list[Question]:
    """MedQA-USMLE from files on disk, in file order.

    Repaired: white space at the edges of stem, options and answer, and the stray newline + quote that ends some
    options and answers. All else stays as it is, a lone quote at the end of a stem included. The files have no ids:
    ours are hashes of stem and options, equal in every copy of the file. Raises BadRow, DataError, FileNotFoundError.
    """
    rows = read_parts(find(root, split, options))
    questions = to_questions(rows, partial(_question, split=split, options=options), rejects)
    counts.check(SOURCE, split, questions)
    return questions


def load_hub(
    split: str = "train", revision: str | None = REVISION, path: str = HUB, rejects: list[BadRow] | None = None
) -> list[Question]:
    """MedQA-USMLE with 4 options from the hub (splits train and test) at a pinned revision."""
    check_split(f"{SOURCE} on the hub", split, ("train", "test"))
    rows = load_hub_rows(path, None, split, revision)
    questions = to_questions(rows, partial(_question, split=split, options=None), rejects)
    counts.check(SOURCE, split, questions)
    return questions


def _clean(text: str) -> str:
    return text.strip().removesuffix('\n"').rstrip()


def _question(row: Row, split: str, options: int | None) -> Question:
    stem, raw = row.text("question").strip(), lettered(row, "options", row.parsed("options"))
    # The hub's struct has a null where a row lacks a letter that another row has.
    texts = {letter: text for letter, text in raw.items() if text is not None}
    if not texts or not all(text.strip() for text in texts.values()):
        raise row.bad("options", f"a non-empty text for every letter, found {brief(texts)}")
    if options and len(texts) != options:
        raise row.bad("options", f"{options} options, found {len(texts)}")
    texts = {letter: _clean(text) for letter, text in texts.items()}
    letter = row.one_of("answer_idx", texts)
    if row.data.get("answer") is not None and _clean(row.text("answer")) != texts[letter]:
        raise row.bad(
            "answer", f"the text of option {letter}, {brief(texts[letter])}; found {brief(row.data['answer'])}"
        )
    digest = hashlib.sha256("\n".join([stem, *texts.values()]).encode()).hexdigest()[:16]
    return Question(
        id=f"medqa-{digest}",
        source=SOURCE,
        split=split,
        stem=stem,
        options=texts,
        answer=letter,
        metadata=row.metadata("meta_info"),
    )

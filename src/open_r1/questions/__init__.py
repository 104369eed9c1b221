"""Medical questions: one record, one small loader per dataset, sampling and manifests."""

from pathlib import Path

from open_r1.questions import (
    ddxplus,
    gpqa,
    medcalc,
    medmcqa,
    medqa_usmle,
    medxpertqa,
    medxpertqa_mm,
    mmlu_pro,
    own,
    prepared,
    pubmedqa,
)
from open_r1.questions.files import BadRow, DataError
from open_r1.questions.prepared import question_from_row, read_prepared, row_from_question
from open_r1.questions.record import Kind, Question, question_text

DATASETS = {
    "medqa_usmle": medqa_usmle,
    "medxpertqa": medxpertqa,
    "medxpertqa_mm": medxpertqa_mm,
    "medmcqa": medmcqa,
    "pubmedqa": pubmedqa,
    "mmlu_pro": mmlu_pro,
    "gpqa": gpqa,
    "medcalc": medcalc,
    "ddxplus": ddxplus,
}
"""Loaders by name. Each has SPLITS (the default first), EVALUATION_SPLITS (not to be trained on), find, load and load_hub."""


def load(name: str | Path, root: Path | str | None = None, split: str | None = None, **options) -> list[Question]:
    """Questions by what a user calls them.

    A name of DATASETS is read from files under `root`, or without `root` from the hub at its pinned revision. A
    folder is a prepared one. Any other path is a file of your own questions (`columns=` maps its columns), or a
    prepared file. `options` go to the loader. Raises BadRow, DataError, FileNotFoundError.
    """
    if name in DATASETS:
        dataset = DATASETS[name]
        split = split or dataset.SPLITS[0]
        return dataset.load_hub(split, **options) if root is None else dataset.load(root, split, **options)
    path = Path(name).expanduser()
    if path.is_dir() or (not options and prepared.is_prepared(path)):
        return read_prepared(path, split, **options)
    if not path.exists():
        raise FileNotFoundError(f"{name}: neither a file or folder nor a dataset; datasets are {', '.join(DATASETS)}")
    return own.load(path, split=split or "train", **options)


__all__ = [
    "DATASETS",
    "BadRow",
    "DataError",
    "Kind",
    "Question",
    "load",
    "question_from_row",
    "question_text",
    "read_prepared",
    "row_from_question",
]

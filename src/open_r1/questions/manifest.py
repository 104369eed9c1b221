"""What a prepared dataset was made of, so that it can be made again and its rows left out of an evaluation."""

import hashlib
import json
from collections import Counter
from pathlib import Path

from open_r1 import __version__
from open_r1.questions.files import DataError
from open_r1.questions.record import Question

DATA_MANIFESTS = "data_manifests.json"
"""In a run's folder: the manifests of all that its model was trained on, by dataset name."""


def trained_ids(path: Path) -> set[tuple[str, str]]:
    """(source, id) of every training row that a manifest, or a run's DATA_MANIFESTS, lists; raises DataError for others."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        manifests = list(found.values()) if path.name == DATA_MANIFESTS else [found]
        return {
            (source, identity)
            for manifest in manifests
            for source, ids in manifest["ids"]["train"].items()
            for identity in ids
        }
    except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError, AttributeError):
        raise DataError(f"{path}: expected a manifest with ids.train, as scripts/data_prepare.py writes it") from None


def file_entry(path: Path, root: Path) -> dict:
    """A source file by its name under the root that the user gave (never an absolute path), size and sha256."""
    name = path.name if path == root else path.relative_to(root).as_posix()
    data = path.read_bytes()
    return {"file": name, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def build(
    settings: dict, sources: list[dict], splits: dict[str, list[Question]], rejected: int, notes: list[str]
) -> dict:
    """The manifest: no time and no absolute path in it, so that the same input and seed give the same bytes."""
    return {
        "tool": {"name": "open-medical-r1", "version": __version__},
        "settings": settings,
        "sources": sources,
        "counts": {
            split: {"rows": len(questions), "by_source": _by(questions, "source"), "by_kind": _by(questions, "kind")}
            for split, questions in splits.items()
        },
        "rejected_rows": rejected,
        "notes": notes,
        "ids": {split: ids_by_source(questions) for split, questions in splits.items()},
    }


def ids_by_source(questions: list[Question]) -> dict[str, list[str]]:
    """Sorted ids of every source."""
    sources = sorted({question.source for question in questions})
    return {name: sorted(question.id for question in questions if question.source == name) for name in sources}


def write(path: Path, manifest: dict) -> None:
    """Writes the manifest as indented JSON."""
    path.write_text(json.dumps(manifest, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _by(questions: list[Question], attribute: str) -> dict[str, int]:
    return dict(sorted(Counter(str(getattr(question, attribute)) for question in questions).items()))

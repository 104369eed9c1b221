"""The questions that an evaluation asks, and what is to be said about them."""

from dataclasses import dataclass
from pathlib import Path

from open_r1.evaluation.presets import BENCHMARKS, preset_rows
from open_r1.evaluation.shuffle import shuffled_options
from open_r1.questions import DATASETS, DataError, Question, load
from open_r1.questions.files import find_file, repeat
from open_r1.questions.manifest import DATA_MANIFESTS, trained_ids


@dataclass(frozen=True)
class Selection:
    """Questions to ask, in order; `told` is one line on how many they are and whether that is all of them."""

    questions: list[Question]
    unique: int
    expected: int | None
    told: str
    left_out: tuple[str, ...] = ()
    """Ids of rows that the model was trained on."""

    @property
    def complete(self) -> bool:
        """Whether these are all the rows that the preset names; a score on others is not comparable."""
        return self.unique == self.expected


def select(
    task: str,
    preset: str,
    data_root: str | None = None,
    split: str | None = None,
    shuffle: int | None = None,
    exclude: str | None = None,
) -> Selection:
    """The rows of a preset's benchmark, from DATA_ROOT/NAME or, without one, from the hub at the pinned revision.

    Files on disk may be part of a benchmark: that is told, not refused. The hub's rows must be as many as the preset
    names. `split` takes another split, which is told too; `exclude` is the manifest of prepared training data, or a run's
    DATA_MANIFESTS, whose training ids are left out. Raises BadRow, DataError, FileNotFoundError.
    """
    _, rows = preset_rows(preset, task)
    dataset = BENCHMARKS[task].dataset
    options = {"options": 4} if dataset == "medqa_usmle" and data_root else {}
    root = _root(data_root, dataset) if data_root else None
    questions = [q for q in load(dataset, root, split or rows.split, **options) if rows.keeps(q.id)]
    if not questions:
        raise DataError(
            f"{root or DATASETS[dataset].HUB}: none of the rows of {task} that preset {preset} takes is there"
        )
    found = len(questions)
    if root is None and split is None and found != rows.count:
        raise DataError(
            f"{DATASETS[dataset].HUB}: {found:,} rows of {task}, preset {preset} names {rows.count:,}; the download is "
            "not the pinned revision. Clear it from the hub's cache, or give the files with DATA_ROOT"
        )
    notes = []
    if split and split != rows.split:
        notes.append(f"split {split}, NOT the preset's {rows.split}")
    left_out = ()
    if exclude:
        trained = trained_ids(find_file(exclude, ["manifest.json"], "the training data's manifest"))
        left_out = tuple(question.id for question in questions if (question.source, question.id) in trained)
        questions = [question for question in questions if (question.source, question.id) not in trained]
        notes.append(f"{len(left_out):,} rows left out that {Path(exclude).name} lists as trained on")
    if shuffle is not None:
        questions = [shuffled_options(question, shuffle) for question in questions]
        notes.append(f"options shuffled, seed {shuffle}")
    unique = len(questions)
    if unique != rows.count:
        notes.insert(0, f"SUBSET: the preset has {rows.count:,}; not comparable with published scores")
    if rows.repeats > 1:
        questions = [repeated for question in questions for repeated in _repeats(question, rows.repeats)]
        notes.append(f"each asked {rows.repeats} times, {len(questions):,} rows; errors are over the {unique:,}")
    told = f"{task} ({preset}): {unique:,} of {rows.count:,} questions" + "".join(f"; {note}" for note in notes)
    return Selection(questions, unique, rows.count, told, left_out)


def select_prepared(folder: str, split: str = "test") -> Selection:
    """The questions of a prepared folder; there is no official number of them."""
    questions = load(folder, split=split)
    told = f"{Path(folder).name}: {len(questions):,} questions of its {split} split"
    return Selection(questions, len(questions), None, told)


def manifests_of(model: str) -> str | None:
    """The file in a trained model's run folder that names what it was trained on; None for a model without one."""
    folder = Path(model).expanduser()
    # A checkpoint lies in its run's folder.
    return next((str(f / DATA_MANIFESTS) for f in (folder, folder.parent) if (f / DATA_MANIFESTS).is_file()), None)


def cluster(question: Question) -> str:
    """What makes rows of one question dependent: a repeated row, or a vignette told in several ways."""
    return str(question.metadata.get("vignette") or question.metadata.get("repeats") or question.id)


def _root(data_root: str, dataset: str) -> Path:
    folder = Path(data_root).expanduser()
    if not folder.is_dir():
        raise FileNotFoundError(
            f"{folder}: DATA_ROOT is no folder; it holds one folder per dataset ({', '.join(DATASETS)})"
        )
    if not (folder / dataset).is_dir():
        raise FileNotFoundError(f"{folder / dataset}: no such folder; DATA_ROOT must hold {dataset}/ for this task")
    return folder / dataset


def _repeats(question: Question, times: int) -> list[Question]:
    # Each in an order of options of its own: asked greedily, equal prompts would be one answer counted so many times.
    return [question, *(repeat(shuffled_options(question, n), n) for n in range(2, times + 1))]

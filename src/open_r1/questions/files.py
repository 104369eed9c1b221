"""Reading raw dataset files: rows that know where they stand, and errors that say so."""

import csv
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from open_r1.questions.record import Question

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

# DDXPlus cells and long patient notes pass the 128 KiB that the csv module allows by default.
csv.field_size_limit(16 * 1024 * 1024)


class DataError(ValueError):
    """Data that cannot be used as asked; the message is one line that names the file and the remedy."""


class BadRow(DataError):
    """A row that cannot be read: which file, where in it, which field, and what was expected there."""

    def __init__(self, path: Path | str, where: str, field: str, expected: str, raw: Any = None):
        place = f"{path}, {where}" + (f", field '{field}'" if field else "")
        super().__init__(f"{place}: expected {expected}")
        self.path, self.where, self.field, self.expected, self.raw = Path(path), where, field, expected, raw


@dataclass(frozen=True, slots=True)
class Row:
    """One raw row and its place: `where` is "line 12" in a file of lines, else the row's key or number."""

    path: Path | str
    where: str
    data: dict[str, Any]

    def bad(self, field: str, expected: str) -> BadRow:
        """The error to raise for this row; `field` may be empty when the row as a whole is wrong."""
        return BadRow(self.path, self.where, field, expected, self.data)

    def text(self, field: str) -> str:
        """The field's string as it stands; raises BadRow when it is missing, not a string or blank."""
        value = self.data.get(field)
        if not isinstance(value, str) or not value.strip():
            raise self.bad(field, f"a non-empty string, found {brief(value)}")
        return value

    def one_of(self, field: str, allowed) -> str:
        """The field's string, which must be one of `allowed`; raises BadRow."""
        value = self.data.get(field)
        if not isinstance(value, str) or value not in allowed:
            raise self.bad(field, f"one of {', '.join(allowed)}, found {brief(value)}")
        return value

    def metadata(self, *fields: str) -> dict[str, Any]:
        """Those of the fields that the row has and that are not null."""
        return {field: self.data[field] for field in fields if self.data.get(field) is not None}


def brief(value: Any) -> str:
    """A value shown in an error: at most 60 characters, or `nothing` for null."""
    if value is None:
        return "nothing"
    shown = repr(value)
    return shown if len(shown) <= 60 else shown[:57] + "..."


def find_file(root: Path | str, candidates: list[str], what: str) -> Path:
    """The first of `candidates` (names or glob patterns) under `root`, or `root` itself when it is a file.

    Raises FileNotFoundError naming the root and every place looked at.
    """
    root = Path(root).expanduser()
    if root.is_file():
        return root
    if not root.is_dir():
        raise FileNotFoundError(f"{root}: no such folder or file; {what} was to be read from it")
    for candidate in candidates:
        if found := sorted(root.glob(candidate)):
            return found[0]
    raise FileNotFoundError(f"{root}: no file of {what} there; looked for {', '.join(candidates)}")


def check_split(name: str, split: str, splits: tuple[str, ...]) -> None:
    """Raises DataError when a dataset has no such split."""
    if split not in splits:
        raise DataError(f"{name} has no split '{split}'; it has {', '.join(splits)}")


def read_jsonl(path: Path) -> Iterator[Row | BadRow]:
    """The rows of a JSON-lines file; a line that is not a JSON object comes as a BadRow, not raised.

    Lines end at "\\n" only: U+2028, U+0085 and the like are legal inside JSON strings.
    """
    lines = path.read_bytes().removeprefix(b"\xef\xbb\xbf").split(b"\n")
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        where = f"line {number}"
        try:
            data = json.loads(line.decode())
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            yield BadRow(path, where, "", f"a JSON object, but {error}", line.decode(errors="replace"))
            continue
        if not isinstance(data, dict):
            yield BadRow(path, where, "", f"a JSON object, found {brief(data)}", data)
        elif b"\\ud" in line.lower() and has_lone_surrogate(data):
            yield BadRow(path, where, "", "text that UTF-8 can hold, found half of a surrogate pair", line.decode())
        else:
            yield Row(path, where, data)


def has_lone_surrogate(data: Any) -> bool:
    """Whether JSON data holds an escape such as \\ud83d without its other half, which no file could be written with."""
    try:
        json.dumps(data, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return True
    return False


def read_csv(path: Path) -> Iterator[Row | BadRow]:
    """The rows of a CSV file with a header; all values are strings, and cells may hold line breaks.

    Cells are separated by commas or, where the header holds none, by semicolons or tabs, as spreadsheets write them.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: expected UTF-8 text, but {error}; save the file as UTF-8") from None
    first, _, _ = text.partition("\n")
    delimiter = next((mark for mark in ",;\t" if mark in first), ",")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        header = next(reader, [])
        before = reader.line_num
        for cells in reader:
            where, before = f"line {before + 1}", reader.line_num
            if not cells:
                continue
            if len(cells) != len(header):
                yield BadRow(path, where, "", f"{len(header)} columns as in the header, found {len(cells)}", cells)
            else:
                yield Row(path, where, dict(zip(header, cells, strict=True)))
    except csv.Error as error:
        raise DataError(f"{path}, line {reader.line_num}: not a CSV file: {error}") from None


def read_parquet(path: Path) -> Iterator[Row]:
    """The rows of a parquet file."""
    import pyarrow.parquet as pq

    yield from located(path, pq.read_table(path).to_pylist())


def located(path: Path | str, rows) -> Iterator[Row]:
    """Rows that have no lines (parquet, hub) numbered from 1."""
    for number, data in enumerate(rows, start=1):
        yield Row(path, f"row {number}", data)


def read_json(path: Path) -> Any:
    """A JSON file as a whole; raises DataError naming the file when it is not JSON."""
    try:
        return json.loads(path.read_bytes())
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: not a JSON file: {error}") from None


READERS = {".csv": read_csv, ".parquet": read_parquet}


def read_rows(path: Path) -> Iterator[Row | BadRow]:
    """The rows of a CSV, parquet or JSON-lines file, told apart by the file's ending."""
    return READERS.get(path.suffix.lower(), read_jsonl)(path)


def to_questions(rows, convert: Callable[[Row], Question | None], rejects: list[BadRow] | None) -> list[Question]:
    """Every row converted, those for which `convert` gives None left out.

    An id that comes again gets a number (`x`, `x#2`): files do repeat rows. Bad rows are appended to `rejects` when there is
    such a list; without one the first bad row is raised.
    """
    questions, seen = [], {}
    for row in rows:
        try:
            if isinstance(row, BadRow):
                raise row
            question = convert(row)
        except BadRow as bad:
            if rejects is None:
                raise
            rejects.append(bad)
            continue
        if question is None:
            continue
        seen[question.id] = times = seen.get(question.id, 0) + 1
        if times > 1:
            question = replace(question, id=f"{question.id}#{times}")
        questions.append(question)
    return questions


def load_hub_rows(path: str, name: str | None, split: str, revision: str | None) -> Iterator[Row]:
    """The rows of a hub dataset at a revision, or of a local folder in the hub's layout."""
    # Imported here: `datasets` takes seconds to import and the raw files do not need it.
    import datasets

    local = Path(path).is_dir()
    if not local and revision is None:
        raise DataError(f"{path}: no revision is pinned for it; give one (NAME@REVISION in a SPEC)")
    source = path if local else hub_copy(path, revision)
    revision = revision if source == path and not local else None
    return located(path, datasets.load_dataset(source, name, split=split, revision=revision))


def hub_copy(path: str, revision: str | None = None) -> str:
    """What `load_dataset` reads of a hub dataset: offline the copy in the hub's cache (scripts/fetch_assets.py), else its name.

    By its name alone `datasets` finds offline only what it has converted before, of any revision.
    """
    from huggingface_hub import constants, snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    if not constants.HF_HUB_OFFLINE:
        return path
    try:
        return snapshot_download(path, repo_type="dataset", revision=revision, local_files_only=True)
    except LocalEntryNotFoundError:
        return path

"""Reading raw dataset files: rows that know where they stand, and errors that say so."""

import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator
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

    def parsed(self, field: str) -> Any:
        """The field's value; text that is a JSON list or object (in a CSV cell) is parsed. Raises BadRow when it is not JSON."""
        value = self.data.get(field)
        if isinstance(value, str) and value.lstrip()[:1] in ("[", "{"):
            try:
                return json.loads(value)
            except json.JSONDecodeError as error:
                raise self.bad(field, f"JSON text, but {error}") from None
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


def whole(value: Any) -> int | None:
    """A whole number that is one, or is written as a text or as a float (1.0), as tables come to have it; None for all else."""
    if isinstance(value, bool) or not re.fullmatch(r"-?\d+(\.0+)?", str(value).strip(), re.ASCII):
        return None
    return int(float(value))


def brief(value: Any) -> str:
    """A value shown in an error: at most 60 characters, or `nothing` for null."""
    if value is None:
        return "nothing"
    shown = repr(value)
    return shown if len(shown) <= 60 else shown[:57] + "..."


def find_file(root: Path | str, candidates: list[str], what: str) -> Path:
    """The one file that `find_files` finds; raises DataError where it is in several parts."""
    path, *more = find_files(root, candidates, what)
    if more:
        raise DataError(f"{path.parent}: {what} was to be one file, and {more[0].name} is there beside {path.name}")
    return path


def find_files(root: Path | str, candidates: list[str], what: str) -> list[Path]:
    """The first of `candidates` (names or glob patterns) under `root`, or `root` itself when it is a file.

    Several files are all the parts of one, as the hub cuts them (train-00000-of-00002.parquet), in order. A dataset's
    folder in the hub's cache stands for its snapshot. Raises FileNotFoundError naming the root and every place looked at,
    DataError where several files are there that are not all the parts of one.
    """
    root = Path(root).expanduser()
    if root.is_file():
        return [root]
    if not root.is_dir():
        raise FileNotFoundError(f"{root}: no such folder or file; {what} was to be read from it")
    folder = _snapshot(root)
    for candidate in candidates:
        if found := sorted(folder.glob(candidate)):
            return _whole(found, what)
    raise FileNotFoundError(f"{root}: no file of {what} there; looked for {', '.join(candidates)}")


def hub_parts(split: str) -> list[str]:
    """Where the hub's datasets have a split as parquet: in `data/`, or at the top where that alone was fetched."""
    return [f"{split}-*.parquet", f"data/{split}-*.parquet"]


def _snapshot(root: Path) -> Path:
    """The snapshot that is meant in a dataset's folder of the hub's cache (datasets--OWNER--NAME); any other folder itself."""
    snapshots = sorted(root.glob("snapshots/*/"))
    main = root / "refs" / "main"
    if len(snapshots) > 1 and main.is_file():
        snapshots = [root / "snapshots" / main.read_text(encoding="utf-8").strip()]
    if len(snapshots) > 1:
        raise DataError(f"{root}: several snapshots are there; name one of them, {snapshots[0]} for example")
    return snapshots[0] if snapshots else root


def _whole(files: list[Path], what: str) -> list[Path]:
    """Files that are all the parts of one; raises DataError for others."""
    parts = [re.search(r"-(\d+)-of-(\d+)\.\w+$", path.name) for path in files]
    if len(files) > 1 and not all(parts):
        raise DataError(
            f"{files[0].parent}: {what} is to be read, and {files[0].name} and {files[1].name} are there; name one"
        )
    if parts[0] and [(int(part[1]), int(part[2])) for part in parts] != [(n, len(files)) for n in range(len(files))]:
        raise DataError(f"{files[0]}: found {len(files)} of the {int(parts[0][2])} parts of {what}; fetch all of them")
    return files


def check_split(name: str, split: str, splits: tuple[str, ...]) -> None:
    """Raises DataError when a dataset has no such split."""
    if split not in splits:
        raise DataError(f"{name} has no split '{split}'; it has {', '.join(splits)}")


# What files that are no text begin with, and what to do about it.
SIGNATURES = {
    b"\x1f\x8b": "packed by gzip; unpack it",
    b"PK\x03\x04": "a zip archive or a spreadsheet (.xlsx); unpack it, or save the sheet as CSV",
    b"PAR1": "parquet; let its name end in .parquet",
    b"\xff\xfe": "UTF-16; save it as UTF-8",
    b"\xfe\xff": "UTF-16; save it as UTF-8",
}


def refuse_other_forms(path: Path) -> None:
    """Raises DataError for a file that begins as no text does."""
    with path.open("rb") as file:
        start = file.read(max(map(len, SIGNATURES)))
    for signature, form in SIGNATURES.items():
        if start.startswith(signature):
            raise DataError(f"{path}: expected UTF-8 text, and this is {form}")


def read_bytes(path: Path) -> bytes:
    """The bytes of a text file without a byte order mark; raises DataError for a file of another form."""
    refuse_other_forms(path)
    return path.read_bytes().removeprefix(b"\xef\xbb\xbf")


def read_jsonl(path: Path) -> Iterator[Row | BadRow]:
    """The rows of a file of JSON lines or of one JSON array; a row that is not a JSON object comes as a BadRow, not raised.

    Lines end at "\\n" only: U+2028, U+0085 and the like are legal inside JSON strings.
    """
    text = read_bytes(path)
    if text.lstrip().startswith(b"["):
        try:
            items = json.loads(text)
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            raise DataError(f"{path}: not a JSON array: {error}") from None
        escapes = b"\\ud" in text.lower()
        yield from (_json_row(path, f"row {number}", item, escapes) for number, item in enumerate(items, 1))
        return
    for number, line in enumerate(text.split(b"\n"), start=1):
        if not line.strip():
            continue
        where = f"line {number}"
        try:
            data = json.loads(line.decode())
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            yield BadRow(path, where, "", f"a JSON object, but {error}", line.decode(errors="replace"))
            continue
        yield _json_row(path, where, data, b"\\ud" in line.lower())


def _json_row(path: Path, where: str, data: Any, escapes: bool) -> Row | BadRow:
    """Parsed JSON as a row; `escapes` says that its text has escapes which may be half of a surrogate pair."""
    if not isinstance(data, dict):
        return BadRow(path, where, "", f"a JSON object, found {brief(data)}", data)
    if escapes and has_lone_surrogate(data):
        return BadRow(path, where, "", "text that UTF-8 can hold, found half of a surrogate pair", json.dumps(data))
    return Row(path, where, data)


def has_lone_surrogate(data: Any) -> bool:
    """Whether JSON data holds an escape such as \\ud83d without its other half, which no file could be written with."""
    try:
        json.dumps(data, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return True
    return False


def read_csv(path: Path) -> Iterator[Row | BadRow]:
    """The rows of a CSV file with a header; all values are strings, and cells may hold line breaks.

    Cells are separated by commas, semicolons or tabs, whichever the header has most of outside quotes. Rows of blank cells
    alone are left out, as blank lines are.
    """
    try:
        text = read_bytes(path).decode()
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: expected UTF-8 text, but {error}; save the file as UTF-8") from None
    header = re.sub(r'"[^"]*"', "", re.match(r'(?:"[^"]*"|[^"\n])*', text)[0])
    delimiter = max(",;\t", key=header.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        header = next(reader, [])
        if twice := [name for name in header if name and header.count(name) > 1]:
            raise DataError(f"{path}, line 1: two columns are called {twice[0]!r}; give each a name of its own")
        before = reader.line_num
        for cells in reader:
            where, before = f"line {before + 1}", reader.line_num
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != len(header):
                yield BadRow(path, where, "", f"{len(header)} columns as in the header, found {len(cells)}", cells)
            else:
                yield Row(path, where, dict(zip(header, cells, strict=True)))
    except csv.Error as error:
        raise DataError(f"{path}, line {reader.line_num}: not a CSV file: {error}") from None


def read_parquet(path: Path) -> Iterator[Row]:
    """The rows of a parquet file; raises DataError when it is none."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path)
    except pa.ArrowInvalid as error:
        raise DataError(f"{path}: not a whole parquet file: {error}") from None
    yield from located(path, table.to_pylist())


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


READERS = {".csv": read_csv, ".tsv": read_csv, ".parquet": read_parquet}


def read_rows(path: Path) -> Iterator[Row | BadRow]:
    """The rows of a CSV, parquet or JSON file, told apart by the file's ending."""
    return READERS.get(path.suffix.lower(), read_jsonl)(path)


def read_parts(paths: Iterable[Path]) -> Iterator[Row | BadRow]:
    """The rows of all files, one after the other."""
    return (row for path in paths for row in read_rows(path))


def to_questions(rows, convert: Callable[[Row], Question | None], rejects: list[BadRow] | None) -> list[Question]:
    """Every row converted, those for which `convert` gives None left out.

    An id that comes again gets a number (`x`, `x#2`), as `repeat` gives it: files do repeat rows. Bad rows are appended to
    `rejects` when there is such a list; without one the first bad row is raised.
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
        name, times = question.id, seen.get(question.id, 0) + 1
        while times > 1 and f"{name}#{times}" in seen:
            times += 1
        seen[name] = times
        if times > 1:
            question = repeat(question, times)
            seen[question.id] = 1
        questions.append(question)
    return questions


def repeat(question: Question, times: int) -> Question:
    """A question under an id of its own (`x#2`) that knows which question it repeats, in `metadata`: the two are not independent."""
    first = question.metadata.get("repeats", question.id)
    return replace(question, id=f"{question.id}#{times}", metadata=question.metadata | {"repeats": first})


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

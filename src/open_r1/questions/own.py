"""Your own questions: a JSON, CSV or parquet file and a map from our fields to its columns."""

import math
from functools import partial
from pathlib import Path

from open_r1.questions.files import (
    LETTERS,
    BadRow,
    DataError,
    Row,
    brief,
    find_file,
    read_rows,
    to_questions,
    whole,
)
from open_r1.questions.options import lettered
from open_r1.questions.record import Kind, Question

ENDINGS = (".jsonl", ".json", ".csv", ".tsv", ".parquet")
LIMITS = ("lower_limit", "upper_limit")
FIELDS = ("stem", "options", "answer", "id", "context", "images", "difficulty", "kind", *LIMITS)
YES_NO_MAYBE = ("yes", "no", "maybe")
ANSWER_FORMS = ("letter", "text", "index0", "index1")


def find(path: Path | str) -> list[Path]:
    """The file itself; raises FileNotFoundError or, for an unknown ending, DataError."""
    file = find_file(path, [], "questions")
    if file.suffix.lower() not in ENDINGS:
        raise DataError(f"{file}: the name of a file of questions must end in {', '.join(ENDINGS)}")
    return [file]


def check_fields(columns: dict) -> None:
    """Raise DataError for a map of columns that names what no question has."""
    form = columns.get("answer_form", "letter")
    if form not in ANSWER_FORMS:
        raise DataError(f"columns: answer_form must be one of {', '.join(ANSWER_FORMS)}, found {brief(form)}")
    if unknown := [field for field in columns if field not in (*FIELDS, "answer_form")]:
        raise DataError(f"columns: no field {unknown[0]!r}; the fields are {', '.join((*FIELDS, 'answer_form'))}")
    if several := [field for field, column in columns.items() if field != "options" and not isinstance(column, str)]:
        raise DataError(
            f"columns: {several[0]} is read from one column, found {brief(columns[several[0]])}; give its name"
        )


def load(
    path: Path | str,
    columns: dict | None = None,
    split: str = "train",
    source: str | None = None,
    rejects: list[BadRow] | None = None,
) -> list[Question]:
    """Questions from a file of yours, in file order; `source` is its name without the ending unless given.

    `columns` maps fields to columns: `stem`, `answer` and, where there are any, `options`, `id`, `context`, `images`,
    `difficulty`, `kind`, `lower_limit`, `upper_limit`. A field that it leaves out is looked for under its own name, `stem`
    under `question` too. `options` is one column (a list of texts, an object of letters and texts, a list of objects of
    these two, or any as JSON text), a list of columns in order, or an object of letters and columns; options left blank at
    the end of a row are left out, and where they are mapped a row without any must say its `kind`. `answer_form` says how `answer` is
    written: "letter" (the default), "text" (of the right option), "index0" or "index1" (its place, counted from 0 or
    1). Without options the answer is taken as it is, and `kind` is "text" unless the row says "number" (right within
    its limits, where it has both) or "yes-no-maybe" (answers yes, no or maybe become options A, B and, where any row says
    it, C). Where no column is called so, `kind` is one of these words for all rows.
    Raises BadRow, DataError, FileNotFoundError.
    """
    (file,) = find(path)
    columns = dict(columns or {})
    check_fields(columns)
    form = columns.pop("answer_form", "letter")
    rows = list(read_rows(file))
    there = column_names(rows)
    columns = with_question(columns, there)
    kind = columns.pop("kind") if columns.get("kind") in list(Kind) and columns["kind"] not in there else None
    _check_columns(file, there, columns)
    if len(_names(columns.get("options", []))) > len(LETTERS):
        raise DataError(f"columns: at most {len(LETTERS)} columns of options, found {len(columns['options'])}")
    yes_no = YES_NO_MAYBE if any(_yes_no_answer(row, columns) == "maybe" for row in rows) else YES_NO_MAYBE[:2]
    convert = partial(
        _question, columns=columns, form=form, split=split, source=source or file.stem, kind=kind, yes_no=yes_no
    )
    return to_questions(rows, convert, rejects)


def column_names(rows: list[Row | BadRow]) -> list[str]:
    """The columns of raw rows, in the order in which they first come."""
    return list(dict.fromkeys(name for row in rows if isinstance(row, Row) for name in row.data))


def with_question(columns: dict, there: list[str]) -> dict:
    """A column map that reads the stem from `question` where neither the map nor the file has a stem."""
    return {"stem": "question"} | columns if "stem" not in there and "question" in there else columns


def columns_read(columns: dict, there: list[str]) -> dict[str, list[str]]:
    """The columns that each field is read from, of those that are there."""
    columns = {field: field for field in FIELDS} | with_question(columns, there)
    found = {field: [name for name in _names(columns[field]) if name in there] for field in FIELDS}
    return {field: names for field, names in found.items() if names}


def _names(column) -> list[str]:
    """The columns that one entry of a column map names."""
    return list(
        column.values() if isinstance(column, dict) else column if isinstance(column, list | tuple) else [column]
    )


def _check_columns(file: Path, there: list[str], columns: dict) -> None:
    """A column that no row has is a mistake in the map, not a bad row."""
    for field, column in {"stem": "stem", "answer": "answer", **columns}.items():
        if missing := [name for name in _names(column) if there and name not in there]:
            or_kind = f", or one of {', '.join(Kind)} for all rows" if field == "kind" else ""
            raise DataError(
                f"{file}: no column {missing[0]!r} to read {field} from; it has {', '.join(there)}. "
                f"Say with the column map which of them it is{or_kind}"
            )


def _yes_no_answer(row: Row | BadRow, columns: dict) -> str:
    """The row's answer in small letters, were it a yes-no question's."""
    return str(row.data.get(columns.get("answer", "answer"))).strip().lower() if isinstance(row, Row) else ""


def _question(
    row: Row, columns: dict, form: str, split: str, source: str, kind: str | None, yes_no: tuple[str, ...]
) -> Question:
    column = {field: columns.get(field, field) for field in FIELDS}
    stem = row.text(column["stem"])
    options = _options(row, column["options"])
    kind = _kind(row, column, options, kind, mapped="options" in columns)
    if kind is Kind.YES_NO_MAYBE and not options:
        options = dict(zip(LETTERS, yes_no, strict=False))
        if (answer := _yes_no_answer(row, columns)) not in yes_no:
            raise row.bad(column["answer"], f"{' or '.join(yes_no)}, found {brief(row.data.get(column['answer']))}")
        answer = next(letter for letter, text in options.items() if text == answer)
    else:
        answer = _answer(row, column["answer"], options, form, kind)
    return Question(
        id=_cell(row, column["id"]) or f"{source}-{row.where.split()[-1]}",
        source=source,
        split=split,
        stem=stem.strip(),
        options=options,
        answer=answer,
        kind=kind,
        context=_cell(row, column["context"]),
        images=tuple(_images(row, column["images"])),
        difficulty=_difficulty(row, column["difficulty"]),
        metadata=_limits(row, column, kind),
    )


def _cell(row: Row, column: str) -> str:
    """A column's text or number as text, blank where there is none; raises BadRow for anything else."""
    value = row.data.get(column)
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise row.bad(column, f"a text or a number, found {brief(value)}")
    # NaN is how tables write null as a number.
    return "" if value != value else str(value)


def _options(row: Row, column) -> dict[str, str]:
    named = " ".join(_names(column))
    if isinstance(column, str):
        value = row.parsed(column)
        if value in (None, "", [], {}):
            return {}
    elif isinstance(column, dict):
        value = {letter: row.data.get(name) for letter, name in column.items()}
    else:
        value = [row.data.get(name) for name in column]
    kept = {letter: (text or "").strip() for letter, text in lettered(row, named, value).items()}
    while kept and not kept[last := next(reversed(kept))]:
        del kept[last]
    if not all(kept.values()):
        raise row.bad(named, f"no blank option before a filled one, found {brief(list(kept.values()))}")
    if len(kept) == 1:
        raise row.bad(named, f"at least two options, found {brief(list(kept.values()))}")
    return kept


def _answer(row: Row, column: str, options: dict[str, str], form: str, kind: Kind) -> str:
    value, text = row.data.get(column), _cell(row, column).strip()
    if not text:
        raise row.bad(column, f"an answer, found {brief(value)}")
    if kind is Kind.NUMBER and not any(map(str.isnumeric, text)):
        raise row.bad(column, f"a number, found {brief(value)}")
    if not options:
        return text
    if form == "letter":
        if text not in options:
            raise row.bad(column, f"one of the letters {', '.join(options)}, found {brief(value)}")
        return text
    if form == "text":
        letters = [letter for letter, option in options.items() if option == text]
        if len(letters) != 1:
            raise row.bad(column, f"the text of exactly one option, found {brief(value)} as {len(letters)} of them")
        return letters[0]
    first, number = int(form[-1]), whole(value)
    if number is None or not 0 <= (place := number - first) < len(options):
        raise row.bad(column, f"a whole number from {first} to {first + len(options) - 1}, found {brief(value)}")
    return list(options)[place]


def _kind(row: Row, column: dict, options: dict[str, str], of_all: str | None, mapped: bool) -> Kind:
    value = of_all or row.data.get(column["kind"])
    allowed = (Kind.CHOICE, Kind.YES_NO_MAYBE) if options else (Kind.TEXT, Kind.NUMBER, Kind.YES_NO_MAYBE)
    if value in (None, ""):
        if mapped and not options:
            raise row.bad(" ".join(_names(column["options"])), "options, or a `kind` of questions that have none")
        return allowed[0]
    if value not in list(allowed):
        with_options = "with" if options else "without"
        raise row.bad(
            column["kind"], f"{' or '.join(allowed)} in a question {with_options} options, found {brief(value)}"
        )
    return Kind(value)


def _limits(row: Row, column: dict, kind: Kind) -> dict[str, str]:
    """The bounds within which a number is right, as the judge reads them: both or none."""
    found = {name: row.data[column[name]] for name in LIMITS if row.data.get(column[name]) not in (None, "")}
    if not found:
        return {}
    if kind is not Kind.NUMBER or len(found) == 1:
        raise row.bad(column[next(iter(found))], "both limits, of a number, or none")
    for name, value in found.items():
        try:
            finite = math.isfinite(float(value))
        except (TypeError, ValueError):
            finite = False
        if not finite:
            raise row.bad(column[name], f"a number, found {brief(value)}")
    lower, upper = (float(found[name]) for name in LIMITS)
    if lower > upper:
        raise row.bad(column[LIMITS[0]], f"at most the upper limit {upper:g}, found {lower:g}")
    return {name: str(value) for name, value in found.items()}


def _images(row: Row, column: str) -> list[str]:
    value = row.parsed(column)
    images = [] if value in (None, "") else [value] if isinstance(value, str) else value
    if not isinstance(images, list) or not all(isinstance(name, str) for name in images):
        raise row.bad(column, f"a file name or a list of them, found {brief(value)}")
    return images


def _difficulty(row: Row, column: str) -> float | None:
    value = row.data.get(column)
    if value in (None, ""):
        return None
    try:
        difficulty = float(value)
    except (TypeError, ValueError):
        difficulty = -1.0
    if not 0 <= difficulty <= 1:
        raise row.bad(column, f"a number from 0 (always solved) to 1 (never solved), found {brief(value)}")
    return difficulty

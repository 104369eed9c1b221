"""Options in the ways that data sets write them."""

from open_r1.questions.files import LETTERS, Row, brief


def lettered(row: Row, field: str, value) -> dict[str, str | None]:
    """The options that a row's field holds as `value`, in the order of their letters; texts as they stand, None for null.

    `value` is an object of letters and texts, a list of texts, or a list of objects of a letter and a text. Numbers become
    texts. Raises BadRow for anything else, and for other keys than A to Z.
    """
    if isinstance(value, list) and value and all(_is_pair(item) for item in value):
        value = dict(tuple(item.values()) for item in value)
    elif isinstance(value, list):
        if len(value) > len(LETTERS):
            raise row.bad(field, f"at most {len(LETTERS)} options, found {len(value)}")
        value = dict(zip(LETTERS, value, strict=False))
    if not isinstance(value, dict):
        raise row.bad(field, f"a list of texts or an object of letters and texts, found {brief(value)}")
    if not all(_is_letter(letter) for letter in value):
        raise row.bad(field, f"letters A to Z as keys, found {brief(list(value))}")
    if not all(text is None or isinstance(text, str | int | float) for text in value.values()):
        raise row.bad(field, f"a text for every letter, found {brief(value)}")
    # NaN is how tables write null as a number.
    return {letter: None if text is None or text != text else str(text) for letter, text in sorted(value.items())}


def _is_pair(item) -> bool:
    """Whether a list's item is a letter and its text, whatever their names are."""
    return isinstance(item, dict) and len(item) == 2 and _is_letter(next(iter(item.values())))


def _is_letter(value) -> bool:
    return isinstance(value, str) and len(value) == 1 and value in LETTERS

"""A question as somebody pastes it: the stem and the options apart, whatever form the options have."""

import ast
import json
import re
from functools import partial

from open_r1.questions.files import LETTERS

_MARK = (
    r"(?P<open>[(\[]|\*\*[(\[]?)?(?P<sign>[A-Z]|[a-z]|\d{1,2})(?P<close>\*\*[.):]|[.):\]][.):]?\*{0,2}|\s[-–]\s|\*\*)"
)
# An option of its own line, with or without a bullet before its letter.
_LINE = re.compile(rf"^[ \t]*(?:[-*•][ \t]+)?{_MARK}[ \t]*(?=\S)", re.M)
# Within a line: in brackets; or with a mark behind it, after white space.
_INLINE = re.compile(r"(?<!\S)[(\[](?P<sign>[A-Z]|[a-z])[)\]][ \t]+(?=\S)")
_INLINE_BARE = re.compile(r"(?<!\S)(?P<sign>[A-Z])[.):][ \t]+(?=\S)")
_BULLET = re.compile(r"^[ \t]*[-*•][ \t]+(?=\S)", re.M)
_LABEL = re.compile(
    r"\s*(?:\*\*)?(?:(?:answer|response)[ \t]+)?(?:choices|options|answers)(?:[ \t]+are)?(?:\*\*)?[ \t]*:?(?:\*\*)?[ \t]*$",
    re.I,
)
_LABEL_BEFORE = re.compile(
    r"(?<=\n)([ \t]*(?:\*\*)?(?:answer[ \t]+)?(?:choices|options)(?:\*\*)?[ \t]*:(?:\*\*)?)[ \t]+", re.I
)
_AFTER = re.compile(r"\n[ \t]*\n|\n[ \t]*(?:\*\*)?(?:the )?(?:correct )?answer(?:\*\*)?[ \t]*(?:is)?[ \t]*[:?]", re.I)
_MAPPING = re.compile(r"\{[^{}]*\}\s*$", re.S)


def read_pasted(text: str) -> tuple[str, dict[str, str]]:
    """(stem, options by letter); options are empty where the text has none, and the stem is then the whole text.

    Options may stand in lines of their own or one after another ("A. x", "(a) x", "**B)** x", "3) x"), as bullets under a
    question, or as a JSON or Python mapping or list. They are counted through from A or 1; other letters of the stem are not
    taken for them.
    """
    text = text.strip()
    # The first option may stand behind the label.
    lined = _LABEL_BEFORE.sub(r"\1\n", text)
    counted = [partial(_counted, form=form) for form in (_LINE, _INLINE, _INLINE_BARE)]
    for read in (_mapping, *counted, _bullets):
        if found := read(lined):
            start, texts = found
            if 2 <= len(texts) <= len(LETTERS) and all(texts):
                return _LABEL.sub("", lined[:start]).strip(), dict(zip(LETTERS, texts, strict=False))
    return text, {}


def _mapping(text: str) -> tuple[int, list[str]] | None:
    """A mapping of letters at the end, as raw rows of datasets hold it."""
    found = _MAPPING.search(text)
    if not found or not text[: found.start()].strip():
        return None
    for parse in (json.loads, ast.literal_eval):
        try:
            options = parse(found[0])
        except (ValueError, SyntaxError):
            continue
        if isinstance(options, dict) and list(map(str, options)) == list(LETTERS[: len(options)]):
            return found.start(), [str(option).strip() for option in options.values()]
    return None


def _counted(text: str, form: re.Pattern) -> tuple[int, list[str]] | None:
    """The last longest run of marks that counts through from A, a or 1, as (its start, the texts between)."""
    marks, best = list(form.finditer(text)), []
    for place, first in enumerate(marks):
        if first["sign"] not in ("A", "a", "1"):
            continue
        run = [first]
        for mark in marks[place + 1 :]:
            if mark["sign"] == _next(first["sign"], len(run)):
                run.append(mark)
        if len(run) >= max(2, len(best)):
            best = run
    if not best:
        return None
    ends = [mark.start() for mark in best[1:]] + [len(text)]
    texts = [text[mark.end() : end] for mark, end in zip(best, ends, strict=True)]
    after = _AFTER.search(texts[-1])
    texts[-1] = texts[-1][: after.start()] if after else texts[-1]
    return best[0].start(), [" ".join(one.split()).strip(" ;,").removesuffix("**") for one in texts]


def _next(first: str, place: int) -> str:
    return str(1 + place) if first == "1" else chr(ord(first) + place)


def _bullets(text: str) -> tuple[int, list[str]] | None:
    """Bullets at the end, under a line that asks something."""
    marks = list(_BULLET.finditer(text))
    before = text[: marks[0].start()].rstrip() if marks else ""
    if len(marks) < 2 or not (before.endswith("?") or _LABEL.search(before)):
        return None
    ends = [mark.start() for mark in marks[1:]] + [len(text)]
    return marks[0].start(), [" ".join(text[m.end() : e].split()) for m, e in zip(marks, ends, strict=True)]

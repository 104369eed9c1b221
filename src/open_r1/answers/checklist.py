"""Read lists that judge the options one by one: ticked boxes, "A. False … C. True …", tables with ✓ and ✗."""

import re

from open_r1.answers.found import Found
from open_r1.answers.items import read_item, text_at
from open_r1.answers.options import Options
from open_r1.answers.phrases import CROSSED

Choice = tuple[str | None, Found]
_BOX = re.compile(r"^[ \t•-]*(?:\[(?P<mark>[ xX✓✔]?)\]|(?P<sign>[☐☑☒]))[ \t]*(?=\S)", re.M)
_LINE = re.compile(
    r"^[ \t|•-]*(?:(?:option|choice|statement)[ \t]+)?[(\[]?(?P<letter>[A-Z])(?:[).:\]]+|[ \t]*\||[ \t]+-)[ \t|:-]*",
    re.M,
)
_VERDICT = re.compile(
    r"[\s:|().,-]*(?:this (?:statement |option )?is\s+)?(?:(?P<right>true|correct|right|yes(?![ \t]+\w)|[✓✔✅☑])"
    r"|(?P<wrong>false|incorrect|wrong|not (?:true|correct|right)|untrue|inaccurate|no(?![ \t]+\w)|ruled out|eliminated|excluded"
    rf"|{CROSSED.pattern}))"
    r"(?![A-Za-z])",
    re.I,
)
_FEWEST = 3


def ticked_option(text: str, options: Options) -> Choice | None:
    """The option of the one ticked box among empty ones; None when there are no boxes, or none or several are ticked."""
    boxes = list(_BOX.finditer(text))
    ticked = [b for b in boxes if (b["mark"] or "").strip() or b["sign"] in ("☑", "☒")]
    if len(ticked) != 1 or len(boxes) < 2:
        return None
    item = read_item(text, ticked[0].end(), options)
    if not item or not item.how.answered:
        return None
    return next(iter(item.letters)), item.how


def judged_option(text: str, options: Options) -> Choice | None:
    """The one option called right in a list that calls all its others wrong; None when the list says less than that."""
    right: set[str] = set()
    wrong: set[str] = set()
    for line in _LINE.finditer(text):
        letter = options.letters.get(line["letter"])
        if letter is None:
            continue
        beside = text_at(text, line.end(), options)
        at = beside[1] if beside and letter in beside[0] else line.end()
        verdict = _VERDICT.match(text, at)
        if verdict:
            (right if verdict["right"] else wrong).add(letter)
        elif at == line.end() or text[at : at + 1] not in ("\n", ""):
            return None
    if len(right) == 1 and len(wrong) + 1 >= _FEWEST and not right & wrong:
        return right.pop(), Found.LETTER
    return None

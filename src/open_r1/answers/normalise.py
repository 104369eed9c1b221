"""One spelling for what models write in many: Unicode, LaTeX, Markdown and HTML taken off, words turned into tokens."""

import re
import unicodedata
from typing import NamedTuple

# Letters that look Latin are read as Latin, because an answer "В" (Cyrillic) is meant as B. Dashes and quotes have one
# form each; an em dash separates words, the others may join them.
_LOOKALIKES = str.maketrans(
    "АВЕЅІЈКМНОРСТУХаеѕіјорсухΑΒΕΖΗΙΚΜΝΟΡΤΥΧ‘’‚‛′´`“”„«»″‐‑‒–−\u00ad",
    "ABESIJKMHOPCTYXaesijopcyxABEZHIKMNOPTYX'''''''\"\"\"\"\"\"------",
)
_REPLACED = str.maketrans(
    {
        "⁄": "/",
        "—": " - ",
        "―": " - ",
        "。": ". ",
        "、": ", ",
        "∴": " therefore ",
        **dict.fromkeys("⇒➜➔⟹⟶➡", "→"),
        **dict.fromkeys("\u200b\u200c\u200d\u2060\ufeff", ""),
    }
)

# 1½ and 1\frac{1}{2} are one and a half.
_MIXED_SIGN = re.compile(r"(?<=\d)(?=[¼-¾⅐-⅞])")
_LATEX_MIXED = re.compile(r"(?<=\d)\s*(?=\\[dt]?frac)")
_LATEX_FONT = re.compile(
    r"\\(?:text|textbf|textit|textrm|textsf|texttt|mathbf|mathrm|mathit|mathsf|mbox|bm|boldsymbol|emph|underline)\s*"
    r"\{([^{}]*)\}"
)
_LATEX_FRACTION = re.compile(r"\\[dt]?frac\s*\{([^{}]*)\}\s*\{([^{}]*)\}")
_LATEX_SMALL_FRACTION = re.compile(r"\\[dt]?frac\s*(\d)\s*(\d)(?!\d)")
_LATEX_SYMBOLS = {
    r"\times": "×",
    r"\cdot": "×",
    r"\rightarrow": "→",
    r"\to": "→",
    r"\%": "%",
    r"\leq": "≤",
    r"\geq": "≥",
    r"\le": "≤",
    r"\ge": "≥",
    r"\pm": "±",
    r"\approx": "≈",
}
_LATEX_SYMBOL = re.compile(r"\\(?:times|cdot|rightarrow|to|leq|geq|le|ge|pm|approx)(?![a-zA-Z])|\\%")
_LATEX_MARKS = re.compile(r"\$+|\\[()\[\]]|\\[,;:! ]|\\quad|\\\\")
_STRUCK = re.compile(r"~~[^~\n]*~~")
_HTML_BREAK = re.compile(r"<(?:br|p|li|div)\b[^<>]{0,40}>|</(?:p|li|div)>", re.I)
_HTML = re.compile(r"</?(?:b|i|u|em|strong|span|mark|code|center|sub|sup|font|ul|ol)\b[^<>]{0,40}>", re.I)
_MARKDOWN = re.compile(r"\*+|(?<![A-Za-z0-9])_+|_+(?![A-Za-z0-9])|^[ \t]*(?:#+|>(?![ \t]*\d))[ \t]*", re.M)

_TOKEN = re.compile(
    r"'s(?![^\W_])"  # a possessive is no word: Cushing's syndrome is Cushing syndrome
    r"|\d+(?:[.,]\d+)*|\.\d+"
    r"|[^\W\d_\u3040-\u9fff][^\W_\u3040-\u9fff]*|[\u3040-\u9fff]"
    r"|[<>=≤≥±≈%+×^/°→]"
    r"|(?<![\w)\]%])-(?=\.?\d)|(?<![\w)\]%])(?<![\w)\]%]\s)-(?=\s\.?\d)"  # a minus sign, not a hyphen and not a range
)
_NUMBER_WORDS = ("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_SAME = {word: str(number) for number, word in enumerate(_NUMBER_WORDS, 2)} | {"percent": "%"}
_THOUSANDS = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?$")


class Token(NamedTuple):
    """A word, number or sign: its form for comparing without case, as written, and where it stands."""

    folded: str
    written: str
    start: int
    end: int


def tidy(text: str) -> str:
    """The text with plain ASCII-like signs and no markup; line breaks and case stay, struck-out words go."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", _MIXED_SIGN.sub(" ", text.translate(_LOOKALIKES))).translate(_REPLACED)
        text = text.translate(_LOOKALIKES)
    if "\\" in text or "$" in text:
        text = _LATEX_FONT.sub(r"\1", _LATEX_FONT.sub(r"\1", text))
        text = _LATEX_FRACTION.sub(r"\1/\2", _LATEX_MIXED.sub(" ", text))
        text = _LATEX_SMALL_FRACTION.sub(r"\1/\2", text)
        text = _LATEX_SYMBOL.sub(lambda found: _LATEX_SYMBOLS[found[0]], text)
        text = _LATEX_MARKS.sub(" ", text)
    if "~~" in text:
        text = _STRUCK.sub("", text)
    if "<" in text:
        text = _HTML.sub("", _HTML_BREAK.sub("\n", text))
    text = text.replace("`", "")
    return _MARKDOWN.sub("", text) if any(sign in text for sign in "*_#>") else text


def _folded(word: str) -> str:
    if word[0].isdigit() or word[0] == ".":
        if _THOUSANDS.match(word):
            word = word.replace(",", "")
        if word[0] == ".":
            word = "0" + word
        return word.rstrip("0").rstrip(".") if "." in word else word
    word = word.casefold()
    if len(word) > 4 and word not in _SAME:
        # British and American spelling are one word to a reader: haemorrhage, oedema, tumour.
        return word.replace("ae", "e").replace("oe", "e").replace("our", "or")
    return _SAME.get(word, word)


def tokens(text: str, start: int = 0, end: int | None = None) -> list[Token]:
    """The words, numbers and signs of tidy text; "1,920" is 1920, ".5" is 0.5, "six" is 6, hyphens and quotes do not count."""
    found = _TOKEN.finditer(text, start, len(text) if end is None else end)
    return [Token(_folded(m[0]), m[0], m.start(), m.end()) for m in found if m[0] != "'s"]


def first_token(text: str, start: int) -> Token | None:
    """The first word, number or sign from `start` on."""
    m = _TOKEN.search(text, start)
    return Token(_folded(m[0]), m[0], m.start(), m.end()) if m else None

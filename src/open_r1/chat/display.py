"""A completion on a terminal while it is written: reasoning dim, the rest plain, the tags themselves left out."""

import re

DIM, BOLD, PLAIN = "\x1b[2m", "\x1b[1m", "\x1b[0m"
# The marks of the two forms that recipes train, DeepSeek-R1's tags and HuatuoGPT-o1's headings, and what follows each.
_MARKS = re.compile(
    r"(?P<reasoning><think(?:ing)?>|^#{1,6} *Thinking\b:?)|(?P<answer></think(?:ing)?>|</?answer>|^#{1,6} *Final Response\b:?)",
    re.I | re.M,
)
# A model may write anything, and a terminal obeys control characters: colours, titles, cleared lines.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_UNFINISHED = re.compile(r"<[/a-z]{0,9}$|(?:^|\n)#{1,6}[ \w]{0,16}$", re.I)  # what may become a mark


class Splitter:
    """Cuts text that comes in pieces into (whether it is reasoning, text), holding back what may become a mark."""

    def __init__(self, reasoning: bool = False):
        self.reasoning, self._held = reasoning, ""

    def feed(self, piece: str, last: bool = False) -> list[tuple[bool, str]]:
        """What can be shown now; `last` shows what was held back too."""
        text, parts, at = self._held + piece, [], 0
        end = len(text)
        if not last and (unfinished := _UNFINISHED.search(text)):
            end = unfinished.start()
        for mark in _MARKS.finditer(text, 0, end):
            parts.append((self.reasoning, text[at : mark.start()]))
            self.reasoning, at = mark["reasoning"] is not None, mark.end()
        parts.append((self.reasoning, text[at:end]))
        self._held = text[end:]
        return [(reasoning, shown) for reasoning, shown in parts if shown]


def reasoning_of(completion: str) -> str:
    """The reasoning of a whole completion; a template may have opened it before the completion began."""
    first = _MARKS.search(completion)
    opened_before = first is not None and first[0].lower().startswith("</think")
    parts = Splitter(opened_before).feed(completion, last=True)
    return "".join(text for reasoning, text in parts if reasoning).strip()


def styled(reasoning: bool, text: str, colour: bool) -> str:
    """Text as the terminal shows it, without control characters."""
    text = _CONTROL.sub("", text)
    return f"{DIM}{text}{PLAIN}" if reasoning and colour else text

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


class Screen:
    """One completion on the terminal; reasoning is dim where there are colours, and what follows it stands on a line of its own."""

    def __init__(self, colour: bool):
        self._colour, self._splitter = colour, Splitter()
        self._at: tuple[bool, str] | None = None  # the kind and the last character of what stands there

    def show(self, piece: str, last: bool = False) -> None:
        """Print what can be shown of a piece; after the last one the line is ended."""
        for reasoning, text in self._splitter.feed(piece, last):
            text = _CONTROL.sub("", text)
            # Space around the marks is theirs.
            if self._at is None or self._at[0] is not reasoning:
                text = text.lstrip()
            if not text:
                continue
            if self._at and self._at[0] is not reasoning and self._at[1] != "\n":
                print()
            print(f"{DIM}{text}{PLAIN}" if reasoning and self._colour else text, end="", flush=True)
            self._at = (reasoning, text[-1])
        if last and (self._at is None or self._at[1] != "\n"):
            print()

"""Find the part of a completion that answers: after the thinking, inside the last answer tags, before invented turns."""

import re
from dataclasses import dataclass

_THINK = r"(?:think|thinking|thought|reasoning|scratchpad)"
_THINK_TAG = re.compile(rf"<(/?){_THINK}\s*>", re.I)
_ANSWER_OPEN = re.compile(r"<\s*(?:final_)?answer\s*>", re.I)
_ANSWER_CLOSE = re.compile(r"<\s*/\s*(?:final_)?answer\s*>", re.I)
_END_OF_TURN = re.compile(
    r"<\|(?:im_end|eot_id|endoftext|end|end_of_text|im_start)\|>|</s>|<end_of_turn>|<｜end▁of▁sentence｜>"
)
_HEADING = re.compile(r"^[ \t]*#{1,6}[ \t]*\**[ \t]*final (?:response|answer|conclusion)\b[ \t*:]*", re.I | re.M)
_THINKING_HEADING = re.compile(r"\s*#{1,6}[ \t]*\**[ \t]*thinking\b", re.I)
# A model that was shown examples goes on to invent the next one.
_NEXT_TURN = re.compile(
    r"\n[ \t*#]*(?:(?:question|(?:next|new|your|follow[- ]?up|practice|another) (?:question|problem|task|exercise|example|case))"
    r"(?:[ \t]*\d+)?[ \t*]*[:.]|exercise[ \t]*\d+[ \t*]*[:.]|Q(?:[ \t]*\d+)?[ \t*]*:"
    r"|(?:user|human|assistant|instruction(?:[ \t]*\d+)?(?:[ \t]*\([^()\n]*\))?)[ \t*]*:)"
    r"|\n[ \t]*#+[ \t*]*(?:question|problem|instruction|exercise|input|user|human)(?:[ \t]*\d+)?[ \t*]*(?=\n)",
    re.I,
)
# "Sure! Let's look at it." before a restated question is no answer yet.
_PREFACE = re.compile(
    r"(?:sure|okay|ok|certainly|of course|great|let|here|to answer|first)\b[^\n]{0,120}$|[^\n]{0,120}:$", re.I
)
_ANSWERED = re.compile(r"\b[Aa]nswer(?: is|:)[\s(\[*]*[A-Z](?![A-Za-z])")
# "I hope this helps! Let me know if …" ends a chat, not an argument.
_FAREWELL_REACH = 400
_FAREWELL_HINTS = ("i hope", "let me know", "feel free", "hesitate", "anything else", "if you have any")
_FAREWELL = re.compile(
    r"(?:i hope (?:this|that|it) |(?:please )?(?:let me know|feel free|don't hesitate)|is there anything else|if you have any )[^\n]{0,160}\s*$",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Part:
    """The part that answers; `tagged` when the model marked it so, `cut` when a tag was still open at the end."""

    text: str
    tagged: bool = False
    cut: bool = False


def _after_thinking(text: str) -> tuple[str, bool]:
    """What is written outside of thinking, and whether the thinking was never closed.

    A template may have opened the thinking before the completion starts: then only its end is seen.
    """
    tags = list(_THINK_TAG.finditer(text))
    if not tags:
        return text, False
    kept, at, opened = [], 0, None
    for tag in tags:
        if not tag[1]:
            if opened is None:
                kept.append(text[at : tag.start()])
                opened = tag
        elif opened is not None:
            opened, at = None, tag.end()
        else:
            # A close that nothing opened ends pre-filled thinking, the first time; later ones are stray.
            kept = [] if not kept else [*kept, text[at : tag.start()]]
            kept = kept or [""]
            at = tag.end()
    if opened is None:
        return "\n".join([*kept, text[at:]]), False
    inside = text[opened.end() :]
    if _ANSWER_OPEN.search(inside):
        # The thinking was left open but the answer section is there all the same.
        return inside, False
    return "\n".join(kept), True


def answering_part(completion: str) -> Part:
    """The part of a completion that can hold its answer."""
    text, cut = completion, False
    if "<" in text:
        turn = _END_OF_TURN.search(text)
        if turn and text[: turn.start()].strip():
            text = text[: turn.start()]
        text, cut = _after_thinking(text)
        opened = None
        for opened in _ANSWER_OPEN.finditer(text):  # noqa: B007 - the last one rules
            pass
        if opened:
            close = _ANSWER_CLOSE.search(text, opened.end())
            inside = text[opened.end() : close.start() if close else None]
            return Part(inside, tagged=True, cut=close is None)
    if "#" in text:
        heading = None
        for heading in _HEADING.finditer(text):  # noqa: B007
            pass
        if heading:
            return Part(_before_farewell(before_next_turn(text[heading.end() :])), tagged=True)
        if _THINKING_HEADING.match(text):
            return Part("", cut=True)
    return Part(_before_farewell(before_next_turn(text)), cut=cut)


def _before_farewell(text: str) -> str:
    """The text without the polite sentences that close a chat."""
    tail = max(0, len(text) - _FAREWELL_REACH)
    small = text[tail:].lower()
    farewell = _FAREWELL.search(text, tail) if any(hint in small for hint in _FAREWELL_HINTS) else None
    return text[: farewell.start()] if farewell and text[: farewell.start()].strip() else text


def before_next_turn(text: str) -> str:
    """The text up to an invented next question; a question restated at the start is not one."""
    for turn in _NEXT_TURN.finditer(text):
        head = text[: turn.start()].strip()
        if head and (_ANSWERED.search(head) or not _PREFACE.match(head)):
            return head
    return text

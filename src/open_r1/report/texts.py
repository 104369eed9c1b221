"""Reading completions' words: the reasoning before an answer, answers that a prompt states."""

import re

LETTERS = "ABCDEFGHIJ"

_STATED = re.compile(
    r"<answer>\s*\(?([A-J])\)?\s*</answer>|\\boxed\{\s*([A-J])\s*\}"
    r"|\b(?:[Aa]nswer|ANSWER)(?: is|:|\s*=)\s*\(?([A-J])\)?(?![\w'])"
)
_THINKING = re.compile(r"<think>(.*?)(?:</think>|$)|^(.*?)</think>", re.DOTALL)
_SECTION = re.compile(r"#+\s*Thinking\b(.*?)(?:\n#+\s*Final\b|$)", re.DOTALL)
_ANSWER = re.compile(r"<answer>|\\boxed\{|\b(?:the )?(?:final )?answer\b", re.IGNORECASE)


def reasoning(completion: str) -> str:
    """The reasoning of a completion: its thinking section, or without one what stands before its answer."""
    if match := _THINKING.search(completion):
        return (match[1] if match[1] is not None else match[2]).strip()
    if match := _SECTION.search(completion):
        return match[1].strip()
    match = _ANSWER.search(completion)
    return completion[: match.start()].strip() if match else completion.strip()


def stated_answer(prompt: list[dict]) -> str | None:
    """The letter that a prompt's own text gives as an answer, by example or by mistake; the last one if several."""
    letters = [match for turn in prompt for match in _STATED.findall(turn["content"] or "")]
    return next(filter(None, letters[-1])) if letters else None

"""Rewards for the form of a completion: sections, tags, steps, length. None of them looks at the answer.

Scales are upstream's (format 0 to 2, tags 0 to 1). What differs from upstream, each a bug there: white space before,
between and after the sections is allowed; a tag said twice is no longer strict form; a template that puts `<think>`
at the end of the prompt does not cost the model its reward; `length` measures the text, not the list of messages.
"""

import re
from collections.abc import Callable

from open_r1.rewards.completions import completion_text

# template -> (the sections in order from the start, and that nothing follows them)
TEMPLATES = {
    "think_answer": re.compile(r"\s*<think>.*?</think>\s*<answer>.*?</answer>(?P<rest>.*)", re.DOTALL),
    # HuatuoGPT-o1's own form.
    "final_response": re.compile(r"\s*## Thinking\b.*?\n## Final Response\b\s*\S(?P<rest>)", re.DOTALL),
}
TAGS = {
    "think_answer": ("<think>", "</think>", "<answer>", "</answer>"),
    "final_response": ("## Thinking", "## Final Response"),
}
# template -> a completion of reasoning and answer
WRITTEN = {
    "think_answer": "<think> {reasoning} </think><answer> {answer} </answer>",
    "final_response": "## Thinking\n\n{reasoning}\n\n## Final Response\n\n{answer}",
}
STEP = re.compile(r"^\s*Step \d+:|^\s*\d+\.\s|^\s*[-*]\s|\b(?:First|Second|Next|Finally),", re.MULTILINE)


def has_sections(text: str, template: str = "think_answer", prefilled_think: bool = False) -> bool:
    """Whether a completion begins with the template's sections, all of them closed."""
    return TEMPLATES[template].match(_whole(text, prefilled_think)) is not None


def _whole(text: str, prefilled_think: bool) -> str:
    """The completion as the model's turn reads with what the chat template began for it."""
    return "<think>" + text if prefilled_think else text


def _known(template: str) -> str:
    if template not in TEMPLATES:
        raise ValueError(f"template must be one of {', '.join(TEMPLATES)}, got {template!r}.")
    return template


def get_format_reward(template: str = "think_answer", prefilled_think: bool = False) -> Callable:
    """0 to 2: one for the sections in their order, one more when each stands once and nothing follows them."""
    _known(template)

    def format_reward(completions: list, **kwargs) -> list[float]:
        rewards = []
        for completion in completions:
            text = _whole(completion_text(completion), prefilled_think)
            match = TEMPLATES[template].match(text)
            strict = match and not match["rest"].strip() and all(text.count(tag) == 1 for tag in TAGS[template])
            rewards.append(float(match is not None) + float(bool(strict)))
        return rewards

    return format_reward


def get_xmlcount_reward(template: str = "think_answer", prefilled_think: bool = False) -> Callable:
    """0 to 1: an equal share for each of the template's tags that stands exactly once."""
    tags = TAGS[_known(template)]

    def xmlcount_reward_func(completions: list, **kwargs) -> list[float]:
        texts = [_whole(completion_text(completion), prefilled_think) for completion in completions]
        return [sum(text.count(tag) == 1 for tag in tags) / len(tags) for text in texts]

    return xmlcount_reward_func


def get_reasoning_steps_reward(steps: int = 3) -> Callable:
    """0 to 1: marks of step-by-step reasoning (numbered lines, bullets, "First,"), full at `steps` of them."""

    def reasoning_steps_reward(completions: list, **kwargs) -> list[float]:
        return [min(1.0, len(STEP.findall(completion_text(completion))) / steps) for completion in completions]

    return reasoning_steps_reward


def get_length_reward(min_characters: int = 200) -> Callable:
    """1 for a completion of more than `min_characters` characters, else 0."""

    def length_reward(completions: list, **kwargs) -> list[float]:
        return [float(len(completion_text(completion)) > min_characters) for completion in completions]

    return length_reward

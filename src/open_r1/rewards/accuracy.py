"""Rewards for the right answer, all over the one judge in open_r1.answers."""

import math
from collections.abc import Callable

from open_r1.answers import Grade, grade
from open_r1.questions import Kind, Question, question_from_row
from open_r1.rewards.completions import completion_text
from open_r1.rewards.form import has_sections

# A right letter earns the first, the right option's text without its letter the second.
SCALES = {"upstream": (2.0, 1.0), "binary": (1.0, 1.0)}
LETTERS = "ABCDEFGHIJ"


def questions_of(count: int, columns: dict) -> list[Question]:
    """The questions behind `count` completions, from the dataset columns that TRL passes to a reward.

    Prepared rows carry everything. Other datasets need `reference` (Open-R1: `solution`): a letter A to J of options
    known only by `option`, the right one's text; or, when it is no letter, a number or text.
    Raises ValueError when neither column is there.
    """
    if columns.get("stem") is not None and columns.get("options") is not None:
        names = [name for name, values in columns.items() if isinstance(values, list) and len(values) == count]
        return [question_from_row({name: columns[name][i] for name in names}) for i in range(count)]
    references = columns.get("reference") or columns.get("solution")
    if references is None:
        raise ValueError(
            f"no column `reference` (or `solution`) with the right answers among: {', '.join(columns)}. "
            "Prepare the data with scripts/data_prepare.py, or add the column."
        )
    texts = columns.get("option") or [""] * count
    return [_bare_question(str(reference), text) for reference, text in zip(references, texts, strict=True)]


def _bare_question(reference: str, text: str | None) -> Question:
    letter = reference.strip().strip("()")
    if letter in LETTERS and len(letter) == 1:
        options = dict.fromkeys(LETTERS, "") | {letter: text or ""}
        return Question("", "", "", "", options, letter)
    return Question("", "", "", "", {}, reference, Kind.TEXT)


def grades(completions: list, columns: dict) -> list[Grade]:
    """The judge's grade of each completion."""
    questions = questions_of(len(completions), columns)
    return [
        grade(completion_text(completion), question)
        for completion, question in zip(completions, questions, strict=True)
    ]


def get_accuracy_reward(
    scale: str = "upstream",
    require_format: bool = False,
    template: str = "think_answer",
    prefilled_think: bool = False,
) -> Callable:
    """A reward for the right answer: 2 by letter, 1 by the option's text alone, else 0 (`binary`: 1 or 0).

    With `require_format`, a completion without the template's sections earns nothing. The extracted answer, how it was
    found and whether it is right go into the completions table, the shares of abstained and truncated completions into the metrics.
    """
    if scale not in SCALES:
        raise ValueError(f"scale must be one of {', '.join(SCALES)}, got {scale!r}.")
    by_letter, by_text = SCALES[scale]

    def accuracy_reward(completions: list, log_extra=None, log_metric=None, **kwargs) -> list[float]:
        results = grades(completions, kwargs)
        if log_extra is not None:
            log_extra("extracted", [result.extracted or "" for result in results])
            log_extra("how", [str(result.how) for result in results])
            log_extra("correct", [result.correct for result in results])
        if log_metric is not None:
            log_metric("answers/correct", sum(result.correct for result in results) / len(results))
            log_metric("answers/abstained", sum(result.extracted is None for result in results) / len(results))
            log_metric("answers/truncated", sum(result.truncated for result in results) / len(results))
        return [
            (by_text if result.how.by_text else by_letter)
            if result.correct
            and (not require_format or has_sections(completion_text(completion), template, prefilled_think))
            else 0.0
            for completion, result in zip(completions, results, strict=True)
        ]

    return accuracy_reward


def get_cosine_reward(
    max_len: int,
    min_value_wrong: float = -1.0,
    max_value_wrong: float = -0.5,
    min_value_correct: float = 0.5,
    max_value_correct: float = 1.0,
) -> Callable:
    """Correctness scaled by length in tokens: short right answers earn most, short wrong ones least.

    The schedule of arXiv 2502.03373 (appendix C.1) as TRL has it, over this project's judge: TRL's own function
    judges by math-verify, which reads no option letters. Upstream measured characters and added a repetition penalty;
    `repetition_penalty` is a reward of its own here.
    """

    def cosine_scaled_reward(completions: list, completion_ids: list[list[int]], **kwargs) -> list[float]:
        rewards = []
        for result, ids in zip(grades(completions, kwargs), completion_ids, strict=True):
            at_end, at_start = (
                (min_value_correct, max_value_correct) if result.correct else (max_value_wrong, min_value_wrong)
            )
            # Clamped, since the cosine would rise again for completions beyond max_len.
            progress = min(len(ids) / max_len, 1.0)
            rewards.append(at_end + 0.5 * (at_start - at_end) * (1.0 + math.cos(progress * math.pi)))
        return rewards

    return cosine_scaled_reward

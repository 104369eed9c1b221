"""A reward for the demo's synthetic vignettes: does the answer follow from the trace? Named in its recipe by its path."""

from open_r1.questions.vignettes import stated_diagnosis
from open_r1.rewards.accuracy import grades, questions_of
from open_r1.rewards.completions import completion_text


def trace_agrees(completions: list, **kwargs) -> list[float]:
    """1 when the condition that the trace concludes with is the option answered, right or wrong; else 0."""
    questions, results = questions_of(len(completions), kwargs), grades(completions, kwargs)
    return [
        float(
            result.extracted is not None
            and stated_diagnosis(completion_text(completion)) == question.options[result.extracted]
        )
        for completion, question, result in zip(completions, questions, results, strict=True)
    ]

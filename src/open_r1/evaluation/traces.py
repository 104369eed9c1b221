"""From the log of a teacher's completions to reasoning traces for SFT: what is kept, and why the rest is not."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from inspect_ai.log import EvalSample, read_eval_log

from open_r1.answers import grade
from open_r1.answers.found import Found
from open_r1.evaluation.asking import completion_of, question_of
from open_r1.questions import Question
from open_r1.questions.leakage import normalised
from open_r1.questions.similar import ngrams
from open_r1.rewards.form import TAGS, WRITTEN

FORMS = (*WRITTEN, "any")
"""`<think>` and `<answer>` tags, HuatuoGPT-o1's headings, or the completion as it is."""

# Why a completion is no trace, in the order in which it is looked at.
REASONS = (
    "failed",
    "truncated",
    "empty",
    "no clear answer",
    "wrong",
    "no form",
    "too short",
    "too long",
    "duplicate",
    "surplus",
)

_THINKING = (
    re.compile(r"\s*(?:<think>)?(?P<reasoning>.*?)</think>(?P<response>.*)", re.DOTALL),
    re.compile(r"\s*## Thinking\b(?P<reasoning>.*?)\n## Final Response\b(?P<response>.*)", re.DOTALL),
)
_TAGS = re.compile("|".join(re.escape(tag) for tags in TAGS.values() for tag in tags))


@dataclass(frozen=True)
class Limits:
    """Which right completions are kept: their form, their length in the teacher's tokens, how many of a question."""

    form: str = "think_answer"
    min_tokens: int = 0
    max_tokens: int | None = None
    per_question: int = 1
    overlap: float = 0.8
    """Share of common word 8-grams (Jaccard) from which on two traces of one question are one."""


@dataclass(frozen=True)
class Trace:
    """One completion that is kept, in the form asked for."""

    question: Question
    prompt: str
    completion: str
    sample: int
    tokens: int | None


@dataclass(frozen=True)
class Distilled:
    """What a log gave: the traces, how many completions had which fate, and what was generated for it."""

    traces: list[Trace]
    questions: int
    asked: int
    counts: Counter
    tokens: int

    @property
    def acceptance(self) -> float:
        """Share of the completions that became traces."""
        return len(self.traces) / self.asked if self.asked else 0.0


def distil(log: Path, limits: Limits) -> Distilled:
    """The traces of a log of an open_r1 task; the judge grades again, so that a log can be older than the judge."""
    read = read_eval_log(str(log), resolve_attachments=True)
    samples = sorted(read.samples or [], key=lambda sample: sample.epoch)
    planned = dict.fromkeys(map(str, read.eval.dataset.sample_ids or [sample.id for sample in samples]))
    asked = len(planned) * (read.eval.config.epochs or 1)
    of_question: dict[str, list[EvalSample]] = {identity: [] for identity in planned}
    for sample in samples:
        of_question[str(sample.id)].append(sample)
    counts: Counter = Counter()
    traces: list[Trace] = []
    for own in of_question.values():
        kept: list[Trace] = []
        for sample in own:
            reason, trace = _look_at(sample, limits)
            if trace is not None:
                reason = _beside(trace, kept, limits)
                if reason is None:
                    kept.append(trace)
            counts[reason or "kept"] += 1
        traces += kept
    counts["failed"] += asked - len(samples)
    tokens = sum(sample.metadata.get("tokens") or 0 for sample in samples)
    return Distilled(traces, len(planned), asked, counts, tokens)


def _look_at(sample: EvalSample, limits: Limits) -> tuple[str | None, Trace | None]:
    """Why a completion is rejected by itself, or the trace it makes."""
    if sample.error is not None or not sample.output.choices:
        return "failed", None
    question, text = question_of(sample.metadata), completion_of(sample.output)
    if sample.metadata.get("truncated"):
        return "truncated", None
    result = grade(text, question, truncated=False)
    if result.how is Found.EMPTY:
        return "empty", None
    if not result.how.answered:
        return "no clear answer", None
    if not result.correct:
        return "wrong", None
    formed = in_form(text, result.extracted, limits.form)
    if formed is None:
        return "no form", None
    tokens = sample.metadata.get("tokens")
    if tokens is not None and tokens < limits.min_tokens:
        return "too short", None
    if tokens is not None and limits.max_tokens is not None and tokens > limits.max_tokens:
        return "too long", None
    # What was asked, without the teacher's system message: the student has the one of its recipe.
    prompt = next(message.text for message in sample.input if message.role == "user")
    return None, Trace(question, prompt, formed, sample.epoch, tokens)


def _beside(trace: Trace, kept: list[Trace], limits: Limits) -> str | None:
    """Why a trace is not kept beside those of its question, or None."""
    mine = ngrams(normalised(trace.completion).split())
    for other in kept:
        theirs = ngrams(normalised(other.completion).split())
        if len(mine & theirs) >= limits.overlap * len(mine | theirs):
            return "duplicate"
    return "surplus" if len(kept) >= limits.per_question else None


def in_form(completion: str, answer: str, form: str) -> str | None:
    """A completion in one of FORMS, or None where its reasoning cannot be told from its answer.

    Reasoning and answer are written between the form's marks anew, also where they had them: all traces of a data set
    then look alike. The answer is the letter alone (think_answer), or the teacher's own words (final_response).
    """
    text = completion.strip()
    if form == "any":
        return text
    found = next(filter(None, (pattern.fullmatch(text) for pattern in _THINKING)), None)
    if found is None or not (reasoning := found["reasoning"].strip()) or _TAGS.search(reasoning):
        return None
    if form == "final_response":
        answer = _TAGS.sub("", found["response"]).strip()
    return WRITTEN[form].format(reasoning=reasoning, answer=answer)


def rows_of(traces: Iterable[Trace]) -> Iterator[dict]:
    """One row a trace for sft.py: `prompt` and `completion` as messages, so that the loss is the completion's alone."""
    for trace in traces:
        yield {
            "prompt": [{"role": "user", "content": trace.prompt}],
            "completion": [{"role": "assistant", "content": trace.completion}],
            "id": trace.question.id,
            "source": trace.question.source,
            "sample": trace.sample,
            "tokens": trace.tokens,
        }

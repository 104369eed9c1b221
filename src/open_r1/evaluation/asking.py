"""From a question to an Inspect sample, to a completion, to a score, and back from a log to the question."""

import zlib

from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import (
    ChatMessageSystem,
    ChatMessageUser,
    ContentReasoning,
    ContentText,
    ModelName,
    ModelOutput,
    get_model,
)
from inspect_ai.scorer import CORRECT, INCORRECT, Score, Target, accuracy, scorer, stderr
from inspect_ai.solver import Generate, TaskState, solver

from open_r1.answers import grade
from open_r1.answers.huatuo import read_two
from open_r1.evaluation import registered
from open_r1.evaluation.presets import Prompt
from open_r1.evaluation.selection import cluster
from open_r1.questions import Question, question_from_row, row_from_question

CUT = ("max_tokens", "model_length")


def dataset_of(name: str, questions: list[Question], prompt: Prompt, by_source: bool = False) -> MemoryDataset:
    """One sample a question. The record travels in the metadata, so that a log can be graded again by itself.

    `by_source` puts the source before ids: rows of several files may have the same ones.
    """
    samples = []
    for question in questions:
        before = f"{question.source}/" if by_source else ""
        messages = [ChatMessageSystem(content=prompt.system)] if prompt.system else []
        row = row_from_question(question)
        # What is asked stands in the messages already.
        record = {key: row[key] for key in row if key not in ("question", "prompt", "reference", "option")}
        samples.append(
            Sample(
                id=before + question.id,
                input=[*messages, ChatMessageUser(content=prompt.user(question))],
                target=question.answer,
                metadata={"cluster": before + cluster(question), "question": record},
            )
        )
    return MemoryDataset(samples, name=name)


def question_of(metadata: dict) -> Question:
    """The question that a sample of a log asks."""
    return question_from_row(metadata["question"])


def completion_of(output: ModelOutput) -> str:
    """The completion as the model wrote it: Inspect takes `<think>` sections out of the text, here they go back in."""
    if not output.choices:
        return ""
    content = output.choices[0].message.content
    if isinstance(content, str):
        return content
    parts = []
    for part in content:
        if isinstance(part, ContentReasoning):
            parts.append(f"<think>{part.reasoning}</think>")
        elif isinstance(part, ContentText):
            parts.append(part.text)
    return "".join(parts)


@solver(name=registered("ask"))
def ask(seed: int, max_tokens: int):
    """Generate one completion, its seed made of `seed`, the question and the epoch, so that samples differ and repeat."""

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        own_seed = zlib.crc32(f"{seed}:{state.sample_id}:{state.epoch}".encode())
        state = await generate(state, seed=own_seed)
        state.metadata |= _ending(state.output, state.model, max_tokens)
        return state

    return solve


def _ending(output: ModelOutput, model: ModelName, max_tokens: int) -> dict:
    """Tokens of the completion and whether it was cut off."""
    if model.api == "hf":
        # Inspect reports the padded length of the whole batch for local transformers, and no reason for the stop. Text
        # tokenized again may differ from what was sampled by a token or two.
        tokens = len(get_model().api.tokenizer(completion_of(output), add_special_tokens=False)["input_ids"])
        return {"tokens": min(tokens, max_tokens), "truncated": tokens >= max_tokens}
    tokens = output.usage.output_tokens if output.usage else None
    return {"tokens": tokens, "truncated": output.stop_reason in CUT}


@scorer(metrics=[accuracy(), stderr(cluster="cluster")], name=registered("judge"))
def judge():
    """The project's one judge: correct or not, with what it read and how."""

    async def score(state: TaskState, target: Target) -> Score:
        return judged(completion_of(state.output), state.metadata)

    return score


def judged(completion: str, metadata: dict) -> Score:
    """Our judge's score of a completion; `metadata` is the sample's."""
    result = grade(completion, question_of(metadata), truncated=metadata.get("truncated"))
    return Score(
        value=CORRECT if result.correct else INCORRECT,
        answer=result.extracted,
        explanation=f"how: {result.how.value}" + ("; cut off" if result.truncated else ""),
        metadata={"how": result.how.value, "answered": result.how.answered, "truncated": result.truncated},
    )


@scorer(metrics=[accuracy(), stderr(cluster="cluster")], name=registered("huatuo"))
def huatuo(last: bool = True):
    """HuatuoGPT-o1's reading, by its last match or its first. For comparison only: it never abstains."""

    async def score(state: TaskState, target: Target) -> Score:
        return huatuo_judged(completion_of(state.output), state.metadata, last)

    return score


def huatuo_judged(completion: str, metadata: dict, last: bool = True) -> Score:
    """The HuatuoGPT-compatible score of a completion."""
    question = question_of(metadata)
    reading = read_two(completion, question.options)
    letter = reading.last if last else reading.first
    return Score(
        value=CORRECT if letter == question.answer else INCORRECT,
        answer=letter,
        metadata={"first": reading.first, "last": reading.last, "rule": reading.rule},
    )

"""Run folders with a planted behaviour: a policy writes the completions, everything else is the project's own.

The rewards and the judge are those of training, the folder is written by training's writers; only the model is played.
"""

import json
import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from datasets import Dataset

from open_r1.completions import REWARD, CompletionsFolder
from open_r1.questions.prepared import row_from_question
from open_r1.questions.record import Question
from open_r1.questions.vignettes import make_questions, split_vignettes
from open_r1.rewards import build_rewards
from open_r1.run_description import DESCRIPTION, QUESTIONS, fingerprints, hardware, versions
from open_r1.training.recording import question_columns

SIZE = 4  # completions of a prompt
Policy = Callable[[float, Question, random.Random], str]
"""How far the run has come (0 to 1), the question, and chance: the completion."""


def questions(split: str) -> list[Question]:
    """Synthetic vignettes with four options each; those of train and test are distinct."""
    return make_questions(split_vignettes(0)[split], 1, split, seed=0)


def careful(progress: float, question: Question, chance: random.Random) -> str:
    """A policy that learns: right answers go from half to nearly all, reasoning grows a little, form varies."""
    right = chance.random() < 0.5 + 0.45 * progress
    letter = question.answer if right else chance.choice(sorted(question.options))
    words = " ".join(["the findings fit"] * chance.randint(3, 5 + round(3 * progress)))
    end = "" if chance.random() < 0.2 else "</answer>"
    return f"<think>{words} {question.options[letter]}.</think><answer>{letter}{end}"


def plant(
    folder: Path,
    policy: Policy,
    *,
    steps: int = 18,
    prompts: int = 8,
    system: str = "Weigh each choice, then answer.",
    user: Callable[[Question], str] | None = None,
    weights: tuple[float, ...] = (1.0, 0.5),
    truncated: Callable[[str], bool] = lambda text: False,
    metrics: Callable[[float], dict] = lambda progress: {},
    tests: list[Question] | None = None,
    asked: list[Question] | None = None,
    description: dict | None = None,
) -> Path:
    """Write a run of `steps` steps with `prompts` groups each; returns its folder."""
    folder.mkdir(parents=True)
    chance = random.Random(0)
    asked = asked or questions("train")
    names = ["accuracy", "format"]
    functions = build_rewards(names, {"accuracy": {"scale": "binary"}}, max_completion_length=1000)
    writer, tokens = CompletionsFolder(folder, max_mb=100), 0
    with open(folder / "metrics.jsonl", "w") as file:
        for step in range(1, steps + 1):
            progress = (step - 1) / max(1, steps - 1)
            batch = [asked[(step * prompts + n) % len(asked)] for n in range(prompts)]
            rows = [row_from_question(question) for question in batch for _ in range(SIZE)]
            prompt = [
                [
                    {"role": "system", "content": system},
                    {"role": "user", "content": user(question) if user else row_from_question(question)["question"]},
                ]
                for question in batch
                for _ in range(SIZE)
            ]
            texts = [policy(progress, question, chance) for question in batch for _ in range(SIZE)]
            columns = {name: [row[name] for row in rows] for name in rows[0]}
            values = {f.__name__: f(completions=texts, **columns) for f in functions}
            total = np.array([w * np.array(v) for w, v in zip(weights, values.values(), strict=True)]).sum(axis=0)
            groups = total.reshape(-1, SIZE)
            advantage = (groups - groups.mean(axis=1, keepdims=True)) / (groups.std(axis=1, keepdims=True) + 1e-4)
            lengths = [len(text.split()) for text in texts]
            judged = question_columns(rows, texts)
            cut = [truncated(text) for text in texts]
            tokens += sum(lengths)
            writer.append(
                "train",
                step,
                judged
                | {REWARD + name: list(map(float, found)) for name, found in values.items()}
                | {
                    "group": [n // SIZE for n in range(len(texts))],
                    "prompt": prompt,
                    "completion": texts,
                    "reward": total.tolist(),
                    "advantage": advantage.ravel().tolist(),
                    "tokens": lengths,
                    "truncated": cut,
                },
                progress=1.0,
            )
            row = {"step": step, "seconds": 2.0 * step, "loss": 0.0, "learning_rate": 1e-6, "num_tokens": tokens}
            row |= {"reward": total.mean(), "frac_reward_zero_std": float((groups.std(axis=1) == 0).mean())}
            row |= {f"rewards/{name}/mean": float(np.mean(found)) for name, found in values.items()}
            row |= {"completions/mean_length": np.mean(lengths), "completions/clipped_ratio": np.mean(cut)}
            row |= {"answers/correct": np.mean(judged["correct"]), "time/generate": 1.0, "time/train": 0.5}
            file.write(json.dumps(row | metrics(progress)) + "\n")
    uses = {"train": asked, "test": tests or questions("test")}
    tables = [fingerprints(Dataset.from_list(list(map(row_from_question, part))), name) for name, part in uses.items()]
    pq.write_table(pa.concat_tables(tables), folder / QUESTIONS)
    known = {
        "command": "grpo.py --config recipe.yaml",
        "starts": [{"time": "2026-01-01T00:00:00+00:00", "resumed_from": None}],
        "recipe": {"model_name_or_path": "base", "learning_rate": 1e-6} | (description or {}),
        "data": {"rows": {name: len(part) for name, part in uses.items()}, "manifests": {}},
        "versions": versions(),
        "hardware": hardware(1),
    }
    (folder / DESCRIPTION).write_text(json.dumps(known))
    (folder / "train_results.json").write_text("{}")
    return folder

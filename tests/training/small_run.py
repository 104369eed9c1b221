"""Small GRPO runs, by TRL's own trainer or ours, whose prompts, completions and weights can be compared bit for bit.

As a script, for several processes: `accelerate launch ... small_run.py JSON` with the arguments of `run`.
"""

import hashlib
import json
import sys
from pathlib import Path

import pandas
from datasets import Dataset
from transformers import AutoTokenizer
from trl import GRPOConfig, GRPOTrainer

from open_r1.run_setup import leave_process_group
from open_r1.training.settings import read_curriculum, read_dynamic_sampling
from open_r1.training.trainer import PooledGRPOTrainer

SETTINGS = {
    "per_device_train_batch_size": 4,
    "num_generations": 2,
    "max_completion_length": 8,
    "max_steps": 4,
    "learning_rate": 1e-2,
    "lr_scheduler_type": "constant",
    "logging_steps": 1,
    "save_strategy": "no",
    "use_cpu": True,
    "bf16": False,
    "gradient_checkpointing": False,
    "dataloader_pin_memory": False,
    "report_to": "none",
    "log_completions": True,
    "num_completions_to_print": 0,
    "disable_tqdm": True,
}


def odd(completion_ids: list, live: list, log_extra=None, **kwargs) -> list[float]:
    """1 for an odd sum of token ids, on rows that are live: a coin toss for a random model; 0 on all others."""
    log_extra("tokens", [sum(ids) for ids in completion_ids])
    return [float(alive and sum(ids) % 2) for ids, alive in zip(completion_ids, live, strict=True)]


def early(completion_ids: list, **kwargs) -> list[float]:
    """A second reward that no filter goes by: the share of small token ids."""
    return [sum(token < 100 for token in ids) / len(ids) for ids in completion_ids]


def rows(count: int = 8, dead: int = 0, graded: bool = False) -> Dataset:
    """`count` prompts, of which `dead` are beyond every model; graded ones count up in difficulty from 0 to 1."""
    found = [{"prompt": f"Case {number}?", "live": number >= dead} for number in range(count)]
    if graded:
        found = [row | {"difficulty": number / (count - 1)} for number, row in enumerate(found)]
    return Dataset.from_list(found)


def train(output_dir: str, **arguments) -> dict:
    """Train and return {log, said, rollouts, tokens, weights (sha256 of the file)}."""
    return run(output_dir=output_dir, **arguments) | result(output_dir)


def run(
    model: str,
    output_dir: str,
    stock: bool = False,
    curriculum: dict | None = None,
    dynamic_sampling: dict | None = None,
    data: dict | None = None,
    resume: str | None = None,
    **changes,
) -> dict:
    """Train, with TRL's own trainer if `stock`; returns {log, said}."""
    own = {}
    said: list[str] = []
    if not stock:
        own = {
            "curriculum": read_curriculum(curriculum or {"strategy": "fixed", "reward": "odd"}),
            "dynamic_sampling": None if dynamic_sampling is None else read_dynamic_sampling(dynamic_sampling),
            "reward_names": ["odd", "early"],
            "tell": said.append,
        }
    trainer = (GRPOTrainer if stock else PooledGRPOTrainer)(
        model=model,
        reward_funcs=[odd, early],
        args=GRPOConfig(output_dir=output_dir, **SETTINGS | changes),
        train_dataset=rows(**data or {}),
        processing_class=AutoTokenizer.from_pretrained(model),
        **own,
    )
    trainer.train(resume_from_checkpoint=resume)
    trainer.save_model(output_dir)
    return {"log": trainer.state.log_history, "said": said}


def result(output_dir: str) -> dict:
    """What a finished run left: prompts and completions by step, and the hash of its weights."""
    folder = Path(output_dir)
    tables = [pandas.read_parquet(path) for path in sorted((folder / "completions").glob("*.parquet"))]
    tables = [table for table in tables if len(table)]
    return {
        "rollouts": {
            int(table["step"].iloc[0]): list(zip(table["prompt"], table["completion"], table["odd"], strict=True))
            for table in tables
        },
        "tokens": [list(table["tokens"]) for table in tables],
        "weights": hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest(),
    }


if __name__ == "__main__":
    run(**json.loads(sys.argv[1]))
    leave_process_group()

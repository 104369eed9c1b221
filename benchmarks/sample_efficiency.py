"""How many prompt groups does each way of choosing prompts need? GRPO on vignettes of which only some teach anything.

    make demo                                             # its spoilt model and questions are the start
    python benchmarks/sample_efficiency.py                # goes on where it stopped; the table after every run
    python benchmarks/sample_efficiency.py --methods plain adaptive --seeds 0 1

Rows: easy ones that the spoilt model solves, learnable ones that it gets wrong, unanswerable ones whose key no option gives,
and wrongly labelled ones. Every method may generate BUDGET groups, discarded ones included; the accuracy on held-out vignettes
is measured on the way. The learning rate is chosen for each method on another seed; seeds draw rows, order and completions.
One model to start from: the intervals tell nothing of other ones.
"""

import argparse
import json
import os
import random
import sys
import time
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import torch
import yaml
from datasets import Dataset
from sample_efficiency_table import (
    BUDGET,
    COMPLETIONS,
    EVERY,
    GRADED,
    GRADING,
    GROUPS,
    HELD_OUT,
    KINDS,
    RATES,
    SETTINGS,
    TUNING_SEED,
    area,
    draw,
    report,
)
from transformers import AutoModelForCausalLM, AutoTokenizer, PrinterCallback, TrainerCallback, set_seed
from transformers import logging as transformers_logging
from trl import GRPOConfig

from open_r1.answers import grade
from open_r1.questions import Question, question_text
from open_r1.questions.prepared import read_prepared, row_from_question
from open_r1.questions.vignettes import hasty_trace
from open_r1.rewards import build_rewards
from open_r1.training.settings import Curriculum, DynamicSampling
from open_r1.training.trainer import PooledGRPOTrainer

ROOT = Path(__file__).resolve().parents[1]

METHODS = {
    "plain": (Curriculum(), None),
    "adaptive": (Curriculum("adaptive", prior=False), None),
    "adaptive, graded": (Curriculum("adaptive"), None),
    "dynamic": (Curriculum(), DynamicSampling()),
    "mix": (Curriculum("mix"), None),
    "phases": (Curriculum("phases"), None),
}


# ---- rows


def make_rows(questions: list[Question], seed: int) -> list[Question]:
    """A shuffled draw of rows of the four kinds; the kind is in the metadata."""
    rng = random.Random(f"rows {seed}")
    questions = rng.sample(questions, len(questions))
    solved = [grade(hasty_trace(question), question).correct for question in questions]
    easy = [question for question, right in zip(questions, solved, strict=True) if right]
    rest = [question for question, right in zip(questions, solved, strict=True) if not right]
    rows = []
    for kind, count in KINDS.items():
        for _ in range(count):
            question = (easy if kind == "easy" else rest).pop()
            options, answer = dict(question.options), question.answer
            if kind == "unanswerable":
                options, answer = options | {"E": "another condition"}, "E"
            elif kind == "wrongly labelled":
                answer = rng.choice([letter for letter in options if letter != answer])
            metadata = question.metadata | {"kind": kind}
            rows.append(replace(question, options=options, answer=answer, metadata=metadata, difficulty=None))
    rng.shuffle(rows)
    return rows


def prompts_of(questions: list[Question]) -> list[list[dict]]:
    """The chats of the demo's recipe."""
    recipe = yaml.safe_load((ROOT / "recipes/tiny-medical/grpo/config_demo.yaml").read_text(encoding="utf-8"))
    system = {"role": "system", "content": recipe["system_prompt"]}
    return [[system, {"role": "user", "content": question_text(question)}] for question in questions]


@torch.inference_mode()
def complete(model, tokenizer, questions: list[Question], **sampling) -> list[str]:
    """One completion a question."""
    prompts = tokenizer.apply_chat_template(
        prompts_of(questions), add_generation_prompt=True, return_dict=True, return_tensors="pt", padding=True
    )
    tokens = model.generate(**prompts, max_new_tokens=40, **sampling)[:, prompts["input_ids"].shape[1] :]
    return tokenizer.batch_decode(tokens, skip_special_tokens=True)


def graded(questions: list[Question], start: Path, seed: int) -> list[Question]:
    """The rows with the difficulty that GRADING completions of the start model give them."""
    model, tokenizer = AutoModelForCausalLM.from_pretrained(start).eval(), load_tokenizer(start)
    set_seed(seed)
    found = [0] * len(questions)
    for _ in range(GRADING):
        completions = complete(model, tokenizer, questions, do_sample=True, temperature=1.0, top_k=0)
        for place, (completion, question) in enumerate(zip(completions, questions, strict=True)):
            found[place] += grade(completion, question).correct
    return [replace(q, difficulty=1 - right / GRADING) for q, right in zip(questions, found, strict=True)]


def load_tokenizer(folder: Path):
    return AutoTokenizer.from_pretrained(folder, padding_side="left")


# ---- one run


class Watch(TrainerCallback):
    """Looks at the held-out vignettes every EVERY generated groups and ends the run at BUDGET."""

    def __init__(self, held_out: list[Question]):
        self.held_out = held_out
        self.trainer: PooledGRPOTrainer | None = None
        self.curve: list[tuple[int, int, float]] = []

    def look(self) -> None:
        model = self.trainer.model.eval()
        completions = complete(model, self.trainer.processing_class, self.held_out, do_sample=False)
        right = [grade(text, question).correct for text, question in zip(completions, self.held_out, strict=True)]
        model.train()
        generated, step = self.trainer.groups_generated, self.trainer.state.global_step
        self.curve.append((generated, step, 100 * sum(right) / len(right)))

    def on_train_begin(self, args, state, control, **kwargs):
        self.look()

    def on_step_end(self, args, state, control, **kwargs):
        generated = self.trainer.groups_generated
        if generated >= BUDGET:
            control.should_training_stop = True
        if generated // EVERY > self.curve[-1][0] // EVERY or control.should_training_stop:
            self.look()


def run(method: str, rate: float, seed: int, demo: Path, folder: Path) -> dict:
    """Train once; returns the curve of (groups generated, steps, held-out accuracy in %)."""
    start, curriculum, dynamic = demo / "sft_careless", *METHODS[method]
    questions = make_rows(read_prepared(demo / "questions", "train"), seed)
    if method in GRADED:
        questions = graded(questions, start, seed)
    rows = [
        row_from_question(question) | {"prompt": prompt}
        for question, prompt in zip(questions, prompts_of(questions), strict=True)
    ]
    watch = Watch(read_prepared(demo / "questions", "test")[:HELD_OUT])
    trainer = PooledGRPOTrainer(
        model=str(start),
        reward_funcs=build_rewards(["accuracy"], {"accuracy": {"scale": "binary"}}, max_completion_length=40),
        args=GRPOConfig(
            output_dir=str(folder / "trainer"),
            num_generations=COMPLETIONS,
            per_device_train_batch_size=GROUPS * COMPLETIONS,
            max_completion_length=40,
            max_steps=BUDGET // GROUPS,
            learning_rate=rate,
            lr_scheduler_type="constant_with_warmup",
            warmup_steps=3,
            logging_steps=1,
            save_strategy="no",
            use_cpu=True,
            bf16=False,
            gradient_checkpointing=False,
            dataloader_pin_memory=False,
            report_to="none",
            disable_tqdm=True,
            seed=seed,
        ),
        train_dataset=Dataset.from_list(rows),
        processing_class=load_tokenizer(start),
        callbacks=[watch],
        curriculum=curriculum,
        dynamic_sampling=dynamic,
        reward_names=["accuracy"],
        tell=print,
    )
    watch.trainer = trainer
    trainer.remove_callback(PrinterCallback)
    begin = time.process_time()
    trainer.train()
    found = {"method": method, "rate": rate, "seed": seed, "settings": SETTINGS, "curve": watch.curve}
    return found | {"cpu_seconds": round(time.process_time() - begin, 1), "log": kept_log(trainer)}


def kept_log(trainer: PooledGRPOTrainer) -> list[dict]:
    """Of every step: how the groups came out."""
    names = (
        "step",
        "sampling/groups_generated",
        "sampling/solved",
        "sampling/hopeless",
        "reward",
        "frac_reward_zero_std",
    )
    return [{name: row[name] for name in names if name in row} for row in trainer.state.log_history]


# ---- all runs


def result_of(method: str, rate: float, seed: int, demo: Path, folder: Path) -> dict:
    """A run's result from its file, or run and written there whole."""
    path = path_of(method, rate, seed, folder)
    if not path.exists():
        result = run(method, rate, seed, demo, folder)
        path.with_suffix(".part").write_text(json.dumps(result) + "\n", encoding="utf-8")
        path.with_suffix(".part").rename(path)
        print(f"{method}, rate {rate:g}, seed {seed}: {result['curve'][-1]}, {result['cpu_seconds']} s", flush=True)
    return read_result(path)


def path_of(method: str, rate: float, seed: int, folder: Path) -> Path:
    """Where a run's result lies."""
    return folder / f"{method.replace(', ', '_')}_{rate:g}_{seed}.json"


def read_result(path: Path) -> dict:
    """A written result; ends the program when it was made with other settings."""
    result = json.loads(path.read_text(encoding="utf-8"))
    if result["settings"] != SETTINGS:
        sys.exit(f"error: {path} was made with other settings; move it away, or give another --output_dir")
    return result


def write_report(args: argparse.Namespace) -> None:
    """Table and figure of all results there are, whatever methods this call runs."""
    found = [read_result(path) for path in sorted(args.output_dir.glob("*.json"))]
    chosen = []
    for name in METHODS:
        tuned = [result for result in found if result["method"] == name and result["seed"] == TUNING_SEED]
        if len(tuned) == len(RATES):
            rate = max(tuned, key=area)["rate"]
            chosen += [r for r in found if r["method"] == name and r["rate"] == rate and r["seed"] in args.seeds]
    args.table.write_text(report(chosen, list(METHODS), args.seeds), encoding="utf-8")
    if chosen:
        draw(chosen, list(METHODS), args.figure)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--demo", type=Path, default=ROOT / "runs" / "demo", help="the folder of `make demo`")
    parser.add_argument("--output_dir", type=Path, default=ROOT / "runs" / "sample_efficiency")
    parser.add_argument("--table", type=Path, default=ROOT / "benchmarks" / "results" / "sample_efficiency.md")
    parser.add_argument("--figure", type=Path, default=ROOT / "docs" / "images" / "sample_efficiency.png")
    parser.add_argument("--table_only", action="store_true", help="run nothing, read what is there")
    args = parser.parse_args()
    if not (args.demo / "sft_careless").is_dir() and not args.table_only:
        parser.error(f"{args.demo / 'sft_careless'} is not there: run `make demo` first")
    torch.set_num_threads(1)
    transformers_logging.set_verbosity_error()
    args.output_dir.mkdir(parents=True, exist_ok=True)

    for method in [] if args.table_only else args.methods:
        for rate in RATES:
            result_of(method, rate, TUNING_SEED, args.demo, args.output_dir)
    for seed in [] if args.table_only else args.seeds:
        for method in args.methods:
            tuned = [read_result(path_of(method, rate, TUNING_SEED, args.output_dir)) for rate in RATES]
            result_of(method, max(tuned, key=area)["rate"], seed, args.demo, args.output_dir)
            # Hours may lie between the first and the last run on a busy machine.
            write_report(args)
    write_report(args)
    print(args.table.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()

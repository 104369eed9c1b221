"""Watch a tiny model learn by GRPO, in under five minutes on two CPU cores: `make demo`.

SYNTHETIC VIGNETTES, NOT MEDICAL KNOWLEDGE. A careful teacher's reasoning traces teach an untrained Qwen2 of 390,000
parameters to weigh choices; a careless teacher's traces spoil it; GRPO, which is shown no trace and graded by answers,
repairs the damage. The control trains on for the same time with the careless traces. Each stage is one of the project's own
entry points in a process of its own, and after each the model answers held-out vignettes.

    python scripts/demo.py --seed 0 --output_dir runs/demo
"""

import argparse
import json
import os
import shlex
import subprocess
import sys
import textwrap
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

# Spinning threads of one process would stall the next one on a machine with two cores.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import demo_prepare
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, set_seed
from transformers import logging as transformers_logging

from open_r1.answers import grade
from open_r1.evaluation.statistics import Outcome
from open_r1.evaluation.statistics import summarize as summarize_outcomes
from open_r1.questions.record import Question, question_text
from open_r1.questions.vignettes import stated_diagnosis
from open_r1.report import write_report

ROOT = Path(__file__).resolve().parents[1]
RECIPES = ROOT / "recipes" / "tiny-medical"
SAMPLES = 4


@dataclass(frozen=True)
class Evaluation:
    """Accuracy of one model on the held-out questions, in percent; one value a question in the lists."""

    stage: str
    greedy: list[float]
    """Right or not with greedy decoding."""
    sampled: list[float]
    """Mean of SAMPLES completions at temperature 1."""
    disagreement: float
    """Share of greedy completions whose trace names another condition than the lettered answer."""
    tokens: float
    """Mean length of a greedy completion."""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output_dir", type=Path, default=Path("runs/demo"))
    args = parser.parse_args()
    start, folder = time.monotonic(), args.output_dir.resolve()
    if folder.is_relative_to(ROOT):  # stages run in ROOT: short commands to read and to repeat
        os.chdir(ROOT)
        folder = folder.relative_to(ROOT)
    transformers_logging.set_verbosity_error()

    # ---- data and model
    say("1/6  synthetic vignettes (not medical advice), two teachers' traces, a tiny untrained model")
    held_out = demo_prepare.prepare(folder, args.seed)
    print(f"\nA held-out vignette:\n{textwrap.indent(question_text(held_out[0]), '    ')}")

    # ---- stages
    def train(script: str, recipe: str, model: str, data: str, output: str, **overrides) -> Path:
        """Run an entry point on a recipe; its paths and seed are overridden, so that several demos can live apart."""
        flags = {"model_name_or_path": folder / model, "dataset_name": folder / data, "output_dir": folder / output}
        command = [f"src/open_r1/{script}.py", "--config", str((RECIPES / script / recipe).relative_to(ROOT))]
        for key, value in (flags | {"seed": args.seed} | overrides).items():
            command += [f"--{key}", str(value)]
        print(f"$ python {shlex.join(command)}", flush=True)
        code = subprocess.run([sys.executable, *command], cwd=ROOT).returncode
        if code:
            sys.exit(f"error: the stage above ended with exit code {code}")
        return folder / output

    def evaluate_stage(stage: str, model: Path) -> Evaluation:
        """Evaluate a stage's model and say its accuracy."""
        result = evaluate(stage, model, held_out, args.seed)
        mean, half = clustered_interval(result.greedy, held_out)
        print(f"     {stage}: {mean:.1f} ± {half:.1f}% of held-out vignettes right (greedy)", flush=True)
        return result

    say("2/6  SFT on a careful teacher's traces")
    gold_model = train("sft", "config_demo.yaml", "model", "traces_gold", "sft_gold")
    gold = evaluate_stage("after gold SFT", gold_model)
    say("3/6  more SFT, on a careless teacher's traces: seven in ten stop at the first choice that fits at all")
    careless_recipe = ("sft", "config_demo_careless.yaml")
    spoilt_model = train(*careless_recipe, "sft_gold", "traces_careless", "sft_careless")
    spoilt = evaluate_stage("after careless traces", spoilt_model)
    say("4/6  GRPO: right answers, their form, and traces that agree with them are rewarded; no trace is shown")
    repaired_model = train("grpo", "config_demo.yaml", "sft_careless", "questions", "grpo")
    repaired = evaluate_stage("after GRPO", repaired_model)
    seconds = train_seconds(repaired_model)
    earlier = (gold_model, spoilt_model)
    steps = round(seconds * sum(map(last_step, earlier)) / sum(map(train_seconds, earlier)))
    say(f"5/6  the control: {steps} more steps on careless traces, about the {seconds:.0f} s that GRPO took")
    control_model = train(*careless_recipe, "sft_careless", "traces_careless", "control", max_steps=steps)
    control = evaluate_stage("control: more careless SFT", control_model)

    # ---- what came of it
    say("6/6  what came of it")
    summary = summarize([gold, spoilt, repaired, control], held_out)
    summary |= {"seed": args.seed, "grpo_seconds": seconds, "control_seconds": train_seconds(control_model)}
    for stage, model, result in (("before", spoilt_model, spoilt), ("after", repaired_model, repaired)):
        write_results(repaired_model / "evaluation" / stage, model, result, held_out)
    page = write_report([repaired_model])
    summary["seconds"] = time.monotonic() - start
    (folder / "summary.json").write_text(json.dumps(summary, indent=2) + "\n")
    print(table(summary))
    print(verdict(summary))
    print(
        f"\n{summary['seconds']:.0f} s in all. Everything lies in {args.output_dir}: summary.json, questions/, and"
        "\nmodel, metrics.jsonl and report of each stage in sft_gold/, sft_careless/, grpo/, control/."
        f"\nWhat GRPO did and what the model said: open {page} in a browser."
    )


def say(text: str):
    """A heading between stages."""
    print(f"\n{'─' * 100}\n{text}\n", flush=True)


def metrics(run: Path) -> list[dict]:
    """The logged rows of a run."""
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


def train_seconds(run: Path) -> float:
    """Time a run spent in training, without imports and data."""
    return json.loads((run / "train_results.json").read_text())["train_runtime"]


def last_step(run: Path) -> int:
    """Steps that a run took."""
    return metrics(run)[-1]["step"]


# ---- evaluation


@torch.inference_mode()
def evaluate(stage: str, folder: Path, questions: list[Question], seed: int) -> Evaluation:
    """Let a model answer every question once greedily and SAMPLES times at temperature 1, graded by the one judge."""
    model = AutoModelForCausalLM.from_pretrained(folder).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder, padding_side="left")
    system = {"role": "system", "content": demo_prepare.system_prompt()}
    chats = [[system, {"role": "user", "content": question_text(question)}] for question in questions]
    prompts = tokenizer.apply_chat_template(
        chats, add_generation_prompt=True, return_dict=True, return_tensors="pt", padding=True
    )
    set_seed(seed)

    def complete(**sampling) -> list[str]:
        tokens = model.generate(**prompts, max_new_tokens=40, **sampling)[:, prompts["input_ids"].shape[1] :]
        return tokenizer.batch_decode(tokens, skip_special_tokens=True)

    def right(completions: list[str]) -> list[float]:
        pairs = zip(completions, questions, strict=True)
        return [100.0 * grade(completion, question).correct for completion, question in pairs]

    greedy = complete(do_sample=False)
    draws = [right(complete(do_sample=True, temperature=1.0, top_k=0)) for _ in range(SAMPLES)]
    differs = [
        stated_diagnosis(completion) != question.options.get(grade(completion, question).extracted)
        for completion, question in zip(greedy, questions, strict=True)
    ]
    return Evaluation(
        stage=stage,
        greedy=right(greedy),
        sampled=[sum(values) / SAMPLES for values in zip(*draws, strict=True)],
        disagreement=100.0 * sum(differs) / len(differs),
        tokens=sum(len(ids) for ids in tokenizer(greedy)["input_ids"]) / len(greedy),
    )


def write_results(folder: Path, model: Path, result: Evaluation, questions: list[Question]):
    """Greedy accuracy in the form of `make evaluate`'s results.json, where the report of the run looks for it."""
    outcomes = [
        Outcome(question.id, question.metadata["vignette"], 1, right > 0, True, False, False, False, None)
        for right, question in zip(result.greedy, questions, strict=True)
    ]
    named = {"model": str(model), "benchmark": "held-out vignettes", "preset": "greedy", "log": ""}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "results.json").write_text(json.dumps([named | summarize_outcomes(outcomes)], indent=1) + "\n")


def clustered_interval(values: Sequence[float], questions: list[Question]) -> tuple[float, float]:
    """Mean and half width of its 95% interval, with rows of one vignette as one cluster (they are not independent)."""
    mean = sum(values) / len(values)
    sums: dict[str, float] = {}
    for value, question in zip(values, questions, strict=True):
        vignette = question.metadata["vignette"]
        sums[vignette] = sums.get(vignette, 0.0) + value - mean
    count = len(sums)
    variance = count / (count - 1) * sum(deviation**2 for deviation in sums.values()) / len(values) ** 2
    return mean, 1.96 * variance**0.5


def summarize(evaluations: list[Evaluation], questions: list[Question]) -> dict:
    """Means and intervals of the stages, and GRPO's paired differences to its start and to the control."""
    stages = []
    for result in evaluations:
        row = {"stage": result.stage, "disagreement": result.disagreement, "tokens": result.tokens}
        stages.append(
            row | {name: clustered_interval(asdict(result)[name], questions) for name in ("greedy", "sampled")}
        )
    _, start, grpo, control = evaluations

    def gain(other: Evaluation) -> tuple[float, float]:
        differences = [after - before for after, before in zip(grpo.greedy, other.greedy, strict=True)]
        return clustered_interval(differences, questions)

    vignettes = len({question.metadata["vignette"] for question in questions})
    return {
        "stages": stages,
        "over_start": gain(start),
        "over_control": gain(control),
        "rows": len(questions),
        "vignettes": vignettes,
    }


# ---- telling


def table(summary: dict) -> str:
    """The stages as a table, intervals at 95%."""
    lines = [
        f"Accuracy in % on {summary['vignettes']} held-out synthetic vignettes ({summary['rows']} rows), 95% interval over vignettes:",
        "",
        f"{'':28}{'greedy':>14}{f'mean of {SAMPLES} samples':>20}{'tokens':>9}{'trace ≠ answer':>17}",
    ]
    for row in summary["stages"]:
        greedy, sampled = (f"{row[name][0]:.1f} ± {row[name][1]:.1f}" for name in ("greedy", "sampled"))
        lines.append(f"{row['stage']:28}{greedy:>14}{sampled:>20}{row['tokens']:>9.1f}{row['disagreement']:>16.1f}%")
    for name, key in (("its start", "over_start"), ("the control", "over_control")):
        mean, half = summary[key]
        lines.append(f"{f'GRPO − {name}':28}{f'{mean:+.1f} ± {half:.1f}':>14}")
    lines.append(
        f"GRPO trained for {summary['grpo_seconds']:.0f} s, the control for {summary['control_seconds']:.0f} s."
    )
    return "\n".join(lines)


def verdict(summary: dict) -> str:
    """What the numbers allow to say, and no more."""
    gold, start, grpo, _ = (row["greedy"] for row in summary["stages"])
    (gained, over), (ahead, margin) = summary["over_start"], summary["over_control"]
    lines = ["\nSynthetic vignettes, not medical knowledge."]
    if start[0] < gold[0] and gained > over:
        lines.append(
            f"Careless traces taught a bias ({gold[0]:.0f} → {start[0]:.0f}); GRPO on answers repaired it in part or whole ({grpo[0]:.0f})."
        )
    else:
        lines.append("On this seed GRPO did not measurably improve on its start.")
    lines.append(
        "The same time of more careless SFT did not do that."
        if ahead > margin
        else "The same time of more careless SFT did as well: the gain is not GRPO's."
    )
    lines.append(
        "GRPO did not exceed what gold traces had taught."
        if grpo[0] <= gold[0]
        else "GRPO ended above the gold traces' model on this seed; the stages in between trained on more, so read nothing into that."
    )
    return " ".join(lines)


if __name__ == "__main__":
    main()

"""Watch a tiny model learn by GRPO, in under five minutes on two CPU cores: `make demo`.

SYNTHETIC VIGNETTES, NOT MEDICAL KNOWLEDGE. A careful teacher's reasoning traces teach an untrained Qwen2 of 390,000
parameters to weigh choices; a careless teacher's traces spoil it; GRPO, which is shown no trace and graded by answers,
repairs the damage. The control trains on for the same time with the careless traces. Each stage is one of the project's own
entry points in a process of its own, and after each the model answers held-out vignettes.

    python scripts/demo.py --seed 0 --output_dir runs/demo
"""

import argparse
import contextlib
import json
import os
import shlex
import shutil
import subprocess
import sys
import textwrap
import time
from dataclasses import dataclass
from pathlib import Path

# Spinning threads of one process would stall the next one on a machine with two cores.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import demo_prepare
from inspect_ai.log import read_eval_log

from open_r1.evaluate import DEMO_TOKENS
from open_r1.evaluate import main as evaluate
from open_r1.evaluation.asking import completion_of, question_of
from open_r1.evaluation.results import Result, compare_results, find_logs, read_result
from open_r1.evaluation.statistics import Z
from open_r1.questions.record import question_text
from open_r1.questions.vignettes import stated_diagnosis
from open_r1.report import write_report

ROOT = Path(__file__).resolve().parents[1]
RECIPES = ROOT / "recipes" / "tiny-medical"


@dataclass(frozen=True)
class Evaluation:
    """What the evaluation harness found of one stage's model on the held-out questions."""

    stage: str
    greedy: Result
    sampled: Result
    """At temperature 1."""
    disagreement: float
    """Share of greedy completions whose trace names another condition than the lettered answer, in percent."""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output_dir", type=Path, default=Path("runs/demo"))
    parser.add_argument("--samples", type=int, default=1, help="completions a question at temperature 1, per stage")
    args = parser.parse_args()
    start, folder = time.monotonic(), args.output_dir.resolve()
    if folder.is_relative_to(ROOT):  # stages run in ROOT: short commands to read and to repeat
        os.chdir(ROOT)
        folder = folder.relative_to(ROOT)
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
        result = evaluate_model(stage, model, folder, args.seed, args.samples)
        mean, half = accuracy(result.greedy)
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
    summary = summarize([gold, spoilt, repaired, control])
    summary |= {"seed": args.seed, "grpo_seconds": seconds, "control_seconds": train_seconds(control_model)}
    for stage, result in (("before", spoilt), ("after", repaired)):  # where the report of a run looks for them
        results = result.greedy.log.parents[1]
        shutil.copytree(results, repaired_model / "evaluation" / stage, dirs_exist_ok=True)
    page = write_report([repaired_model])
    summary["seconds"] = time.monotonic() - start
    (folder / "summary.json").write_text(json.dumps(summary, indent=2) + "\n")
    print(table(summary))
    print(verdict(summary))
    print(
        f"\n{summary['seconds']:.0f} s in all. Everything lies in {args.output_dir}: summary.json, questions/, model,"
        "\nmetrics.jsonl and report of each stage in sft_gold/, sft_careless/, grpo/, control/, and evaluation/: what each model"
        "\nanswered to every question (inspect view --log-dir)."
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


def evaluate_model(stage: str, model: Path, folder: Path, seed: int, samples: int) -> Evaluation:
    """Ask a model every held-out question, greedily and at temperature 1, as `make evaluate` does, which prints into a log."""

    def ask(name: str, *flags: str) -> Result:
        out = folder / "evaluation" / model.name / name
        command = ["--model", str(model), "--task", str(folder / "questions"), "--backend", "hf", "--seed", str(seed)]
        command += ["--system_prompt", demo_prepare.system_prompt(), "--max_tokens", str(DEMO_TOKENS), *flags]
        command += ["--output_dir", str(out)]
        shutil.rmtree(out, ignore_errors=True)  # of an earlier demo here: a model of the same name, other weights
        out.mkdir(parents=True)
        print(f"$ python src/open_r1/evaluate.py {shlex.join(command)}", flush=True)
        with open(out / "evaluate.log", "w") as log, contextlib.redirect_stdout(log):
            code = evaluate(command)
        if code:
            sys.exit(f"error: the evaluation above ended with exit code {code}; it printed into {out}/evaluate.log")
        return read_result(find_logs([out])[0])

    greedy = ask("greedy")
    differs = [
        stated_diagnosis(completion_of(sample.output)) != question_of(sample.metadata).options.get(score.answer)
        for sample in read_eval_log(str(greedy.log), resolve_attachments=True).samples
        for score in sample.scores.values()
    ]
    return Evaluation(
        stage=stage,
        greedy=greedy,
        sampled=ask("sampled", "--temperature", "1", "--samples", str(samples)),
        disagreement=100.0 * sum(differs) / len(differs),
    )


def accuracy(result: Result) -> tuple[float, float]:
    """Accuracy and half width of its 95% interval over vignettes (rows of one are not independent), in percent."""
    found = result.summary["accuracy"]
    return 100.0 * found["value"], 100.0 * Z * found["error"]


def summarize(evaluations: list[Evaluation]) -> dict:
    """Means and intervals of the stages, and GRPO's paired differences to its start and to the control."""
    stages = [
        {
            "stage": result.stage,
            "disagreement": result.disagreement,
            "tokens": result.greedy.summary["mean_tokens"],
            "greedy": accuracy(result.greedy),
            "sampled": accuracy(result.sampled),
        }
        for result in evaluations
    ]
    _, start, grpo, control = evaluations

    def gain(other: Evaluation) -> tuple[float, float]:
        found = compare_results(grpo.greedy, other.greedy)
        return 100.0 * found["difference"], 50.0 * (found["high"] - found["low"])

    return {
        "stages": stages,
        "over_start": gain(start),
        "over_control": gain(control),
        "rows": grpo.greedy.summary["rows"],
        "vignettes": grpo.greedy.summary["questions"],
        "samples": grpo.sampled.summary["samples"],
    }


# ---- telling


def table(summary: dict) -> str:
    """The stages as a table, intervals at 95%."""
    drawn = f"mean of {summary['samples']} samples" if summary["samples"] > 1 else "one sample"
    lines = [
        f"Accuracy in % on {summary['vignettes']} held-out synthetic vignettes ({summary['rows']} rows), 95% interval over vignettes:",
        "",
        f"{'':28}{'greedy':>14}{drawn:>20}{'tokens':>9}{'trace ≠ answer':>17}",
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

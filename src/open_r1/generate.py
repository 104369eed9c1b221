"""Reasoning traces from a teacher: several completions a question, of which the judge keeps the right ones.

The idea: distillation is an evaluation of the teacher on training questions whose right completions are kept. It goes through the
same harness (any OpenAI-compatible server, one that is started here, or local transformers), so a killed run goes on where it
stopped, and other limits are a reading of the same log that asks nobody again.

    python src/open_r1/generate.py --data ./data/xpert_usmle --model FreedomIntelligence/HuatuoGPT-o1-70B --num_gpus 8 \\
        --parallel tensor --samples 4 --output_dir ./data/traces_xpert_usmle
    accelerate launch --config_file recipes/accelerate_configs/zero3.yaml \\
        src/open_r1/sft.py --config recipes/Qwen2.5-7B-Instruct/sft/config_distil.yaml --dataset_name ./data/traces_xpert_usmle

Writes train.jsonl (`prompt`, `completion`), manifest.json (from what, how, which ids, how many were rejected why) and logs/.
"""

import argparse
import hashlib
import json
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from open_r1 import __version__
from open_r1.arguments import RecipeError
from open_r1.evaluation.backend_flags import add_backend_flags
from open_r1.evaluation.presets import PROMPTS
from open_r1.private import owner_only
from open_r1.questions import DataError
from open_r1.questions.manifest import ids_by_source
from open_r1.rollouts.errors import ServerError

# What a trace's fate depends on after it was generated; everything else decides what is generated.
LIMITS = ("form", "min_tokens", "max_trace_tokens", "per_question", "overlap")
ASKING = (
    "model",
    "split",
    "samples",
    "limit",
    "prompt",
    "system_prompt",
    "temperature",
    "top_p",
    "max_tokens",
    "seed",
)


def parse_args(argv: list[str] | None) -> argparse.Namespace:
    """The command line; Open-R1's names of flags that mean the same are taken too."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--data", "--hf-dataset", required=True, help="a prepared folder (scripts/data_prepare.py), or one file of it")
    add("--split", "--hf-dataset-split", default="train")
    add("--model", required=True, help="the teacher: a folder or a hub name, or the name it has on the server")
    add("--output_dir", type=Path, required=True)
    add("--samples", "--num-generations", type=int, default=4, metavar="N", help="completions a question")
    add("--limit", type=int, help="only the first N questions")

    add("--prompt", default="training", choices=list(PROMPTS), help="the form of asking")
    add("--system_prompt", help="instead of the prompt's; '' for none")
    add("--temperature", type=float, default=0.7)
    add("--top_p", "--top-p", type=float, default=0.95)
    add(
        "--max_tokens",
        "--max-new-tokens",
        type=int,
        default=4096,
        help="longest completion; longer ones are cut and dropped",
    )
    add("--seed", type=int, default=42)

    add(
        "--form",
        default="think_answer",
        choices=["think_answer", "final_response", "any"],
        help="of the traces written",
    )
    add("--min_tokens", type=int, default=0, help="shorter right completions are dropped")
    add("--max_trace_tokens", type=int, help="longer right completions are dropped")
    add("--per_question", type=int, default=1, metavar="N", help="traces kept of a question, in the order of sampling")
    add(
        "--overlap",
        type=float,
        default=0.8,
        help="common 8-grams from which on two traces of a question are duplicates",
    )

    add_backend_flags(parser, "--vllm-server-url")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    try:
        return generate(args)
    except (DataError, RecipeError, ServerError, FileNotFoundError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def generate(args: argparse.Namespace) -> int:
    """Ask, judge, write and say what came of it; returns 1 when completions failed or no trace is left, else 0."""
    check(args)

    # ---- ask (imported here: Inspect takes seconds, and a mistake on the command line should not)
    from open_r1.evaluation.run import ask_prepared
    from open_r1.evaluation.traces import REASONS, Distilled, Limits, distil, rows_of

    log = ask_prepared(args, args.output_dir)

    # ---- judge and write
    result: Distilled = distil(
        log, Limits(args.form, args.min_tokens, args.max_trace_tokens, args.per_question, args.overlap)
    )
    write(
        args.output_dir / "train.jsonl",
        "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows_of(result.traces)),
    )
    own = [trace.question for trace in result.traces]
    manifest = {
        "tool": {"name": "open-medical-r1", "version": __version__},
        "settings": {name: getattr(args, name) for name in (*ASKING, *LIMITS)},
        "sources": [source_of(Path(args.data), args.split)],
        "counts": {
            "questions": result.questions,
            "questions_with_a_trace": len({question.id for question in own}),
            "completions": result.asked,
            **{reason: result.counts[reason] for reason in ("kept", *REASONS)},
        },
        "acceptance_rate": round(result.acceptance, 4),
        "tokens": {"generated": result.tokens, "kept": sum(trace.tokens or 0 for trace in result.traces)},
        "log": log.name,
        "ids": {"train": ids_by_source(list({question.id: question for question in own}.values()))},
    }
    write(args.output_dir / "manifest.json", json.dumps(manifest, ensure_ascii=False, indent=1) + "\n")

    # ---- what came of it
    print(report(manifest))
    print(f"\ntrain.jsonl, manifest.json and logs: {args.output_dir}")
    if not result.traces:
        print("no trace is left: look at the logs with `inspect view`", file=sys.stderr)
    return 1 if result.counts["failed"] or not result.traces else 0


def check(args: argparse.Namespace) -> None:
    """Raise RecipeError for numbers that cannot be meant."""
    if args.samples < 1 or args.per_question < 1:
        raise RecipeError("--samples and --per_question are 1 or more")
    if args.samples > 1 and args.temperature == 0:
        raise RecipeError(
            f"--temperature 0 gives {args.samples} times the same completion; sample, or give --samples 1"
        )
    if not 0 < args.overlap <= 1:
        raise RecipeError(f"--overlap is a share above 0 and up to 1, got {args.overlap:g}")
    if args.max_trace_tokens is not None and args.max_trace_tokens < args.min_tokens:
        raise RecipeError(f"--max_trace_tokens {args.max_trace_tokens} is less than --min_tokens {args.min_tokens}")


def source_of(data: Path, split: str) -> dict:
    """The questions' folder by name (never an absolute path), and its manifest's hash where it has one."""
    manifest = data / "manifest.json"
    known = {"sha256": hashlib.sha256(manifest.read_bytes()).hexdigest()} if manifest.is_file() else {}
    return {"folder": data.name, "split": split, **({"manifest": known} if known else {})}


def write(path: Path, text: str) -> None:
    """The whole file or none of it, for its owner alone: a reader never sees half a file."""
    beside = path.with_name(f".{path.name}.new")
    with open(beside, "w", encoding="utf-8", newline="\n", opener=owner_only) as file:
        file.write(text)
    os.replace(beside, path)


def report(manifest: dict) -> str:
    """Counts, acceptance rate and tokens as a table."""
    from open_r1.evaluation.markdown import markdown, percent

    counts = dict(manifest["counts"])
    asked, questions, covered = (counts.pop(name) for name in ("completions", "questions", "questions_with_a_trace"))
    rows = [[name, f"{count:,}", percent(count / asked)] for name, count in counts.items() if count or name == "kept"]
    generated, kept = manifest["tokens"]["generated"], manifest["tokens"]["kept"]
    return (
        f"\n{markdown(['completions', f'of {asked:,}', '%'], rows)}\n\n"
        f"{counts['kept']:,} traces of {covered:,} of {questions:,} questions; acceptance rate {percent(manifest['acceptance_rate'])}%; "
        f"{generated:,} tokens generated, {kept:,} of them kept"
    )


if __name__ == "__main__":
    sys.exit(main())

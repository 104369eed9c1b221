"""How hard is each question for a model? Several completions each, the share of right ones, written to `difficulty`.

    python scripts/grade_difficulty.py --data ./data/xpert_usmle --model google/gemma-3-12b-it --samples 8 \\
        --output_dir ./data/xpert_usmle_graded
    python scripts/grade_difficulty.py --data ./data/xpert_usmle --logs ./data/xpert_usmle_graded/logs OTHER_LOGS \\
        --output_dir ./data/xpert_usmle_merged          # asks nobody: reads what models have answered, and merges them

The idea: grading is an evaluation on training questions, so it goes through the same harness, and the same command goes on
where a killed one stopped. Difficulty is 1 less the mean pass rate of the models. Writes the prepared folder again with
`difficulty` filled in, gradings.jsonl (by model, with 95% intervals; data_prepare.py --gradings reads it), difficulty.png and logs/.
"""

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from open_r1.arguments import RecipeError
from open_r1.evaluation.backend_flags import add_backend_flags
from open_r1.evaluation.presets import PROMPTS
from open_r1.questions import DataError, read_prepared
from open_r1.questions.difficulty import BOUNDS, check_bounds
from open_r1.questions.gradings import graded, read_gradings, write_gradings
from open_r1.questions.prepared import SPLITS, write_prepared
from open_r1.rollouts.errors import ServerError


def parse_args(argv: list[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--data", type=Path, required=True, help="a prepared folder (scripts/data_prepare.py)")
    add("--split", default="train", choices=SPLITS, help="the split to grade; another one is copied as it is")
    add("--output_dir", type=Path, required=True)
    add("--model", help="whom to ask: a folder or a hub name, or the name it has on the server")
    add("--logs", type=Path, nargs="+", default=[], help="logs of evaluations to read besides, or instead")
    add("--gradings", type=Path, nargs="+", default=[], help="gradings.jsonl of others to merge")
    add(
        "--levels",
        type=float,
        nargs=2,
        default=list(BOUNDS),
        metavar=("EASY", "HARD"),
        help="difficulties up to EASY are easy, from HARD on hard (default: %(default)s)",
    )
    add("--samples", type=int, default=8, metavar="K", help="completions a question (default: %(default)s)")
    add("--limit", type=int, help="only the first N questions are asked")
    add("--prompt", default="training", choices=list(PROMPTS), help="the form of asking")
    add("--system_prompt", help="instead of the prompt's; '' for none. Grade with the one you train with")
    add("--temperature", type=float, default=1.0, help="training's, by default TRL's (default: %(default)s)")
    add("--top_p", type=float, default=1.0)
    add("--max_tokens", type=int, default=4096)
    add("--seed", type=int, default=42)
    add_backend_flags(parser)
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Exit code: 0 graded, 1 when completions failed, 2 for bad input."""
    args = parse_args(argv)
    try:
        return grade(args)
    except (DataError, RecipeError, ServerError, OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def grade(args: argparse.Namespace) -> int:
    """Ask, read, merge, write, and say what came of it."""
    bounds = check_bounds(args.levels, "--levels")
    if not (args.model or args.logs or args.gradings):
        raise DataError("nobody to ask and nothing to read: give --model, --logs or --gradings")
    if args.model and args.samples > 1 and args.temperature == 0:
        raise DataError(f"--temperature 0 gives {args.samples} times the same completion; sample, or give --samples 1")
    if args.output_dir.resolve() == args.data.resolve():
        raise DataError("--output_dir is --data: give another folder, the questions are written again")
    there = [
        split for split in SPLITS if any((args.data / f"{split}.{form}").exists() for form in ("parquet", "jsonl"))
    ]
    if args.split not in there:
        raise DataError(f"{args.data}: no {args.split} split; a folder by scripts/data_prepare.py has one")
    splits = {split: read_prepared(args.data, split) for split in there}
    questions = splits[args.split]

    # ---- ask and read (imported here: Inspect takes seconds, and a mistake on the command line should not)
    from open_r1.evaluation.difficulty import draw, read_gradings_of, report
    from open_r1.evaluation.results import find_logs, read_result
    from open_r1.evaluation.run import ask_prepared

    logs = find_logs(args.logs) if args.logs else []
    if args.model:
        logs.append(ask_prepared(args, args.output_dir))
    merged = read_gradings(args.gradings)
    failed = 0
    if logs:
        reading = read_gradings_of([read_result(log) for log in logs], questions)
        failed = reading.failed
        for key, models in reading.gradings.items():
            if twice := merged.get(key, {}).keys() & models.keys():
                raise DataError(f"{min(twice)} stands both in the logs and in --gradings; leave one of them out")
            merged[key] = merged.get(key, {}) | models
        if reading.strangers:
            print(f"{reading.strangers:,} rows of the logs ask questions that are not in {args.data}")
    mine = {key: merged[key] for q in questions if (key := (q.source, q.id)) in merged}
    if not mine:
        raise DataError(f"the gradings hold none of the {len(questions):,} questions of {args.data}")

    # ---- write
    splits[args.split] = [graded(question, mine) for question in questions]
    args.output_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=args.output_dir) as part:
        folder = Path(part)
        write_prepared(folder, splits)
        write_gradings(folder / "gradings.jsonl", mine)
        draw(splits[args.split], bounds, folder / "difficulty.png")
        if (args.data / "manifest.json").exists():
            shutil.copy(args.data / "manifest.json", folder)
        for file in folder.iterdir():
            os.replace(file, args.output_dir / file.name)

    # ---- what came of it
    print("\n" + report(splits[args.split], bounds))
    ungraded = sum(question.difficulty is None for question in splits[args.split])
    if ungraded:
        print(f"{ungraded:,} of {len(questions):,} questions are ungraded")
    if failed:
        print(f"{failed:,} completions failed and count for nothing; the same command asks them again")
    print(f"\nquestions with difficulty, gradings.jsonl, difficulty.png: {args.output_dir}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

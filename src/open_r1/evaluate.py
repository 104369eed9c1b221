"""Evaluate a model on the medical benchmarks, with intervals, and print the field's table beside published rows.

    make evaluate MODEL=FreedomIntelligence/HuatuoGPT-o1-7B TASK=all PRESET=huatuo NUM_GPUS=4
    python src/open_r1/evaluate.py --model runs/grpo --task medqa_usmle,medxpertqa --data_root DATA --backend hf

The idea: an evaluation is a set of Inspect logs, and everything else is a reading of them. The same command again goes
on where a killed one stopped. Inspect asks and keeps; the rows, the prompt, the judge and the statistics are ours.
"""

import argparse
import multiprocessing
import os
import signal
import sys
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import chain
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from open_r1.arguments import RecipeError
from open_r1.evaluation.backend_flags import add_backend_flags, backend_of
from open_r1.evaluation.presets import BENCHMARKS, PRESETS, PROMPTS, SIX
from open_r1.questions import DataError
from open_r1.rollouts.errors import ServerError

DEMO_MODEL, DEMO_QUESTIONS = Path("runs/demo/grpo"), Path("runs/demo/questions")
# Of the demo's recipes; its models know no other prompt.
DEMO_PROMPT, DEMO_TOKENS = "Weigh each choice, then answer.", 64


def parse_args(argv: list[str] | None) -> argparse.Namespace:
    """The command line; `make evaluate` passes its variables here."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--model", help="a folder or a hub name; without it the demo's model on the demo's questions")
    add(
        "--task",
        default="all",
        help=f"all (the six), several with commas, NAME/SPLIT for another split, or a prepared folder; NAME is {', '.join(BENCHMARKS)}",
    )
    add("--preset", default="official", choices=list(PRESETS))
    add(
        "--data_root",
        help="folder with one folder per dataset in the raw layouts; without it the hub at pinned revisions",
    )
    add("--samples", type=int, default=1, metavar="K", help="completions a question, for mean@k and pass@k")
    add("--limit", type=int, help="only the first N questions: a try, not a score")
    add("--seed", type=int, default=42)
    add("--shuffle_options", type=int, metavar="SEED", help="options in a seeded other order")
    add(
        "--exclude_trained",
        metavar="MANIFEST",
        help="leave out rows that this manifest of training data lists, instead of those that the model's run folder "
        "names; '' leaves none out",
    )
    add("--prompt", choices=list(PROMPTS), help="the form of asking, instead of the preset's")
    add("--system_prompt", help="instead of the preset's; '' for none")
    add("--temperature", type=float, help="instead of the preset's")
    add("--max_tokens", type=int, help="instead of the preset's")
    add_backend_flags(parser)
    add(
        "--shards",
        type=int,
        default=1,
        help="processes that share the rows, for a server that answers faster than one process asks and grades",
    )
    add("--output_dir", type=Path, help="default: runs/evaluation/MODEL/PRESET")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    try:
        return evaluate(args)
    except (DataError, RecipeError, ServerError, FileNotFoundError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def evaluate(args: argparse.Namespace) -> int:
    """Run the tasks that `args` name and write their results; returns the exit code: 0, or 1 when rows failed."""
    if args.model is None:
        fill_in_demo(args)
    if args.shards > 1 and args.backend == "hf" and not args.base_url:
        raise DataError(
            "--shards are processes that ask one server; local transformers (--backend hf) are one process"
        )
    folder = args.output_dir or Path("runs/evaluation") / Path(args.model).name / args.preset

    # ---- tasks (imported here: Inspect takes seconds, and a mistake on the command line should not)
    from open_r1.evaluation.report import write_report
    from open_r1.evaluation.run import ask_all

    tasks = build_tasks(args)
    for task in tasks:
        print(task.metadata["told"], flush=True)

    # ---- ask
    backend = backend_of(args)
    if args.shards > 1:
        logs = ask_in_shards(args, backend, folder)
    else:
        logs = ask_all(tasks, backend, folder, args.limit, args.max_connections)

    # ---- what came of it
    return write_report(logs, folder)


def ask_in_shards(args: argparse.Namespace, backend, folder: Path) -> list[Path]:
    """Ask as `ask_all` does, in --shards processes over one server; returns the logs of all. The first shows its progress."""
    from open_r1.evaluation.backends import serving

    numbers = range(1, args.shards + 1)
    with (
        serving(backend, folder / "server.log") as served,
        ProcessPoolExecutor(args.shards, mp_context=multiprocessing.get_context("spawn")) as pool,
    ):
        try:
            return list(chain.from_iterable(pool.map(partial(_ask_shard, args, served, folder), numbers)))
        except KeyboardInterrupt:
            # Of this process alone when the server is lost for good; each closes its log, and the same command goes on.
            for child in multiprocessing.active_children():
                os.kill(child.pid, signal.SIGINT)
            raise


def _ask_shard(args: argparse.Namespace, served, folder: Path, number: int) -> list[Path]:
    from open_r1.evaluation.run import ask_all

    shard, share = f"{number}/{args.shards}", slice(number - 1, None, args.shards)
    return ask_all(
        build_tasks(args, shard),
        served,
        folder / "shards" / shard.replace("/", "-of-"),
        None if args.limit is None else len(range(args.limit)[share]),
        max(1, (args.max_connections or 256) // args.shards),
        silent=number > 1,
    )


def build_tasks(args: argparse.Namespace, shard: str | None = None) -> list:
    """The Inspect tasks that --task names, in its order, or a shard of their rows; raises DataError, FileNotFoundError."""
    from open_r1.evaluation.selection import manifests_of
    from open_r1.evaluation.tasks import TASKS, prepared

    trained = manifests_of(args.model) if args.exclude_trained is None else args.exclude_trained
    own = {"system_prompt": args.system_prompt, "k": args.samples, "seed": args.seed, "shard": shard}
    sampling = {"temperature": args.temperature, "max_tokens": args.max_tokens}
    tasks = []
    for name in SIX if args.task == "all" else args.task.split(","):
        if Path(name).is_dir():
            asked = sampling | {"prompt": args.prompt}
            given = {key: value for key, value in asked.items() if value is not None}
            tasks.append(prepared(folder=name, **own, **given))
            continue
        name, _, split = name.partition("/")
        if name not in TASKS:
            raise DataError(f"no task {name!r}, and no folder of that name; the tasks are all, {', '.join(TASKS)}")
        tasks.append(
            TASKS[name](
                data_root=args.data_root,
                preset=args.preset,
                split=split or None,
                shuffle=args.shuffle_options,
                exclude=trained,
                prompt=args.prompt,
                **own,
                **sampling,
            )
        )
    return tasks


def fill_in_demo(args: argparse.Namespace) -> None:
    """Make the command one for the demo's model and questions; raises FileNotFoundError before a demo has run."""
    for folder in (DEMO_MODEL, DEMO_QUESTIONS):
        if not folder.is_dir():
            raise FileNotFoundError(
                f"{folder} is not there; run `make demo` first, or name a model: make evaluate MODEL=..."
            )
    args.model, args.task = str(DEMO_MODEL), str(DEMO_QUESTIONS)
    if not args.base_url:
        print("no MODEL: the demo's model on its held-out questions, with local transformers", flush=True)
        args.backend = "hf"
    args.system_prompt = DEMO_PROMPT if args.system_prompt is None else args.system_prompt
    args.max_tokens = args.max_tokens or DEMO_TOKENS


if __name__ == "__main__":
    sys.exit(main())

"""How fast the harness is when the model costs nothing: Inspect alone and our task, side by side, and grading a log again.

    python benchmarks/harness.py --rows 1000 --rounds 3

A stand-in server in a process of its own answers at once. Both sides ask the same invented questions, 256 at a time; Inspect alone
has its own settings, its `generate` and a scorer that looks for a letter, ours is what `make evaluate` runs. The order alternates.
"""

import argparse
import json
import multiprocessing
import statistics
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests")]

TEXT = (
    "<think>" + "The finding points to the second option, as the others lack it. " * 8 + "</think><answer>B</answer>"
)


def serve(connection) -> None:
    """The stand-in, until this process is ended."""
    from evaluation.stand_in import StandIn

    server = StandIn(text=TEXT)
    connection.send(server.url)
    server.serve_forever()


def inspect_alone(data_root: str):
    """The same questions as a plain Inspect task."""
    from inspect_ai import Task
    from inspect_ai.dataset import MemoryDataset, Sample
    from inspect_ai.scorer import includes
    from inspect_ai.solver import generate

    from open_r1.evaluation.presets import TRAINING_PROMPT
    from open_r1.evaluation.selection import select

    questions = select("medqa_usmle", "official", data_root).questions
    samples = [Sample(id=q.id, input=TRAINING_PROMPT.user(q), target=q.answer) for q in questions]
    return Task(dataset=MemoryDataset(samples), solver=generate(), scorer=includes())


def ours(data_root: str):
    """Our task."""
    from open_r1.evaluation.tasks import medqa_usmle

    return medqa_usmle(data_root=data_root)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    import inspect_ai
    from inspect_ai.model import get_model

    from open_r1.evaluation.backend_flags import Backend
    from open_r1.evaluation.results import find_logs, read_result
    from open_r1.evaluation.run import ask_all

    context = multiprocessing.get_context("spawn")
    mine, theirs = context.Pipe()
    server = context.Process(target=serve, args=(theirs,), daemon=True)
    server.start()
    url = mine.recv()
    model = get_model("openai-api/open-r1/stub", base_url=url, api_key="EMPTY")
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data" / "medqa_usmle"
        data.mkdir(parents=True)
        options = {"A": "one", "B": "two", "C": "three", "D": "four"}
        row = {"options": options, "answer": "two", "answer_idx": "B", "meta_info": "step1"}
        text = [
            json.dumps({"question": f"Invented question {n}? " + "A patient came. " * 40} | row)
            for n in range(args.rows)
        ]
        (data / "test.jsonl").write_text("\n".join(text) + "\n")
        rates: dict[str, list[float]] = {"Inspect alone": [], "ours": []}
        # CPU time too: on a machine with other work it says more than rows a second.
        costs: dict[str, list[float]] = {"Inspect alone": [], "ours": []}
        builders = {"Inspect alone": inspect_alone, "ours": ours}
        for turn in range(args.rounds):
            for name in list(builders) if turn % 2 == 0 else list(builders)[::-1]:
                task = builders[name](str(data.parent))
                start, cpu = time.perf_counter(), time.process_time()
                if name == "ours":
                    ask_all([task], Backend("stub", base_url=url), Path(folder) / f"ours-{turn}", silent=True)
                else:
                    inspect_ai.eval(
                        task,
                        model=model,
                        max_connections=256,
                        log_dir=f"{folder}/alone",
                        display="none",
                        ctl_server=False,
                    )
                rates[name].append(args.rows / (time.perf_counter() - start))
                costs[name].append(1000 * (time.process_time() - cpu) / args.rows)
                print(
                    f"round {turn + 1}, {name}: {rates[name][-1]:.1f} rows a second, {costs[name][-1]:.1f} ms of CPU a row",
                    flush=True,
                )
        speed, cost = ({name: statistics.median(found[name]) for name in found} for found in (rates, costs))
        print(f"ours / Inspect alone: {speed['ours'] / speed['Inspect alone']:.3f} in rows a second (medians)")
        print(f"Inspect alone / ours: {cost['Inspect alone'] / cost['ours']:.3f} in CPU time a row (medians)")
        log = find_logs([Path(folder) / "ours-0"])[0]
        start = time.perf_counter()
        result = read_result(log, "judge")
        seconds = time.perf_counter() - start
        print(
            f"reading a log and grading its {len(result.outcomes):,} rows again: {1000 * seconds / len(result.outcomes):.2f} ms a row"
        )
    server.terminate()
    server.join()
    return 0


if __name__ == "__main__":
    sys.exit(main())

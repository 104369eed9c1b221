"""Kill a run at a random moment with -9, start the same command again, and compare with a run that nobody killed.

    python tests/faults/kill_resume.py --cycles 40 --output_dir runs/kill_resume      # goes on where it was stopped

Every cycle takes the next mode, kills once or twice, and must end with the same rows, the same completions and the same
weights, bit for bit. With the vLLM server (`--served`) rows and completions must be the same, and with them the seed of
each request; weights and logged numbers may differ by TOLERANCE, and no process of a server may be left. One JSON line a
cycle in cycles.jsonl, a table at the end; exit 1 when a cycle differs.
"""

import argparse
import hashlib
import json
import math
import random
import shutil
import sys
import time
from collections import Counter
from pathlib import Path

import pyarrow.parquet
from safetensors.torch import load_file
from tqdm import tqdm

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "src")]

from rollouts.process_watch import Watch  # noqa: E402
from runs import GRPO, SFT, Launched, Run  # noqa: E402
from tiny_model import save_tiny_model  # noqa: E402

# Times, rates and memory differ between two runs of the same numbers.
MEASURED = ("seconds", "time", "runtime", "per_second", "num_tokens", "flos", "memory/")
LEVELS = [0.1, 0.5, 0.9]
BATCH = {"num_generations": 4, "per_device_train_batch_size": 4, "gradient_accumulation_steps": 2, "max_steps": 6}

# mode -> (task, what the recipe changes)
MODES = {
    "SFT": ("sft", {"max_steps": 12}),
    "SFT, three epochs": ("sft", {"max_steps": -1, "num_train_epochs": 3, "save_strategy": "epoch"}),
    "SFT, packed": ("sft", {"packing": True, "max_length": 64, "save_steps": 2}),
    "GRPO": ("grpo", BATCH),
    "GRPO, several epochs": ("grpo", BATCH | {"max_steps": 14, "save_steps": 3}),
    "GRPO, two updates a generation": ("grpo", BATCH | {"steps_per_generation": 4, "save_steps": 1}),
    "GRPO, num_iterations 2": ("grpo", BATCH | {"num_iterations": 2, "save_steps": 3}),
    "GRPO, save_strategy epoch": ("grpo", BATCH | {"max_steps": -1, "num_train_epochs": 1, "save_strategy": "epoch"}),
    "GRPO, phases": ("grpo", BATCH | {"curriculum": {"strategy": "phases", "reward": "format"}}),
    "GRPO, mix": ("grpo", BATCH | {"per_device_train_batch_size": 12, "curriculum": {"strategy": "mix", "reward": "format"}}),
    "GRPO, adaptive": ("grpo", BATCH | {"curriculum": {"strategy": "adaptive", "reward": "letters"}}),
    "GRPO, dynamic sampling": ("grpo", BATCH | {"dynamic_sampling": {"max_rounds": 3, "reward": "letters"}}),
    "GRPO, reference model": ("grpo", BATCH | {"beta": 0.04}),
}  # fmt: skip
LONGEST_DELAY = 0.3  # seconds from a step to the kill: a step takes about 0.1, a checkpoint too
# Started by accelerate, a minute each.
LAUNCHED = {
    "SFT, ZeRO-3 on two processes": ("sft", {"max_steps": 6, "per_device_train_batch_size": 2}),
    "GRPO, ZeRO-3 on two processes": ("grpo", BATCH | {"max_steps": 4, "gradient_accumulation_steps": 1}),
}
# With a vLLM server of their own, a minute each.
SERVED = {
    "GRPO, vLLM server": ("grpo", BATCH | {"use_vllm": True, "weight_sync": "folder", "save_steps": 2}),
}
# Between the weights of two runs that sampled the same: vLLM computes a prompt's log-probs in batches as they come, and
# they correct TRL's loss.
TOLERANCE = 1e-6
# A reward that random models earn now and then, so that groups differ.
REWARD = '''"""1 where most of a completion's characters are ASCII letters."""


def letters(completions, **kwargs):
    texts = [completion[-1]["content"] for completion in completions]
    return [float(sum(one.isascii() and one.isalpha() for one in text) * 4 > len(text)) for text in texts]
'''


def prepare(folder: Path) -> None:
    """The tiny model and the rows of both tasks in `folder`."""
    save_tiny_model(folder / "model")
    for task in ("grpo", "sft"):
        rows = []
        for number in range(24):
            asked = {"role": "user", "content": f"{number}?"}
            told = {"role": "assistant", "content": f"<answer>{number}</answer>"}
            grpo = {"question": f"Which is {number}?", "answer": "AB"[number % 2], "difficulty": LEVELS[number % 3]}
            rows.append(grpo if task == "grpo" else {"messages": [asked, told]})
        (folder / f"{task}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def start(mode: str, data: Path, folder: Path) -> Run | Launched:
    """The run of a mode in `folder`, which also marks its server's processes."""
    task, changes = (MODES | LAUNCHED | SERVED)[mode]
    folder.mkdir(parents=True, exist_ok=True)
    recipe = {"grpo": GRPO, "sft": SFT}[task] | {
        "model_name_or_path": str(data / "model"),
        "dataset_name": str(data / f"{task}.jsonl"),
        "output_dir": str(folder / "run"),
    }
    if task == "grpo":
        (folder / "letter_share.py").write_text(REWARD)
        recipe |= {"reward_funcs": ["format", "letter_share.letters"], "reward_args": None, "temperature": 1.0}
        changes = {key: _our_name(value) for key, value in changes.items()}
    return (Launched if mode in LAUNCHED else Run)(task, folder, recipe | changes, KILL_RESUME=str(folder))


def _our_name(value):
    """`letters` as the recipe must call it."""
    if isinstance(value, dict) and value.get("reward") == "letters":
        return value | {"reward": "letter_share.letters"}
    return value


def outcome(output: Path) -> dict:
    """What a finished run left: its logs without measured times, every completion with its rewards, and its weights."""
    logs = [json.loads(line) for line in (output / "metrics.jsonl").read_text().splitlines()]
    kept = [
        {key: value for key, value in row.items() if not any(word in key for word in MEASURED)}
        for row in logs
        if "train_runtime" not in row
    ]
    # As text, in which what is no number equals itself.
    tables = {
        path.name: repr(pyarrow.parquet.read_table(path).to_pylist())
        for path in sorted(output.glob("completions/train/*.parquet"))
    }
    weights = hashlib.sha256((output / "model.safetensors").read_bytes()).hexdigest()
    return {"logs": kept, "completions": tables, "weights": weights}


def close(one: list[dict], other: list[dict]) -> bool:
    """Whether two runs logged the same steps and, but for TOLERANCE, the same numbers."""
    return len(one) == len(other) and all(
        row.keys() == again.keys()
        and all(math.isclose(row[key], again[key], rel_tol=TOLERANCE, abs_tol=TOLERANCE) for key in row)
        for row, again in zip(one, other, strict=True)
    )


def weights_apart(one: Path, other: Path) -> float:
    """The largest difference of two runs' final weights."""
    weights, others = (load_file(output / "model.safetensors") for output in (one, other))
    return max(float((weights[name] - others[name]).abs().max()) for name in weights)


def cycle(mode: str, number: int, data: Path, folder: Path) -> dict:
    """Kill and resume one run; the reference of its mode is made once. Returns the line for cycles.jsonl."""
    reference = data / "references" / mode.replace(" ", "_").replace(",", "")
    if not (reference / "whole").exists():
        shutil.rmtree(reference, ignore_errors=True)
        whole = start(mode, data, reference)
        if whole.code:
            raise SystemExit(f"{mode}: the run that nobody kills ends with {whole.code}: {whole.said[-3000:]}")
        (reference / "whole").touch()
    length, servers = len(Run.steps_of(reference / "run")), Watch(str(folder))
    chance = random.Random(f"{mode} {number}")
    shutil.rmtree(folder, ignore_errors=True)
    kills = []
    for _ in range(chance.choice([1, 1, 2])):
        run, after, delay = start(mode, data, folder), chance.randrange(length), chance.uniform(0, LONGEST_DELAY)
        while run.process.is_alive() and len(run.steps()) < after:
            time.sleep(0.002)
        run.process.join(delay)
        if not run.process.is_alive():
            break
        kills.append({"step": len(run.steps()), "checkpoints": run.checkpoints()})
        run.kill()
        if not servers.gone(60):
            return {"cycle": number, "mode": mode, "kills": kills, "equal": False, "left": str(servers.living())}
    run = start(mode, data, folder)
    result = {"cycle": number, "mode": mode, "kills": kills, "code": run.code}
    if run.code:
        return result | {"equal": False, "said": run.said[-2000:]}
    expected, found = outcome(reference / "run"), outcome(run.output)
    assert expected["completions"] or "SFT" in mode, "no completions to compare"
    different = {what for what in expected if expected[what] != found[what]}
    if mode in SERVED:
        result["weights_apart"] = weights_apart(reference / "run", run.output)
        different -= {"weights"} if result["weights_apart"] <= TOLERANCE else set()
        different -= {"logs"} if close(expected["logs"], found["logs"]) else set()
    if not servers.gone():
        result["left"] = str(servers.living())
    result["different"] = sorted(different)
    result["equal"] = not different and "left" not in result
    if result["equal"]:
        shutil.rmtree(folder)
    return result


def main() -> int:
    """Run the cycles that are not done yet; returns 1 when one of all differs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cycles", type=int, default=40)
    parser.add_argument("--launched", action="store_true", help="also ZeRO-3 on two processes, some minutes a cycle")
    parser.add_argument(
        "--served", action="store_true", help="also with the run's own vLLM server, some minutes a cycle"
    )
    parser.add_argument("--output_dir", type=Path, default=ROOT / "runs/kill_resume")
    args = parser.parse_args()
    args.output_dir.mkdir(parents=True, exist_ok=True)
    if not (args.output_dir / "model").exists():
        prepare(args.output_dir)
    file = args.output_dir / "cycles.jsonl"
    done = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
    modes = list(MODES | (LAUNCHED if args.launched else {}) | (SERVED if args.served else {}))
    for number in tqdm(range(len(done), args.cycles), desc="cycles"):
        done.append(cycle(modes[number % len(modes)], number, args.output_dir, args.output_dir / f"cycle-{number}"))
        with file.open("a") as lines:
            lines.write(json.dumps(done[-1]) + "\n")
    print("| mode | cycles | kills | equal to the run that nobody killed |\n|---|---|---|---|")
    for mode in modes:
        own = [one for one in done if one["mode"] == mode]
        if own:
            print(
                f"| {mode} | {len(own)} | {sum(len(one['kills']) for one in own)} | {sum(one['equal'] for one in own)} |"
            )
    print(
        f"{sum(one['equal'] for one in done)} of {len(done)} equal; {Counter(len(one['kills']) for one in done)[0]} ended before a kill"
    )
    return 0 if all(one["equal"] for one in done) else 1


if __name__ == "__main__":
    sys.exit(main())

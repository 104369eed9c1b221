"""The gap between judges on a file of completions: ours, HuatuoGPT-compatible, and MMLU-Pro's own patterns.

    python benchmarks/judges.py TRANSCRIPTS.jsonl

Each line has `options`, `answer` and `completion`. Accuracy counts every line; "no answer" is wrong.
"""

import argparse
import json
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from open_r1.answers import extract_choice
from open_r1.answers.huatuo import read_two
from open_r1.evaluation.table import markdown

MMLU_PRO = [re.compile(r"answer is \(?([A-J])\)?"), re.compile(r".*[aA]nswer:\s*([A-J])"), re.compile(r"\b[A-J]\b(?!.*\b[A-J]\b)", re.DOTALL)]  # fmt: skip


def mmlu_pro(text: str, options: dict[str, str]) -> str | None:
    """MMLU-Pro's three patterns in their order, without the random guess that its script makes when none matches."""
    for pattern in MMLU_PRO:
        if found := pattern.search(text):
            return found[found.re.groups]
    return None


JUDGES: dict[str, Callable[[str, dict[str, str]], str | None]] = {
    "ours": extract_choice,
    "HuatuoGPT-compatible, first": lambda text, options: read_two(text, options).first,
    "HuatuoGPT-compatible, last": lambda text, options: read_two(text, options).last,
    "MMLU-Pro's patterns, no guess": mmlu_pro,
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("transcripts", type=Path)
    parser.add_argument("--copies", type=int, default=1, help="grade every line so many times, to time a large file")
    args = parser.parse_args()
    rows = [json.loads(line) for line in args.transcripts.read_text(encoding="utf-8").splitlines()] * args.copies
    table = []
    for name, judge in JUDGES.items():
        start = time.perf_counter()
        letters = [judge(row["completion"], row["options"]) for row in rows]
        seconds = time.perf_counter() - start
        right = sum(letter == row["answer"] for letter, row in zip(letters, rows, strict=True))
        silent = letters.count(None)
        differs = sum(letter != ours for letter, ours in zip(letters, table[0][-1], strict=True)) if table else 0
        table.append([name, right, silent, differs, seconds, letters])
    print(f"{len(rows):,} completions of {args.transcripts.name}\n")
    header = ["judge", "right %", "no answer", "wrong", "differs from ours", "seconds"]
    cells = [
        [
            name,
            f"{100 * right / len(rows):.2f}",
            str(silent),
            str(len(rows) - right - silent),
            str(differs),
            f"{seconds:.2f}",
        ]
        for name, right, silent, differs, seconds, _ in table
    ]
    print(markdown(header, cells))
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""How long scripts/data_prepare.py takes on full-size input, and how much memory, as a whole process.

    python benchmarks/data_prepare.py

Writes synthetic files as long as the official ones (10,178 MedQA-USMLE rows, 2,450 MedXpertQA rows) into a temporary
folder and runs the script on them. Goal: under 3 s and under 400 MB.
"""

import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[1] / "scripts" / "data_prepare.py"
RUNS = 7
SENTENCE = (
    "patient fever cough chest pain dyspnea history examination pressure serum sodium creatinine therapy diagnosis "
    "biopsy lesion which following most likely year-old woman man presents with after days of the and in"
)
WORDS = SENTENCE.split()


def text(rng: random.Random, characters: int) -> str:
    """About so many characters of words."""
    return " ".join(rng.choices(WORDS, k=characters // 7))


def medqa_row(rng: random.Random) -> dict:
    """A row as long as a real one: 750 characters of stem, four options of 25, the phrases that MetaMap found."""
    options = {letter: text(rng, 27) for letter in "ABCD"}
    letter = rng.choice("ABCD")
    return {
        "question": text(rng, 750),
        "answer": options[letter],
        "options": options,
        "meta_info": rng.choice(["step1", "step2&3"]),
        "answer_idx": letter,
        "metamap_phrases": [text(rng, 14) for _ in range(30)],
    }


def medxpertqa_row(rng: random.Random, number: int) -> dict:
    """A row as long as a real one: 700 characters of stem, ten options of 35, and the options again inline."""
    options = {letter: text(rng, 35) for letter in "ABCDEFGHIJ"}
    inline = " ".join(f"({letter}) {option}" for letter, option in options.items())
    return {
        "id": f"Text-{number}",
        "question": f"{text(rng, 700)}\nAnswer Choices: {inline}",
        "options": options,
        "label": rng.choice("ABCDEFGHIJ"),
        "medical_task": "Diagnosis",
        "body_system": "Cardiovascular",
        "question_type": rng.choices(["Reasoning", "Understanding"], [3, 1])[0],
    }


def write_jsonl(path: Path, rows) -> None:
    """One row a line."""
    path.parent.mkdir(parents=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def measure(command: list[str]) -> tuple[float, float, float]:
    """(seconds, seconds of CPU, peak resident memory in MB) of one whole process."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(command)} failed")
    return time.perf_counter() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def main() -> None:
    """Prints a table for a mixture and for training on every MedQA row."""
    rng = random.Random(0)
    print("| run | rows written | seconds, median | seconds, slowest | CPU seconds, median | peak memory, MB |")
    print("|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write_jsonl(root / "medqa/train.jsonl", (medqa_row(rng) for _ in range(10_178)))
        write_jsonl(root / "medxpertqa/Text/test.jsonl", (medxpertqa_row(rng, number) for number in range(2_450)))
        for name, rows, flags in (
            ("upstream's default flags", "1,580 + 1,960", []),
            ("every MedQA row", "10,668 + 1,960", ["--usmle_nums", "10178"]),
        ):
            command = [sys.executable, str(SCRIPT), "--medqa_usmle_root", str(root / "medqa"), *flags]
            command += [
                "--medxpertqa_root",
                str(root / "medxpertqa"),
                "--output_dir",
                str(root / "out"),
                "--overwrite",
            ]
            seconds, cpu, memory = zip(*(measure(command) for _ in range(RUNS)), strict=True)
            print(
                f"| {name} | {rows} | {statistics.median(seconds):.2f} | {max(seconds):.2f} "
                f"| {statistics.median(cpu):.2f} | {max(memory):.0f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()

"""How many long completions the judge grades in a second on one core, beside math-verify on the same ones.

    python benchmarks/grading.py --output benchmarks/results/grading.md

Completions of about 2,000 tokens (8,000 to 9,000 characters of reasoning) end in varied forms: sentences, boxes, tags,
JSON, option texts, corrections, two answers, none. Each rate is the median of several runs over all of them. Goal:
5,000 completions a second.
"""

import argparse
import datetime
import platform
import random
import statistics
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "src"))

from math_verify import parse, verify  # noqa: E402

from open_r1.answers import extract  # noqa: E402

OPTIONS = {
    "A": "Addison disease",
    "B": "Primary hyperaldosteronism",
    "C": "Cushing syndrome",
    "D": "Pheochromocytoma",
    "E": "Renal artery stenosis",
}
SENTENCES = (
    "The patient is a {age}-year-old with a blood pressure of {high}/{low} mm Hg and a potassium of 3.{dot} mEq/L.",
    "Option {letter} would explain the hypertension, but it would not explain the skin findings.",
    "Let me think about the mechanism: excess cortisol acts on mineralocorticoid receptors when the enzyme is saturated.",
    "On the other hand, {text} usually presents with other symptoms, so it is less likely here.",
    "Wait, the question says that the plasma renin activity is low, which matters for the differential diagnosis.",
    "A low renin with a high aldosterone would point to the adrenal gland; however, the ratio is only {dot}.{age}.",
    "If the answer is {letter}, then we would expect an episodic headache, sweating and palpitations.",
    "The dexamethasone suppression test is abnormal, since the morning cortisol is {high} nmol/L after {dot} mg.",
    "I should also consider drugs: glucocorticoids, liquorice, oral contraceptives and sympathomimetics.",
    "Vitamin D, hepatitis B and H. pylori have no place in this differential.",
)
ENDINGS = (
    ("\n\nThe answer is ({letter}).", 5),
    ("\n\nFinal answer: **{letter}**", 2),
    ("\n\n\\boxed{{{letter}}}", 3),
    ("\n</think>\n\n<answer>{letter}</answer>", 4),
    ("\n</think>\n\n<answer>{letter}. {text}</answer>", 2),
    ('\n\n{{"answer": "{letter}"}}', 1),
    (
        "\n\n## Final Response\n\nGiven these findings, the most likely diagnosis is **{text}**. It should be treated.",
        2,
    ),
    ("\n\nTherefore, the most likely diagnosis is {text}.", 1),
    ("\n\nThe answer is A. Wait, that is wrong. So the correct answer is therefore {letter}.", 1),
    ("\n\nThe answer is (A) or ({letter}).", 1),
    ("\n\nWe should now compare the", 1),
)


def completions(count: int, seed: int) -> list[str]:
    """Reasoning of 8,000 to 9,000 characters with an ending each; the same seed gives the same texts."""
    rng = random.Random(seed)
    endings = [ending for ending, weight in ENDINGS for _ in range(weight)]
    texts = []
    for _ in range(count):
        length, parts, size = rng.randint(8000, 9000), [], 0
        while size < length:
            letter = rng.choice("ABCDE")
            fields = {"age": rng.randint(20, 80), "high": rng.randint(130, 220), "low": rng.randint(60, 110)}
            sentence = rng.choice(SENTENCES).format(
                letter=letter, text=OPTIONS[letter], dot=rng.randint(1, 9), **fields
            )
            parts.append(sentence + ("\n\n" if rng.random() < 0.15 else " "))
            size += len(parts[-1])
        letter = rng.choice("BCDE")
        texts.append("".join(parts) + rng.choice(endings).format(letter=letter, text=OPTIONS[letter]))
    return texts


def rate(function, texts: list[str], repeats: int) -> float:
    """Median texts a second of CPU time over several runs: what one core does, whatever else the machine is doing."""
    rates = []
    for _ in range(repeats):
        start = time.process_time()
        for text in texts:
            function(text)
        rates.append(len(texts) / (time.process_time() - start))
    return statistics.median(rates)


def main() -> None:
    parser = argparse.ArgumentParser(description="Grading rate of the judge beside math-verify's.")
    parser.add_argument("--completions", type=int, default=2000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--hardware", default="2-core CPU", help="what to call this machine in the table")
    parser.add_argument("--output", type=Path, help="write the table here as Markdown too")
    args = parser.parse_args()
    texts = completions(args.completions, seed=0)
    judge = rate(lambda text: extract(text, OPTIONS), texts, args.repeats)
    gold = parse("$C$", parsing_timeout=None)
    few = texts[: max(1, len(texts) // 20)]
    math_verify = rate(
        lambda text: verify(gold, parse(text, parsing_timeout=None), timeout_seconds=None), few, args.repeats
    )
    length = statistics.mean(map(len, texts))
    table = (
        f"# Grading rate\n\n{datetime.date.today()}, {args.hardware}, one core used, Python {platform.python_version()}.\n"
        f"{len(texts)} completions of {length:,.0f} characters on average (about 2,000 tokens), median of {args.repeats} runs, CPU time;\n"
        f"math-verify (parse and verify) on {len(few)} of them.\n\n"
        f"    python benchmarks/grading.py --output benchmarks/results/grading.md\n\n"
        f"| judge | completions a second |\n|---|---|\n| open_r1.answers.extract | {judge:,.0f} |\n"
        f"| math-verify | {math_verify:,.0f} |\n"
    )
    print(table)
    if args.output:
        args.output.parent.mkdir(parents=True, exist_ok=True)
        args.output.write_text(table, encoding="utf-8")


if __name__ == "__main__":
    main()

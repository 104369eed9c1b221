"""Does a prepared training folder hold questions of the benchmarks, word for word or nearly?

    python scripts/decontaminate.py ./data/xpert_usmle --data_root DATA [--output pairs.jsonl]

Compares the questions without their options, normalised: n-grams in common, likeness, and where both have a passage (a note, an
abstract) that of the passages. Prints how many training rows are like a row of each benchmark in DATA_ROOT; `--output` lists the pairs by id, without their text. Exit code 1 when there are any.
"""

import argparse
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from open_r1.evaluation.presets import BENCHMARKS, OFFICIAL_ROWS
from open_r1.questions import BadRow, DataError, load
from open_r1.questions.similar import similar


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="prepared by scripts/data_prepare.py; its train split is compared")
    parser.add_argument("--data_root", type=Path, required=True, help="one folder per dataset in the raw layouts")
    parser.add_argument("--shared", type=float, default=0.5, help="n-grams in common (default: %(default)s)")
    parser.add_argument("--likeness", type=float, default=0.8, help="of the words (default: %(default)s)")
    parser.add_argument("--output", type=Path, help="the pairs as JSON lines")
    args = parser.parse_args(argv)
    try:
        train = load(str(args.folder), split="train")
        pairs, compared = [], 0
        for name, benchmark in BENCHMARKS.items():
            root, split = args.data_root / benchmark.dataset, OFFICIAL_ROWS[name].split
            if not root.is_dir():
                print(f"{name}: NOT compared, {root} is not there")
                continue
            questions = load(benchmark.dataset, root, "all" if name == "pubmedqa" else split)
            compared += 1
            found = similar(train, questions, args.shared, args.likeness)
            pairs += [(name, pair) for pair in found]
            print(
                f"{name}: {len(found):,} of {len(train):,} training rows are like one of its {len(questions):,} questions"
            )
        if not compared:
            raise DataError(f"{args.data_root}: holds none of {', '.join(b.dataset for b in BENCHMARKS.values())}")
        if args.output:
            with args.output.open("w", encoding="utf-8") as lines:
                for name, pair in pairs:
                    ids = {"train": [pair.train.source, pair.train.id], "benchmark": name, "id": pair.evaluation.id}
                    scores = {"shared": round(pair.shared, 3), "likeness": round(pair.likeness, 3)}
                    lines.write(json.dumps(ids | scores) + "\n")
    except (BadRow, DataError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 1 if pairs else 0


if __name__ == "__main__":
    sys.exit(main())

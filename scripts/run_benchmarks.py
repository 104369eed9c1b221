"""Several models on the benchmarks, one after the other, and one table of them all with paired differences to the first.

    python scripts/run_benchmarks.py MODEL [MODEL ...] --preset huatuo --num_gpus 4

The first model is the base: the others are compared with it question by question. Flags that this script does not know go
to src/open_r1/evaluate.py as they are (--task, --data_root, --backend, --samples, ...). The same command again goes on where it
stopped. Writes OUTPUT_DIR/table.md and one folder of logs and results per model.
"""

import argparse
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from open_r1.evaluation.presets import BENCHMARKS, PRESETS

ROOT = Path(__file__).resolve().parents[1]


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", metavar="MODEL", help="folders or hub names; the first is the base")
    parser.add_argument("--preset", default="huatuo", choices=list(PRESETS))
    parser.add_argument("--output_dir", type=Path, default=Path("runs/benchmarks"))
    args, rest = parser.parse_known_args(argv)
    names = [Path(model).name for model in args.models]
    if len(set(names)) < len(names):
        print(
            "error: two models of the same name; give them other folder names, results lie under it", file=sys.stderr
        )
        return 2

    # ---- ask every model
    folders = [args.output_dir / name / args.preset for name in names]
    incomplete = False
    for model, folder in zip(args.models, folders, strict=True):
        command = [sys.executable, str(ROOT / "src/open_r1/evaluate.py"), "--model", model, "--preset", args.preset]
        code = subprocess.run([*command, "--output_dir", str(folder), *rest]).returncode
        if code not in (0, 1):
            return code
        incomplete |= code == 1

    # ---- one table (imported here: a mistake on the command line should not wait for Inspect)
    from open_r1.evaluation.results import find_logs, read_results
    from open_r1.evaluation.table import comparison_table, detail_table, judges_table, main_table

    logs = find_logs(folders)
    results = read_results(logs)
    base = [result for result in results if result.model == args.models[0]]
    others = [result for result in results if result.model != args.models[0]]
    parts = [main_table(results), detail_table(results)]
    if others:
        parts.append(comparison_table(others, base))
    if any(result.benchmark in BENCHMARKS for result in results):
        parts.append(judges_table(logs))
    text = "\n\n".join(parts) + "\n"
    (args.output_dir / "table.md").write_text(text, encoding="utf-8")
    print(f"\n{text}\ntable.md and the logs: {args.output_dir}")
    return int(incomplete)


if __name__ == "__main__":
    sys.exit(main())

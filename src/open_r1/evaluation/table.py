"""Tables of evaluations in Markdown, with the field's published rows beside ours.

    python -m open_r1.evaluation.table LOG... [--base LOG...] [--rescore huatuo]

LOG is an .eval file or a folder of them. `--base` adds the paired comparison, `--rescore huatuo` grades the same
completions by a HuatuoGPT-compatible scorer and prints the gap between the judges.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from open_r1.evaluation.markdown import markdown, percent
from open_r1.evaluation.presets import BENCHMARKS, SIX
from open_r1.evaluation.results import RESCORES, Result, compare_results, find_logs, read_results
from open_r1.questions import DataError

# Tab. 1 of Qsingle/open-medical-r1, in percent, in the order of SIX. Its scorer is HuatuoGPT-o1's.
PUBLISHED = {
    "QwQ-32B": (67.32, 80.13, 75.80, 73.88, 60.77, 20.92),
    "HuatuoGPT-o1-7B": (63.57, 71.56, 78.50, 67.17, 52.56, 15.51),
    "Dataset1": (51.64, 55.53, 74.70, 58.04, 41.79, 14.89),
    "Dataset2": (52.61, 54.91, 76.80, 58.17, 45.38, 15.36),
    "Dataset3": (55.01, 56.48, 76.50, 50.81, 36.66, 12.60),
}


def main_table(results: Sequence[Result]) -> str:
    """One row a model and preset and one column a benchmark, published rows first; accuracy in % and 95% interval."""
    ours: dict[tuple[str, str], dict[str, str]] = {}
    own = [result for result in results if result.benchmark in BENCHMARKS]
    for result in own:
        found = result.summary["accuracy"]
        cell = f"{percent(found['value'])} [{percent(found['low'])}, {percent(found['high'])}]"
        ours.setdefault((result.model, result.preset), {})[result.benchmark] = cell + ("" if result.complete else " *")
    names = [*SIX, *(name for name in BENCHMARKS if name not in SIX and any(name in row for row in ours.values()))]
    rows = [[f"{name} (published)", *(f"{value:.2f}" for value in values)] for name, values in PUBLISHED.items()]
    rows += [
        [f"{Path(model).name} ({preset})", *(row.get(name, "") for name in names)]
        for (model, preset), row in ours.items()
    ]
    width = len(names) + 1
    table = markdown(
        ["accuracy in %, 95% interval", *(BENCHMARKS[n].title for n in names)],
        [r + [""] * (width - len(r)) for r in rows],
    )
    notes = ["Published: Tab. 1 of Qsingle/open-medical-r1, another scorer and no intervals."]
    if any(not result.complete for result in own):
        notes.append("\\* not the whole benchmark: a number of a try, not a score.")
    return table + "\n\n" + "\n".join(notes)


def detail_table(results: Sequence[Result]) -> str:
    """Counts behind each accuracy: what was asked, what abstained, broke off, was empty or failed."""
    rows = []
    for result in results:
        summary = result.summary
        counts, found = summary["counts"], summary["accuracy"]
        pass_at = f"{percent(summary['pass_at_k'])} (k={summary['samples']})" if "pass_at_k" in summary else ""
        rows.append(
            [
                Path(result.model).name,
                f"{result.benchmark} ({result.preset})",
                f"{summary['questions']:,}",
                f"{summary['rows']:,}",
                f"{percent(found['value'])} [{percent(found['low'])}, {percent(found['high'])}]",
                pass_at,
                *(
                    f"{counts[name]} ({percent(counts[name] / summary['rows'])})"
                    for name in ("abstained", "truncated", "empty", "failed")
                ),
                "" if summary["mean_tokens"] is None else f"{summary['mean_tokens']:.1f}",
            ]
        )
    header = [
        "model",
        "task",
        "questions",
        "rows",
        "accuracy %",
        "pass@k %",
        "abstained",
        "truncated",
        "empty",
        "failed",
        "tokens",
    ]
    return markdown(header, rows)


def group_table(result: Result) -> str:
    """Accuracy by body system, question type, subject and the like; empty when a benchmark has none."""
    rows = [
        [
            group,
            name,
            str(found["rows"]),
            f"{percent(found['value'])} [{percent(found['low'])}, {percent(found['high'])}]",
        ]
        for group, parts in result.summary["groups"].items()
        for name, found in parts.items()
        if len(parts) > 1
    ]
    return markdown([result.benchmark, "part", "rows", "accuracy %"], rows) if rows else ""


def comparison_table(results: Sequence[Result], bases: Sequence[Result]) -> str:
    """Each result minus the base of its benchmark and preset on the same questions; raises DataError when none fits."""
    known = {(base.benchmark, base.preset): base for base in bases}
    rows = []
    for result in results:
        base = known.get((result.benchmark, result.preset))
        if base is None:
            raise DataError(
                f"{result.log}: no base log of {result.benchmark} with preset {result.preset} among those of --base"
            )
        try:
            found = compare_results(result, base)
        except ValueError as error:
            raise DataError(f"{result.log} and {base.log}: {error}") from None
        interval = f"{100 * found['difference']:+.2f} [{100 * found['low']:+.2f}, {100 * found['high']:+.2f}]"
        rows.append(
            [
                result.benchmark,
                f"{Path(result.model).name} − {Path(base.model).name}",
                f"{found['questions']:,}",
                interval,
                f"{found['better']} / {found['worse']}",
                f"{found['p']:.3g}",
            ]
        )
    return markdown(["task", "difference", "questions", "points, 95% interval", "better / worse", "McNemar p"], rows)


def judges_table(logs: Sequence[Path]) -> str:
    """The same completions under our judge and under the HuatuoGPT-compatible one, which reports its better reading."""
    rows = []
    for ours, last, first in zip(*(read_results(logs, name) for name in RESCORES), strict=True):
        if ours.benchmark in BENCHMARKS and not BENCHMARKS[ours.benchmark].choice:
            continue
        value, last, first = (result.summary["accuracy"]["value"] for result in (ours, last, first))
        gap = max(first, last) - value
        abstained = ours.summary["counts"]["abstained"] + ours.summary["counts"]["empty"]
        rows.append(
            [
                Path(ours.model).name,
                f"{ours.benchmark} ({ours.preset})",
                percent(value),
                str(abstained),
                percent(first),
                percent(last),
                percent(max(first, last)),
                f"{100 * gap:+.2f}",
            ]
        )
    return markdown(
        ["model", "task", "our judge %", "no answer", "HuatuoGPT first %", "last %", "reported %", "gap"], rows
    )


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("logs", type=Path, nargs="+", metavar="LOG")
    parser.add_argument(
        "--base", type=Path, nargs="+", metavar="LOG", help="logs to compare with, question by question"
    )
    parser.add_argument("--rescore", choices=["huatuo"], help="grade the same completions by another scorer too")
    parser.add_argument("--groups", action="store_true", help="accuracy by subject, body system and the like")
    args = parser.parse_args(argv)
    try:
        logs = find_logs(args.logs)
        results = read_results(logs)
        parts = [main_table(results), detail_table(results)]
        if args.groups:
            parts += filter(None, map(group_table, results))
        if args.base:
            parts.append(comparison_table(results, read_results(find_logs(args.base))))
        if args.rescore:
            parts.append(judges_table(logs))
    except (DataError, FileNotFoundError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print("\n\n".join(parts))
    return 0


if __name__ == "__main__":
    sys.exit(main())

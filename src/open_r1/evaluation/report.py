"""What an evaluation leaves besides its logs: results.json, results.md and results.png, all made from the logs."""

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from open_r1.evaluation.presets import BENCHMARKS
from open_r1.evaluation.results import Result, read_results
from open_r1.evaluation.table import detail_table, group_table, main_table


def write_report(logs: Sequence[Path], folder: Path) -> int:
    """Write and print the results of logs; returns 1 when rows failed, so that a script notices, else 0."""
    results = read_results(logs)
    if not results:
        return 1
    parts = [main_table(results)] if any(result.benchmark in BENCHMARKS for result in results) else []
    parts.append(detail_table(results))
    told = "\n".join(f"* {result.told}" for result in results)
    groups = [table for table in map(group_table, results) if table]
    text = "\n\n".join([*parts, told, *groups]) + "\n"
    (folder / "results.md").write_text(text, encoding="utf-8")
    (folder / "results.json").write_text(json.dumps([as_json(result) for result in results], indent=1) + "\n")
    draw(results, folder / "results.png")
    print("\n" + "\n\n".join([*parts, told]))
    failed = sum(result.summary["counts"]["failed"] for result in results)
    if failed:
        causes = Counter(outcome.cause for result in results for outcome in result.outcomes if outcome.failed)
        cause, times = causes.most_common(1)[0]
        print(
            f"\n{failed:,} rows failed and count as wrong; the same command asks them again. {times:,} times: {cause}"
        )
    print(f"\nlogs, results.md, results.json and results.png: {folder}")
    return 1 if failed else 0


def as_json(result: Result) -> dict:
    """A result as plain data."""
    named = {name: getattr(result, name) for name in ("model", "benchmark", "preset", "told", "complete", "settings")}
    return named | {"log": result.log.name, **result.summary}


def draw(results: Sequence[Result], path: Path) -> None:
    """Accuracy with its interval by benchmark and model, as a PNG."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    models = list(dict.fromkeys((result.model, result.preset) for result in results))
    names = list(dict.fromkeys(result.benchmark for result in results))
    figure, axes = pyplot.subplots(figsize=(2 + 1.2 * len(names), 4), layout="constrained")
    for place, (model, preset) in enumerate(models):
        shift = 0.6 * ((place + 0.5) / len(models) - 0.5)
        mine = [result for result in results if (result.model, result.preset) == (model, preset)]
        found = [result.summary["accuracy"] for result in mine]
        axes.errorbar(
            [names.index(result.benchmark) + shift for result in mine],
            [100 * one["value"] for one in found],
            yerr=[
                [100 * (one["value"] - one["low"]) for one in found],
                [100 * (one["high"] - one["value"]) for one in found],
            ],
            fmt="o",
            capsize=3,
            label=f"{Path(model).name} ({preset})",
        )
    axes.set_xticks(range(len(names)), [BENCHMARKS[n].title if n in BENCHMARKS else n for n in names], rotation=20)
    axes.set_xlim(-0.5, len(names) - 0.5)
    axes.set_ylim(0, 100)
    axes.set_ylabel("accuracy in %, 95% interval")
    axes.grid(axis="y", alpha=0.3)
    axes.legend()
    figure.savefig(path, dpi=120)
    pyplot.close(figure)

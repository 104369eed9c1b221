"""A run folder turned into one HTML page and PNG figures."""

from pathlib import Path

from open_r1.report.charts import sections
from open_r1.report.embedded import embed
from open_r1.report.figures import write_figures
from open_r1.report.page import write_page
from open_r1.report.run import read_runs


def default_folder(runs: list[Path]) -> Path:
    """Where a report goes: into the run folder, or beside the first one when several are compared."""
    if len(runs) == 1:
        return runs[0] / "report"
    return runs[0].parent / ("report_" + "_".join(run.resolve().name for run in runs))


def write_report(folders: list[Path], output: Path | None = None) -> Path:
    """Write report.html and figures/*.png for one run or several compared; returns the page's path.

    Raises DataError when a folder is not one of a run.
    """
    runs = read_runs(folders)
    output = output or default_folder(folders)
    output.mkdir(parents=True, exist_ok=True)
    charted = sections(runs)
    write_figures(charted, output / "figures", " and ".join(run.name for run in runs))
    write_page(output / "report.html", runs, charted, embed(runs))
    return output / "report.html"

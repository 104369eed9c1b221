"""See a run: what training did, what the model said, and whether to trust it, on one page.

    python -m open_r1.report runs/demo/grpo                     # runs/demo/grpo/report/report.html, figures/*.png
    python -m open_r1.report runs/dataset1 runs/dataset2        # overlaid, runs/report_dataset1_dataset2/

Works on finished, running and crashed runs, from their folders alone.
"""

import argparse
import sys
from pathlib import Path

from open_r1.questions import DataError
from open_r1.report import write_report


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m open_r1.report", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN", help="output_dir of a run")
    parser.add_argument("--output_dir", type=Path, help="default: RUN/report, or report_RUN_RUN beside the first")
    args = parser.parse_args(argv)
    try:
        path = write_report(args.runs, args.output_dir)
    except DataError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(f"report: {path}, and figures beside it in figures/")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""The stories of the documentation, done: every shell block marked `<!-- story -->` of a page, in a fresh clone, with times.

    python benchmarks/stories.py                          # all pages that tell one; writes docs/stories.md
    python benchmarks/stories.py own-questions chat       # some of them, printed only

The clone is of the last commit and installs itself, as a reader's would. A story that fails ends here with its output.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
from datetime import date
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "stories.md"
STORIES = {
    "index": "A newcomer's laptop",
    "one-gpu": "A student's one GPU, tried on a CPU",
    "own-questions": "A lab's own questions",
    "chat": "A model to talk to",
}
HEAD = """# The stories, done

Every command of a page's story, in this order, on a fresh clone that had nothing installed. 2 CPU cores, no GPU, {}, load {:.0f} at the
end (1 is one busy core); written by `python benchmarks/stories.py`. Long outputs are cut to their last lines. The hospital's story is
told in [Without internet](air-gapped.md).
"""
KEPT = 12  # lines of a command's output, the last ones
BLOCK = re.compile(r"^<!-- story -->\n+```shell\n(.*?)^```", re.M | re.S)
CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
NOISE = re.compile(r"WARNING|it/s|s/it|examples/s|kernels-community|^\s*$|Location 'file:")
# Each command in one shell, so that `source` and `cd` count; its time behind it.
RUN = r"""
begin=$EPOCHREALTIME
eval "$command" || { echo "[failed: $?]"; exit 1; }
printf '\n[[%s %s]]\n' "$number" "$(python3 -c "print(round($EPOCHREALTIME - $begin, 1))")"
"""


def commands_of(page: Path) -> list[str]:
    """The commands of a page's story, continued lines joined, comments left out."""
    lines = "\n".join(BLOCK.findall(page.read_text(encoding="utf-8"))).replace("\\\n", " ").splitlines()
    return [" ".join(line.split()) for line in lines if line.strip() and not line.lstrip().startswith("#")]


def done(commands: list[str], folder: Path) -> list[tuple[str, list[str], float]]:
    """Runs a story in a folder: each command with the last lines of its output and its seconds."""
    script = ["set -uo pipefail", "export TERM=dumb COLUMNS=140"]
    for number, command in enumerate(commands):
        script += [f"number={number}", f"command={_quoted(command)}", RUN]
    ran = subprocess.run(
        ["bash", "-c", "\n".join(script)], cwd=folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    if ran.returncode:
        sys.exit(f"{ran.stdout[-6000:]}\nthe story failed")
    steps, rest = [], ran.stdout
    for number, command in enumerate(commands):
        said, seconds, rest = re.split(rf"\n\[\[{number} ([\d.]+)\]\]\n", rest, maxsplit=1)
        steps.append((command, _last_lines(said, folder), float(seconds)))
    return steps


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def _last_lines(said: str, folder: Path) -> list[str]:
    """What a reader would still see, without progress bars and this machine's paths."""
    shown = [CONTROL.sub("", line.rpartition("\r")[2]).rstrip() for line in said.splitlines()]
    shown = [line.replace(str(folder), "~/open-medical-r1") for line in shown if not NOISE.search(line)]
    return (["..."] if len(shown) > KEPT else []) + shown[-KEPT:]


def told(title: str, steps: list[tuple[str, list[str], float]]) -> str:
    """A story in Markdown."""
    lines = [f"## {title}", "", f"{sum(seconds for *_, seconds in steps) / 60:.1f} minutes in all.", "", "```text"]
    for command, said, seconds in steps:
        lines += [f"$ {command}", *said, f"                                        [{seconds:.1f} s]", ""]
    return "\n".join([*lines[:-1], "```", ""])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stories", nargs="*", choices=[[], *STORIES], default=[])
    args = parser.parse_args()
    parts = []
    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent) / "open-medical-r1"
        subprocess.run(["git", "clone", "--quiet", ROOT, folder], check=True)
        for name in args.stories or STORIES:
            parts.append(told(STORIES[name], done(commands_of(ROOT / "docs" / f"{name}.md"), folder)))
            print(parts[-1], flush=True)
    if not args.stories:
        # Over the last quarter of an hour; what others run here makes the times longer.
        PAGE.write_text("\n".join([HEAD.format(date.today(), os.getloadavg()[2]), *parts]), encoding="utf-8")


if __name__ == "__main__":
    main()

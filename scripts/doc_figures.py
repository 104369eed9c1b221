"""The figures of the documentation that show how things go together, drawn as SVG into docs/images/.

    python scripts/doc_figures.py            # write them
    python scripts/doc_figures.py --check    # exit 1 when one is not what it would write

Each figure is a list of boxes on a grid and of arrows between them; readers need no script and no network to see it.
"""

import argparse
import sys
from dataclasses import dataclass
from html import escape
from pathlib import Path

IMAGES = Path(__file__).resolve().parents[1] / "docs" / "images"
LINE = 18
FILLS = {"file": "#ffffff", "step": "#d7ecea", "model": "#fdebc8", "frame": "#f3f5f7"}
INK, LIGHT = "#1d2b2a", "#5b6b6a"


@dataclass(frozen=True)
class Box:
    """A box by its left upper corner; `kind` is one of FILLS. The first line is the title, the others say more."""

    x: int
    y: int
    width: int
    height: int
    kind: str
    lines: tuple[str, ...]

    def side(self, name: str, shift: int = 0) -> tuple[int, int]:
        """The middle of a side ('left', 'right', 'top', 'bottom'), moved along it by `shift`."""
        middle = (self.x + self.width // 2 + shift, self.y + self.height // 2 + shift)
        return {
            "left": (self.x, middle[1]),
            "right": (self.x + self.width, middle[1]),
            "top": (middle[0], self.y),
            "bottom": (middle[0], self.y + self.height),
        }[name]

    def svg(self) -> str:
        """A frame has its title in the corner, any other box its lines in the middle."""
        corner = f'x="{self.x}" y="{self.y}" width="{self.width}" height="{self.height}" rx="6"'
        dash = ' stroke-dasharray="5 4"' if self.kind == "frame" else ""
        shape = f'<rect {corner} fill="{FILLS[self.kind]}" stroke="{LIGHT}"{dash}/>'
        if self.kind == "frame":
            return shape + text(self.x + 10, self.y + 20, self.lines[0], "start", "normal", LIGHT)
        top = self.y + self.height / 2 - LINE * (len(self.lines) - 1) / 2 + 5
        return shape + "".join(
            text(self.x + self.width / 2, top + LINE * number, line, "middle", "normal" if number else "bold")
            for number, line in enumerate(self.lines)
        )


@dataclass(frozen=True)
class Arrow:
    """A line through points, with its head at the last one and a label, several lines with newlines, at `at`."""

    points: tuple[tuple[int, int], ...]
    label: str = ""
    at: tuple[int, int] = (0, 0)
    both: bool = False

    def svg(self) -> str:
        places = " ".join(f"{x},{y}" for x, y in self.points)
        start = ' marker-start="url(#head)"' if self.both else ""
        line = f'<polyline points="{places}" fill="none" stroke="{INK}" stroke-width="1.5" marker-end="url(#head)"{start}/>'
        labels = enumerate(self.label.split("\n")) if self.label else ()
        return line + "".join(
            text(self.at[0], self.at[1] + 16 * n, said, "middle", "normal", LIGHT) for n, said in labels
        )


def text(x: float, y: float, said: str, anchor: str, weight: str, colour: str = INK) -> str:
    return f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}" font-weight="{weight}" fill="{colour}">{escape(said)}</text>'


def figure(width: int, height: int, title: str, parts: list[Box | Arrow]) -> str:
    """A whole SVG file, on a light ground so that it can be read in a dark page too."""
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" '
        f'font-family="system-ui, sans-serif" font-size="13"><title>{escape(title)}</title>'
        '<defs><marker id="head" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" markerHeight="8" orient="auto-start-reverse">'
        f'<path d="M0,0 L10,5 L0,10 z" fill="{INK}"/></marker></defs>'
        f'<rect width="{width}" height="{height}" rx="8" fill="#fbfcfc"/>'
    )
    return "\n".join([head, *(part.svg() for part in parts), "</svg>", ""])


def way_of_the_data() -> str:
    """From raw files to a model that was evaluated, and the ways back to the questions."""
    raw = Box(16, 20, 170, 62, "file", ("raw datasets", "or your own questions"))
    prepare = Box(226, 20, 170, 62, "step", ("prepare", "data_prepare.py"))
    folder = Box(436, 20, 190, 62, "file", ("prepared folder", "rows, manifest.json"))
    recipe = Box(666, 20, 160, 62, "file", ("recipe", "one YAML file"))
    train = Box(436, 142, 390, 120, "frame", ("train: sft.py, grpo.py",))
    prompts = Box(462, 186, 150, 56, "model", ("rollouts", "vLLM or transformers"))
    judge = Box(652, 186, 150, 56, "model", ("judge, rewards", "answers/, rewards/"))
    run = Box(436, 322, 390, 62, "file", ("run folder", "model, metrics, completions, report.html"))
    evaluate = Box(226, 322, 170, 62, "step", ("evaluate", "same questions, judge"))
    logs = Box(16, 322, 170, 62, "file", ("logs, results", "every completion"))
    readings = Box(16, 172, 170, 62, "step", ("readings of logs", "difficulty, traces"))
    return figure(
        842,
        404,
        "The way of the data",
        [
            Arrow((raw.side("right"), prepare.side("left"))),
            Arrow((prepare.side("right"), folder.side("left"))),
            Arrow((folder.side("bottom"), (folder.side("bottom")[0], train.y))),
            Arrow((recipe.side("bottom"), (recipe.side("bottom")[0], train.y))),
            train,
            Arrow((prompts.side("right", -10), judge.side("left", -10))),
            Arrow((judge.side("left", 12), prompts.side("right", 12))),
            Arrow((train.side("bottom"), run.side("top"))),
            Arrow((run.side("left"), evaluate.side("right"))),
            Arrow((evaluate.side("left"), logs.side("right"))),
            Arrow((logs.side("top"), readings.side("bottom"))),
            Arrow(
                (readings.side("right"), (311, readings.side("right")[1]), prepare.side("bottom")),
                "back into the data",
                (250, 196),
            ),
            *(raw, prepare, folder, recipe, prompts, judge, run, evaluate, logs, readings),
        ],
    )


def topology() -> str:
    """The processes of one command on a machine with N GPUs, and what passes between them."""
    launch = Box(16, 110, 180, 62, "step", ("accelerate launch", "--num_processes N-1"))
    train = Box(236, 20, 250, 242, "frame", ("training: GPUs 0 to N-2, ZeRO-3",))
    first = Box(266, 56, 190, 62, "step", ("rank 0", "grpo.py"))
    others = Box(266, 176, 190, 62, "step", ("ranks 1 to N-2", "grpo.py"))
    guard = Box(266, 296, 190, 62, "step", ("guard", "watches rank 0"))
    serve = Box(696, 20, 330, 338, "frame", ("rollout server: GPU N-1, 127.0.0.1, own token",))
    api = Box(736, 56, 250, 62, "model", ("vLLM API server", "random port"))
    engine = Box(736, 166, 250, 62, "model", ("engine",))
    worker = Box(736, 276, 250, 62, "model", ("workers", "hold the weights"))
    return figure(
        1042,
        378,
        "Processes of a run on N GPUs",
        [
            *(train, serve),
            Arrow((launch.side("right", -10), first.side("left"))),
            Arrow((launch.side("right", 10), others.side("left"))),
            Arrow((first.side("bottom"), others.side("top")), both=True),
            Arrow((first.side("right", -14), api.side("left", -14)), "prompts (HTTP)", (591, 66)),
            Arrow((api.side("left", 10), first.side("right", 10)), "completions, log-probs", (591, 116)),
            Arrow(
                (first.side("right", 24), (506, 111), (506, 292), worker.side("left", -15)),
                "weights (NCCL or a folder),\nchecked after each sync",
                (602, 240),
            ),
            Arrow((guard.side("right", 13), (serve.x, 340)), "starts it and ends it", (580, 358)),
            Arrow(
                (
                    first.side("left", 20),
                    (250, first.side("left", 20)[1]),
                    (250, guard.side("left")[1]),
                    guard.side("left"),
                )
            ),
            Arrow((api.side("bottom"), engine.side("top")), both=True),
            Arrow((engine.side("bottom"), worker.side("top")), both=True),
            *(launch, first, others, guard, api, engine, worker),
        ],
    )


def training_chain() -> str:
    """From a base model to a published one; every step can be left out."""
    base = Box(16, 80, 130, 62, "model", ("base model",))
    distil = Box(186, 20, 180, 62, "step", ("distil", "generate.py: right traces"))
    sft = Box(406, 20, 130, 62, "step", ("SFT", "sft.py"))
    grpo = Box(576, 80, 130, 62, "step", ("GRPO", "grpo.py"))
    merge = Box(746, 20, 150, 62, "step", ("merge an adapter", "merge_adapter.py"))
    evaluate = Box(936, 80, 140, 62, "step", ("evaluate", "evaluate.py"))
    publish = Box(1116, 80, 160, 62, "step", ("publish", "publish.py"))
    return figure(
        1292,
        176,
        "From a base model to a published one",
        [
            Arrow((base.side("right", -10), distil.side("left"))),
            Arrow((distil.side("right"), sft.side("left"))),
            Arrow((sft.side("right"), grpo.side("left", -10))),
            Arrow((base.side("right", 12), (180, 134), (540, 134), grpo.side("left", 12))),
            Arrow((grpo.side("right", -10), merge.side("left"))),
            Arrow((grpo.side("right", 12), (920, 123), evaluate.side("left", 12))),
            Arrow((merge.side("right"), evaluate.side("left", -10))),
            Arrow((evaluate.side("right"), publish.side("left"))),
            *(base, distil, sft, grpo, merge, evaluate, publish),
        ],
    )


FIGURES = {"way_of_the_data": way_of_the_data, "topology": topology, "training_chain": training_chain}


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    args = parser.parse_args(argv)
    drawn = {IMAGES / f"{name}.svg": draw() for name, draw in FIGURES.items()}
    if args.check:
        return int(any(not path.is_file() or path.read_text(encoding="utf-8") != svg for path, svg in drawn.items()))
    for path, svg in drawn.items():
        path.write_text(svg, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

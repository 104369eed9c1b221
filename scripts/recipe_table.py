"""The table of all recipes in recipes/README.md: model, method, GPUs, memory, expected time.

    python scripts/recipe_table.py            # write it
    python scripts/recipe_table.py --check    # exit 1 when it is not what it would write

Processes and launch file come from each recipe's own command, memory from open_r1.memory with the shapes in tests/memory/shapes.py.
"""

import argparse
import re
import sys
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from memory.shapes import config_of

from open_r1.evaluation.markdown import markdown
from open_r1.memory import ACCELERATE, GIB, Sharding, estimate
from open_r1.recipes import load_recipe, task_of

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "recipes" / "README.md"
START, END = "<!-- table of recipes: scripts/recipe_table.py -->\n", "<!-- end of table -->\n"
HEADER = [
    "recipe",
    "model",
    "method",
    "GPUs: train + serve",
    "launch",
    "GiB a training GPU",
    "GiB a serving GPU",
    "expected time",
]


def row(path: Path) -> list[str]:
    """A recipe's row."""
    head = path.read_text(encoding="utf-8").split("\n\n")[0]
    config = config_of(path)
    launch = re.findall(r"accelerate_configs/(\w+)\.yaml", head)
    processes = int((re.findall(r"--num_processes (\d+)", head) or ["1"])[-1])
    task = task_of(path)
    recipe, _ = load_recipe(task, ["--config", str(path)], num_processes=processes)
    _, training_args, model_args = recipe
    method = "full" if not model_args.use_peft else "QLoRA" if model_args.load_in_4bit else "LoRA"
    time = re.search(r"Expected time(?: and metric)?: ([^.,]*)", head.replace("\n# ", " "))[1]
    cells = [f"`{path.relative_to(ROOT / 'recipes')}`", model_args.model_name_or_path, f"{task.upper()}, {method}"]
    if config is None:
        return [*cells, "CPU", launch[-1] if launch else "python", "", "", time]
    found = estimate(recipe, processes, Sharding.of(ACCELERATE / f"{launch[-1]}.yaml"), config)
    serves = training_args.vllm_tensor_parallel_size if found.server else 0
    memory = [f"{size / GIB:.0f}" if size else "" for size in (found.gpu, found.server_gpu)]
    return [*cells, f"{processes} + {serves}", launch[-1], *memory, time]


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    args = parser.parse_args(argv)
    warnings.simplefilter("ignore", FutureWarning)
    rows = [row(path) for path in sorted((ROOT / "recipes").glob("*/*/*.yaml"))]
    before = README.read_text(encoding="utf-8")
    top, rest = before.split(START)
    after = f"{top}{START}\n{markdown(HEADER, rows)}\n\n{END}{rest.split(END)[1]}"
    if args.check:
        return int(after != before)
    README.write_text(after, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Looks at this machine, and at a recipe on it, and says what is wrong and what to do about it.

    python -m open_r1.doctor                                    # the machine
    python -m open_r1.doctor RECIPE [--num_processes 3] [--key value ...]

Starts nothing, writes nothing, downloads nothing. Exit 0: no `fail`; 1: at least one; 2: the command line is wrong.
"""

from __future__ import annotations  # an older Python must get as far as being told so

import argparse
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

from open_r1.doctor import installed, machine
from open_r1.doctor.finding import Finding, findings_of


def look(
    recipe: Path | None, flags: list[str], num_processes: int | None, port: int | None, accelerate_config: str
) -> Iterator[Finding]:
    """All findings, the ones that others build on first."""
    yield from findings_of("python", installed.look_at_python)
    packages = list(findings_of("packages", installed.look_at_packages))
    yield from packages
    if recipe is None:
        yield from findings_of("vllm", installed.look_at_vllm, False)
        yield from findings_of("gpu", machine.look_at_gpus, False)
        yield from findings_of("memory", machine.look_at_memory)
        return
    if any(finding.status == "fail" for finding in packages):
        yield from findings_of("memory", machine.look_at_memory)
        yield Finding(
            "fail", "recipe", f"{recipe}: not read, since packages are missing", "mend what fails above first"
        )
        return
    yield from _look_at_recipe(recipe, flags, num_processes, port, accelerate_config)


def _look_at_recipe(
    path: Path, flags: list[str], num_processes: int | None, port: int | None, accelerate_config: str
) -> Iterator[Finding]:
    from open_r1.arguments import RecipeError
    from open_r1.doctor import recipe as checks

    warnings.simplefilter("ignore", FutureWarning)  # transformers and TRL warn once per built config
    try:
        recipe = checks.Recipe(path, flags, num_processes)
    except RecipeError as error:
        yield from findings_of("memory", machine.look_at_memory)
        yield Finding("fail", "recipe", str(error), "python -m open_r1.recipes check says more")
        return
    yield Finding("ok", "recipe", f"{path}: {recipe.task}, {recipe.model.model_name_or_path}")
    yield from findings_of("vllm", installed.look_at_vllm, recipe.generates)
    yield from findings_of("gpu", machine.look_at_gpus, recipe.on_gpus)
    yield from findings_of("memory", machine.look_at_memory)
    yield from findings_of("processes", checks.look_at_processes, recipe)
    yield from findings_of("port", checks.look_at_ports, recipe, port)
    yield from findings_of("model", checks.look_at_model, recipe)
    yield from findings_of("estimate", checks.look_at_memory, recipe, accelerate_config)
    yield from findings_of("data", checks.look_at_data, recipe)
    yield from findings_of("output", checks.look_at_output, recipe)


def main(argv: list[str] | None = None) -> int:
    """Print one line for each finding; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m open_r1.doctor", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("recipe", nargs="?", type=Path, help="a recipe to look at on this machine")
    parser.add_argument("--num_processes", type=int, help="training processes; by default what the GPUs allow")
    parser.add_argument("--main_process_port", type=int, help="the port that accelerate launch will be given")
    parser.add_argument("--accelerate_config", default="zero3", help="of recipes/accelerate_configs, for the memory")
    args, flags = parser.parse_known_args(argv)
    if flags and args.recipe is None:
        parser.error(f"{flags[0]}: keys of a recipe need a recipe before them")
    counts = {"ok": 0, "warn": 0, "fail": 0}
    for finding in look(args.recipe, flags, args.num_processes, args.main_process_port, args.accelerate_config):
        counts[finding.status] += 1
        print(finding, flush=True)
    print(f"{counts['ok']} ok, {counts['warn']} warn, {counts['fail']} fail")
    return 1 if counts["fail"] else 0


if __name__ == "__main__":
    sys.exit(main())

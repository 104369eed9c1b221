"""Train a recipe on whatever this machine has: picks the launch file and the number of processes, and says the command.

    make train RECIPE=recipes/Qwen2.5-1.5B-Instruct/grpo/config_one_gpu_lora.yaml
    python -m open_r1.launch RECIPE [--dry_run] [--key value ...]

The rollout server gets its GPUs first, training the largest number of the others that the batch sizes allow. Of the launch files
that suit the recipe's method the first is taken whose memory estimate fits; `open_r1.memory` says what it counts.
"""

import argparse
import os
import shlex
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path

import torch
from transformers import AutoConfig, PreTrainedConfig
from transformers.hf_argparser import string_to_bool

from open_r1.arguments import GRPOConfig, RecipeError
from open_r1.memory import ACCELERATE, GIB, Sharding, estimate
from open_r1.recipes import read_yaml, readings, task_of
from open_r1.rollouts.topology import free_port

ROOT = Path(__file__).resolve().parents[2]
ALONE = ("cpu", "single_gpu")  # launch files of one process, which meets no other
SPARE = 0.95  # of a GPU's memory: the estimate leaves out what the driver keeps


@dataclass(frozen=True)
class Launch:
    """How a recipe is started here: the command, and why it is so, in lines to read."""

    command: list[str]
    reasons: list[str]


def plan_launch(
    recipe: Path, flags: list[str], gpus: list[int], port: int, config: PreTrainedConfig | None = None
) -> Launch:
    """The launch of a recipe on GPUs given by their bytes of memory; an empty list is a machine without one.

    `config` is the model's; without it, it is read from the recipe's folder or the hub, and where that fails memory is not
    estimated, which is said. Raises RecipeError when the recipe cannot run on them, saying what would.
    """
    task, argv = task_of(recipe), ["--config", str(recipe), *flags]
    fits = dict(readings(task, argv))
    if not fits:
        raise RecipeError(
            f"{recipe}: no number of processes fits its batch sizes; `python -m open_r1.recipes check` says why"
        )
    # Loaded for no device in particular, so what the recipe itself says of the CPU is asked apart.
    if _on_cpu(recipe, flags):
        return _launch(task, recipe, flags, "cpu", 1, port, ["the recipe trains on the CPU: one process"])
    if not gpus:
        raise RecipeError(
            f"{recipe}: no GPU visible here, and the recipe trains on GPUs. Run it where there are some, or on the CPU with "
            "`--use_cpu true --bf16 false --dtype float32 --attn_implementation eager` and a small model"
        )
    _, training_args, model_args = next(iter(fits.values()))
    needed = _server_gpus(training_args)
    free = len(gpus) - needed
    processes = max((number for number in fits if number <= free), default=0)
    if not processes:
        ways = ["`vllm_mode: colocate` lets training and vLLM share GPUs"] if needed else []
        ways.append(f"these numbers of training processes fit: {', '.join(map(str, fits))}")
        serving = f", {needed} of them for the vLLM server" if needed else ""
        raise RecipeError(f"{recipe}: {_count(len(gpus), 'GPU')}{serving}: none can train; {'; '.join(ways)}")
    reasons = [f"{_count(len(gpus), 'GPU')}: {processes} to train" + (f", {needed} to serve" if needed else "")]
    if idle := free - processes:
        reasons.append(f"{_count(idle, 'GPU')} left idle: {free} processes do not fit the batch sizes, {processes} do")
    names = _suitable(model_args, processes, bool(needed))
    name, said = _first_that_fits(names, fits[processes], processes, min(gpus), config)
    return _launch(task, recipe, flags, name, processes, port, [*reasons, said])


def _on_cpu(recipe: Path, flags: list[str]) -> bool:
    """Whether recipe or flags say `use_cpu`: arguments built for no device in particular do not tell."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--use_cpu", type=string_to_bool, nargs="?", const=True)
    said = parser.parse_known_args(flags)[0].use_cpu
    return bool(read_yaml(recipe)[0].get("use_cpu")) if said is None else said


def _server_gpus(training_args) -> int:
    """GPUs of the rollout server that the run itself starts."""
    if not isinstance(training_args, GRPOConfig) or not training_args.use_vllm:
        return 0
    if training_args.vllm_mode == "colocate" or training_args.names_a_server:
        return 0
    return training_args.vllm_tensor_parallel_size * training_args.vllm_data_parallel_size


def _suitable(model_args, processes: int, served: bool) -> list[str]:
    """Launch files for the recipe's method, the usual one first."""
    if processes == 1:
        # Beside a server the process must see one GPU more than its own: torchrun keeps it to the first.
        alone = "ddp" if served else "single_gpu"
        return [alone] if model_args.use_peft else [alone, "zero3_offload"]
    if model_args.load_in_4bit or model_args.load_in_8bit:
        return ["ddp"]
    return ["zero2", "zero3"] if model_args.use_peft else ["zero3", "zero3_offload"]


def _first_that_fits(names: list[str], parsed: tuple, processes: int, memory: int, config) -> tuple[str, str]:
    """The first launch file whose estimate fits a GPU of `memory` bytes, or the last one; and a line on it."""
    model_args = parsed[2]
    if config is None:
        try:
            config = AutoConfig.from_pretrained(model_args.model_name_or_path, revision=model_args.model_revision)
        except (OSError, ValueError):  # not here, gated, no network: the run itself says which
            return names[0], f"{names[0]}: the model's configuration cannot be read, so memory is not estimated"
    told = []
    for name in names:
        found = estimate(parsed, processes, Sharding.of(ACCELERATE / f"{name}.yaml"), config)
        told.append(f"{name} needs {found.gpu / GIB:.0f} of {memory / GIB:.0f} GiB a GPU (estimate)")
        if found.gpu <= SPARE * memory:
            return name, ", so not; ".join(told)
    return names[-1], "; ".join(
        told
    ) + ". It may run out of memory: lower per_device_train_batch_size or lengths, or use LoRA"


def _launch(task, recipe, flags, name, processes, port, reasons) -> Launch:
    command = ["accelerate", "launch", "--config_file", f"recipes/accelerate_configs/{name}.yaml"]
    command += ["--num_processes", str(processes)]
    if name not in ALONE:
        command += ["--main_process_port", str(port)]
    return Launch([*command, f"src/open_r1/{task}.py", "--config", str(recipe), *flags], reasons)


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def gpus_here() -> list[int]:
    """The memory of each GPU that is visible here, in bytes."""
    return [torch.cuda.get_device_properties(index).total_memory for index in range(torch.cuda.device_count())]


def main(argv: list[str] | None = None) -> int:
    """Becomes the launch command; returns 2, having started nothing, for a recipe that cannot run here."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", type=Path)
    parser.add_argument("--dry_run", action="store_true", help="print the command, start nothing")
    args, flags = parser.parse_known_args(argv)
    warnings.simplefilter("ignore", FutureWarning)
    try:
        if not args.recipe.is_file():
            raise RecipeError(f"{args.recipe}: no such recipe; recipes/README.md lists those that come along")
        recipe = args.recipe.resolve()
        recipe = recipe.relative_to(ROOT) if recipe.is_relative_to(ROOT) else recipe
        os.chdir(ROOT)
        launch = plan_launch(recipe, flags, gpus_here(), free_port())
    except (RecipeError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print("\n".join([*(f"# {reason}" for reason in launch.reasons), shlex.join(launch.command)]), flush=True)
    if args.dry_run:
        return 0
    # The environment that runs this, whether or not it is activated.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    os.execvpe(launch.command[0], launch.command, os.environ | {"PATH": path})


if __name__ == "__main__":
    sys.exit(main())

"""A recipe read strictly: retired keys translated, unknown keys refused with the nearest valid name.

    python -m open_r1.recipes check recipes/*/grpo/*.yaml        # what would each recipe do? exit 2 if one cannot run
    python -m open_r1.recipes check FILE --num_processes 3       # does it fit three training processes?

TrlParser does the parsing; this file adds what it does not do: line numbers, duplicate keys, Open-R1's retired keys,
suggestions, and a check that needs neither GPU, model nor data.
"""

import argparse
import dataclasses
import difflib
import os
import re
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import yaml
from trl import ModelConfig, SFTConfig, TrlParser

from open_r1.adapters import check_method
from open_r1.arguments import GRPOConfig, GRPOScriptArguments, RecipeError, SFTScriptArguments
from open_r1.contradictions import check_together, without_effect
from open_r1.named_function import named_function
from open_r1.retired import DROPPED, ENVIRONMENT, RENAMED, RENAMED_REWARDS, REWARD_ARGUMENTS, translate
from open_r1.rewards import build_rewards
from open_r1.rollouts.settings import check_weight_sync
from open_r1.values import checked, hints, limit

TASKS = {
    "grpo": (GRPOScriptArguments, GRPOConfig, ModelConfig),
    "sft": (SFTScriptArguments, SFTConfig, ModelConfig),
}


def read_yaml(path: Path) -> tuple[dict, dict[str, int]]:
    """A recipe's keys and values, and the line each key stands on.

    Raises RecipeError for a file that is missing, is not YAML, is not a mapping or says two things of a key.
    """
    try:
        text = path.read_text(encoding="utf-8")
        node, values = yaml.compose(text, Loader=yaml.SafeLoader), yaml.safe_load(text)
    except OSError as error:
        raise RecipeError(f"{path}: {error.strerror}. Check the path after --config.") from None
    except (yaml.YAMLError, ValueError) as error:  # ValueError: bytes that are no text, a date that is none
        where = f":{error.problem_mark.line + 1}" if getattr(error, "problem_mark", None) else ""
        what = " ".join(str(getattr(error, "problem", None) or error).split())
        raise RecipeError(f"{path}{where}: not valid YAML: {what}.") from None
    if not isinstance(node, yaml.MappingNode):
        raise RecipeError(f"{path}: a recipe is a mapping of `key: value` lines, this file is not.")
    lines: dict[str, int] = {}
    said: dict[str, str] = {}
    for key, value in node.value:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode) or key.tag not in ("tag:yaml.org,2002:str", "tag:yaml.org,2002:merge"):
            raise RecipeError(f"{path}:{line}: a key of a recipe is one word, this one is not.")
        # Open-R1's own recipes say some things twice; saying two things is a mistake.
        if said.setdefault(key.value, yaml.serialize(value)) != yaml.serialize(value):
            raise RecipeError(f"{path}:{line}: `{key.value}` is set twice (first on line {lines[key.value]}).")
        lines.setdefault(key.value, line)
    return values, lines


def nearest(name: str, valid: set[str]) -> str:
    """' Did you mean `x`?' or nothing when no valid name is near."""
    close = difflib.get_close_matches(name, sorted(valid), n=1, cutoff=0.6)
    return f" Did you mean `{close[0]}`?" if close else ""


class _Parser(TrlParser):
    """TrlParser whose errors can be caught, in place of a page of usage and an exit."""

    def error(self, message: str):
        raise argparse.ArgumentTypeError(message)


def _split_command_line(argv: list[str]) -> tuple[Path | None, dict[str, str], list[str]]:
    """The path after --config, retired flags with their values, and the other arguments as they are."""
    config, retired, rest = None, {}, []
    names = RENAMED.keys() | DROPPED.keys() | REWARD_ARGUMENTS.keys() | ENVIRONMENT.keys()
    words = iter(argv)
    for word in words:
        name, _, value = word.partition("=")
        key = name.removeprefix("--").replace("-", "_")
        if name == "--config" or (name.startswith("--") and key in names):
            value = value or next(words, None)
            if value is None:
                raise RecipeError(f"command line: {name} needs a value.")
            if name == "--config":
                config = Path(value)
            else:
                retired[key] = yaml.safe_load(value)
        else:
            rest.append(word)
    return config, retired, rest


def load_recipe(task: str, argv: list[str], num_processes: int | None = None) -> tuple[tuple, list[str]]:
    """Parse `--config RECIPE --key value ...` for a task ('grpo' or 'sft').

    Returns ((script_args, training_args, model_args), notes on translated keys). With `num_processes`, the training
    arguments are built for that many processes and for no particular device, as `check` needs.
    Raises RecipeError with file and line or flag, and what to do.
    """
    path, retired, arguments = _split_command_line(argv)
    script_class, training_class, model_class = TASKS[task]
    if num_processes is not None:
        training_class = _detached(training_class, num_processes)
        arguments += ["--use_cpu", "true"]  # a check passes on a machine without the recipe's GPUs
    parser = _Parser((script_class, training_class, model_class), allow_abbrev=False)
    limit(parser)
    valid = {action.dest for action in parser._actions} - {"help"}

    config, lines = read_yaml(path) if path else ({}, {})

    def at(key: str) -> str:
        return f"{path}:{lines[key]}" if key in lines else f"{path or 'command line'}"

    variables = config.pop("env", None) or {}
    if not isinstance(variables, dict):
        raise RecipeError(f"{at('env')}: `env` takes a mapping of variables, got {variables!r}.")
    try:
        os.environ.update({str(name): str(value) for name, value in variables.items()})
    except ValueError as error:
        raise RecipeError(f"{at('env')}: `env` holds no variable that can be set: {error}.") from None

    config, environment, notes = translate(config, valid, at)
    # Flags win over the file, so a retired flag replaces what the file says under the new name.
    flags, flag_environment, flag_notes = translate(retired, valid, lambda key: f"command line --{key}")
    config |= flags
    notes += flag_notes
    os.environ.update(environment | flag_environment)

    types = hints(TASKS[task])
    for key in config:
        if key not in valid:
            other = "sft" if task == "grpo" else "grpo"
            hint = f" It is a key of {other}.py." if key in _keys(other) else nearest(key, valid)
            raise RecipeError(f"{at(key)}: unknown key `{key}`.{hint}")
        action = next(action for action in parser._actions if action.dest == key)
        config[key] = checked(config[key], key, types[key], action, training_class._VALID_DICT_FIELDS, at(key))
    parser.set_defaults_with_config(**config)
    try:
        *parsed, unknown = parser.parse_args_into_dataclasses(
            args=arguments, return_remaining_strings=True, look_for_args_file=False
        )
    except argparse.ArgumentTypeError as error:
        key = str(error).removeprefix("argument --").partition("/")[0].partition(":")[0]
        given = any(word.partition("=")[0] == f"--{key}" for word in arguments)
        where = at(key) if key in lines and not given else "command line"
        raise RecipeError(f"{where}: {error}.") from None
    except Exception as error:  # the libraries' argument classes check values by whatever raises
        raise RecipeError(f"{at(_key_of(error))}: {' '.join(str(error).split())}{_remedy(str(error))}") from None
    if unknown:
        name = unknown[0].removeprefix("--").partition("=")[0]
        raise RecipeError(f"command line: unknown flag `{unknown[0]}`.{nearest(name, valid)}")
    script_args, training_args, model_args = parsed
    if task == "grpo":
        for old, new in RENAMED_REWARDS.items():
            if old in script_args.reward_funcs:
                script_args.reward_funcs = [new if name == old else name for name in script_args.reward_funcs]
                notes.append(f"reward_funcs: {old} -> {new}")
    script_args.recipe_folder = path.parent if path else Path()
    if not model_args.model_name_or_path:
        raise RecipeError(f"{path or 'command line'}: `model_name_or_path` is missing: the model to train.")
    if not (script_args.dataset_name or script_args.dataset_mixture):
        raise RecipeError(
            f"{path or 'command line'}: `dataset_name` or `dataset_mixture` is missing: what to train on."
        )
    try:
        check_method(training_args, model_args)
        check_together(script_args, training_args, model_args)
        # A check is for no particular device, but for the one that the recipe names.
        if task == "grpo" and training_args.use_vllm and (config.get("use_cpu") is True or num_processes is None):
            check_weight_sync(training_args)
    except RecipeError as error:
        raise RecipeError(f"{at(_key_of(error))}: {' '.join(str(error).split())}") from None
    notes += without_effect(config, script_args, training_args, model_args)
    if task == "grpo":
        try:
            build_rewards(
                script_args.reward_funcs,
                script_args.reward_args or {},
                training_args.reward_weights,
                max_completion_length=training_args.max_completion_length,
                folder=script_args.recipe_folder,
            )
        except (ValueError, TypeError) as error:
            raise RecipeError(f"{path or 'command line'}: {' '.join(str(error).split())}") from None
        if training_args.log_completions_redaction:
            try:
                named_function(training_args.log_completions_redaction, script_args.recipe_folder)
            except ValueError as error:
                key = "log_completions_redaction"
                raise RecipeError(f"{at(key)}: {key}: {error}") from None
        for name in (script_args.reward_args or {}).keys() - set(script_args.reward_funcs):
            notes.append(f"reward_args.{name} has no effect: {name} is not among reward_funcs")
    return (script_args, training_args, model_args), notes


def _key_of(error: Exception) -> str:
    """The key that an error begins with, `key: ...` or `key.inner: ...`."""
    return re.match(r"\w*", str(error)).group()


def _keys(task: str) -> set[str]:
    return {field.name for dataclass in TASKS[task] for field in dataclasses.fields(dataclass)}


def _detached(training_class: type, num_processes: int) -> type:
    """The training arguments as `num_processes` processes would see them, without launching any."""

    @dataclasses.dataclass
    class Detached(training_class):
        def __post_init__(self):
            self.tf32 = None  # refused where no GPU does it
            super().__post_init__()

        @property
        def world_size(self):
            return num_processes

    return Detached


def _remedy(message: str) -> str:
    if "bf16/gpu" in message:
        return (
            " This machine has no GPU that does bf16: run on one, or train on the CPU with "
            "`--use_cpu true --bf16 false --dtype float32`."
        )
    if "must be divisible by num_generations" in message or "global eval batch size" in message:
        return " `python -m open_r1.recipes check RECIPE` says which numbers of processes fit."
    return ""


def _prompts_line(script_args: GRPOScriptArguments) -> str:
    """How a GRPO recipe chooses prompts and groups, in a line to read."""
    order, filtered = script_args.prompt_order(), script_args.group_filter()
    read = [
        f"{key} {value}" for key, value in dataclasses.asdict(order).items() if key in (script_args.curriculum or {})
    ]
    line = "; ".join(read) or "fixed order"
    if filtered:
        line += f"; dynamic sampling by {filtered.reward}, at most {filtered.max_rounds} rounds"
    return line


MOST_PROCESSES = 16


def fitting_processes(task: str, argv: list[str]) -> list[int]:
    """The numbers of training processes, up to MOST_PROCESSES, that a recipe's batch sizes allow."""
    return [number for number, _ in readings(task, argv)]


def readings(task: str, argv: list[str]) -> Iterator[tuple[int, tuple]]:
    """The numbers of processes that fit, each with the arguments as so many processes read them; raises RecipeError."""
    for number in range(1, MOST_PROCESSES + 1):
        try:
            parsed, _ = load_recipe(task, argv, num_processes=number)
        except RecipeError as error:
            if "divisible" not in str(error):
                raise
        else:
            yield number, parsed


def task_of(path: Path) -> str:
    """'grpo' or 'sft', told by the recipe's keys and, where they fit both, by its path."""
    config, _ = read_yaml(path)
    said = {RENAMED.get(key, key) for key in config}
    own = {task: len((_keys(task) - _keys(other)) & said) for task, other in (("grpo", "sft"), ("sft", "grpo"))}
    if own["grpo"] != own["sft"]:
        return max(own, key=own.get)
    return "sft" if "sft" in path.parts or "sft" in path.stem else "grpo"


def check(path: Path, flags: list[str], num_processes: int | None = None) -> list[str]:
    """What a recipe will do, in lines to read; needs no GPU, no model and no data.

    Raises RecipeError when it cannot run, or not on `num_processes` training processes.
    """
    task, argv = task_of(path), ["--config", str(path), *flags]
    fits = fitting_processes(task, argv)
    named = "any number" if len(fits) == MOST_PROCESSES else ", ".join(map(str, fits))
    if not fits or (num_processes and num_processes not in fits):
        count = (
            f"{num_processes} training processes do"
            if num_processes
            else f"no number of processes up to {MOST_PROCESSES} does"
        )
        ways = f"these do: {named}" if fits else "change per_device_train_batch_size or num_generations"
        raise RecipeError(
            f"{path}: {count} not fit: a generation batch must hold whole groups of num_generations completions; {ways}."
        )
    count = num_processes or fits[0]
    (script_args, training_args, model_args), notes = load_recipe(task, argv, num_processes=count)
    own_count = read_yaml(path)[0].get("num_processes")
    if task == "grpo" and num_processes is None and own_count and own_count not in fits:
        notes.append(f"num_processes: {own_count} does not fit num_generations: {training_args.num_generations}")

    data = script_args.dataset_name or [part["id"] for part in script_args.dataset_mixture["datasets"]]
    method = "full fine-tuning"
    if model_args.use_peft:
        method = "QLoRA (4-bit base)" if model_args.load_in_4bit else "LoRA"
    lines = [
        f"{path}: would run",
        f"  task            {task}.py, {method}",
        f"  model           {model_args.model_name_or_path} ({model_args.dtype})",
        f"  data            {data}",
        f"  optimizer       learning rate {training_args.learning_rate:g}, {training_args.lr_scheduler_type.value} schedule, "
        + (
            f"{training_args.max_steps} steps"
            if training_args.max_steps > 0
            else f"{training_args.num_train_epochs:g} epochs"
        ),
        f"  processes       {named} (a step below is that of {count})",
    ]
    if task == "grpo":
        completions = training_args.per_device_train_batch_size * count * training_args.gradient_accumulation_steps
        weights = training_args.reward_weights or [1.0] * len(script_args.reward_funcs)
        generation = f"vLLM, {training_args.vllm_mode} mode" if training_args.use_vllm else "transformers' generate"
        lines += [
            f"  a step          {completions} completions = {completions / training_args.num_generations:g} prompts x "
            f"{training_args.num_generations}, up to {training_args.max_completion_length} tokens each, by {generation}",
            "  rewards         "
            + ", ".join(
                f"{name} x {weight:g}" for name, weight in zip(script_args.reward_funcs, weights, strict=True)
            ),
        ]
        lines.append(f"  prompts         {_prompts_line(script_args)}")
    system_prompt = " ".join((script_args.system_prompt or "none").split())
    lines.append(f"  system prompt   {system_prompt if len(system_prompt) < 90 else system_prompt[:87] + '...'}")
    return lines + [f"  note            {note}" for note in notes]


def main(argv: list[str] | None = None) -> int:
    """`check FILE... [--num_processes N] [--key value ...]`: exit 0 when every recipe would run, else 2."""
    parser = argparse.ArgumentParser(prog="python -m open_r1.recipes", description=main.__doc__)
    parser.add_argument("command", choices=["check"])
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    parser.add_argument("--num_processes", type=int, help="training processes to check the batch sizes for")
    args, flags = parser.parse_known_args(argv)
    # transformers and TRL warn once per built config, and this builds dozens.
    warnings.simplefilter("ignore", FutureWarning)
    failed = False
    for path in args.files:
        try:
            print("\n".join(check(path, flags, args.num_processes)))
        except RecipeError as error:
            failed = True
            print(f"error: {error}", file=sys.stderr)
    return 2 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

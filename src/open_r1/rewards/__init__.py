"""Rewards by name, with arguments from the recipe.

    reward_funcs: [accuracy, format, my_rewards.brevity]   # the last is a dotted path of your own function
    reward_weights: [1.0, 0.1, 0.0]                         # a weight of 0 makes a reward a metric
    reward_args: {accuracy: {scale: binary, require_format: true}}

The functions with upstream's names also work from `trl grpo --reward_funcs open_r1.rewards.accuracy_reward`.
"""

import difflib
import inspect
import math
from collections.abc import Callable
from pathlib import Path

from pydantic import ConfigDict, ValidationError, validate_call
from trl.rewards import get_repetition_penalty_reward, get_soft_overlong_punishment

from open_r1.named_function import named_function
from open_r1.rewards.accuracy import get_accuracy_reward, get_cosine_reward
from open_r1.rewards.checked import checked
from open_r1.rewards.form import (
    get_format_reward,
    get_length_reward,
    get_reasoning_steps_reward,
    get_xmlcount_reward,
)
from open_r1.values import told

# name -> function that takes the reward's arguments and returns the reward
REWARDS: dict[str, Callable] = {
    "accuracy": get_accuracy_reward,
    "format": get_format_reward,
    "xmlcount_reward_func": get_xmlcount_reward,
    "reasoning_steps": get_reasoning_steps_reward,
    "cosine": get_cosine_reward,
    "repetition_penalty": get_repetition_penalty_reward,
    "overlong": get_soft_overlong_punishment,
    "length": get_length_reward,
}

ABOVE_0 = {"max_completion_len", "max_len", "ngram_size", "steps"}

accuracy_reward = get_accuracy_reward()
format_reward = get_format_reward()
xmlcount_reward_func = get_xmlcount_reward()
reasoning_steps_reward = get_reasoning_steps_reward()
length_reward = get_length_reward()


def build_rewards(
    names: list[str],
    arguments: dict[str, dict],
    weights: list[float] | None = None,
    *,
    max_completion_length: int,
    prefilled_think: bool = False,
    folder: Path = Path(),
) -> list[Callable]:
    """The reward functions of a run.

    `arguments` are the recipe's, by reward name. What the run itself knows fills the gaps: the completion limit for
    the length-scaled rewards, and whether the chat template begins the model's turn with `<think>`. `folder` is the
    recipe's own, where dotted paths are looked for before the installed packages.
    Raises ValueError naming the reward, argument or number of weights that is wrong.
    """
    if not names:
        raise ValueError("reward_funcs is empty: name at least one reward.")
    for name, values in arguments.items():
        if name not in REWARDS:
            raise ValueError(f"reward_args.{name}: no reward of that name takes arguments.{_nearest(name, REWARDS)}")
        allowed = list(inspect.signature(REWARDS[name]).parameters)
        if not isinstance(values, dict):
            raise ValueError(f"reward_args.{name} takes a mapping of {', '.join(allowed)}, got {values!r}.")
        for key in values:
            if key not in allowed:
                raise ValueError(
                    f"reward_args.{name}.{key}: `{name}` takes {', '.join(allowed)}.{_nearest(key, allowed)}"
                )
            if key in ABOVE_0 and isinstance(values[key], int | float) and values[key] < 1:
                raise ValueError(f"reward_args.{name}.{key} takes 1 or more, got {values[key]!r}.")
    if weights is not None and len(weights) != len(names):
        raise ValueError(f"reward_weights has {len(weights)} weights for {len(names)} rewards: {', '.join(names)}.")
    if not all(math.isfinite(weight) for weight in weights or []):
        raise ValueError(f"reward_weights takes finite numbers, got {weights}.")
    known = {
        "max_len": max_completion_length,
        "max_completion_len": max_completion_length,
        # A fifth of the limit, the share of DAPO's own setting (4,096 of 20,480 tokens).
        "soft_punish_cache": max_completion_length // 5,
        "prefilled_think": prefilled_think,
    }
    rewards = []
    for name in names:
        if name not in REWARDS:
            rewards.append(checked(_imported(name, folder)))
            continue
        parameters = inspect.signature(REWARDS[name]).parameters
        gaps = {key: value for key, value in known.items() if key in parameters}
        make = validate_call(REWARDS[name], config=ConfigDict(allow_inf_nan=False))
        try:
            rewards.append(checked(make(**gaps | arguments.get(name, {}))))
        except ValidationError as error:
            what = error.errors()[0]
            raise ValueError(f"reward_args.{name}.{what['loc'][0]} {told(what)}.") from None
        except ValueError as error:
            raise ValueError(f"reward_args.{name}: {error}") from None
    # Metrics and the completions table have a column for each.
    called = [reward.__name__ for reward in rewards]
    if twice := [name for name, own in zip(names, called, strict=True) if called.count(own) > 1]:
        raise ValueError(
            f"reward_funcs has one reward twice: {', '.join(twice)}. Name it once, with the weights added up."
        )
    return rewards


def _imported(path: str, folder: Path) -> Callable:
    if "." not in path:
        raise ValueError(
            f"unknown reward `{path}`.{_nearest(path, REWARDS)} Known: {', '.join(REWARDS)}, or a dotted path."
        )
    try:
        reward = named_function(path, folder)
    except ValueError as error:
        raise ValueError(f"reward {error}") from error
    try:
        signature = inspect.signature(reward)
    except ValueError:  # one written in C may have none
        return reward
    try:
        # What TRL passes whatever the data. Columns come too: which ones, the data say, so others may be asked for.
        signature.bind_partial(
            **dict.fromkeys(["prompts", "completions", "completion_ids", "trainer_state", "log_extra"])
        )
    except TypeError as error:
        raise ValueError(
            f"reward `{path}`: {error}. It is called with `completions`, `prompts` and every column of the data: write it as "
            "`def reward(completions, **columns)`."
        ) from None
    return reward


def _nearest(name: str, names) -> str:
    close = difflib.get_close_matches(name, list(names), n=1)
    return f" Did you mean `{close[0]}`?" if close else ""


__all__ = [
    "REWARDS",
    "accuracy_reward",
    "build_rewards",
    "format_reward",
    "length_reward",
    "reasoning_steps_reward",
    "xmlcount_reward_func",
]

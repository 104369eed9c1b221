"""What a recipe may say beyond TRL's own keys: the data, the prompt and the rewards of a run."""

import json
from dataclasses import dataclass, field

import trl


class RecipeError(ValueError):
    """A recipe or command line that cannot run; the message says where and what to do."""


# The prompt of DeepSeek-R1-Zero in the field's usual tags. Recipes for models with another native form name their own.
DEFAULT_SYSTEM_PROMPT = (
    "You are a medical expert. First reason step by step inside <think> </think> tags, then give the letter of the "
    "one right option inside <answer> </answer> tags, like this: <think> your reasoning </think><answer> B </answer>"
)


@dataclass
class DataArguments(trl.ScriptArguments):
    """Where the rows come from and how they become prompts."""

    dataset_mixture: dict | str | None = field(
        default=None,
        metadata={
            "help": "Several datasets in Open-R1's form: {datasets: [{id, config, split, columns, weight}], seed, "
            "test_split_size}. `id` is a prepared folder, a .jsonl/.csv/.parquet file or a hub dataset."
        },
    )
    dataset_columns: dict | str | None = field(
        default=None,
        metadata={
            "help": "Column map for your own questions (JSONL or CSV): {stem: column, options: column or {A: column, "
            "...}, answer: column, ...}."
        },
    )
    dataset_prompt_column: str | None = field(
        default=None,
        metadata={"help": "Column to ask; by default `prompt`, `question` or `problem`, whichever is there."},
    )
    system_prompt: str | None = field(
        default=DEFAULT_SYSTEM_PROMPT,
        metadata={"help": "System message of every prompt, in training and in evaluation; '' for none."},
    )
    chat_template: str | None = field(
        default=None, metadata={"help": "Jinja chat template to use and save instead of the tokenizer's own."}
    )
    max_prompt_length: int | None = field(
        default=None, metadata={"help": "Prompts of more tokens are dropped before training, and counted."}
    )

    def __post_init__(self):
        # The command line passes mappings as JSON strings.
        for name in ("dataset_mixture", "dataset_columns", "reward_args"):
            value = getattr(self, name, None)
            if isinstance(value, str):
                try:
                    value = json.loads(value)
                except json.JSONDecodeError as error:
                    raise ValueError(f"`{name}` is not valid JSON ({error}): {value}") from None
                setattr(self, name, value)
            if value is not None and not isinstance(value, dict):
                raise ValueError(f"`{name}` must be a mapping, got {value!r}.")


@dataclass
class GRPOScriptArguments(DataArguments):
    """What a GRPO recipe may say beyond TRL's GRPOConfig and ModelConfig."""

    reward_funcs: list[str] = field(
        default_factory=lambda: ["accuracy", "format", "xmlcount_reward_func"],
        metadata={"help": "Rewards by name (see open_r1.rewards.REWARDS) or dotted path of your own function."},
    )
    reward_args: dict | str | None = field(
        default=None, metadata={"help": "Arguments of rewards: {accuracy: {scale: binary}, cosine: {max_len: 4096}}."}
    )


@dataclass
class SFTScriptArguments(DataArguments):
    """What an SFT recipe may say beyond TRL's SFTConfig and ModelConfig."""

    system_prompt: str | None = field(
        default=None, metadata={"help": "System message put before conversations that have none."}
    )


@dataclass
class GRPOConfig(trl.GRPOConfig):
    """TRL's GRPOConfig with this project's default: generation on a vLLM server beside the training processes."""

    vllm_mode: str = field(
        default="server",
        metadata={"help": "'server' (a vLLM server on a GPU of its own) or 'colocate' (vLLM on the training GPUs)."},
    )

"""What a recipe may say beyond TRL's own keys: the data, the prompt and the rewards of a run."""

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import trl

from open_r1.training.settings import Curriculum, DynamicSampling, read_curriculum, read_dynamic_sampling


class RecipeError(ValueError):
    """A recipe or command line that cannot run; the message says where and what to do."""


# Where the rollout server's token can come from, so that it stands in no recipe.
ROLLOUT_TOKEN = "OPEN_R1_ROLLOUT_TOKEN"

# The prompt of DeepSeek-R1-Zero in the field's usual tags. Recipes for models with another native form name their own.
DEFAULT_SYSTEM_PROMPT = (
    "You are a medical expert. First reason step by step inside <think> </think> tags, then give the letter of the "
    "one right option inside <answer> </answer> tags, like this: <think> your reasoning </think><answer> B </answer>"
)


CALLBACKS = ("push_to_hub_revision", "run_benchmarks")


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
    resume_anyway: bool = field(
        default=False,
        metadata={"help": "Go on from a checkpoint although recipe, data or number of processes are not its run's."},
    )

    # Where the recipe lies; not a key of it.
    recipe_folder: ClassVar[Path] = Path()

    benchmarks: list[str] | None = field(
        default=None,
        metadata={
            "help": "Benchmarks, or prepared folders, that the saved model is evaluated on after training; with "
            "`callbacks` after every save too. Results go to output_dir/evaluation and onto the model card."
        },
    )
    benchmark_args: dict | str | None = field(
        default=None,
        metadata={
            "help": "Flags of src/open_r1/evaluate.py for them: {preset: huatuo, data_root: DATA, backend: hf}."
        },
    )
    callbacks: list[str] | None = field(
        default=None,
        metadata={
            "help": "What happens at every save: 'push_to_hub_revision' (it goes to a branch of its own, "
            "REVISION-step-000000050) and 'run_benchmarks'."
        },
    )
    push_to_hub_revision: bool = field(
        default=False, metadata={"help": "Open-R1's key: publish to `hub_revision`, as `push_to_hub: true` does too."}
    )
    overwrite_hub_revision: bool = field(
        default=False, metadata={"help": "Publish to a revision that is there already; without it that is refused."}
    )

    def __post_init__(self):
        # The command line passes mappings as JSON strings.
        names = (
            "dataset_mixture",
            "dataset_columns",
            "reward_args",
            "trace_columns",
            "benchmark_args",
            "curriculum",
            "dynamic_sampling",
            "benchmark_args",
        )
        for name in names:
            value = getattr(self, name, None)
            if isinstance(value, str):
                try:
                    value = json.loads(value)
                except json.JSONDecodeError as error:
                    raise ValueError(f"`{name}` is not valid JSON ({error}): {value}") from None
                setattr(self, name, value)
            if value is not None and not isinstance(value, dict):
                raise ValueError(f"`{name}` must be a mapping, got {value!r}.")
        if self.dataset_mixture is not None:
            check_mixture(self.dataset_mixture)
        if unknown := set(self.callbacks or []) - set(CALLBACKS):
            raise ValueError(f"`callbacks` are {', '.join(CALLBACKS)}, not {', '.join(sorted(unknown))}.")
        if self.benchmark_args and not self.benchmarks:
            raise ValueError("`benchmark_args` without `benchmarks`: name what is to be evaluated.")
        if "run_benchmarks" in (self.callbacks or []) and not self.benchmarks:
            raise ValueError("`callbacks: [run_benchmarks]` without `benchmarks`: name what is to be evaluated.")


def check_mixture(mixture: dict) -> None:
    """Raise ValueError naming what in a `dataset_mixture` is not of Open-R1's form."""
    if unknown := mixture.keys() - {"datasets", "seed", "test_split_size"}:
        raise ValueError(
            f"dataset_mixture takes datasets, seed and test_split_size, not {', '.join(sorted(unknown))}."
        )
    seed, size = mixture.get("seed"), mixture.get("test_split_size")
    if seed is not None and (isinstance(seed, bool) or not isinstance(seed, int) or seed < 0):
        raise ValueError(f"dataset_mixture.seed takes a whole number from 0 on, got {seed!r}.")
    share = isinstance(size, float) and 0 < size < 1
    if size is not None and not share and (isinstance(size, bool) or not isinstance(size, int) or size < 1):
        raise ValueError(
            f"dataset_mixture.test_split_size takes a share between 0 and 1, or a number of rows, got {size!r}."
        )
    if not isinstance(mixture.get("datasets"), list) or not mixture["datasets"]:
        raise ValueError("dataset_mixture.datasets must be a list of at least one dataset.")
    for number, part in enumerate(mixture["datasets"]):
        where = f"dataset_mixture.datasets[{number}]"
        if not isinstance(part, dict) or not isinstance(part.get("id"), str) or not part["id"]:
            raise ValueError(f"{where} must be a mapping with an `id`, got {part!r}.")
        if unknown := part.keys() - {"id", "config", "split", "columns", "weight"}:
            raise ValueError(f"{where} takes id, config, split, columns and weight, not {', '.join(sorted(unknown))}.")
        for key in ("config", "split"):
            if not isinstance(part.get(key), str | None):
                raise ValueError(f"{where}.{key} takes text, got {part[key]!r}.")
        columns = part.get("columns") or []
        if not isinstance(columns, list) or not all(isinstance(column, str) for column in columns):
            raise ValueError(f"{where}.columns takes a list of names, got {columns!r}.")
        weight = part.get("weight", 1)
        if weight is not None and not (isinstance(weight, int | float) and 0 < weight <= 1):
            raise ValueError(f"{where}.weight is the share of rows to take, above 0 and up to 1, got {weight!r}.")


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
    curriculum: dict | str | None = field(
        default=None,
        metadata={
            "help": "Which prompts come next: {strategy: fixed, phases, mix or adaptive, ...}, see docs/curriculum.md."
        },
    )
    dynamic_sampling: dict | str | None = field(
        default=None,
        metadata={"help": "Draw on until a batch is full of groups whose completions differ: {max_rounds: 4}."},
    )

    def __post_init__(self):
        super().__post_init__()
        order, group_filter = self.prompt_order(), self.group_filter()
        # A pool that only watches goes without a reward that was not named.
        if order.strategy == "adaptive" or "reward" in (self.curriculum or {}):
            self._check_reward("curriculum", order.reward)
        if group_filter:
            self._check_reward("dynamic_sampling", group_filter.reward)

    def _check_reward(self, key: str, name: str) -> None:
        if name not in self.reward_funcs:
            raise ValueError(
                f"{key}.reward: {name} is not among reward_funcs ({', '.join(self.reward_funcs)}); name the one that says "
                "whether a completion is right."
            )

    def prompt_order(self) -> Curriculum:
        """`curriculum` as settings; without one, TRL's own order."""
        return Curriculum() if self.curriculum is None else read_curriculum(self.curriculum)

    def group_filter(self) -> DynamicSampling | None:
        """`dynamic_sampling` as settings, or None."""
        return None if self.dynamic_sampling is None else read_dynamic_sampling(self.dynamic_sampling)


@dataclass
class SFTScriptArguments(DataArguments):
    """What an SFT recipe may say beyond TRL's SFTConfig and ModelConfig."""

    system_prompt: str | None = field(
        default=None, metadata={"help": "System message put before conversations that have none."}
    )
    trace_columns: dict | str | None = field(
        default=None,
        metadata={
            "help": "Columns of rows that hold no conversation: {question: column, reasoning: column, answer: column}."
        },
    )
    trace_form: str = field(
        default="think_answer",
        metadata={
            "help": "How reasoning and answer of trace_columns are written: 'think_answer' (tags) or 'final_response' "
            "(HuatuoGPT-o1's headings).",
            "choices": ["think_answer", "final_response"],
        },
    )

    def __post_init__(self):
        super().__post_init__()
        names = self.trace_columns or {}
        told = names.keys() == {"question", "reasoning", "answer"} and all(
            isinstance(name, str) for name in names.values()
        )
        if self.trace_columns is not None and not told:
            raise ValueError(
                f"`trace_columns` names the columns of question, reasoning and answer, got {self.trace_columns!r}."
            )


LOOPBACK_HOSTS = ("127.0.0.1", "localhost")


@dataclass
class GRPOConfig(trl.GRPOConfig):
    """TRL's GRPOConfig with this project's defaults: generation on a vLLM server beside the trainers, rollouts kept."""

    vllm_mode: str = field(
        default="server",
        metadata={
            "help": "'server' (a vLLM server on a GPU of its own) or 'colocate' (vLLM on the training GPUs).",
            "choices": ["server", "colocate"],
        },
    )
    vllm_server_host: str | None = field(
        default=None,
        metadata={
            "help": "Host of a server started elsewhere; by default the run starts its own. See also "
            "vllm_server_base_url."
        },
    )
    vllm_server_token: str | None = field(
        default=None,
        metadata={
            "help": "Token of a server started elsewhere (or set OPEN_R1_ROLLOUT_TOKEN). The run's own server "
            "gets a new random one."
        },
    )
    vllm_server_timeout: float = field(
        default=600.0, metadata={"help": "Seconds a server may take from its start until it answers."}
    )
    vllm_listen_host: str = field(
        default="127.0.0.1",
        metadata={
            "help": "Address the server listens on. Others than loopback need vllm_server_token: whoever "
            "reaches a server without one can run code there."
        },
    )
    vllm_device: str = field(
        default="auto",
        metadata={
            "help": "The server's GPUs: 'auto' (the first that training leaves free) or 'cuda:3' or 'cuda:6,7'."
        },
    )
    vllm_data_parallel_size: int = field(
        default=1, metadata={"help": "Copies of the model on the server, each on vllm_tensor_parallel_size GPUs."}
    )
    vllm_gpu_memory_utilization: float | None = field(
        default=None,
        metadata={
            "help": "Share of a GPU's memory for vLLM; by default 0.9 on a server's own GPU, 0.3 in colocate mode."
        },
    )
    vllm_hang_timeout: float = field(
        default=300.0,
        metadata={"help": "Seconds without a token, or for one weight sync, after which the server counts as hung."},
    )
    vllm_max_restarts: int = field(
        default=3,
        metadata={"help": "Restarts of a lost server without a completion in between, before the run stops."},
    )
    weight_sync: str = field(
        default="nccl",
        metadata={
            "help": "How weights reach the server: 'nccl' (GPU to GPU) or 'folder' (a checkpoint in output_dir that "
            "both can read: for the CPU and for hosts without a common NCCL network).",
            "choices": ["nccl", "folder"],
        },
    )
    max_logp_difference: float = field(
        default=0.2,
        metadata={"help": "Largest mean |log-prob difference| between trainer and vLLM; beyond it the run stops."},
    )

    log_completions: bool = field(
        default=True,
        metadata={
            "help": "Keep every rollout in output_dir/completions, readable by the owner alone, and show it in the report; "
            "false keeps all text out of both."
        },
    )
    log_completions_max_mb: float = field(
        default=1024.0,
        metadata={
            "help": "MB on disk for the rollouts of training, and as many for those of evaluations. What does not fit is "
            "left out by whole generations, evenly over the run."
        },
    )
    log_completions_redaction: str | None = field(
        default=None,
        metadata={
            "help": "Dotted path of your function that takes each text (prompt, completion, answers) and returns "
            "what may be kept of it."
        },
    )
    log_completions_to_trackers: bool = field(
        default=False,
        metadata={"help": "Also send the rollouts, redacted, to wandb and trackio. By default they get numbers only."},
    )

    def __post_init__(self):
        if self.log_completions_max_mb <= 0:
            raise ValueError(
                f"log_completions_max_mb: {self.log_completions_max_mb:g} leaves no room; for no rollouts on disk set "
                "log_completions: false."
            )
        self.vllm_server_token = self.vllm_server_token or os.environ.get(ROLLOUT_TOKEN)
        if self.vllm_listen_host not in LOOPBACK_HOSTS and not self.vllm_server_token:
            raise ValueError(
                f"vllm_listen_host: {self.vllm_listen_host} opens the vLLM server to other hosts, and its development "
                f"endpoints can run code. Give a `vllm_server_token`, or set {ROLLOUT_TOKEN}."
            )
        if self.vllm_gpu_memory_utilization is None:
            self.vllm_gpu_memory_utilization = 0.9 if self.vllm_mode == "server" else 0.3
        super().__post_init__()

    @property
    def names_a_server(self) -> bool:
        """Whether the recipe names a vLLM server that somebody else starts."""
        return self.vllm_server_base_url is not None or self.vllm_server_host is not None

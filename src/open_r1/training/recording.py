"""A GRPOTrainer whose run can be looked into: its completions on disk, where a step's time goes, its memory."""

import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import torch
from transformers.utils import is_rich_available
from trl import GRPOTrainer
from trl.trainer.utils import print_prompt_completions_sample

from open_r1.arguments import RecipeError
from open_r1.completions import EXTRA, REWARD, SCHEMA, CompletionsFolder, said
from open_r1.rewards.accuracy import grades

# Columns of the data that say which question a completion answers.
QUESTION = ("id", "source", "difficulty", "reference")
# Of the bound on disk: what the first generations may take together, so that a long run keeps its beginning.
SMALLEST_SHARE = 0.01


class StepClock:
    """Seconds by part of a step. A part inside another one counts once, as the inner one."""

    def __init__(self):
        self.seconds: Counter[str] = Counter()
        self._open: list[str] = []
        self._since = 0.0

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Count the block as `name`."""
        self._account()
        self._open.append(name)
        try:
            yield
        finally:
            self._account()
            self._open.pop()

    def _account(self) -> None:
        now = time.perf_counter()
        if self._open:
            self.seconds[self._open[-1]] += now - self._since
        self._since = now


class RecordingTrainer(GRPOTrainer):
    """TRL's trainer with a record of what the model said and of time and memory; it changes no number of TRL's.

    TRL's own completions table is switched off: in it an evaluation overwrites the training of the same step, and it
    goes to every tracker.
    """

    def __init__(self, *args, redact: Callable[[str], str] | None = None, **kwargs):
        super().__init__(*args, **kwargs)
        self.completions = None
        if redact is not None:
            redact = _giving_text(redact)
        if self.log_completions and self.accelerator.is_main_process:
            self.completions = CompletionsFolder(Path(self.args.output_dir), self.args.log_completions_max_mb, redact)
        self.log_completions = False
        # Without TRL's bound, which would lose all but the last batches of an evaluation.
        for name in ("images", "prompt", "completion", "advantages"):
            self._logs[name] = deque()
        for name in ("rewards", "extra"):
            self._logs[name].default_factory = deque
        self.clock = StepClock()
        self._last_logged_step = 0
        if self.use_vllm:
            self.vllm_generation.sync_weights = self._timed("weight_sync", self.vllm_generation.sync_weights)

    def _timed(self, name: str, function: Callable) -> Callable:
        def timed(*args, **kwargs):
            with self.clock.part(name):
                return function(*args, **kwargs)

        return timed

    # ---- time and memory

    def training_step(self, *args, **kwargs):
        with self.clock.part("train"):
            return super().training_step(*args, **kwargs)

    def _generate(self, *args, **kwargs):
        with self.clock.part("generate"):
            return super()._generate(*args, **kwargs)

    def evaluate(self, *args, **kwargs):
        # Its own part, so that an evaluation between two steps does not look like training.
        with self.clock.part("evaluate"):
            return super().evaluate(*args, **kwargs)

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """TRL's log with `time/PART` (seconds a step since the last log) and `memory/...` (GB, first process)."""
        steps = self.state.global_step - self._last_logged_step
        if self.model.training and steps > 0:
            logs |= {f"time/{name}": seconds / steps for name, seconds in self.clock.seconds.items()}
            logs["memory/process_gb"] = psutil.Process().memory_info().rss / 1e9
            if torch.cuda.is_available():
                logs["memory/gpu_peak_gb"] = torch.cuda.max_memory_allocated() / 1e9
            self.clock.seconds.clear()
            self._last_logged_step = self.state.global_step
        super().log(logs, start_time)

    # ---- completions

    def _calculate_rewards(self, inputs, prompts, completions, completion_ids_list):
        with self.clock.part("rewards"):
            rewards = super()._calculate_rewards(inputs, prompts, completions, completion_ids_list)
        if self.args.log_completions:
            ends = (*self.eos_token_ids, self._tokenizer.pad_token_id)
            columns = question_columns(inputs, completions) | {
                "tokens": [len(ids) for ids in completion_ids_list],
                "truncated": [not ids or ids[-1] not in ends for ids in completion_ids_list],
            }
            for name, values in columns.items():
                if name not in self._pending_extra_logs:  # a reward may have logged it
                    self._log_completion_extra(name, values)
        return rewards

    def _generate_and_score_completions(self, inputs):
        training = self.model.training
        with self.clock.part("score"):
            batch = super()._generate_and_score_completions(inputs)
        if self.completions is not None:
            # The metrics of these rewards will be logged at the end of the step that this generation begins.
            step = self.state.global_step + 1 if training else self.state.global_step
            self._write_completions("train" if training else "eval", step)
        for kept in (self._logs["images"], self._logs["prompt"], self._logs["completion"], self._logs["advantages"]):
            kept.clear()
        self._logs["rewards"].clear()
        self._logs["extra"].clear()
        return batch

    def _write_completions(self, split: str, step: int) -> None:
        logs, size = self._logs, self.num_generations if split == "train" else self.num_generations_eval
        rewards = {name: list(values) for name, values in logs["rewards"].items()}
        weights = dict(zip(self.reward_func_names, self.reward_weights.tolist(), strict=True))
        rows = range(len(logs["completion"]))
        columns = {
            "group": [row // size for row in rows],
            "prompt": list(logs["prompt"]),
            "completion": [said(completion) for completion in logs["completion"]],
            # A reward that does not apply is NaN and left out, as in TRL's own sum.
            "reward": [
                sum(weights[name] * values[row] for name, values in rewards.items() if values[row] == values[row])
                for row in rows
            ],
            "advantage": list(logs["advantages"]),
        }
        columns |= {REWARD + name: values for name, values in rewards.items()}
        for name, values in logs["extra"].items():
            taken = name in columns or name not in SCHEMA.names
            columns[EXTRA + name if taken else name] = list(values)
        progress = 1.0 if split == "eval" else max(step / self.state.max_steps, SMALLEST_SHARE)
        table = self.completions.append(split, step, columns, progress)
        if self.args.num_completions_to_print and is_rich_available():
            print_prompt_completions_sample(
                table["prompt"].to_pylist(),
                table["completion"].to_pylist(),
                rewards,
                columns["advantage"],
                step,
                self.args.num_completions_to_print,
            )
        if self.args.log_completions_to_trackers:
            self._track(split, table)

    def _track(self, split: str, table) -> None:
        """Hand a table to the trackers that take one."""
        frame = table.to_pandas()
        # Trackers take a cell as it is, and numpy's arrays of mappings are none of their types.
        frame["prompt"] = [repr(messages) for messages in table["prompt"].to_pylist()]
        name = "completions" if split == "train" else "eval_completions"
        for tracker in self.args.report_to:
            if tracker == "wandb":
                import wandb as module
            elif tracker == "trackio":
                import trackio as module
            else:
                continue
            module.log({name: module.Table(dataframe=frame)})


def _giving_text(redact: Callable[[str], str]) -> Callable[[str], str]:
    def checked(text: str) -> str:
        kept = redact(text)
        if not isinstance(kept, str):
            raise RecipeError(f"log_completions_redaction: the function returned {type(kept).__name__}, not text.")
        return kept

    return checked


def question_columns(inputs: list[dict], completions: list) -> dict[str, list]:
    """What each completion was asked and how the judge grades it: the columns of QUESTION that there are, and its grade."""
    columns = {name: [row.get(name) for row in inputs] for name in inputs[0]}
    known = {name: columns[name] for name in QUESTION if name in columns}
    results = grades(completions, columns)
    return known | {
        "extracted": [result.extracted or "" for result in results],
        "how": [str(result.how) for result in results],
        "correct": [result.correct for result in results],
    }

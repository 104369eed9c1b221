"""TRL's GRPOTrainer with a prompt pool in front, dynamic sampling on top, and an exact resume.

TRL's dataloader stays as a clock: the pool says which rows are rolled out. TRL's own code computes every number on the
batch that is trained on; with the pool in TRL's order the weights are TRL's, bit for bit.
"""

import json
import math
import os
import zlib
from collections.abc import Callable

import torch
from accelerate.utils import gather_object
from datasets import Dataset
from trl import GRPOTrainer

from open_r1.arguments import RecipeError
from open_r1.rollouts.generation import RolloutGeneration
from open_r1.training.pool import PromptPool
from open_r1.training.rounds import Group, choose, next_round, pass_rate, spread
from open_r1.training.settings import Curriculum, DynamicSampling

STATE_FILE = "sampling.json"


class PooledGRPOTrainer(GRPOTrainer):
    """GRPOTrainer whose prompts come from a PromptPool.

    Raises RecipeError when `curriculum` or `dynamic_sampling` cannot work with the rows or rewards at hand.
    """

    def __init__(
        self,
        *args,
        curriculum: Curriculum,
        dynamic_sampling: DynamicSampling | None,
        reward_names: list[str],
        tell: Callable[[str], None],
        **kwargs,
    ):
        """`reward_names`: what the recipe calls the reward functions; `tell`: prints a line once."""
        super().__init__(*args, **kwargs)
        self.curriculum = curriculum
        self.dynamic_sampling = dynamic_sampling
        self.tell = tell
        rows = self.train_dataset
        # Groups of one generation batch, over all processes.
        self.batch_groups = self.args.generation_batch_size // self.num_generations
        self.pool = PromptPool(
            difficulties(rows, curriculum), curriculum, self.batch_groups, self.args.seed, self.shuffle_dataset
        )
        # Which column of the rewards says that a completion is right; a pool that learns nothing may go without.
        self.pass_column = reward_names.index(curriculum.reward) if curriculum.reward in reward_names else None
        self.filter_column = reward_names.index(dynamic_sampling.reward) if dynamic_sampling else None
        if dynamic_sampling and (self.tools or self.rollout_func):
            raise RecipeError("dynamic_sampling: tools and a rollout_func are not handled. Leave one of them out.")
        if dynamic_sampling and any(any(rows[name]) for name in ("image", "images") if name in rows.column_names):
            raise RecipeError("dynamic_sampling: rows with images are not handled. Remove it, or the images.")
        self.groups_generated = 0
        self._rewards: torch.Tensor | None = None
        self._replayed: tuple | None = None
        self._save_waits = False

    # ---- prompts and groups

    def _generate_and_score_completions(self, inputs: list[dict]) -> dict:
        if not self.model.training:
            return super()._generate_and_score_completions(inputs)
        if self.dynamic_sampling is None:
            rows = self._draw(self.batch_groups)
            output = super()._generate_and_score_completions(self._inputs(rows))
            self._learn(rows, self._rewards)
            self._log_rollouts(self._rewards, rounds=1)
            return output
        groups, rounds = self._collect()
        kept = choose(groups, self.batch_groups)
        return self._replay(kept, groups, rounds)

    def _draw(self, count: int) -> list[int]:
        numbers = range(self.groups_generated, self.groups_generated + count)
        self.groups_generated += count
        if self.use_vllm and isinstance(self.vllm_generation, RolloutGeneration):
            # A group's number in the run is in the checkpoint, so a resumed run asks with the same seeds.
            self.vllm_generation.seeds = [zlib.crc32(f"{self.args.seed}:{number}".encode()) for number in numbers]
        return self.pool.draw(count, self.state.global_step / self.state.max_steps)

    def _inputs(self, rows: list[int]) -> list[dict]:
        """This process's contiguous slice of the rows' completions-to-be, one input a completion."""
        return self._slice([self.train_dataset[row] for row in rows for _ in range(self.num_generations)])

    def _slice(self, of_all: list) -> list:
        size = len(of_all) // self.accelerator.num_processes
        return of_all[self.accelerator.process_index * size :][:size]

    def _collect(self) -> tuple[list[Group], int]:
        """Groups of as many rounds as it takes to fill the batch with ones that differ in reward, over all processes."""
        groups: list[Group] = []
        rounds = informative = 0
        while informative < self.batch_groups and rounds < self.dynamic_sampling.max_rounds:
            rounds += 1
            count = next_round(
                self.batch_groups, len(groups), informative, self.num_generations, self.accelerator.num_processes
            )
            rows = self._draw(count)
            inputs = self._inputs(rows)
            prompts = [row["prompt"] for row in inputs]
            prompt_ids, completion_ids, _, completions, logprobs, *_ = self._generate(prompts)
            rewards = self._calculate_rewards(inputs, prompts, completions, completion_ids)
            extra = {name: list(values) for name, values in self._pending_extra_logs.items()}
            self._pending_extra_logs.clear()
            logprobs = logprobs or [None] * len(inputs)  # only vLLM has them
            mine = zip(prompt_ids, completion_ids, completions, logprobs, strict=True)
            logged = ({name: values[place] for name, values in extra.items()} for place in range(len(inputs)))
            # Which process made a completion does not matter any more: any of them may train on it.
            rollouts = gather_object(list(zip(mine, logged, strict=True)))
            judged = rewards[:, self.filter_column].tolist()
            for number, row in enumerate(rows):
                part = slice(number * self.num_generations, (number + 1) * self.num_generations)
                groups.append(Group(row, rollouts[part], rewards[part], spread(judged[part])))
            self._learn(rows, rewards)
            informative = sum(group.informative for group in groups)
        return groups, rounds

    def _replay(self, kept: list[Group], groups: list[Group], rounds: int) -> dict:
        """TRL's computation on the kept groups, whose completions and rewards are there already."""
        mine = self._slice([rollout for group in kept for rollout in group.rollouts])
        prompt_ids, completion_ids, completions, logprobs = (
            list(column) for column in zip(*(fields for fields, _ in mine), strict=True)
        )
        # A reward may log a column in one round and not in another.
        for name in sorted({name for _, logged in mine for name in logged}):
            self._pending_extra_logs[name] = [logged.get(name) for _, logged in mine]
        self._replayed = (
            (prompt_ids, completion_ids, None, completions, None if logprobs[0] is None else logprobs, {}, None, []),
            torch.cat([group.rewards for group in kept]),
        )
        output = super()._generate_and_score_completions(self._inputs([group.row for group in kept]))
        self._replayed = None
        self._log_rollouts(torch.cat([group.rewards for group in groups]), rounds)
        metrics = self._metrics["train"]
        metrics["sampling/groups_informative"].append(sum(group.informative for group in groups))
        metrics["sampling/groups_filled_up"].append(sum(not group.informative for group in kept))
        return output

    def _generate(self, prompts: list):
        return self._replayed[0] if self._replayed else super()._generate(prompts)

    def _calculate_rewards(self, inputs, prompts, completions, completion_ids_list):
        if self._replayed:
            return self._replayed[1]
        self._rewards = super()._calculate_rewards(inputs, prompts, completions, completion_ids_list)
        return self._rewards

    # ---- what the pool and the log learn

    def _pass_rates(self, rewards: torch.Tensor) -> list[float]:
        judged = rewards[:, self.pass_column].view(-1, self.num_generations)
        return [pass_rate(group) for group in judged.tolist()]

    def _learn(self, rows: list[int], rewards: torch.Tensor) -> None:
        if self.pass_column is not None:
            self.pool.learn(rows, self._pass_rates(rewards))

    def _log_rollouts(self, rewards: torch.Tensor, rounds: int) -> None:
        """`rewards`: of all rollouts of this batch, kept or not, (completions, reward functions)."""
        weighted = (rewards * self.reward_weights.to(rewards.device)).nansum(dim=1)
        weighted[torch.isnan(rewards).all(dim=1)] = torch.nan
        found = {
            "sampling/reward_all": torch.nanmean(weighted).item(),
            "sampling/groups_generated": len(rewards) / self.num_generations,
            "sampling/groups_kept": float(self.batch_groups),
            "sampling/groups_generated_total": float(self.groups_generated),
            "sampling/rounds": float(rounds),
        } | self.pool.metrics()
        if self.pass_column is not None:
            rates = [rate for rate in self._pass_rates(rewards) if not math.isnan(rate)]
            if rates:
                found["sampling/solved"] = sum(rate == 1 for rate in rates) / len(rates)
                found["sampling/hopeless"] = sum(rate == 0 for rate in rates) / len(rates)
        for name, value in found.items():
            self._metrics["train"][name].append(value)

    # ---- checkpoints

    @property
    def _between_generations(self) -> bool:
        """Whether all of the last generation has been trained on, so that a resumed run begins with a new one."""
        return self._step % (self.args.steps_per_generation * self.num_iterations) == 0

    def _run_epoch(self, *args, **kwargs) -> None:
        # transformers would train one step more when a finished run is started again.
        if self.state.global_step >= self.state.max_steps:
            self.control.should_training_stop = True
            return
        super()._run_epoch(*args, **kwargs)

    def _maybe_log_save_evaluate(self, *args, **kwargs) -> None:
        wanted = self.control.should_save or self._save_waits
        due = wanted and (self._between_generations or self.state.global_step >= self.state.max_steps)
        if wanted and not due and not self._save_waits:
            self.tell(
                f"step {self.state.global_step}: a generation is only partly trained on; the checkpoint is written "
                "when it is used up, so that it can be resumed exactly"
            )
        self._save_waits = wanted and not due
        self.control.should_save = due
        super()._maybe_log_save_evaluate(*args, **kwargs)

    def _save_checkpoint(self, model, trial) -> None:
        super()._save_checkpoint(model, trial)
        if self.args.should_save:
            folder = os.path.join(self._get_output_dir(trial=trial), f"checkpoint-{self.state.global_step}")
            state = {"step": self._step, "groups_generated": self.groups_generated, "pool": self.pool.state()}
            with open(os.path.join(folder, STATE_FILE), "w") as file:
                json.dump(state, file)

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        super()._load_optimizer_and_scheduler(checkpoint)
        if checkpoint is None:
            return
        path = os.path.join(checkpoint, STATE_FILE)
        if not os.path.exists(path):
            raise RecipeError(
                f"{path} is not there: this checkpoint does not say which prompts were drawn before it. It was "
                "written by another trainer; start a new run from its weights with model_name_or_path and another "
                "output_dir."
            )
        with open(path) as file:
            state = json.load(file)
        self._step = state["step"]
        self.groups_generated = state["groups_generated"]
        self.pool.restore(state["pool"])
        if not self._between_generations:
            self.tell(
                f"{checkpoint}: its run ended with a generation only partly trained on. The rest of it is lost: from "
                "here on this is not the run that would have gone on"
            )


def difficulties(rows: Dataset, curriculum: Curriculum) -> list[float | None]:
    """The column `difficulty` as numbers from 0 to 1, None where a row has none.

    A column of another meaning (words, say) is no difficulty of ours: without one for the fixed order, else RecipeError.
    """
    if "difficulty" not in rows.column_names:
        return [None] * len(rows)
    column = list(rows["difficulty"])
    strange = [
        value for value in column if value is not None and not (isinstance(value, float | int) and 0 <= value <= 1)
    ]
    if not strange:
        return column
    if curriculum.strategy == "fixed" or (curriculum.strategy == "adaptive" and not curriculum.prior):
        return [None] * len(rows)
    raise RecipeError(
        f"curriculum.strategy: {curriculum.strategy} goes by the column `difficulty`, from 0 (always solved) to 1 (never), but "
        f"{len(strange):,} rows have something else there, {strange[0]!r} for one. Grade the rows with "
        "scripts/grade_difficulty.py, or take `{strategy: adaptive, prior: false}`."
    )

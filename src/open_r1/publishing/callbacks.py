"""What happens at a save: the checkpoint goes to the hub, benchmarks are run on it."""

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from transformers import TrainerCallback
from transformers.trainer_utils import PREFIX_CHECKPOINT_DIR, HubStrategy

from open_r1.adapters import is_adapter
from open_r1.arguments import DataArguments, GRPOConfig, RecipeError
from open_r1.evaluation.presets import BENCHMARKS
from open_r1.private import owner_only
from open_r1.publishing.card import EVALUATION, RECIPE, write_card
from open_r1.publishing.hub import Hub
from open_r1.questions.manifest import DATA_MANIFESTS
from open_r1.rollouts.settings import local_training_processes, without_launcher
from open_r1.rollouts.topology import visible_gpus

ROOT = Path(__file__).resolve().parents[3]


def check_benchmarks(names: list[str], prepared: bool) -> None:
    """Raise RecipeError for a name that is no benchmark and no folder; a folder may come later unless `prepared`."""
    for name in names:
        known = name.partition("/")[0] in BENCHMARKS or (not prepared and "/" in name)
        if not known and not Path(name).is_dir():
            raise RecipeError(
                f"benchmarks: no benchmark and no prepared folder {name!r}; the benchmarks are {', '.join(BENCHMARKS)}. "
                "Name one of these, or leave the key out."
            )


def check_saves(script_args: DataArguments, training_args) -> None:
    """Raise RecipeError for `callbacks` and `benchmarks` that no machine could do."""
    callbacks, benchmarks = script_args.callbacks or [], script_args.benchmarks or []
    publishes = training_args.push_to_hub or script_args.push_to_hub_revision
    if "push_to_hub_revision" in callbacks and not publishes:
        raise RecipeError("callbacks: push_to_hub_revision without `push_to_hub: true`.")
    check_benchmarks(benchmarks, prepared=False)
    if callbacks and benchmarks and training_args.save_total_limit == 1:
        raise RecipeError(
            "callbacks: with `save_total_limit: 1` a checkpoint is deleted while it is still evaluated. Set 2."
        )


class Benchmarks:
    """Evaluations of saved models, one after the other beside the training, each with its log and results in the run folder."""

    def __init__(self, script_args: DataArguments, training_args, tell: Callable[[str], None]):
        check_benchmarks(script_args.benchmarks, prepared=True)
        self.run = Path(training_args.output_dir)
        self.tell = tell
        self.use_cpu = training_args.use_cpu
        self.under_slurm = "SLURM_JOB_ID" in os.environ and shutil.which("sbatch") is not None
        self.flags = ["--task", ",".join(script_args.benchmarks)]
        arguments = script_args.benchmark_args or {}
        for key, value in arguments.items():
            self.flags += [f"--{key}", str(value)]
        self.names_rows = "exclude_trained" in arguments
        serving = 0
        if isinstance(training_args, GRPOConfig) and training_args.use_vllm and training_args.vllm_mode == "server":
            serving = training_args.vllm_tensor_parallel_size * training_args.vllm_data_parallel_size
        gpus = [] if self.use_cpu else visible_gpus()[local_training_processes() :]
        self.beside, self.after = gpus[serving:], gpus
        self.thread: threading.Thread | None = None

    def check_during_training(self) -> None:
        """Raise RecipeError when no device is left for an evaluation while the run trains."""
        if not (self.use_cpu or self.under_slurm or self.beside):
            raise RecipeError(
                "callbacks: evaluating every save needs a GPU that neither trains nor serves, and none is left. Give a smaller "
                "--num_processes, or leave `callbacks` out: `benchmarks` alone are run once, on the command that the run prints."
            )

    def start(self, folder: Path, name: str, ended: bool = False) -> None:
        """Begin to evaluate a saved model, once the one before is done; a run that has ended needs no server any more."""
        self.wait()
        gpus = self.after if ended else self.beside
        out = self.run / EVALUATION / name
        out.mkdir(parents=True, exist_ok=True)
        commands, model = [], folder
        if is_adapter(folder):
            model = out / f"{self.run.name}-{name}"
            merge = [sys.executable, str(ROOT / "scripts/merge_adapter.py"), str(folder), "--output_dir", str(model)]
            commands.append([*merge, "--overwrite"])
        evaluate = [sys.executable, str(ROOT / "src/open_r1/evaluate.py"), "--model"]
        if self.under_slurm:
            # The job starts in the repository's root.
            evaluate, model, out = ["sbatch", str(ROOT / "slurm/evaluate.slurm")], model.resolve(), out.resolve()
        flags = [*self.flags, "--output_dir", str(out)]
        if not self.names_rows and (self.run / DATA_MANIFESTS).is_file():
            # A merged adapter lies apart from what says which rows it was trained on.
            flags += ["--exclude_trained", str((self.run / DATA_MANIFESTS).resolve())]
        commands.append([*evaluate, str(model), *flags])
        if not (self.use_cpu or self.under_slurm or gpus):
            self.tell(
                "benchmarks: no GPU is left beside this run's. When it has ended: "
                + " && ".join(map(" ".join, commands))
            )
            return
        self.tell(f"benchmarks: evaluating {name}, log in {out / 'log'}")
        self.thread = threading.Thread(target=self._follow, args=(commands, out, name, gpus))
        self.thread.start()

    def wait(self) -> None:
        """Until the evaluation that runs is done."""
        if self.thread is not None:
            self.thread.join()

    def _follow(self, commands: list[list[str]], out: Path, name: str, gpus: list[str]) -> None:
        environment = without_launcher(os.environ)
        if gpus:
            environment["CUDA_VISIBLE_DEVICES"] = ",".join(gpus)
        for command in commands:
            with open(out / "log", "a", opener=owner_only) as log:
                code = subprocess.run(
                    command,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    cwd=ROOT if self.under_slurm else None,
                    env=environment,
                ).returncode
            if code:
                # The training is worth more than one of its evaluations.
                last = (out / "log").read_text(errors="replace").strip().splitlines()[-1:]
                self.tell(
                    f"benchmarks: evaluating {name} ended with exit code {code}: {''.join(last)} ({out / 'log'})"
                )
                return
        self.tell(f"benchmarks: {name} {'sent to Slurm' if self.under_slurm else f'evaluated, results in {out}'}")


class OnSave(TrainerCallback):
    """Publishes and evaluates each checkpoint as the recipe says; on the first process only."""

    def __init__(
        self, script_args: DataArguments, training_args, hub: Hub | None, benchmarks: Benchmarks | None, tell
    ):
        self.hub, self.benchmarks, self.tell = hub, benchmarks, tell
        self.own_revision = "push_to_hub_revision" in (script_args.callbacks or [])
        self.pushes = hub is not None and (self.own_revision or training_args.hub_strategy != HubStrategy.END)
        # Open-R1's callback evaluates what it pushes.
        self.evaluates = benchmarks is not None and bool(script_args.callbacks)
        if self.evaluates:
            benchmarks.check_during_training()

    def on_save(self, args, state, control, **kwargs):
        if not state.is_world_process_zero:
            return
        name = f"{PREFIX_CHECKPOINT_DIR}-{state.global_step}"
        folder = Path(args.output_dir) / name
        if self.pushes:
            revision = f"{self.hub.revision}-step-{state.global_step:09d}" if self.own_revision else self.hub.revision
            state.save_to_json(str(Path(args.output_dir) / "trainer_state.json"))
            for file in (RECIPE, DATA_MANIFESTS):
                if (Path(args.output_dir) / file).is_file():
                    shutil.copy(Path(args.output_dir) / file, folder)
            write_card(folder, Path(args.output_dir), f"{Path(args.output_dir).name}, step {state.global_step}")
            try:
                self.tell(f"published: {self.hub.push(folder, f'step {state.global_step}', revision)}")
            except RecipeError as error:
                # The next save, and the end, try again; a network that is down for a minute ends no training.
                self.tell(f"not published, training goes on: {error}")
        if self.evaluates:
            self.benchmarks.start(folder, name)

    def on_train_end(self, args, state, control, **kwargs):
        if self.evaluates and state.is_world_process_zero:
            self.benchmarks.wait()

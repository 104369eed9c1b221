"""What a rollout server costs and saves: the same GRPO steps by plain TRL and with our vLLM server, in one run.

    python benchmarks/rollout.py                                       # 2 CPU processes, ZeRO-3, a tiny random model
    python benchmarks/rollout.py --gpus 3 --model Qwen/Qwen2.5-1.5B-Instruct --weight_sync nccl --plain colocate

Plain TRL is its GRPOTrainer with its own generation: transformers' generate, or vLLM in the training processes
(colocate; on GPUs). Its server mode is no rival on the CPU: it syncs by NCCL only. Prints medians after warm-up steps,
where the time of a step goes, and where the time to the first step goes.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parents[1]
WARM_UP = 3

# TRL's names for parts of a step, by what a reader calls them.
PARTS = {
    "generate": ("vLLM.generate", "transformers.generate"),
    "weight sync": ("sync_weights",),
    "reward": ("share_of_letters",),
}


def share_of_letters(completion_ids, **kwargs):
    """A reward that differs between completions of a random model; it does not matter which."""
    return [sum(token % 7 == 0 for token in ids) / max(len(ids), 1) for ids in completion_ids]


class Timeline:
    """What happens when: durations of TRL's profiled blocks, and moments since the command was given."""

    def __init__(self, began: float):
        self.began = began
        self.moments: dict[str, float] = {}
        self.parts: dict[str, list[float]] = defaultdict(list)
        self.steps: list[float] = []

    def mark(self, name: str) -> None:
        """Remember when `name` happened; TRL's and our own modules share no clock but the wall's."""
        self.moments.setdefault(name, time.time() - self.began)

    def listen(self) -> None:
        """Have TRL's profiling contexts report here."""
        from trl.extras.profiling import ProfilingContext

        def record(context, duration):
            name = context.name.split(".", 1)[1]
            for part, names in PARTS.items():
                if name in names:
                    self.parts[part].append(duration)

        ProfilingContext._log_metrics = record


def worker(args: argparse.Namespace) -> None:
    """One variant in the launched training processes; the first one writes its timeline to --result."""
    timeline = Timeline(args.began)
    timeline.listen()
    from datasets import Dataset
    from transformers import TrainerCallback
    from trl import GRPOTrainer, ModelConfig

    from open_r1.arguments import GRPOConfig
    from open_r1.rollouts.run import rollouts

    timeline.mark("imported")

    class Steps(TrainerCallback):
        def on_step_begin(self, *_, **__):
            self.began = time.perf_counter()

        def on_step_end(self, *_, **__):
            timeline.steps.append(time.perf_counter() - self.began)
            timeline.mark("first step done")

    def tell(text: str) -> None:
        print(text, flush=True)
        if "ready" in text:
            timeline.mark("server ready")

    ours = args.variant == "server"
    training_args = GRPOConfig(
        output_dir=args.folder,
        max_steps=args.steps + WARM_UP,
        per_device_train_batch_size=args.batch,
        num_generations=8,
        max_completion_length=args.length,
        generation_kwargs={"ignore_eos": True} if args.variant != "generate" else {"min_new_tokens": args.length},
        use_vllm=args.variant != "generate",
        vllm_mode="server" if ours else "colocate",
        vllm_max_model_length=args.length + 64,
        weight_sync=args.weight_sync,
        max_logp_difference=1.0,
        bf16=bool(args.gpus),
        use_cpu=not args.gpus,
        gradient_checkpointing=bool(args.gpus),
        learning_rate=1e-6,
        report_to="none",
        save_strategy="no",
        logging_steps=1,
        disable_tqdm=True,
    )
    model_args = ModelConfig(model_name_or_path=args.model, dtype="bfloat16" if args.gpus else "float32")
    training_args.model_init_kwargs = {"dtype": model_args.dtype}
    rows = Dataset.from_dict({"prompt": [f"Question {number}: which one is it?" for number in range(512)]})
    with rollouts(training_args, model_args, None, tell):
        trainer = GRPOTrainer(args.model, share_of_letters, training_args, rows, callbacks=[Steps()])
        timeline.mark("trainer built")
        trainer.train()
    timeline.mark("server stopped")
    if training_args.process_index == 0:
        lengths = [row["completions/mean_length"] for row in trainer.state.log_history if "reward" in row]
        completions = args.batch * training_args.world_size
        Path(args.result).write_text(
            json.dumps(
                {
                    "moments": timeline.moments,
                    "parts": timeline.parts,
                    "steps": timeline.steps,
                    "tokens": [length * completions for length in lengths],
                }
            )
        )


def measure(args: argparse.Namespace, variant: str, folder: Path) -> dict:
    """Launch one variant and read its timeline back."""
    config = "zero3" if args.gpus else "zero3_cpu"
    command = [sys.executable, "-m", "accelerate.commands.launch"]
    command += ["--config_file", ROOT / f"recipes/accelerate_configs/{config}.yaml", "--main_process_port", "0"]
    command += ["--num_processes", args.gpus or 2, __file__, "--variant", variant, "--began", time.time()]
    command += ["--folder", folder / variant, "--result", folder / f"{variant}.json"]
    for name in ("model", "steps", "batch", "length", "gpus", "weight_sync"):
        command += [f"--{name}", getattr(args, name)]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src"), "OMP_WAIT_POLICY": "PASSIVE"}
    with open(folder / f"{variant}.log", "w") as log:
        done = subprocess.run([str(word) for word in command], env=environment, stdout=log, stderr=subprocess.STDOUT)
    if done.returncode:
        sys.exit(f"{variant} failed:\n" + (folder / f"{variant}.log").read_text()[-5000:])
    return json.loads((folder / f"{variant}.json").read_text())


def report(name: str, result: dict) -> float:
    """Print one variant's figures; returns its seconds a step."""

    def median(values):
        return statistics.median(values[WARM_UP:])

    step, tokens = median(result["steps"]), median(result["tokens"])
    print(f"\n{name}")
    print(
        f"  {step:.3f} s a step (middle half {quartiles(result['steps'][WARM_UP:])}), {len(result['steps']) - WARM_UP} steps"
    )
    shares = {part: median(values) for part, values in result["parts"].items() if len(values) > WARM_UP}
    shares["train and the rest"] = step - sum(shares.values())
    for part, seconds in shares.items():
        print(f"    {part:<20}{seconds:8.3f} s {seconds / step:5.0%}")
    print(
        f"  {tokens / shares['generate']:,.0f} tokens a second while generating, {tokens / step:,.0f} over the whole step"
    )
    print("  from the command: " + ", ".join(f"{what} {when:.1f} s" for what, when in result["moments"].items()))
    return step


def quartiles(values: list[float]) -> str:
    low, _, high = statistics.quantiles(values, n=4)
    return f"{low:.3f} to {high:.3f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gpus", type=int, default=0, help="training processes on GPUs; 0: two on the CPU")
    parser.add_argument("--model", help="default: a random Qwen2 of some 30 thousand parameters")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--batch", type=int, default=16, help="completions a step and process")
    parser.add_argument("--length", type=int, default=128, help="tokens of every completion")
    parser.add_argument("--weight_sync", default="folder", choices=["folder", "nccl"])
    parser.add_argument("--plain", default="generate", choices=["generate", "colocate"])
    parser.add_argument("--variant", help=argparse.SUPPRESS)  # the launched processes' own arguments
    parser.add_argument("--began", type=float, help=argparse.SUPPRESS)
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    parser.add_argument("--result", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.variant:
        return worker(args)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if args.model is None:
            sys.path.insert(0, str(ROOT / "tests"))
            from tiny_model import save_tiny_model

            args.model = save_tiny_model(folder / "tiny")
        plain = report(f"plain TRL, {args.plain}", measure(args, args.plain, folder))
        ours = report(f"vLLM server, weight_sync: {args.weight_sync}", measure(args, "server", folder))
    print(f"\na step takes {ours / plain:.2f} times as long as plain TRL's")


if __name__ == "__main__":
    main()

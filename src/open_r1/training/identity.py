"""Whether a checkpoint can be resumed exactly: what its run was made of, compared with what this one is."""

import dataclasses
import hashlib
import json
from collections.abc import Callable
from pathlib import Path

from datasets import Dataset

from open_r1.arguments import RecipeError
from open_r1.training.checkpoints import seal_of

# Keys that say where a run writes, what it shows, how often it saves and where its servers are: never what it computes.
BESIDE = (
    "output_dir", "run_name", "log", "report_to", "disable_tqdm", "save_", "push_to_hub", "overwrite_hub", "hub_", "benchmark", "callbacks", "eval_", "do_",
    "per_device_eval", "resume_", "ignore_data_skip", "restore_callback", "num_completions_to_print", "project", "trackio",
    "vllm_server", "vllm_listen", "vllm_hang", "vllm_max_restarts", "vllm_group_port", "vllm_device", "vllm_gpu_memory",
    "max_logp_difference", "dataloader_num_workers", "dataloader_pin", "dataloader_prefetch", "dataloader_persistent",
    "ddp_timeout", "skip_memory_metrics", "include_", "local_rank", "debug", "use_cpu", "full_determinism", "torch_empty",
    "auto_find", "load_best", "metric_for", "greater_is", "trust_remote_code", "deepspeed", "accelerator_config", "parallelism",
    # Where rows come from; the rows themselves are compared.
    "dataset_",
)  # fmt: skip
# A run may be made longer; its learning-rate schedule may then be another.
LENGTH = ("max_steps", "num_train_epochs")


def identity(script_args, training_args, model_args, rows: Dataset) -> dict:
    """What decides a run's numbers: its recipe, its number of processes and its rows, as JSON data."""
    recipe = {}
    for arguments in (script_args, training_args, model_args):
        for field in dataclasses.fields(arguments):
            if not field.name.startswith(BESIDE):
                recipe[field.name] = _plain(getattr(arguments, field.name))
    return {"recipe": recipe, "processes": training_args.world_size, "rows": len(rows), "data": hash_of(rows)}


def _plain(value):
    return json.loads(json.dumps(value, default=lambda other: getattr(other, "value", None) or repr(other)))


def hash_of(rows: Dataset) -> str:
    """A hash of all rows in their order."""
    digest = hashlib.sha256()
    for row in rows:
        digest.update(json.dumps(row, default=repr, sort_keys=True).encode())
    return digest.hexdigest()


def check_same_run(checkpoint: str | None, now: dict, anyway: bool, tell: Callable[[str], None]) -> None:
    """Raise RecipeError naming every difference that makes an exact resume impossible, unless `anyway` was chosen."""
    seal = None if checkpoint is None else seal_of(Path(checkpoint))
    if checkpoint is not None and seal is None:
        tell(f"{checkpoint} does not say which run wrote it: whether this is the same one was not checked")
    if seal is None:
        return
    before = seal["run"]
    changed = differences(before, now)
    for name in LENGTH:
        if (was := before["recipe"].get(name)) != (now["recipe"].get(name)):
            tell(
                f"{name}: {was} when {checkpoint} was written, {now['recipe'].get(name)} now. A learning-rate schedule "
                "that depends on it is another from here on"
            )
    if not changed:
        return
    told = "; ".join(changed)
    if anyway:
        tell(f"resume_anyway: going on although this is not the run that wrote {checkpoint}: {told}")
        return
    raise RecipeError(
        f"{checkpoint} was written by another run: {told}. An exact resume is impossible. Set it back; or go on all the "
        "same with `--resume_anyway true`; or start a new run in another --output_dir (from these weights: "
        f"`--model_name_or_path {checkpoint}`, the only way where DeepSpeed's shards are of another number of processes)."
    )


def differences(before: dict, now: dict) -> list[str]:
    """What two runs differ in, one phrase each."""
    old, new = before["recipe"], now["recipe"]
    told = [
        f"{name} was {_brief(old.get(name))}, is {_brief(new.get(name))}"
        for name in sorted(old.keys() | new.keys())
        if name not in LENGTH and old.get(name) != new.get(name)
    ]
    if before["processes"] != now["processes"]:
        told.append(f"{before['processes']} training processes, now {now['processes']}")
    if before["data"] != now["data"]:
        told.append(f"the data is another ({before['rows']:,} rows, now {now['rows']:,})")
    return told


def _brief(value) -> str:
    shown = json.dumps(value)
    return shown if len(shown) <= 60 else shown[:57] + "..."

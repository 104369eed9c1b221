"""A recipe on this machine: does it parse, do its processes fit, is its model, data, disk and network there?"""

from __future__ import annotations  # an older Python must get as far as being told so

import json
import os
import re
import shutil
import struct
from collections.abc import Iterator
from pathlib import Path

from open_r1.doctor import machine
from open_r1.doctor.finding import Finding
from open_r1.doctor.machine import GIB

# Bytes that a checkpoint takes for each trained parameter: 16-bit weights, fp32 master weights, Adam's two moments.
CHECKPOINT_BYTES = 14
RENDEZVOUS_PORT = 29500  # accelerate's default for --main_process_port
DATA_FILES = (".jsonl", ".json", ".csv", ".parquet")
HUB_NAME = re.compile(r"\w[\w.-]*(/\w[\w.-]*)?")
HUB_PATIENCE = 10  # seconds for one question to the hub


class Recipe:
    """A recipe that parses, as the checks below read it: `task`, `script`, `training`, `model` arguments, `notes`."""

    def __init__(self, path: Path, flags: list[str], num_processes: int | None):
        from open_r1.recipes import fitting_processes, load_recipe, read_yaml, task_of

        self.path, self.task = path, task_of(path)
        argv = ["--config", str(path), *flags]
        # `load_recipe` below is told to forget the device, so that a recipe for GPUs can be read without any.
        written = read_yaml(path)[0].get("use_cpu", False)
        given = flags[flags.index("--use_cpu") + 1 :][:1] if "--use_cpu" in flags else []
        self.on_gpus = not (given[0].lower() in ("true", "1", "yes") if given else written)
        self.gpus = machine.gpus() if self.on_gpus else []
        self.fits = fitting_processes(self.task, argv)
        self.processes = num_processes or self._usual_processes(argv)
        # A number that does not fit is told by a check of its own; the rest of the recipe is read all the same.
        readable = self.fits[0] if self.fits and self.processes not in self.fits else self.processes
        (self.script, self.training, self.model), self.notes = load_recipe(self.task, argv, num_processes=readable)
        self.generates = self.task == "grpo" and self.training.use_vllm
        self.own_server = self.generates and self.training.vllm_mode == "server" and not self.training.names_a_server

    def _usual_processes(self, argv: list[str]) -> int:
        """One for each GPU that the run's own server leaves free, as far as the batch sizes allow; 1 on the CPU."""
        from open_r1.recipes import load_recipe

        (_, training, _), _ = load_recipe(self.task, argv, num_processes=self.fits[0] if self.fits else 1)
        serves = (
            self.task == "grpo"
            and training.use_vllm
            and training.vllm_mode == "server"
            and not training.names_a_server
        )
        needed = training.vllm_tensor_parallel_size * training.vllm_data_parallel_size if serves else 0
        free = len(self.gpus) - needed
        return max([number for number in self.fits if number <= free], default=self.fits[0] if self.fits else 1)


def look_at_processes(recipe: Recipe) -> Iterator[Finding]:
    """The recipe's notes, the numbers of processes that fit its batches, and the GPUs they and the server take."""
    for note in recipe.notes:
        yield Finding("warn", "recipe", note, "rename or remove the key")
    fits = ", ".join(map(str, recipe.fits))
    if recipe.processes not in recipe.fits:
        yield Finding(
            "fail",
            "processes",
            f"{recipe.processes} do not fit the batch sizes",
            f"--num_processes one of {fits}" if fits else "change per_device_train_batch_size or num_generations",
        )
        return
    if not recipe.on_gpus:
        yield Finding("ok", "processes", f"{recipe.processes} on the CPU; these fit the batch sizes: {fits}")
        return
    served = (
        recipe.training.vllm_tensor_parallel_size * recipe.training.vllm_data_parallel_size if recipe.own_server else 0
    )
    need, here = recipe.processes + served, len(recipe.gpus)
    said = f"{need} GPUs: {recipe.processes} to train" + (f" and {served} for the vLLM server" if served else "")
    if need > here:
        yield Finding(
            "fail",
            "processes",
            f"{said}; {here} here",
            "another --num_processes, `vllm_mode: colocate`, or a larger machine",
        )
    else:
        yield Finding(
            "ok", "processes", f"{said}; --num_processes {recipe.processes} (these fit the batch sizes: {fits})"
        )


def look_at_ports(recipe: Recipe, main_process_port: int | None) -> Iterator[Finding]:
    """The rendezvous of several processes, and a server that the recipe names elsewhere."""
    if recipe.processes > 1:
        if main_process_port == 0:
            yield Finding("ok", "port", "rendezvous: any free one (--main_process_port 0)")
        else:
            yield machine.look_at_port(
                "rendezvous", "0.0.0.0", main_process_port or RENDEZVOUS_PORT, "--main_process_port"
            )
    if recipe.own_server:
        yield Finding(
            "ok", "port", f"vLLM server: a free one of {recipe.training.vllm_listen_host}, new with every start"
        )
    elif recipe.generates and recipe.training.vllm_mode == "server":
        yield _named_server(recipe.training)


def _named_server(training) -> Finding:
    import requests

    url = training.vllm_server_base_url or f"http://{training.vllm_server_host}:{training.vllm_server_port}"
    try:
        requests.get(f"{url}/health", timeout=5).raise_for_status()
    except requests.RequestException as error:
        return Finding(
            "fail",
            "server",
            f"no vLLM server answers at {url} ({type(error).__name__})",
            f"start it there: python -m open_r1.rollouts.serve --config RECIPE --vllm_server_port {training.vllm_server_port}",
        )
    return Finding("ok", "server", f"the vLLM server at {url} answers")


def is_hub_name(name: str) -> bool:
    """Whether a name that is no path here can be a repository of the hub: `name` or `owner/name`."""
    return HUB_NAME.fullmatch(name) is not None and Path(name).suffix not in DATA_FILES


def local_folder(name: str, revision: str | None = None) -> Path | None:
    """The folder of a model: the one named, or the hub's copy in the cache; None where there is neither."""
    if Path(name).expanduser().is_dir():
        return Path(name).expanduser()
    if not is_hub_name(name):
        return None
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        return Path(snapshot_download(name, revision=revision, local_files_only=True))
    except LocalEntryNotFoundError:
        return None


def parameters(folder: Path) -> int:
    """How many parameters a model folder's safetensors hold, read from their headers."""
    count = 0
    for file in folder.glob("*.safetensors"):
        with file.open("rb") as data:
            (size,) = struct.unpack("<Q", data.read(8))
            header = json.loads(data.read(size))
        for name, tensor in header.items():
            if name != "__metadata__":
                shape = 1
                for length in tensor["shape"]:
                    shape *= length
                count += shape
    return count


def look_at_model(recipe: Recipe) -> Iterator[Finding]:
    """The model: on this machine, or to be had from the hub with the token that is set."""
    name, revision = recipe.model.model_name_or_path, recipe.model.model_revision
    folder = local_folder(name, revision)
    if folder is not None:
        if not (folder / "config.json").is_file():
            yield Finding(
                "fail", "model", f"{folder} holds no config.json", "name the folder that save_pretrained wrote"
            )
        elif not list(folder.glob("*.safetensors")):
            yield Finding(
                "fail",
                "model",
                f"{folder} holds no .safetensors; other formats can run code and are not read",
                "save it again with today's transformers: save_pretrained writes safetensors",
            )
        else:
            yield Finding(
                "ok", "model", f"{name}: {parameters(folder) / 1e6:,.1f} million parameters, on this machine"
            )
    elif not is_hub_name(name):
        yield Finding("fail", "model", f"{name} is not a folder", "check model_name_or_path")
    else:
        yield _on_the_hub("model", name, revision)


def _on_the_hub(kind: str, name: str, revision: str | None) -> Finding:
    from huggingface_hub import HfApi, constants

    from open_r1.hub_access import HUB_ERRORS, hub_problem

    if constants.HF_HUB_OFFLINE:
        return Finding(
            "fail",
            "hub",
            f"{kind} {name} is not in the cache, and HF_HUB_OFFLINE is set",
            "python scripts/fetch_assets.py RECIPE where there is a network, and carry its folder over (HF_HOME)",
        )
    ask = HfApi().model_info if kind == "model" else HfApi().dataset_info
    try:
        ask(name, revision=revision, timeout=HUB_PATIENCE)
    except HUB_ERRORS as error:
        said, remedy = hub_problem(error)
        return Finding("fail", "hub", f"{kind} {name}{said}", remedy)
    return Finding("ok", "hub", f"{kind} {name} is there and may be read; it will be downloaded")


def look_at_memory(recipe: Recipe, accelerate_config: str) -> Iterator[Finding]:
    """The estimate of `open_r1.memory` against the GPUs that are here, or against the host's memory."""
    from transformers import AutoConfig

    from open_r1.memory import ACCELERATE, Sharding, estimate

    folder = local_folder(recipe.model.model_name_or_path, recipe.model.model_revision)
    if folder is None:
        yield Finding(
            "warn",
            "estimate",
            "the model is not here yet, so its memory was not estimated",
            "python -m open_r1.memory RECIPE, where the hub can be reached",
        )
        return
    found = estimate(
        (recipe.script, recipe.training, recipe.model),
        recipe.processes,
        Sharding.of(ACCELERATE / f"{accelerate_config}.yaml"),
        AutoConfig.from_pretrained(folder),
    )
    if not recipe.on_gpus:
        # Without GPUs everything lies in the host's memory, but for the CUDA context.
        need, here = (
            found.host + recipe.processes * (found.gpu - found.parts["CUDA context"]),
            machine.memory_bytes()[1],
        )
        yield _against("the host", need, here)
        return
    smallest = min((gpu["total"] for gpu in recipe.gpus), default=0)
    if smallest:
        yield _against("a training GPU", found.gpu, smallest)
        if found.server:
            yield _against("a GPU of the vLLM server", found.server_gpu, smallest)
    yield _against("the host", found.host, machine.memory_bytes()[1])


def _against(place: str, need: int, here: int) -> Finding:
    said = f"{place} needs about {need / GIB:.1f} GiB, {here / GIB:.1f} are there"
    remedy = "python -m open_r1.memory RECIPE says for what: smaller batches or completions, ZeRO-3, offloading, LoRA"
    if need > here:
        return Finding("fail", "estimate", said, remedy)
    return Finding("warn", "estimate", said, remedy) if need > 0.9 * here else Finding("ok", "estimate", said)


def look_at_output(recipe: Recipe) -> Iterator[Finding]:
    """The run folder: may it be written, does it hold the checkpoints that are to come, which one would be resumed?"""
    folder = Path(recipe.training.output_dir).expanduser()
    existing = next(parent for parent in (folder, *folder.absolute().parents) if parent.exists())
    free = shutil.disk_usage(existing).free
    if not os.access(existing, os.W_OK) or os.statvfs(existing).f_flag & os.ST_RDONLY:
        yield Finding("fail", "output", f"{existing} cannot be written", "another --output_dir, or its permissions")
        return
    training, model = recipe.training, local_folder(recipe.model.model_name_or_path, recipe.model.model_revision)
    if str(getattr(training.save_strategy, "value", training.save_strategy)) == "no":
        yield Finding(
            "warn",
            "output",
            f"{folder}: save_strategy is `no`: a run that is stopped starts again from the first step",
            "set save_strategy: steps and save_steps",
        )
    elif model is None or recipe.model.use_peft:
        why = (
            "adapters are small"
            if recipe.model.use_peft
            else "the model is not here yet, so checkpoints were not estimated"
        )
        yield Finding("ok", "disk", f"{existing}: {free / GIB:.1f} GiB free; {why}")
    else:
        yield _room_for_checkpoints(existing, free, parameters(model) * CHECKPOINT_BYTES, training.save_total_limit)


def _room_for_checkpoints(place: Path, free: int, each: int, limit: int | None) -> Finding:
    # One more than are kept: the oldest goes only when the newest is whole. And the model at the end.
    count = (limit or 1) + 1
    said = f"{place}: {free / GIB:.1f} GiB free; a checkpoint takes about {each / GIB:.2f} GiB"
    if free < each * count:
        return Finding(
            "fail",
            "disk",
            f"{said}, and {count} must fit at a time",
            "another --output_dir, a lower save_total_limit, or save_only_model: true (which cannot be resumed exactly)",
        )
    if limit is None:
        return Finding(
            "warn",
            "disk",
            f"{said}, and all are kept: room for {int(free // each)}" if each else said,
            "set save_total_limit: 2",
        )
    return Finding("ok", "disk", f"{said}, and {count} fit (save_total_limit: {limit})")


def look_at_data(recipe: Recipe) -> Iterator[Finding]:
    """Each dataset: there, and a prepared folder still what its manifest says."""
    mixture = recipe.script.dataset_mixture
    for name in [recipe.script.dataset_name] if not mixture else [part["id"] for part in mixture["datasets"]]:
        path = Path(name).expanduser()
        if path.is_dir():
            yield against_manifest(path)
        elif path.is_file():
            yield Finding("ok", "data", f"{path}: {path.stat().st_size:,} bytes")
        elif not is_hub_name(name):
            yield Finding(
                "fail", "data", f"{name} is not there", f"python scripts/data_prepare.py ... --output_dir {name}"
            )
        else:
            yield _on_the_hub("dataset", name, None)


def against_manifest(folder: Path) -> Finding:
    """A prepared folder compared with its manifest.json: the ids of every split, in both formats."""
    manifest = folder / "manifest.json"
    if not manifest.is_file():
        return Finding(
            "warn",
            "data",
            f"{folder} has no manifest.json: nobody can say which questions it holds",
            "prepare it with scripts/data_prepare.py",
        )
    import pyarrow.parquet

    try:
        promised = json.loads(manifest.read_text(encoding="utf-8"))["ids"]
    except (ValueError, KeyError, TypeError) as error:
        return Finding(
            "fail", "data", f"{manifest} cannot be read ({error})", "prepare the folder again with --overwrite"
        )
    rows = 0
    for split, by_source in promised.items():
        expected = sorted(one for ids in by_source.values() for one in ids)
        rows += len(expected)
        for file in (folder / f"{split}.jsonl", folder / f"{split}.parquet"):
            try:
                if file.suffix == ".jsonl":
                    found = [json.loads(line)["id"] for line in file.read_text(encoding="utf-8").split("\n") if line]
                else:
                    found = pyarrow.parquet.read_table(file, columns=["id"])["id"].to_pylist()
            except Exception as error:  # whatever is wrong with the file is what is looked for
                return Finding(
                    "fail",
                    "data",
                    f"{file} cannot be read: {' '.join(str(error).split())[:150]}",
                    "prepare the folder again with --overwrite",
                )
            if sorted(found) != expected:
                lacking, more = len(set(expected) - set(found)), len(set(found) - set(expected))
                return Finding(
                    "fail",
                    "data",
                    f"{file} is not what manifest.json says: {len(found)} rows for {len(expected)}, {lacking} ids missing, {more} unknown",
                    "prepare the folder again with --overwrite",
                )
    return Finding("ok", "data", f"{folder}: {rows:,} rows, the ones that manifest.json lists")

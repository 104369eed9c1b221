"""The models and datasets that recipes and benchmarks read from the hub, in one folder to carry to a machine without internet.

The idea: the folder is a Hugging Face home. What a recipe or a preset names is found, resolved to a commit, fetched (a second start
goes on where the first stopped) and written down with sizes and hashes in assets.json. With HF_HOME naming the folder, every
command runs unchanged. A folder that has an assets.json keeps its commits.

    python scripts/fetch_assets.py recipes/Qwen2.5-1.5B-Instruct/grpo/*.yaml --benchmarks official --list      # needs no network
    python scripts/fetch_assets.py recipes/Qwen2.5-1.5B-Instruct/grpo/*.yaml --benchmarks official --output_dir assets
    python scripts/fetch_assets.py --verify assets                                                             # after the journey
    HF_HOME=assets HF_HUB_OFFLINE=1 python src/open_r1/grpo.py --config RECIPE
"""

import argparse
import hashlib
import json
import shutil
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from open_r1.arguments import RecipeError
from open_r1.doctor.recipe import is_hub_name
from open_r1.evaluation.markdown import markdown
from open_r1.evaluation.presets import BENCHMARKS, PRESETS
from open_r1.questions import DATASETS, gpqa

MANIFEST = "assets.json"
GATED = {gpqa.HUB, "google/gemma-3-12b-it"}
# Weights in other formats are pickles, which nothing here reads, or of other libraries.
LEFT_OUT = ["*.bin", "*.pt", "*.pth", "*.ckpt", "*.h5", "*.msgpack", "*.gguf", "*.onnx", "original/*"]
CHUNK = 1 << 24


class AssetError(Exception):
    """What cannot be fetched or did not arrive, and what to do."""


@dataclass(frozen=True, order=True)
class Asset:
    """A repository of the hub, as a recipe or preset names it."""

    kind: str
    repo: str
    revision: str


def parse_args(argv: list[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("recipes", nargs="*", type=Path, metavar="RECIPE")
    add("--benchmarks", choices=list(PRESETS), metavar="PRESET", help=f"the benchmark sets of {', '.join(PRESETS)}")
    add(
        "--without",
        nargs="*",
        default=[],
        choices=list(BENCHMARKS),
        metavar="NAME",
        help=f"leave out {', '.join(BENCHMARKS)}",
    )
    add(
        "--model",
        nargs="*",
        default=[],
        metavar="NAME",
        help="models besides those of the recipes: a judge, a base to compare",
    )
    add("--output_dir", type=Path, default=Path("assets"))
    add("--list", action="store_true", help="say what would be fetched, and fetch nothing")
    add(
        "--verify",
        type=Path,
        metavar="FOLDER",
        help="is what was fetched there, whole, and all that the recipes need?",
    )
    args = parser.parse_args(argv)
    if not (args.recipes or args.benchmarks or args.model or args.verify):
        parser.error("name recipes, --benchmarks PRESET, --model NAME or --verify FOLDER")
    return args


def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    try:
        needed, elsewhere = needs(args)
        if args.verify:
            verify(args.verify, needed)
        elif args.list:
            print(table(needed))
        elif needed:
            fetch(sorted(needed), args.output_dir)
    except (AssetError, RecipeError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    for line in elsewhere:
        print(f"not of the hub: {line}")
    return 0


# ---- what is needed


def needs(args: argparse.Namespace) -> tuple[dict[Asset, list[str]], list[str]]:
    """The repositories with who needs them, and lines on what else has to be carried. Raises RecipeError."""
    needed: dict[Asset, list[str]] = {}
    elsewhere: list[str] = []

    def need(kind: str, name: str, revision: str | None, by: str, remedy: str) -> None:
        if Path(name).expanduser().exists() or not is_hub_name(name):
            elsewhere.append(f"{kind} {name} ({by}): {remedy}")
        else:
            needed.setdefault(Asset(kind, name, revision or "main"), []).append(by)

    for name in args.model:
        need("model", name, None, "--model", "carry the folder")
    presets = {args.benchmarks: "--benchmarks"} if args.benchmarks else {}
    for path in args.recipes:
        script, model = read_recipe(path)
        by = f"{path.parent.parent.name}/{path.name}"
        need("model", model.model_name_or_path, model.model_revision, by, "carry the folder, or train it there")
        parts = script.dataset_mixture["datasets"] if script.dataset_mixture else [{"id": script.dataset_name}]
        for part in parts:
            need(
                "dataset",
                part["id"],
                None,
                by,
                "carry the folder (scripts/data_prepare.py writes it), or make it there",
            )
        if script.benchmarks and not (script.benchmark_args or {}).get("data_root"):
            presets.setdefault((script.benchmark_args or {}).get("preset", "official"), by)
    for preset, by in presets.items():
        for task in PRESETS[preset].rows:
            dataset = DATASETS[BENCHMARKS[task].dataset]
            if task in args.without:
                continue
            if dataset.REVISION is None:
                elsewhere.append(
                    f"benchmark {task} ({by}): no revision is pinned; carry its files and name them with DATA_ROOT"
                )
            else:
                need("dataset", dataset.HUB, dataset.REVISION, f"{by}: {task}", "carry it, and name it with DATA_ROOT")
    return needed, list(dict.fromkeys(elsewhere))


def read_recipe(path: Path):
    """A recipe's data and model arguments, as the first number of processes that fits it reads them; raises RecipeError."""
    from open_r1.recipes import readings, task_of

    warnings.simplefilter("ignore", FutureWarning)
    for _, (script, _, model) in readings(task_of(path), ["--config", str(path)]):
        return script, model
    raise RecipeError(f"{path}: no number of processes fits. `python -m open_r1.recipes check {path}` says why.")


def table(needed: dict[Asset, list[str]]) -> str:
    """The repositories and who needs them, as a table."""
    rows = [
        [asset.kind, asset.repo + (" (gated)" if asset.repo in GATED else ""), asset.revision[:12], ", ".join(by)]
        for asset, by in sorted(needed.items())
    ]
    return markdown(["kind", "repository", "revision", "needed by"], rows)


# ---- with a network


def fetch(assets: list[Asset], folder: Path) -> None:
    """Download what is missing; nothing is begun before every repository has been found. Raises AssetError."""
    kept = {asset_of(entry): entry for entry in read_manifest(folder)}
    found = resolve(assets, kept)
    size = sum(file.size or 0 for info in found.values() for file in wanted(info))
    print(f"{len(found)} repositories, {size / 1e9:,.2f} GB in all, into {folder}", flush=True)
    folder.mkdir(parents=True, exist_ok=True)
    here = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file() and not file.is_symlink())
    if size - here > (free := shutil.disk_usage(folder).free):
        raise AssetError(f"{folder}: {free / 1e9:,.1f} GB free. Make room, or give another --output_dir.")
    for asset, info in found.items():
        snapshot = download(asset, info.sha, folder)
        if asset.revision != info.sha:  # so that the name a recipe uses leads to this commit
            reference = snapshot.parents[1] / "refs" / asset.revision
            reference.parent.mkdir(parents=True, exist_ok=True)
            reference.write_text(info.sha)
        files = [file_entry(snapshot, file, folder) for file in wanted(info)]
        kept[asset] = {
            "kind": asset.kind,
            "repo": asset.repo,
            "revision": asset.revision,
            "commit": info.sha,
            "folder": str(snapshot.relative_to(folder)),
            "files": files,
        }
        write_manifest(folder, [kept[one] for one in sorted(kept)])
        print(
            f"{asset.kind} {asset.repo}: {len(files)} files, {sum(file['size'] for file in files) / 1e6:,.1f} MB",
            flush=True,
        )
    print(
        f"carry {folder} over as it is (tar, rsync -a). There: python scripts/fetch_assets.py --verify {folder}, then"
    )
    print(f"export HF_HOME={folder.resolve()} HF_HUB_OFFLINE=1")


def download(asset: Asset, commit: str, folder: Path) -> Path:
    """A repository's files at a commit, as a folder of the hub's cache; raises AssetError when the network fails."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    from open_r1.hub_access import HUB_ERRORS, hub_problem

    try:
        found = snapshot_download(
            asset.repo, repo_type=asset.kind, revision=commit, cache_dir=folder / "hub", ignore_patterns=LEFT_OUT
        )
    except (*HUB_ERRORS, LocalEntryNotFoundError) as error:
        said, remedy = hub_problem(error)
        raise AssetError(f"{asset.kind} {asset.repo}{said}: {remedy}. The same command goes on from there.") from None
    return Path(found)


def resolve(assets: list[Asset], kept: dict[Asset, dict]) -> dict:
    """What the hub says of every repository, at the commit that was fetched before where one was. Raises AssetError."""
    from huggingface_hub import HfApi

    from open_r1.hub_access import HUB_ERRORS, hub_problem

    found, problems = {}, []
    for asset in assets:
        revision = kept[asset]["commit"] if asset in kept else asset.revision
        try:
            found[asset] = HfApi().repo_info(asset.repo, repo_type=asset.kind, revision=revision, files_metadata=True)
        except HUB_ERRORS as error:
            said, remedy = hub_problem(error)
            problems.append(f"{asset.kind} {asset.repo}{said}: {remedy}.")
    if problems:
        leave = " A benchmark can be left out with --without." if any(asset.repo in GATED for asset in assets) else ""
        raise AssetError("\n".join(problems) + f"\nNothing was fetched.{leave}")
    return found


def wanted(info) -> list:
    """The files of a repository that are fetched."""
    from huggingface_hub.utils import filter_repo_objects

    return list(filter_repo_objects(info.siblings, ignore_patterns=LEFT_OUT, key=lambda file: file.rfilename))


def file_entry(snapshot: Path, file, folder: Path) -> dict:
    """A fetched file's path, size and hash; raises AssetError where the hub gave another hash."""
    path = snapshot / file.rfilename
    found = sha256(path)
    if file.lfs and file.lfs.sha256 != found:
        blob = path.resolve()
        path.unlink()
        blob.unlink(missing_ok=True)
        raise AssetError(
            f"{path.relative_to(folder)} is not what the hub has; it was removed. Run the same command again."
        )
    return {"path": file.rfilename, "size": path.stat().st_size, "sha256": found}


# ---- without one


def verify(folder: Path, needed: dict[Asset, list[str]]) -> None:
    """Raise AssetError unless every file of the manifest is there as it was, and the manifest has all that is needed."""
    from tqdm import tqdm

    entries = read_manifest(folder)
    if not entries:
        raise AssetError(
            f"{folder} has no {MANIFEST}: name the folder that fetch_assets.py wrote, and carry it over whole"
        )
    lacking = [asset for asset in sorted(needed) if asset not in map(asset_of, entries)]
    files = [(folder / entry["folder"] / file["path"], file) for entry in entries for file in entry["files"]]
    missing, damaged = [], []
    with tqdm(total=sum(file["size"] for _, file in files), unit="B", unit_scale=True, desc=str(folder)) as bar:
        for path, file in files:
            if not path.is_file():
                missing.append(str(path))
            elif path.stat().st_size != file["size"] or sha256(path, bar.update) != file["sha256"]:
                damaged.append(str(path))
    problems = [f"missing: {', '.join(missing)}."] * bool(missing)
    problems += [f"not as fetched: {', '.join(damaged)}."] * bool(damaged)
    problems += [f"not in {folder}: {asset.kind} {asset.repo} at {asset.revision}." for asset in lacking]
    if problems:
        raise AssetError(
            " ".join(problems) + " Fetch again where there is a network, and carry the folder over with its links."
        )
    print(f"{folder}: {len(entries)} repositories, {len(files)} files as fetched")


def sha256(path: Path, read=lambda size: None) -> str:
    """The hash of a file; `read` is told how many bytes were read."""
    found = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            found.update(chunk)
            read(len(chunk))
    return found.hexdigest()


def asset_of(entry: dict) -> Asset:
    """The repository that an entry of the manifest is about."""
    return Asset(entry["kind"], entry["repo"], entry["revision"])


def read_manifest(folder: Path) -> list[dict]:
    """What a folder says it holds; nothing for a new one."""
    file = folder / MANIFEST
    return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else []


def write_manifest(folder: Path, entries: list[dict]) -> None:
    """Write it beside and rename: a killed fetch leaves the one before."""
    beside = folder / f"{MANIFEST}.new"
    beside.write_text(json.dumps(entries, indent=1) + "\n", encoding="utf-8")
    beside.rename(folder / MANIFEST)


if __name__ == "__main__":
    sys.exit(main())

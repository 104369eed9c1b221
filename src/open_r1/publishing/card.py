"""The model card: what was trained on what and how, what it scores with which intervals, what it is not for."""

import dataclasses
import json
from collections import Counter
from enum import Enum
from pathlib import Path

import yaml

from open_r1.evaluation.markdown import markdown, percent
from open_r1.questions.manifest import DATA_MANIFESTS

CARD, RECIPE = "README.md", "recipe.yaml"
EVALUATION = "evaluation"
# Keys that are of the machine or secret, or that the run fills in itself.
NOT_TOLD = ("output_dir", "logging_dir", "model_init_kwargs", "deepspeed", "run_name", "accelerator_config")

USE = """## Intended use

Research on medical reasoning: comparing training methods, data and rewards. **Not a medical device and not medical advice.** It must
not be used to diagnose, to treat, to triage or to advise patients, and no clinical decision may rest on it. It answers wrongly with the
same confidence as rightly, and its reasoning text need not be the reason for its answer. Scores on multiple-choice examinations say
little about clinical work; populations, languages and specialties that the data lacks were not examined.
"""


def recipe_of(*arguments) -> dict:
    """What a run's parsed arguments say other than their defaults, without secrets and without paths of the machine."""
    told = {}
    for part in arguments:
        for field in dataclasses.fields(part):
            if not field.init or field.name in NOT_TOLD or _secret(field.name):
                continue
            default = field.default
            if field.default_factory is not dataclasses.MISSING:
                default = field.default_factory()
            value = getattr(part, field.name)
            if value is not None and value != default:
                told[field.name] = _plain(value)
    return told


def _secret(name: str) -> bool:
    return name.endswith(("token", "api_key"))


def _plain(value):
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, dict):
        return {str(key): _plain(own) for key, own in value.items() if not _secret(str(key))}
    if isinstance(value, list | tuple):
        return [_plain(own) for own in value]
    if isinstance(value, str) and value.startswith(("/", "~")):
        return Path(value).name
    return value if isinstance(value, int | float | bool | str) else str(value)


def write_card(folder: Path, run: Path | None = None, name: str | None = None) -> None:
    """Write README.md into a model's folder from what lies in its run's folder (by default the same one).

    Read are recipe.yaml, the data's manifests, trainer_state.json and evaluation/**/results.json; what is not there is said.
    """
    run = run or folder
    recipe = yaml.safe_load(_text(run / RECIPE) or "{}")
    adapter = (folder / "adapter_config.json").is_file()
    base = recipe.get("model_name_or_path")
    front = {"library_name": "peft" if adapter else "transformers", "pipeline_tag": "text-generation"}
    if base and "/" in base and not base.startswith("."):
        front["base_model"] = base
    front["tags"] = [
        "open-medical-r1",
        "medical",
        *(["lora"] if adapter else []),
        *(["grpo"] if "reward_funcs" in recipe or "num_generations" in recipe else []),
    ]
    parts = [
        f"---\n{yaml.safe_dump(front, sort_keys=False)}---",
        f"# {name or folder.absolute().name}",
        f"{'An adapter (LoRA) for' if adapter else 'Trained from'} {base or 'a model that recipe.yaml does not name'} with open-medical-r1.",
        USE.strip(),
        "## Evaluation\n\n" + _evaluation(run / EVALUATION),
        "## Data\n\n" + _data(run / DATA_MANIFESTS),
        "## Training\n\n"
        + _training(run / "trainer_state.json")
        + f"\n\n`{RECIPE}`, all that differs from the defaults:\n\n```yaml\n{_text(run / RECIPE) or '# not recorded'}```",
    ]
    (folder / CARD).write_text("\n\n".join(parts) + "\n", encoding="utf-8")


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def _evaluation(folder: Path) -> str:
    """A table of every results.json below the folder: the model's own first, then its checkpoints."""
    rows = []
    for path in sorted(folder.rglob("results.json"), key=lambda path: (path.parent.name != "final", path.parent.name)):
        for result in json.loads(path.read_text(encoding="utf-8")):
            found, counts = result["accuracy"], result["counts"]
            whole = "" if result["complete"] else " (not the whole benchmark)"
            rows.append(
                [
                    path.relative_to(folder).parts[0],
                    f"{result['benchmark']}, {result['preset']}{whole}",
                    f"{result['questions']:,}",
                    f"{percent(found['value'])} [{percent(found['low'])}, {percent(found['high'])}]",
                    f"{counts['abstained'] + counts['empty']} + {counts['truncated']}",
                ]
            )
    if not rows:
        return "Not evaluated."
    header = ["model", "benchmark, preset", "questions", "accuracy %, 95% interval", "no answer + cut off"]
    return markdown(header, rows) + (
        "\n\nIntervals are over unique questions. No answer counts as wrong. Rows that the model was trained on are left out where the "
        "data's manifest lists them."
    )


def _data(path: Path) -> str:
    manifests = json.loads(_text(path) or "{}")
    if not manifests:
        return "The data came without a manifest: which rows were trained on is not recorded."
    rows = []
    for name, manifest in manifests.items():
        ids = manifest.get("ids", {}).get("train", {})
        counts = Counter({source: len(own) for source, own in ids.items()})
        settings = manifest.get("settings", {})
        teacher = f"; traces by {settings['model']}" if "acceptance_rate" in manifest and "model" in settings else ""
        listed = ", ".join(f"{source} {number:,}" for source, number in sorted(counts.items()))
        rows.append([Path(name).name, f"{sum(counts.values()):,}", listed + teacher])
    return (
        markdown(["data", "training questions", "of"], rows)
        + f"\n\n`{path.name}` lists their ids, sources, hashes and seeds."
    )


def _training(path: Path) -> str:
    if not path.is_file():
        return "Steps are not recorded."
    state = json.loads(path.read_text(encoding="utf-8"))
    logs = [row for row in state["log_history"] if "reward" in row or "loss" in row]
    told = f"{state['global_step']:,} steps"
    for key, label in (("reward", "mean reward"), ("loss", "loss")):
        values = [row[key] for row in logs if key in row]
        if values and (key == "reward" or "reward" not in logs[0]):
            told += f"; {label} {values[0]:.3g} in the first log, {values[-1]:.3g} in the last"
    return told + "."

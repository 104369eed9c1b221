"""The tables of recipe keys in docs/recipe-keys.md and of retired ones in docs/migration.md, made from the code that reads them.

python scripts/recipe_keys.py            # write them
python scripts/recipe_keys.py --check    # exit 1 when a page is not what it would write
"""

import argparse
import dataclasses
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

import trl

from open_r1.arguments import DataArguments, GRPOConfig, GRPOScriptArguments, SFTScriptArguments
from open_r1.evaluation.markdown import markdown
from open_r1.retired import DROPPED, ENVIRONMENT, RENAMED, RENAMED_REWARDS, RETIRED_VALUES, REWARD_ARGUMENTS
from open_r1.retired import said as written

DOCS = Path(__file__).resolve().parents[1] / "docs"
PAGES = (DOCS / "recipe-keys.md", DOCS / "migration.md")
TABLE = re.compile(r"(<!-- keys: (\w+), scripts/recipe_keys\.py -->\n).*?(<!-- end of keys -->)", re.DOTALL)
KEYS = ["key", "default", "what it does"]
# TRL's own keys that decide most; the page shows the defaults of the TRL that is installed.
TRL_KEYS = {
    "num_generations": "completions a prompt: the group that advantages are taken within",
    "max_completion_length": "tokens; longer completions are cut off and count as truncated",
    "temperature": "of sampling; 1.0 keeps the log-probs those of the policy",
    "learning_rate": "about 1e-6 for full fine-tuning in the field",
    "beta": "weight of the KL term; above 0 a reference model is loaded",
    "loss_type": "how token losses are averaged",
    "scale_rewards": "by what advantages are divided",
    "num_iterations": "updates on one generation",
    "vllm_importance_sampling_mode": "correction for the difference between vLLM's and the trainer's log-probs: the "
    "sequence modes multiply over tokens and can mask long completions out, the token modes do not",
    "shuffle_dataset": "whether prompts are shuffled",
    "report_to": "trackers: wandb, tensorboard, trackio",
}


def own(cls: type) -> list[dataclasses.Field]:
    """The fields that a dataclass adds to its bases, or says otherwise."""
    return [field for field in dataclasses.fields(cls) if field.name in cls.__annotations__]


def row(field: dataclasses.Field) -> list[str]:
    """Key, default and what its help says."""
    default = field.default_factory() if field.default_factory is not dataclasses.MISSING else field.default
    return [f"`{field.name}`", said(default), cell(field.metadata["help"])]


def said(value) -> str:
    """A default as YAML writes it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, list):
        return f"`[{', '.join(value)}]`"
    return f"`{value}`" if len(str(value)) < 40 else "see below"


def cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def trl_rows() -> list[list[str]]:
    """TRL_KEYS with their defaults in the TRL that is installed."""
    defaults = {field.name: field.default for field in dataclasses.fields(trl.GRPOConfig)}
    return [[f"`{name}`", said(defaults[name]), note] for name, note in TRL_KEYS.items()]


def retired_rows() -> list[list[str]]:
    """Every retired key, value and reward, and what it means today."""
    rows = [[f"`{old}`", f"`{new}`"] for old, new in RENAMED.items()]
    for (old, value), today in RETIRED_VALUES:
        means = f"`{today[0]}: {written(today[1])}`" if today else "nothing: it is so without the line"
        rows.append([f"`{old}: {written(value)}`", means])
    rows += [[f"`reward_funcs: [{old}]`", f"`reward_funcs: [{new}]`"] for old, new in RENAMED_REWARDS.items()]
    rows += [
        [f"`{old}`", f"`reward_args: {{{reward}: {{{name}: ...}}}}`"]
        for old, (reward, name) in REWARD_ARGUMENTS.items()
    ]
    rows += [[f"`{old}`", f"the environment variable `{variable}`"] for old, variable in ENVIRONMENT.items()]
    return rows + [[f"`{old}`", f"nothing: {cell(why)}"] for old, why in DROPPED.items()]


def tables() -> dict[str, str]:
    """Tables by the name that a page gives them."""
    return {
        "data": markdown(KEYS, [row(field) for field in own(DataArguments)]),
        "grpo": markdown(KEYS, [row(field) for field in own(GRPOScriptArguments)]),
        "rollouts": markdown(KEYS, [row(field) for field in own(GRPOConfig)]),
        "sft": markdown(KEYS, [row(field) for field in own(SFTScriptArguments)]),
        "trl": markdown(KEYS, trl_rows()),
        "retired": markdown(["retired key", "today"], retired_rows()),
    }


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    args = parser.parse_args(argv)
    made = tables()
    for page in PAGES:
        before = page.read_text(encoding="utf-8")
        after = TABLE.sub(lambda found: f"{found[1]}\n{made[found[2]]}\n\n{found[3]}", before)
        if args.check and after != before:
            return 1
        page.write_text(after, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

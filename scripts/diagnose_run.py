"""Did training make the model worse, or the prompt, or the grading? The same questions, every combination, in one table.

    python scripts/diagnose_run.py --base BASE --trained RUN_FOLDER [--trained OTHER_RUN ...] --task medqa_usmle --data_root DATA

Each model is asked the official rows twice, greedily: in the prompt of training and in HuatuoGPT-o1's. Both sets of completions are
graded by our judge and by the HuatuoGPT-compatible scorer (its last match). Every trained model is compared with the base, question by
question, in each of the four combinations. Several --trained (upstream's reward and settings, and ours) put runs beside each other.
TASK may be a prepared folder; --system_prompt is the training's, where it is not the project's own. Flags that this script does not
know go to src/open_r1/evaluate.py. The same command again goes on where it stopped.
"""

import argparse
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from open_r1.evaluation.presets import PROMPTS

ROOT = Path(__file__).resolve().parents[1]
JUDGES = {"ours": "judge", "HuatuoGPT-compatible": "huatuo"}


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", required=True, help="the model before training")
    parser.add_argument("--trained", required=True, action="append", help="a model after training; repeatable")
    parser.add_argument("--system_prompt", help="of the training prompt, instead of the project's")
    parser.add_argument("--output_dir", type=Path, default=Path("runs/diagnosis"))
    args, rest = parser.parse_known_args(argv)
    models = [args.base, *args.trained]
    names = [Path(model).name for model in models]
    if len(set(names)) < len(names):
        print(
            "error: two models of the same name; give them other folder names, results lie under it", file=sys.stderr
        )
        return 2

    # ---- ask
    for model, name in zip(models, names, strict=True):
        for prompt in PROMPTS:
            command = [sys.executable, str(ROOT / "src/open_r1/evaluate.py"), "--model", model, "--prompt", prompt]
            command += ["--temperature", "0", "--output_dir", str(args.output_dir / name / prompt), *rest]
            if prompt == "training" and args.system_prompt is not None:
                command += ["--system_prompt", args.system_prompt]
            code = subprocess.run(command).returncode
            if code not in (0, 1):
                return code

    # ---- grade by both and compare
    text = diagnosis(args.output_dir, names)
    (args.output_dir / "diagnosis.md").write_text(text, encoding="utf-8")
    print(f"\n{text}\ndiagnosis.md and the logs: {args.output_dir}")
    return 0


def diagnosis(folder: Path, names: list[str]) -> str:
    """The tables in Markdown; `names` are the models' folders, the base first."""
    # Imported here: a mistake on the command line should not wait for Inspect.
    from open_r1.evaluation.results import compare_results, find_logs, read_results
    from open_r1.evaluation.table import markdown, percent

    found = {}
    for name in names:
        for prompt in PROMPTS:
            logs = find_logs([folder / name / prompt])
            for label, judge in JUDGES.items():
                for result in read_results(logs, judge):
                    found[result.benchmark, name, prompt, label] = result
    accuracy, differences, verdicts = [], [], []
    for benchmark in dict.fromkeys(key[0] for key in found):
        for prompt in PROMPTS:
            for label in JUDGES:
                shares = [found[benchmark, name, prompt, label].summary["accuracy"]["value"] for name in names]
                accuracy.append([benchmark, prompt, label, *map(percent, shares)])
        for name in names[1:]:
            signs = {}
            for prompt in PROMPTS:
                for label in JUDGES:
                    base = found[benchmark, names[0], prompt, label]
                    paired = compare_results(found[benchmark, name, prompt, label], base)
                    shown = (
                        f"{100 * paired['difference']:+.2f} [{100 * paired['low']:+.2f}, {100 * paired['high']:+.2f}]"
                    )
                    differences.append([benchmark, name, prompt, label, shown, f"{paired['p']:.3g}"])
                    signs[prompt, label] = (paired["low"] > 0) - (paired["high"] < 0)
            verdicts.append(f"* {benchmark}, {name}: {verdict(signs)}")
    return (
        "\n\n".join(
            [
                markdown(["task", "prompt", "judge", *(f"{name} %" for name in names)], accuracy),
                markdown(["task", "model", "prompt", "judge", f"minus {names[0]}, points", "McNemar p"], differences),
                "\n".join(verdicts),
            ]
        )
        + "\n"
    )


def verdict(signs: dict[tuple[str, str], int]) -> str:
    """What the four differences allow to say; `signs` is -1, 0 or 1 by prompt and judge: worse, not told apart, better."""
    words = {-1: "worse", 0: "not told apart from the base", 1: "better"}
    if len(set(signs.values())) == 1:
        return f"{words[next(iter(signs.values()))]} under both prompts and both judges: neither prompt nor grading explains it."
    by_judge = [{signs[prompt, judge] for prompt in PROMPTS} for judge in JUDGES]
    by_prompt = [{signs[prompt, judge] for judge in JUDGES} for prompt in PROMPTS]
    said = "; ".join(f"{prompt} prompt, {judge}: {words[sign]}" for (prompt, judge), sign in signs.items())
    if all(len(one) == 1 for one in by_judge):
        return f"it depends on the judge ({said}): a matter of grading."
    if all(len(one) == 1 for one in by_prompt):
        return f"it depends on the prompt ({said}): a matter of how it is asked."
    return f"it depends on both ({said})."


if __name__ == "__main__":
    sys.exit(main())

"""Inspect tasks, one per benchmark, and one for a prepared folder of your own.

    inspect eval open_r1/medqa_usmle --model hf/MODEL -T data_root=DATA_ROOT -T preset=official

`make evaluate` runs the same tasks with a server, intervals and tables around them.
"""

from dataclasses import replace
from pathlib import Path

from inspect_ai import Epochs, Task, task
from inspect_ai.model import GenerateConfig

from open_r1.evaluation import registered
from open_r1.evaluation.asking import ask, dataset_of, judge
from open_r1.evaluation.presets import BENCHMARKS, PRESETS, PROMPTS, preset_rows
from open_r1.evaluation.selection import Selection, select, select_prepared


def _benchmark(name: str):
    @task(name=registered(name))
    def benchmark(
        data_root: str | None = None,
        preset: str = "official",
        split: str | None = None,
        k: int = 1,
        seed: int = 42,
        shuffle: int | None = None,
        exclude: str | None = None,
        prompt: str | None = None,
        system_prompt: str | None = None,
        temperature: float | None = None,
        max_tokens: int | None = None,
        shard: str | None = None,
    ) -> Task:
        """A benchmark by the preset's rows, prompt and sampling; what is given beside it replaces the preset's.

        `k` completions a question; `prompt` is a name of PROMPTS; `split`, `shuffle` and `exclude` as in `selection.select`;
        `shard` "2/4" asks the second of four parts only.
        """
        settings, _ = preset_rows(preset, name)
        selection = select(name, preset, data_root, split, shuffle, exclude)
        form = PROMPTS[prompt] if prompt else settings.prompt
        if system_prompt is not None:
            form = replace(form, system=system_prompt or None)
        given = {"prompt": prompt, "temperature": temperature, "max_tokens": max_tokens}
        changed = [f"{key} {value}" for key, value in given.items() if value is not None]
        changed += ["system prompt"] if system_prompt is not None else []
        # Several greedy completions would be one, counted several times.
        warm = settings.temperature or (0.6 if k > 1 else 0.0)
        return _task(
            selection,
            name,
            preset,
            form,
            k,
            seed,
            warm if temperature is None else temperature,
            settings.top_p,
            max_tokens or settings.max_tokens,
            groups=BENCHMARKS[name].groups,
            changed=changed,
            shard=shard,
        )

    return benchmark


medmcqa = _benchmark("medmcqa")
medqa_usmle = _benchmark("medqa_usmle")
pubmedqa = _benchmark("pubmedqa")
mmlu_pro_medical = _benchmark("mmlu_pro_medical")
gpqa_medical = _benchmark("gpqa_medical")
medxpertqa = _benchmark("medxpertqa")
medcalc = _benchmark("medcalc")


@task(name=registered("prepared"))
def prepared(
    folder: str,
    split: str = "test",
    k: int = 1,
    seed: int = 42,
    system_prompt: str | None = None,
    temperature: float = 0.0,
    top_p: float = 1.0,
    max_tokens: int = 4096,
    prompt: str = "training",
    shard: str | None = None,
) -> Task:
    """The questions of a prepared folder (scripts/data_prepare.py), asked with the prompt of training or another of PROMPTS."""
    form = PROMPTS[prompt] if system_prompt is None else replace(PROMPTS[prompt], system=system_prompt or None)
    selection = select_prepared(folder, split)
    # With its split: a folder may be called like a benchmark, and its rows are not that benchmark's.
    name = f"{Path(folder).name}/{split}"
    return _task(
        selection, name, "prepared", form, k, seed, temperature, top_p, max_tokens, groups=("source",), shard=shard
    )


TASKS = {name: globals()[name] for name in BENCHMARKS}
"""The benchmarks' tasks by name, in the order of BENCHMARKS."""


def _task(
    selection: Selection, name, preset, prompt, k, seed, temperature, top_p, max_tokens, groups, changed=(), shard=None
) -> Task:
    number, shards = map(int, (shard or "1/1").split("/"))
    questions = selection.questions[number - 1 :: shards]
    by_source = len({question.id for question in selection.questions}) < len(selection.questions)
    return Task(
        dataset=dataset_of(name, questions, prompt, by_source),
        solver=ask(seed, max_tokens),
        scorer=judge(),
        epochs=Epochs(k, ["mean", f"pass_at_{k}"] if k > 1 else "mean"),
        config=GenerateConfig(temperature=temperature, top_p=top_p, max_tokens=max_tokens),
        metadata={
            "benchmark": name,
            "preset": preset,
            "source": PRESETS[preset].source if preset in PRESETS else "a prepared folder",
            "told": selection.told + (f"; NOT the preset's: {', '.join(changed)}" if changed else ""),
            "questions": selection.unique,
            "rows": len(questions),
            "shard": [number, shards],
            "expected": selection.expected,
            "complete": selection.complete,
            "changed": list(changed),
            "groups": list(groups),
            "left_out": list(selection.left_out),
        },
    )

"""Presets: which rows, which prompt, which sampling and which judge make a score comparable to whose."""

import re
from dataclasses import dataclass

from open_r1.arguments import DEFAULT_SYSTEM_PROMPT
from open_r1.questions import DataError, Question, question_text


@dataclass(frozen=True)
class Benchmark:
    """One benchmark as its loader knows it; `groups` are the metadata keys that results are broken down by."""

    dataset: str
    title: str
    groups: tuple[str, ...] = ()
    choice: bool = True
    """Whether its questions have options; the HuatuoGPT-compatible scorer reads nothing else."""


BENCHMARKS = {
    "medmcqa": Benchmark("medmcqa", "MedMCQA", ("subject_name", "choice_type")),
    "medqa_usmle": Benchmark("medqa_usmle", "MedQA-USMLE", ("meta_info",)),
    "pubmedqa": Benchmark("pubmedqa", "PubMedQA"),
    "mmlu_pro_medical": Benchmark("mmlu_pro", "MMLU-Pro Medical", ("category",)),
    "gpqa_medical": Benchmark("gpqa", "GPQA Medical", ("Subdomain",)),
    "medxpertqa": Benchmark("medxpertqa", "MedXpertQA", ("question_type", "medical_task", "body_system")),
    "medcalc": Benchmark("medcalc", "MedCalc-Bench", ("category", "output_type"), choice=False),
}
"""The six of the field's table in its order of columns, and MedCalc-Bench."""

SIX = tuple(name for name, benchmark in BENCHMARKS.items() if benchmark.choice)


@dataclass(frozen=True)
class Rows:
    """The rows that a preset takes of one benchmark: a split, how many unique questions it must have, ids to keep.

    `first` and `last` keep ids between them, by number ("Text-1001"). `repeats` asks every question so many times,
    each time with the options in another seeded order; errors are computed over the unique questions all the same.
    """

    split: str
    count: int
    first: int | None = None
    last: int | None = None
    repeats: int = 1

    def keeps(self, identity: str) -> bool:
        """Whether a question of this id is one of the rows."""
        if self.first is None:
            return True
        number = re.search(r"-(\d+)(#\d+)*$", identity)  # a repeated row's id ends in #2
        return number is not None and self.first <= int(number[1]) <= self.last


@dataclass(frozen=True)
class Prompt:
    """How a question is asked: a system message or none, and the user message."""

    system: str | None
    lead: str = ""
    lettered_lines: bool = False
    """Options as "A. text", one a line (HuatuoGPT-o1's form), instead of MedXpertQA's "(A) text" in one line."""

    def user(self, question: Question) -> str:
        """The user message."""
        if not self.lettered_lines:
            return self.lead + question_text(question)
        stem = f"{question.context}\n{question.stem}" if question.context else question.stem
        return "\n".join([self.lead + stem, *(f"{letter}. {text}" for letter, text in question.options.items())])


@dataclass(frozen=True)
class Preset:
    """All that a score depends on besides the model; `source` says where its values come from."""

    source: str
    rows: dict[str, Rows]
    prompt: Prompt
    max_tokens: int
    temperature: float
    top_p: float


TRAINING_PROMPT = Prompt(DEFAULT_SYSTEM_PROMPT)
HUATUO_PROMPT = Prompt(None, "Please answer the following multiple-choice question:\n", lettered_lines=True)
PROMPTS = {"training": TRAINING_PROMPT, "huatuo": HUATUO_PROMPT}
"""Prompts by name, for asking a preset's rows in another form."""

OFFICIAL_ROWS = {
    "medmcqa": Rows("validation", 4_183),
    "medqa_usmle": Rows("test", 1_273),
    "pubmedqa": Rows("test", 500),
    "mmlu_pro_medical": Rows("test", 1_535),
    "gpqa_medical": Rows("main", 78),
    "medxpertqa": Rows("test", 2_450),
    "medcalc": Rows("test", 1_047),
}
HUATUO_ROWS = {
    "medmcqa": Rows("validation", 4_183),
    "medqa_usmle": Rows("test", 1_273),
    "pubmedqa": Rows("all", 1_000),
    "mmlu_pro_medical": Rows("test", 1_535),
    "gpqa_medical": Rows("main", 78, repeats=5),
    "medxpertqa": Rows("test", 2_450),
}
MEDREASON_ROWS = HUATUO_ROWS | {"medxpertqa": Rows("test", 1_449, first=1001, last=2449)}

PRESETS = {
    "official": Preset(
        source="the official evaluation splits, the prompt of training, greedy",
        rows=OFFICIAL_ROWS,
        prompt=TRAINING_PROMPT,
        max_tokens=4096,
        temperature=0.0,
        top_p=1.0,
    ),
    "huatuo": Preset(
        source="HuatuoGPT-o1's evaluation file, prompt and sampling; graded by our judge, rescored with `--rescore huatuo`",
        rows=HUATUO_ROWS,
        prompt=HUATUO_PROMPT,
        max_tokens=2000,
        temperature=0.5,
        top_p=0.9,
    ),
    "medreason": Preset(
        source="HuatuoGPT-o1's protocol with the 1,449 MedXpertQA rows of the MedReason and m1 papers",
        rows=MEDREASON_ROWS,
        prompt=HUATUO_PROMPT,
        max_tokens=2000,
        temperature=0.5,
        top_p=0.9,
    ),
}


def preset_rows(preset: str, task: str) -> tuple[Preset, Rows]:
    """A preset and its rows of a task; raises DataError for a name that is not there."""
    if preset not in PRESETS:
        raise DataError(f"no preset {preset!r}; the presets are {', '.join(PRESETS)}")
    if task not in PRESETS[preset].rows:
        raise DataError(f"preset {preset} has no {task}; it has {', '.join(PRESETS[preset].rows)}")
    return PRESETS[preset], PRESETS[preset].rows[task]

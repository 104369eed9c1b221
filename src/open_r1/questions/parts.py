"""What a command line of data_prepare.py takes: one Part a dataset, and the presets' exact mixtures."""

import argparse
import re
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from open_r1.questions import DATASETS
from open_r1.questions.files import DataError

USMLE_NUMS, XPERT_TEST_SIZE = 1090, 0.8

# (MedQA-USMLE, MedXpertQA) training rows of the three mixtures in upstream's table; 490 is 20% of MedXpertQA Text.
PRESETS = {"dataset1": (1090, 0), "dataset2": (600, 490), "dataset3": (0, 490)}

# The four ways of choosing 500 MedQA-USMLE rows that arXiv 2504.13950 compares, on Gemma-3-12b-it.
REPORT = {
    "report_random": "random",
    "report_phi4": "model:microsoft/phi-4",
    "report_gemma3_27b": "model:google/gemma-3-27b-it",
    "report_gemma3_12b": "model:google/gemma-3-12b-it",
}
PRESETS |= dict.fromkeys(REPORT, (500, 0))


@dataclass
class Part:
    """A dataset's share: rows for training and for the test output; None is all that are left.

    `name` is one of DATASETS or the path of a file of the user's, which has no split.
    """

    name: str
    split: str
    root: Path | None
    revision: str | None = None
    train: int | None = 0
    test: int | None = 0
    test_size: Fraction | None = None
    previewed: bool = False
    """Asked for by --custom: what was understood of it is shown before anything is written."""
    source: str = ""
    """What rows of a file of the user's are said to be from."""

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What this part is, and its place among the others whatever the order of the flags."""
        return self.name, self.split, str(self.root), str(self.revision)

    @property
    def trains_on_evaluation(self) -> bool:
        """Whether training rows come from a split that models are evaluated on."""
        return self.train != 0 and self.name in DATASETS and self.split in DATASETS[self.name].EVALUATION_SPLITS


def plan(args: argparse.Namespace) -> list[Part]:
    """The parts that the flags ask for, in an order of their own; raises DataError when flags contradict each other."""
    usmle_nums = USMLE_NUMS if args.usmle_nums is None else args.usmle_nums
    test_size = XPERT_TEST_SIZE if args.xpert_test_size is None else args.xpert_test_size
    if usmle_nums < 0:
        raise DataError(f"--usmle_nums {usmle_nums}: give 0 or more")
    if not 0 <= test_size <= 1:
        raise DataError(f"--xpert_test_size {test_size}: give a share from 0 to 1")
    xpert_nums = None
    if args.preset:
        check_preset(args)
        usmle_nums, xpert_nums = PRESETS[args.preset]
    parts: dict[tuple, Part] = {}

    def part(name: str, split: str, root: str | None, revision: str | None = None) -> Part:
        new = Part(name, split, None if root is None else Path(root).expanduser(), revision)
        return parts.setdefault(new.key, new)

    if args.medqa_usmle_root is not None:
        part("medqa_usmle", "train", args.medqa_usmle_root).train = usmle_nums
    if args.medxpertqa_root is not None:
        xpert = part("medxpertqa", "test", args.medxpertqa_root)
        xpert.train, xpert.test = xpert_nums, None
        xpert.test_size = Fraction(str(test_size)) if xpert_nums is None else None
    for flag, role, specs in (("--dataset", "train", args.dataset), ("--test_dataset", "test", args.test_dataset)):
        for spec in specs:
            *dataset, rows = parse_spec(flag, spec)
            asked = part(*dataset)
            if getattr(asked, role) != 0:
                raise DataError(f"{flag} {spec}: this dataset is already asked for; give it once, with the sum")
            setattr(asked, role, rows)
    for spec in args.custom:
        *file, rows = parse_spec("--custom", spec)
        if file[0] in DATASETS:
            raise DataError(f"--custom {spec}: takes a file of your own; {file[0]} is a dataset, for --dataset")
        asked = part(*file)
        if asked.train != 0:
            raise DataError(f"--custom {spec}: this file is already asked for; give it once, with the sum")
        asked.train, asked.previewed = rows, True
        if args.custom_test_size is not None:
            if not 0 < args.custom_test_size < 1:
                raise DataError(f"--custom_test_size {args.custom_test_size}: give a share between 0 and 1")
            if rows is not None or asked.test != 0:
                raise DataError(
                    f"--custom {spec}: --custom_test_size divides whole files; leave it, or the rows (:N, --test_dataset), out"
                )
            asked.test, asked.test_size = None, Fraction(str(args.custom_test_size))
    if not parts:
        raise DataError(
            "nothing to prepare: give --medqa_usmle_root, --medxpertqa_root, --dataset or --custom (see --help)"
        )
    for leak in parts.values():
        if leak.trains_on_evaluation and not args.allow_evaluation_rows:
            others = [name for name in DATASETS[leak.name].SPLITS if name not in DATASETS[leak.name].EVALUATION_SPLITS]
            raise DataError(
                f"{leak.name}/{leak.split} is what models are evaluated on: one trained on its rows has no score there. "
                + (f"Take {leak.name}/{others[0]}, or" if others else "To train on it all the same,")
                + " give --allow_evaluation_rows"
            )
    name_sources([part for part in parts.values() if part.name not in DATASETS])
    return sorted(parts.values(), key=lambda part: part.key)


def name_sources(files: list[Part]) -> None:
    """Gives each of the user's files its `source`: its name without the ending, with the folder where two are called alike.

    Rows are known by source and id. Raises DataError when that does not tell the files apart.
    """
    paths = [Path(part.name).expanduser().resolve() for part in files]
    for names in ([p.stem for p in paths], [f"{p.parent.name}/{p.stem}" for p in paths]):
        if len(set(names)) == len(names):
            for part, name in zip(files, names, strict=True):
                part.source = name
            return
    alike = [part.name for part, name in zip(files, names, strict=True) if names.count(name) > 1]
    raise DataError(
        f"{alike[0]} and {alike[1]}: rows are known by the name of their file; give one of them another name"
    )


def check_preset(args: argparse.Namespace) -> None:
    """Raises DataError when another flag asks for something else than the preset."""
    preset, (usmle, xpert) = args.preset, PRESETS[args.preset]
    for flag, root, rows in (
        ("--medqa_usmle_root", args.medqa_usmle_root, usmle),
        ("--medxpertqa_root", args.medxpertqa_root, xpert),
    ):
        if rows and root is None:
            raise DataError(f"--preset {preset} takes {rows} rows from the folder that {flag} names; give it")
        if not rows and root is not None:
            raise DataError(f"--preset {preset} takes no rows from {flag}; leave one of the two flags out")
    if args.usmle_nums not in (None, usmle):
        raise DataError(
            f"--preset {preset} takes {usmle} MedQA rows, --usmle_nums says {args.usmle_nums}; leave one out"
        )
    if args.xpert_test_size not in (None, XPERT_TEST_SIZE):
        raise DataError(f"--preset {preset} fixes the MedXpertQA rows; leave it or --xpert_test_size out")
    if args.dataset or args.test_dataset or args.custom:
        raise DataError(
            f"--preset {preset} is a whole mixture; leave it or --dataset, --test_dataset and --custom out"
        )


def parse_spec(flag: str, spec: str) -> tuple[str, str, str | None, str | None, int | None]:
    """SPEC as (dataset name or file, split, root, revision, rows)."""
    what, rows = re.fullmatch(r"(.*?)(?::(\d+))?", spec, re.DOTALL).groups()
    head, given, root = what.partition("=")
    head, _, revision = head.partition("@")
    name, _, split = head.partition("/")
    rows = None if rows is None else int(rows)
    if name in DATASETS:
        if given and revision:
            raise DataError(f"{flag} {spec}: a revision is for the hub, a folder has none; leave one of them out")
        split = split or DATASETS[name].SPLITS[0]
        return name, split, root if given else None, None if given else revision or DATASETS[name].REVISION, rows
    if not Path(what).expanduser().is_file():
        raise DataError(f"{flag} {spec}: neither a file nor one of {', '.join(DATASETS)}")
    return what, "", None, None, rows

"""From raw question files to a folder that a recipe trains on, with a manifest that says what is in it.

    python scripts/data_prepare.py --medqa_usmle_root MEDQA --medxpertqa_root MEDXPERTQA

MEDXPERTQA holds Text/test.jsonl, MEDQA holds train.jsonl (or is the unpacked MedQA zip). Rows are drawn without
replacement and the same seed gives the same bytes. The output appears whole or not at all. Bad input is one line
on stderr and exit code 2.
"""

import argparse
import json
import logging
import math
import signal
import sys
from pathlib import Path
from textwrap import indent

# From a source checkout this runs without an installation.
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from open_r1.questions import DATASETS, BadRow, DataError, Kind, Question, manifest, own
from open_r1.questions.gradings import FORMS, Select, graded, parse_select, read_gradings
from open_r1.questions.leakage import overlap
from open_r1.questions.output import check_output, whole_folder
from open_r1.questions.parts import PRESETS, REPORT, USMLE_NUMS, XPERT_TEST_SIZE, Part, plan
from open_r1.questions.prepared import write_prepared
from open_r1.questions.preview import preview
from open_r1.questions.sampling import sample, shuffled

OUTPUT_NAMES = {f"{split}.{form}" for split in ("train", "test") for form in ("jsonl", "parquet")} | {
    "manifest.json",
    "README.md",
    "rejects.jsonl",
}

EPILOG = """\
other datasets, and your own:
  --dataset SPEC adds training rows, --test_dataset SPEC adds rows to the test output. SPEC is one of
    NAME[/SPLIT]=FOLDER[:N]  raw files of a known dataset, e.g. medmcqa/train=./medmcqa:500
    NAME[/SPLIT][@REV][:N]   the same from the hub, at the revision REV or the one pinned in the loader
    FILE[:N]                 your own questions: .jsonl, .json, .csv, .tsv, .parquet
  N rows are drawn; without N all are taken. A dataset given for both is drawn from for training first, and the test
  rows come from the rest. NAME is one of: {names}.

your own questions:
  --custom questions.csv --map question=stem options=opt_a,opt_b,opt_c answer=key answer_form=text
  reads a file of yours and shows what was understood before anything is written. --map says which column holds what:
  {fields}.
  options: one column (a list or an object), or several; answer_form: letter, text, index0 or index1; kind: a column, or one
  of {kinds} for all rows. What is not mapped is looked for under its own name.
  --columns '{{"stem": "question", "options": ["opt_a", "opt_b"], "answer": "key"}}' is the same map as JSON.

choosing training rows by difficulty:
  --gradings FILE is the gradings.jsonl of scripts/grade_difficulty.py; graded rows get their `difficulty`. --select is
{selects}
  Rows are drawn from those that are left; ungraded ones are left out unless SELECT is random. Test rows are not chosen.

the output folder:
  train.jsonl, train.parquet, test.jsonl, test.parquet with upstream's columns question, answer, option and ours;
  manifest.json; README.md, by which datasets.load_dataset(FOLDER) finds the splits. Test files are written when there
  are test rows: from MedXpertQA, whose test file is divided, or from --test_dataset. MedQA alone gives none.
"""


def parse_args(argv: list[str] | None) -> argparse.Namespace:
    """The command line; upstream's flags keep their names and meaning."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog=EPILOG.format(
            names=", ".join(DATASETS),
            selects=indent(FORMS, "    "),
            fields=", ".join(("question", *own.FIELDS[1:], "answer_form")),
            kinds=", ".join(Kind),
        ),
        formatter_class=argparse.RawTextHelpFormatter,
    )
    add = parser.add_argument
    add("--medqa_usmle_root", help="folder of MedQA-USMLE (train.jsonl in it, or the unpacked zip)")
    add("--medxpertqa_root", help="folder of MedXpertQA (Text/test.jsonl in it)")
    add("--usmle_nums", type=int, help=f"MedQA-USMLE rows to train on (default: {USMLE_NUMS})")
    add(
        "--xpert_test_size",
        type=float,
        help="share of MedXpertQA for the test output, the rest is trained on; drawn within each question_type\n"
        f"(default: {XPERT_TEST_SIZE})",
    )
    add(
        "--output_dir",
        default="./data/xpert_usmle",
        help="default: %(default)s, where upstream's recipes read (upstream's own script wrote ./data/medxpert_usmle)",
    )
    add("--seed", type=int, default=42, help="default: %(default)s")
    add(
        "--preset",
        choices=PRESETS,
        help="exact training rows: dataset1 1,090 MedQA; dataset2 600 MedQA + 490 MedXpertQA; dataset3 490 MedXpertQA;\n"
        "report_... 500 MedQA, chosen at random or by what a model gets right (with its --gradings)",
    )
    add("--dataset", action="append", default=[], metavar="SPEC", help="more training rows, see below; repeatable")
    add("--test_dataset", action="append", default=[], metavar="SPEC", help="more test rows, see below; repeatable")
    add("--gradings", type=Path, action="append", default=[], metavar="FILE", help="difficulty, see below; repeatable")
    add("--select", help="which rows may be trained on, see below (default: random)")
    add("--custom", action="append", default=[], metavar="FILE[:N]", help="your own questions, see below; repeatable")
    add("--custom_test_size", type=float, metavar="SHARE", help="share of each --custom file for the test output")
    add("--map", nargs="+", action="extend", metavar="FIELD=COLUMN", help="columns of your own files, see below")
    add("--columns", help="the same as a JSON object from fields to columns, see below")
    add("--preview", action="store_true", help="show what was understood of --custom files, write nothing")
    add("--yes", action="store_true", help="write without asking, where --custom would ask at a terminal")
    add(
        "--medmcqa_cop_base",
        type=int,
        choices=(0, 1),
        help="whether MedMCQA's cop counts from 0 or 1, if labels can't tell",
    )
    add(
        "--skip_bad_rows",
        action="store_true",
        help="leave bad rows out and list them in rejects.jsonl with the reason",
    )
    add(
        "--allow_evaluation_rows",
        action="store_true",
        help="train on rows of a split that models are evaluated on; said, and kept in manifest.json",
    )
    add("--overwrite", action="store_true", help="replace an output that this script wrote")
    return parser.parse_args(argv)


def read_part(part: Part, args: argparse.Namespace, rejects: list[BadRow] | None) -> tuple[list[Question], dict]:
    """A part's questions and its entry in the manifest."""
    if part.name not in DATASETS:
        (path,) = own.find(part.name)
        columns, split, bad = (
            columns_of(args),
            "test" if part.train == 0 else "train",
            [] if part.previewed else rejects,
        )
        questions = own.load(path, columns, split, part.source, bad)
        if part.previewed:
            print(preview(path, columns, questions, bad), flush=True)
            if rejects is not None:
                rejects += bad
            elif bad:
                raise bad[0]
        return questions, {"dataset": part.source, "files": [manifest.file_entry(path, path)]}
    dataset = DATASETS[part.name]
    options = {
        "medmcqa": {"cop_base": args.medmcqa_cop_base},
        "gpqa": {"seed": args.seed},
        "ddxplus": {"seed": args.seed},
    }
    chosen = options.get(part.name, {})
    entry = {"dataset": part.name, "split": part.split}
    if part.root is None:
        questions = dataset.load_hub(part.split, part.revision, rejects=rejects, **chosen)
        return questions, entry | {"hub": dataset.HUB, "revision": part.revision}
    questions = dataset.load(part.root, part.split, rejects=rejects, **chosen)
    files = [manifest.file_entry(path, part.root) for path in dataset.find(part.root, part.split)]
    return questions, entry | {"files": files}


def columns_of(args: argparse.Namespace) -> dict | None:
    """The column map of --map or --columns; raises DataError when it is none, or when both are given."""
    if args.map and args.columns is not None:
        raise DataError("--map and --columns say the same; leave one of the two flags out")
    if args.map:
        return mapped(args.map)
    if args.columns is None:
        return None
    try:
        columns = json.loads(args.columns)
    except json.JSONDecodeError as error:
        raise DataError(f"--columns: not JSON ({error}); see --help for an example") from None
    if not isinstance(columns, dict):
        raise DataError("--columns: expected a JSON object from fields to columns; see --help for an example")
    return columns


def mapped(words: list[str]) -> dict:
    """FIELD=COLUMN words as a column map; several columns stand with commas between them, `question` is the stem."""
    columns = {}
    for word in words:
        field, equals, column = word.partition("=")
        field = "stem" if field == "question" else field
        if not (equals and field and column):
            raise DataError(f"--map {word}: expected FIELD=COLUMN, e.g. question=stem; see --help")
        if field in columns:
            raise DataError(f"--map {word}: this field is already mapped, to {columns[field]}")
        columns[field] = column.split(",") if field == "options" and "," in column else column
    return columns


def agreed(args: argparse.Namespace, output: Path) -> bool:
    """Whether to write, once the previews were shown: --yes and scripts say so, a person at a terminal is asked."""
    if args.preview:
        print("nothing written (--preview)")
        return False
    if args.yes or not sys.stdin.isatty():
        return True
    if input(f"Write this to {output}? [y/N] ").strip().lower() in ("y", "yes"):
        return True
    print("nothing written")
    return False


def selection(args: argparse.Namespace) -> Select:
    """What --select, or the preset, says; raises DataError when both do, or when gradings are missing."""
    if args.select is not None and args.preset in REPORT:
        raise DataError(f"--preset {args.preset} is --select {REPORT[args.preset]}; leave one of the two flags out")
    select = parse_select(REPORT.get(args.preset) or args.select or "random")
    if select.text != "random" and not args.gradings:
        raise DataError(
            f"--select {select.text} goes by gradings: give --gradings gradings.jsonl, as scripts/grade_difficulty.py "
            "writes it"
        )
    return select


def draw(part: Part, questions: list[Question], seed: int, select: Select) -> tuple[list[Question], list[Question]]:
    """(training rows, test rows) of a part: without replacement, MedXpertQA within each question_type.

    Training rows are drawn among those that `select` keeps. Where a share goes to the test output, both are drawn first:
    the same rows are tested on whatever is selected.
    """
    stratum = question_type if part.name.startswith("medxpertqa") else None
    if part.test_size is not None:
        train = len(questions) - math.ceil(part.test_size * len(questions))
        drawn, tested = sample(questions, train, seed, stratum)
        return [question for question in drawn if select.keeps(question)], tested
    candidates = [question for question in questions if select.keeps(question)] if part.train != 0 else questions
    train = len(candidates) if part.train is None else part.train
    if train > len(candidates) and len(candidates) < len(questions):
        raise DataError(
            f"{part.name}: {train:,} rows asked for, but --select {select.text} keeps {len(candidates):,} of "
            f"{len(questions):,} ({sum(q.difficulty is not None for q in questions):,} graded); ask for fewer, select "
            "more widely or grade more"
        )
    if train + (part.test or 0) > len(questions):
        where = f"{part.root or 'the hub'}, split {part.split}," if part.name in DATASETS else "the file"
        raise DataError(
            f"{part.name}: {train + (part.test or 0):,} rows asked for, but {where} has {len(questions):,}; "
            "ask for fewer or give the complete file"
        )
    drawn, _ = sample(candidates, train, seed, stratum)
    taken = {question.id for question in drawn}
    rest = [question for question in questions if question.id not in taken]
    tested, _ = sample(rest, len(rest) if part.test is None else part.test, seed, stratum)
    return drawn, tested


def question_type(question: Question) -> str:
    """MedXpertQA's Reasoning or Understanding."""
    return question.metadata["question_type"]


def prepare(args: argparse.Namespace) -> None:
    """Reads, draws, writes the folder and prints what is in it."""
    output = Path(args.output_dir).expanduser()
    if (args.preview or args.yes or args.custom_test_size is not None) and not args.custom:
        raise DataError("--preview, --yes and --custom_test_size are for --custom files; name one")
    check_output(output, args.overwrite, OUTPUT_NAMES)
    rejects: list[BadRow] | None = [] if args.skip_bad_rows else None
    select, gradings = selection(args), read_gradings(args.gradings)
    train, test, sources, notes = [], [], [], []
    for part in plan(args):
        questions, entry = read_part(part, args, rejects)
        if gradings:
            questions = [graded(question, gradings) for question in questions]
            entry |= {
                "graded_rows": sum(question.difficulty is not None for question in questions),
                "selected_rows": sum(map(select.keeps, questions)),
            }
        drawn, tested = draw(part, questions, args.seed, select)
        train += drawn
        test += tested
        sources.append(entry | {"rows": len(questions), "train_rows": len(drawn), "test_rows": len(tested)})
        if drawn and part.name.startswith("medxpertqa") and part.split == "test":
            notes.append(
                f"{len(drawn)} training rows come from MedXpertQA's test file, since it has no training split; manifest.json "
                "lists their ids under ids.train, so that an evaluation on MedXpertQA can leave them out"
            )
        if part.trains_on_evaluation:
            notes.append(
                f"{len(drawn)} training rows come from {part.name}/{part.split}, which models are evaluated on "
                "(--allow_evaluation_rows); manifest.json lists their ids"
            )
    if not train:
        raise DataError("no training rows: the flags leave none over (see --usmle_nums, --xpert_test_size, --dataset)")
    splits = {"train": shuffled(train, args.seed)} | ({"test": test} if test else {})
    if shared := overlap(train, test):
        notes.append(
            f"training and test rows overlap: {len(shared.ids)} by id, {len(shared.texts)} by stem and options, "
            f"{len(shared.answers)} by stem and right answer"
        )
    if args.custom and not agreed(args, output):
        return
    settings = {
        "preset": args.preset,
        "seed": args.seed,
        "select": select.text,
        "gradings": [manifest.file_entry(path, path) for path in args.gradings],
        "columns": columns_of(args),
        "medmcqa_cop_base": args.medmcqa_cop_base,
        "skip_bad_rows": args.skip_bad_rows,
        "allow_evaluation_rows": args.allow_evaluation_rows,
    }
    with whole_folder(output, args.overwrite, OUTPUT_NAMES) as folder:
        write_prepared(folder, splits)
        if rejects:
            write_rejects(folder / "rejects.jsonl", rejects)
        made = manifest.build(settings, sources, splits, len(rejects or []), notes)
        manifest.write(folder / "manifest.json", made)
    for source in sources if gradings else []:
        print(
            f"{source['dataset']}: {source['rows']:,} rows, {source['graded_rows']:,} graded, {source['selected_rows']:,} "
            f"kept by --select {select.text}, {source['train_rows']:,} drawn"
        )
    for split in ("train", "test"):
        counts = made["counts"].get(split, {"rows": 0, "by_source": {}})
        listed = ", ".join(f"{rows:,} {source}" for source, rows in counts["by_source"].items())
        print(
            f"{split + ':':6} {counts['rows']:>6,} rows ({listed or 'no test files; see --help for where test rows come from'})"
        )
    if rejects:
        print(f"bad rows left out: {len(rejects):,}, listed in rejects.jsonl")
    for note in notes:
        print(f"warning: {note}")
    print(f"written to {args.output_dir}")


def write_rejects(path: Path, rejects: list[BadRow]) -> None:
    """One line a bad row: where it stands, what was expected there, and the row."""
    with path.open("w", encoding="utf-8", newline="\n") as lines:
        for bad in rejects:
            place = {"file": bad.path.name, "where": bad.where, "field": bad.field, "expected": bad.expected}
            lines.write(json.dumps(place | {"row": bad.raw}, ensure_ascii=False, default=str) + "\n")


def main(argv: list[str] | None = None) -> int:
    """Exit code: 0 written, 2 bad input or an output in the way, 130 interrupted."""
    args = parse_args(argv)
    logging.basicConfig(format="%(levelname)s: %(message)s", stream=sys.stderr)
    logging.addLevelName(logging.WARNING, "warning")
    # A terminated run clears up behind itself as an interrupted one does.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        prepare(args)
    except (DataError, OSError) as error:
        remedy = "; mend the row, or leave bad rows out with --skip_bad_rows" if isinstance(error, BadRow) else ""
        print(f"data_prepare: error: {' '.join(str(error).split())}{remedy}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("data_prepare: interrupted, nothing written", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())

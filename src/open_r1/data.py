"""From the datasets a recipe names to the rows a trainer takes."""

import json
from collections.abc import Callable
from pathlib import Path

import datasets
import pyarrow
from datasets import Dataset, DatasetDict

from open_r1.arguments import DataArguments, RecipeError, SFTScriptArguments
from open_r1.questions.files import BadRow, brief, hub_copy, read_jsonl
from open_r1.questions.manifest import DATA_MANIFESTS
from open_r1.questions.own import load as load_own_questions
from open_r1.questions.prepared import row_from_question
from open_r1.rewards.form import WRITTEN

READERS = {".jsonl": "json", ".json": "json", ".csv": "csv", ".parquet": "parquet"}


def load_data(args: DataArguments) -> DatasetDict:
    """The splits of `dataset_name`, or of `dataset_mixture` shuffled with its seed.

    Raises RecipeError for a path that is not there, a mixture that does not fit together or an empty one.
    """
    if not args.dataset_mixture:
        return _load_splits(args.dataset_name, args.dataset_config, args)
    mixture = args.dataset_mixture
    seed = mixture.get("seed") or 0
    parts = [_mixture_part(number, part, seed, args) for number, part in enumerate(mixture["datasets"])]
    columns = [set(part.column_names) for part in parts]
    common = set.intersection(*columns)
    if any(own != common for own in columns):
        listed = "; ".join(
            f"{part['id']}: {', '.join(sorted(own))}" for part, own in zip(mixture["datasets"], columns, strict=True)
        )
        raise RecipeError(
            f"dataset_mixture: the datasets have different columns, name those to keep under `columns`. {listed}"
        )
    try:
        mixed = datasets.concatenate_datasets(parts).shuffle(seed=seed)
    except ValueError as error:
        raise RecipeError(f"dataset_mixture: columns of the same name hold different types: {error}") from None
    if (size := mixture.get("test_split_size")) is None:
        return DatasetDict({args.dataset_train_split: mixed})
    if not len(mixed) > size:
        raise RecipeError(
            f"dataset_mixture.test_split_size: {size} leaves nothing of {len(mixed):,} rows to train on."
        )
    split = mixed.train_test_split(test_size=size, seed=seed)
    return DatasetDict({args.dataset_train_split: split["train"], args.dataset_test_split: split["test"]})


def _mixture_part(number: int, part: dict, seed: int, args: DataArguments) -> Dataset:
    splits, name = _load_splits(part["id"], part.get("config"), args), part.get("split") or "train"
    rows = splits[name] if name in splits else _slices(splits, name)
    if rows is None:
        raise RecipeError(
            f"dataset_mixture.datasets[{number}]: {part['id']} has no split `{name}`, only {', '.join(splits)}."
        )
    if part.get("columns"):
        missing = set(part["columns"]) - set(rows.column_names)
        if missing:
            raise RecipeError(
                f"dataset_mixture.datasets[{number}]: {part['id']} has no column {', '.join(sorted(missing))}; "
                f"it has {', '.join(rows.column_names)}."
            )
        rows = rows.select_columns(part["columns"])
    weight = part.get("weight")
    if weight is None:
        return rows
    # Open-R1 shuffles before it takes a share, so that the share is not the file's first rows.
    kept = int(len(rows) * weight)
    if not kept:
        raise RecipeError(
            f"dataset_mixture.datasets[{number}]: weight {weight} of the {len(rows):,} rows of {part['id']} is none."
        )
    return rows.shuffle(seed=seed).select(range(kept))


def _slices(splits: DatasetDict, name: str) -> Dataset | None:
    """The rows of a split as datasets slices it, `train[:1000]` or `train[:10%]+test`; None when there are none."""
    try:
        wanted = datasets.ReadInstruction.from_spec(name).to_absolute({split: len(splits[split]) for split in splits})
    except (ValueError, AssertionError):
        return None
    return datasets.concatenate_datasets([splits[one.splitname].select(range(one.from_, one.to)) for one in wanted])


def _load_splits(name: str, config: str | None, args: DataArguments) -> DatasetDict:
    path = Path(name).expanduser()
    if path.is_file():
        if args.dataset_columns:
            questions = load_own_questions(path, columns=args.dataset_columns)
            return DatasetDict({"train": Dataset.from_list([row_from_question(question) for question in questions])})
        if path.suffix not in READERS:
            raise RecipeError(f"dataset {name}: a file must end in {', '.join(READERS)}.")
        return _read(name, READERS[path.suffix], data_files={"train": str(path)})
    if path.is_dir():
        # A prepared folder holds the same rows as .jsonl and .parquet; a plain load_dataset would take both.
        for suffix in (".parquet", ".jsonl"):
            files = {
                file.stem: str(file) for file in sorted(path.glob(f"*{suffix}")) if file.stem in ("train", "test")
            }
            if "train" in files:
                return _read(name, READERS[suffix], data_files=files)
        return _read(name, str(path), name=config)
    if name.startswith((".", "/", "~")) or path.suffix in READERS:
        raise RecipeError(
            f"dataset {name} is not there. Prepare it with `python scripts/data_prepare.py ... --output_dir {name}`, "
            "or name another with --dataset_name."
        )
    return _read(name, hub_copy(name), name=config)


def _read(called: str, kind: str, **arguments) -> DatasetDict:
    """datasets.load_dataset, raising RecipeError with the line for a file that cannot be read."""
    try:
        return datasets.load_dataset(kind, **arguments)
    except StopIteration:
        raise RecipeError(
            f"dataset {called} is empty. Prepare it again, or name another with --dataset_name."
        ) from None
    except (datasets.exceptions.DatasetsError, OSError, ValueError, pyarrow.ArrowException) as error:
        for file in (arguments.get("data_files") or {}).values():
            if Path(file).suffix in (".jsonl", ".json"):
                for row in read_jsonl(Path(file)):
                    if isinstance(row, BadRow):
                        raise RecipeError(f"dataset {called}: {row}. Mend or remove that line.") from None
        cause = error.__cause__ or error
        raise RecipeError(
            f"dataset {called} cannot be read: {type(cause).__name__}: {' '.join(str(cause).split())[:300]} Prepare it again, "
            "or name another with --dataset_name."
        ) from None


def trained_on(args: DataArguments, model: str) -> dict[str, dict]:
    """The manifests of the prepared folders that a run trains on, and of those its model was trained on, by name."""
    names = [part["id"] for part in args.dataset_mixture["datasets"]] if args.dataset_mixture else [args.dataset_name]
    earlier = Path(model).expanduser() / DATA_MANIFESTS
    found = json.loads(earlier.read_text(encoding="utf-8")) if earlier.is_file() else {}
    for name in names:
        manifest = Path(name).expanduser() / "manifest.json"
        if manifest.is_file():
            found[name] = json.loads(manifest.read_text(encoding="utf-8"))
    return found


def with_prompts(rows: Dataset, args: DataArguments) -> Dataset:
    """GRPO rows: `prompt` as messages under the recipe's system prompt, `reference` as the right answer.

    Raises RecipeError when no column holds a prompt or an answer.
    """
    ask = _first_column(
        rows,
        [args.dataset_prompt_column] if args.dataset_prompt_column else ["prompt", "question", "problem"],
        "a prompt",
        "dataset_prompt_column",
    )
    answer = _first_column(rows, ["reference", "answer", "solution"], "the right answer", "dataset_columns")

    def convert(row: dict, number: int) -> dict:
        asked, right = row[ask], row[answer]
        messages = asked if isinstance(asked, list) else [{"role": "user", "content": asked}]
        if not (messages and all(_is_message(message) for message in messages)):
            raise RecipeError(f"row {number + 1}: `{ask}` is no prompt: {brief(asked)}. Mend or remove that row.")
        if right is None or not str(right).strip():
            raise RecipeError(f"row {number + 1}: `{answer}` holds no right answer. Mend or remove that row.")
        return {"prompt": with_system_prompt(messages, args.system_prompt), "reference": str(right)}

    return rows.map(convert, with_indices=True, desc="prompts")


def _is_message(message) -> bool:
    # A list: text and images in parts.
    return (
        isinstance(message, dict)
        and bool(message.get("role"))
        and isinstance(content := message.get("content"), str | list)
        and bool(content)
    )


def with_conversations(rows: Dataset, args: SFTScriptArguments) -> Dataset:
    """SFT rows: `messages`, `prompt` and `completion`, or `text`; conversations under the recipe's system prompt.

    Raises RecipeError when the rows have none of these, or not the columns that `trace_columns` names.
    """
    if args.trace_columns:
        if missing := set(args.trace_columns.values()) - set(rows.column_names):
            raise RecipeError(
                f"trace_columns: the data has no column {', '.join(sorted(missing))}, only {', '.join(rows.column_names)}."
            )
        ask, think, answer = (args.trace_columns[name] for name in ("question", "reasoning", "answer"))

        def convert(row: dict) -> dict:
            written = WRITTEN[args.trace_form].format(reasoning=row[think].strip(), answer=row[answer].strip())
            prompt = with_system_prompt([{"role": "user", "content": row[ask]}], args.system_prompt)
            return {"prompt": prompt, "completion": [{"role": "assistant", "content": written}]}

        return rows.map(convert, remove_columns=rows.column_names, desc="traces")
    key = next((name for name in ("messages", "prompt") if name in rows.column_names), None)
    if (key is None and "text" not in rows.column_names) or (
        key == "prompt" and "completion" not in rows.column_names
    ):
        raise RecipeError(
            "SFT learns from `messages`, from `prompt` and `completion`, or from `text`; the data has only "
            f"{', '.join(rows.column_names)}. Name columns of reasoning traces with `trace_columns`, or have a teacher "
            "write traces: src/open_r1/generate.py."
        )
    if key is None or not args.system_prompt or not isinstance(rows[0][key], list):
        return rows
    return rows.map(lambda row: {key: with_system_prompt(row[key], args.system_prompt)}, desc="system prompt")


def with_system_prompt(messages: list[dict], system_prompt: str | None) -> list[dict]:
    """The messages under a system prompt, unless they bring one of their own or there is none to add."""
    if not system_prompt or messages[0]["role"] == "system":
        return messages
    return [{"role": "system", "content": system_prompt}, *messages]


def _first_column(rows: Dataset, names: list[str], what: str, key: str) -> str:
    for name in names:
        if name in rows.column_names:
            return name
    raise RecipeError(
        f"no column holds {what}: looked for {', '.join(names)} among {', '.join(rows.column_names)}. Name it with `{key}`."
    )


def drop_long_prompts(rows: Dataset, tokenizer, limit: int | None, tell: Callable[[str], None]) -> Dataset:
    """The rows whose rendered prompt has at most `limit` tokens; says how many were dropped."""
    if limit is None:
        return rows

    kept = rows.filter(lambda row: prompt_length(row, tokenizer) <= limit, desc="prompt lengths")
    tell(
        f"prompts: {len(kept):,} of {len(rows):,} kept, {len(rows) - len(kept):,} longer than {limit:,} tokens dropped"
    )
    if not len(kept):
        raise RecipeError(f"max_prompt_length: {limit}: every prompt is longer than that. Raise it.")
    return kept


def prompt_length(row: dict, tokenizer) -> int:
    """Tokens of a row's prompt as the chat template renders it."""
    return len(tokenizer.apply_chat_template(row["prompt"], add_generation_prompt=True, return_dict=True)["input_ids"])


def check_context(rows: Dataset, tokenizer, config, limit: int | None, training_args) -> None:
    """Raise RecipeError when a prompt and its completion may not fit the model's context."""
    context = getattr(config.get_text_config(), "max_position_embeddings", None)
    if context is None:  # a model without a longest position
        return
    room = context - training_args.max_completion_length
    if limit is not None and limit <= room:
        return
    remedy = f"Say `max_prompt_length: {room}` to drop longer ones" if room > 0 else "Lower max_completion_length"
    if limit is not None or room <= 0:
        raise RecipeError(
            f"max_prompt_length: {limit} and max_completion_length: {training_args.max_completion_length} are more than the "
            f"model's context of {context:,} tokens. {remedy}."
        )
    lengths = rows.map(lambda row: {"tokens": prompt_length(row, tokenizer)}, remove_columns=rows.column_names)[
        "tokens"
    ]
    if long := [number for number, length in enumerate(lengths) if length > room]:
        raise RecipeError(
            f"{len(long):,} of {len(rows):,} prompts are too long (row {long[0] + 1}: {lengths[long[0]]:,} tokens): the model's "
            f"context of {context:,} tokens must hold the completion's {training_args.max_completion_length} too. {remedy}, "
            "or lower max_completion_length."
        )

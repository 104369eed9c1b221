"""Reading Inspect logs: every row that was to be asked, with what came of it under a judge."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from inspect_ai.log import EvalLog, EvalSample, read_eval_log
from inspect_ai.scorer import CORRECT, Score

from open_r1.answers.found import Found
from open_r1.evaluation.asking import completion_of, huatuo_judged, judged
from open_r1.evaluation.statistics import Outcome, compare, summarize
from open_r1.questions import DataError

# Sides of the HuatuoGPT-compatible reading; its published number is the better of the two.
RESCORES = {
    "judge": lambda text, metadata: judged(text, metadata),
    "huatuo": lambda text, metadata: huatuo_judged(text, metadata, last=True),
    "huatuo_first": lambda text, metadata: huatuo_judged(text, metadata, last=False),
}
Rescore = Callable[[str, dict], Score]


@dataclass(frozen=True)
class Result:
    """One evaluation: its log's settings and its outcomes in the order they were asked.

    `preset` names the preset and what was changed of it; results of other settings are not one row of a table.
    """

    model: str
    benchmark: str
    preset: str
    told: str
    complete: bool
    settings: dict
    groups: list[str]
    outcomes: list[Outcome]
    log: Path
    left_out: frozenset[str] = frozenset()
    """Ids of rows that were not asked, since the model was trained on them."""
    shard: tuple[int, int] = (1, 1)
    """Which part of how many its log holds."""

    @property
    def summary(self) -> dict:
        """The numbers of this evaluation."""
        return summarize(self.outcomes, self.groups)


def find_logs(paths: list[Path]) -> list[Path]:
    """The .eval files among files and folders, in the order of their names, which begin with their time.

    A run that went on where another was killed has a log of its own that holds the rows of both: of such, only the last
    one is taken. Raises FileNotFoundError when there are none.
    """
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            found += sorted(path.rglob("*.eval"))
        elif path.is_file():
            found.append(path)
        else:
            raise FileNotFoundError(f"{path}: no such log or folder of logs")
    if not found:
        raise FileNotFoundError(f"{', '.join(map(str, paths))}: no .eval log there; `make evaluate` writes them")
    last = {
        read_eval_log(str(path), header_only=True).eval.task_id: path for path in sorted(found, key=lambda p: p.name)
    }
    return [path for path in found if path in last.values()]


def read_result(path: Path, rescore: str | None = None) -> Result:
    """A log as a result; `rescore` grades its completions again with a judge of RESCORES.

    A planned row that is not in the log, or that ended in an error, is failed and wrong. Raises DataError for a log of
    another program.
    """
    log = read_eval_log(str(path), resolve_attachments=True)
    metadata = log.eval.metadata or {}
    if "benchmark" not in metadata:
        raise DataError(
            f"{path}: not a log of an open_r1 task; `make evaluate` and `inspect eval open_r1/NAME` write them"
        )
    samples = {(str(sample.id), sample.epoch): sample for sample in log.samples or []}
    epochs = log.eval.config.epochs or 1
    planned = log.eval.dataset.sample_ids or [identity for identity, _ in samples]
    groups, asked = metadata["groups"], set(map(str, planned))
    judge = RESCORES[rescore] if rescore else None
    outcomes = [
        _outcome(str(identity), epoch, samples.get((str(identity), epoch)), groups, judge, asked)
        for identity in dict.fromkeys(planned)
        for epoch in range(1, epochs + 1)
    ]
    config = log.plan.config
    return Result(
        model=model_name(log),
        benchmark=metadata["benchmark"],
        preset=", ".join([metadata["preset"], *metadata["changed"]]),
        told=metadata["told"],
        complete=metadata["complete"] and len(dict.fromkeys(planned)) == metadata["rows"],
        settings={"temperature": config.temperature, "top_p": config.top_p, "max_tokens": config.max_tokens},
        groups=groups,
        outcomes=outcomes,
        log=path,
        left_out=frozenset(metadata["left_out"]),
        shard=tuple(metadata.get("shard", (1, 1))),  # older logs name none
    )


def read_results(paths: Sequence[Path], rescore: str | None = None) -> list[Result]:
    """Logs as results, as `read_result` does; the shards of one evaluation, which lie in one folder, become one result."""
    parts: dict[tuple, list[Result]] = {}
    for path in paths:
        one = read_result(path, rescore)
        whole = one.shard[1] == 1
        key = (path,) if whole else (path.parents[2], one.model, one.benchmark, one.preset, one.told, one.shard[1])
        parts.setdefault(key, []).append(one)
    return [_joined(shards) for shards in parts.values()]


def _joined(shards: list[Result]) -> Result:
    if len(shards) == 1 == shards[0].shard[1]:
        return shards[0]
    return replace(
        shards[0],
        complete=all(one.complete for one in shards) and len(shards) == shards[0].shard[1],
        outcomes=[outcome for one in shards for outcome in one.outcomes],
        shard=(1, 1),
    )


def compare_results(ours: Result, base: Result) -> dict:
    """`compare` of two results; rows that either left out as trained on are left out of both.

    Raises ValueError when the other questions are not the same.
    """
    left_out = ours.left_out | base.left_out
    return compare(*([o for o in one.outcomes if o.id.partition("#")[0] not in left_out] for one in (ours, base)))


def model_name(log: EvalLog) -> str:
    """The model as the user named it, without Inspect's provider in front."""
    return log.eval.metadata.get("model") or log.eval.model.split("/", 1)[-1]


def _outcome(
    identity: str, epoch: int, sample: EvalSample | None, groups: list[str], judge: Rescore | None, asked: set[str]
) -> Outcome:
    if sample is None or sample.error is not None or not sample.output.choices:
        metadata = sample.metadata if sample else {}
        # Of a row that was never asked nothing but its id is known.
        first = identity.partition("#")[0]
        name = metadata.get("cluster") or (first if first in asked else identity)
        parts = _parts(metadata, groups)
        return Outcome(
            id=identity,
            cluster=name,
            epoch=epoch,
            correct=False,
            answered=False,
            truncated=False,
            empty=False,
            failed=True,
            tokens=None,
            groups=parts,
            cause=_cause(sample),
        )
    score = (
        judge(completion_of(sample.output), sample.metadata)
        if judge
        else next(iter((sample.scores or {}).values()), None)
    )
    if score is None:
        score = judged(completion_of(sample.output), sample.metadata)
    how = (score.metadata or {}).get("how")
    return Outcome(
        id=identity,
        cluster=sample.metadata["cluster"],
        epoch=epoch,
        correct=score.value == CORRECT,
        answered=how is None or Found(how).answered,
        truncated=bool(sample.metadata.get("truncated")),
        empty=how == Found.EMPTY,
        failed=False,
        tokens=sample.metadata.get("tokens"),
        groups=_parts(sample.metadata, groups),
    )


def _cause(sample: EvalSample | None) -> str:
    if sample is None:
        return "never asked: the run was stopped before"
    if sample.error is None:
        return "no completion in the answer"
    # Inspect puts the whole request before the error that came back.
    lines = sample.error.message.replace("\\n", "\n").strip().splitlines()
    return lines[-1].strip()[:300] if lines else "no message"


def _parts(metadata: dict, groups: list[str]) -> dict[str, str]:
    if "question" not in metadata:
        return {}
    known = json.loads(metadata["question"]["metadata"]) | {"source": metadata["question"]["source"]}
    return {group: str(known[group]) for group in groups if known.get(group) is not None}

"""Accuracy with honest errors: rows of one question are one cluster, nothing that was asked leaves the denominator."""

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import NormalDist

Z = NormalDist().inv_cdf(0.975)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one row: a question asked once. A failed row has no completion and is wrong."""

    id: str
    cluster: str
    epoch: int
    correct: bool
    answered: bool
    truncated: bool
    empty: bool
    failed: bool
    tokens: int | None
    groups: dict[str, str] = field(default_factory=dict)
    cause: str = ""
    """Of a failed row: the error in one line."""


@dataclass(frozen=True)
class Estimate:
    """A share with its 95% interval, all from 0 to 1; `error` is the clustered standard error, None for a single question."""

    value: float
    low: float
    high: float
    error: float | None
    rows: int
    clusters: int


def clustered_error(values: Sequence[float], clusters: Sequence[str]) -> float:
    """Standard error of the mean when rows of a cluster are dependent (Liang and Zeger 1986, with G / (G - 1))."""
    mean = sum(values) / len(values)
    sums: dict[str, float] = defaultdict(float)
    for value, cluster in zip(values, clusters, strict=True):
        sums[cluster] += value - mean
    count = len(sums)
    if count < 2:
        return math.nan
    return math.sqrt(count / (count - 1) * sum(total**2 for total in sums.values())) / len(values)


def estimate(values: Sequence[float], clusters: Sequence[str]) -> Estimate:
    """Mean of values between 0 and 1 with Wilson's interval at the effective number of rows.

    The effective number is rows divided by the design effect (clustered variance over that of independent rows), at
    most the number of rows; where all values are equal it is the number of clusters. Unlike mean ± 1.96 errors it
    stays within 0 and 1 and has a width at 0 and 1.
    """
    rows, mean, names = len(values), sum(values) / len(values), len(set(clusters))
    error = clustered_error(values, clusters)
    spread = sum((value - mean) ** 2 for value in values)
    if spread == 0 or names < 2:
        effective = float(names)
    else:
        independent = math.sqrt(spread / (rows - 1) / rows)
        effective = min(rows, rows * (independent / error) ** 2) if error > 0 else float(rows)
    low, high = wilson(mean, effective)
    return Estimate(mean, low, high, error if names > 1 else None, rows, names)


def wilson(share: float, count: float) -> tuple[float, float]:
    """Wilson's 95% interval of a share of `count` independent rows."""
    centre = share + Z**2 / (2 * count)
    half = Z * math.sqrt(share * (1 - share) / count + Z**2 / (4 * count**2))
    scale = 1 + Z**2 / count
    return max(0.0, (centre - half) / scale), min(1.0, (centre + half) / scale)


def pass_at(k: int, samples: int, right: int) -> float:
    """The chance that one of `k` of the samples is right, unbiased (Chen et al. 2021, arXiv 2107.03374)."""
    return 1.0 - math.comb(samples - right, k) / math.comb(samples, k)


def summarize(outcomes: Sequence[Outcome], groups: Sequence[str] = ()) -> dict:
    """All numbers of one evaluation as JSON: accuracy (mean@k), pass@k, rates, tokens, and accuracy by group."""
    if not outcomes:
        raise ValueError("no rows to summarize")
    rows = len(outcomes)
    by_question: dict[str, list[bool]] = defaultdict(list)
    for outcome in outcomes:
        by_question[outcome.id].append(outcome.correct)
    samples = max(map(len, by_question.values()))
    tokens = [outcome.tokens for outcome in outcomes if outcome.tokens is not None]
    counts = Counter()
    for outcome in outcomes:
        counts.update(
            correct=outcome.correct,
            abstained=not (outcome.answered or outcome.empty or outcome.failed),
            empty=outcome.empty,
            failed=outcome.failed,
            truncated=outcome.truncated,
        )
    summary = {
        "rows": rows,
        "questions": len({outcome.cluster for outcome in outcomes}),
        "samples": samples,
        "accuracy": vars(_accuracy(outcomes)),
        "counts": {name: counts[name] for name in ("correct", "abstained", "empty", "failed", "truncated")},
        "mean_tokens": sum(tokens) / len(tokens) if tokens else None,
        "groups": {},
    }
    if samples > 1:
        passed = [pass_at(samples, len(right), sum(right)) for right in by_question.values() if len(right) == samples]
        summary["pass_at_k"] = sum(passed) / len(by_question)
    for group in groups:
        parts: dict[str, list[Outcome]] = defaultdict(list)
        for outcome in outcomes:
            parts[outcome.groups.get(group, "(none)")].append(outcome)
        summary["groups"][group] = {name: vars(_accuracy(part)) for name, part in sorted(parts.items())}
    return summary


def _accuracy(outcomes: Sequence[Outcome]) -> Estimate:
    return estimate([float(outcome.correct) for outcome in outcomes], [outcome.cluster for outcome in outcomes])


def compare(ours: Sequence[Outcome], base: Sequence[Outcome]) -> dict:
    """Our accuracy minus the base's on the same questions: difference, 95% interval, McNemar's p.

    Where all questions differ alike, or there is only one, their spread is not seen: a question that became better and one
    that became worse are added for the interval (Bonett and Price 2012), so that it has a width.
    Both are averaged per question first. With one sample a question the p-value is McNemar's exact test; with several
    it is the sign test over the questions whose means differ, which is the same test there. Raises ValueError when
    the questions are not the same.
    """
    left, right = _means(ours), _means(base)
    if left.keys() != right.keys():
        odd = sorted(left.keys() ^ right.keys())
        raise ValueError(f"the two evaluations asked other questions: {len(odd)} are in one only, {odd[0]!r} for one")
    clusters = {outcome.id: outcome.cluster for outcome in ours}
    differences = {identity: left[identity] - right[identity] for identity in left}
    mean = sum(differences.values()) / len(differences)
    error = clustered_error(list(differences.values()), [clusters[identity] for identity in differences])
    per_cluster: dict[str, float] = defaultdict(float)
    for identity, difference in differences.items():
        per_cluster[clusters[identity]] += difference
    middle = mean
    if not error > 0:
        added = [mean] * len(per_cluster) + [1.0, -1.0]
        middle, error = sum(added) / len(added), clustered_error(added, list(map(str, range(len(added)))))
    better = sum(difference > 0 for difference in per_cluster.values())
    worse = sum(difference < 0 for difference in per_cluster.values())
    return {
        "difference": mean,
        "low": max(-1.0, middle - Z * error),
        "high": min(1.0, middle + Z * error),
        "better": better,
        "worse": worse,
        "p": mcnemar(better, worse),
        "questions": len(per_cluster),
    }


def mcnemar(better: int, worse: int) -> float:
    """Two-sided exact p of McNemar's test: how likely is so uneven a split of the discordant pairs by a fair coin?"""
    total = better + worse
    # In whole numbers: the powers of two overflow a float beyond a thousand pairs.
    tail = sum(math.comb(total, i) for i in range(min(better, worse) + 1))
    return min(1.0, 2 * tail / 2**total)


def _means(outcomes: Sequence[Outcome]) -> dict[str, float]:
    right: dict[str, list[bool]] = defaultdict(list)
    for outcome in outcomes:
        right[outcome.id].append(outcome.correct)
    return {identity: sum(values) / len(values) for identity, values in right.items()}

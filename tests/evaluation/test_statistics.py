"""The numbers, against statsmodels and values by hand, and the interval's coverage by simulation."""

import json
import random

import pytest

from open_r1.evaluation.statistics import (
    Outcome,
    clustered_error,
    compare,
    estimate,
    mcnemar,
    pass_at,
    summarize,
    wilson,
)


def outcome(identity, correct, epoch=1, cluster=None, **other) -> Outcome:
    fields = {"answered": True, "truncated": False, "empty": False, "failed": False, "tokens": 10} | other
    return Outcome(identity, cluster or identity, epoch, correct, **fields)


def test_clustered_error_equals_statsmodels():
    api = pytest.importorskip("statsmodels.api")
    rng = random.Random(0)
    clusters = [str(rng.randrange(30)) for _ in range(200)]
    lean = {name: rng.random() for name in set(clusters)}
    values = [float(rng.random() < lean[name]) for name in clusters]
    fit = api.OLS(values, [1.0] * len(values)).fit(
        cov_type="cluster", cov_kwds={"groups": [int(name) for name in clusters]}
    )
    assert clustered_error(values, clusters) == pytest.approx(fit.bse[0], rel=1e-9)


@pytest.mark.parametrize("right, rows", [(0, 20), (1, 20), (13, 50), (637, 1273), (1273, 1273)])
def test_independent_rows_have_wilsons_interval(right, rows):
    proportion = pytest.importorskip("statsmodels.stats.proportion")
    values = [1.0] * right + [0.0] * (rows - right)
    found = estimate(values, [str(n) for n in range(rows)])
    expected = proportion.proportion_confint(right, rows, method="wilson")
    assert (found.low, found.high) == pytest.approx(expected, abs=1e-9)
    assert wilson(right / rows, rows) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("better, worse", [(10, 3), (3, 10), (0, 7), (0, 0), (5, 5), (900, 1100)])
def test_mcnemar_equals_statsmodels(better, worse):
    tables = pytest.importorskip("statsmodels.stats.contingency_tables")
    expected = tables.mcnemar([[4, better], [worse, 8]], exact=True).pvalue if better + worse else 1.0
    assert mcnemar(better, worse) == pytest.approx(expected, rel=1e-6)


def test_pass_at_k_by_hand():
    # One of four right: two draws miss it with probability 3/4 * 2/3.
    assert pass_at(2, 4, 1) == pytest.approx(0.5)
    assert pass_at(4, 4, 1) == 1.0 and pass_at(4, 4, 0) == 0.0


def test_gpqa_repeated_five_times_is_no_surer_than_asked_once():
    once = estimate([1.0] * 40 + [0.0] * 38, [str(n) for n in range(78)])
    five = estimate(([1.0] * 40 + [0.0] * 38) * 5, [str(n) for n in range(78)] * 5)
    assert five.rows == 390 and five.clusters == 78
    assert five.high - five.low == pytest.approx(once.high - once.low, rel=0.01)


@pytest.mark.parametrize("questions, samples, spread", [(78, 5, 0.3), (300, 1, 0.0), (400, 4, 0.35)])
def test_the_interval_covers_the_truth_in_95_percent(questions, samples, spread):
    """2,000 simulated evaluations: questions differ in difficulty, samples of one question are dependent."""
    rng, truth, inside, runs = random.Random(1), 0.5, 0, 2000
    names = [str(n) for n in range(questions) for _ in range(samples)]
    for _ in range(runs):
        chances = [truth + rng.uniform(-spread, spread) for _ in range(questions)]
        values = [float(rng.random() < chance) for chance in chances for _ in range(samples)]
        found = estimate(values, names)
        inside += found.low <= truth <= found.high
    assert 0.94 <= inside / runs <= 0.96


def test_denominators_never_shrink():
    rows = [outcome("a", True), outcome("b", False, answered=False)]
    rows += [
        outcome("c", False, failed=True, answered=False, tokens=None),
        outcome("d", False, empty=True, answered=False),
    ]
    found = summarize(rows)
    assert found["rows"] == 4 and found["accuracy"]["value"] == 0.25
    assert found["counts"] == {"correct": 1, "abstained": 1, "empty": 1, "failed": 1, "truncated": 0}
    assert found["mean_tokens"] == 10


def test_mean_and_pass_at_k_and_groups():
    rows = [
        outcome(name, right, epoch, groups={"part": name})
        for name, rights in (("a", [1, 0]), ("b", [0, 0]))
        for epoch, right in enumerate(map(bool, rights), 1)
    ]
    found = summarize(rows, ["part"])
    assert found["accuracy"]["value"] == 0.25 and found["pass_at_k"] == 0.5
    assert found["groups"]["part"]["a"]["value"] == 0.5 and found["groups"]["part"]["b"]["value"] == 0.0


def test_paired_comparison_by_hand():
    ours = [outcome(str(n), n < 60) for n in range(100)]
    base = [outcome(str(n), n < 50) for n in range(100)]
    found = compare(ours, base)
    assert found["difference"] == pytest.approx(0.1)
    assert (found["better"], found["worse"]) == (10, 0)
    assert found["p"] == pytest.approx(2 / 2**10)
    # Of 100 differences ten are 1: standard error sqrt(0.09 / 99).
    assert found["high"] - found["low"] == pytest.approx(2 * 1.959964 * (0.09 / 99) ** 0.5, rel=1e-6)


@pytest.mark.parametrize(
    ("ours", "base", "low", "high"),
    # p12 - p21 ± z sqrt((p12 + p21 - (p12 - p21)²) / (n + 1)), each p with one question more of n + 2.
    [
        ([1, 1, 1], [0, 0, 0], 0.6 - 1.959964 * ((1 - 0.36) / 4) ** 0.5, 1),
        ([1, 0, 1, 0, 0], [1, 0, 1, 0, 0], -1.959964 * (2 / 7 / 6) ** 0.5, 1.959964 * (2 / 7 / 6) ** 0.5),
        ([1], [1], -1, 1),
        ([1, 0], [0, 1], -1, 1),
    ],
)
def test_a_paired_interval_has_a_width_and_stays_within_its_range(ours, base, low, high):
    found = compare(*([outcome(str(n), bool(right)) for n, right in enumerate(rights)] for rights in (ours, base)))
    assert (found["low"], found["high"]) == (pytest.approx(low, rel=1e-5), pytest.approx(high, rel=1e-5))
    assert found["low"] <= found["difference"] <= found["high"]


def test_one_question_has_an_interval_and_no_standard_error():
    found = summarize([outcome("a", True)])
    assert json.loads(json.dumps(found, allow_nan=False))["accuracy"]["error"] is None
    assert found["accuracy"]["low"] == pytest.approx(0.2065, abs=1e-4)


def test_other_questions_are_not_compared():
    with pytest.raises(ValueError, match="other questions"):
        compare([outcome("a", True)], [outcome("b", True)])

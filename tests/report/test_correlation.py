"""Correlations of reward and length, with intervals that hold for steps that depend on each other."""

import numpy as np
import pytest

from open_r1.report.correlation import changes, over_time, within_groups


def random_walk(random, count, weight=0.8):
    values = np.zeros(count)
    for step in range(1, count):
        values[step] = weight * values[step - 1] + random.normal()
    return values


def test_r_is_pearsons():
    random = np.random.default_rng(0)
    first = random.normal(size=60)
    second = first + random.normal(size=60)
    found = over_time(first, second)
    assert found.r == pytest.approx(np.corrcoef(first, second)[0, 1])
    assert found.low < found.r < found.high and found.count == 60


def test_a_trend_alone_does_not_make_changes_correlate():
    random = np.random.default_rng(1)
    trend = np.linspace(0, 10, 200)
    first, second = trend + random.normal(size=200), trend + random.normal(size=200)
    assert over_time(first, second).low > 0.7
    assert changes(first, second).low < 0 < changes(first, second).high


def test_the_interval_of_dependent_series_is_wider_than_fishers():
    random = np.random.default_rng(2)
    misses, wider = 0, 0
    for _ in range(60):
        found = over_time(random_walk(random, 150), random_walk(random, 150))
        misses += not found.low <= 0 <= found.high
        half = np.tanh(1.96 / np.sqrt(147))
        wider += (found.high - found.low) > 2 * half
    assert wider >= 45
    assert misses <= 18  # independent steps assumed, a third to a half of such pairs look correlated


def test_groups_are_compared_within_only():
    random = np.random.default_rng(3)
    groups = np.repeat(np.arange(200), 8)
    level = random.normal(size=200)[groups] * 5
    length = level + random.normal(size=1600)
    reward = -level + 0.8 * (length - level) + random.normal(size=1600)
    assert np.corrcoef(length, reward)[0, 1] < -0.8
    found = within_groups(reward, length, groups)
    assert found.low > 0.5 and found.count == 200


def test_nothing_is_said_of_too_little():
    assert over_time(np.arange(5.0), np.arange(5.0)) is None
    assert over_time(np.ones(50), np.arange(50.0)) is None
    assert within_groups(np.ones(80), np.arange(80.0), np.repeat(np.arange(10), 8)) is None

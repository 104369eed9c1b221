"""How reward and completion length go together, with intervals that do not pretend steps were independent."""

from dataclasses import dataclass

import numpy as np

DRAWS = 2000
SMALLEST = 12  # steps, or groups, below which no interval is given


@dataclass(frozen=True)
class Correlation:
    """Pearson's r with its 95% interval; `count` steps or groups stand behind it."""

    r: float
    low: float
    high: float
    count: int

    def __str__(self) -> str:
        return f"{self.r:+.2f} [{self.low:+.2f}, {self.high:+.2f}]"


def over_time(first: np.ndarray, second: np.ndarray) -> Correlation | None:
    """Of two series by step. Interval: moving-block bootstrap (Künsch 1989), blocks of n^(1/3) steps and at least 4.

    Two series with a trend correlate whatever the cause; `changes` is the sterner question. None for fewer than
    SMALLEST steps or a constant series.
    """
    kept = np.isfinite(first) & np.isfinite(second)
    first, second = first[kept], second[kept]
    count = len(first)
    if count < SMALLEST or first.std() == 0 or second.std() == 0:
        return None
    block = max(4, round(count ** (1 / 3)))
    random = np.random.default_rng(0)
    starts = random.integers(0, count - block + 1, size=(DRAWS, -(-count // block)))
    places = (starts[:, :, None] + np.arange(block)).reshape(DRAWS, -1)[:, :count]
    return _with_interval(_r(first, second), _r(first[places], second[places]), count)


def changes(first: np.ndarray, second: np.ndarray) -> Correlation | None:
    """Of two series' changes from step to step: what is left of a correlation once both trends are taken out."""
    kept = np.isfinite(first) & np.isfinite(second)
    return over_time(np.diff(first[kept]), np.diff(second[kept]))


def within_groups(first: np.ndarray, second: np.ndarray, groups: np.ndarray) -> Correlation | None:
    """Of completions of the same prompt: both as differences to their group's mean. Interval: bootstrap over groups.

    `groups` holds the number of each row's group, from 0. None when fewer than SMALLEST groups are divided.
    """
    sizes = np.bincount(groups)
    left = first - (np.bincount(groups, first) / sizes)[groups]
    right = second - (np.bincount(groups, second) / sizes)[groups]
    products = [np.bincount(groups, values) for values in (left * right, left * left, right * right)]
    divided = (products[1] > 1e-12) & (products[2] > 1e-12)
    sums = np.stack([values[divided] for values in products])
    count = int(divided.sum())
    if count < SMALLEST:
        return None
    random = np.random.default_rng(0)
    draws = np.stack([sums[:, random.integers(0, count, count)].sum(axis=1) for _ in range(DRAWS // 4)], axis=1)
    total = sums.sum(axis=1)
    return _with_interval(total[0] / np.sqrt(total[1] * total[2]), draws[0] / np.sqrt(draws[1] * draws[2]), count)


def _r(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    left = first - first.mean(axis=-1, keepdims=True)
    right = second - second.mean(axis=-1, keepdims=True)
    scale = np.sqrt((left**2).sum(axis=-1) * (right**2).sum(axis=-1))
    with np.errstate(invalid="ignore"):  # a draw of one constant block has no r, and is left out below
        return (left * right).sum(axis=-1) / scale


def _with_interval(value: float, draws: np.ndarray, count: int) -> Correlation:
    low, high = np.nanquantile(draws, [0.025, 0.975])
    return Correlation(float(value), float(low), float(high), count)

"""Whether a topic comes more and more often, or at certain times of the year. Pure.

- rising, dying_out: the test of Mann and Kendall over whole weeks, up to 26 and at least 8; how
  fast is the slope of Theil and Sen.
- seasonal: the autocorrelation at twelve months of what is left of whole months, up to 36 and at
  least 24, when a straight line is taken off. Without a season, r x sqrt(n) is about normal.

Both are corrected by Holm's method over the topics that are looked at together.
"""

import math
import statistics
from collections.abc import Sequence
from enum import StrEnum
from itertools import combinations

from csapi.metrics.statistics import LEVEL, normal_p

WEEKS, LEAST_WEEKS = 26, 8
MONTHS, LEAST_MONTHS, YEAR = 36, 24, 12
SIGNIFICANT = 1 - LEVEL


class TrendDirection(StrEnum):
    """steady: neither can be shown."""

    rising = "rising"
    dying_out = "dying_out"
    steady = "steady"


def mann_kendall(values: Sequence[float]) -> tuple[int, float]:
    """By how many pairs more go up than down, and how likely chance alone makes that of it."""
    up = sum((later > earlier) - (later < earlier) for earlier, later in combinations(values, 2))
    n = len(values)
    ties = [values.count(each) for each in set(values)]
    spread = n * (n - 1) * (2 * n + 5) - sum(t * (t - 1) * (2 * t + 5) for t in ties)
    if spread <= 0 or up == 0:
        return up, 1.0
    return up, normal_p((abs(up) - 1) / math.sqrt(spread / 18))


def slope(values: Sequence[float]) -> float:
    """The median of the slopes of all pairs, per step."""
    pairs = combinations(enumerate(values), 2)
    return statistics.median((later - first) / (n - m) for (m, first), (n, later) in pairs)


def season_p(values: Sequence[float]) -> float:
    """How likely chance alone makes months that are a year apart as alike as they are."""
    n = len(values)
    middle, mean = (n - 1) / 2, sum(values) / n
    steps = sum((place - middle) ** 2 for place in range(n))
    rise = sum((place - middle) * value for place, value in enumerate(values)) / steps
    left = [value - mean - rise * (place - middle) for place, value in enumerate(values)]
    whole = sum(each * each for each in left)
    if whole <= 1e-9 * max(1.0, mean * mean):
        return 1.0
    shifted = zip(left[YEAR:], left, strict=False)
    z = sum(late * early for late, early in shifted) / whole * math.sqrt(n)
    return normal_p(z) / 2 if z > 0 else 1 - normal_p(z) / 2


def begun(values: Sequence[Sequence[float]], whole: Sequence[float]) -> list[list[float]]:
    """The series from where anything at all was recorded: before that nothing is known."""
    first = next((place for place, each in enumerate(whole) if each), len(whole))
    return [list(each[first:]) for each in values]

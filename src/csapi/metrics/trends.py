"""A straight line through weighted points: where it will be, and when it gets somewhere. Pure.

Weighted least squares with the weights w_i known up to a factor, so that s2 is the variance of a
point of weight 1 (N. Draper and H. Smith, Applied Regression Analysis, 3rd ed., chapters 1, 3 and
9). With W = sum w, u = x - mean x, S = sum w u^2:

    b   = sum w u y / S                  s2 = sum w (y - a - b u)^2 / (n - 2)
    of a new value of weight v at u:     a + b u  +-  t(n - 2) x sqrt(s2 (1/W + u^2/S + 1/v))
    reaches y: the u between the roots of (a + b u - y)^2 = t(n - 2)^2 s2 (1/W + u^2/S)

The last is Fieller's interval of inverse prediction (chapter 3.2). It is bounded only where the
slope is not zero by chance.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from csapi.metrics.statistics import Interval, t_quantile

LEAST_POINTS = 4


@dataclass(frozen=True, slots=True)
class Point:
    """A value at a place of the axis; of a mean the weight is how many it is of."""

    x: float
    y: float
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Line:
    """A fitted line: `level` at `middle`, and by how much it rises for each unit of x."""

    middle: float
    level: float
    slope: float
    variance: float
    weights: float
    spread: float
    points: int

    @property
    def _t(self) -> float:
        return t_quantile(self.points - 2)

    @property
    def slope_reach(self) -> float:
        """Half the 95 % interval of the slope."""
        return self._t * math.sqrt(self.variance / self.spread)

    def at(self, x: float) -> float:
        return self.level + self.slope * (x - self.middle)

    def interval_at(self, x: float, weight: float) -> Interval:
        """The 95 % interval of a new value of that weight."""
        u = x - self.middle
        off = 1 / self.weights + u * u / self.spread + 1 / weight
        reach = self._t * math.sqrt(self.variance * off)
        return self.at(x) - reach, self.at(x) + reach

    def reaches(self, y: float) -> tuple[float, Interval] | None:
        """Where the line gets to y, with the 95 % interval; None: its slope may be none at all."""
        q = self._t**2 * self.variance
        gap = self.level - y
        square = self.slope**2 - q / self.spread
        if square <= 0:
            return None
        half, rest = self.slope * gap, gap**2 - q / self.weights
        root = math.sqrt(max(half * half - square * rest, 0.0))
        ends = (self.middle + (-half - root) / square, self.middle + (-half + root) / square)
        return self.middle - gap / self.slope, ends


def line_through(points: Sequence[Point]) -> Line | None:
    """None: of too few points, or all of one place."""
    known = [each for each in points if each.weight > 0]
    if len(known) < LEAST_POINTS:
        return None
    weights = math.fsum(each.weight for each in known)
    middle = math.fsum(each.weight * each.x for each in known) / weights
    level = math.fsum(each.weight * each.y for each in known) / weights
    spread = math.fsum(each.weight * (each.x - middle) ** 2 for each in known)
    if spread <= 0:
        return None
    slope = math.fsum(each.weight * (each.x - middle) * each.y for each in known) / spread
    off = math.fsum(
        each.weight * (each.y - level - slope * (each.x - middle)) ** 2 for each in known
    )
    return Line(middle, level, slope, off / (len(known) - 2), weights, spread, len(known))

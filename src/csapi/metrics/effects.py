"""What a thing that happened changed: an interrupted series of weeks, with or without a comparison
group. Pure; blocks of seven days in, an effect with its interval out.

Weeks, so that every value has all days of the week in it, and most of what makes a day like the one
before is gone. With z the value of a week (its logarithm, of sums), t its place and a whether it
lies after:

    without a comparison group      z     = level + slope x t + effect x a + rest
    with one, z' being its value    z - z' = level             + effect x a + rest

fitted by weighted least squares; a week of a mean weighs as much as it is of (of a difference the
harmonic mean of both). The first is segmented regression with a common slope (A. K. Wagner et al.,
J. Clin. Pharm. Ther. 27, 2002), the second difference in differences over weeks (M. Bertrand et
al., Q. J. Econ. 119, 2004, why days alone must not be counted as independent).

Weeks can still hang together. With r the correlation of neighboring residuals, corrected for what
fitting takes from it (r + (3 + parameters) / weeks, at least 0), the variance of the effect is
taken times (1 + r) / (1 - r), as of an autoregressive rest of first order, and degrees of freedom
(weeks - parameters) times (1 - r) / (1 + r), at least two.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from csapi.metrics.statistics import Interval, t_p, t_quantile

LEAST_BEFORE, LEAST_AFTER = 6, 1
LARGEST_CORRELATION = 0.8
LEAST_FREEDOM = 2.0


class Scale(StrEnum):
    """How an effect adds: to the value, or as a factor of it, as with counts."""

    linear = "linear"
    ratio = "ratio"


class NoEffect(StrEnum):
    """Why an effect cannot be told: too few weeks before, or after, have a value."""

    too_few_weeks_before = "too_few_weeks_before"
    too_few_weeks_after = "too_few_weeks_after"


@dataclass(frozen=True, slots=True)
class Week:
    """Seven days; of a mean the weight is how many it is of. value: None where there is none."""

    value: float | None
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Effect:
    """On the scale that was asked for: linear a difference, of a ratio the logarithm of the factor.
    correlation: of neighboring weeks, as it was allowed for."""

    effect: float
    ci95: Interval
    p_value: float
    freedom: float
    correlation: float
    weeks_before: int
    weeks_after: int


@dataclass(frozen=True, slots=True)
class _Row:
    place: int
    z: float
    weight: float
    is_after: bool


def effect_of(
    before: Sequence[Week],
    after: Sequence[Week],
    *,
    scale: Scale = Scale.linear,
    others: tuple[Sequence[Week], Sequence[Week]] | None = None,
) -> Effect | NoEffect:
    """The effect of what happened between `before` and `after`, each in the order of time and week
    after week. others: the same weeks of a comparison group, before and after."""
    weeks = [*before, *after]
    beside = None if others is None else [*others[0], *others[1]]
    rows = [
        row
        for place, week in enumerate(weeks)
        if (
            row := _row(place - len(before), week, None if beside is None else beside[place], scale)
        )
    ]
    counts = sum(not row.is_after for row in rows), sum(row.is_after for row in rows)
    if counts[0] < LEAST_BEFORE:
        return NoEffect.too_few_weeks_before
    if counts[1] < LEAST_AFTER:
        return NoEffect.too_few_weeks_after
    return _fitted(rows, counts, with_slope=others is None)


def _row(place: int, week: Week, other: Week | None, scale: Scale) -> _Row | None:
    z, weight = _scaled(week, scale), week.weight
    if other is not None:
        theirs = _scaled(other, scale)
        z = None if z is None or theirs is None else z - theirs
        weight = 2 / (1 / weight + 1 / other.weight) if weight > 0 and other.weight > 0 else 0.0
    if z is None or weight <= 0:
        return None
    return _Row(place, z, weight, place >= 0)


def _scaled(week: Week, scale: Scale) -> float | None:
    if week.value is None or scale is Scale.linear:
        return week.value
    # Half of one more, so that a week without any has a logarithm.
    return math.log(max(week.value, 0.0) + 0.5)


def _fitted(rows: Sequence[_Row], counts: tuple[int, int], *, with_slope: bool) -> Effect:
    columns = [
        [1.0, float(row.is_after), *([float(row.place)] if with_slope else [])] for row in rows
    ]
    weights = [row.weight for row in rows]
    values = [row.z for row in rows]
    inverse = _inverse(_crossed(columns, weights))
    moments = [
        math.fsum(w * column[at] * z for column, w, z in zip(columns, weights, values, strict=True))
        for at in range(len(inverse))
    ]
    found = [math.fsum(a * b for a, b in zip(line, moments, strict=True)) for line in inverse]
    rest = [
        math.sqrt(w) * (z - math.fsum(a * b for a, b in zip(column, found, strict=True)))
        for column, w, z in zip(columns, weights, values, strict=True)
    ]
    left = len(rows) - len(inverse)
    r = _correlation(rows, rest, len(inverse))
    inflation = (1 + r) / (1 - r)
    variance = math.fsum(each * each for each in rest) / left * inverse[1][1] * inflation
    freedom = max(left / inflation, LEAST_FREEDOM)
    error, effect = math.sqrt(variance), found[1]
    reach = t_quantile(round(freedom, 3)) * error
    p_value = t_p(effect / error, freedom) if error > 0 else float(effect == 0)
    return Effect(effect, (effect - reach, effect + reach), p_value, freedom, r, *counts)


def _correlation(rows: Sequence[_Row], rest: Sequence[float], parameters: int) -> float:
    """Of the residuals of weeks that follow each other."""
    whole = math.fsum(each * each for each in rest)
    if whole <= 0:
        return 0.0
    pairs = [
        rest[at] * rest[at + 1]
        for at in range(len(rows) - 1)
        if rows[at + 1].place == rows[at].place + 1
    ]
    r = math.fsum(pairs) / whole + (3 + parameters) / len(rows)
    return min(max(r, 0.0), LARGEST_CORRELATION)


def _crossed(columns: Sequence[Sequence[float]], weights: Sequence[float]) -> list[list[float]]:
    size = range(len(columns[0]))
    return [
        [math.fsum(w * c[a] * c[b] for c, w in zip(columns, weights, strict=True)) for b in size]
        for a in size
    ]


def _inverse(matrix: Sequence[Sequence[float]]) -> list[list[float]]:
    """Of a small symmetric positive matrix, by elimination with the largest pivot."""
    size = len(matrix)
    work = [[*line, *(float(a == b) for b in range(size))] for a, line in enumerate(matrix)]
    for at in range(size):
        best = max(range(at, size), key=lambda line: abs(work[line][at]))
        work[at], work[best] = work[best], work[at]
        pivot = work[at][at]
        work[at] = [each / pivot for each in work[at]]
        for line in range(size):
            if line != at:
                factor = work[line][at]
                work[line] = [
                    mine - factor * theirs
                    for mine, theirs in zip(work[line], work[at], strict=True)
                ]
    return [line[size:] for line in work]

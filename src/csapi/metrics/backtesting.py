"""How good a forecast is: on past days, knowing only what came before them. Pure.

Held against seasonal naive, the same weekday of the last week again, on rolling origins (R. J.
Hyndman and G. Athanasopoulos, "Forecasting: principles and practice", 2021, chapter 5).
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from csapi.metrics.forecasting import WEEK, Counts, Day, fitted, naive

# Backtests begin weekly, after so many days of history at least.
ORIGINS, LEAST_DAYS, HORIZON = 6, 21, 14
NEXT_TO_NOTHING = 1e-3
LEVELS = (0.8, 0.95)
# Bands are measured on intervals in which a contact at least is expected; where these are few, on
# all in which any is. Of fewer than the least, nothing is said of how well a band holds.
EXPECTED, FEW_CELLS, LEAST_CELLS = 1.0, 100, 30


@dataclass(frozen=True, slots=True)
class Cells:
    """What was expected of intervals, and what came."""

    expected: list[float]
    actual: list[float]

    def add(self, expected: Counts, actual: Counts) -> None:
        self.expected.extend(expected)
        self.actual.extend(actual)

    def with_at_least(self, least: float) -> list[tuple[float, float]]:
        pairs = zip(self.expected, self.actual, strict=True)
        return [(expected, actual) for expected, actual in pairs if expected >= least]


@dataclass(frozen=True, slots=True)
class Band:
    """How far off what comes is: its spread grows like that of chance and, beyond, by `spread` with
    the amount; `quantiles` are those of the differences seen, by level, in such units. `least`: how
    many contacts were expected at least where it was measured."""

    least: float
    spread: float
    quantiles: Mapping[float, tuple[float, float]]

    def around(self, expected: float, level: float) -> tuple[float, float]:
        low, high = self.quantiles[level]
        unit = unit_of(expected, self.spread)
        return max(expected + low * unit, 0.0), max(expected + high * unit, 0.0)


def unit_of(expected: float, spread: float) -> float:
    return math.sqrt(expected + (spread * expected) ** 2)


def band_of(cells: Cells) -> Band | None:
    """From the differences seen; None where nothing was expected anywhere."""
    pairs, least = cells.with_at_least(EXPECTED), EXPECTED
    if len(pairs) < FEW_CELLS:
        pairs, least = cells.with_at_least(NEXT_TO_NOTHING), NEXT_TO_NOTHING
    if not pairs:
        return None
    squares = sum((a - e) ** 2 for e, a in pairs) - sum(e for e, _ in pairs)
    spread = math.sqrt(max(squares, 0.0) / sum(e * e for e, _ in pairs))
    seen = sorted((a - e) / unit_of(e, spread) for e, a in pairs)
    return Band(
        least,
        spread,
        {each: (quantile(seen, (1 - each) / 2), quantile(seen, (1 + each) / 2)) for each in LEVELS},
    )


def quantile(values: Sequence[float], share: float) -> float:
    place = share * (len(values) - 1)
    low = math.floor(place)
    high = min(low + 1, len(values) - 1)
    return values[low] + (values[high] - values[low]) * (place - low)


@dataclass(frozen=True, slots=True)
class Errors:
    """`wape`: all absolute differences over all that came; `of_days`: the same of whole days.
    `mase`: the mean absolute difference over that of seasonal naive within the history. `coverage`:
    by level, how much of what came lay in a band measured before, of `covered_n` intervals. None:
    there is nothing to measure it on."""

    wape: float | None
    of_days: float | None
    mase: float | None
    coverage: Mapping[float, float]
    covered_n: int


@dataclass(frozen=True, slots=True)
class Tested:
    """A method on rolling origins."""

    errors: Errors
    band: Band | None


@dataclass(frozen=True, slots=True)
class Backtest:
    """Both methods on the same days. origins: the first days that were forecast."""

    origins: Sequence[date]
    horizon: int
    model: Tested
    naive: Tested

    @property
    def is_model_better(self) -> bool:
        own, other = self.model.errors.wape, self.naive.errors.wape
        return own is not None and other is not None and own < other


Method = Callable[[Sequence[Day], Sequence[Day]], list[list[float]]]


def backtest(days: Sequence[Day], horizon: int, slots: int) -> Backtest | None:
    """None where the history is too short for one origin."""
    horizon = min(horizon, HORIZON)
    first = next((n for n, each in enumerate(days) if each.counts is not None), len(days))
    starts = [len(days) - horizon - WEEK * number for number in reversed(range(ORIGINS))]
    starts = [each for each in starts if each - first >= LEAST_DAYS]
    if not starts:
        return None
    scale = naive_error(days[first:])

    def by_model(known: Sequence[Day], ahead: Sequence[Day]) -> list[list[float]]:
        baseline = fitted(known, slots)
        return [baseline.expected(each.day, each.planned) for each in ahead]

    def by_naive(known: Sequence[Day], ahead: Sequence[Day]) -> list[list[float]]:
        return [naive(known, each.day, slots) for each in ahead]

    return Backtest(
        [days[each].day for each in starts],
        horizon,
        tested(days, starts, horizon, by_model, scale),
        tested(days, starts, horizon, by_naive, scale),
    )


def tested(
    days: Sequence[Day],
    starts: Sequence[int],
    horizon: int,
    method: Method,
    scale: float | None,
) -> Tested:
    folds = []
    missed = came = 0.0
    for start in starts:
        ahead = days[start : start + horizon]
        fold = Cells([], [])
        for expected, each in zip(method(days[:start], ahead), ahead, strict=True):
            fold.add(expected, each.counts or ())
            missed += abs(sum(expected) - each.total)
            came += each.total
        folds.append(fold)
    whole = joined(folds)
    off = sum(abs(e - a) for e, a in zip(whole.expected, whole.actual, strict=True))
    coverage, covered = coverage_of(folds)
    errors = Errors(
        wape=off / came if came else None,
        of_days=missed / came if came else None,
        mase=off / len(whole.actual) / scale if scale and whole.actual else None,
        coverage=coverage,
        covered_n=covered,
    )
    return Tested(errors, band_of(whole))


def joined(folds: Sequence[Cells]) -> Cells:
    return Cells(
        [each for fold in folds for each in fold.expected],
        [each for fold in folds for each in fold.actual],
    )


def coverage_of(folds: Sequence[Cells]) -> tuple[dict[float, float], int]:
    """How often the later half of the folds lies in the band of the earlier half."""
    half = len(folds) // 2
    band = band_of(joined(folds[:half])) if half else None
    if band is None:
        return {}, 0
    cells = joined(folds[half:]).with_at_least(band.least)
    if len(cells) < LEAST_CELLS:
        return {}, len(cells)
    found = {}
    for level in LEVELS:
        bounds = [(*band.around(expected, level), actual) for expected, actual in cells]
        found[level] = sum(low <= actual <= high for low, high, actual in bounds) / len(cells)
    return found, len(cells)


def naive_error(days: Sequence[Day]) -> float | None:
    """The mean absolute difference of intervals from a week earlier."""
    off, count = 0.0, 0
    for before, each in zip(days, days[WEEK:], strict=False):
        if before.counts is not None and each.counts is not None:
            pairs = zip(before.counts, each.counts, strict=True)
            off += sum(abs(a - b) for a, b in pairs)
            count += len(each.counts)
    return off / count if count else None

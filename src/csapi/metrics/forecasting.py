"""How many contacts will come, interval by interval: a level that follows, times the weekday, times
the share of the interval in such a day, times what events are known to do. Pure.

docs/decisions/0025 says what was chosen, and docs/staffing.md how it is worked out.

Held against seasonal naive: the same weekday of the last week again (R. J. Hyndman and G.
Athanasopoulos, "Forecasting: principles and practice", 2021, sections 5.2 and 5.8).
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

WEEK = 7
# The weekdays and the course of a day are those of so many days.
PROFILE_DAYS = 56
# How much of a day's surprise goes into the level.
FOLLOWS = 0.1
# An event has a factor of its own once so many days of it were seen.
EVENT_DAYS = 2
LARGEST_FACTOR = 5.0
# Backtests begin weekly, after so many days of history at least.
ORIGINS, LEAST_DAYS, HORIZON = 6, 21, 14
LEVELS = (0.8, 0.95)
# Bands are measured where a contact at least is expected; of fewer cells than this, on all.
EXPECTED, FEW_CELLS = 1.0, 50

Counts = Sequence[float]


@dataclass(frozen=True, slots=True)
class Day:
    """A local day that is over: its contacts by interval of the local clock. `counts`: None where
    only the sum is known. `planned`: events that were known before; `troubles`: that were not."""

    day: date
    total: float
    counts: Counts | None
    planned: frozenset[str] = frozenset()
    troubles: frozenset[str] = frozenset()

    @property
    def is_usual(self) -> bool:
        return not self.planned and not self.troubles


@dataclass(frozen=True, slots=True)
class EventFactor:
    """What an event did to days: `value` times what was expected, of `days`; None: too few."""

    value: float | None
    days: int


@dataclass(frozen=True, slots=True)
class Baseline:
    """What usual days are like: a level, a factor for each weekday, the share of each interval."""

    level: float
    weekdays: Sequence[float]
    shares: Sequence[Counts]
    events: Mapping[str, EventFactor]

    def expected(self, day: date, events: Iterable[str]) -> list[float]:
        weekday = day.weekday()
        amount = self.level * self.weekdays[weekday]
        for event in events:
            factor = self.events.get(event)
            amount *= 1.0 if factor is None or factor.value is None else factor.value
        return [amount * share for share in self.shares[weekday]]


def fitted(days: Sequence[Day], slots: int) -> Baseline:
    """The baseline of what is known by the end of the last day."""
    last = days[-1].day
    recent = [
        each for each in days if each.is_usual and (last - each.day).days < PROFILE_DAYS
    ] or list(days[-PROFILE_DAYS:])
    weekdays = weekday_factors(recent)
    level, events = followed(days, weekdays)
    return Baseline(level, weekdays, day_shares(recent, slots), events)


def weekday_factors(recent: Sequence[Day]) -> list[float]:
    """The mean of each weekday over that of all; of one that was not seen, 1."""
    totals: list[list[float]] = [[] for _ in range(WEEK)]
    for each in recent:
        totals[each.day.weekday()].append(each.total)
    means = [sum(each) / len(each) if each else None for each in totals]
    known = [each for each in means if each is not None]
    whole = sum(known) / len(known)
    return [1.0 if each is None or not whole else each / whole for each in means]


def day_shares(recent: Sequence[Day], slots: int) -> list[list[float]]:
    """The share of each interval in the contacts of its weekday; of a weekday without any, in those
    of all days."""
    sums = [[0.0] * slots for _ in range(WEEK)]
    for each in recent:
        if each.counts is not None:
            own = sums[each.day.weekday()]
            for slot, count in enumerate(each.counts):
                own[slot] += count
    whole = [sum(each) for each in zip(*sums, strict=True)]
    return [shares_of(each) or shares_of(whole) or [0.0] * slots for each in sums]


def shares_of(counts: Counts) -> list[float]:
    total = sum(counts)
    return [each / total for each in counts] if total else []


def followed(
    days: Sequence[Day], weekdays: Sequence[float]
) -> tuple[float, dict[str, EventFactor]]:
    """The level after the last day, by exponential smoothing over usual days, and what events did
    to the level of their time."""
    usual = [each for each in days if each.is_usual and weekdays[each.day.weekday()] > 0][:WEEK]
    weights = sum(weekdays[each.day.weekday()] for each in usual)
    level = sum(each.total for each in usual) / weights if weights else 0.0
    seen: dict[str, tuple[float, float, int]] = {}
    for each in days:
        factor = weekdays[each.day.weekday()]
        if each.is_usual:
            if factor > 0:
                level += FOLLOWS * min(factor, 1.0) * (each.total / factor - level)
            continue
        if len(each.planned) == 1 and not each.troubles:
            (event,) = each.planned
            actual, expected, count = seen.get(event, (0.0, 0.0, 0))
            seen[event] = actual + each.total, expected + level * factor, count + 1
    events = {
        event: EventFactor(
            min(actual / expected, LARGEST_FACTOR) if count >= EVENT_DAYS and expected else None,
            count,
        )
        for event, (actual, expected, count) in seen.items()
    }
    return max(level, 0.0), events


def naive(days: Sequence[Day], day: date, slots: int) -> list[float]:
    """The same weekday of the last week that is known."""
    last = days[-1].day
    back = (last - day).days % WEEK
    wanted = last - timedelta(days=back)
    for each in reversed(days):
        if each.day <= wanted:
            if each.day == wanted and each.counts is not None:
                return list(each.counts)
            break
    return [0.0] * slots


@dataclass(frozen=True, slots=True)
class Cells:
    """What was expected of intervals, and what came."""

    expected: list[float]
    actual: list[float]

    def add(self, expected: Counts, actual: Counts) -> None:
        self.expected.extend(expected)
        self.actual.extend(actual)


@dataclass(frozen=True, slots=True)
class Band:
    """How far off what comes is: its spread grows like that of chance and, beyond, by `spread` with
    the amount; `quantiles` are those of the differences seen, by level, in such units."""

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
    pairs = [(e, a) for e, a in zip(cells.expected, cells.actual, strict=True) if e >= EXPECTED]
    if len(pairs) < FEW_CELLS:
        pairs = [(e, a) for e, a in zip(cells.expected, cells.actual, strict=True) if e > 0]
    if not pairs:
        return None
    squares = sum((a - e) ** 2 for e, a in pairs) - sum(e for e, _ in pairs)
    spread = math.sqrt(max(squares, 0.0) / sum(e * e for e, _ in pairs))
    seen = sorted((a - e) / unit_of(e, spread) for e, a in pairs)
    return Band(
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
    later = joined(folds[half:])
    cells = [(e, a) for e, a in zip(later.expected, later.actual, strict=True) if e >= EXPECTED]
    if not cells:
        return {}, 0
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

"""Whether a metric moved, or left its usual range. Pure: values by time in, a finding out. The
worker and the simulation (bench/alarms.py) both ask here.

What is counted is looked at as 2 sqrt(x + 3/8), whose variance is 1 for chance alone (F. J.
Anscombe, Biometrika 35, 1948); means and shares as they are, one of fewer than usual the closer.

anomaly: the same hour and day of the week in the eight weeks before, by their median, and how far
all of these weeks lay off theirs (1.4826 x median absolute deviation, of counts at least 1). A
season is the same place 50 to 53 weeks earlier, which holds the same days of both the solar and the
Islamic year: where it lay off its own weeks before by more than SEASON_Z, as much is expected
again, and what lies between is usual.

drift: sums of how far whole weeks lie off those before, less a slack (the cusum of E. S. Page,
Biometrika 41, 1954; D. C. Montgomery, Introduction to Statistical Quality Control, chapter 9):

    S = max(0, S + (x - reference) / spread - SLACK),   told where S reaches DRIFT_LIMIT

over the latest eight weeks, held against the eighteen before them. Where S of the same weeks a year
before reached SEASON_LIMIT, it is the season.
"""

import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from csapi.metrics.effects import Scale
from csapi.reports.radar.detector import SEASON_Z, SEASONS

# The ordinal of a local day, and its hour; 0 of whole days.
Place = tuple[int, int]
WEEK, WEEKS_BEFORE, LEAST_WEEKS = 7, 8, 4
DAY_LIMIT, HOUR_LIMIT = 4.0, 7.0
LEAST_COUNT = 5
SMALL = 1e-9
# By how much the error of a median of eight widens what is held against it.
MEDIAN_ERROR = math.pi / 2
TO_SD = 1.4826
SLACK, DRIFT_LIMIT = 0.5, 5.0
SEASON_LIMIT = DRIFT_LIMIT * 2 / 3
DRIFT_WEEKS, REFERENCE_WEEKS, LEAST_REFERENCE = 8, 18, 10
DRIFT_HISTORY = DRIFT_WEEKS + REFERENCE_WEEKS
YEARS_BEFORE = tuple(days // WEEK for days in SEASONS)


class Side(StrEnum):
    """Which way is told of."""

    up = "up"
    down = "down"
    both = "both"


class NoFinding(StrEnum):
    """Why nothing was judged. no_spread: the values before are all the same, or too few differ."""

    no_value = "no_value"
    too_few = "too_few"
    short_history = "short_history"
    no_spread = "no_spread"
    cannot_be_asked = "cannot_be_asked"


@dataclass(frozen=True, slots=True)
class Seen:
    """A value and how many it is of."""

    value: float
    n: int


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at, and what had been expected. score: how many standard deviations it lies
    beyond, of drift the sum."""

    is_out: bool
    value: float | None = None
    n: int = 0
    expected: float | None = None
    low: float | None = None
    high: float | None = None
    score: float | None = None
    is_seasonal: bool = False
    reason: NoFinding | None = None


def nothing(reason: NoFinding, seen: Seen | None = None) -> Finding:
    if seen is None:
        return Finding(is_out=False, reason=reason)
    return Finding(is_out=False, value=seen.value, n=seen.n, reason=reason)


def threshold(seen: Seen | None, bound: float, side: Side, minimum_n: int) -> Finding:
    """Whether a value lies beyond a bound."""
    if seen is None:
        return nothing(NoFinding.no_value)
    if seen.n < minimum_n:
        return nothing(NoFinding.too_few, seen)
    is_above = side is Side.up
    is_out = seen.value > bound if is_above else seen.value < bound
    low, high = (None, bound) if is_above else (bound, None)
    return Finding(is_out=is_out, value=seen.value, n=seen.n, low=low, high=high)


def spread_out(value: float, scale: Scale) -> float:
    return 2 * math.sqrt(max(value, 0.0) + 3 / 8) if scale is Scale.ratio else value


def back(value: float, scale: Scale) -> float:
    return max(max(value, 0.0) ** 2 / 4 - 3 / 8, 0.0) if scale is Scale.ratio else value


@dataclass(frozen=True, slots=True)
class Usual:
    """What a place is held against."""

    center: float
    weeks: int


@dataclass(frozen=True, slots=True)
class Spread:
    """The standard deviation of places around what is usual there, and how many their values are of
    as a rule."""

    sd: float
    size: float


@dataclass(frozen=True)
class History:
    """Values by place; whatever is later than the place that is looked at is not used."""

    seen: Mapping[Place, Seen]
    scale: Scale

    def y(self, place: Place) -> float | None:
        found = self.seen.get(place)
        return None if found is None else spread_out(found.value, self.scale)

    def before(self, place: Place) -> Iterator[float]:
        """The same place in the weeks before."""
        for week in range(1, WEEKS_BEFORE + 1):
            y = self.y((place[0] - WEEK * week, place[1]))
            if y is not None:
                yield y

    def usual(self, place: Place) -> Usual | None:
        found = list(self.before(place))
        if len(found) < LEAST_WEEKS:
            return None
        return Usual(statistics.median(found), len(found))

    @cached_property
    def hours(self) -> Sequence[int]:
        return sorted({hour for _, hour in self.seen})

    @cached_property
    def _spreads(self) -> dict[int, Spread | None]:
        return {}

    def spread(self, day: int) -> Spread | None:
        """What a day is held against; None: too little is known before it."""
        if day not in self._spreads:
            self._spreads[day] = self._spread(day)
        return self._spreads[day]

    def _spread(self, day: int) -> Spread | None:
        slots = [
            [
                each
                for before in range(day - WEEK * WEEKS_BEFORE + weekday, day, WEEK)
                if (each := self.seen.get((before, hour))) is not None
            ]
            for weekday in range(WEEK)
            for hour in self.hours
        ]
        sizes = [each.n for slot in slots for each in slot]
        size = max(statistics.median(sizes), 1.0) if sizes else 1.0
        off: list[float] = []
        for slot in slots:
            if len(slot) < LEAST_WEEKS:
                continue
            ys = [spread_out(each.value, self.scale) for each in slot]
            middle, widened = statistics.median(ys), math.sqrt(len(ys) / (len(ys) - 1))
            off += [
                abs(y - middle) * widened * self.trust(each.n, size)
                for y, each in zip(ys, slot, strict=True)
            ]
        if len(off) < WEEK * LEAST_WEEKS:
            return None
        sd = TO_SD * statistics.median(off)
        return Spread(max(sd, 1.0) if self.scale is Scale.ratio else sd, size)

    def trust(self, n: int, size: float) -> float:
        """A mean of fewer than usual lies farther off by chance."""
        return 1.0 if self.scale is Scale.ratio else math.sqrt(min(n, size) / size)

    def seasons(self, place: Place, sd: float) -> Iterator[float]:
        """How far the same place lay off a year before, where it stood out."""
        for shift in SEASONS:
            then = (place[0] - shift, place[1])
            y, usual = self.y(then), self.usual(then)
            if y is not None and usual is not None and abs(y - usual.center) > SEASON_Z * sd:
                yield y - usual.center


def anomaly(
    history: History, place: Place, side: Side, *, limit: float, minimum_n: int = 0
) -> Finding:
    """Whether the value of a place lies out of its usual range."""
    seen, scale = history.seen.get(place), history.scale
    if seen is None:
        return nothing(NoFinding.no_value)
    if seen.n < minimum_n:
        return nothing(NoFinding.too_few, seen)
    usual, spread = history.usual(place), history.spread(place[0])
    if usual is None or spread is None:
        return nothing(NoFinding.short_history, seen)
    if spread.sd <= 0:
        return nothing(NoFinding.no_spread, seen)
    trust = max(history.trust(seen.n, spread.size), SMALL)
    reach = spread.sd * math.sqrt(1 + MEDIAN_ERROR / usual.weeks) / trust
    offs = [0.0, *history.seasons(place, spread.sd)]
    low, high = usual.center + min(offs), usual.center + max(offs)
    y = spread_out(seen.value, scale)
    score = (y - high) / reach if y > high else min((y - low) / reach, 0.0)
    is_told = score > 0 if side is Side.up else score < 0 if side is Side.down else True
    is_large = scale is Scale.linear or max(seen.value, back(usual.center, scale)) >= LEAST_COUNT
    return Finding(
        is_out=is_told and is_large and abs(score) > limit,
        value=seen.value,
        n=seen.n,
        expected=back(usual.center, scale),
        low=back(low - limit * reach, scale),
        high=back(high + limit * reach, scale),
        score=score,
        is_seasonal=len(offs) > 1,
    )


@dataclass(frozen=True, slots=True)
class Cusum:
    """The sums of the latest week, and what weeks were held against."""

    up: float
    down: float
    center: float
    sd: float


def cusum(weeks: Sequence[Seen | None], scale: Scale) -> Cusum | None:
    """Of the latest weeks, the last one at the end; None: too few before them are known."""
    watched, reference = weeks[-DRIFT_WEEKS:], weeks[-DRIFT_HISTORY:-DRIFT_WEEKS]
    known = [spread_out(each.value, scale) for each in reference if each is not None]
    if len(known) < LEAST_REFERENCE:
        return None
    center = statistics.median(known)
    robust = TO_SD * statistics.median(abs(y - center) for y in known)
    sd = max(statistics.stdev(known), robust, 1.0 if scale is Scale.ratio else 0.0)
    if sd <= 0:
        return None
    sd *= math.sqrt(1 + MEDIAN_ERROR / len(known))
    up = down = 0.0
    for each in watched:
        if each is not None:
            z = (spread_out(each.value, scale) - center) / sd
            up, down = max(0.0, up + z - SLACK), max(0.0, down - z - SLACK)
    return Cusum(up, down, center, sd)


def drift(weeks: Sequence[Seen | None], scale: Scale, side: Side, *, minimum_n: int = 0) -> Finding:
    """Whether weeks have moved, the latest one at the end."""
    seen = weeks[-1] if weeks else None
    if seen is None:
        return nothing(NoFinding.no_value)
    if seen.n < minimum_n:
        return nothing(NoFinding.too_few, seen)
    now = cusum(weeks, scale)
    if now is None:
        return nothing(NoFinding.short_history, seen)
    sides = [each for each in (Side.up, Side.down) if side in (each, Side.both)]
    scores = {each: now.up if each is Side.up else now.down for each in sides}
    worst = max(scores, key=scores.__getitem__)
    years = [cusum(weeks[:-shift], scale) for shift in YEARS_BEFORE if len(weeks) > shift]
    then = [each.up if worst is Side.up else each.down for each in years if each is not None]
    is_seasonal = any(each >= SEASON_LIMIT for each in then)
    score = scores[worst]
    return Finding(
        is_out=score >= DRIFT_LIMIT and not is_seasonal,
        value=seen.value,
        n=seen.n,
        expected=back(now.center, scale),
        low=back(now.center - 2 * now.sd, scale),
        high=back(now.center + 2 * now.sd, scale),
        score=score if worst is Side.up else -score,
        is_seasonal=is_seasonal,
    )

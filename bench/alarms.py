"""How often alerts tell of something where nothing is, how soon they tell of what is, and how often
an event without effect gets a verdict.

All of it on made-up tenants (bench/simulated.py), whose years have seasons, by the functions that
the worker and the endpoint use. Shares, such as satisfaction, hang together from day to day.
"""

import gc
import math
import random
import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property, lru_cache, partial

from bench.measure import Line, Progress, at_most
from bench.servers import Servers
from bench.simulated import Tenant, in_ramadan, noise, poisson
from csapi.cli.serve import COLLECT_AFTER
from csapi.metrics.effects import NoEffect, Scale, Week, effect_of
from csapi.reports.alerts.detector import (
    DAY_LIMIT,
    HOUR_LIMIT,
    Finding,
    History,
    Seen,
    Side,
    anomaly,
    back,
    cusum,
    drift,
    spread_out,
)
from csapi.reports.alerts.steps import Step, step

START, WATCHED = date(2023, 10, 1), date(2025, 10, 1)
YEAR, MONTHS = 365, 12
KNOWN = (WATCHED - START).days
SEEDS, QUICK_SEEDS = 200, 5
HOUR_SEEDS, HOUR_DAYS = 20, 90
CASES, QUICK_CASES = 500, 60
DAY_SIZES, WEEK_SIZES = (1, 2, 3, 4, 5), (1, 2, 3)
PATIENCE_DAYS, PATIENCE_WEEKS = 14, 8
RATED, SATISFIED, CLINGS, WANDERS = 0.25, 0.85, 0.6, 0.15
RAMADAN_DIP = 0.15
FALSE_ALARMS, FALSE_VERDICTS = 0.1, 5.0


@dataclass
class Days:
    """A tenant's days: what was counted, and how many of some of it were satisfied."""

    seed: int
    start: date = START
    days: int = KNOWN + YEAR

    def __post_init__(self) -> None:
        self.tenant = Tenant(self.seed, self.start, self.days)
        rng, level = random.Random(f"shares/{self.seed}"), 0.0
        base = math.log(SATISFIED / (1 - SATISFIED)) + rng.gauss(0, 0.3)
        self.rated: list[tuple[int, int]] = []
        for place, total in enumerate(self.tenant.totals):
            day = self.tenant.day(place)
            level = CLINGS * level + rng.gauss(0, WANDERS * math.sqrt(1 - CLINGS**2))
            dip = RAMADAN_DIP if in_ramadan(day) else 0.0
            weekend = -0.1 if day.weekday() in (4, 5) else 0.0
            share = 1 / (1 + math.exp(-(base + level + weekend - dip)))
            n = poisson(rng, total * RATED)
            self.rated.append((binomial(rng, n, share), n))

    @cached_property
    def counts(self) -> list[Seen | None]:
        return [Seen(float(each), each) for each in self.tenant.totals]

    @cached_property
    def shares(self) -> list[Seen | None]:
        return [Seen(hits / n, n) if n else None for hits, n in self.rated]


@lru_cache(maxsize=500)
def days_of(seed: int) -> Days:
    return Days(seed)


def binomial(rng: random.Random, n: int, share: float) -> int:
    return sum(rng.random() < share for _ in range(n))


def weekly_counts(days: Days, first: int, weeks: int) -> list[Seen | None]:
    totals = days.tenant.totals
    sums = [sum(totals[first + 7 * week : first + 7 * week + 7]) for week in range(weeks)]
    return [Seen(float(each), each) for each in sums]


def weekly_shares(days: Days, first: int, weeks: int) -> list[Seen | None]:
    found: list[Seen | None] = []
    for week in range(weeks):
        rated = days.rated[first + 7 * week : first + 7 * week + 7]
        hits, n = (sum(each) for each in zip(*rated, strict=True))
        found.append(Seen(hits / n, n) if n else None)
    return found


def history_of(values: Sequence[Seen | None], scale: Scale) -> History:
    """Days from START on, by their ordinals."""
    first = START.toordinal()
    seen = {(first + n, 0): each for n, each in enumerate(values) if each is not None}
    return History(seen, scale)


def fired(findings: Iterator[Finding]) -> int:
    """How many events come of looks."""
    events, quiet = 0, None
    for finding in findings:
        done = step(finding, quiet)
        events += done is Step.fire
        if done in (Step.fire, Step.go_on):
            quiet = 0
        elif done is Step.wait:
            quiet = (quiet or 0) + 1
        elif done is Step.end:
            quiet = None
    return events


def by_day(
    values: Sequence[Seen | None], scale: Scale, first: int, until: int
) -> Iterator[Finding]:
    history = history_of(values, scale)
    for place in range(first, until):
        yield anomaly(history, (START.toordinal() + place, 0), Side.both, limit=DAY_LIMIT)


def by_week(weeks: Sequence[Seen | None], scale: Scale, first: int) -> Iterator[Finding]:
    for end in range(first + 1, len(weeks) + 1):
        yield drift(weeks[:end], scale, Side.both)


def hours_of(seed: int) -> History:
    """Weeks of hours with the curve of a day."""
    days = Days(seed, START, 2 * YEAR + HOUR_DAYS)
    rng, seen = random.Random(f"hours/{seed}"), {}
    curve = [math.exp(-(((hour - 14) / 5) ** 2)) for hour in range(24)]
    whole = sum(curve)
    for place in range(days.days):
        busy = sum(days.tenant.means[topic][place] for topic in range(len(days.tenant.means)))
        for hour, part in enumerate(curve):
            count = poisson(rng, busy * part / whole * noise(rng, 0.2))
            seen[START.toordinal() + place, hour] = Seen(float(count), count)
    return History(seen, Scale.ratio)


def by_hour(history: History) -> Iterator[Finding]:
    first = START.toordinal() + 2 * YEAR
    for day in range(first, first + HOUR_DAYS):
        for hour in range(24):
            yield anomaly(history, (day, hour), Side.both, limit=HOUR_LIMIT)


def shifted(seen: Seen | None, by: float, scale: Scale) -> Seen | None:
    if seen is None:
        return None
    value = back(max(spread_out(seen.value, scale) + by, 0.0), scale)
    return Seen(min(value, 1.0) if scale is Scale.linear else value, seen.n)


def day_delay(days: Days, scale: Scale, size: float) -> int | None:
    """After how many days a step of so many standard deviations of a day is told of; downwards of
    shares, upwards of counts."""
    onset = KNOWN + random.Random(f"onset/{days.seed}").randrange(YEAR - PATIENCE_DAYS)
    values = list(days.counts if scale is Scale.ratio else days.shares)
    spread = history_of(values, scale).spread(START.toordinal() + onset)
    by = 0.0 if spread is None else size * spread.sd * (1 if scale is Scale.ratio else -1)
    values[onset:] = [shifted(each, by, scale) for each in values[onset:]]
    for number, found in enumerate(by_day(values, scale, onset, onset + PATIENCE_DAYS), start=1):
        if found.is_out:
            return number
    return None


def week_delay(days: Days, scale: Scale, size: float) -> int | None:
    """After how many weeks a step of so many standard deviations of a week is told of."""
    onset = (KNOWN + random.Random(f"onset/{days.seed}").randrange(YEAR - 70)) // 7
    count = (KNOWN + YEAR) // 7
    is_count = scale is Scale.ratio
    weeks = (weekly_counts if is_count else weekly_shares)(days, 0, count)
    before = cusum(weeks[:onset], scale)
    by = 0.0 if before is None else size * before.sd * (1 if is_count else -1)
    weeks[onset:] = [shifted(each, by, scale) for each in weeks[onset:]]
    for number in range(1, PATIENCE_WEEKS + 1):
        if drift(weeks[: onset + number], scale, Side.both).is_out:
            return number
    return None


def verdicts(
    cases: int, case: Callable[[int], tuple[list[Week], list[Week], Scale, object]]
) -> float:
    """The share of cases in which an effect is told, in percent."""
    told = 0
    for number in range(cases):
        before, after, scale, others = case(number)
        found = effect_of(before, after, scale=scale, others=others)  # type: ignore[arg-type]
        told += not isinstance(found, NoEffect) and found.p_value < 0.05
    return 100 * told / cases


def as_weeks(found: Sequence[Seen | None], scale: Scale) -> list[Week]:
    return [
        Week(None) if each is None else Week(each.value, 1.0 if scale is Scale.ratio else each.n)
        for each in found
    ]


def event_of(
    number: int, scale: Scale, *, size: float = 0.0, has_others: bool = False, weeks_after: int = 4
) -> tuple[list[Week], list[Week], Scale, object]:
    """Twelve weeks before and some after a random day; of counts `size` is the share that comes on
    top, of shares what is added."""
    days = days_of(number % 200)
    count = 12 + weeks_after
    first = random.Random(f"event/{number}").randrange(KNOWN + YEAR - 7 * count)
    read = weekly_counts if scale is Scale.ratio else weekly_shares
    weeks = as_weeks(read(days, first, count), scale)
    others = None
    if has_others:
        beside = days_of(number % 200 + 1_000)
        theirs = as_weeks(read(beside, first, count), scale)
        others = theirs[:12], theirs[12:]
    after = [
        Week(
            None if each.value is None else each.value * (1 + size)
            if scale is Scale.ratio else each.value + size,
            each.weight,
        )
        for each in weeks[12:]
    ]  # fmt: skip
    return weeks[:12], after, scale, others


def quiet_line(what: str, alarms: Sequence[int], months: float) -> Line:
    rate = sum(alarms) / (len(alarms) * months)
    return Line(
        what=what,
        unit="a rule-month",
        csapi=rate,
        goal=at_most(FALSE_ALARMS, rate),
        note=f"{sum(alarms)} in {len(alarms) * months:.0f} months, {max(alarms)} at most",
    )


def seen_line(what: str, delays: Sequence[int | None], unit: str) -> Line:
    found = [each for each in delays if each is not None]
    late = f"; median delay {statistics.median(found):.0f} {unit}" if found else ""
    return Line(
        what=what,
        unit="%",
        csapi=100 * len(found) / len(delays),
        note=f"of {len(delays)}{late}",
    )


def verdict_line(what: str, share: float, cases: int, *, is_false: bool) -> Line:
    goal = at_most(FALSE_VERDICTS, share) if is_false else None
    return Line(what=what, unit="%", csapi=share, goal=goal, note=f"of {cases} cases")


def alarm_lines(tenants: Sequence[Days], hour_seeds: int, progress: Progress) -> Iterator[Line]:
    kinds = (("counts", Scale.ratio), ("shares", Scale.linear))
    for name, scale in kinds:
        progress.say(f"alarms: quiet years of {name}")
        values = [each.counts if scale is Scale.ratio else each.shares for each in tenants]
        alarms = [fired(by_day(each, scale, KNOWN, KNOWN + YEAR)) for each in values]
        yield quiet_line(f"alarms: anomaly of {name} by day, nothing new", alarms, MONTHS)
        fresh = [fired(by_day(each, scale, 0, YEAR)) for each in values]
        yield quiet_line(f"alarms: the same in a tenant's first year, {name}", fresh, MONTHS)
        read = weekly_counts if scale is Scale.ratio else weekly_shares
        weeks = [read(each, 0, (KNOWN + YEAR) // 7) for each in tenants]
        alarms = [fired(by_week(each, scale, KNOWN // 7)) for each in weeks]
        yield quiet_line(f"alarms: drift of {name}, nothing new", alarms, MONTHS)
        progress.say(f"alarms: {name} that step")
        for size in DAY_SIZES:
            yield seen_line(
                f"alarms: {name} step by {size} sd of a day, anomaly in {PATIENCE_DAYS} days",
                [day_delay(each, scale, size) for each in tenants],
                "days",
            )
        for size in WEEK_SIZES:
            yield seen_line(
                f"alarms: {name} step by {size} sd of a week, drift in {PATIENCE_WEEKS} weeks",
                [week_delay(each, scale, size) for each in tenants],
                "weeks",
            )
    progress.say("alarms: quiet hours")
    hours = [fired(by_hour(hours_of(seed))) for seed in range(hour_seeds)]
    yield quiet_line("alarms: anomaly of counts by hour, nothing new", hours, HOUR_DAYS / 30.4)


# As annotations are measured, and as plans: by twice as many weeks, and effects of a tenth.
EFFECTS = (
    ("uplift", 4, "counts", Scale.ratio, 0.25),
    ("uplift", 4, "shares", Scale.linear, 0.05),
    ("plans", 8, "counts", Scale.ratio, 0.1),
    ("plans", 8, "shares", Scale.linear, 0.1 * SATISFIED),
)


def effect_lines(cases: int, progress: Progress) -> Iterator[Line]:
    for kind, weeks_after, name, scale, size in EFFECTS:
        for beside, has_others in (("", False), (", beside other work", True)):
            for effect in (0.0, size):
                progress.say(f"alarms: {kind}, effects of {effect:g} on {name}{beside}")
                case = partial(
                    event_of,
                    scale=scale,
                    size=effect,
                    has_others=has_others,
                    weeks_after=weeks_after,
                )
                what = f"an effect of {effect:g}" if effect else "no effect"
                yield verdict_line(
                    f"{kind}: {what} on {name}{beside}, told as one", verdicts(cases, case), cases,
                    is_false=not effect,
                )  # fmt: skip


def run(servers: Servers, progress: Progress, *, is_quick: bool) -> list[Line]:
    del servers
    gc.set_threshold(*COLLECT_AFTER)
    tenants = [Days(seed) for seed in range(QUICK_SEEDS if is_quick else SEEDS)]
    hour_seeds = 2 if is_quick else HOUR_SEEDS
    cases = QUICK_CASES if is_quick else CASES
    return [*alarm_lines(tenants, hour_seeds, progress), *effect_lines(cases, progress)]

"""The days that the demo covers: how busy each is, and what is special about it."""

import random
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

# Midnight is not midnight in UTC, the week starts on Sunday and the weekend is Friday and
# Saturday: who counts in UTC or in European weeks sees it at once. There is no daylight saving,
# so the same day gives the same figures all year.
ZONE_NAME = "Asia/Riyadh"
ZONE = ZoneInfo(ZONE_NAME)
SEED = "rimal"

MONDAY_TO_SUNDAY = (1.05, 1.0, 0.95, 0.9, 0.3, 0.45, 1.2)
TUESDAY = 1
OUTAGE_DAYS_AGO = 16
OUTAGE_RUSH = 2.0

Hours = tuple[float, ...]
OFFICE: Hours = (1, 1, 0, 0, 0, 1, 3, 8, 14, 18, 19, 16, 7, 8, 15, 15, 12, 9, 6, 5, 5, 4, 3, 2)
EVENING: Hours = (
    4,
    2,
    1,
    0,
    0,
    1,
    2,
    5,
    9,
    12,
    13,
    12,
    6,
    7,
    11,
    12,
    11,
    11,
    13,
    16,
    18,
    17,
    13,
    8,
)
PHONE_LINE: Hours = (0, 0, 0, 0, 0, 0, 0, 0, 12, 17, 20, 17, 6, 9, 16, 16, 13, 10, 7, 4, 0, 0, 0, 0)

OPENS, CLOSES = 8, 22


def stream(*names: object) -> random.Random:
    """Random numbers that depend on nothing but these names."""
    return random.Random("/".join(map(str, (SEED, *names))))  # noqa: S311  made-up data


@dataclass(frozen=True)
class Span:
    """`days` days up to `now`; nothing happens after `now`. `volume` scales how much happens."""

    now: datetime
    days: int = 90
    volume: float = 1.0

    @cached_property
    def today(self) -> date:
        return self.now.astimezone(ZONE).date()

    @cached_property
    def first(self) -> date:
        return self.today - timedelta(days=self.days)

    @cached_property
    def dates(self) -> list[date]:
        return [self.first + timedelta(days=number) for number in range(self.days + 1)]

    @cached_property
    def outage(self) -> date:
        """A Tuesday some weeks ago, on which payments failed."""
        latest = self.today - timedelta(days=OUTAGE_DAYS_AGO)
        return latest - timedelta(days=(latest.weekday() - TUESDAY) % 7)

    def days_ago(self, day: date) -> int:
        return (self.today - day).days

    def progress(self, day: date) -> float:
        """0 on the first day, 1 today."""
        return 1 - self.days_ago(day) / self.days

    def rush(self, day: date) -> float:
        return OUTAGE_RUSH if day == self.outage else 1.0

    def amount(self, day: date, usual: float, rng: random.Random) -> int:
        """How many, on a day on which `usual` is what a plain working day brings."""
        busy = MONDAY_TO_SUNDAY[day.weekday()] * (0.9 + 0.2 * self.progress(day)) * self.rush(day)
        return max(0, round(usual * self.volume * busy * rng.gauss(1, 0.07)))


def midnight(day: date) -> datetime:
    return datetime.combine(day, time(), ZONE).astimezone(UTC)


def local_day(at: datetime) -> date:
    return at.astimezone(ZONE).date()


def moments(day: date, amount: int, hours: Hours, rng: random.Random) -> list[datetime]:
    """So many instants of the day, in order, spread as the hours say."""
    start = midnight(day)
    chosen = rng.choices(range(24), hours, k=amount)
    return sorted(start + timedelta(seconds=hour * 3600 + rng.randrange(3600)) for hour in chosen)


def when_staffed(at: datetime, rng: random.Random) -> datetime:
    """`at`, or some minutes after opening where nobody is at work then."""
    local = at.astimezone(ZONE)
    if OPENS <= local.hour < CLOSES:
        return at
    day = local.date() + timedelta(days=local.hour >= CLOSES)
    return midnight(day) + timedelta(hours=OPENS, seconds=rng.randrange(60, 2700))


def spread(rng: random.Random, median: float, width: float = 0.6) -> timedelta:
    """A duration around `median` seconds, skewed as service times are; whole seconds, never 0."""
    return timedelta(seconds=max(1, round(median * rng.lognormvariate(0, width))))

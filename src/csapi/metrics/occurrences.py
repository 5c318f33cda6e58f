"""How often an hour of the week comes in a period."""

from datetime import UTC, datetime

from csapi.metrics.periods import Period
from csapi.metrics.zones import changes, offset

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
HOURS_OF_WEEK = 7 * 24
# 1970-01-01 was a Thursday.
THURSDAY = 3


def hours_of_week(period: Period) -> list[list[int]]:
    """For each weekday from Monday on, for each hour of the local clock, how many such hours the
    period touches. An hour that the clocks go through twice counts twice, one that they leave out
    not at all."""
    counts = [[0] * 24 for _ in range(7)]
    start = period.start
    for turn in (*changes(period.timezone, period.start, period.end), period.end):
        shift = offset(period.timezone, start)
        seconds = [int((instant + shift - EPOCH).total_seconds()) for instant in (start, turn)]
        first, last = seconds[0] // 3600, -(-seconds[1] // 3600)
        weeks, rest = divmod(last - first, HOURS_OF_WEEK)
        for day in counts:
            day[:] = [count + weeks for count in day]
        for hour in range(first, first + rest):
            counts[(hour // 24 + THURSDAY) % 7][hour % 24] += 1
        start = turn
    return counts

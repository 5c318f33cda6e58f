"""How often an hour of the week comes: what a walk over the clock finds."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from csapi.metrics.occurrences import hours_of_week
from csapi.metrics.periods import Period

QUARTER = timedelta(minutes=15)
# Whole, half and quarter hours from UTC, with clocks that change by an hour and by half of one.
ZONES = ["UTC", "Europe/Berlin", "Asia/Kolkata", "Asia/Kathmandu", "Australia/Lord_Howe"]


def walked(period: Period) -> list[list[int]]:
    """Each stretch of one offset, quarter by quarter: the hours that it touches."""
    counts, seen = [[0] * 24 for _ in range(7)], set()
    instant = period.start
    while instant < period.end:
        local = instant.astimezone(ZoneInfo(period.timezone))
        hour = (local.utcoffset(), local.date(), local.hour)
        if hour not in seen:
            seen.add(hour)
            counts[local.weekday()][local.hour] += 1
        instant += QUARTER
    return counts


@given(
    st.integers(0, 4 * 24 * 365),
    st.integers(1, 4 * 24 * 40),
    st.sampled_from(ZONES),
)
def test_it_is_what_a_walk_over_the_clock_finds(first: int, length: int, zone: str) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC) + first * QUARTER
    period = Period(start, start + length * QUARTER, zone)
    assert hours_of_week(period) == walked(period)


@pytest.mark.parametrize(("day", "times"), [("2026-03-29", 0), ("2026-10-25", 2)])
def test_the_hour_at_which_clocks_change(day: str, times: int) -> None:
    start = datetime.fromisoformat(f"{day}T00:00:00").replace(tzinfo=ZoneInfo("Europe/Berlin"))
    end = start + timedelta(days=1)
    counts = hours_of_week(Period(start.astimezone(UTC), end.astimezone(UTC), "Europe/Berlin"))
    assert counts[6][2] == times
    assert sum(map(sum, counts)) == 23 + times

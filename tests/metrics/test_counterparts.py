"""Which range a range is compared with, and which bucket is held against which."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from csapi.metrics.counterparts import (
    Counterpart,
    pairs,
    previous_period,
    previous_year,
    same_weekdays,
)
from csapi.metrics.periods import Period, RangePreset, TimeGrain, explicit_period
from csapi.metrics.question import time_group

BERLIN = "Europe/Berlin"
ZONES = st.sampled_from(["UTC", BERLIN, "Asia/Kolkata", "Australia/Lord_Howe", "Africa/Cairo"])
DAYS = st.dates(date(2019, 1, 1), date(2025, 1, 1))


def period(start: str, end: str, zone: str = BERLIN) -> Period:
    return explicit_period(start, end, zone)


def local(found: Period) -> tuple[str, str]:
    zone = ZoneInfo(found.timezone)
    bounds = [
        each.astimezone(zone).replace(tzinfo=None).isoformat(timespec="minutes")
        for each in (found.start, found.end)
    ]
    return bounds[0].removesuffix("T00:00"), bounds[1].removesuffix("T00:00")


def numbers(grain: TimeGrain, asked: Period, other: Counterpart) -> list[int | None]:
    sides = (asked, time_group(grain, asked)), (other.period, time_group(grain, other.period))
    return pairs(*sides, other.alignment)


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        ("2026-03-01", "2026-04-01", ("2026-02-01", "2026-03-01")),
        ("2026-01-01", "2026-04-01", ("2025-10-01", "2026-01-01")),
        ("2026-01-01", "2027-01-01", ("2025-01-01", "2026-01-01")),
        ("2026-03-02", "2026-04-01", ("2026-01-31", "2026-03-02")),
        # The clocks were changed on 29 March: still seven days.
        ("2026-03-29", "2026-04-05", ("2026-03-22", "2026-03-29")),
        ("2026-03-05T10:00:00Z", "2026-03-05T12:30:00Z", ("2026-03-05T08:30", "2026-03-05T11:00")),
    ],
)
def test_previous_period(start: str, end: str, expected: tuple[str, str]) -> None:
    assert local(previous_period(period(start, end), None).period) == expected


def test_a_preset_of_days_means_days() -> None:
    november = period("2026-11-01", "2026-12-01")
    by_days = previous_period(november, RangePreset.last_30_days)
    assert local(by_days.period) == ("2026-10-02", "2026-11-01")
    by_month = previous_period(november, RangePreset.this_month)
    assert local(by_month.period) == ("2026-10-01", "2026-11-01")


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        ("2026-03-01", "2026-04-01", ("2025-03-01", "2025-04-01")),
        ("2024-02-01", "2024-03-01", ("2023-02-01", "2023-03-01")),
        ("2024-02-01", "2024-02-29", ("2023-02-01", "2023-03-01")),
        ("2024-02-29", "2024-03-02", ("2023-03-01", "2023-03-02")),
        ("2025-02-01", "2025-03-01", ("2024-02-01", "2024-03-01")),
        ("2024-02-29", "2024-03-01", ("2023-02-28", "2023-03-01")),
        ("2024-02-29T09:00:00Z", "2024-02-29T11:00:00Z", ("2023-02-28T10:00", "2023-02-28T12:00")),
        # Ten o'clock is ten o'clock, in summer and in winter.
        ("2026-03-29T08:00:00Z", "2026-03-29T10:00:00Z", ("2025-03-29T10:00", "2025-03-29T12:00")),
    ],
)
def test_previous_year(start: str, end: str, expected: tuple[str, str]) -> None:
    assert local(previous_year(period(start, end)).period) == expected


def test_29_february_has_no_counterpart() -> None:
    leap = period("2024-02-28", "2024-03-02")
    assert numbers(TimeGrain.day, leap, previous_year(leap)) == [0, 2]
    after = period("2025-02-28", "2025-03-02")
    assert numbers(TimeGrain.day, after, previous_year(after)) == [0, None, 1]
    alone = period("2024-02-29", "2024-03-01")
    assert numbers(TimeGrain.day, alone, previous_year(alone)) == [0]


def test_an_hour_that_only_one_side_has() -> None:
    """On 29 March the clock skips from two to three."""
    sunday = period("2026-03-29", "2026-03-30")
    found = numbers(TimeGrain.hour, sunday, same_weekdays(sunday))
    assert found == [0, 1, None, *range(2, 23)]
    before = period("2026-03-22", "2026-03-23")
    found = numbers(TimeGrain.hour, before, Counterpart(sunday))
    assert found == [0, 1, *range(3, 24)]


def test_ranges_that_start_at_different_times_pair_by_place() -> None:
    asked = period("2026-03-05T10:00:00Z", "2026-03-05T13:00:00Z")
    assert numbers(TimeGrain.hour, asked, previous_period(asked, None)) == [0, 1, 2]


@settings(max_examples=25)
@given(ZONES, DAYS, st.integers(1, 100))
def test_weekdays_stay(zone: str, day: date, length: int) -> None:
    end = day + timedelta(days=length)
    asked = explicit_period(day.isoformat(), end.isoformat(), zone)
    found = same_weekdays(asked)
    assert found.period.end <= asked.start
    group, other = time_group(TimeGrain.day, asked), time_group(TimeGrain.day, found.period)
    assert numbers(TimeGrain.day, asked, found) == list(range(length))
    for one, two in zip(group.buckets, other.buckets, strict=True):
        gap = date.fromisoformat(one.key) - date.fromisoformat(two.key)
        assert gap % timedelta(days=7) == timedelta(0)
        assert timedelta(days=length) <= gap < timedelta(days=length + 7)


@settings(max_examples=25)
@given(ZONES, DAYS, st.integers(1, 500))
def test_dates_of_the_year_before_stay(zone: str, day: date, length: int) -> None:
    end = day + timedelta(days=length)
    asked = explicit_period(day.isoformat(), end.isoformat(), zone)
    found = previous_year(asked)
    group, other = time_group(TimeGrain.day, asked), time_group(TimeGrain.day, found.period)
    places = numbers(TimeGrain.day, asked, found)
    matched = 0
    for place, bucket in zip(places, other.buckets, strict=True):
        if place is not None:
            matched += 1
            if length > 1:
                assert group.buckets[place].key[5:] == bucket.key[5:]
    leap_days = sum(bucket.key[5:] == "02-29" for bucket in group.buckets)
    assert matched == length - (leap_days if length > 1 else 0)


@settings(max_examples=25)
@given(ZONES, st.integers(0, 6 * 365 * 1440), st.integers(1, 5000))
def test_any_instants_have_something_before_them(zone: str, minute: int, length: int) -> None:
    first = datetime(2019, 1, 1, tzinfo=UTC) + timedelta(minutes=minute)
    end = first + timedelta(minutes=length)
    asked = explicit_period(first.isoformat(), end.isoformat(), zone)
    for found in (previous_period(asked, None), same_weekdays(asked), previous_year(asked)):
        assert found.period.start < found.period.end <= asked.end
        numbers(TimeGrain.quarter_hour, asked, found)

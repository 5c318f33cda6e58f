"""Local time in every zone: days of 23, 24.5 and 25 hours, skipped midnights, skipped days."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from csapi.metrics.counterparts import previous_period
from csapi.metrics.periods import (
    MOST_BUCKETS,
    WEEKLY,
    Period,
    PeriodError,
    RangePreset,
    TimeGrain,
    WeekStart,
    buckets,
    check_timezone,
    edges,
    explicit_period,
    preset_period,
)
from csapi.metrics.zones import changes, day_start, known_zones, local_date, month_start

HOUR = timedelta(hours=1)
SLOT = timedelta(minutes=15)
ZONES = st.sampled_from(sorted(known_zones()))
DAYS = st.dates(date(1980, 1, 2), date(2037, 12, 30))
INSTANTS = st.integers(0, 57 * 365 * 24 * 60).map(
    lambda minutes: datetime(1980, 1, 2, tzinfo=UTC) + timedelta(minutes=minutes)
)
NOW = datetime(2026, 5, 20, 22, 30, tzinfo=UTC)


def day_of(zone: str, day: str) -> Period:
    return explicit_period(day, (date.fromisoformat(day) + timedelta(days=1)).isoformat(), zone)


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Berlin", "2026-03-29", 23),
        ("Europe/Berlin", "2026-10-25", 25),
        ("Africa/Cairo", "2026-04-24", 23),
        ("Australia/Lord_Howe", "2026-04-05", 24.5),
        ("Australia/Lord_Howe", "2026-10-04", 23.5),
        ("Asia/Kolkata", "2026-04-05", 24),
    ],
)
def test_length_of_a_day(zone: str, day: str, hours: float) -> None:
    period = day_of(zone, day)
    assert (period.end - period.start) / HOUR == hours
    (bucket,) = buckets(TimeGrain.day, period)
    assert (bucket.key, bucket.start, bucket.end) == (day, period.start, period.end)


def test_a_day_in_kolkata_starts_at_half_past_six_in_the_evening() -> None:
    assert day_of("Asia/Kolkata", "2026-04-05").start == datetime(2026, 4, 4, 18, 30, tzinfo=UTC)


def test_a_skipped_midnight_starts_the_day_at_the_change() -> None:
    start = day_of("Africa/Cairo", "2026-04-24").start
    assert start.astimezone(ZoneInfo("Africa/Cairo")).hour == 1


def test_a_skipped_day_has_no_bucket() -> None:
    period = explicit_period("2011-12-28", "2012-01-02", "Pacific/Apia")
    keys = [bucket.key for bucket in buckets(TimeGrain.day, period)]
    assert keys == ["2011-12-28", "2011-12-29", "2011-12-31", "2012-01-01"]


def test_hours_of_a_half_hour_change() -> None:
    found = buckets(TimeGrain.hour, day_of("Australia/Lord_Howe", "2026-04-05"))
    shown = [(each.key, each.end - each.start) for each in found if each.start and each.end][:4]
    assert shown == [
        ("2026-04-05T00:00:00+11:00", HOUR),
        ("2026-04-05T01:00:00+11:00", HOUR),
        ("2026-04-05T01:30:00+10:30", HOUR / 2),
        ("2026-04-05T02:00:00+10:30", HOUR),
    ]


@given(zone=ZONES, day=DAYS)
def test_a_day_starts_at_its_first_instant(zone: str, day: date) -> None:
    start = day_start(zone, day)
    assert local_date(zone, start) >= day
    assert local_date(zone, start - timedelta(minutes=1)) < day


@given(zone=ZONES, day=DAYS)
def test_every_change_and_start_of_a_day_is_a_slot(zone: str, day: date) -> None:
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    start = day_start(zone, day)
    for instant in [start, *changes(zone, start, start + timedelta(days=200))]:
        assert (instant - epoch) % SLOT == timedelta(0) or is_known_oddity(zone, instant)


def is_known_oddity(zone: str, instant: datetime) -> bool:
    """Newfoundland and Moncton changed their clocks at one past midnight for years."""
    early = {"America/St_Johns", "Canada/Newfoundland", "America/Goose_Bay", "America/Moncton"}
    return zone in early and 1987 <= instant.year <= 2011


@given(
    zone=ZONES,
    start=INSTANTS,
    length=st.timedeltas(timedelta(minutes=1), timedelta(days=60)),
    grain=st.sampled_from([grain for grain in TimeGrain if "of" not in grain.value]),
)
def test_buckets_tile_the_period(
    zone: str, start: datetime, length: timedelta, grain: TimeGrain
) -> None:
    period = Period(start, start + length, zone)
    found = buckets(grain, period)
    assert (found[0].start, found[-1].end) == (period.start, period.end)
    for before, after in pairwise(found):
        assert before.end == after.start
    assert all(each.start < each.end for each in found if each.start and each.end)
    assert len({each.key for each in found}) == len(found)


@given(zone=ZONES, start=INSTANTS, minutes=st.integers(1, 4000))
def test_an_hour_is_one_hour_of_the_local_clock(zone: str, start: datetime, minutes: int) -> None:
    period = Period(start, start + timedelta(minutes=minutes), zone)
    for bucket in buckets(TimeGrain.hour, period):
        assert bucket.start
        assert bucket.end
        first = bucket.start.astimezone(ZoneInfo(zone))
        last = (bucket.end - timedelta(microseconds=1)).astimezone(ZoneInfo(zone))
        assert (first.date(), first.hour, first.utcoffset()) == (
            last.date(),
            last.hour,
            last.utcoffset(),
        )


def test_weeks_start_on_monday_and_are_clipped_to_the_range() -> None:
    period = explicit_period("2026-01-01", "2026-01-13", "UTC")
    found = buckets(TimeGrain.week, period)
    assert [(each.key, each.label) for each in found] == [
        ("2025-12-29", "2026-W01"),
        ("2026-01-05", "2026-W02"),
        ("2026-01-12", "2026-W03"),
    ]
    assert (found[0].start, found[0].end) == (
        datetime(2026, 1, 1, tzinfo=UTC),
        datetime(2026, 1, 5, tzinfo=UTC),
    )


# 1 January 2026 was a Thursday.
@pytest.mark.parametrize(
    ("week_start", "keys"),
    [
        (WeekStart.saturday, ["2025-12-27", "2026-01-03", "2026-01-10"]),
        (WeekStart.sunday, ["2025-12-28", "2026-01-04", "2026-01-11"]),
    ],
)
def test_weeks_may_start_on_other_days(week_start: WeekStart, keys: list[str]) -> None:
    period = explicit_period("2026-01-01", "2026-01-13", "Asia/Riyadh", week_start)
    found = buckets(TimeGrain.week, period)
    assert [each.key for each in found] == [each.label for each in found] == keys
    assert (found[0].start, found[-1].end) == (period.start, period.end)
    assert edges(TimeGrain.week, period)[1] == day_start("Asia/Riyadh", date.fromisoformat(keys[1]))
    assert previous_period(period, None).period.week_start is week_start


@pytest.mark.parametrize(
    ("week_start", "first"),
    [
        (WeekStart.monday, "2026-05-18"),
        (WeekStart.saturday, "2026-05-16"),
        (WeekStart.sunday, "2026-05-17"),
    ],
)
def test_presets_of_weeks_are_whole_weeks(week_start: WeekStart, first: str) -> None:
    zone, start = "Europe/Berlin", date.fromisoformat(first)
    ends = (start + timedelta(days=days) for days in (-7, 0, 7))
    before, now, after = (day_start(zone, each) for each in ends)
    this = preset_period(RangePreset.this_week, zone, NOW, week_start)
    last = preset_period(RangePreset.last_week, zone, NOW, week_start)
    assert (last.start, last.end, this.start, this.end) == (before, now, now, after)
    for preset in set(RangePreset) - WEEKLY:
        period = preset_period(preset, zone, NOW, week_start)
        assert replace(period, week_start=WeekStart.monday) == preset_period(preset, zone, NOW)


@pytest.mark.parametrize(
    ("grain", "keys", "labels"),
    [
        (TimeGrain.month, ["2025-12-01", "2026-01-01"], ["2025-12", "2026-01"]),
        (TimeGrain.quarter, ["2025-10-01", "2026-01-01"], ["2025-Q4", "2026-Q1"]),
        (TimeGrain.year, ["2025-01-01", "2026-01-01"], ["2025", "2026"]),
    ],
)
def test_keys_of_long_buckets(grain: TimeGrain, keys: list[str], labels: list[str]) -> None:
    found = buckets(grain, explicit_period("2025-12-10", "2026-01-20", "Asia/Riyadh"))
    assert [each.key for each in found] == keys
    assert [each.label for each in found] == labels


# 22:30Z on Wednesday is already Thursday in Berlin.
@pytest.mark.parametrize(
    ("preset", "start", "end"),
    [
        ("today", "2026-05-21", "2026-05-22"),
        ("yesterday", "2026-05-20", "2026-05-21"),
        ("last_7_days", "2026-05-15", "2026-05-22"),
        ("last_30_days", "2026-04-22", "2026-05-22"),
        ("last_90_days", "2026-02-21", "2026-05-22"),
        ("last_365_days", "2025-05-22", "2026-05-22"),
        ("this_week", "2026-05-18", "2026-05-25"),
        ("last_week", "2026-05-11", "2026-05-18"),
        ("this_month", "2026-05-01", "2026-06-01"),
        ("last_month", "2026-04-01", "2026-05-01"),
        ("this_year", "2026-01-01", "2027-01-01"),
        ("last_year", "2025-01-01", "2026-01-01"),
    ],
)
def test_presets_are_local_days(preset: str, start: str, end: str) -> None:
    period = preset_period(RangePreset(preset), "Europe/Berlin", NOW)
    assert period == explicit_period(start, end, "Europe/Berlin")


def test_every_preset_is_tried_above() -> None:
    (mark,) = (
        mark
        for mark in test_presets_are_local_days.pytestmark  # type: ignore[attr-defined]
        if mark.name == "parametrize"
    )
    assert {case[0] for case in mark.args[1]} == {preset.value for preset in RangePreset}


@pytest.mark.parametrize(
    ("start", "end", "field"),
    [
        ("2026-01-02", "2026-01-02", "to"),
        ("2026-01-02", "2026-01-01", "to"),
        ("2026-01-02T00:00:00", "2026-01-03", "from"),
        ("yesterday", "2026-01-03", "from"),
        ("2026-02-30", "2026-03-03", "from"),
        ("0001-01-01", "2026-03-03", "from"),
        ("0001-01-01T00:00:00+14:00", "2026-03-03", "from"),
        ("2026-01-01", "9999-12-31", "from"),
        ("2000-01-01", "2026-01-01", "to"),
    ],
)
def test_a_bad_range_is_refused(start: str, end: str, field: str) -> None:
    with pytest.raises(PeriodError) as error:
        explicit_period(start, end, "Asia/Tokyo")
    assert error.value.field == field


@pytest.mark.parametrize("name", ["", "XXX-99", "localtime", "europe/berlin", "../etc/passwd"])
def test_only_iana_names_are_zones(name: str) -> None:
    with pytest.raises(PeriodError):
        check_timezone(name)


def test_too_many_buckets_are_refused() -> None:
    period = explicit_period("2025-01-01", "2026-01-01", "UTC")
    with pytest.raises(PeriodError, match=f"{MOST_BUCKETS:,}"):
        buckets(TimeGrain.quarter_hour, period)


@given(zone=ZONES, day=DAYS)
def test_a_month_starts_with_its_first_day(zone: str, day: date) -> None:
    assert month_start(zone, day) == day_start(zone, day.replace(day=1))

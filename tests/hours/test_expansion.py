"""Schedules as instants: by hand, and against a clock that is read minute by minute."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.hours.conftest import WORKDAYS, schedule, weekly

from csapi.facts.expansion import horizon, in_force, open_spans, special_days
from csapi.facts.schedule import Schedule, Weekday

MINUTE = timedelta(minutes=1)
EVERY_DAY = tuple(day.value for day in Weekday)
ALL_DAY = weekly("00:00", "24:00", EVERY_DAY)


def read(*versions: dict[str, Any], timezone: str = "UTC") -> Schedule:
    return msgspec.convert({"source": "s", **schedule("x", *versions, timezone=timezone)}, Schedule)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def spans_of(wanted: Schedule, start: str, end: str) -> list[tuple[datetime, datetime]]:
    return [
        (datetime.fromtimestamp(one, UTC), datetime.fromtimestamp(other, UTC))
        for one, other in open_spans(wanted, at(start), at(end))
    ]


def open_minutes(wanted: Schedule, start: str, end: str) -> float:
    spans = spans_of(wanted, start, end)
    return sum((other - one) / MINUTE for one, other in spans)


@pytest.mark.parametrize(
    ("timezone", "day", "hours", "expected"),
    [
        # A usual day, then those on which the clocks change: at 2 to 3, and at 3 back to 2.
        ("Europe/Berlin", "2026-03-28", ("00:00", "24:00"), 24 * 60),
        ("Europe/Berlin", "2026-03-29", ("00:00", "24:00"), 23 * 60),
        ("Europe/Berlin", "2026-03-29", ("02:30", "05:00"), 2 * 60),
        ("Europe/Berlin", "2026-03-29", ("02:00", "03:00"), 0),
        ("Europe/Berlin", "2026-03-29", ("09:00", "17:30"), 510),
        ("Europe/Berlin", "2026-10-25", ("00:00", "24:00"), 25 * 60),
        # Half past two comes twice: 1 to 2:30, and once more 2 to 2:30.
        ("Europe/Berlin", "2026-10-25", ("01:00", "02:30"), 120),
        ("Europe/Berlin", "2026-10-25", ("02:00", "03:00"), 120),
        # Half an hour, at 2 to 2:30, and at 2 back to 1:30.
        ("Australia/Lord_Howe", "2026-10-04", ("00:00", "24:00"), 23.5 * 60),
        ("Australia/Lord_Howe", "2026-10-04", ("02:15", "03:00"), 30),
        ("Australia/Lord_Howe", "2026-04-05", ("00:00", "24:00"), 24.5 * 60),
        ("Australia/Lord_Howe", "2026-04-05", ("01:45", "02:15"), 45),
        # Midnight does not exist on the last Friday of April: the day starts at 1.
        ("Africa/Cairo", "2026-04-24", ("00:00", "24:00"), 23 * 60),
        ("Africa/Cairo", "2026-04-24", ("00:00", "09:00"), 8 * 60),
        ("Africa/Cairo", "2026-10-29", ("22:00", "24:00"), 3 * 60),
        ("Asia/Kathmandu", "2026-01-01", ("09:00", "17:00"), 8 * 60),
    ],
)
def test_days_on_which_the_clocks_change(
    timezone: str, day: str, hours: tuple[str, str], expected: float
) -> None:
    local = date.fromisoformat(day)
    one = Weekday(EVERY_DAY[local.weekday()]).value
    wanted = read({"weekly": weekly(*hours, [one])}, timezone=timezone)
    week = [local - timedelta(days=3), local + timedelta(days=4)]
    start, end = (
        datetime(each.year, each.month, each.day, tzinfo=ZoneInfo(timezone)).isoformat()
        for each in week
    )
    assert open_minutes(wanted, start, end) == expected


def test_always_open_is_one_interval() -> None:
    wanted = read({"weekly": ALL_DAY}, timezone="Australia/Lord_Howe")
    start, end = "2020-01-01T00:00:00+00:00", "2026-01-01T00:00:00+00:00"
    assert spans_of(wanted, start, end) == [(at(start), at(end))]


def test_several_intervals_a_day_and_a_week_from_sunday_to_thursday() -> None:
    days = ("sunday", "monday", "tuesday", "wednesday", "thursday")
    hours = [*weekly("13:30", "17:30", days), *weekly("09:00", "12:30", days)]
    wanted = read({"weekly": hours}, timezone="Asia/Riyadh")
    # 2026-01-04 is a Sunday: five days of 3.5 + 4 hours, Friday and Saturday closed.
    assert open_minutes(wanted, "2026-01-04T00:00+03:00", "2026-01-11T00:00+03:00") == 5 * 450
    assert spans_of(wanted, "2026-01-08T12:00+03:00", "2026-01-11T09:15+03:00") == [
        (at("2026-01-08T12:00+03:00"), at("2026-01-08T12:30+03:00")),
        (at("2026-01-08T13:30+03:00"), at("2026-01-08T17:30+03:00")),
        (at("2026-01-11T09:00+03:00"), at("2026-01-11T09:15+03:00")),
    ]


def test_holidays_close_and_extra_dates_say_otherwise() -> None:
    """May 2026 in Berlin: the 1st, the 14th and the 25th are holidays, all on working days. The
    14th is worked after all, the 15th is closed, on the 29th it ends at noon."""
    extra: list[dict[str, str]] = [
        {"date": "2026-05-14", "from": "00:00", "to": "24:00"},
        {"date": "2026-05-15"},
        {"date": "2026-05-29", "to": "12:00"},
        {"date": "2026-05-30", "from": "09:00", "to": "17:00"},  # a Saturday stays closed
    ]
    holidays = {"country": "DE", "subdivision": "BE"}
    week = weekly("09:00", "17:00")
    start, end = "2026-05-01T00:00+02:00", "2026-06-01T00:00+02:00"
    usual = read({"weekly": week}, timezone="Europe/Berlin")
    assert open_minutes(usual, start, end) == 21 * 480
    closed = read({"weekly": week, "holidays": holidays}, timezone="Europe/Berlin")
    assert open_minutes(closed, start, end) == 18 * 480
    changed = read(
        {"weekly": week, "holidays": holidays, "extra_dates": extra}, timezone="Europe/Berlin"
    )
    assert open_minutes(changed, start, end) == (18 + 1 - 1) * 480 - 300


def test_special_days_are_those_with_other_hours_than_their_weekday() -> None:
    hours = {"weekly": weekly("09:00", "17:00", WORKDAYS), "holidays": {"country": "DE"}}
    extra = [
        {"date": "2026-12-24", "to": "12:00"},
        {"date": "2026-12-31"},
        # A holiday that is worked on, and a day that is closed anyway.
        {"date": "2026-12-25", "from": "00:00", "to": "24:00"},
        {"date": "2026-12-27"},
    ]
    wanted = read(
        {**hours, "extra_dates": extra, "valid_to": "2027-01-01"},
        {"valid_from": "2027-01-01", "weekly": ALL_DAY},
    )
    found = special_days(wanted, date(2026, 12, 20), date(2027, 1, 10))
    # The second holiday of Christmas is a Saturday; from New Year on there are none.
    assert found == {date(2026, 12, 24): False, date(2026, 12, 31): True}
    may = special_days(wanted, date(2026, 5, 1), date(2026, 5, 15))
    assert may == {date(2026, 5, 1): True, date(2026, 5, 14): True}


def test_versions_follow_one_another() -> None:
    """Eight hours a day until June 2, nothing on the 3rd and 4th, then four hours until the 8th."""
    wanted = read(
        {"valid_from": "2026-06-05", "valid_to": "2026-06-09", "weekly": weekly("09:00", "13:00")},
        {"valid_from": "2026-06-01", "valid_to": "2026-06-03", "weekly": weekly("09:00", "17:00")},
    )
    until = horizon(datetime(2026, 6, 1, tzinfo=UTC))
    assert in_force(wanted, until) == [
        (at("2026-06-01T00:00+00:00"), at("2026-06-03T00:00+00:00")),
        (at("2026-06-05T00:00+00:00"), at("2026-06-09T00:00+00:00")),
    ]
    whole = "2026-05-01T00:00+00:00", "2026-07-01T00:00+00:00"
    assert open_minutes(wanted, *whole) == 2 * 480 + 2 * 240


def test_adjoining_versions_are_in_force_as_one_to_the_horizon() -> None:
    wanted = read({"valid_to": "2026-06-03"}, {"valid_from": "2026-06-03"}, timezone="Asia/Tokyo")
    until = horizon(datetime(2026, 6, 1, tzinfo=UTC))
    assert until == datetime(2030, 1, 1, tzinfo=UTC)
    assert in_force(wanted, until) == [(at("2015-01-01T00:00+09:00"), until)]


ZONES = ["UTC", "Europe/Berlin", "Australia/Lord_Howe", "Africa/Cairo", "America/St_Johns",
         "Asia/Kathmandu", "Pacific/Chatham", "America/Havana", "Asia/Beirut"]  # fmt: skip
quarters = st.integers(0, 96).map(lambda number: f"{number // 4:02}:{number % 4 * 15:02}")


@st.composite
def day_hours(draw: st.DrawFn, day: str) -> list[dict[str, str]]:
    """Up to three intervals, apart from each other or on end."""
    edges = sorted(draw(st.lists(quarters, max_size=6, unique=True)))
    pairs = zip(edges[::2], edges[1::2], strict=False)
    return [{"day": day, "from": start, "to": end} for start, end in pairs]


@st.composite
def versions(draw: st.DrawFn, days: list[date]) -> dict[str, Any]:
    hours = [entry for day in EVERY_DAY for entry in draw(day_hours(day))]
    chosen = draw(st.lists(st.sampled_from(days), max_size=2, unique=True))
    given_hours: list[dict[str, str]] = [{}, {"to": "12:00"}, {"from": "10:15", "to": "24:00"}]
    bounds = st.sampled_from(given_hours)
    extra = [{"date": day.isoformat(), **draw(bounds)} for day in chosen]
    return {"weekly": draw(st.permutations(hours)), "extra_dates": extra}


@st.composite
def calendars(draw: st.DrawFn) -> tuple[dict[str, Any], datetime]:
    """A schedule, and an instant within a few days of which the clocks may change."""
    zone = draw(st.sampled_from(ZONES))
    turns = {
        "Africa/Cairo": ["2026-04-24", "2026-10-30"],
        "Australia/Lord_Howe": ["2026-04-05", "2026-10-04"],
        "Europe/Berlin": ["2026-03-29", "2026-10-25"],
    }
    day = date.fromisoformat(
        draw(st.sampled_from(turns.get(zone, ["2026-03-08", "2026-03-29", "2026-11-01"])))
    )
    days = [day + timedelta(days=number) for number in range(-2, 3)]
    listed = [{**draw(versions(days)), "valid_from": None}]
    if draw(st.booleans()):
        listed.append({**draw(versions(days)), "valid_from": day.isoformat()})
        if draw(st.booleans()):
            listed[0]["valid_to"] = days[1].isoformat()
    start = datetime(days[0].year, days[0].month, days[0].day, 3, tzinfo=UTC)
    return schedule("x", *listed, timezone=zone), start


def is_open(item: dict[str, Any], instant: datetime) -> bool:
    """Whether the clock on the wall lies in the hours of its day: read off the item as it is."""
    local = instant.astimezone(ZoneInfo(item["timezone"]))
    day, clock = local.date().isoformat(), f"{local.hour:02}:{local.minute:02}"
    reached = [each for each in item["versions"] if (each["valid_from"] or "") <= day]
    version = max(reached, key=lambda each: each["valid_from"] or "")
    if version.get("valid_to") and day >= version["valid_to"]:
        return False
    for extra in version["extra_dates"]:
        if extra["date"] == day:
            from_, to = extra.get("from"), extra.get("to")
            if from_ is None and to is None:
                return False
            if not (from_ or "00:00") <= clock < (to or "24:00"):
                return False
    today = EVERY_DAY[local.weekday()]
    return any(
        hours["day"] == today and hours["from"] <= clock < hours["to"]
        for hours in version["weekly"]
    )


@given(calendar=calendars(), first=st.integers(0, 5000), length=st.integers(0, 5000))
@settings(max_examples=60, deadline=None)
def test_open_time_is_that_of_a_clock_read_every_minute(
    calendar: tuple[dict[str, Any], datetime], first: int, length: int
) -> None:
    item, begins = calendar
    wanted = msgspec.convert({"source": "s", **item}, Schedule)
    start = begins + first * MINUTE
    naive = sum(is_open(item, start + number * MINUTE) for number in range(length))
    # The difference of what was open before two instants, from intervals that reach further.
    spans = open_spans(wanted, begins - timedelta(days=9), begins + timedelta(days=20))
    assert open_before(spans, start + length * MINUTE) - open_before(spans, start) == naive * 60
    assert all(one < other for one, other in spans)
    assert all(one[1] < other[0] for one, other in pairwise(spans))


def open_before(spans: list[tuple[int, int]], instant: datetime) -> int:
    seconds = int(instant.timestamp())
    return sum(min(other, seconds) - one for one, other in spans if one < seconds)


def test_a_year_of_working_days() -> None:
    wanted = read({"weekly": weekly("09:00", "17:00", WORKDAYS)})
    assert open_minutes(wanted, "2026-01-01T00:00+00:00", "2027-01-01T00:00+00:00") == 261 * 480

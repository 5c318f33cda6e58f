"""When schedules ask, in zones that change their clocks."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from csapi.kit.zones import clock
from csapi.reports.runs.schemas import ReportEvery, ReportSchedule
from csapi.reports.runs.timing import last_until, next_after

ZONES = ("UTC", "Europe/Berlin", "Asia/Kolkata", "Australia/Lord_Howe", "America/Sao_Paulo")
# hypothesis adds the zone.
EARLIEST, LATEST = datetime(2000, 1, 1), datetime(2037, 1, 1)  # noqa: DTZ001
DAILY = ReportSchedule(every=ReportEvery.day, at="02:30")
WEEKLY = ReportSchedule(every=ReportEvery.week, at="06:00", weekday=7)
MONTHLY = ReportSchedule(every=ReportEvery.month, at="23:59", day=28)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@pytest.mark.parametrize(
    ("schedule", "zone", "since", "turn"),
    [
        (DAILY, "UTC", "2026-01-05T02:29:59Z", "2026-01-05T02:30:00Z"),
        (DAILY, "UTC", "2026-01-05T02:30:00Z", "2026-01-06T02:30:00Z"),
        (DAILY, "Asia/Kolkata", "2026-01-05T00:00:00Z", "2026-01-05T21:00:00Z"),
        # Half past two is skipped, and shown twice.
        (DAILY, "Europe/Berlin", "2026-03-28T12:00:00Z", "2026-03-29T01:30:00Z"),
        (DAILY, "Europe/Berlin", "2026-03-29T01:30:00Z", "2026-03-30T00:30:00Z"),
        (DAILY, "Europe/Berlin", "2026-10-24T12:00:00Z", "2026-10-25T00:30:00Z"),
        (DAILY, "Europe/Berlin", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"),
        (WEEKLY, "Asia/Riyadh", "2026-01-05T00:00:00Z", "2026-01-11T03:00:00Z"),
        (MONTHLY, "UTC", "2026-01-29T00:00:00Z", "2026-02-28T23:59:00Z"),
        (MONTHLY, "America/New_York", "2026-12-29T05:00:00Z", "2027-01-29T04:59:00Z"),
        (
            ReportSchedule(every=ReportEvery.week),
            "UTC",
            "2026-01-01T00:00:00Z",
            "2026-01-05T06:00Z",
        ),
        (ReportSchedule(every=ReportEvery.month), "UTC", "2026-01-01T06:00Z", "2026-02-01T06:00Z"),
    ],
)
def test_turns(schedule: ReportSchedule, zone: str, since: str, turn: str) -> None:
    assert next_after(schedule, zone, at(since)) == at(turn)
    assert last_until(schedule, zone, at(turn)) == at(turn)
    assert last_until(schedule, zone, at(turn) - timedelta(seconds=1)) <= at(since)


@given(
    schedule=st.one_of(
        st.builds(ReportSchedule, every=st.just(ReportEvery.day), at=st.just("02:15")),
        st.builds(
            ReportSchedule,
            every=st.just(ReportEvery.week),
            at=st.sampled_from(["00:00", "02:00", "23:45"]),
            weekday=st.integers(1, 7),
        ),
        st.builds(ReportSchedule, every=st.just(ReportEvery.month), day=st.integers(1, 28)),
    ),
    zone=st.sampled_from(ZONES),
    instant=st.datetimes(EARLIEST, LATEST, timezones=st.just(UTC)),
)
def test_turns_follow_each_other(schedule: ReportSchedule, zone: str, instant: datetime) -> None:
    following = next_after(schedule, zone, instant)
    last = last_until(schedule, zone, instant)
    assert last <= instant < following
    assert next_after(schedule, zone, last) == following
    assert last_until(schedule, zone, following - timedelta(microseconds=1)) == last
    shown = clock(zone, following)
    if schedule.every is ReportEvery.week:
        assert shown.isoweekday() == schedule.weekday
    if schedule.every is ReportEvery.month:
        assert shown.day == schedule.day

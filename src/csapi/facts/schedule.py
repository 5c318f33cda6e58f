"""Schedules: the business hours that customers' waits are also measured by."""

from collections.abc import Iterator, Sequence
from datetime import date
from enum import StrEnum
from itertools import pairwise
from typing import Annotated

import msgspec
from msgspec import Meta

from csapi.facts.calendars import known_country, known_subdivision
from csapi.facts.kinds import Dimension
from csapi.facts.lookup import Lookup
from csapi.facts.resource import Column, RecordKind
from csapi.facts.wire import Custom, Key, Record, Text
from csapi.kit.quantities import UtcDatetime
from csapi.kit.zones import known_zones

HOUR_MINUTE = r"([01][0-9]|2[0-3]):[0-5][0-9]"
Opening = Annotated[str, Meta(pattern=f"^{HOUR_MINUTE}$", max_length=5)]
Closing = Annotated[str, Meta(pattern=f"^({HOUR_MINUTE}|24:00)$", max_length=5)]

Rule = tuple[str, str, str]


class Weekday(StrEnum):
    """A day of the local week."""

    monday = "monday"
    tuesday = "tuesday"
    wednesday = "wednesday"
    thursday = "thursday"
    friday = "friday"
    saturday = "saturday"
    sunday = "sunday"


WEEKDAYS = tuple(Weekday)


class OpenHours(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Open on every such day, from `from` until before `to` by the clock on the wall."""

    day: Weekday
    from_: Opening = msgspec.field(name="from")
    to: Closing


class PublicHolidays(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The public holidays of a country (ISO 3166), or of one subdivision of it, are closed."""

    country: Key
    subdivision: Key | None = None


class ExtraDate(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A day that is closed or, with `from` or `to`, open only between them in its weekly hours.

    It beats the public holidays: a holiday that is listed from 00:00 to 24:00 is a usual day.
    """

    date: date
    from_: Opening | None = msgspec.field(name="from", default=None)
    to: Closing | None = None


class ScheduleVersion(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Business hours from the local day `valid_from` until before `valid_to`, or until before the
    next version; null is open-ended. A day without hours is closed."""

    valid_from: date | None = None
    valid_to: date | None = None
    weekly: Annotated[list[OpenHours], Meta(max_length=70)] = []
    holidays: PublicHolidays | None = None
    extra_dates: Annotated[list[ExtraDate], Meta(max_length=1_000)] = []


class Schedule(Record):
    """Business hours, for some teams and inboxes, or for everything else of the tenant."""

    timezone: Annotated[str, Meta(min_length=1, max_length=100)]
    versions: Annotated[list[ScheduleVersion], Meta(min_length=1, max_length=100)]
    source_updated_at: UtcDatetime | None = None
    name: Text | None = None
    teams: Annotated[list[Key], Meta(max_length=1_000)] = []
    inboxes: Annotated[list[Key], Meta(max_length=1_000)] = []
    is_default: bool = False
    custom: Custom = {}
    deleted: bool = False


def minute_of(clock: str) -> int:
    """Minutes since midnight by the clock on the wall."""
    hours, minutes = clock.split(":")
    return int(hours) * 60 + int(minutes)


def in_order(versions: Sequence[ScheduleVersion]) -> list[ScheduleVersion]:
    return sorted(versions, key=lambda version: version.valid_from or date.min)


def check_zone(schedule: Schedule) -> Rule | None:
    if schedule.timezone in known_zones():
        return None
    return "/timezone", "unknown_timezone", "Not an IANA time zone; name one such as Europe/Berlin."


def check_versions(schedule: Schedule) -> Rule | None:
    """Versions follow one another: at any day one is in force, or none."""
    for number, version in enumerate(schedule.versions):
        if version.valid_to and version.valid_to <= (version.valid_from or date.min):
            where = f"/versions/{number}/valid_to"
            return where, "invalid_value", "A version must end after it starts."
    for earlier, later in pairwise(in_order(schedule.versions)):
        start = later.valid_from or date.min
        if (earlier.valid_from or date.min) == start:
            return "/versions", "invalid_value", "Two versions start on the same day."
        if earlier.valid_to and earlier.valid_to > start:
            return "/versions", "invalid_value", "Versions overlap."
    return None


def check_hours(schedule: Schedule) -> Rule | None:
    """Hours end after they start, and those of one day do not overlap."""
    for number, version in enumerate(schedule.versions):
        where = f"/versions/{number}/weekly"
        taken: dict[Weekday, list[tuple[int, int]]] = {}
        for place, hours in enumerate(version.weekly):
            start, end = minute_of(hours.from_), minute_of(hours.to)
            if end <= start:
                message = "Hours must end after they start: past midnight they are two entries."
                return f"{where}/{place}/to", "invalid_value", message
            others = taken.setdefault(hours.day, [])
            if any(start < to and from_ < end for from_, to in others):
                return f"{where}/{place}", "invalid_value", f"Hours of {hours.day} overlap."
            others.append((start, end))
    return None


def check_dates(schedule: Schedule) -> Rule | None:
    for number, version in enumerate(schedule.versions):
        seen: set[date] = set()
        for place, extra in enumerate(version.extra_dates):
            where = f"/versions/{number}/extra_dates/{place}"
            if extra.date in seen:
                return f"{where}/date", "invalid_value", "The date is there twice."
            seen.add(extra.date)
            if minute_of(extra.to or "24:00") <= minute_of(extra.from_ or "00:00"):
                return f"{where}/to", "invalid_value", "Hours must end after they start."
    return None


def check_holidays(schedule: Schedule) -> Rule | None:
    for number, version in enumerate(schedule.versions):
        if (wanted := version.holidays) is None:
            continue
        where = f"/versions/{number}/holidays"
        if not known_country(wanted.country):
            message = "No public holidays are known of this country; name it as ISO 3166 does: DE."
            return f"{where}/country", "invalid_value", message
        if wanted.subdivision and not known_subdivision(wanted.country, wanted.subdivision):
            message = "The country has no such subdivision with holidays of its own."
            return f"{where}/subdivision", "invalid_value", message
    return None


def schedule_row(schedule: Schedule, lookup: Lookup) -> tuple[object, ...]:
    teams = [lookup.team(schedule.source, team) for team in schedule.teams]
    inboxes = [lookup.label(Dimension.INBOX, inbox) for inbox in schedule.inboxes]
    return (
        schedule.name,
        msgspec.json.encode(teams).decode(),
        msgspec.json.encode(inboxes).decode(),
        schedule.is_default,
        False,
    )


SCHEDULES = RecordKind(
    name="schedules",
    table="schedules",
    item=Schedule,
    columns=(
        Column("name", "text"),
        Column("teams", "jsonb"),
        Column("inboxes", "jsonb"),
        Column("is_default", "boolean"),
        Column("is_applied", "boolean"),
    ),
    row=schedule_row,
    instants=(),
    checks=(check_zone, check_versions, check_hours, check_dates, check_holidays),
    returning=("surrogate",),
)


def hours_of(version: ScheduleVersion) -> Iterator[tuple[int, int, int]]:
    """The weekly hours: weekday (Monday is 0), start and end in minutes, in order."""
    for hours in version.weekly:
        yield WEEKDAYS.index(hours.day), minute_of(hours.from_), minute_of(hours.to)

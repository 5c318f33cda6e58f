"""The busiest hours of the week, as the engine counts them."""

from csapi.facts.schedule import WEEKDAYS
from csapi.metrics.occurrences import hours_of_week
from csapi.metrics.periods import Period
from csapi.reports.refusals import refuse
from csapi.reports.schemas import MetricValue, QueryAnswer, ResultRow
from csapi.reports.staffing.asking import HIDDEN, Asker, work_filter
from csapi.reports.staffing.diagnosis_schemas import BusyHour
from csapi.reports.staffing.measuring import (
    CALLS,
    CONTACTS,
    HANDLE,
    SECONDS_PER_HOUR,
    SPEED,
    service_level,
)
from csapi.reports.staffing.planning import filled_targets
from csapi.reports.staffing.schemas import PHONE
from csapi.reports.staffing.what_if import Measured, model_of
from csapi.reports.staffing.what_if_schemas import WhatIfChannel

DAY_OF_WEEK, HOUR_OF_DAY = "time:day_of_week", "time:hour_of_day"


async def read_hours(
    asker: Asker, channel: WhatIfChannel, measured: Measured
) -> QueryAnswer | None:
    """Contacts and waits by hour of the week, of the time from the first contact until now."""
    if not measured.work.buckets:
        return None
    metrics = [CONTACTS]
    if channel.channel == PHONE:
        targets = filled_targets(channel.targets, model_of(channel))
        metrics = [CALLS, HANDLE, SPEED, service_level(targets.within_seconds or 0)]
    period = seen(measured, asker.period.timezone)
    filters = work_filter(channel.channel, channel.filters)
    return await asker.ask(metrics, filters, [DAY_OF_WEEK, HOUR_OF_DAY], period=period)


def busy_hours(
    answer: QueryAnswer | None, channel: WhatIfChannel, measured: Measured, top: int
) -> list[BusyHour]:
    """The hours of the week in which most contacts come; of equals the earlier ones first."""
    if answer is None:
        return []
    name = CALLS.id if channel.channel == PHONE else CONTACTS.id
    counts = hours_of_week(seen(measured, answer.meta.query["time"]["timezone"]))
    found = []
    for row in answer.data:
        contacts = row.metrics[name]
        if contacts.value is None:
            refuse("/interval", "not_supported", HIDDEN)
        day, hour = when(row)
        if contacts.value and counts[day][hour]:
            handle = channel.given.handle_seconds or handle_at(row) or measured.work.handle.value
            found.append(busy_hour(row, contacts, counts[day][hour], handle))
    found.sort(key=lambda each: -each.contacts_per_hour)
    for rank, each in enumerate(found, start=1):
        each.rank = rank
    return found[:top]


def seen(measured: Measured, timezone: str) -> Period:
    buckets = measured.work.buckets
    return Period(buckets[0].start, buckets[-1].end, timezone)


def when(row: ResultRow) -> tuple[int, int]:
    """The weekday, from Monday on, and the hour."""
    day, hour = (row.dimensions[name].key for name in (DAY_OF_WEEK, HOUR_OF_DAY))
    return int(day or 1) - 1, int(hour or 0)


def handle_at(row: ResultRow) -> float | None:
    found = row.metrics.get(HANDLE.id)
    return None if found is None else found.value


def busy_hour(
    row: ResultRow, contacts: MetricValue, occurrences: int, handle: float | None
) -> BusyHour:
    day, hour = when(row)
    per_hour = (contacts.value or 0.0) / occurrences
    return BusyHour(
        rank=0,
        day=WEEKDAYS[day],
        from_=f"{hour:02}:00",
        to=f"{hour + 1:02}:00",
        occurrences=occurrences,
        contacts=contacts,
        contacts_per_hour=per_hour,
        offered_load=None if handle is None else per_hour * handle / SECONDS_PER_HOUR,
        average_speed_of_answer=row.metrics.get(SPEED.id),
        service_level=row.metrics.get("service_level"),
    )

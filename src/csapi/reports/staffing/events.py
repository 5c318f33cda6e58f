"""Days unlike others: holidays and other hours of the default schedule, and annotations."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from csapi.facts.annotation import AnnotationKind
from csapi.facts.expansion import special_days
from csapi.facts.schedule_periods import read_schedules
from csapi.facts.wire import normalized
from csapi.metrics.periods import Period
from csapi.metrics.zones import day_start, local_date
from csapi.reports.schemas import FilterNode
from csapi.reports.service import Snapshot
from csapi.reports.staffing.forecast_schemas import EventKind
from csapi.reports.surroundings import annotations_of

# What lasts longer is no event: the level follows it.
EVENT_DAYS = 14
KINDS = {
    AnnotationKind.season: EventKind.season,
    AnnotationKind.campaign: EventKind.campaign,
    AnnotationKind.bug: EventKind.bug,
}


@dataclass(frozen=True, slots=True)
class Event:
    """What kind of day, and of annotations which: the same text again is the same event."""

    kind: EventKind
    text: str | None

    @property
    def name(self) -> str:
        return f"{self.kind.value}:{normalized(self.text or '')}"

    @property
    def is_planned(self) -> bool:
        return self.kind is not EventKind.bug


@dataclass(frozen=True, slots=True)
class Calendar:
    """The events of days, by name."""

    events: Mapping[str, Event]
    days: Mapping[date, set[str]] = field(default_factory=dict)

    def planned(self, day: date) -> frozenset[str]:
        return frozenset(each for each in self.of(day) if self.events[each].is_planned)

    def troubles(self, day: date) -> frozenset[str]:
        return frozenset(self.of(day)) - self.planned(day)

    def of(self, day: date) -> set[str]:
        return self.days.get(day, set())


async def read_calendar(
    snapshot: Snapshot, filters: FilterNode | None, timezone: str, first: date, last: date
) -> Calendar:
    """The events from `first` until before `last`."""
    connection, tenant_id = snapshot.connection, snapshot.desk.tenant_id
    events: dict[str, Event] = {}
    days: dict[date, set[str]] = defaultdict(set)

    def add(event: Event, day: date) -> None:
        events.setdefault(event.name, event)
        days[day].add(event.name)

    for each in await read_schedules(connection, tenant_id):
        if each.is_default:
            for day, is_closed in special_days(each.schedule, first, last).items():
                add(Event(EventKind.holiday if is_closed else EventKind.short_hours, None), day)
    period = Period(day_start(timezone, first), day_start(timezone, last), timezone)
    for note in await annotations_of(connection, tenant_id, period, filters):
        kind = KINDS.get(note.kind)
        start, end = note.starts_at, note.ends_at or note.starts_at
        if kind is None or end - start > timedelta(days=EVENT_DAYS):
            continue
        day = local_date(timezone, start)
        # An end at midnight is that of the day before.
        until = local_date(timezone, max(start, end - timedelta(microseconds=1)))
        while day <= until:
            if first <= day < last:
                add(Event(kind, note.text), day)
            day += timedelta(days=1)
    return Calendar(events, days)

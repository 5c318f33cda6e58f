"""What the radar finds, told in the night to who wants to be told, once each."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta

import asyncpg

from csapi.access.happenings import IssueFound, IssueKind
from csapi.access.outbox import WebhookEvent, emit, told
from csapi.access.scans import Look, Scan, Scanner
from csapi.access.tenancy import tenant_transaction
from csapi.kit.zones import local_date, next_clock
from csapi.reports.radar.params import RadarParams
from csapi.reports.radar.scan import radar
from csapi.reports.radar.schemas import Radar
from csapi.reports.service import Desk

# The day before is over everywhere, and most sources have sent it.
LOOK_AT = time(5)
WINDOW = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Issue:
    """A finding, and all the names that it may have been told by."""

    names: list[str]
    data: IssueFound


def issues(found: Radar) -> Iterator[Issue]:
    span = {"start": found.start, "end": found.end}
    for topic in (*found.new_topics, *found.risen_topics):
        data = IssueFound(
            kind=IssueKind(topic.kind.value),
            driver_id=topic.driver_id,
            topic=topic.topic,
            term=None,
            count=topic.contacts.value or 0,
            customers=int(topic.customers.value or 0),
            first_seen_at=topic.first_seen_at,
            path=f"/v1/drivers/{topic.driver_id}",
            **span,
        )
        yield Issue([f"topic:{topic.topic}"], data)
    for term in found.emerging_terms:
        data = IssueFound(
            kind=IssueKind.emerging_term,
            driver_id=None,
            topic=None,
            term=term.term,
            count=term.records,
            customers=term.customers,
            first_seen_at=term.first_seen_at,
            path="/v1/radar",
            **span,
        )
        yield Issue([f"term:{each}" for each in (term.term, *term.also)], data)


def window_before(look: Look) -> RadarParams:
    """The last whole local days."""
    today = local_date(look.timezone, look.now)
    return RadarParams(from_=str(today - WINDOW), to=str(today), timezone=look.timezone)


async def tell_issues(pool: asyncpg.Pool, look: Look, live_slots_max: int) -> int:
    """Tell what was not told within the days that events are kept; how many. Small groups stay
    hidden, as from every key that only reads reports."""
    desk = Desk(pool, look.tenant_id, look.timezone, look.now, live_slots_max)
    found = list(issues(await radar(desk, window_before(look))))
    if not found:
        return 0
    async with tenant_transaction(pool, look.tenant_id) as connection:
        names = [name for each in found for name in each.names]
        known = await told(connection, look.tenant_id, WebhookEvent.issue_found, names)
        fresh = [each for each in found if known.isdisjoint(each.names)]
        for each in fresh:
            await emit(connection, look.tenant_id, each.data, once=each.names[0])
    return len(fresh)


def next_look(timezone: str, now: datetime) -> datetime:
    """The next five o'clock in the morning."""
    return next_clock(timezone, LOOK_AT, now)


def issue_scanner(pool: asyncpg.Pool, live_slots_max: int) -> Scanner:
    async def work(look: Look) -> int:
        return await tell_issues(pool, look, live_slots_max)

    return Scanner(pool, Scan.radar, next_look, work)

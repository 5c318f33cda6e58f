"""Targets that are due soon, told once each to who wants to be told."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import asyncpg

from csapi.access.happenings import SlaAtRisk
from csapi.access.outbox import WebhookEvent, emit, told
from csapi.access.scans import Look, Scan, Scanner
from csapi.access.tenancy import tenant_transaction
from csapi.metrics.catalog.sla import TARGETS
from csapi.metrics.periods import RangePreset
from csapi.reports.records import records_on
from csapi.reports.records_schemas import CellRecord, RecordsQuery
from csapi.reports.schemas import MetricRequest, QueryTime, TimeRange
from csapi.reports.service import Desk, snapshot_of

AT_RISK_SECONDS = 3_600
LOOK_EVERY = timedelta(minutes=1)
# Of one target in one look, those that are due first.
AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Risk:
    """A target of a ticket, as a record behind sla_at_risk."""

    target: str
    record: CellRecord

    @property
    def once(self) -> str:
        ticket = self.record.record
        return f"{'' if ticket is None else ticket.id}:{self.target}:{self.record.occurred_at}"


def question(target: str) -> RecordsQuery:
    params = {"target": target, "within_seconds": AT_RISK_SECONDS}
    return RecordsQuery(
        metrics=[MetricRequest(id="sla_at_risk", params=params)],
        time=QueryTime(range=TimeRange(preset=RangePreset.today)),
        limit=AT_ONCE,
    )


async def risks(desk: Desk) -> AsyncIterator[Risk]:
    async with snapshot_of(desk) as snapshot:
        for target in TARGETS:
            found = await records_on(snapshot, question(target), None)
            for each in found.data:
                yield Risk(target, each)


def happening(risk: Risk, now: datetime) -> SlaAtRisk | None:
    ticket = risk.record.record
    if ticket is None:
        return None
    return SlaAtRisk(
        ticket_id=ticket.id,
        source=ticket.source,
        external_id=ticket.external_id,
        target=risk.target,
        due_at=risk.record.occurred_at,
        seconds_left=max((risk.record.occurred_at - now).total_seconds(), 0.0),
        path=f"/v1/tickets/{ticket.id}",
    )


async def tell_risks(pool: asyncpg.Pool, look: Look, live_slots_max: int) -> int:
    """Tell what was not told yet; how many."""
    desk = Desk(pool, look.tenant_id, look.timezone, look.now, live_slots_max, sees_everything=True)
    found = [each async for each in risks(desk)]
    if not found:
        return 0
    async with tenant_transaction(pool, look.tenant_id) as connection:
        names = [each.once for each in found]
        known = await told(connection, look.tenant_id, WebhookEvent.sla_at_risk, names)
        fresh = [each for each in found if each.once not in known]
        for each in fresh:
            if (data := happening(each, look.now)) is not None:
                await emit(connection, look.tenant_id, data, once=each.once)
    return len(fresh)


def risk_scanner(pool: asyncpg.Pool, live_slots_max: int) -> Scanner:
    async def work(look: Look) -> int:
        return await tell_risks(pool, look, live_slots_max)

    return Scanner(pool, Scan.sla, lambda _, now: now + LOOK_EVERY, work)

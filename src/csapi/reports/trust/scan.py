"""The trust report, from one snapshot."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from csapi.kit.quantities import id_at
from csapi.metrics.periods import Period
from csapi.reports.ranges import RangeParams
from csapi.reports.refusals import refuse
from csapi.reports.service import Desk, Snapshot, asked_period, slowness_told, snapshot_of
from csapi.reports.trust.checks import all_told, worst
from csapi.reports.trust.numbers import NEEDED, TIMED, Numbers, read_numbers
from csapi.reports.trust.raw import GRACE, IMPOSSIBLE_CALL, UNLINKED, Counted, Records
from csapi.reports.trust.schemas import Audit, DataQuality, QualityCheckId, ReceivedItems
from csapi.reports.trust.vanity import warnings_of
from csapi.reports.work_params import told_by_parameter

LONGEST_QUALITY_DAYS = 92
RECENT = timedelta(days=3)
WITHOUT = {
    ("contacts", "topic"): QualityCheckId.contacts_without_topic,
    ("contacts", "tag"): QualityCheckId.contacts_without_tag,
    ("ticket_resolutions", "agent"): QualityCheckId.solves_without_agent,
    ("calls_answered", "agent"): QualityCheckId.calls_without_agent,
}


@dataclass(frozen=True, slots=True)
class Nights:
    """What audits found: the last one, how many there were, how many found something."""

    last: Audit | None
    all: int
    mismatched: int


async def data_quality(desk: Desk, wanted: RangeParams) -> DataQuality:
    """Raises Problem for what cannot be asked."""
    period = await asked_period(desk, wanted)
    if (period.end - period.start).total_seconds() > LONGEST_QUALITY_DAYS * 86_400 + 3_600:
        message = f"At most {LONGEST_QUALITY_DAYS} days at once: records are looked at one by one."
        refuse("/from", "invalid_value", message)
    async with snapshot_of(desk) as snapshot:
        with slowness_told(), told_by_parameter("/from"):
            numbers = await read_numbers(snapshot, period)
            return await report(snapshot, period, numbers)


def records_of(snapshot: Snapshot, period: Period) -> Records:
    desk = snapshot.desk
    first, last = id_at(period.start), id_at(period.end)
    settled: UUID = id_at(desk.now - GRACE)
    return Records(snapshot.connection, desk.tenant_id, first, last, settled)


async def report(snapshot: Snapshot, period: Period, numbers: Numbers) -> DataQuality:
    records = records_of(snapshot, period)
    nights = Nights(*await records.audits())
    received = await records.received(period.start, period.end)
    delays, late, ahead = await records.arrivals()
    found = {
        QualityCheckId.late_records: late,
        QualityCheckId.clock_ahead: ahead,
        **of_items(received),
        **await of_records(records, numbers),
        **of_numbers(numbers),
        QualityCheckId.verification: of_audit(nights.last, snapshot.desk.now),
    }
    checks = all_told(found)
    return DataQuality(
        start=period.start,
        end=period.end,
        timezone=period.timezone,
        checks=checks,
        arrival=delays,
        received=received,
        vanity=warnings_of(numbers),
        last_audit=nights.last,
        audits=nights.all,
        audits_with_mismatches=nights.mismatched,
        exact=numbers.exact,
        severity=worst(checks),
    )


def of_items(received: Sequence[ReceivedItems]) -> dict[QualityCheckId, Counted]:
    total = sum(
        each.created + each.updated + each.duplicate + each.stale + each.rejected
        for each in received
    )
    return {
        QualityCheckId.duplicates: Counted(sum(each.duplicate for each in received), total),
        QualityCheckId.stale_versions: Counted(sum(each.stale for each in received), total),
        QualityCheckId.rejected_items: Counted(sum(each.rejected for each in received), total),
    }


async def of_records(records: Records, numbers: Numbers) -> Mapping[QualityCheckId, Counted]:
    return {
        QualityCheckId.events_without_ticket: await records.stubs("tickets", "tickets"),
        QualityCheckId.missing_calls: await records.stubs("calls", "calls"),
        QualityCheckId.missing_feedback_requests: await records.stubs(
            "feedback-requests", "feedback_requests"
        ),
        QualityCheckId.unknown_agents: await records.unknown_agents(),
        QualityCheckId.unlinked_feedback: await records.wrong("feedback", "feedback", UNLINKED),
        QualityCheckId.snapshots_only: await records.snapshots(),
        QualityCheckId.impossible_calls: await records.wrong("calls", "calls", IMPOSSIBLE_CALL),
        QualityCheckId.bots_as_people: await records.bots(numbers.quick),
    }


def of_numbers(numbers: Numbers) -> dict[QualityCheckId, Counted]:
    negative = sum(numbers.values[each].excluded.negative_duration for each in TIMED)
    timed = sum(numbers.values[each].n for each in TIMED)
    found = {
        QualityCheckId.negative_durations: Counted(negative, timed + negative),
        QualityCheckId.contacts_without_customer: Counted(
            numbers.count("unidentified_contacts"), numbers.count("contacts")
        ),
    }
    for metric, dimensions in NEEDED.items():
        for dimension in dimensions:
            missing = round(numbers.without[metric, dimension].value or 0)
            found[WITHOUT[metric, dimension]] = Counted(missing, numbers.count(metric))
    return found


def of_audit(last: Audit | None, now: datetime) -> Counted:
    """Of clean nights only a recent one says anything."""
    if last is None or (not last.mismatches and now - last.started_at > RECENT):
        return Counted(0, 0)
    return Counted(last.mismatches, last.subjects_checked + last.buckets_checked)

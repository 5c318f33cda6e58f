"""What must hold in every snapshot of a tenant, whoever is in the middle of what.

I1: a bucket has a mark, or its summary equals the aggregate of its facts; not where it is frozen,
since its facts may be gone.
I2: a subject has a mark, or its facts equal a fresh derivation of the raw rows; business time only
    where no schedule, and targets only where no policy was changed without a recompute, and none of
    it while the definition of its resource is being changed.
I3: the gaps of a contact are those to its customer's previous and next contact.
I4: a declared attribute is read out of every record, once the declaration is worked off.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
from tests.delivery.bruteforce import (
    Cells,
    Row,
    declared,
    differences,
    stored_cell,
    stored_key,
    summarized,
)

from csapi.facts.kinds import SLA_KINDS, Grain, Kind, Reference, Resource
from csapi.facts.registry import SUBJECT_KINDS
from csapi.metrics.cuboids import SLOT_CUBOIDS
from csapi.metrics.zones import day_start, local_date, month_start

GAPS = ("duration_ms", "gap_next_ms")
SLOT = timedelta(minutes=15)
SUBJECTS = " UNION ALL ".join(
    f"SELECT {resource} AS resource, array_agg(id) AS ids FROM {kind.table} "
    "WHERE tenant_id = $1 HAVING count(*) > 0"
    for resource, kind in SUBJECT_KINDS.items()
)
PENDING = """
SELECT DISTINCT 'mark' AS what, grain AS number, bucket, NULL::uuid AS subject, '' AS name
FROM marks WHERE tenant_id = $1
UNION ALL
SELECT DISTINCT 'subject', 0, NULL::timestamptz, subject, '' FROM subject_marks WHERE tenant_id = $1
UNION ALL SELECT 'reference', reference, NULL, NULL, '' FROM reference_marks WHERE tenant_id = $1
UNION ALL SELECT 'schedule', 0, NULL, NULL, '' FROM schedules
WHERE tenant_id = $1 AND NOT is_stub AND NOT is_applied
UNION ALL SELECT 'policy', 0, NULL, NULL, '' FROM sla_policies
WHERE tenant_id = $1 AND NOT is_stub AND NOT is_applied
UNION ALL SELECT 'definition', resource, NULL, NULL,
  CASE WHEN target IS NULL THEN fingerprint::text ELSE '' END FROM definitions WHERE tenant_id = $1
UNION ALL SELECT 'attribute', slot, NULL, NULL, name FROM custom_attributes WHERE tenant_id = $1
UNION ALL SELECT 'frozen', 0, frozen_before, NULL, '' FROM freezes WHERE tenant_id = $1"""
EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


@dataclass(frozen=True)
class Snapshot:
    """All derived rows of a tenant at one moment, and what a fresh derivation gives."""

    slotted: set[datetime]
    timezone: str
    facts: list[Row]
    fresh: list[Row]
    summaries: list[Row]
    marks: set[tuple[Grain, datetime]]
    subject_marks: set[UUID]
    references: list[int]
    changing: set[Resource]
    is_business_time_current: bool
    are_targets_current: bool
    attribute_slots: list[int]
    unread: list[str]
    frozen_before: datetime | None

    @property
    def is_drained(self) -> bool:
        return not (self.marks or self.subject_marks or self.references)

    @property
    def settled_slots(self) -> list[int]:
        """Attributes that were also read out of older records: until then their cuboid grows."""
        return [] if Reference.ATTRIBUTE in self.references else self.attribute_slots


async def take_snapshot(
    connection: asyncpg.Connection, tenant_id: UUID, timezone: str = "UTC"
) -> Snapshot:
    await connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
    try:

        async def rows(table: str) -> list[Any]:
            sql = f"SELECT * FROM {table} WHERE tenant_id = $1"
            return list(await connection.fetch(sql, tenant_id))

        pending: dict[str, list[Row]] = defaultdict(list)
        for row in await connection.fetch(PENDING, tenant_id):
            pending[row["what"]].append(row)
        fresh: list[Row] = []
        for row in await connection.fetch(SUBJECTS, tenant_id):
            derivation = SUBJECT_KINDS[Resource(row["resource"])].derivation
            fresh += await connection.fetch(derivation, tenant_id, row["ids"])
        return Snapshot(
            slotted={row["bucket"] for row in await rows("rollup_buckets") if row["is_slotted"]},
            timezone=timezone,
            facts=await rows("facts"),
            fresh=fresh,
            summaries=await rows("summaries"),
            marks={(Grain(row["number"]), row["bucket"]) for row in pending["mark"]},
            subject_marks={row["subject"] for row in pending["subject"]},
            references=[row["number"] for row in pending["reference"]],
            changing={
                resource
                for row in pending["definition"]
                if row["name"]
                != str(SUBJECT_KINDS[resource := Resource(row["number"])].fingerprint)
            },
            is_business_time_current=not pending["schedule"],
            are_targets_current=not (pending["policy"] or pending["schedule"]),
            attribute_slots=[row["number"] for row in pending["attribute"]],
            unread=await unread_attributes(connection, tenant_id, pending["attribute"]),
            frozen_before=max((row["bucket"] for row in pending["frozen"]), default=None),
        )
    finally:
        await connection.execute("ROLLBACK")


async def unread_attributes(
    connection: asyncpg.Connection, tenant_id: UUID, declarations: Iterable[Row]
) -> list[str]:
    """Records whose declared attributes are not those of the item that they came with."""
    found = []
    for row in declarations:
        for kind in SUBJECT_KINDS.values():
            names = await connection.fetch(
                f"""SELECT r.external_id FROM {kind.table} r
                LEFT JOIN members m ON m.tenant_id = $1 AND m.member = r.attr{row["number"]}
                WHERE r.tenant_id = $1 AND NOT r.is_stub
                  AND m.key IS DISTINCT FROM r.item->'custom'->>$2""",
                tenant_id,
                row["name"],
            )
            found += [f"I4 {kind.table} {each[0]} lacks {row['name']}" for each in names]
    return found


def violations(snapshot: Snapshot) -> list[str]:
    """Everything that is wrong in a snapshot, in words."""
    unread = [] if Reference.ATTRIBUTE in snapshot.references else snapshot.unread
    return [
        *wrong_buckets(snapshot),
        *wrong_facts(snapshot),
        *wrong_gaps(snapshot.facts),
        *unread,
    ]


def slot_of(instant: datetime) -> datetime:
    return instant - (instant - EPOCH) % SLOT


def wrong_buckets(snapshot: Snapshot) -> list[str]:
    zone = snapshot.timezone
    marked_slots = {bucket for grain, bucket in snapshot.marks if grain is Grain.SLOT}
    marked_days = {day_start(zone, local_date(zone, slot)) for slot in marked_slots}
    marked_months = {month_start(zone, local_date(zone, slot)) for slot in marked_slots}
    marked_months |= {bucket for grain, bucket in snapshot.marks if grain is Grain.MONTH}
    marked = {Grain.SLOT: marked_slots, Grain.DAY: marked_days, Grain.MONTH: marked_months}
    facts: dict[tuple[Grain, datetime], list[Row]] = defaultdict(list)
    for fact in snapshot.facts:
        at = fact["occurred_at"]
        local = local_date(zone, at)
        facts[Grain.SLOT, slot_of(at)].append(fact)
        facts[Grain.DAY, day_start(zone, local)].append(fact)
        facts[Grain.MONTH, month_start(zone, local)].append(fact)
    stored: dict[tuple[Grain, datetime], Cells] = defaultdict(dict)
    cuboids = declared(snapshot.settled_slots)
    numbers = {cuboid.number for cuboid in cuboids}
    for row in snapshot.summaries:
        if row["cuboid"] in numbers:
            stored[Grain(row["grain"]), row["bucket"]][stored_key(row)] = stored_cell(row)
    found = []
    for grain, bucket in sorted(facts.keys() | stored.keys()):
        is_frozen = snapshot.frozen_before is not None and bucket < snapshot.frozen_before
        if bucket in marked[grain] or is_frozen:
            continue
        held = stored[grain, bucket]
        chosen = cuboids
        day = day_start(zone, local_date(zone, bucket))
        if grain is Grain.SLOT and day not in snapshot.slotted:
            chosen = list(SLOT_CUBOIDS)
            kept = {cuboid.number for cuboid in chosen}
            held = {key: cell for key, cell in held.items() if key[0] in kept}
        expected = summarized(facts[grain, bucket], chosen)
        found += [
            f"I1 {grain.name} {bucket:%m-%d %H:%M} {difference}"
            for difference in differences(expected, held)
        ]
    return found


def own_values(facts: Iterable[Row], snapshot: Snapshot) -> dict[tuple[Any, ...], dict[str, Any]]:
    """What derives from the subject alone, by (subject, kind, ordinal)."""
    found = {}
    for fact in facts:
        is_target = fact["kind"] in SLA_KINDS
        if (
            fact["subject"] in snapshot.subject_marks
            or fact["resource"] in snapshot.changing
            or (is_target and not snapshot.are_targets_current)
        ):
            continue
        values = dict(fact.items())
        if not snapshot.is_business_time_current:
            values["business_ms"] = None
        if fact["kind"] == Kind.CONTACT:
            values |= dict.fromkeys(GAPS)
        found[fact["subject"], fact["kind"], fact["ordinal"]] = values
    return found


def wrong_facts(snapshot: Snapshot) -> list[str]:
    if snapshot.references:
        return []
    stored = own_values(snapshot.facts, snapshot)
    fresh = own_values(snapshot.fresh, snapshot)
    found = []
    for key in sorted(stored.keys() | fresh.keys(), key=str):
        kept, wanted = stored.get(key, {}), fresh.get(key, {})
        changed = {
            name: (kept.get(name), wanted.get(name))
            for name in kept.keys() | wanted.keys()
            if kept.get(name) != wanted.get(name)
        }
        if changed:
            found.append(f"I2 {key[0]} {Kind(key[1]).name} {key[2]}: stored, fresh = {changed}")
    return found


def milliseconds(gap: timedelta) -> int:
    return (gap // timedelta(microseconds=1) + 500) // 1000


def wrong_gaps(facts: Sequence[Row]) -> list[str]:
    contacts: dict[int | None, list[Row]] = defaultdict(list)
    for fact in facts:
        if fact["kind"] == Kind.CONTACT:
            contacts[fact["customer"]].append(fact)
    found = []
    for customer, theirs in contacts.items():
        theirs.sort(key=lambda fact: (fact["occurred_at"], fact["ordinal"]))
        places = range(len(theirs))
        gaps = [
            milliseconds(theirs[i + 1]["occurred_at"] - theirs[i]["occurred_at"])
            for i in places[:-1]
        ]
        known = [None] * (len(theirs) + 1) if customer is None else [None, *gaps, None]
        found += [
            f"I3 {fact['subject']} gaps {fact['duration_ms']}, {fact['gap_next_ms']}, "
            f"expected {known[i]}, {known[i + 1]}"
            for i, fact in enumerate(theirs)
            if (fact["duration_ms"], fact["gap_next_ms"]) != (known[i], known[i + 1])
        ]
    return found

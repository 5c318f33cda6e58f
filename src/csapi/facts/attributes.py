"""Custom attributes: declared once, in a slot, and then a dimension like any other."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from csapi.facts.kinds import Dimension, Grain, Reference, Resource
from csapi.facts.registry import SUBJECT_KINDS
from csapi.facts.resource import RecordKind
from csapi.facts.tables import ATTRIBUTE_SLOTS

Connection = Any


HAS_RECORDS = "SELECT " + " OR ".join(
    f"EXISTS (SELECT 1 FROM {kind.table} WHERE tenant_id = $1)" for kind in SUBJECT_KINDS.values()
)


class NoSlotLeftError(Exception):
    """The tenant has declared as many attributes as there are slots."""


async def declare_attribute(
    connection: Connection, tenant_id: UUID, name: str, label: str
) -> tuple[int, bool]:
    """Declare an attribute: its slot, and whether it is new.

    The caller holds the tenant's exclusive lock, so that every record is either already committed
    (and a reference mark finds it) or will be written with the attribute known.
    """
    rows: Sequence[Any] = await connection.fetch(
        "SELECT name, slot FROM custom_attributes WHERE tenant_id = $1", tenant_id
    )
    present = {row["name"]: row["slot"] for row in rows}
    if name in present:
        return present[name], False
    free = [slot for slot in range(1, ATTRIBUTE_SLOTS + 1) if slot not in present.values()]
    if not free:
        raise NoSlotLeftError
    await connection.execute(
        "INSERT INTO custom_attributes (tenant_id, name, label, slot) VALUES ($1, $2, $3, $4)",
        tenant_id,
        name,
        label,
        free[0],
    )
    if await connection.fetchval(HAS_RECORDS, tenant_id):
        await connection.execute(
            "INSERT INTO reference_marks (tenant_id, reference, member) VALUES ($1, $2, $3)",
            tenant_id,
            int(Reference.ATTRIBUTE),
            free[0],
        )
    return free[0], True


RECORDS_PER_STEP = 2_000

NEXT_RECORDS = f"""
SELECT id FROM {{table}} WHERE tenant_id = $1 AND id > $2 ORDER BY id LIMIT {RECORDS_PER_STEP}"""

LOCK_RECORDS = """
SELECT 1 FROM {table} WHERE tenant_id = $1 AND id = ANY($2::uuid[])
ORDER BY source, external_id FOR NO KEY UPDATE"""

ADD_MEMBERS = """
INSERT INTO members (tenant_id, dimension, key)
SELECT DISTINCT $1::uuid, $2::smallint, normalize(item->'custom'->>$3, NFC) FROM {table}
WHERE tenant_id = $1 AND id = ANY($4::uuid[]) AND NOT is_stub AND item->'custom'->>$3 IS NOT NULL
ON CONFLICT DO NOTHING"""

FILL_SLOT = """
UPDATE {table} r SET attr{slot} = m.member FROM members m
WHERE r.tenant_id = $1 AND r.id = ANY($4::uuid[]) AND NOT r.is_stub
  AND m.tenant_id = $1 AND m.dimension = $2
  AND m.key = normalize(r.item->'custom'->>$3, NFC) AND r.attr{slot} IS DISTINCT FROM m.member
RETURNING r.id"""

# Requests and feedback take attributes from the ticket or call that they are about. The requests
# are locked: feedback that is on its way locks its request, and so is either seen or sees.
LINKED_REQUESTS = """
SELECT id FROM feedback_requests
WHERE tenant_id = $1 AND (ticket = ANY($2::uuid[]) OR call = ANY($2::uuid[]))
ORDER BY source, external_id FOR NO KEY UPDATE"""

LINKED_FEEDBACK = """
SELECT id FROM feedback
WHERE tenant_id = $1
  AND (ticket = ANY($2::uuid[]) OR call = ANY($2::uuid[]) OR request = ANY($2::uuid[]))"""

MARK_SUBJECTS = """
INSERT INTO subject_marks (tenant_id, resource, subject)
SELECT $1::uuid, $2::smallint, unnest($3::uuid[])"""

# The new cuboid has no rows yet, not even for facts without a value.
MARK_EVERYTHING = f"""
INSERT INTO marks (tenant_id, grain, bucket)
SELECT DISTINCT $1::uuid, {Grain.SLOT}::smallint, date_bin('15 minutes', occurred_at, 'epoch')
FROM facts WHERE tenant_id = $1"""


async def apply_attribute(
    connection: Connection, tenant_id: UUID, slot: int, kind: RecordKind, after: UUID
) -> UUID | None:
    """Read a newly declared attribute out of the next records of a kind that came before it.

    Gives the last of them, or None when there was none. Doing it twice changes nothing more.
    """
    rows = await connection.fetch(NEXT_RECORDS.format(table=kind.table), tenant_id, after)
    ids = [row["id"] for row in rows]
    if not ids:
        return None
    name = await connection.fetchval(
        "SELECT name FROM custom_attributes WHERE tenant_id = $1 AND slot = $2", tenant_id, slot
    )
    named = (tenant_id, Dimension.ATTR1 + slot - 1, name, ids)
    await connection.execute(ADD_MEMBERS.format(table=kind.table), *named)
    await connection.execute(LOCK_RECORDS.format(table=kind.table), tenant_id, ids)
    rows = await connection.fetch(FILL_SLOT.format(table=kind.table, slot=slot), *named)
    filled = [row["id"] for row in rows]
    await mark_subjects(connection, tenant_id, kind.resource, filled)
    if kind.resource in (Resource.TICKET, Resource.CALL):
        rows = await connection.fetch(LINKED_REQUESTS, tenant_id, filled)
        requests = [row["id"] for row in rows]
        await mark_subjects(connection, tenant_id, Resource.FEEDBACK_REQUEST, requests)
        filled += requests
    rows = await connection.fetch(LINKED_FEEDBACK, tenant_id, filled)
    await mark_subjects(connection, tenant_id, Resource.FEEDBACK, [row["id"] for row in rows])
    return UUID(bytes=ids[-1].bytes)


async def mark_subjects(
    connection: Connection, tenant_id: UUID, resource: Resource | None, ids: Sequence[UUID]
) -> None:
    if ids:
        await connection.execute(MARK_SUBJECTS, tenant_id, resource, ids)


async def mark_everything(connection: Connection, tenant_id: UUID) -> None:
    """Have all summaries of a tenant rebuilt."""
    await connection.execute(MARK_EVERYTHING, tenant_id)

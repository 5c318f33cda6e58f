"""Rebuilding summaries from facts, one bucket in one transaction.

The order of the statements is the proof (docs/decisions/0003-delivery.md): lock the bucket, delete
its marks, aggregate in a later snapshot, write. Never increment. READ COMMITTED only: a snapshot
taken before the lock was held would miss what the deleted marks stood for.
"""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg

from csapi.access.tenancy import tenant_transaction
from csapi.facts.kinds import Grain, MarkReason
from csapi.kit.db import run
from csapi.kit.faultpoints import faultpoint
from csapi.metrics.cuboids import (
    BUSY_CUBOIDS,
    BUSY_DAY_FACTS,
    CUBOIDS,
    SLOT_CUBOIDS,
    slotted_since,
)
from csapi.metrics.rebuild import (
    KINDS,
    SLOT,
    rebuild_day_from_facts,
    rebuild_day_from_slots,
    rebuild_month,
    rebuild_slots,
)
from csapi.metrics.zones import day_start, local_date, month_start

log = logging.getLogger(__name__)

EVERY_CUBOID = [cuboid.number for cuboid in CUBOIDS]
# How long a bucket rests, by how long it took to count it. That is long where a network stalls,
# too, and who waits for the numbers should not wait for that ten times more.
REST_FACTOR, MOST_REST = 10, timedelta(seconds=5)

TRANSACTION_SETTINGS = (
    "SET LOCAL synchronous_commit = off; SET LOCAL statement_timeout = '60s'; "
    "SET LOCAL transaction_timeout = '120s'; "
    "SET LOCAL idle_in_transaction_session_timeout = '20s'"
)

# Sums of finer rows join two groupings of the same rows, whose sizes the planner cannot know: it
# takes both for tiny and loops over one for each row of the other.
JOIN_BY_HASH = "SET LOCAL enable_nestloop = off"

ENTER_BUCKET = """
INSERT INTO rollup_buckets (tenant_id, grain, bucket) VALUES ($1, $2::smallint, $3)
ON CONFLICT DO NOTHING"""

LOCK_BUCKET = """
SELECT computed_at, rebuild_ms, is_slotted, clock_timestamp() AS now,
  EXISTS (SELECT FROM freezes WHERE tenant_id = $1 AND frozen_before > $3) AS is_frozen
FROM rollup_buckets WHERE tenant_id = $1 AND grain = $2::smallint AND bucket = $3
FOR UPDATE SKIP LOCKED"""

EAT_MARKS = """
WITH eaten AS (
  DELETE FROM marks
  WHERE tenant_id = $1 AND grain = $2::smallint AND bucket >= $3 AND bucket < $4
  RETURNING bucket, reason
) SELECT bucket, bit_or(reason) AS reasons FROM eaten GROUP BY bucket ORDER BY bucket"""

# A frozen bucket's records are gone: counted anew, it would be nothing.
BURY_MARKS = """
WITH eaten AS (
  DELETE FROM marks
  WHERE tenant_id = $1 AND grain = $2::smallint AND bucket >= $3 AND bucket < $4
  RETURNING bucket
), buried AS (
  INSERT INTO dead_marks AS d (tenant_id, bucket, times)
  SELECT $1::uuid, bucket, count(*) FROM eaten WHERE $2::smallint = 1 GROUP BY bucket
  ON CONFLICT (tenant_id, bucket)
  DO UPDATE SET times = d.times + excluded.times, last_at = clock_timestamp()
) SELECT count(*) FROM eaten"""

IS_BUSY = """
SELECT count(*) > $5::int FROM (
  SELECT 1 FROM facts
  WHERE tenant_id = $1 AND kind = ANY($2::smallint[]) AND occurred_at >= $3 AND occurred_at < $4
  LIMIT $5::int + 1) AS f"""

SET_SLOTTED = """
UPDATE rollup_buckets SET is_slotted = $4
WHERE tenant_id = $1 AND grain = $2::smallint AND bucket = $3"""

DELETE_SUMMARIES = """
DELETE FROM summaries
WHERE tenant_id = $1 AND cuboid = ANY($2::smallint[]) AND grain = $3::smallint
  AND bucket = ANY($4::timestamptz[])"""

MARK_MONTH = """
INSERT INTO marks (tenant_id, grain, bucket) VALUES ($1, $2::smallint, $3)"""

LEAVE_BUCKET = """
UPDATE rollup_buckets
SET sequence = sequence + 1, computed_at = clock_timestamp(), rebuild_ms = $4::int,
  revisions = revisions + ($5::smallint > 0)::int, revised_by = revised_by | $5::smallint,
  revised_at = CASE WHEN $5::smallint > 0 THEN clock_timestamp() ELSE revised_at END
WHERE tenant_id = $1 AND grain = $2::smallint AND bucket = $3"""

ATTRIBUTE_SLOTS = "SELECT slot FROM custom_attributes WHERE tenant_id = $1 ORDER BY slot"


@dataclass(frozen=True, slots=True)
class Bucket:
    """A local day or a month of a tenant, by the instant at which it starts."""

    tenant_id: UUID
    timezone: str
    grain: Grain
    start: datetime

    @property
    def end(self) -> datetime:
        local = local_date(self.timezone, self.start)
        following = day_start if self.grain is Grain.DAY else month_start
        return following(self.timezone, local, 1)

    @property
    def slots(self) -> list[datetime]:
        return [self.start + n * SLOT for n in range((self.end - self.start) // SLOT)]


async def rebuild(
    pool: asyncpg.Pool,
    bucket: Bucket,
    *,
    rested: bool = True,
    busy_day_facts: int = BUSY_DAY_FACTS,
) -> bool:
    """Bring a bucket in line with its facts; False when there was nothing to do, or not now.

    With `rested`, a bucket that was rebuilt a moment ago waits ten times what that took, at most
    five seconds.
    """
    async with tenant_transaction(pool, bucket.tenant_id) as connection:
        await connection.execute(TRANSACTION_SETTINGS)
        name = (bucket.tenant_id, int(bucket.grain), bucket.start)
        await connection.execute(ENTER_BUCKET, *name)
        state = await connection.fetchrow(LOCK_BUCKET, *name)
        if state is not None and state["is_frozen"]:
            return await bury(connection, bucket)
        if state is None or (rested and is_resting(state)):
            return False
        faultpoint("rebuild.locked")
        started = time.perf_counter()
        eaten = Grain.SLOT if bucket.grain is Grain.DAY else Grain.MONTH
        marked = await connection.fetch(
            EAT_MARKS, bucket.tenant_id, int(eaten), bucket.start, bucket.end
        )
        if not marked:
            return False
        faultpoint("rebuild.eaten")
        if bucket.grain is Grain.DAY:
            is_slotted = await should_be_slotted(connection, bucket, state, busy_day_facts)
            if is_slotted != state["is_slotted"]:
                await become(connection, bucket, is_slotted=is_slotted)
            slots = [row["bucket"] for row in marked]
            await write_day(connection, bucket, slots, is_slotted=is_slotted)
        else:
            await write_month(connection, bucket)
        faultpoint("rebuild.written")
        elapsed_ms = int((time.perf_counter() - started) * 1000)
        reasons = revised_by(bucket, state, marked)
        await connection.execute(LEAVE_BUCKET, *name, elapsed_ms, reasons)
    return True


async def bury(connection: asyncpg.Connection, bucket: Bucket) -> bool:
    """Put the marks of a frozen bucket aside: it stays as it is, and answers say so."""
    eaten = Grain.SLOT if bucket.grain is Grain.DAY else Grain.MONTH
    name = (bucket.tenant_id, int(eaten), bucket.start, bucket.end)
    count = await connection.fetchval(BURY_MARKS, *name)
    if count and eaten is Grain.SLOT:
        told = {"tenant": str(bucket.tenant_id), "day": bucket.start.isoformat(), "marks": count}
        log.warning("a frozen day was changed", extra={"fields": told})
    return bool(count)


def revised_by(
    bucket: Bucket, state: asyncpg.Record, marked: Sequence[asyncpg.Record]
) -> MarkReason:
    """Why a day that had been counted as a whole is counted again; nothing where it had not."""
    reasons = MarkReason(0)
    counted_at = state["computed_at"]
    if bucket.grain is Grain.DAY and counted_at is not None and counted_at >= bucket.end:
        for row in marked:
            reasons |= MarkReason(row["reasons"])
    return reasons


def is_resting(state: asyncpg.Record) -> bool:
    if state["computed_at"] is None:
        return False
    rest = min(timedelta(milliseconds=REST_FACTOR * state["rebuild_ms"]), MOST_REST)
    return bool(state["now"] < state["computed_at"] + rest)


async def write_day(
    connection: asyncpg.Connection,
    bucket: Bucket,
    marked: Sequence[datetime],
    *,
    is_slotted: bool,
) -> None:
    tenant_id = bucket.tenant_id
    attributes = await attribute_slots(connection, tenant_id)
    await clear(connection, bucket, Grain.SLOT, marked)
    faultpoint("rebuild.cleared")
    cuboids = CUBOIDS if is_slotted else SLOT_CUBOIDS
    await run(connection, rebuild_slots(tenant_id, marked, attributes, cuboids))
    await clear(connection, bucket, Grain.DAY, [bucket.start])
    await connection.execute(JOIN_BY_HASH)
    if is_slotted:
        day = rebuild_day_from_slots(tenant_id, bucket.start, bucket.end)
    else:
        day = rebuild_day_from_facts(tenant_id, bucket.start, bucket.end, attributes)
    await run(connection, day)
    month = month_start(bucket.timezone, local_date(bucket.timezone, bucket.start))
    await connection.execute(MARK_MONTH, tenant_id, int(Grain.MONTH), month)


async def should_be_slotted(
    connection: asyncpg.Connection, bucket: Bucket, state: asyncpg.Record, busy_day_facts: int
) -> bool:
    """Whether a day's slots have rows of every cuboid: a busy one, as long as it is recent."""
    if bucket.start < slotted_since(state["now"], bucket.timezone):
        return False
    if state["is_slotted"]:
        return True
    day = (bucket.tenant_id, KINDS, bucket.start, bucket.end)
    return bool(await connection.fetchval(IS_BUSY, *day, busy_day_facts))


async def attribute_slots(connection: asyncpg.Connection, tenant_id: UUID) -> list[int]:
    return [row["slot"] for row in await connection.fetch(ATTRIBUTE_SLOTS, tenant_id)]


async def become(connection: asyncpg.Connection, bucket: Bucket, *, is_slotted: bool) -> None:
    """Write, or clear, the rows that slots of busy days have and others have not."""
    numbers = [cuboid.number for cuboid in BUSY_CUBOIDS]
    name = (bucket.tenant_id, int(Grain.SLOT), bucket.slots)
    await connection.execute(DELETE_SUMMARIES, name[0], numbers, *name[1:])
    if is_slotted:
        attributes = await attribute_slots(connection, bucket.tenant_id)
        rows = rebuild_slots(bucket.tenant_id, bucket.slots, attributes, BUSY_CUBOIDS)
        await run(connection, rows)
    day = (bucket.tenant_id, int(bucket.grain), bucket.start)
    await connection.execute(SET_SLOTTED, *day, is_slotted)


async def write_month(connection: asyncpg.Connection, bucket: Bucket) -> None:
    await clear(connection, bucket, Grain.MONTH, [bucket.start])
    faultpoint("rebuild.cleared")
    await connection.execute(JOIN_BY_HASH)
    await run(connection, rebuild_month(bucket.tenant_id, bucket.start, bucket.end))


async def clear(
    connection: asyncpg.Connection, bucket: Bucket, grain: Grain, starts: Sequence[datetime]
) -> None:
    await connection.execute(DELETE_SUMMARIES, bucket.tenant_id, EVERY_CUBOID, int(grain), starts)

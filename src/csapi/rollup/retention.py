"""Keeping records no longer than a tenant wants, without losing what they were counted to.

The order is the proof (docs/decisions/0035-retention.md): refuse what is older than the horizon,
drain all marks, freeze the buckets before it, and only then remove records and their facts. Each
step can be cut short and done again.
"""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg

from csapi.access.scans import Look, Scan, Scanner
from csapi.access.tenancy import tenant_transaction
from csapi.facts.kinds import Grain
from csapi.facts.registry import fingerprints
from csapi.metrics.zones import day_start, local_date, month_start
from csapi.rollup.audit import next_night
from csapi.rollup.buckets import Bucket, rebuild
from csapi.rollup.removal import remove
from csapi.rollup.subjects import derive_tenant

log = logging.getLogger(__name__)

DRAIN_ROUNDS = 5
# What is removed is gone: so long after a change of the setting nothing goes by itself, so that a
# mistake, or whoever found a key, can be stopped.
GRACE = timedelta(days=7)

STATE = """
SELECT r.keep_days, r.removed_before, r.updated_at,
  (SELECT max(frozen_before) FROM freezes WHERE tenant_id = $1) AS frozen_before
FROM retention r WHERE r.tenant_id = $1"""
REFUSE = """
UPDATE retention SET refused_before = greatest(refused_before, $2) WHERE tenant_id = $1"""
MARKED = """
SELECT DISTINCT grain, bucket FROM marks WHERE tenant_id = $1 AND bucket < $2"""
# Nothing that waits can still change what is frozen.
FREEZE = """
INSERT INTO freezes (tenant_id, frozen_before)
SELECT $1::uuid, $2::timestamptz
WHERE NOT EXISTS (SELECT FROM marks WHERE tenant_id = $1 AND bucket < $2)
  AND NOT EXISTS (SELECT FROM subject_marks WHERE tenant_id = $1)
  AND NOT EXISTS (SELECT FROM reference_marks WHERE tenant_id = $1)
  AND NOT EXISTS (
    SELECT FROM definitions d JOIN unnest($3::smallint[], $4::bigint[]) AS k (resource, fingerprint)
      USING (resource)
    WHERE d.tenant_id = $1 AND (d.fingerprint <> k.fingerprint OR d.target IS NOT NULL))
ON CONFLICT DO NOTHING RETURNING frozen_before"""
DONE = "UPDATE retention SET removed_before = $2 WHERE tenant_id = $1"


@dataclass(frozen=True, slots=True)
class Kept:
    """What a run came to. horizon: none where everything is kept. is_done: nothing is left."""

    horizon: datetime | None
    removed: int = 0
    is_done: bool = True


def horizon_of(keep_days: int, timezone: str, at: datetime) -> datetime:
    """The start of the local month in which the first day to be kept lies: whole months go."""
    return month_start(timezone, local_date(timezone, at) - timedelta(days=keep_days))


async def keep_to(pool: asyncpg.Pool, look: Look, grace: timedelta = timedelta()) -> Kept:
    """Freeze and remove what a tenant keeps no longer, once it has wanted so for `grace`. Safe to
    be cut short and run again."""
    tenant_id = look.tenant_id
    async with tenant_transaction(pool, tenant_id) as connection:
        state = await connection.fetchrow(STATE, tenant_id)
    if state is None or (grace and state["updated_at"] > look.now - grace):
        return Kept(None)
    frozen = state["frozen_before"]
    horizon = frozen
    if state["keep_days"] is not None:
        wanted = horizon_of(state["keep_days"], look.timezone, look.now)
        horizon = wanted if frozen is None else max(wanted, frozen)
    if horizon is None:
        return Kept(None)
    if frozen is None or horizon > frozen:
        async with tenant_transaction(pool, tenant_id, lock="exclusive") as connection:
            await connection.execute(REFUSE, tenant_id, horizon)
        await drain(pool, look, horizon)
        if not await freeze(pool, tenant_id, horizon):
            log.warning("not frozen: work waits", extra={"fields": {"tenant": str(tenant_id)}})
            return Kept(horizon, is_done=False)
    elif state["removed_before"] is not None and state["removed_before"] >= horizon:
        return Kept(horizon)
    removed, skipped = await remove(pool, tenant_id, horizon)
    if not skipped:
        async with tenant_transaction(pool, tenant_id) as connection:
            await connection.execute(DONE, tenant_id, horizon)
    return Kept(horizon, removed, is_done=not skipped)


async def drain(pool: asyncpg.Pool, look: Look, horizon: datetime) -> None:
    """Work off what waits for a tenant, as far as it concerns what lies before the horizon."""
    zone = look.timezone
    for _ in range(DRAIN_ROUNDS):
        await derive_tenant(pool, look.tenant_id)
        async with tenant_transaction(pool, look.tenant_id, readonly=True) as connection:
            marked = await connection.fetch(MARKED, look.tenant_id, horizon)
        slots = [row["bucket"] for row in marked if row["grain"] == Grain.SLOT]
        days = sorted({day_start(zone, local_date(zone, slot)) for slot in slots})
        for day in days:
            await rebuild(pool, Bucket(look.tenant_id, zone, Grain.DAY, day), rested=False)
        months = {month_start(zone, local_date(zone, day)) for day in days}
        months |= {row["bucket"] for row in marked if row["grain"] == Grain.MONTH}
        for month in sorted(months):
            await rebuild(pool, Bucket(look.tenant_id, zone, Grain.MONTH, month), rested=False)
        if not marked:
            return


async def freeze(pool: asyncpg.Pool, tenant_id: UUID, horizon: datetime) -> bool:
    """Freeze all buckets before the horizon, unless something waits that may concern them. Under
    the tenant's exclusive lock: no ingest is under way that has not left its marks."""
    async with tenant_transaction(pool, tenant_id, lock="exclusive") as connection:
        found = await connection.fetchval(FREEZE, tenant_id, horizon, *fingerprints())
    return found is not None


def retention_scanner(pool: asyncpg.Pool) -> Scanner:
    """Sees to each tenant in its night."""

    async def work(look: Look) -> Kept:
        return await keep_to(pool, look, GRACE)

    return Scanner(pool, Scan.retention, next_night, work)

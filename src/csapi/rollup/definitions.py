"""Deriving history again after a derivation has changed, chunk by chunk in the background.

A tenant's facts of one resource carry the fingerprint of what they were derived by. Where it is
not the code's own, all subjects get marks, and derivation works those off as any others: answers
say meanwhile how many are pending.
"""

import logging
from uuid import UUID

import asyncpg

from csapi.access.tenancy import tenant_transaction
from csapi.facts.kinds import MarkReason, Resource
from csapi.facts.registry import SUBJECT_KINDS, fingerprints
from csapi.kit.db import acquire
from csapi.kit.faultpoints import faultpoint

log = logging.getLogger(__name__)

SUBJECTS_PER_STEP = 2_000
BEGINNING = UUID(int=0)

# A tenant without an entry came after the last change: it has nothing older.
ADD_MISSING = """
INSERT INTO definitions (tenant_id, resource, fingerprint)
SELECT $1::uuid, k.resource, k.fingerprint
FROM unnest($2::smallint[], $3::bigint[]) AS k (resource, fingerprint) ON CONFLICT DO NOTHING"""

WITHOUT_ENTRY = """
SELECT tenant_id FROM tenants t WHERE (
  SELECT count(*) FROM definitions d WHERE d.tenant_id = t.tenant_id) < $1"""

OUTDATED = """
SELECT d.tenant_id, d.resource
FROM definitions d JOIN unnest($1::smallint[], $2::bigint[]) AS k (resource, fingerprint)
  ON k.resource = d.resource
WHERE d.fingerprint <> k.fingerprint OR d.target IS NOT NULL"""

PROGRESS = """
SELECT fingerprint, target, reached, marked_at FROM definitions
WHERE tenant_id = $1 AND resource = $2::smallint FOR UPDATE"""

MARK = """
INSERT INTO subject_marks (tenant_id, resource, subject)
SELECT $1::uuid, $2::smallint, unnest($3::uuid[])"""

ADVANCE = """
UPDATE definitions SET target = $3, reached = $4, marked_at = NULL
WHERE tenant_id = $1 AND resource = $2::smallint"""

ALL_MARKED = """
UPDATE definitions SET target = $3, marked_at = clock_timestamp()
WHERE tenant_id = $1 AND resource = $2::smallint"""

# Through when no subject waits that was marked on the way, nor a bucket that was derived again:
# past a number of marked buckets, answers take their summaries as they are.
FINISH = f"""
UPDATE definitions d SET fingerprint = $3, target = NULL, reached = NULL, marked_at = NULL
WHERE tenant_id = $1 AND resource = $2::smallint
  AND NOT EXISTS (SELECT 1 FROM subject_marks m
    WHERE m.tenant_id = $1 AND m.resource = $2::smallint AND m.marked_at <= d.marked_at)
  AND NOT EXISTS (SELECT 1 FROM marks m
    WHERE m.tenant_id = $1 AND m.reason & {MarkReason.DERIVED_AGAIN} <> 0)
RETURNING 1"""


async def outdated(pool: asyncpg.Pool) -> list[tuple[UUID, Resource]]:
    """Whose facts another derivation made. New tenants and resources are entered on the way."""
    resources, derivations = fingerprints()
    async with acquire(pool) as connection:
        new = await connection.fetch(WITHOUT_ENTRY, len(resources))
    for row in new:
        async with tenant_transaction(pool, row["tenant_id"]) as connection:
            await connection.execute(ADD_MISSING, row["tenant_id"], resources, derivations)
    async with acquire(pool) as connection:
        rows = await connection.fetch(OUTDATED, resources, derivations)
    return [(row["tenant_id"], Resource(row["resource"])) for row in rows]


async def mark_some(pool: asyncpg.Pool, tenant_id: UUID, resource: Resource) -> int:
    """Mark the next subjects; how many there were. With none left, see whether all are through."""
    kind = SUBJECT_KINDS[resource]
    async with tenant_transaction(pool, tenant_id, many_rows=True) as connection:
        entry = await connection.fetchrow(PROGRESS, tenant_id, int(resource))
        if entry is None or (entry["fingerprint"], entry["target"]) == (kind.fingerprint, None):
            return 0
        has_begun = entry["target"] == kind.fingerprint
        rows = await connection.fetch(
            f"SELECT id FROM {kind.table} WHERE tenant_id = $1 AND id > $2 "
            f"ORDER BY id LIMIT {SUBJECTS_PER_STEP}",
            tenant_id,
            entry["reached"] if has_begun else BEGINNING,
        )
        ids = [row["id"] for row in rows]
        if not ids:
            if not has_begun or entry["marked_at"] is None:
                await connection.execute(ALL_MARKED, tenant_id, int(resource), kind.fingerprint)
            if await connection.fetchval(FINISH, tenant_id, int(resource), kind.fingerprint):
                log.info("derivation renewed", extra={"fields": {"resource": kind.name}})
            return 0
        for statement in kind.refill:
            await connection.execute(statement, tenant_id, ids)
        await connection.execute(MARK, tenant_id, int(resource), ids)
        faultpoint("redefine.marked")
        await connection.execute(ADVANCE, tenant_id, int(resource), kind.fingerprint, ids[-1])
    return len(ids)


async def redefine(pool: asyncpg.Pool) -> int | None:
    """One step for everybody whose facts another derivation made: the subjects marked; None where
    nothing is left to do."""
    waiting = await outdated(pool)
    if not waiting:
        return None
    return sum([await mark_some(pool, *each) for each in waiting])

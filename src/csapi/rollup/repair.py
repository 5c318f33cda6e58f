"""Mending what verify found, by the same marks that ingest leaves."""

from datetime import datetime
from uuid import UUID

import asyncpg

from csapi.access.tenancy import tenant_scope
from csapi.facts.derive import mend_gaps
from csapi.facts.kinds import Grain
from csapi.metrics.rebuild import SLOT
from csapi.metrics.zones import day_start, local_date, month_start
from csapi.rollup.verify import Findings

MARK_SUBJECTS = """
INSERT INTO subject_marks (tenant_id, resource, subject)
SELECT $1, $2::smallint, subject FROM unnest($3::uuid[]) AS s (subject)"""

MARK_BUCKETS = """
INSERT INTO marks (tenant_id, grain, bucket)
SELECT $1, $2::smallint, bucket FROM unnest($3::timestamptz[]) AS b (bucket)"""


async def repair(connection: asyncpg.Connection, findings: Findings) -> int:
    """Mark what is wrong, for the worker to derive and rebuild; the number of marks left."""
    left = 0
    zones = {
        row["tenant_id"]: row["timezone"]
        for row in await connection.fetch("SELECT tenant_id, timezone FROM tenants")
    }
    for tenant_id, subjects in findings.wrong_subjects.items():
        async with tenant_scope(connection, tenant_id):
            for resource, ids in subjects.items():
                await connection.execute(MARK_SUBJECTS, tenant_id, int(resource), sorted(ids))
                await mend_gaps(connection, tenant_id, sorted(ids))
                left += len(ids)
    for tenant_id, buckets in findings.wrong_buckets.items():
        left += await mark_buckets(connection, tenant_id, zones[tenant_id], buckets)
    return left


async def mark_buckets(
    connection: asyncpg.Connection,
    tenant_id: UUID,
    timezone: str,
    buckets: set[tuple[Grain, datetime]],
) -> int:
    slots: set[datetime] = set()
    for grain, start in buckets:
        slots |= set(slots_of(grain, start, timezone))
    async with tenant_scope(connection, tenant_id):
        await connection.execute(MARK_BUCKETS, tenant_id, int(Grain.SLOT), sorted(slots))
    return len(slots)


def slots_of(grain: Grain, start: datetime, timezone: str) -> list[datetime]:
    """The slots whose rebuild mends a bucket: of a month all, of a slot those to its day's end."""
    following = month_start if grain is Grain.MONTH else day_start
    end = following(timezone, local_date(timezone, start), 1)
    return [start + number * SLOT for number in range((end - start) // SLOT)]

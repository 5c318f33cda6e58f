"""When facts are derived otherwise than before, the worker brings stored ones in line."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from uuid import UUID

import asyncpg
import msgspec
from tests.conftest import Database

from csapi.facts.feedback import FEEDBACK, FEEDBACK_REQUESTS
from csapi.facts.kinds import Kind, Reference, Resource
from csapi.ingest.examples import EXAMPLES
from csapi.ingest.service import Intake, ingest_records
from csapi.kit.migrate import run_alembic
from csapi.rollup.sweep import Drainer

NOW = datetime(2026, 6, 1, tzinfo=UTC)
YOUNGER = (Kind.FEEDBACK_REQUEST_CREATED, Kind.FEEDBACK_COMMENT)
COUNTS = """
SELECT kind, count(*) AS n FROM facts WHERE tenant_id = $1 AND kind = ANY($2::int[])
GROUP BY kind ORDER BY kind"""


async def test_a_definition_mark_derives_a_resource_again(
    intake: Intake,
    worker_pool: asyncpg.Pool,
    admin: asyncpg.Connection,
    new_tenant: Callable[..., Awaitable[UUID]],
) -> None:
    tenant_id = await new_tenant()
    for kind in (FEEDBACK_REQUESTS, FEEDBACK):
        items = [msgspec.json.encode(item) for item in EXAMPLES[kind.name].values()]
        await ingest_records(intake, tenant_id, kind, items, NOW)
    before = await admin.fetch(COUNTS, tenant_id, YOUNGER)
    assert [row["kind"] for row in before] == list(YOUNGER)
    await admin.execute(
        "DELETE FROM facts WHERE tenant_id = $1 AND kind = ANY($2::int[])", tenant_id, YOUNGER
    )
    for resource in (Resource.FEEDBACK_REQUEST, Resource.FEEDBACK):
        await admin.execute(
            "INSERT INTO reference_marks (tenant_id, reference, member) VALUES ($1, $2, $3)",
            tenant_id,
            int(Reference.DEFINITION),
            int(resource),
        )
    await Drainer(worker_pool, settled_seconds=0, rested=False).drain()
    assert await admin.fetch(COUNTS, tenant_id, YOUNGER) == before


async def test_a_tenant_from_before_is_marked(make_database: Callable[[], Database]) -> None:
    own = make_database()
    await run_alembic(own.admin_url, "downgrade", "0002")
    connection = await asyncpg.connect(own.admin_url)
    try:
        await connection.execute(
            "INSERT INTO csapi.tenants (tenant_id, name, timezone) VALUES (uuidv7(), 'old', 'UTC')"
        )
        await run_alembic(own.admin_url, "upgrade", "head")
        marks = await connection.fetch(
            "SELECT reference, member FROM csapi.reference_marks ORDER BY member"
        )
    finally:
        await connection.close()
    expected = {(int(Reference.DEFINITION), int(each)) for each in (
        Resource.FEEDBACK_REQUEST, Resource.FEEDBACK,
    )}  # fmt: skip
    assert expected <= {(row["reference"], row["member"]) for row in marks}

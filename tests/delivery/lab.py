"""Tenants to experiment on: made once by production code, then copied for each schedule."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import msgspec

from csapi.access.service import create_tenant
from csapi.facts.events import EVENTS
from csapi.facts.kinds import Grain
from csapi.facts.lookup import Ref
from csapi.facts.registry import RECORD_KINDS
from csapi.ingest.directory import Directory, TenantNames
from csapi.ingest.events import ingest_events
from csapi.ingest.service import Intake, Outcome, ingest_records
from csapi.kit.tables import metadata
from csapi.metrics.zones import day_start, local_date, month_start
from csapi.rollup.buckets import Bucket, rebuild
from csapi.rollup.subjects import derive_tenant

KINDS = {kind.name: kind for kind in (*RECORD_KINDS, EVENTS)}
SOURCE = "s"
Item = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Known:
    """What a process remembers of a tenant's names."""

    names: dict[Ref, int]
    attributes: dict[str, int] | None

    def directory(self, pool: Any, tenant_id: UUID) -> Directory:
        directory = Directory(pool)
        names = TenantNames()
        names.known, names.attributes = dict(self.names), self.attributes
        directory._tenants[tenant_id] = names
        return directory


async def take_in(
    intake: Intake, tenant_id: UUID, resource: str, items: Iterable[Item]
) -> list[Outcome]:
    """Hand items to the production coroutine of their resource. None may be rejected."""
    kind = KINDS[resource]
    raw = [msgspec.json.encode({"source": SOURCE, **item}) for item in items]
    ingest = ingest_events if kind is EVENTS else ingest_records
    outcomes = await ingest(intake, tenant_id, kind, raw, datetime.now(UTC))
    assert all(outcome.status != "rejected" for outcome in outcomes), outcomes
    return outcomes


# So few facts make a day busy, so that days grow from quiet to busy under the tests.
BUSY = 12

WAITING = """
SELECT grain, bucket FROM marks WHERE tenant_id = $1
UNION SELECT 0, NULL FROM subject_marks WHERE tenant_id = $1
UNION SELECT 0, NULL FROM reference_marks WHERE tenant_id = $1"""


async def drain(pool: Any, tenant_id: UUID, timezone: str = "UTC") -> None:
    """Work off all marks of one tenant, as the sweeper does for all of them."""
    for _ in range(100):
        async with pool.acquire() as connection:
            waiting = await connection.fetch(WAITING, tenant_id)
        if not waiting:
            return
        if any(row["bucket"] is None for row in waiting):
            await derive_tenant(pool, tenant_id)
            continue
        for bucket in buckets_of(waiting, tenant_id, timezone):
            await rebuild(pool, bucket, rested=False, busy_day_facts=BUSY)
    raise AssertionError("marks do not drain")


def buckets_of(marks: Iterable[Any], tenant_id: UUID, timezone: str) -> list[Bucket]:
    """The marked days; the marked months when no day is left."""
    days, months = set(), set()
    for row in marks:
        local = local_date(timezone, row["bucket"])
        if row["grain"] == Grain.SLOT:
            days.add(day_start(timezone, local))
        else:
            months.add(month_start(timezone, local))
    grain = Grain.DAY if days else Grain.MONTH
    return [Bucket(tenant_id, timezone, grain, start) for start in sorted(days or months)]


class Lab:
    """One database, and the connections of all lanes."""

    def __init__(
        self, admin: asyncpg.Connection, monitor: asyncpg.Connection, api: Any, worker: Any
    ) -> None:
        self.admin = admin
        self.monitor = monitor
        self.api = api
        self.worker = worker
        self.api_lanes: list[asyncpg.Connection] = []
        self.worker_lanes: list[asyncpg.Connection] = []

    async def make_tenant(self, timezone: str = "UTC") -> UUID:
        async with self.api.acquire() as connection:
            tenant_id: UUID = await create_tenant(connection, "test", timezone)
        return tenant_id

    def intake(self) -> Intake:
        return Intake(self.api, Directory(self.api))

    async def prepare_copies(self) -> None:
        """Make the function that copies a tenant: as the superuser, past row-level security."""
        statements = []
        for table in metadata.sorted_tables:
            if "tenant_id" not in table.c or table.name == "api_keys":
                continue
            rest = ", ".join(name for name in table.columns.keys() if name != "tenant_id")  # noqa: SIM118
            statements.append(
                f"INSERT INTO {table.name} (tenant_id, {rest}) "
                f"SELECT copy, {rest} FROM {table.name} WHERE tenant_id = original;"
            )
        await self.admin.execute(
            "CREATE FUNCTION pg_temp.copy_tenant(original uuid, copy uuid) RETURNS void "
            f"LANGUAGE plpgsql AS $$ BEGIN {' '.join(statements)} END $$"
        )

    async def copy_tenant(self, original: UUID) -> UUID:
        copy = uuid4()
        await self.admin.execute("SELECT pg_temp.copy_tenant($1, $2)", original, copy)
        return copy

    def lane_connections(self, roles: Iterable[str]) -> list[asyncpg.Connection]:
        """A connection for each lane, by the role that the code runs as in production."""
        spare = {"api": iter(self.api_lanes), "worker": iter(self.worker_lanes)}
        return [next(spare[role]) for role in roles]


def version(minutes: int) -> str:
    """A source_updated_at: later for a larger number."""
    return (datetime(2026, 6, 1, tzinfo=UTC) + timedelta(minutes=minutes)).isoformat()

"""Three tenants with the same facts: one summarized, one half way, one not at all."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
import hypothesis
import msgspec
import pytest
from tests.conftest import Database
from tests.metrics.world import (
    AGENTS,
    CUSTOM_NAME,
    CUSTOMER_TAGS,
    CUSTOMER_TYPES,
    CUSTOMERS,
    LABELS,
    NOW,
    SLOT,
    TEAMS,
    TIMEZONE,
    Fact,
    fact_rows,
    is_ahead,
    random_facts,
)

from csapi.access.service import create_tenant
from csapi.facts.kinds import Grain
from csapi.kit.db import SERVER_SETTINGS, connect, open_pool
from csapi.metrics.cuboids import BUSY_DAY_FACTS
from csapi.metrics.metric import Metric
from csapi.metrics.zones import day_start, local_date, month_start
from csapi.reports.records import records
from csapi.reports.records_schemas import RecordsQuery
from csapi.reports.schemas import Query
from csapi.reports.service import Desk, answer
from csapi.rollup.buckets import Bucket, rebuild

# How long an example takes says more about the machine than about the code.
hypothesis.settings.register_profile("unhurried", deadline=None)
hypothesis.settings.load_profile("unhurried")

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def slot_of(fact: Fact) -> datetime:
    at: datetime = fact["occurred_at"]
    return at - (at - EPOCH) % SLOT


async def write_names(admin: asyncpg.Connection, tenant_id: UUID) -> None:
    for table, members in (("agents", AGENTS), ("teams", TEAMS), ("customers", CUSTOMERS)):
        await admin.executemany(
            f"INSERT INTO {table} (tenant_id, source, external_id, surrogate, name) "
            "VALUES ($1, 's', $2, $3, $4)",
            [(tenant_id, name, number, name.title()) for number, name in members.items()],
        )
    await admin.executemany(
        "INSERT INTO members (tenant_id, member, dimension, key) VALUES ($1, $2, $3, $4)",
        [
            (tenant_id, number, int(label), name)
            for label, members in LABELS.items()
            for number, name in members.items()
        ],
    )
    for column, values in (("type", CUSTOMER_TYPES), ("tags", CUSTOMER_TAGS)):
        await admin.executemany(
            f"UPDATE customers SET {column} = $3 WHERE tenant_id = $1 AND surrogate = $2",
            [(tenant_id, number, value) for number, value in values.items()],
        )
    await admin.execute(
        "INSERT INTO custom_attributes (tenant_id, name, label, slot) VALUES ($1, $2, $2, 1)",
        tenant_id,
        CUSTOM_NAME,
    )


async def write_facts(admin: asyncpg.Connection, tenant_id: UUID, facts: Sequence[Fact]) -> None:
    """Facts and the marks of their slots, as ingest leaves them."""
    columns, rows = fact_rows(tenant_id, facts)
    async with admin.transaction():
        await admin.copy_records_to_table(
            "facts", schema_name="csapi", columns=columns, records=rows
        )
        await mark(admin, tenant_id, Grain.SLOT, {slot_of(fact) for fact in facts})


async def mark(
    admin: asyncpg.Connection, tenant_id: UUID, grain: Grain, buckets: Iterable[datetime]
) -> None:
    await admin.executemany(
        "INSERT INTO marks (tenant_id, grain, bucket) VALUES ($1, $2, $3)",
        [(tenant_id, int(grain), bucket) for bucket in buckets],
    )


async def summarize(
    pool: asyncpg.Pool, tenant_id: UUID, facts: Sequence[Fact], *, months: bool = True
) -> None:
    days = {local_date(TIMEZONE, fact["occurred_at"]) for fact in facts}
    for day in sorted(days):
        bucket = Bucket(tenant_id, TIMEZONE, Grain.DAY, day_start(TIMEZONE, day))
        # Every other recent day is a busy one.
        busy_day_facts = 0 if day.day % 2 else BUSY_DAY_FACTS
        await rebuild(pool, bucket, rested=False, busy_day_facts=busy_day_facts)
    for month in sorted({month_start(TIMEZONE, day) for day in days}) if months else ():
        await rebuild(pool, Bucket(tenant_id, TIMEZONE, Grain.MONTH, month), rested=False)


@dataclass(frozen=True)
class World:
    """The same facts in three states of being summarized."""

    facts: list[Fact]
    tenants: Mapping[str, UUID]

    def of(self, metric: Metric) -> list[Fact]:
        """The facts that a metric can be about, and that it sees."""
        kinds = set(metric.kinds)
        looks_ahead = metric.build(metric.defaults).is_outlook
        return [
            fact
            for fact in self.facts
            if fact["kind"] in kinds and (looks_ahead or not is_ahead(fact))
        ]


STATES = ("clean", "mixed", "raw")
FACT_COUNT = 4_000


@pytest.fixture(scope="session")
async def world(database: Database) -> World:
    """clean: all summarized. mixed: some slots and a month wait. raw: nothing was summarized."""
    facts = random_facts(7, FACT_COUNT)
    admin = await asyncpg.connect(database.admin_url, server_settings=SERVER_SETTINGS)
    pool = await open_pool(database.worker_url, size=2, statement_timeout_ms=60_000)
    tenants = {}
    for state in STATES:
        tenants[state] = await create_tenant(admin, state, TIMEZONE)
        await write_names(admin, tenants[state])
    late = [fact for number, fact in enumerate(facts) if number % 40 == 0]
    early = [fact for number, fact in enumerate(facts) if number % 40]
    await write_facts(admin, tenants["clean"], facts)
    await summarize(pool, tenants["clean"], facts)
    await write_facts(admin, tenants["mixed"], early)
    await summarize(pool, tenants["mixed"], early)
    await write_facts(admin, tenants["mixed"], late)
    # Half of the late days are rolled up, their months not: those keep a month mark.
    await summarize(pool, tenants["mixed"], late[: len(late) // 2], months=False)
    await write_facts(admin, tenants["raw"], facts)
    await pool.close()
    await admin.close()
    return World(facts, tenants)


Ask = Callable[..., Awaitable[Any]]


@pytest.fixture
def ask(api_pool: asyncpg.Pool) -> Ask:
    """An async function: the answer to a query, as the JSON that goes out."""

    async def run(tenant_id: UUID, query: Mapping[str, Any], *, now: datetime = NOW) -> Any:
        desk = Desk(
            pool=api_pool, tenant_id=tenant_id, timezone=TIMEZONE, now=now, live_slots_max=20_000
        )
        found = await answer(desk, msgspec.convert(query, Query))
        return msgspec.json.decode(msgspec.json.encode(found))

    return run


__all__ = ["Ask", "World", "ask", "connect", "world"]


@pytest.fixture(scope="session")
async def recorded(world: World, database: Database) -> World:
    """The same world, in which the subjects of facts are tickets."""
    subjects = sorted({fact["subject"] for fact in world.facts})
    admin = await asyncpg.connect(database.admin_url, server_settings=SERVER_SETTINGS)
    for tenant_id in world.tenants.values():
        await admin.copy_records_to_table(
            "tickets",
            schema_name="csapi",
            columns=["tenant_id", "id", "source", "external_id"],
            records=[(tenant_id, subject, "s", str(subject)) for subject in subjects],
        )
    await admin.close()
    return world


@pytest.fixture(scope="session")
async def readers(database: Database) -> AsyncIterator[asyncpg.Pool]:
    pool = await open_pool(database.api_url, size=2, statement_timeout_ms=60_000)
    yield pool
    await pool.close()


@pytest.fixture(scope="session")
def behind(readers: asyncpg.Pool) -> Callable[..., Awaitable[Any]]:
    """An async function: the records behind a cell, as the JSON that goes out."""

    async def run(tenant_id: UUID, query: Mapping[str, Any]) -> Any:
        desk = Desk(readers, tenant_id, TIMEZONE, NOW, live_slots_max=20_000)
        found = await records(desk, msgspec.convert(query, RecordsQuery))
        return msgspec.json.decode(msgspec.json.encode(found))

    return run


@pytest.fixture(scope="session")
def told(readers: asyncpg.Pool) -> Callable[..., Awaitable[Any]]:
    """The same for the answer to a query."""

    async def run(tenant_id: UUID, query: Mapping[str, Any]) -> Any:
        desk = Desk(readers, tenant_id, TIMEZONE, NOW, live_slots_max=20_000)
        found = await answer(desk, msgspec.convert(query, Query))
        return msgspec.json.decode(msgspec.json.encode(found))

    return run

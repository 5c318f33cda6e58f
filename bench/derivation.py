"""What facts cost to derive: a batch's derivation by kind of fact, and its plan.

Run inside the database, without HTTP: the statement that every write and every `csapi verify` uses.
"""

import asyncio
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import asyncpg

from bench.client import Connection
from bench.items import Item, Source, array, encoded
from bench.measure import Line, Progress
from bench.servers import Database, Servers, Tenant
from csapi.access.tenancy import tenant_scope
from csapi.facts.call import CALLS
from csapi.facts.events import EVENTS
from csapi.facts.kinds import Kind, Resource
from csapi.facts.registry import SUBJECT_KINDS
from csapi.facts.resource import RecordKind
from csapi.facts.ticket import TICKETS
from csapi.kit.db import connect

BATCH = 1_000
NO_KIND = 0


@dataclass(frozen=True, slots=True)
class Plan:
    rounds: int
    batches: int


QUICK, FULL = Plan(rounds=3, batches=2), Plan(rounds=7, batches=10)


@dataclass(frozen=True, slots=True)
class Batch:
    """So many subjects of one resource, whose facts are derived in one statement."""

    resource: Resource
    ids: Sequence[UUID]

    @property
    def name(self) -> str:
        return f"{len(self.ids):,} {SUBJECT_KINDS[self.resource].name}"


class Bench:
    """A connection of the API's role, in transactions of one tenant."""

    def __init__(self, connection: asyncpg.Connection, tenant_id: UUID) -> None:
        self.connection = connection
        self.tenant_id = tenant_id

    async def milliseconds(self, batch: Batch, kinds: str, rounds: int) -> float:
        """The median time of deriving the batch's facts as far as they are of such kinds."""
        derivation = SUBJECT_KINDS[batch.resource].derivation
        sql = (
            f"SELECT count(*), sum(f.duration_ms), sum(f.value) FROM ({derivation}) f WHERE {kinds}"
        )
        times = []
        for _ in range(rounds + 1):
            async with tenant_scope(self.connection, self.tenant_id, many_rows=True):
                began = time.perf_counter()
                await self.connection.fetch(sql, self.tenant_id, batch.ids)
                times.append(1000 * (time.perf_counter() - began))
        return statistics.median(times[1:])

    async def counted(self, batch: Batch) -> dict[Kind, int]:
        sql = (
            "SELECT kind, count(*) FROM facts WHERE tenant_id = $1 AND subject = ANY($2) GROUP BY 1"
        )
        async with tenant_scope(self.connection, self.tenant_id):
            rows = await self.connection.fetch(sql, self.tenant_id, batch.ids)
        return {Kind(row[0]): row[1] for row in rows}

    async def plan(self, batch: Batch) -> str:
        sql = f"EXPLAIN (ANALYZE, BUFFERS) {SUBJECT_KINDS[batch.resource].derivation}"
        async with tenant_scope(self.connection, self.tenant_id, many_rows=True):
            rows = await self.connection.fetch(sql, self.tenant_id, batch.ids)
        return "\n".join(row[0] for row in rows)


def send(port: int, tenant: Tenant, kind: RecordKind, items: Sequence[Item]) -> None:
    connection = Connection(port)
    for start in range(0, len(items), BATCH):
        body = array(encoded(list(items[start : start + BATCH])))
        connection.exchange(tenant.key.post(f"/v1/{kind.name}/batch", body))
    connection.close()


def fill(port: int, tenant: Tenant, batches: int) -> None:
    source = Source("derived", 1)
    tickets = [source.ticket(has_milestones=False) for _ in range(BATCH * batches)]
    send(port, tenant, CALLS, [source.call() for _ in range(BATCH * batches)])
    send(port, tenant, TICKETS, tickets)
    send(port, tenant, EVENTS, [event for ticket in tickets for event in source.events(ticket)])


async def batch_of(admin: asyncpg.Connection, tenant: Tenant, resource: Resource) -> Batch:
    table = SUBJECT_KINDS[resource].table
    sql = f"SELECT id FROM {table} WHERE tenant_id = $1 ORDER BY id LIMIT {BATCH}"
    return Batch(resource, [row["id"] for row in await admin.fetch(sql, tenant.tenant_id)])


async def by_kind(bench: Bench, batch: Batch, rounds: int) -> list[Line]:
    """The whole, then what each kind adds to what all have in common."""
    whole = await bench.milliseconds(batch, "true", rounds)
    common = await bench.milliseconds(batch, f"f.kind = {NO_KIND}", rounds)
    facts = await bench.counted(batch)
    lines = [
        Line(
            what=f"derivation, {batch.name}",
            unit="ms",
            csapi=whole,
            note=f"{sum(facts.values()):,} facts; {common:.1f} ms to look at the subjects alone",
        )
    ]
    for kind, count in sorted(facts.items()):
        alone = await bench.milliseconds(batch, f"f.kind = {int(kind)}", rounds)
        name = kind.name.lower().replace("_", " ")
        note = f"{count:,} facts, alone"
        lines.append(Line(what=f"… {name}", unit="ms", csapi=max(0.0, alone - common), note=note))
    return lines


async def measure(
    database: Database, tenant: Tenant, rounds: int
) -> tuple[list[Line], dict[str, str]]:
    """The lines, and the plans by what they are of."""
    admin, connection = await database.admin(), await connect(database.api_url)
    bench = Bench(connection, tenant.tenant_id)
    batches = [await batch_of(admin, tenant, each) for each in (Resource.CALL, Resource.TICKET)]
    unknown = [await bench.milliseconds(batch, "true", rounds) for batch in batches]
    plans = {
        f"{batch.name}, before the first ANALYZE": await bench.plan(batch) for batch in batches
    }
    await admin.execute("ANALYZE")
    lines: list[Line] = []
    for batch, before in zip(batches, unknown, strict=True):
        known = await bench.milliseconds(batch, "true", rounds)
        plans[f"{batch.name}, after it"] = await bench.plan(batch)
        line = Line(
            what=f"derivation, {batch.name}: before the first ANALYZE against after it",
            unit="ms",
            csapi=before,
            limit=known,
            ratio=before / known,
        )
        lines += [line, *await by_kind(bench, batch, rounds)]
    await connection.close()
    await admin.close()
    return lines, plans


def filled(servers: Servers, batches: int) -> tuple[Database, Tenant]:
    database = servers.database("derivation")
    tenant = asyncio.run(database.tenant())
    with servers.running("serve", database) as port:
        fill(port, tenant, batches)
    return database, tenant


def run(servers: Servers, progress: Progress, *, is_quick: bool) -> list[Line]:
    plan = QUICK if is_quick else FULL
    progress.say("derivation by kind of fact")
    database, tenant = filled(servers, plan.batches)
    lines, servers.plans = asyncio.run(measure(database, tenant, plan.rounds))
    return lines

"""KPI reads over HTTP, against one SELECT of the same summary rows inside the same HTTP server.

Ratios come from a closed loop on one connection: nothing queues, so it is the time of one read.
The p99 that is held against milliseconds comes from an open loop: requests are due at fixed times,
whatever became of those before, and their latency counts from then.
"""

import asyncio
import json
import statistics
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date, timedelta

from bench.client import Connection, Key, closed_loop
from bench.measure import Line, Progress, at_most, in_ms, paired, quantile
from bench.rivals import rival_lines
from bench.rollup import END, drained
from bench.seeding import History, mark, seed
from bench.servers import Database, Servers, Tenant
from csapi.facts.kinds import Grain
from csapi.kit.db import open_pool
from csapi.metrics.catalog import METRICS
from csapi.reports.kpi_schemas import KpiSet
from csapi.reports.kpis import SETS

LATENCY_GOAL, P99_GOAL_MS, GROWTH_GOAL = 3, 50, 1.5
DAYS = 365
OPEN_RATE, OPEN_CONNECTIONS = 25, 8
NAMES = SETS[KpiSet.call_center]
KINDS = sorted({int(kind) for name in NAMES for kind in METRICS[name].kinds})


@dataclass(frozen=True, slots=True)
class Plan:
    """How many facts the tenants have, smallest first."""

    sizes: tuple[int, ...]
    rounds: int
    requests: int
    open_seconds: int


QUICK = Plan(sizes=(20_000, 100_000), rounds=4, requests=25, open_seconds=4)
FULL = Plan(sizes=(100_000, 1_000_000, 10_000_000), rounds=8, requests=50, open_seconds=10)


@dataclass(frozen=True, slots=True)
class Question:
    name: str
    ours: bytes
    limit: bytes


def last_month() -> tuple[date, date]:
    """The last whole month of the seeded days."""
    end = END.date().replace(day=1)
    return (end - timedelta(days=1)).replace(day=1), end


def rows_of(key: Key, cuboid: int, grain: Grain) -> bytes:
    """The summary rows that csapi needs for the same answer."""
    first, last = last_month()
    kinds = "".join(f"&kind={kind}" for kind in KINDS)
    span = f"&from={first}T00:00:00Z&to={last}T00:00:00Z"
    return key.get(f"/limit/summaries?cuboid={cuboid}&grain={int(grain)}{span}{kinds}")


def query(key: Key, *dimensions: str) -> bytes:
    first, last = last_month()
    body = {
        "metrics": [{"id": name} for name in NAMES],
        "time": {"range": {"from": str(first), "to": str(last)}},
        "dimensions": list(dimensions),
    }
    return key.post("/v1/query", json.dumps(body).encode())


def questions(key: Key) -> list[Question]:
    first, last = last_month()
    kpis = key.get(f"/v1/kpis?set=call_center&from={first}&to={last}")
    month = rows_of(key, 1, Grain.MONTH)
    return [
        Question("call center KPIs of a month", kpis, month),
        Question("query, month", query(key), month),
        Question("query, month by day", query(key, "time:day"), rows_of(key, 1, Grain.DAY)),
        Question("query, month by agent", query(key, "agent"), rows_of(key, 2, Grain.MONTH)),
    ]


@dataclass(slots=True)
class Times:
    """Latencies by round in seconds."""

    rounds: list[list[float]] = field(default_factory=list)

    def add(self, port: int, request: bytes, count: int) -> None:
        self.rounds.append(closed_loop(port, [[request] * count]).latencies)

    def medians(self) -> list[float]:
        return [statistics.median(each) for each in self.rounds]

    def shown(self) -> str:
        every = [latency for each in self.rounds for latency in each]
        return in_ms(every, 0.5, 0.95, 0.99)


def compare(ports: tuple[int, int], question: Question, plan: Plan) -> tuple[Times, Times]:
    ours, limit = Times(), Times()
    for port, request in zip(ports, (question.ours, question.limit), strict=True):
        closed_loop(port, [[request] * plan.requests])
    for _ in range(plan.rounds):
        ours.add(ports[0], question.ours, plan.requests)
        limit.add(ports[1], question.limit, plan.requests)
    return ours, limit


def latency_lines(
    ports: tuple[int, int], tenant: Tenant, facts: int, plan: Plan, progress: Progress
) -> list[Line]:
    lines = []
    for question in questions(tenant.key):
        ours, limit = compare(ports, question, plan)
        ratio = paired(ours.medians(), limit.medians())
        lines.append(
            Line(
                what=f"{question.name}, {facts:,} facts",
                unit="ms",
                csapi=1000 * statistics.median(ours.medians()),
                limit=1000 * statistics.median(limit.medians()),
                ratio=ratio,
                goal=at_most(LATENCY_GOAL, ratio),
                note=f"p50/p95/p99 {ours.shown()} ms against {limit.shown()} ms",
            )
        )
        progress.say(f"  {question.name}: {ours.shown()} against {limit.shown()} ms")
    return lines


def open_loop(port: int, requests: Sequence[bytes], rate: float) -> list[float]:
    """Latencies of requests that are due at fixed times, counted from when they were due."""
    began = time.perf_counter() + 0.1
    due = iter([began + number / rate for number in range(len(requests))])
    turns = iter(requests)

    def work(_: int) -> list[float]:
        connection, latencies = Connection(port), []
        while (at := next(due, None)) is not None:
            request = next(turns)
            time.sleep(max(0.0, at - time.perf_counter()))
            connection.exchange(request)
            latencies.append(time.perf_counter() - at)
        connection.close()
        return latencies

    with ThreadPoolExecutor(OPEN_CONNECTIONS) as pool:
        return [each for found in pool.map(work, range(OPEN_CONNECTIONS)) for each in found]


def open_line(port: int, tenant: Tenant, facts: int, plan: Plan) -> Line:
    mixed = [question.ours for question in questions(tenant.key)]
    count = plan.open_seconds * OPEN_RATE
    latencies = open_loop(port, [mixed[number % len(mixed)] for number in range(count)], OPEN_RATE)
    p99 = 1000 * quantile(latencies, 0.99)
    return Line(
        what=f"these reads mixed, {OPEN_RATE} due each second, {facts:,} facts: p99",
        unit="ms",
        csapi=p99,
        goal=at_most(P99_GOAL_MS, p99, " ms"),
        note=f"p50/p95 {in_ms(latencies, 0.5, 0.95)} ms",
    )


def growth_lines(port: int, small: Tenant, large: Tenant, plan: Plan) -> list[Line]:
    """The same read of a small and a large tenant, in turns."""
    lines = []
    pairs = zip(questions(small.key), questions(large.key), strict=True)
    for few, many in pairs:
        times = Times(), Times()
        for _ in range(plan.rounds):
            times[0].add(port, few.ours, plan.requests)
            times[1].add(port, many.ours, plan.requests)
        ratio = paired(times[1].medians(), times[0].medians())
        lines.append(
            Line(
                what=f"growth, {few.name}: {plan.sizes[-1]:,} facts against {plan.sizes[0]:,}",
                unit="ms",
                csapi=1000 * statistics.median(times[1].medians()),
                limit=1000 * statistics.median(times[0].medians()),
                ratio=ratio,
                goal=at_most(GROWTH_GOAL, ratio),
            )
        )
    return lines


async def grown(database: Database, facts: int, progress: Progress) -> tuple[Tenant, list[Line]]:
    """A tenant with that many facts, summarized; how fast that was, and what it takes on disk."""
    admin = await database.admin()
    tenant = await database.tenant()
    sizes = [await admin.fetchval(SIZE, table) for table in TABLES]
    progress.say(f"reads: {facts:,} facts over {DAYS} days")
    await seed(admin, tenant.tenant_id, History(facts, END - timedelta(days=DAYS), END))
    await mark(admin, tenant.tenant_id)
    pool = await open_pool(database.worker_url, size=4, statement_timeout_ms=60_000)
    seconds = await drained(admin, pool, tenant.tenant_id)
    await pool.close()
    lines = []
    for table, before in zip(TABLES, sizes, strict=True):
        await admin.execute(f"VACUUM ANALYZE {table}")
        rows = await admin.fetchval(
            f"SELECT count(*) FROM {table} WHERE tenant_id = $1", tenant.tenant_id
        )
        taken = (await admin.fetchval(SIZE, table) - before) / rows
        what = f"disk, {facts:,} facts: {table}"
        lines.append(Line(what=what, unit="bytes/row", csapi=taken, note=f"{rows:,} rows"))
    await admin.close()
    rate = Line(what=f"summarizing {facts:,} facts", unit="facts/s", csapi=facts / seconds)
    return tenant, [rate, *lines]


SIZE = "SELECT pg_total_relation_size($1::text::regclass)"
TABLES = ("facts", "summaries")


def run(servers: Servers, progress: Progress, *, is_quick: bool) -> list[Line]:
    plan = QUICK if is_quick else FULL
    database = servers.database("reads")
    lines: list[Line] = []
    extra: list[Line] = []
    tenants: list[Tenant] = []
    for facts in plan.sizes:
        tenant, found = asyncio.run(grown(database, facts, progress))
        tenants.append(tenant)
        extra += found
    with (
        servers.running("serve", database) as port,
        servers.running("limit", database) as limit_port,
    ):
        for facts, tenant in zip(plan.sizes, tenants, strict=True):
            lines += latency_lines((port, limit_port), tenant, facts, plan, progress)
            lines.append(open_line(port, tenant, facts, plan))
        lines += growth_lines(port, tenants[0], tenants[-1], plan)
        for facts, tenant in list(zip(plan.sizes, tenants, strict=True))[1:]:
            lines += rival_lines(port, database, tenant, facts, progress)
    return lines + extra

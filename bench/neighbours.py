"""A thousand tenants, one of them flooding: what the others feel.

Reads of all tenants in turn are due at fixed times; first alone, then while one tenant pushes
batches and asks for a year at a time on several connections, as fast as it is answered.
"""

import asyncio
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from bench.client import Connection, UnexpectedAnswerError
from bench.items import Source, array, encoded
from bench.measure import Line, Progress, at_most, in_ms, quantile
from bench.reads import NAMES, OPEN_RATE, open_loop
from bench.rollup import END, drained
from bench.seeding import History, mark, seed
from bench.servers import Database, Servers, Tenant
from csapi.kit.db import open_pool

RATIO_GOAL = 2
DAYS = 7
FLOOD_LANES, FLOOD_BATCHES, BATCH = 4, 20, 1_000


def week(tenant: Tenant) -> bytes:
    """The call center's KPIs by day."""
    body = {
        "metrics": [{"id": name} for name in NAMES],
        "time": {
            "range": {"from": str((END - timedelta(days=DAYS)).date()), "to": str(END.date())}
        },
        "dimensions": ["time:day"],
    }
    return tenant.key.post("/v1/query", json.dumps(body).encode())


async def settled(database: Database, count: int, facts: int, progress: Progress) -> list[Tenant]:
    """So many tenants with so many facts each, summarized."""
    admin = await database.admin()
    pool = await open_pool(database.worker_url, size=4, statement_timeout_ms=60_000)
    history = History(facts, END - timedelta(days=DAYS), END)
    tenants = []
    for number in range(count):
        tenant = await database.tenant()
        await seed(admin, tenant.tenant_id, history)
        await mark(admin, tenant.tenant_id)
        tenants.append(tenant)
        if number % 100 == 99:
            progress.say(f"  {number + 1:,} tenants")
    seconds = await drained(admin, pool, tenants[-1].tenant_id)
    progress.say(f"  summarized in {seconds:.0f} s")
    await admin.execute("VACUUM ANALYZE facts, summaries")
    await pool.close()
    await admin.close()
    return tenants


def flood(port: int, tenant: Tenant, is_over: threading.Event) -> int:
    """Push and ask on several connections until told to stop; gives the number of answers."""
    span = {"from": str((END - timedelta(days=360)).date()), "to": str(END.date())}
    body = {
        "metrics": [{"id": "average_speed_of_answer", "as": "p90", "agg": "p90"}],
        "time": {"range": span},
        "dimensions": ["time:day", "agent"],
    }
    heavy = tenant.key.post("/v1/query", json.dumps(body).encode())

    def lane(number: int) -> int:
        connection, answers = Connection(port), 0
        source = Source(f"flood-{number}", number)
        pushed = [
            tenant.key.post(
                "/v1/calls/batch", array(encoded([source.call() for _ in range(BATCH)]))
            )
            for _ in range(FLOOD_BATCHES)
        ]
        while not is_over.is_set():
            try:
                connection.exchange(heavy if number % 2 else pushed[answers % len(pushed)])
            except UnexpectedAnswerError:
                # Refused, which is an answer, too.
                connection.close()
                connection = Connection(port)
            answers += 1
        connection.close()
        return answers

    with ThreadPoolExecutor(FLOOD_LANES) as pool:
        return sum(pool.map(lane, range(FLOOD_LANES)))


def run(servers: Servers, progress: Progress, *, is_quick: bool) -> list[Line]:
    count, facts, seconds = (50, 500, 4) if is_quick else (1_000, 1_000, 20)
    database = servers.database("neighbours")
    progress.say(f"neighbours: {count:,} tenants with {facts:,} facts each")
    tenants = asyncio.run(settled(database, count, facts, progress))
    noisy, others = tenants[0], tenants[1:]
    requests = [week(others[number % len(others)]) for number in range(seconds * OPEN_RATE)]
    with servers.running("serve", database) as port, servers.running("worker", database):
        open_loop(port, requests[:OPEN_RATE], OPEN_RATE)
        alone = open_loop(port, requests, OPEN_RATE)
        is_over = threading.Event()
        with ThreadPoolExecutor(1) as pool:
            flooding = pool.submit(flood, port, noisy, is_over)
            try:
                flooded = open_loop(port, requests, OPEN_RATE)
            finally:
                is_over.set()
            answers = flooding.result()
    quiet, loud = (1000 * quantile(each, 0.99) for each in (alone, flooded))
    shown = [in_ms(each, 0.5, 0.95) for each in (alone, flooded)]
    return [
        Line(
            what=f"{count:,} tenants, one flooding: p99 of the others' reads",
            unit="ms",
            csapi=loud,
            limit=quiet,
            ratio=loud / quiet,
            goal=at_most(RATIO_GOAL, loud / quiet),
            note=f"p50/p95 {shown[1]} against {shown[0]} ms; {answers} answers to it",
        )
    ]

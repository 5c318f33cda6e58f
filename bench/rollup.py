"""Rebuilding the summaries of past days, against one INSERT ... SELECT ... GROUP BY per cuboid.

Both write the same rows: slots of the cuboid that keeps them, days and months of all. What a row
holds is csapi's text (sums, bins); how rows are found and grouped is by hand.
"""

import asyncio
import statistics
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg

from bench.measure import Line, Progress, at_least, paired
from bench.seeding import History, mark, seed
from bench.servers import Database, Servers
from csapi.access.tenancy import tenant_transaction
from csapi.facts.kinds import Grain
from csapi.kit.db import open_pool
from csapi.metrics.bins import EDGES
from csapi.metrics.cuboids import CUBOIDS, Cuboid, kept
from csapi.metrics.rebuild import (
    COLUMNS,
    MEASURE_NAMES,
    MEASURED,
    MEASURES,
    MERGED_BINS,
    STORED_BINS,
    SUMMED,
)
from csapi.rollup.buckets import TRANSACTION_SETTINGS
from csapi.rollup.sweep import Drainer

LANES = 2
RATIO_GOAL = 0.8
# Ends before the days whose slots have rows of every cuboid.
END = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=10)
NAMES = ", ".join(MEASURE_NAMES)
WIDTH = {Grain.SLOT: "15 minutes", Grain.DAY: "1 day"}


def by_hand(grain: Grain, cuboid: Cuboid) -> str:
    """All buckets of a cuboid at once. $1 tenant, $2 edges of bins."""
    keys = [f"coalesce({column}, 0)" for column in cuboid.columns] + ["0", "0"]
    return f"""
INSERT INTO summaries ({COLUMNS})
SELECT $1, {cuboid.number}, {grain}, bucket, kind, outcome, key1, key2, {NAMES}, {STORED_BINS}
FROM (
  SELECT bucket, kind, outcome, key1, key2, {MEASURES},
    array_agg(bin) FILTER (WHERE bin IS NOT NULL) AS raw_bins
  FROM (
    SELECT date_bin('{WIDTH[grain]}', f.occurred_at, 'epoch') AS bucket, {keys[0]} AS key1,
      {keys[1]} AS key2, {MEASURED},
      width_bucket((f.duration_ms - 1)::float8, $2::float8[])::smallint AS bin
    FROM facts f WHERE f.tenant_id = $1
  ) AS measured
  GROUP BY bucket, kind, outcome, key1, key2
) AS g"""


def months_by_hand(cuboid: Cuboid) -> str:
    return f"""
INSERT INTO summaries ({COLUMNS})
SELECT $1, {cuboid.number}, {Grain.MONTH}, month, kind, outcome, key1, key2, {NAMES}, {MERGED_BINS}
FROM (
  SELECT date_trunc('month', s.bucket) AS month, kind, outcome, key1, key2, {SUMMED},
    array_agg(s) FILTER (WHERE bins IS NOT NULL) AS parts
  FROM summaries AS s
  WHERE s.tenant_id = $1 AND s.cuboid = {cuboid.number} AND s.grain = {Grain.DAY}
  GROUP BY month, kind, outcome, key1, key2
) AS g"""


async def limit(pool: asyncpg.Pool, tenant_id: UUID) -> None:
    waiting = list(kept(CUBOIDS, ()))
    edges = [float(edge) for edge in EDGES]

    async def work() -> None:
        while waiting:
            cuboid = waiting.pop()
            async with tenant_transaction(pool, tenant_id) as connection:
                await connection.execute(TRANSACTION_SETTINGS)
                if cuboid.keeps_slots_forever:
                    await connection.execute(by_hand(Grain.SLOT, cuboid), tenant_id, edges)
                await connection.execute(by_hand(Grain.DAY, cuboid), tenant_id, edges)
                await connection.execute("SET LOCAL enable_nestloop = off")
                await connection.execute(months_by_hand(cuboid), tenant_id)

    await asyncio.gather(*(work() for _ in range(LANES)))


async def drained(admin: asyncpg.Connection, pool: asyncpg.Pool, tenant_id: UUID) -> float:
    """Seconds that csapi takes to work off the marks of a tenant."""
    drainer = Drainer(pool, settled_seconds=0)
    began = time.perf_counter()
    await drainer.drain()
    seconds = time.perf_counter() - began
    if left := await admin.fetchval("SELECT count(*) FROM marks WHERE tenant_id = $1", tenant_id):
        raise AssertionError(f"{left} marks are left")
    return seconds


async def cleared(admin: asyncpg.Connection, tenants: Sequence[UUID]) -> None:
    for table in ("summaries", "rollup_buckets"):
        await admin.execute(f"DELETE FROM {table} WHERE tenant_id = ANY($1)", list(tenants))
        await admin.execute(f"VACUUM {table}")


ROWS = ", ".join(name.strip() for name in COLUMNS.split(",") if name.strip() != "tenant_id")
DIFFERENT = f"""
WITH ours AS (SELECT {ROWS} FROM summaries WHERE tenant_id = $1),
  hand AS (SELECT {ROWS} FROM summaries WHERE tenant_id = $2)
SELECT (SELECT count(*) FROM (SELECT * FROM ours EXCEPT ALL SELECT * FROM hand) AS d)
  + (SELECT count(*) FROM (SELECT * FROM hand EXCEPT ALL SELECT * FROM ours) AS d)"""


async def measured(
    database: Database, history: History, rounds: int, progress: Progress
) -> tuple[list[float], list[float]]:
    """Facts per second by round: of csapi and of the limit."""
    admin = await database.admin()
    pool = await open_pool(database.worker_url, size=LANES + 2, statement_timeout_ms=60_000)
    ours, hand = (await database.tenant()).tenant_id, (await database.tenant()).tenant_id
    await seed(admin, ours, history)
    names = "subject, kind, ordinal, resource, outcome, definition_version, occurred_at, "
    names += "actor_agent, actor_team, owner_agent, owner_team, channel, queue, topic, customer, "
    names += "duration_ms, value, gap_next_ms"
    await admin.execute(
        f"INSERT INTO facts (tenant_id, {names}) SELECT $2, {names} FROM facts "
        "WHERE tenant_id = $1 ORDER BY occurred_at",
        ours,
        hand,
    )
    await admin.execute("VACUUM ANALYZE facts")
    facts = await admin.fetchval("SELECT count(*) FROM facts WHERE tenant_id = $1", ours)
    rates: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        await cleared(admin, [ours, hand])
        await mark(admin, ours)
        rates[0].append(facts / await drained(admin, pool, ours))
        began = time.perf_counter()
        await limit(pool, hand)
        rates[1].append(facts / (time.perf_counter() - began))
        progress.say(f"  {rates[0][-1]:,.0f} against {rates[1][-1]:,.0f} facts/s")
        if different := await admin.fetchval(DIFFERENT, ours, hand):
            raise AssertionError(f"{different} summary rows differ")
    await pool.close()
    await admin.close()
    return rates


def run(servers: Servers, progress: Progress, *, is_quick: bool) -> list[Line]:
    database = servers.database("rollup")
    facts, days, rounds = (40_000, 20, 2) if is_quick else (200_000, 60, 4)
    history = History(facts, END - timedelta(days=days), END)
    progress.say(f"rollup backfill: {facts:,} facts over {days} days")
    ours, hand = asyncio.run(measured(database, history, rounds, progress))
    ratio = paired(ours, hand)
    return [
        Line(
            what="rollup backfill, all cuboids",
            unit="facts/s",
            csapi=statistics.median(ours),
            limit=statistics.median(hand),
            ratio=ratio,
            goal=at_least(RATIO_GOAL, ratio),
        )
    ]

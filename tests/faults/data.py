"""F10, F13, F15, F20: what happens to the data and to its definition."""

import asyncio
from contextlib import suppress

import asyncpg
from tests.faults.kills import WORKER_POINTS
from tests.faults.running import Stage

from csapi.facts.kinds import Grain


async def replays(stage: Stage) -> None:
    """F10: everything again, in another order, while new records come."""
    for _ in range(stage.size):
        for client in stage.site.clients:
            await client.replay(stage.dice, 200)


MIGRATION = (
    "ALTER TABLE calls ADD COLUMN faults_{0} text",
    "ALTER TABLE facts ADD COLUMN faults_{0} integer",
    "ALTER TABLE summaries ADD COLUMN faults_{0} integer",
    "CREATE INDEX CONCURRENTLY faults_{0} ON facts (tenant_id, customer)",
    "DROP INDEX CONCURRENTLY faults_{0}",
    "ALTER TABLE summaries DROP COLUMN faults_{0}",
    "ALTER TABLE facts DROP COLUMN faults_{0}",
    "ALTER TABLE calls DROP COLUMN faults_{0}",
)


async def migrated(stage: Stage) -> None:
    """F13: columns and an index come and go under traffic, as migrations do it."""
    connection = await stage.site.connect()
    waits = 0
    try:
        await connection.execute("SET lock_timeout = '2s'")
        for number in range(stage.size):
            for statement in MIGRATION:
                for left in reversed(range(20)):
                    try:
                        await connection.execute(statement.format(number), timeout=60)
                        break
                    except asyncpg.LockNotAvailableError:
                        waits += 1
                        if left == 0:
                            raise
                        await asyncio.sleep(0.2)
                await asyncio.sleep(0.1)
    finally:
        connection.terminate()
    stage.row.notes.append(f"the migrations gave way {waits} times")


POISON = """
CREATE FUNCTION csapi.poison() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'poison'; END $$;
CREATE TRIGGER poison BEFORE INSERT ON summaries FOR EACH ROW
WHEN (NEW.tenant_id = '{}' AND NEW.grain = {} AND NEW.bucket = '{}') EXECUTE FUNCTION csapi.poison()
"""
ANTIDOTE = "DROP TRIGGER poison ON summaries; DROP FUNCTION csapi.poison()"
OTHERS_WAITING = f"""
SELECT count(*) FROM marks m WHERE NOT (tenant_id = $1 AND grain = {Grain.SLOT:d}
  AND bucket >= $2 AND bucket < $2 + interval '25 hours')"""


async def poisoned(stage: Stage) -> None:
    """F15: one day cannot be summed. All others are, and that one as soon as it can be."""
    site = stage.site
    connection = await site.connect()
    try:
        client = stage.dice.choice(site.clients)
        # So that there are days.
        await asyncio.sleep(5)
        bucket = await connection.fetchval(
            f"SELECT bucket FROM rollup_buckets WHERE tenant_id = $1 AND grain = {Grain.DAY:d} "
            "ORDER BY random() LIMIT 1",
            client.tenant_id,
        )
        await connection.execute(
            POISON.format(client.tenant_id, int(Grain.DAY), bucket.isoformat())
        )
        await asyncio.sleep(stage.size)
        oldest = await connection.fetchval(
            OTHERS_WAITING + " AND marked_at < clock_timestamp() - interval '15 s'",
            client.tenant_id,
            bucket,
        )
        if oldest:
            stage.row.violations.append(f"F15 {oldest} marks of other buckets wait for long")
    finally:
        with suppress(asyncpg.UndefinedObjectError):
            await connection.execute(ANTIDOTE)
        connection.terminate()


OUTDATE = "UPDATE definitions SET fingerprint = fingerprint + 1"


async def redefined(stage: Stage) -> None:
    """F20: facts of another version of all definitions, derived again while workers die of it."""
    site = stage.site
    connection = await site.connect()
    try:
        for worker in site.workers:
            await worker.again(CSAPI_FAULTPOINTS=WORKER_POINTS)
        await connection.execute(OUTDATE)
        await asyncio.sleep(stage.size)
        for worker in site.workers:
            await worker.again(CSAPI_FAULTPOINTS=None)
    finally:
        connection.terminate()

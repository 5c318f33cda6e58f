"""F4, F5, F16, F19: what happens to PostgreSQL and Redis."""

import asyncio
import os
import pickle
import time
from pathlib import Path
from typing import Any

from redis.asyncio import Redis as Caller
from tests.faults.kills import kill_postmaster
from tests.faults.running import Stage

from csapi.embedded.process import Progress

BALLAST = "CREATE TABLE IF NOT EXISTS public.ballast (t text)"
# About a megabyte of log for each thousand.
LONG_RECOVERY = "INSERT INTO public.ballast SELECT repeat('x', 900) FROM generate_series(1, {})"


async def long_recovery(stage: Stage) -> None:
    """F4: again and again, each time with a long log to go through."""
    times = []
    for _ in range(max(1, stage.size // 100)):
        connection = await stage.site.connect()
        await connection.execute(BALLAST)
        await connection.execute(LONG_RECOVERY.format(stage.size * 1_000), timeout=120)
        connection.terminate()
        started = time.monotonic()
        await kill_postmaster(stage)
        times.append(time.monotonic() - started)
        await stage.site.ready()
    connection = await stage.site.connect()
    await connection.execute("DROP TABLE public.ballast")
    connection.terminate()
    stage.row.notes.append(f"longest recovery {max(times):.1f} s")


def redis_of(stage: Stage) -> Any:
    return Caller.from_url(stage.site.redis.url)


async def redis_emptied(stage: Stage) -> None:
    """F5: FLUSHALL, again and again."""
    async with redis_of(stage) as redis:
        for _ in range(stage.size):
            await redis.flushall()
            await asyncio.sleep(stage.dice.uniform(0.1, 0.5))


async def redis_of_wrong_types(stage: Stage) -> None:
    """F5: what arq and the budgets keep is something else."""
    async with redis_of(stage) as redis:
        for _ in range(stage.size):
            await redis.flushall()
            await redis.set("arq:queue", "text")
            await redis.set("arq:queue:health-check", "text")
            for key in [name async for name in redis.scan_iter("*budget*")]:
                # In one transaction: the product would make it anew in between.
                async with redis.pipeline() as both:
                    await both.delete(key).hset(key, "a", "b").execute()
            await asyncio.sleep(stage.dice.uniform(0.5, 1.5))
        await redis.flushall()


async def redis_full(stage: Stage) -> None:
    """F5: no room, and nothing is evicted."""
    async with redis_of(stage) as redis:
        await redis.config_set("maxmemory-policy", "noeviction")
        await redis.config_set("maxmemory", "1")
        await asyncio.sleep(stage.size)
        await redis.config_set("maxmemory", "128mb")
        await redis.config_set("maxmemory-policy", "allkeys-lru")


async def redis_away(stage: Stage) -> None:
    """F5: stopped for long. Records are taken, and summaries follow on the worker's own timer."""
    await asyncio.to_thread(stage.site.redis.child.stop)
    await asyncio.sleep(stage.size)
    await asyncio.to_thread(stage.site.redis.start, Progress())


class Forged:
    """Runs a command where somebody unpickles it."""

    def __init__(self, proof: Path) -> None:
        self._proof = proof

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {self._proof}",)


async def forged_jobs(stage: Stage) -> None:
    """F19: jobs that somebody else wrote into Redis."""
    proof = stage.site.home / "forged"
    payloads = [
        pickle.dumps({"f": "rollup.drain", "a": (Forged(proof),)}),
        b"\x00",
        b"",
        b"\xff" * 99,
    ]
    async with redis_of(stage) as redis:
        for number in range(stage.size):
            name = f"forged{number}"
            await redis.set(f"arq:job:{name}", payloads[number % len(payloads)])
            await redis.zadd("arq:queue", {name: int(time.time() * 1000)})
            await asyncio.sleep(0.1)
    if proof.exists():
        stage.row.violations.append("a forged job was run")


async def long_transaction(stage: Stage) -> None:
    """F16: somebody's snapshot keeps dead rows for long."""
    connection = await stage.site.connect()
    try:
        await connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        await connection.fetchval("SELECT count(*) FROM marks")
        await asyncio.sleep(stage.size)
        other = await stage.site.connect()
        kilobytes = await other.fetchval("SELECT pg_total_relation_size('marks') / 1024")
        oldest = await other.fetchval(
            "SELECT extract(epoch FROM clock_timestamp() - min(marked_at))::int FROM marks"
        )
        other.terminate()
        stage.row.notes.append(
            f"after {stage.size} s of a snapshot marks took {kilobytes} kB, the oldest {oldest} s"
        )
    finally:
        connection.terminate()

"""How far the worker is behind, over all tenants together: for /metrics."""

import time
from collections.abc import Awaitable, Callable

import asyncpg

from csapi.kit.db import acquire
from csapi.kit.jobs import jobs
from csapi.kit.telemetry import Sample

# Counts stop somewhere: what is beyond is far behind in any case.
MOST_COUNTED = 200_000
QUEUES = {
    "marks": "marked_at",
    "subject_marks": "marked_at",
    "reference_marks": "marked_at",
    "webhook_marks": "due_at",
    "export_marks": "due_at",
    "erasure_marks": "due_at",
}
BEHIND = {
    table: f"""
SELECT (SELECT count(*) FROM (SELECT FROM {table} LIMIT $1) AS counted) AS waiting,
  (SELECT extract(epoch FROM clock_timestamp() - min({since})) FROM {table}) AS oldest"""
    for table, since in QUEUES.items()
}

# Of other roles PostgreSQL tells only members of pg_read_all_stats.
OLDEST_TRANSACTION = """
SELECT extract(epoch FROM max(clock_timestamp() - xact_start))
FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"""


class Heartbeat:
    """When the worker last went through its marks."""

    def __init__(self) -> None:
        self._last = time.monotonic()

    @property
    def age_seconds(self) -> float:
        return time.monotonic() - self._last

    def of(self, work: Callable[[], Awaitable[int]]) -> Callable[[], Awaitable[int]]:
        """The same work, which beats when it is done."""

        async def beating() -> int:
            done = await work()
            self._last = time.monotonic()
            return done

        return beating


async def behind_of(pool: asyncpg.Pool, beat: Heartbeat) -> list[Sample]:
    samples = [
        Sample(
            "csapi_worker_heartbeat_age_seconds",
            "Since the worker last went through its marks.",
            beat.age_seconds,
        )
    ]
    waiting, oldest = [], []
    async with acquire(pool) as connection:
        transaction = await connection.fetchval(OLDEST_TRANSACTION)
        for table, statement in BEHIND.items():
            row = await connection.fetchrow(statement, MOST_COUNTED)
            label = f'{{queue="{table}"}}'
            waiting.append(
                Sample("csapi_queue_waiting", "What waits for the worker.", row["waiting"], label)
            )
            age = max(0.0, float(row["oldest"] or 0))
            oldest.append(
                Sample("csapi_queue_oldest_seconds", "How long the oldest has waited.", age, label)
            )
    samples.append(
        Sample(
            "csapi_oldest_transaction_seconds",
            "How long the oldest transaction that the worker's role may see has been open.",
            float(transaction or 0),
        )
    )
    return [*samples, *waiting, *oldest, *jobs.samples()]

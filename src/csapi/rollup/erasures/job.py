"""Working off erasures: a step at a time, in a transaction that also notes how far it came.

Two workers at one erasure do its pieces in turn; what dies on the way is gone on with when the
lease of its mark has run out.
"""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from csapi.access.tenancy import tenant_transaction
from csapi.facts.erasures import ErasureStatus
from csapi.kit.db import acquire
from csapi.kit.turns import Sweeps
from csapi.rollup.erasures.steps import BEGINNING, STEPS, Piece, Scene, Step

log = logging.getLogger(__name__)

StepsOf = Mapping[str, Sequence[Step]]

LEASE_SECONDS = 60.0
AT_ONCE = 2
RETRIES = 4
RETRYABLE = (asyncpg.DeadlockDetectedError, asyncpg.SerializationError)
SECONDS_PER_PIECE = 300

# The worker reads ids of all tenants, and nothing else of them.
DUE = """
SELECT tenant_id, erasure FROM erasure_marks WHERE due_at <= clock_timestamp()
ORDER BY due_at LIMIT 50"""
CLAIM = """
UPDATE erasure_marks SET due_at = clock_timestamp() + $3::float8 * interval '1 s'
WHERE tenant_id = $1 AND erasure = $2 AND due_at <= clock_timestamp() RETURNING erasure"""
RENEW = """
UPDATE erasure_marks SET due_at = clock_timestamp() + $3::float8 * interval '1 s'
WHERE tenant_id = $1 AND erasure = $2"""
HOLD = """
SELECT mode, status, step, reached, counts::text AS counts FROM erasures
WHERE tenant_id = $1 AND id = $2 FOR UPDATE"""
PEOPLE = "SELECT surrogate FROM customers WHERE tenant_id = $1 AND erasure = $2"
ADVANCE = """
UPDATE erasures SET status = $3, step = $4, reached = $5, counts = $6::text::jsonb,
  started_at = coalesce(started_at, clock_timestamp()),
  finished_at = CASE WHEN $3 = 'done' THEN clock_timestamp() END
WHERE tenant_id = $1 AND id = $2"""
UNMARK = "DELETE FROM erasure_marks WHERE tenant_id = $1 AND erasure = $2"


def added(counts: str, piece: Piece) -> str:
    """The counts of an erasure with those of a piece: rows by what was done with them and table,
    and of the facts of those records."""
    known = msgspec.json.decode(counts, type=dict[str, dict[str, int]])
    for what in ("overwritten", "deleted", "facts"):
        total = Counter(known.get(what, {}))
        total.update(getattr(piece, what))
        known[what] = {name: count for name, count in sorted(total.items()) if count}
    return msgspec.json.encode(known).decode()


async def do_piece(
    pool: asyncpg.Pool, tenant_id: UUID, erasure: UUID, lease: float, steps_of: StepsOf = STEPS
) -> bool:
    """Do the next piece of an erasure; whether there is more."""
    async with tenant_transaction(pool, tenant_id, lock="shared", many_rows=True) as connection:
        await connection.execute(f"SET LOCAL statement_timeout = '{SECONDS_PER_PIECE}s'")
        row = await connection.fetchrow(HOLD, tenant_id, erasure)
        if row is None or row["status"] == ErasureStatus.done:
            await connection.execute(UNMARK, tenant_id, erasure)
            return False
        steps, step = steps_of[row["mode"]], row["step"]
        people = [each["surrogate"] for each in await connection.fetch(PEOPLE, tenant_id, erasure)]
        after = row["reached"] or BEGINNING
        piece = await steps[step](Scene(connection, tenant_id, erasure, people, after))
        step += piece.after is None
        status = ErasureStatus.done if step == len(steps) else ErasureStatus.running
        counts = added(row["counts"], piece)
        place = (status.value, step, piece.after, counts)
        await connection.execute(ADVANCE, tenant_id, erasure, *place)
        if status is ErasureStatus.done:
            await connection.execute(UNMARK, tenant_id, erasure)
        else:
            await connection.execute(RENEW, tenant_id, erasure, lease)
    return status is not ErasureStatus.done


async def carry_out(
    pool: asyncpg.Pool, tenant_id: UUID, erasure: UUID, lease: float, steps_of: StepsOf = STEPS
) -> None:
    """Do all that is left of an erasure. What loses a deadlock is tried again."""
    left = RETRIES
    while True:
        try:
            if not await do_piece(pool, tenant_id, erasure, lease, steps_of):
                return
            left = RETRIES
        except RETRYABLE:
            left -= 1
            if not left:
                raise


class Eraser:
    """Works off erasures until none is due. Safe in any number of processes."""

    def __init__(self, pool: asyncpg.Pool, *, lease_seconds: float = LEASE_SECONDS) -> None:
        self._pool = pool
        self._lease_seconds = lease_seconds
        self._sweeps = Sweeps(AT_ONCE)

    async def sweep(self) -> int:
        """How many erasures were looked at. Two at once in a process, so that one of a tenant with
        much does not keep the others waiting."""
        return await self._sweeps.work_off(self._due, self._serve)

    async def _due(self) -> Sequence[tuple[UUID, UUID]]:
        async with acquire(self._pool) as connection:
            rows: Sequence[Any] = await connection.fetch(DUE)
        return [(row["tenant_id"], row["erasure"]) for row in rows]

    async def _serve(self, mark: tuple[UUID, UUID]) -> bool:
        """Whether it was ours to be done."""
        tenant_id, erasure = mark
        try:
            async with tenant_transaction(self._pool, tenant_id) as connection:
                claim = (tenant_id, erasure, self._lease_seconds)
                if await connection.fetchval(CLAIM, *claim) is None:
                    return False
            await carry_out(self._pool, tenant_id, erasure, self._lease_seconds)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError):
            # The lease runs out, and it goes on where it stopped.
            log.exception("erasure stopped", extra={"fields": {"tenant": str(tenant_id)}})
            return False
        return True

"""What the worker looks at again and again: goals once a day, alerts with each bucket of time.

Each has a mark: which turn it waits for, and when a worker looks. Who claims a mark moves that
instant on; if it stops half way, the turn comes up again. What a look found is written in the
transaction that moves the mark to the next turn: a turn is written once.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Any
from uuid import UUID

import asyncpg

from csapi.access.tenancy import tenant_transaction
from csapi.kit.db import acquire
from csapi.kit.problems import Problem
from csapi.kit.turns import Sweeps
from csapi.reports.service import Desk

log = logging.getLogger(__name__)

LEASE_SECONDS = 300.0
MOST_ATTEMPTS = 3
LONG_BREAK = timedelta(hours=1)


class Watch(IntEnum):
    """What a mark is of."""

    GOAL = 1
    ALERT = 2


SET_MARK = """
INSERT INTO watch_marks (tenant_id, watch, id, turn, due_at) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (tenant_id, watch, id) DO UPDATE
SET turn = excluded.turn, due_at = excluded.due_at, attempt = 0"""
DROP_MARK = "DELETE FROM watch_marks WHERE tenant_id = $1 AND watch = $2 AND id = $3"
# The worker reads ids and instants of all tenants, and nothing else of them.
DUE = """
SELECT tenant_id, watch, id FROM watch_marks WHERE due_at <= clock_timestamp()
ORDER BY due_at LIMIT 50"""
CLAIM = """
UPDATE watch_marks m
SET due_at = clock_timestamp() + $4::float8 * interval '1 s', attempt = attempt + 1
FROM tenants t
WHERE m.tenant_id = $1 AND m.watch = $2 AND m.id = $3 AND m.due_at <= clock_timestamp()
  AND t.tenant_id = $1
RETURNING m.turn, m.attempt, t.timezone, clock_timestamp() AS now"""
MOVE_MARK = """
UPDATE watch_marks SET turn = $5, due_at = $6, attempt = 0
WHERE tenant_id = $1 AND watch = $2 AND id = $3 AND turn = $4 RETURNING id"""
END_MARK = """
DELETE FROM watch_marks WHERE tenant_id = $1 AND watch = $2 AND id = $3 AND turn = $4
RETURNING id"""


@dataclass(frozen=True, slots=True)
class Turn:
    """What is looked at, and the turn that it waited for; `now` is by the clock of the database."""

    tenant_id: UUID
    watch: Watch
    id: UUID
    at: datetime
    now: datetime
    timezone: str
    attempt: int


@dataclass(frozen=True, slots=True)
class Next:
    """A turn, and when it is looked at."""

    turn: datetime
    due_at: datetime


Write = Callable[[asyncpg.Connection], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a look found, as what writes it, and the turn after it; None: there is none."""

    write: Write | None
    following: Next | None


Look = Callable[[Desk, Turn], Awaitable[Outcome]]


async def set_mark(
    connection: asyncpg.Connection, tenant_id: UUID, watch: Watch, id_: UUID, following: Next | None
) -> None:
    if following is None:
        await connection.execute(DROP_MARK, tenant_id, watch, id_)
    else:
        turn, due_at = following.turn, following.due_at
        await connection.execute(SET_MARK, tenant_id, watch, id_, turn, due_at)


async def due(pool: asyncpg.Pool) -> Sequence[tuple[UUID, Watch, UUID]]:
    async with acquire(pool) as connection:
        rows = await connection.fetch(DUE)
    return [(row["tenant_id"], Watch(row["watch"]), row["id"]) for row in rows]


class Watcher:
    """Works off turns until none is due. Safe in any number of processes."""

    def __init__(
        self,
        pool: asyncpg.Pool,
        looks: Mapping[Watch, Look],
        *,
        live_slots_max: int,
        lease_seconds: float = LEASE_SECONDS,
    ) -> None:
        self._pool = pool
        self._looks = looks
        self._live_slots_max = live_slots_max
        self._lease_seconds = lease_seconds
        self._sweeps = Sweeps()

    async def sweep(self) -> int:
        """Look at what is due; how many that were. One at a time in a process."""
        return await self._sweeps.work_off(lambda: due(self._pool), self._serve)

    async def _serve(self, mark: tuple[UUID, Watch, UUID]) -> bool:
        turn = await self.claim(*mark)
        if turn is not None:
            await self._work(turn)
        return turn is not None

    async def claim(self, tenant_id: UUID, watch: Watch, id_: UUID) -> Turn | None:
        """The turn that is due; None where somebody else has it."""
        async with tenant_transaction(self._pool, tenant_id) as connection:
            row: Any = await connection.fetchrow(CLAIM, tenant_id, watch, id_, self._lease_seconds)
        if row is None:
            return None
        at, now, zone = row["turn"], row["now"], row["timezone"]
        return Turn(tenant_id, watch, id_, at, now, zone, row["attempt"])

    async def _work(self, turn: Turn) -> None:
        """One attempt. What ends it early leaves its lease to run out: then it starts again, and a
        look that was stopped too often waits for longer."""
        desk = Desk(self._pool, turn.tenant_id, turn.timezone, turn.now, self._live_slots_max)
        try:
            outcome = await self._looks[turn.watch](desk, turn)
            await self.finish(turn, outcome)
        except (Problem, asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
            log.warning("look stopped: %s", type(error).__name__)
            await self._postpone(turn)
        except Exception:
            log.exception("look failed")
            await self._postpone(turn)

    async def _postpone(self, turn: Turn) -> None:
        if turn.attempt < MOST_ATTEMPTS:
            return
        later = Next(turn.at, turn.now + LONG_BREAK)
        await self.finish(turn, Outcome(None, later))

    async def finish(self, turn: Turn, outcome: Outcome) -> bool:
        """False where the turn was written already, or what it is of is gone."""
        place = turn.tenant_id, turn.watch, turn.id, turn.at
        async with tenant_transaction(self._pool, turn.tenant_id) as connection:
            if outcome.following is None:
                moved = await connection.fetchval(END_MARK, *place)
            else:
                following = outcome.following
                moved = await connection.fetchval(
                    MOVE_MARK, *place, following.turn, following.due_at
                )
            if moved is None:
                return False
            if outcome.write is not None:
                await outcome.write(connection)
        return True

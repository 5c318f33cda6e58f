"""Sessions that stop before every SQL statement, and a scheduler that lets one statement go on.

A lane is one session: production code on a connection of its own. Its statements are the steps.
What a statement of one lane can see of another changes only with a COMMIT, or with a statement
outside a transaction: `Step.publishes`.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import asyncpg
from tests.delivery.footprints import NOTHING, Footprint, footprint

POLL_SECONDS = 0.002
STUCK_SECONDS = 20.0
ENDS = ("COMMIT", "ROLLBACK")
Rewrite = Callable[[str], str]


class State(Enum):
    RUNNING = 1
    READY = 2
    DONE = 3


class StuckError(AssertionError):
    """No lane can go on, and PostgreSQL resolved nothing."""


@dataclass(frozen=True, slots=True)
class Step:
    lane: str
    sql: str
    publishes: bool
    error: str = ""

    def __str__(self) -> str:
        text = re.sub(r"\s+", " ", self.sql).strip()
        return f"{self.lane:>10} | {text[:110]}{'  !! ' + self.error if self.error else ''}"


def is_unseen(sql: str) -> bool:
    """Whether nothing depends on when this runs: in READ COMMITTED, BEGIN takes no snapshot."""
    return sql.startswith(("SET LOCAL", "BEGIN;")) and "advisory" not in sql


@dataclass(eq=False)
class Lane:
    """One session. `work` gets the pool to hand to production code."""

    name: str
    connection: asyncpg.Connection
    work: Callable[[Any], Awaitable[object]]
    rewrite: Rewrite = str
    state: State = State.RUNNING
    waiting: str = ""
    in_statement: bool = False
    is_blocked: bool = False
    in_transaction: bool = False
    touched: Footprint = NOTHING
    error: BaseException | None = None
    result: object = None
    task: asyncio.Task[None] | None = None
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def pid(self) -> int:
        return int(self.connection.get_server_pid())

    @property
    def next_footprint(self) -> Footprint:
        """What the statement that the lane waits before can see and change."""
        if self.waiting.startswith("COMMIT"):
            return self.touched.published()
        if self.waiting.startswith("ROLLBACK"):
            return self.touched.withdrawn()
        return footprint(self.waiting)


class SteppedConnection:
    """The part of asyncpg.Connection that production code uses, one step at a time."""

    def __init__(self, lane: Lane, schedule: "Schedule") -> None:
        self._lane = lane
        self._schedule = schedule

    def is_closed(self) -> bool:
        return bool(self._lane.connection.is_closed())

    def terminate(self) -> None:
        self._lane.connection.terminate()

    async def execute(self, sql: str, *arguments: object, **_options: object) -> Any:
        return await self._step("execute", sql, arguments)

    async def fetch(self, sql: str, *arguments: object) -> Any:
        return await self._step("fetch", sql, arguments)

    async def fetchrow(self, sql: str, *arguments: object) -> Any:
        return await self._step("fetchrow", sql, arguments)

    async def fetchval(self, sql: str, *arguments: object) -> Any:
        return await self._step("fetchval", sql, arguments)

    async def _step(self, method: str, sql: str, arguments: Sequence[object]) -> Any:
        lane = self._lane
        sql = lane.rewrite(sql)
        if not is_unseen(sql):
            await self._schedule.arrive(lane, sql)
        lane.in_statement = True
        error = ""
        try:
            return await getattr(lane.connection, method)(sql, *arguments)
        except BaseException as caught:
            error = type(caught).__name__
            raise
        finally:
            lane.in_statement = False
            self._schedule.finished(lane, sql, error)


class SteppedPool:
    """The part of asyncpg.Pool that production code uses: one lane, one connection."""

    def __init__(self, lane: Lane, schedule: "Schedule") -> None:
        self._connection = SteppedConnection(lane, schedule)
        self._is_taken = False

    async def acquire(self, **_options: object) -> SteppedConnection:
        assert not self._is_taken, "production code took a second connection at once"
        self._is_taken = True
        return self._connection

    async def release(self, _connection: SteppedConnection) -> None:
        self._is_taken = False


class Schedule:
    """Lanes under control. `choose` picks the next lane among those that wait at a gate."""

    def __init__(self, lanes: Sequence[Lane], monitor: asyncpg.Connection) -> None:
        self.lanes = lanes
        self.steps: list[Step] = []
        self.choices: list[int] = []
        self._monitor = monitor
        self._changed = asyncio.Event()
        self._is_free = False

    async def run(
        self,
        choose: Callable[["Schedule", list[Lane]], Lane],
        after_publish: Callable[[], Awaitable[None]],
    ) -> None:
        """Run all lanes to their end. Whatever stops it, no lane is left behind."""
        for lane in self.lanes:
            lane.task = asyncio.create_task(self._drive(lane))
        try:
            await self._settle()
            while ready := await self._ready():
                lane = choose(self, ready)
                self.choices.append(self.lanes.index(lane))
                before = len(self.steps)
                self._release(lane)
                await self._settle()
                if any(step.publishes for step in self.steps[before:]):
                    await after_publish()
        finally:
            await self._let_go()

    async def _drive(self, lane: Lane) -> None:
        try:
            lane.result = await lane.work(SteppedPool(lane, self))
        except Exception as error:  # noqa: BLE001  what a session dies of is a result
            lane.error = error
        finally:
            lane.state = State.DONE
            self._changed.set()

    async def arrive(self, lane: Lane, sql: str) -> None:
        if self._is_free:
            return
        lane.waiting, lane.state = sql, State.READY
        lane.gate.clear()
        self._changed.set()
        await lane.gate.wait()

    def finished(self, lane: Lane, sql: str, error: str) -> None:
        ends = sql.startswith(ENDS)
        if sql.startswith("BEGIN"):
            lane.in_transaction, lane.touched = True, NOTHING
        lane.touched |= footprint(sql)
        is_seen = sql.startswith("COMMIT") or not lane.in_transaction
        publishes = is_seen and not error and bool(lane.touched.changes)
        if ends or not lane.in_transaction:
            lane.in_transaction, lane.touched = False, NOTHING
        if error or not lane.in_transaction:
            for each in self.lanes:
                each.is_blocked = False
        lane.is_blocked = False
        self.steps.append(Step(lane.name, sql, publishes, error))
        self._changed.set()

    def _release(self, lane: Lane) -> None:
        lane.state = State.RUNNING
        lane.gate.set()

    async def _settle(self) -> None:
        """Wait until every lane is at a gate, done, or blocked by another lane's lock."""
        while busy := [
            lane for lane in self.lanes if lane.state is State.RUNNING and not lane.is_blocked
        ]:
            if await self._change_within(POLL_SECONDS):
                continue
            asked = [lane for lane in busy if lane.in_statement]
            blocked = await self._blocked([lane.pid for lane in asked]) if asked else set()
            for lane in asked:
                lane.is_blocked = lane.in_statement and lane.pid in blocked

    async def _ready(self) -> list[Lane]:
        """The lanes at a gate; none when all are done. Waits while PostgreSQL ends a deadlock."""
        while True:
            ready = [lane for lane in self.lanes if lane.state is State.READY]
            if ready or all(lane.state is State.DONE for lane in self.lanes):
                return ready
            if not await self._change_within(STUCK_SECONDS):
                raise StuckError("every lane waits for another:\n" + self.trace())
            await self._settle()

    async def _change_within(self, seconds: float) -> bool:
        self._changed.clear()
        try:
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        except TimeoutError:
            return False
        return True

    async def _blocked(self, pids: list[int]) -> set[int]:
        rows = await self._monitor.fetch(
            "SELECT p FROM unnest($1::int[]) AS p WHERE cardinality(pg_blocking_pids(p)) > 0", pids
        )
        return {row["p"] for row in rows}

    async def _let_go(self) -> None:
        self._is_free = True
        for lane in self.lanes:
            lane.gate.set()
        await asyncio.gather(*(lane.task for lane in self.lanes if lane.task))

    def trace(self) -> str:
        return "\n".join(map(str, self.steps))

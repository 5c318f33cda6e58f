"""One fault, from its begin until everything is right again, and what was seen of it."""

import asyncio
import os
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from tests.faults.invariants import wrong_as_a_whole
from tests.faults.ledger import Reader, lost
from tests.faults.site import Site

DRAIN_SECONDS = 15.0
# Between two batches of a client: faults are to be seen, not the end of the processors.
PAUSE_SECONDS = 0.6
READY_SECONDS = 10.0
GIVE_UP_SECONDS = 300.0
LINES_AT_ONCE = 5_000


@dataclass
class Row:
    """What a run of a fault showed."""

    fault: str
    seconds: float = 0.0
    kills: Counter[str] = field(default_factory=Counter)
    audits: int = 0
    whole: int = 0
    acknowledged: int = 0
    ledger: int = 0
    buckets: int = 0
    violations: list[str] = field(default_factory=list)
    drains: list[float] = field(default_factory=list)
    ready_seconds: float = 0.0
    answers: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)

    @property
    def killed(self) -> int:
        return sum(self.kills.values())


@dataclass
class Stage:
    """What a fault gets: the site, lots of its own, how much to do, and what to tell."""

    site: Site
    dice: random.Random
    size: int
    row: Row

    def killed(self, what: str, count: int = 1) -> None:
        self.row.kills[what] += count

    async def drained(self) -> float:
        """Wait until nothing waits, while the clients are quiet; note how long it took."""
        seconds = await seconds_to_drain(self.site)
        self.row.drains.append(seconds)
        return seconds


Fault = Callable[[Stage], Awaitable[None]]


async def seconds_to_drain(site: Site, most: float = GIVE_UP_SECONDS) -> float:
    """I7. Long past the promise until it gives up, so that how late it was is known."""
    started = time.monotonic()
    connection = await site.connect()
    try:
        while await site.waiting(connection):
            if time.monotonic() - started > most:
                raise AssertionError(f"I7 marks wait for {most} s")
            await asyncio.sleep(0.1)
    finally:
        connection.terminate()
    return time.monotonic() - started


@asynccontextmanager
async def traffic(site: Site, pause_seconds: float = PAUSE_SECONDS) -> AsyncIterator[None]:
    """Every tenant writes, and all of them stop in the end, with what they sent acknowledged."""
    stop = asyncio.Event()
    seed = f"{site.seed} {time.monotonic()}"
    async with asyncio.TaskGroup() as group:
        for client in site.clients:
            group.create_task(client.write_on(seed, site.days, stop, pause_seconds))
        try:
            yield
        finally:
            stop.set()


async def run_fault(site: Site, name: str, fault: Fault, size: int) -> Row:
    """The fault under traffic, the end of it, and every invariant afterwards."""
    row = Row(name)
    stage = Stage(site, random.Random(f"{site.seed} {name}"), size, row)
    started, told = time.monotonic(), Counter(site.audits.counts)
    answers, statuses = Counter(site.tallies.answers), Counter(site.tallies.statuses)
    found, broken = len(site.audits.found), len(site.tallies.broken)
    kills, load = Counter(site.nursery.kills), os.getloadavg()[0]
    async with traffic(site):
        await asyncio.sleep(0.5)
        await fault(stage)
    row.ready_seconds = await site.ready()
    await stage.drained()
    await check_end(site, row)
    row.seconds = time.monotonic() - started
    counted = site.audits.counts - told
    row.audits, row.whole, row.ledger = counted["snapshot"], counted["whole"], counted["ledger"]
    row.kills += site.nursery.kills - kills
    row.answers = site.tallies.answers - answers
    row.acknowledged = sum((site.tallies.statuses - statuses).values())
    row.buckets = sum(site.audits.buckets.values())
    row.violations += site.audits.found[found:] + site.tallies.broken[broken:]
    note_lateness(row, max(load, os.getloadavg()[0]))
    return row


def note_lateness(row: Row, load: float) -> None:
    """I7. Where others take the processors, seconds tell nothing about us: it is noted alone."""
    late = [f"I7 drained in {seconds:.1f} s" for seconds in row.drains if seconds > DRAIN_SECONDS]
    if row.ready_seconds > READY_SECONDS:
        late.append(f"I7 ready after {row.ready_seconds:.1f} s")
    if load > (os.cpu_count() or 1):
        row.notes += [f"{each}, at a load of {load:.1f}" for each in late]
    else:
        row.violations += late


async def check_end(site: Site, row: Row) -> None:
    """I1 to I3 whole, and I8: all of it again changes nothing."""
    connection = await site.connect()
    try:
        lines = Reader(site.ledger).news()
        for start in range(0, len(lines), LINES_AT_ONCE):
            row.violations += await lost(connection, lines[start : start + LINES_AT_ONCE])
        before = await sequences(connection)
        dice = random.Random(f"{site.seed} {row.fault} replay")
        for client in dice.sample(site.clients, min(2, len(site.clients))):
            statuses = await client.replay(dice, 200)
            harmless = {"duplicate", "stale"} | ({"rejected"} if client.horizon else set())
            if set(statuses) - harmless:
                row.violations.append(f"I8 {dict(statuses)}")
        if await site.waiting(connection):
            row.violations.append("I8 a replay left marks")
        if await sequences(connection) != before:
            row.violations.append("I8 a replay changed summaries")
        for client in site.clients[:1]:
            row.violations += await wrong_as_a_whole(connection, client.tenant_id, client.zone)
    finally:
        connection.terminate()


async def sequences(connection: object) -> int:
    fetchval = connection.fetchval  # type: ignore[attr-defined]
    return int(await fetchval("SELECT coalesce(sum(sequence), 0) FROM rollup_buckets"))

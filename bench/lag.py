"""How soon what was acknowledged is counted, and how far summaries trail behind.

Events come in an open loop at a fixed rate, in small batches that are due at fixed times, spread
over all tenants. Reads are exact at once; the lag is the time from an acknowledgement until no
mark of that tenant is older than it.
"""

import asyncio
import json
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
import msgspec

from bench.client import Connection, UnexpectedAnswerError
from bench.items import Item, Source, array, encoded
from bench.measure import Line, Progress, at_most, quantile
from bench.servers import Database, Servers, Tenant
from csapi.facts.call import CALLS
from csapi.facts.events import EVENTS
from csapi.facts.kinds import Grain
from csapi.facts.ticket import TICKETS

TENANTS, LANES = 20, 4
BATCHES_PER_SECOND = 20
LAG_GOAL_SECONDS = 5
POLL_SECONDS = 0.1
PATIENCE_SECONDS = 60

OLDEST = (
    "SELECT tenant_id, min(marked_at) AS oldest, clock_timestamp() AS now FROM marks "
    f"WHERE grain = {Grain.SLOT} GROUP BY tenant_id"
)


@dataclass(frozen=True, slots=True)
class Plan:
    rates: tuple[int, ...]
    seconds: int
    visible: int


QUICK, FULL = Plan((500,), 6, 20), Plan((500, 2_000), 20, 100)


@dataclass(slots=True)
class Acknowledged:
    """Per tenant the instants (of the database) at which batches were acknowledged."""

    waiting: dict[UUID, list[datetime]] = field(default_factory=dict)
    lags: list[float] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, tenant_id: UUID) -> None:
        with self.lock:
            self.waiting.setdefault(tenant_id, []).append(datetime.now(UTC))

    def settle(self, oldest: dict[UUID, datetime], now: datetime) -> None:
        with self.lock:
            for tenant_id, instants in self.waiting.items():
                first = oldest.get(tenant_id)
                done = [at for at in instants if at <= now and (first is None or first > at)]
                self.lags += [(now - at).total_seconds() for at in done]
                self.waiting[tenant_id] = [at for at in instants if at not in set(done)]

    @property
    def count(self) -> int:
        with self.lock:
            return sum(map(len, self.waiting.values()))


async def watch(database: Database, acknowledged: Acknowledged, is_over: threading.Event) -> None:
    """Look at the marks until all that was acknowledged is summarized."""
    admin = await database.admin()
    deadline = None
    while not (is_over.is_set() and acknowledged.count == 0):
        if is_over.is_set():
            deadline = deadline or time.monotonic() + PATIENCE_SECONDS
            if time.monotonic() > deadline:
                raise AssertionError(f"marks were still there {PATIENCE_SECONDS} s after the end")
        now = await admin.fetchval("SELECT clock_timestamp()")
        rows = await admin.fetch(OLDEST)
        acknowledged.settle({row["tenant_id"]: row["oldest"] for row in rows}, now)
        await asyncio.sleep(POLL_SECONDS)
    await admin.close()


@dataclass(frozen=True, slots=True)
class Batch:
    tenant_id: UUID
    request: bytes
    size: int


def live(source: Source, count: int) -> tuple[list[Item], list[Item]]:
    """Tickets of this moment, and so many of their events."""
    tickets: list[Item] = []
    events: list[Item] = []
    now = datetime.now(UTC)
    while len(events) < count:
        ticket = source.ticket(has_milestones=False) | {"created_at": now - timedelta(hours=8)}
        tickets.append(ticket)
        events += source.events(ticket)
    return tickets, sorted(events[:count], key=lambda event: str(event["occurred_at"]))


def batches(port: int, tenants: Sequence[Tenant], rate: int, seconds: int) -> list[Batch]:
    """What is sent, in turn by tenant; the tickets are sent here."""
    size = rate // BATCHES_PER_SECOND
    turns: list[list[Batch]] = []
    connection = Connection(port)
    for number, tenant in enumerate(tenants):
        count = size * seconds * BATCHES_PER_SECOND // TENANTS
        tickets, events = live(Source(f"live-{rate}-{number}", number), count)
        path = f"/v1/{TICKETS.name}/batch"
        for start in range(0, len(tickets), 1_000):
            body = array(encoded(tickets[start : start + 1_000]))
            connection.exchange(tenant.key.post(path, body))
        path = f"/v1/{EVENTS.name}/batch"
        turns.append(
            [
                Batch(tenant.tenant_id, tenant.key.post(path, array(encoded(chunk))), len(chunk))
                for chunk in (events[start : start + size] for start in range(0, count, size))
            ]
        )
    connection.close()
    return [batch for turn in zip(*turns, strict=True) for batch in turn]


def stream(port: int, sent: Sequence[Batch], acknowledged: Acknowledged) -> float:
    """Send everything at its time; the rate that was reached."""
    began = time.perf_counter()
    due = iter(list(enumerate(sent)))
    guard = threading.Lock()

    def work(_: int) -> int:
        connection, total = Connection(port), 0
        while True:
            with guard:
                following = next(due, None)
            if following is None:
                connection.close()
                return total
            number, batch = following
            time.sleep(max(0.0, began + number / BATCHES_PER_SECOND - time.perf_counter()))
            connection.exchange(batch.request)
            acknowledged.note(batch.tenant_id)
            total += batch.size

    with ThreadPoolExecutor(LANES) as pool:
        total = sum(pool.map(work, range(LANES)))
    return total / (time.perf_counter() - began)


async def settled(admin: asyncpg.Connection) -> float:
    """Seconds until no mark is left, months included."""
    began = time.perf_counter()
    while await admin.fetchval("SELECT EXISTS (SELECT 1 FROM marks)"):
        if time.perf_counter() - began > PATIENCE_SECONDS:
            raise AssertionError(f"marks were still there after {PATIENCE_SECONDS} s")
        await asyncio.sleep(POLL_SECONDS)
    return time.perf_counter() - began


async def lag_line(
    database: Database, port: int, tenants: Sequence[Tenant], rate: int, seconds: int
) -> Line:
    admin = await database.admin()
    sent = batches(port, tenants, rate, seconds)
    await settled(admin)
    acknowledged, is_over = Acknowledged(), threading.Event()
    watching = asyncio.create_task(watch(database, acknowledged, is_over))
    try:
        reached = await asyncio.to_thread(stream, port, sent, acknowledged)
    finally:
        is_over.set()
    await watching
    months = await settled(admin)
    await admin.close()
    p99 = quantile(acknowledged.lags, 0.99)
    return Line(
        what=f"summary lag p99, {rate:,} events/s wanted over {TENANTS} tenants",
        unit="s",
        csapi=p99,
        goal=at_most(LAG_GOAL_SECONDS, p99, " s"),
        note=f"{reached:,.0f} events/s reached; p50 {quantile(acknowledged.lags, 0.5):.1f} s; "
        f"months {months:.1f} s later",
    )


def visible_line(port: int, tenant: Tenant, times: int) -> Line:
    """Send a call, then ask for the count: every read must have it."""
    source = Source("visible", 1)
    now = datetime.now(UTC)
    span = {"from": str(now.date() - timedelta(days=1)), "to": str(now.date() + timedelta(days=1))}
    question = {"metrics": [{"id": "calls_offered"}], "time": {"range": span}}
    ask = tenant.key.post("/v1/query", json.dumps(question).encode())
    connection, latencies = Connection(port), []
    for number in range(times):
        # An answered call: abandoned ones may be counted apart.
        stamps = {"queue_entered_at": now - timedelta(minutes=number), "ended_at": now}
        item = source.call() | stamps | {"outcome": "answered"}
        item = {name: value for name, value in item.items() if not name.startswith("a")}
        connection.exchange(tenant.key.post(f"/v1/{CALLS.name}", msgspec.json.encode(item)))
        began = time.perf_counter()
        answer = json.loads(connection.exchange(ask))
        latencies.append(time.perf_counter() - began)
        counted = answer["data"][0]["metrics"]["calls_offered"]["value"]
        if counted != number + 1:
            raise UnexpectedAnswerError(f"{number + 1} calls acknowledged, {counted} counted")
    connection.close()
    return Line(
        what="ack to visible: reads that lacked an acknowledged call",
        unit="reads",
        csapi=0,
        goal=at_most(0, 0),
        note=f"of {times}; such a read took {1000 * quantile(latencies, 0.5):.1f} ms (p50)",
    )


def run(servers: Servers, progress: Progress, *, is_quick: bool) -> list[Line]:
    plan = QUICK if is_quick else FULL
    database = servers.database("lag")
    tenants = [asyncio.run(database.tenant()) for _ in range(TENANTS)]
    lines = []
    with servers.running("serve", database) as port, servers.running("worker", database):
        progress.say("ack to visible")
        lines.append(visible_line(port, tenants[0], plan.visible))
        for rate in plan.rates:
            progress.say(f"summary lag: {rate:,} events/s for {plan.seconds} s")
            lines.append(asyncio.run(lag_line(database, port, tenants, rate, plan.seconds)))
            progress.say(f"  {lines[-1].note}")
    return lines

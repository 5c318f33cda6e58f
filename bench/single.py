"""Single calls over HTTP, against a hand-written transaction inside the same HTTP server.

A closed loop: every connection sends its next request when it has the answer to the last.
"""

import asyncio
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from bench.client import Key, Sent, closed_loop
from bench.handwritten import Writer
from bench.items import Source, array, encoded
from bench.limit_app import PORTIONS
from bench.measure import Line, Progress, at_least, paired, quantile
from bench.precomputed import Portion, Recorder
from bench.servers import Database, Servers
from csapi.facts.call import CALLS

CONNECTIONS = (1, 4)
RATIO_GOAL = 0.5
PATH = f"/v1/{CALLS.name}"


@dataclass(frozen=True, slots=True)
class Plan:
    rounds: int
    requests: int

    @property
    def count(self) -> int:
        """Requests of one lane; one round goes before, unmeasured."""
        return (self.rounds + 1) * self.requests


QUICK, FULL = Plan(rounds=3, requests=80), Plan(rounds=5, requests=200)


@dataclass(slots=True)
class Lane:
    """What one connection sends: calls of customers who called once before."""

    earlier: list[bytes]
    calls: list[bytes]
    earlier_rows: list[Portion] = field(default_factory=list)
    rows: list[Portion] = field(default_factory=list)


async def prepared(database: Database, plan: Plan) -> list[Lane]:
    admin = await database.admin()
    recorder = await Recorder.open(admin, database.api_url, (await database.tenant()).tenant_id)
    lanes = []
    for number in range(sum(CONNECTIONS)):
        source = Source(f"single-{number}", number, customers=plan.count)
        earlier, calls = (
            encoded([source.call() for _ in range(plan.count)]) for _ in ("earlier", "now")
        )
        lane = Lane(earlier, calls)
        for chunk in chunks(earlier):
            lane.earlier_rows.append(await recorder.take_in(CALLS, chunk))
        for chunk in chunks(calls):
            lane.rows += recorder.split(await recorder.take_in(CALLS, chunk))
        lanes.append(lane)
    await recorder.close()
    await admin.close()
    return lanes


def chunks(items: list[bytes], size: int = 1_000) -> list[list[bytes]]:
    return [items[start : start + size] for start in range(0, len(items), size)]


@dataclass(slots=True)
class Side:
    """Where one of the two sends to, and what came of it by number of connections."""

    port: int
    requests: list[list[bytes]]
    sent: dict[int, list[Sent]] = field(default_factory=lambda: {each: [] for each in CONNECTIONS})

    def round(self, connections: int, plan: Plan, number: int) -> float:
        """Requests per second."""
        first = number * plan.requests
        own = self.requests[:1] if connections == 1 else self.requests[1:]
        sent = closed_loop(self.port, [lane[first : first + plan.requests] for lane in own])
        if number:
            self.sent[connections].append(sent)
        return len(sent.latencies) / sent.seconds

    def rates(self, connections: int) -> list[float]:
        return [len(sent.latencies) / sent.seconds for sent in self.sent[connections]]

    def milliseconds(self, connections: int, share: float) -> float:
        found = [latency for sent in self.sent[connections] for latency in sent.latencies]
        return 1000 * quantile(found, share)


def ours_of(port: int, key: Key, lanes: Sequence[Lane]) -> Side:
    for lane in lanes:
        bodies = [key.post(f"{PATH}/batch", array(chunk)) for chunk in chunks(lane.earlier)]
        closed_loop(port, [bodies])
    return Side(port, [[key.post(PATH, call) for call in lane.calls] for lane in lanes])


def limit_of(port: int, key: Key, lanes: Sequence[Lane]) -> Side:
    requests: list[list[bytes]] = []
    number = 0
    for lane in lanes:
        requests.append([])
        for call in lane.calls:
            requests[-1].append(key.post(f"/limit/calls?portion={number}", call))
            number += 1
    return Side(port, requests)


async def loaded(database: Database, servers: Servers, lanes: Sequence[Lane]) -> Key:
    """A tenant for the limit with its earlier calls, and the rows of the others in a file."""
    tenant = await database.tenant()
    writer = await Writer.open(database.api_url, tenant.tenant_id, CALLS)
    for lane in lanes:
        for portion in lane.earlier_rows:
            await writer.write(portion.of(tenant.tenant_id))
    await writer.close()
    rows = [portion.of(tenant.tenant_id) for lane in lanes for portion in lane.rows]
    (servers.folder / PORTIONS).write_bytes(msgspec.msgpack.encode(rows))
    return tenant.key


def run(servers: Servers, progress: Progress, *, is_quick: bool) -> list[Line]:
    plan = QUICK if is_quick else FULL
    database = servers.database("single")
    progress.say("single calls")
    lanes = asyncio.run(prepared(database, plan))
    limit_key = asyncio.run(loaded(database, servers, lanes))
    with (
        servers.running("serve", database) as port,
        servers.running("limit", database) as limit_port,
    ):
        ours = ours_of(port, asyncio.run(database.tenant()).key, lanes)
        limit = limit_of(limit_port, limit_key, lanes)
        for number in range(plan.rounds + 1):
            for connections in CONNECTIONS:
                rates = [side.round(connections, plan, number) for side in (ours, limit)]
                progress.say(f"  {connections}: {rates[0]:,.0f} against {rates[1]:,.0f} requests/s")
    return [line_of(connections, ours, limit) for connections in CONNECTIONS]


def line_of(connections: int, ours: Side, limit: Side) -> Line:
    rates = ours.rates(connections), limit.rates(connections)
    ratio = paired(*rates)
    latencies = [
        f"{side.milliseconds(connections, 0.5):.1f}/{side.milliseconds(connections, 0.99):.1f}"
        for side in (ours, limit)
    ]
    return Line(
        what=f"single call, {connections} connection{'s' if connections > 1 else ''}",
        unit="requests/s",
        csapi=statistics.median(rates[0]),
        limit=statistics.median(rates[1]),
        ratio=ratio,
        goal=at_least(RATIO_GOAL, ratio),
        note=f"p50/p99 {latencies[0]} ms against {latencies[1]} ms",
    )

"""Batches over HTTP to commit, against COPY and upsert of the rows that they end in."""

import asyncio
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg

from bench.client import closed_loop
from bench.handwritten import Writer
from bench.items import CUSTOMERS, EVENTS_PER_TICKET, Item, Source, array, encoded
from bench.measure import Line, Progress, at_least, paired
from bench.precomputed import Portion, Recorder
from bench.servers import Database, Servers, Tenant
from csapi.facts.call import CALLS
from csapi.facts.events import EVENTS
from csapi.facts.resource import RecordKind
from csapi.facts.ticket import TICKETS

BATCH, LANES = 1_000, 2
WARM_UP = CUSTOMERS // BATCH
RATIO_GOAL = 0.7

Batches = list[list[bytes]]


@dataclass(frozen=True, slots=True)
class Plan:
    rounds: int
    batches: int


QUICK, FULL = Plan(rounds=3, batches=2), Plan(rounds=5, batches=4)


@dataclass(frozen=True, slots=True)
class Case:
    """What is sent, and what must be there before."""

    name: str
    kind: RecordKind
    goal: float | None


CASES = (
    Case("calls", CALLS, None),
    Case("tickets with milestones", TICKETS, 10_000),
    Case("ticket events", EVENTS, 20_000),
)


@dataclass(slots=True)
class Work:
    """For each lane the bodies for csapi and the rows for the limit: headers of tickets first."""

    case: Case
    before: list[tuple[Batches, list[Portion]]]
    lanes: list[tuple[Batches, list[Portion]]]


def batches_of(case: Case, source: Source, count: int) -> tuple[Batches, Batches]:
    """Batches of ticket headers that have to be there, and the batches that are measured."""
    if case.kind is CALLS:
        return [], [encoded([source.call() for _ in range(BATCH)]) for _ in range(count)]
    if case.kind is TICKETS:
        return [], [encoded([source.ticket() for _ in range(BATCH)]) for _ in range(count)]
    heads: Batches = []
    events: list[Item] = []
    while len(events) < count * BATCH:
        tickets = [source.ticket(has_milestones=False) for _ in range(BATCH)]
        heads.append(encoded(tickets))
        events += [event for ticket in tickets for event in source.events(ticket)]
    per_batch = BATCH // EVENTS_PER_TICKET * EVENTS_PER_TICKET
    bodies = [
        encoded(events[start : start + per_batch]) for start in range(0, count * BATCH, per_batch)
    ]
    return heads, bodies


async def prepared(database: Database, case: Case, plan: Plan) -> Work:
    """Take everything in once, to learn the rows."""
    admin = await database.admin()
    scratch = await database.tenant()
    recorder = await Recorder.open(admin, database.api_url, scratch.tenant_id)
    count = WARM_UP + plan.rounds * plan.batches
    work = Work(case, [], [])
    for lane in range(LANES):
        source = Source(f"{case.kind.name}-{lane}", lane)
        heads, bodies = batches_of(case, source, count)
        work.before.append((heads, [await recorder.take_in(TICKETS, each) for each in heads]))
        work.lanes.append((bodies, [await recorder.take_in(case.kind, each) for each in bodies]))
    await recorder.close()
    await admin.close()
    return work


def send(port: int, tenant: Tenant, kind: RecordKind, lanes: Sequence[Batches]) -> float:
    path = f"/v1/{kind.name}/batch"
    requests = [[tenant.key.post(path, array(batch)) for batch in lane] for lane in lanes]
    return closed_loop(port, requests, expected=b'"created":%d' % BATCH).seconds


async def write(writers: Sequence[Writer], lanes: Sequence[Sequence[Portion]]) -> float:
    """Every lane on a connection of its own, all at once."""

    async def run(writer: Writer, portions: Sequence[Portion]) -> None:
        for portion in portions:
            await writer.write(portion)

    began = time.perf_counter()
    await asyncio.gather(*(run(*pair) for pair in zip(writers, lanes, strict=True)))
    return time.perf_counter() - began


async def open_writers(database: Database, tenant: Tenant, kind: RecordKind) -> list[Writer]:
    return [await Writer.open(database.api_url, tenant.tenant_id, kind) for _ in range(LANES)]


async def send_heads(
    database: Database, port: int, work: Work, ours: Tenant, limits: Tenant
) -> None:
    writers = await open_writers(database, limits, TICKETS)
    for number in range(max(len(bodies) for bodies, _ in work.before)):
        send(port, ours, TICKETS, [[bodies[number]] for bodies, _ in work.before])
        portions = [[rows[number].of(limits.tenant_id)] for _, rows in work.before]
        await write(writers, portions)
    for writer in writers:
        await writer.close()


async def measured(
    database: Database, port: int, work: Work, plan: Plan, progress: Progress
) -> tuple[list[float], list[float]]:
    """Items per second by round: of csapi and of the limit."""
    ours, limits = await database.tenant(), await database.tenant()
    kind = work.case.kind
    await send_heads(database, port, work, ours, limits)
    lanes = [[each.of(limits.tenant_id) for each in rows] for _, rows in work.lanes]
    writers = await open_writers(database, limits, kind)
    rates: tuple[list[float], list[float]] = ([], [])
    for first in (0, *range(WARM_UP, WARM_UP + plan.rounds * plan.batches, plan.batches)):
        last = first + plan.batches if first else WARM_UP
        sent = send(port, ours, kind, [bodies[first:last] for bodies, _ in work.lanes])
        written = await write(writers, [rows[first:last] for rows in lanes])
        items = plan.batches * LANES * BATCH
        if first:
            rates[0].append(items / sent)
            rates[1].append(items / written)
            progress.say(f"  {items / sent:,.0f} against {items / written:,.0f} items/s")
    for writer in writers:
        await writer.close()
    await compare(database, work.case, ours, limits)
    return rates


CHECKSUM = """
SELECT count(*) AS facts, sum(hashtextextended(concat_ws('|', r.source, r.external_id, f.kind,
    f.ordinal, f.outcome, f.occurred_at, f.duration_ms, f.value, f.gap_next_ms, f.negative_ms,
    f.actor_agent IS NULL, f.topic IS NULL, f.customer IS NULL), 0)::numeric) AS content
FROM facts f JOIN {table} r ON r.tenant_id = f.tenant_id AND r.id = f.subject
WHERE f.tenant_id = $1"""


async def compare(database: Database, case: Case, ours: Tenant, limits: Tenant) -> None:
    """Both sides must have ended in the same facts: else they did not do the same work."""
    admin: asyncpg.Connection = await database.admin()
    table = "tickets" if case.kind is EVENTS else case.kind.table
    sql = CHECKSUM.format(table=table)
    found = [tuple(await admin.fetchrow(sql, each.tenant_id)) for each in (ours, limits)]
    await admin.close()
    if found[0] != found[1]:
        raise AssertionError(f"{case.name}: csapi wrote {found[0]}, the limit {found[1]}")


def run(servers: Servers, progress: Progress, *, is_quick: bool) -> list[Line]:
    plan = QUICK if is_quick else FULL
    lines: list[Line] = []
    database = servers.database("ingest")
    with servers.running("serve", database) as port:
        for case in CASES:
            progress.say(f"batched ingest: {case.name}")
            work = asyncio.run(prepared(database, case, plan))
            ours, limit = asyncio.run(measured(database, port, work, plan, progress))
            lines += lines_of(case, ours, limit)
    return lines


def lines_of(case: Case, ours: Sequence[float], limit: Sequence[float]) -> list[Line]:
    ratio, rate = paired(ours, limit), statistics.median(ours)
    what = f"batched ingest, {case.name}"
    lines = [
        Line(
            what=what,
            unit="items/s",
            csapi=rate,
            limit=statistics.median(limit),
            ratio=ratio,
            goal=at_least(RATIO_GOAL, ratio),
        )
    ]
    if case.goal is not None:
        reached = at_least(case.goal, rate)
        lines.append(Line(what=f"{what}, absolute", unit="items/s", csapi=rate, goal=reached))
    return lines

"""Records go, and the numbers that were made of them stay (docs/retention.md)."""

import random
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import pytest
from tests.delivery.lab import KINDS, SOURCE, take_in

from csapi.access.scans import Look
from csapi.access.tenancy import tenant_transaction
from csapi.facts.events import EVENTS
from csapi.ingest.events import ingest_events
from csapi.ingest.service import Intake, Outcome, ingest_records
from csapi.kit.clock import now
from csapi.kit.problems import Problem
from csapi.metrics.catalog import METRICS
from csapi.reports.schemas import Query
from csapi.reports.service import Desk, answer
from csapi.rollup import removal
from csapi.rollup.repair import repair
from csapi.rollup.retention import GRACE, Kept, horizon_of, keep_to
from csapi.rollup.sweep import Drainer
from csapi.rollup.verify import Findings, verify_tenant

ZONE = "Asia/Kolkata"
FIRST = datetime(2024, 6, 1, tzinfo=UTC)
NIGHT = datetime(2025, 1, 15, tzinfo=UTC)
HORIZON = datetime(2024, 9, 30, 18, 30, tzinfo=UTC)
FROZEN = {"from": "2024-06-01", "to": "2024-10-01"}
AFTER = {"from": "2024-10-01", "to": "2025-01-15"}
NUMBERS, DAYS_APART = 76, 3
RECORDS = ("tickets", "ticket_events", "calls", "feedback_requests", "feedback", "tasks")

Items = dict[str, list[dict[str, Any]]]


def told(at: datetime) -> str:
    return at.isoformat()


def ticket(number: int, at: datetime, dice: random.Random, items: Items) -> None:
    name = f"t{number}"
    items["tickets"].append(
        {
            "external_id": name, "created_at": told(at), "channel": dice.choice(["email", "chat"]),
            "topic": dice.choice(["refund", "login"]), "assignee": f"a{number % 4}",
            "customer": f"u{dice.randrange(40)}",
        }
    )  # fmt: skip

    def add(kind: str, later: timedelta, **values: Any) -> None:
        event = {"event_id": f"{name}-{len(items['ticket-events'])}", "ticket": name}
        event |= {"type": kind, "occurred_at": told(at + later)}
        items["ticket-events"].append(event | values)

    if number % 9:
        later = timedelta(minutes=dice.randrange(1, 300))
        agent = {"actor": f"a{number % 4}", "actor_type": "agent"}
        add("message", later, direction="outbound", **agent)
    # Some take over a month, and some are never solved.
    if number % 7:
        later = timedelta(hours=dice.choice([5, 30, 900]), minutes=dice.randrange(60))
        add("status_changed", later, **{"from": "open", "to": "solved"})
    if number % 3 == 0:
        sent = at + timedelta(hours=6)
        items["feedback-requests"].append(
            {"external_id": f"r{number}", "sent_at": told(sent), "survey": "csat", "ticket": name}
        )
    if number % 6 == 0:
        rated = at + timedelta(days=dice.choice([1, 2, 35]))
        items["feedback"].append(
            {
                "external_id": f"f{number}", "survey": "csat", "rating": dice.randrange(1, 6),
                "responded_at": told(rated), "request": f"r{number}", "comment": "so it goes",
            }
        )  # fmt: skip
    if number % 8 == 0:
        done = {"completed_at": told(at + timedelta(hours=4))} if number % 16 else {}
        items["tasks"].append(
            {
                "external_id": f"k{number}", "kind": "call back", "assignee": "a1", "ticket": name,
                "assignments": [{"agent": "a1", "at": told(at + timedelta(hours=1))}], **done,
            }
        )  # fmt: skip


def call(number: int, at: datetime, dice: random.Random, items: Items) -> None:
    items["calls"].append(
        {
            "external_id": f"c{number}", "queue_entered_at": told(at), "queue": "q1",
            "wait_seconds": dice.randrange(200), "customer": f"u{dice.randrange(40)}",
            "outcome": "answered" if number % 4 else "abandoned", "topic": "login",
        }
    )  # fmt: skip


def world() -> Items:
    dice = random.Random(7)
    items: Items = {
        name: []
        for name in (
            "tickets", "ticket-events", "calls", "feedback-requests", "feedback", "tasks",
        )
    }  # fmt: skip
    for number in range(NUMBERS):
        at = FIRST + timedelta(days=number * DAYS_APART, minutes=dice.randrange(1, 1_400))
        ticket(number, at, dice, items)
        call(number, at + timedelta(minutes=dice.randrange(600)), dice, items)
    return items


@pytest.fixture
async def filled(
    intake: Intake, worker_pool: asyncpg.Pool, new_tenant: Callable[..., Awaitable[UUID]]
) -> UUID:
    """A tenant with half a year of everything, rolled up, that keeps a hundred days."""
    tenant_id = await new_tenant(ZONE)
    for resource, items in world().items():
        await take_in(intake, tenant_id, resource, items)
    await Drainer(worker_pool, settled_seconds=0, rested=False).drain()
    return tenant_id


async def set_days(api_pool: asyncpg.Pool, tenant_id: UUID, days: int | None) -> None:
    async with tenant_transaction(api_pool, tenant_id) as connection:
        await connection.execute(
            "INSERT INTO retention (tenant_id, keep_days) VALUES ($1, $2) "
            "ON CONFLICT (tenant_id) DO UPDATE SET keep_days = $2",
            tenant_id,
            days,
        )


async def kept(api_pool: asyncpg.Pool, worker_pool: asyncpg.Pool, tenant_id: UUID) -> Kept:
    await set_days(api_pool, tenant_id, 100)
    return await keep_to(worker_pool, Look(tenant_id, ZONE, NIGHT))


async def asked(desk: Desk, query: dict[str, Any]) -> Any:
    """The values of an answer, or the code that it was refused with."""
    try:
        found = await answer(desk, msgspec.convert(query, Query))
    except Problem as problem:
        return [error.code for error in problem.errors] or problem.code
    return [
        (
            [str(each) for each in msgspec.to_builtins(row.dimensions).values()],
            {name: (cell.value, cell.n) for name, cell in row.metrics.items()},
        )
        for row in found.data
    ]


# Those that are always asked, beside each so-manieth of the catalog.
USUAL = ("tickets_created", "backlog", "csat", "first_response_time", "calls_offered")


def questions(step: int) -> dict[str, dict[str, Any]]:
    """Metrics over both ranges, and some by month and by topic."""
    found = {}
    for name in {*USUAL, *list(METRICS)[::step]}:
        for place, time_range in (("frozen", FROZEN), ("after", AFTER)):
            query = {"metrics": [{"id": name}], "time": {"range": time_range}}
            found[f"{name} {place}"] = query
    for name in ("tickets_created", "backlog", "calls_offered"):
        query = {"metrics": [{"id": name}], "time": {"range": FROZEN}}
        found[f"{name} by month"] = query | {"dimensions": ["month"]}
        found[f"{name} by topic"] = query | {"dimensions": ["topic"]}
    return found


async def all_asked(desk: Desk, step: int) -> dict[str, Any]:
    return {name: await asked(desk, query) for name, query in questions(step).items()}


GONE = ["beyond_retention"]


@pytest.mark.parametrize("step", [9, pytest.param(1, marks=pytest.mark.harden)])
async def test_every_number_stays_or_is_refused(
    filled: UUID,
    worker_pool: asyncpg.Pool,
    api_pool: asyncpg.Pool,
    admin: asyncpg.Connection,
    step: int,
) -> None:
    desk = Desk(api_pool, filled, ZONE, NIGHT, 1_000)
    before = await all_asked(desk, step)
    rows = {name: await count(admin, filled, name) for name in (*RECORDS, "facts")}
    done = await kept(api_pool, worker_pool, filled)
    assert (done.horizon, done.is_done) == (HORIZON, True)
    assert done.removed > 40
    for name in (*RECORDS, "facts"):
        assert 0 < await count(admin, filled, name) < rows[name], name

    after = await all_asked(Desk(api_pool, filled, ZONE, NIGHT, 1_000), step)
    refused = {name for name, found in after.items() if found == GONE != before[name]}
    differing = {
        name: (before[name], found)
        for name, found in after.items()
        if found != before[name] and name not in refused
    }
    assert differing == {}
    # What is after the horizon is answered as ever.
    assert {name for name in refused if not name.endswith("frozen")} == set()
    answered = [name for name in after if name.endswith("frozen") and name not in refused]
    assert len(answered) > len(refused) > 0
    for name in USUAL:
        assert f"{name} frozen" not in refused, name

    findings = Findings()
    async with worker_pool.acquire() as connection:
        await verify_tenant(connection, filled, ZONE, findings)
    assert (findings.mismatches, findings.pending) == (0, 0)
    assert findings.buckets_frozen > 40
    again = await keep_to(worker_pool, Look(filled, ZONE, NIGHT + timedelta(days=1)))
    assert (again.removed, again.is_done) == (0, True)


async def count(admin: asyncpg.Connection, tenant_id: UUID, table: str) -> int:
    found: int = await admin.fetchval(
        f"SELECT count(*) FROM {table} WHERE tenant_id = $1", tenant_id
    )
    return found


async def digest(admin: asyncpg.Connection, tenant_id: UUID) -> str:
    """Of everything in frozen summaries, byte by byte."""
    found: str = await admin.fetchval(
        "SELECT md5(string_agg(s::text, '' ORDER BY s::text)) FROM summaries s "
        "WHERE tenant_id = $1 AND bucket < $2",
        tenant_id,
        HORIZON,
    )
    return found


async def sent(intake: Intake, tenant_id: UUID, resource: str, *items: Any) -> list[Outcome]:
    kind = KINDS[resource]
    raw = [msgspec.json.encode({"source": SOURCE, **item}) for item in items]
    taking = ingest_events if kind is EVENTS else ingest_records
    return await taking(intake, tenant_id, kind, raw, now())


async def left(admin: asyncpg.Connection, tenant_id: UUID, table: str) -> set[str]:
    rows = await admin.fetch(f"SELECT external_id FROM {table} WHERE tenant_id = $1", tenant_id)
    return {row[0] for row in rows}


async def test_what_comes_late_changes_nothing_that_is_frozen(
    filled: UUID,
    intake: Intake,
    worker_pool: asyncpg.Pool,
    api_pool: asyncpg.Pool,
    admin: asyncpg.Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = await digest(admin, filled)
    batches = iter(range(3))

    async def killed(*arguments: Any) -> Any:
        if next(batches, None) is None:
            raise KeyboardInterrupt
        return await removed(*arguments)

    removed = removal.remove_batch
    monkeypatch.setattr(removal, "BATCH", 9)
    monkeypatch.setattr(removal, "remove_batch", killed)
    with pytest.raises(KeyboardInterrupt):
        await kept(api_pool, worker_pool, filled)
    monkeypatch.setattr(removal, "remove_batch", removed)
    some = await admin.fetchval("SELECT removed FROM retention WHERE tenant_id = $1", filled)
    assert some > 0
    again = await kept(api_pool, worker_pool, filled)
    assert again.is_done
    assert again.removed > 0
    assert await digest(admin, filled) == before

    await late_items(intake, admin, filled)
    await Drainer(worker_pool, settled_seconds=0, rested=False).drain()
    assert await digest(admin, filled) == before
    assert await admin.fetchval(LATE, filled) is None
    await late_changes(intake, api_pool, worker_pool, admin, filled)
    assert await digest(admin, filled) == before


async def late_items(intake: Intake, admin: asyncpg.Connection, filled: UUID) -> None:
    """What is new and begins before the horizon is refused, and nothing else of a body."""
    calls = await left(admin, filled, "calls")
    gone = next(item for item in world()["calls"] if item["external_id"] not in calls)
    here = next(item for item in world()["calls"] if item["external_id"] in calls)
    young = {"external_id": "young", "queue_entered_at": "2024-12-30T10:00:00Z"}
    outcomes = await sent(intake, filled, "calls", gone, young, here)
    assert [each.status for each in outcomes] == ["rejected", "created", "duplicate"]
    (error,) = outcomes[0].errors
    assert (error.pointer, error.code) == ("/0/queue_entered_at", "event_too_old")
    late = {"event_id": "late", "ticket": "t1", "type": "message", "actor_type": "agent"}
    late |= {"actor": "a1", "direction": "outbound"}
    outcomes = await sent(
        intake, filled, "ticket-events",
        late | {"occurred_at": "2024-07-01T00:00:00Z"},
        late | {"event_id": "fine", "occurred_at": "2024-12-01T00:00:00Z"},
    )  # fmt: skip
    assert [each.status for each in outcomes] == ["rejected", "created"]


async def late_changes(
    intake: Intake,
    api_pool: asyncpg.Pool,
    worker_pool: asyncpg.Pool,
    admin: asyncpg.Connection,
    filled: UUID,
) -> None:
    """A ticket that is open since then stays, and goes on; what that changes there is not counted,
    and answers say so."""
    changed = next(item for item in world()["tickets"] if item["external_id"] == "t7")
    outcomes = await sent(intake, filled, "tickets", changed | {"topic": "other"})
    assert [each.status for each in outcomes] == ["updated"]
    await Drainer(worker_pool, settled_seconds=0, rested=False).drain()
    assert await admin.fetchval(LATE, filled) > 0
    query = {"metrics": [{"id": "tickets_created"}], "time": {"range": FROZEN}}
    desk = Desk(api_pool, filled, ZONE, NIGHT, 1_000)
    found = await answer(desk, msgspec.convert(query, Query))
    assert any("only summaries are kept" in each for each in found.meta.warnings)
    assert any("were not counted" in each for each in found.meta.warnings)
    findings = Findings()
    async with worker_pool.acquire() as connection:
        await verify_tenant(connection, filled, ZONE, findings)
        assert findings.mismatches == 0
        assert await repair(connection, findings) == 0

    # Of an attribute that is declared now, frozen summaries know nothing.
    await admin.execute(
        "INSERT INTO custom_attributes (tenant_id, name, label, slot) "
        "VALUES ($1, 'plan', 'Plan', 1)",
        filled,
    )
    by_plan = query | {"dimensions": ["custom.plan"]}
    assert await asked(desk, by_plan) == GONE
    assert await asked(desk, by_plan | {"time": {"range": AFTER}}) != GONE


LATE = "SELECT sum(times) FROM dead_marks WHERE tenant_id = $1"


async def test_nothing_goes_where_everything_is_kept(
    worker_pool: asyncpg.Pool, api_pool: asyncpg.Pool, tenant_id: UUID
) -> None:
    assert await keep_to(worker_pool, Look(tenant_id, ZONE, NIGHT)) == Kept(None)
    await set_days(api_pool, tenant_id, None)
    assert await keep_to(worker_pool, Look(tenant_id, ZONE, NIGHT)) == Kept(None)


async def test_a_new_setting_can_be_taken_back_for_a_week(
    worker_pool: asyncpg.Pool, api_pool: asyncpg.Pool, admin: asyncpg.Connection, tenant_id: UUID
) -> None:
    await set_days(api_pool, tenant_id, 90)
    at = await admin.fetchval("SELECT updated_at FROM retention WHERE tenant_id = $1", tenant_id)
    horizons = [
        (await keep_to(worker_pool, Look(tenant_id, ZONE, at + after), GRACE)).horizon
        for after in (timedelta(), timedelta(days=6, hours=23), timedelta(days=7, seconds=1))
    ]
    assert horizons[:2] == [None, None]
    assert horizons[2] == horizon_of(90, ZONE, at + timedelta(days=7, seconds=1))


async def test_nothing_is_frozen_while_work_waits(
    worker_pool: asyncpg.Pool,
    api_pool: asyncpg.Pool,
    tenant_id: UUID,
    admin: asyncpg.Connection,
) -> None:
    outdate = "UPDATE definitions SET fingerprint = 0 WHERE tenant_id = $1 RETURNING resource"
    await Drainer(worker_pool, settled_seconds=0).drain()
    assert await admin.fetch(outdate, tenant_id)
    found = await kept(api_pool, worker_pool, tenant_id)
    assert (found.horizon, found.is_done) == (HORIZON, False)
    assert await admin.fetchval("SELECT count(*) FROM freezes WHERE tenant_id = $1", tenant_id) == 0


def test_whole_local_months_go() -> None:
    assert horizon_of(100, ZONE, NIGHT) == HORIZON
    assert horizon_of(90, "UTC", datetime(2025, 4, 1, tzinfo=UTC)) == datetime(
        2025, 1, 1, tzinfo=UTC
    )

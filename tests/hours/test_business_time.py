"""Business time of tickets and calls, counted by hand."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import pytest
from tests.hours.conftest import Send, schedule, weekly

from csapi.access.tenancy import tenant_transaction
from csapi.facts.kinds import Kind
from csapi.facts.outcomes import WaitOutcome
from csapi.facts.schedule_periods import ask_for_recompute, is_business_time_current
from csapi.kit.clock import now
from csapi.reports.schemas import Query
from csapi.reports.service import Desk, answer
from csapi.rollup.verify import Findings, verify_tenant

Minutes = Callable[..., Awaitable[float | None]]
Derive = Callable[[UUID], Awaitable[int]]


def solved(at: str) -> dict[str, Any]:
    return {
        "event_id": "solved", "ticket": "t1", "type": "status_changed", "occurred_at": at,
        "from": "open", "to": "solved",
    }  # fmt: skip


def assigned(at: str, name: str = "assigned", **to: str) -> dict[str, Any]:
    return {"event_id": name, "ticket": "t1", "type": "assigned", "occurred_at": at, **to}


NORTH = schedule("north", {"weekly": weekly("09:00", "17:00")}, teams=["north"])
SOUTH = schedule("south", {"weekly": weekly("12:00", "15:30")}, teams=["south"])
MONDAY = "2026-01-05T09:00:00Z"


async def test_every_schedule_along_the_path_counts(
    tenant_id: UUID, send: Send, minutes: Minutes
) -> None:
    """Monday 9 to 17 under north: 480. Then south: Tuesday and Wednesday 12 to 15:30, 210 each,
    and Thursday 12:00:00 to 12:59:27.6, 59.46. Together 959.46. The last schedule alone would
    have given Monday 210 in place of 480: 689.46."""
    await send(tenant_id, "schedules", NORTH, SOUTH)
    await send(tenant_id, "tickets", {"external_id": "t1", "created_at": MONDAY, "team": "north"})
    await send(
        tenant_id,
        "ticket-events",
        assigned("2026-01-05T18:00:00Z", team="south"),
        solved("2026-01-08T12:59:27.6Z"),
    )
    assert await minutes(tenant_id, Kind.RESOLUTION) == 480 + 2 * 210 + 59.46 == 959.46


async def test_one_schedule_alone(tenant_id: UUID, send: Send, minutes: Minutes) -> None:
    """The same ticket with south from the start: 3 x 210 + 59.46."""
    await send(tenant_id, "schedules", NORTH, SOUTH)
    await send(tenant_id, "tickets", {"external_id": "t1", "created_at": MONDAY, "team": "south"})
    await send(tenant_id, "ticket-events", solved("2026-01-08T12:59:27.6Z"))
    assert await minutes(tenant_id, Kind.RESOLUTION) == 3 * 210 + 59.46 == 689.46


async def test_the_team_of_the_owner_counts_where_the_ticket_names_none(
    tenant_id: UUID, send: Send, minutes: Minutes
) -> None:
    """Agent a1 is in north until Monday 13:00, in no team until 14:00, then in south: north 9 to
    13 (240), the default 13 to 14 (60), south 14 to 15 (60)."""
    always = schedule("always", {"weekly": weekly("00:00", "24:00")}, is_default=True)
    await send(tenant_id, "schedules", NORTH, SOUTH, always)
    turn, back = "2026-01-05T13:00:00Z", "2026-01-05T14:00:00Z"
    memberships = [{"team": "north", "to": turn}, {"team": "south", "from": back}]
    await send(tenant_id, "agents", {"external_id": "a1", "memberships": memberships})
    ticket = {"external_id": "t1", "created_at": "2026-01-05T07:00:00Z", "assignee": "a1"}
    await send(tenant_id, "tickets", ticket)
    await send(tenant_id, "ticket-events", solved("2026-01-05T15:00:00Z"))
    assert await minutes(tenant_id, Kind.RESOLUTION) == 240 + 60 + 60


async def test_team_then_inbox_then_default(tenant_id: UUID, send: Send, minutes: Minutes) -> None:
    """The team's schedule ends with January 5, the inbox's starts on January 7: one day each of
    8 h, 24 h (the default on the 6th) and 1 h, then half an hour of the inbox's last day."""
    await send(
        tenant_id,
        "schedules",
        schedule(
            "team", {"valid_to": "2026-01-06", "weekly": weekly("09:00", "17:00")}, teams=["north"]
        ),
        schedule(
            "inbox",
            {"valid_from": "2026-01-07", "weekly": weekly("10:00", "11:00")},
            inboxes=["post"],
        ),
        schedule("else", {"weekly": weekly("00:00", "24:00")}, is_default=True),
    )
    ticket = {"external_id": "t1", "created_at": MONDAY, "team": "north", "inbox": "post"}
    await send(tenant_id, "tickets", ticket)
    await send(tenant_id, "ticket-events", solved("2026-01-08T10:30:00Z"))
    assert await minutes(tenant_id, Kind.RESOLUTION) == (8 + 24 + 1 + 0.5) * 60


async def test_without_a_schedule_in_force_it_is_not_known(
    tenant_id: UUID, send: Send, minutes: Minutes
) -> None:
    """The only schedule starts in the middle of the wait."""
    late = schedule(
        "late", {"valid_from": "2026-01-06", "weekly": weekly("00:00", "24:00")}, is_default=True
    )
    await send(tenant_id, "schedules", late)
    await send(tenant_id, "tickets", {"external_id": "t1", "created_at": MONDAY})
    await send(tenant_id, "ticket-events", solved("2026-01-07T09:00:00Z"))
    assert await minutes(tenant_id, Kind.RESOLUTION) is None


async def test_first_response_of_milestones(tenant_id: UUID, send: Send, minutes: Minutes) -> None:
    """Friday 16:30 to Monday 09:10 in Cairo, Sunday to Thursday 9 to 17: Sunday 8 h and 10 min."""
    week = ("sunday", "monday", "tuesday", "wednesday", "thursday")
    office = schedule(
        "office", {"weekly": weekly("09:00", "17:00", week)}, timezone="Africa/Cairo",
        is_default=True,
    )  # fmt: skip
    await send(tenant_id, "schedules", office)
    times = {"created_at": "2026-01-09T16:30:00+02:00"}
    reply = {"first_reply_at": "2026-01-12T09:10:00+02:00"}
    await send(tenant_id, "tickets", {"external_id": "t1", **times, "milestones": reply})
    assert await minutes(tenant_id, Kind.FIRST_RESPONSE) == 490


@pytest.mark.parametrize(("team", "expected"), [("north", 0.25), ("south", 0), (None, None)])
async def test_the_wait_of_a_call_starts_at_its_instant(
    team: str | None, expected: float | None, tenant_id: UUID, send: Send, minutes: Minutes
) -> None:
    """In the queue from 8:59:50 for 25 s: north opens after 10 of them, and 15 s are 0.25 min."""
    await send(tenant_id, "schedules", NORTH, SOUTH)
    call = {"external_id": "c1", "queue_entered_at": "2026-01-05T08:59:50Z", "wait_seconds": 25}
    await send(tenant_id, "calls", {**call, "team": team, "outcome": "answered"})
    assert await minutes(tenant_id, Kind.CALL) == expected


async def findings(pool: asyncpg.Pool, tenant_id: UUID) -> Findings:
    found = Findings()
    async with pool.acquire() as connection:
        await verify_tenant(connection, tenant_id, "UTC", found)
    return found


async def test_a_change_counts_from_a_recompute_on(
    tenant_id: UUID,
    send: Send,
    minutes: Minutes,
    derive: Derive,
    api_pool: asyncpg.Pool,
    worker_pool: asyncpg.Pool,
) -> None:
    await send(tenant_id, "schedules", {**NORTH, "is_default": True})
    await send(tenant_id, "tickets", {"external_id": "t1", "created_at": MONDAY})
    await send(tenant_id, "ticket-events", solved("2026-01-05T17:00:00Z"))
    call = {"external_id": "c1", "queue_entered_at": MONDAY, "wait_seconds": 60}
    await send(tenant_id, "calls", {**call, "outcome": "answered"})
    assert await minutes(tenant_id, Kind.RESOLUTION) == 480

    shorter = {**NORTH, "is_default": True, "versions": [{"weekly": weekly("10:00", "17:00")}]}
    await send(tenant_id, "schedules", shorter)
    assert await derive(tenant_id) == 0
    assert await minutes(tenant_id, Kind.RESOLUTION) == 480
    assert not (await findings(worker_pool, tenant_id)).wrong_subjects

    async with tenant_transaction(api_pool, tenant_id) as connection:
        assert not await is_business_time_current(connection, tenant_id)
        await ask_for_recompute(connection, tenant_id, 1)
        assert await is_business_time_current(connection, tenant_id)
    assert (await findings(worker_pool, tenant_id)).pending > 0
    assert await derive(tenant_id) == 2
    assert await minutes(tenant_id, Kind.RESOLUTION) == 420
    assert await minutes(tenant_id, Kind.CALL) == 0
    assert not (await findings(worker_pool, tenant_id)).wrong_subjects


async def test_verify_compares_business_time(
    tenant_id: UUID, send: Send, admin: asyncpg.Connection, worker_pool: asyncpg.Pool
) -> None:
    await send(tenant_id, "schedules", {**NORTH, "is_default": True})
    await send(tenant_id, "tickets", {"external_id": "t1", "created_at": MONDAY})
    await send(tenant_id, "ticket-events", solved("2026-01-05T17:00:00Z"))
    assert not (await findings(worker_pool, tenant_id)).wrong_subjects
    await admin.execute(
        "UPDATE facts SET business_ms = 1 WHERE tenant_id = $1 AND kind = 5", tenant_id
    )
    assert (await findings(worker_pool, tenant_id)).wrong_subjects


async def test_a_schedule_that_goes_takes_its_hours_along(
    tenant_id: UUID, send: Send, minutes: Minutes, admin: asyncpg.Connection
) -> None:
    await send(tenant_id, "schedules", {**NORTH, "is_default": True})
    await send(tenant_id, "schedules", {**NORTH, "deleted": True})
    for table in ("business_intervals", "schedule_periods"):
        sql = f"SELECT count(*) FROM {table} WHERE tenant_id = $1"
        assert await admin.fetchval(sql, tenant_id) == 0
    await send(tenant_id, "tickets", {"external_id": "t1", "created_at": MONDAY})
    await send(tenant_id, "ticket-events", solved("2026-01-05T17:00:00Z"))
    assert await minutes(tenant_id, Kind.RESOLUTION) is None


async def test_what_lasts_is_measured_by_the_hours_of_its_team(
    tenant_id: UUID, send: Send, api_pool: asyncpg.Pool
) -> None:
    """Open and unanswered since Monday 9:00 under north, 9 to 17: on Wednesday at 10:00 two days of
    8 h and one hour. Under no schedule it is not known."""
    await send(tenant_id, "schedules", NORTH)
    await send(
        tenant_id,
        "tickets",
        {"external_id": "t1", "created_at": MONDAY, "team": "north"},
        {"external_id": "t2", "created_at": MONDAY, "team": "south"},
    )
    metrics = [
        {"id": "backlog_age", "hours": "business"},
        {"id": "current_longest_wait", "hours": "business"},
        {"id": "current_wait"},
    ]
    time = {"range": {"from": "2026-01-05", "to": "2026-01-07T10:00:00Z"}}
    desk = Desk(api_pool, tenant_id, "UTC", now(), 1_000)
    found = await answer(desk, msgspec.convert({"metrics": metrics, "time": time}, Query))
    cells = found.data[0].metrics
    assert (cells["backlog_age"].value, cells["backlog_age"].n) == (17 * 3600, 1)
    assert cells["current_longest_wait"].value == 17 * 3600
    assert (cells["current_wait"].value, cells["current_wait"].n) == (49 * 3600, 2)


async def test_what_was_interrupted_adds_up_by_business_hours(
    tenant_id: UUID, send: Send, api_pool: asyncpg.Pool
) -> None:
    """Open on Monday from 9 to 11, pending until Tuesday 12, open again: on Wednesday at 10:00 that
    is 2 h, 5 h and 1 h of north. South has no schedule."""
    await send(tenant_id, "schedules", NORTH)
    tickets = [
        {"external_id": name, "created_at": MONDAY, "team": team}
        for name, team in (("t1", "north"), ("t2", "south"))
    ]
    changes = [
        {"event_id": f"{ticket}{at}", "ticket": ticket, "type": "status_changed",
         "occurred_at": at, "to": to}
        for ticket in ("t1", "t2")
        for at, to in (("2026-01-05T11:00:00Z", "pending"), ("2026-01-06T12:00:00Z", "open"))
    ]  # fmt: skip
    await send(tenant_id, "tickets", *tickets)
    await send(tenant_id, "ticket-events", *changes)
    name = "requester_wait_time_in_flight"
    metrics = [{"id": name}, {"id": name, "as": "open", "hours": "business"}]
    desk = Desk(api_pool, tenant_id, "UTC", now(), 1_000)

    async def at(end: str) -> list[tuple[Any, int]]:
        time = {"range": {"from": "2026-01-05", "to": end}}
        found = await answer(desk, msgspec.convert({"metrics": metrics, "time": time}, Query))
        return [(cell.numerator, cell.n) for cell in found.data[0].metrics.values()]

    assert await at("2026-01-07T10:00:00Z") == [(2 * (2 + 22) * 3600, 2), (8 * 3600, 1)]
    assert await at("2026-01-05T10:00:00Z") == [(2 * 3600, 2), (3600, 1)]
    done = {**changes[1], "event_id": "done", "occurred_at": "2026-01-07T12:00:00Z", "to": "solved"}
    await send(tenant_id, "ticket-events", done)
    assert await at("2026-01-07T10:00:00Z") == [(2 * (2 + 22) * 3600, 2), (8 * 3600, 1)]
    assert await at("2026-01-07T13:00:00Z") == [((2 + 25) * 3600, 1), (0, 0)]


async def test_time_in_a_status_is_added_up_over_its_parts(
    tenant_id: UUID, send: Send, admin: asyncpg.Connection
) -> None:
    """North is open from 9 to 17, south from 12 to 15:30. Open on Monday 16 to 18: 60 in north.
    Pending until Tuesday 14: 5 h of north until it goes to south at 13, and 60 in south. On hold
    until 16 (90 in south), and solved: we owe 60 + 90."""
    await send(tenant_id, "schedules", NORTH, SOUTH)
    created = "2026-01-05T16:00:00Z"
    await send(tenant_id, "tickets", {"external_id": "t1", "created_at": created, "team": "north"})
    changes = [
        {"event_id": name, "ticket": "t1", "type": "status_changed", "occurred_at": at, "to": to}
        for name, at, to in (
            ("s1", "2026-01-05T18:00:00Z", "pending"),
            ("s2", "2026-01-06T14:00:00Z", "on_hold"),
            ("s3", "2026-01-06T16:00:00Z", "solved"),
        )
    ]
    moved = assigned("2026-01-06T13:00:00Z", team="south")
    await send(tenant_id, "ticket-events", *changes, moved)
    rows = await admin.fetch(
        "SELECT outcome, business_ms / 60000 AS minutes FROM facts "
        "WHERE tenant_id = $1 AND kind = $2",
        tenant_id,
        int(Kind.TIME_IN_STATUS),
    )
    assert {row["outcome"]: row["minutes"] for row in rows} == {
        WaitOutcome.REQUESTER: 150,
        WaitOutcome.AGENT: 4 * 60 + 60,
        WaitOutcome.ON_HOLD: 90,
    }


async def test_an_unanswered_ticket_by_business_hours(
    tenant_id: UUID, send: Send, api_pool: asyncpg.Pool
) -> None:
    """Asked on Friday at 16:00 and answered on Monday at 10:00: 66 hours, two of them open. The
    third has no answer. Of the others nobody knows the hours."""
    await send(tenant_id, "schedules", NORTH)
    friday, monday = "2026-01-09T16:00:00Z", "2026-01-12T10:00:00Z"
    tickets = [
        {"external_id": name, "created_at": friday, "team": team, "milestones": reply}
        for name, team, reply in (
            ("t1", "north", {"first_reply_at": monday}),
            ("t2", "west", {"first_reply_at": monday}),
            ("t3", "north", {}),
            ("t4", "west", {}),
        )
    ]
    await send(tenant_id, "tickets", *tickets)

    async def counted(metric: str, hours: str, window: int) -> tuple[Any, ...]:
        asked = {"id": metric, "as": "m", "hours": hours, "params": {"window_hours": window}}
        time = {"range": {"from": "2026-01-09", "to": "2026-01-10"}}
        desk = Desk(api_pool, tenant_id, "UTC", now(), 1_000)
        query = msgspec.convert({"metrics": [asked], "time": time}, Query)
        found = await answer(desk, query)
        cell = found.data[0].metrics["m"]
        return cell.numerator, cell.n, found.meta.maturity["m"].state.value

    assert await counted("no_reply_rate", "calendar", 24) == (4, 4, "window")
    assert await counted("no_reply_rate", "business", 2) == (1, 2, "open")
    assert await counted("no_reply_rate", "business", 1) == (2, 2, "open")
    assert await counted("unanswered_tickets", "business", 2) == (1, 2, "open")

"""Tickets as snapshots: what they do not tell is null, and what they tell is what events tell.

One history is sent twice, as events and as milestones, and every metric of the catalog is asked of
both: the second answer is the first one, or null with a reason.
"""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import pytest
from tests.delivery.lab import take_in

from csapi.kit.clock import now
from csapi.metrics.catalog import METRICS
from csapi.reports.schemas import Query
from csapi.reports.service import Desk, answer

NEEDY = [each.id for each in METRICS.values() if each.build(each.defaults).needs is not None]
Item = dict[str, Any]

# A reply, a handover, two solves and what came between, twice.
STEPS: tuple[tuple[str, Item], ...] = (
    ("10:00", {"type": "message", "direction": "inbound", "actor_type": "customer"}),
    ("10:01", {"type": "message", "direction": "outbound", "actor_type": "bot",
               "is_auto_reply": True}),
    ("10:02", {"type": "assigned", "agent": "a1", "team": "one"}),
    ("10:06", {"type": "message", "direction": "outbound", "actor_type": "agent", "actor": "a1"}),
    ("10:10", {"type": "assigned", "agent": "a2", "team": "two"}),
    ("11:00", {"type": "status_changed", "from": "new", "to": "solved", "actor": "a2"}),
    ("12:00", {"type": "status_changed", "from": "solved", "to": "open"}),
    ("12:00", {"type": "message", "direction": "inbound", "actor_type": "customer"}),
    ("12:30", {"type": "message", "direction": "outbound", "actor_type": "agent", "actor": "a2"}),
    ("13:00", {"type": "status_changed", "from": "open", "to": "solved", "actor": "a2"}),
)  # fmt: skip
MILESTONES: Item = {
    "first_assigned_at": "10:02", "first_reply_at": "10:06", "first_reply_by": "a1",
    "first_solved_at": "11:00", "last_solved_at": "13:00", "solved_by": "a2", "reopen_count": 1,
    "messages_in": 2, "messages_out": 2,
}  # fmt: skip


def at(time: str) -> str:
    return f"2026-01-05T{time}:00Z"


def header(name: str, **more: Any) -> Item:
    return {
        "external_id": name, "created_at": at("10:00"), "status": "solved", "customer": "u1",
        "assignee": "a2", "team": "two", "channel": "email", "inbox": "new", **more,
    }  # fmt: skip


def snapshot(name: str, **more: Any) -> Item:
    stamped = {
        key: at(value) if key.endswith("_at") else value for key, value in MILESTONES.items()
    }
    return header(name, inbox="old", milestones=stamped, **more)


def events(ticket: str) -> list[Item]:
    return [
        {"event_id": f"{ticket}-{number}", "ticket": ticket, "occurred_at": at(time),
         "sequence": number, **step}
        for number, (time, step) in enumerate(STEPS)
    ]  # fmt: skip


@pytest.fixture
def ask(api_pool: asyncpg.Pool) -> Callable[..., Awaitable[Any]]:
    async def run(
        tenant_id: UUID, metrics: list[str], *dimensions: str, until: str = "2026-01-06"
    ) -> Any:
        found: dict[Any, dict[str, Any]] = {}
        for start in range(0, len(metrics), 20):
            query = {
                "metrics": [{"id": each} for each in metrics[start : start + 20]],
                "time": {"range": {"from": "2026-01-05", "to": until}},
                "dimensions": list(dimensions),
            }
            desk = Desk(api_pool, tenant_id, "UTC", now(), 1000)
            got = await answer(desk, msgspec.convert(query, Query))
            for row in got.data:
                key = tuple(each.key for each in row.dimensions.values())
                found.setdefault(key, {}).update(row.metrics)
        return found

    return run


async def test_what_a_snapshot_says_is_what_happened(
    intake: Any, new_tenant: Any, ask: Any
) -> None:
    told, summed_up = await new_tenant(), await new_tenant()
    await take_in(intake, told, "tickets", [header("t1"), header("t2")])
    await take_in(intake, told, "ticket-events", [*events("t1"), *events("t2")])
    await take_in(intake, summed_up, "tickets", [snapshot("t1"), snapshot("t2")])
    truth = (await ask(told, list(METRICS)))[()]
    found = (await ask(summed_up, list(METRICS)))[()]
    wrong = {
        name: (cell.value, truth[name].value)
        for name, cell in found.items()
        if cell.value is not None and cell.value != truth[name].value
    }
    # Rates and means say by n of how many they are: of the first of two solves nothing is known.
    partial = {name for name in wrong if found[name].denominator is not None}
    assert {name for name in partial if found[name].n >= truth[name].n} == set()
    assert wrong.keys() == partial
    assert {name for name in NEEDY if found[name].value is not None} == set()
    assert {found[name].null_reason for name in NEEDY} == {"not_sent"}
    assert all(found[name].numerator is None for name in NEEDY)
    assert {name: truth[name].value for name in NEEDY} == {
        "auto_replies": 2, "tickets_reopened": 2, "transfers": 2, "team_transfers": 2,
        "conversations_handled": 2, "reopened_tickets": 2,
    }  # fmt: skip
    # The law is about something: many numbers do come out of snapshots.
    assert sum(cell.value is not None and cell.n > 0 for cell in found.values()) > 20


async def test_a_day_without_tickets_does_not_know_either(
    intake: Any, tenant_id: UUID, ask: Any
) -> None:
    await take_in(intake, tenant_id, "tickets", [snapshot("t1")])
    by_day = await ask(tenant_id, NEEDY, "time:day", until="2026-01-08")
    assert len(by_day) == 3
    assert {cell.value for row in by_day.values() for cell in row.values()} == {None}


async def test_mixed_sources_are_told_apart(intake: Any, tenant_id: UUID, ask: Any) -> None:
    await take_in(intake, tenant_id, "tickets", [snapshot("s1"), header("e1"), header("e2")])
    await take_in(intake, tenant_id, "ticket-events", events("e1"))
    by_inbox = await ask(tenant_id, [*NEEDY, "tickets_created"], "inbox")
    assert {by_inbox[("old",)][name].value for name in NEEDY} == {None}
    assert {by_inbox[("new",)][name].value for name in NEEDY} == {1}
    by_day = await ask(tenant_id, NEEDY, "time:day", until="2026-01-07")
    assert {cell.value for cell in by_day["2026-01-05",].values()} == {1}
    # Some tickets do come with events: where nothing happened, nothing did.
    assert {cell.value for cell in by_day["2026-01-06",].values()} == {0}


async def test_without_any_snapshot_none_is_none(intake: Any, tenant_id: UUID, ask: Any) -> None:
    assert {cell.value for cell in (await ask(tenant_id, NEEDY))[()].values()} == {0}
    await take_in(intake, tenant_id, "tickets", [header("t1")])
    assert {cell.value for cell in (await ask(tenant_id, NEEDY))[()].values()} == {0}


async def test_what_only_says_how_to_read_a_number_makes_no_row(
    intake: Any, tenant_id: UUID, ask: Any
) -> None:
    await take_in(intake, tenant_id, "tickets", [snapshot("s1"), header("e1"), header("e2")])
    await take_in(intake, tenant_id, "ticket-events", events("e1"))
    assert list(await ask(tenant_id, ["tickets_reopened"], "inbox")) == [("new",)]

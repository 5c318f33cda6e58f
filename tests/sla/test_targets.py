"""Targets on cases that can be reckoned by hand."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from tests.hours.conftest import schedule, weekly
from tests.sla.conftest import (
    HOUR,
    Ask,
    Send,
    asked,
    at,
    became,
    given,
    policy,
    raised,
    replied,
    target,
    ticket,
)

from csapi.kit.clock import now

WEEK = {"from": "2026-03-02", "to": "2026-03-10"}
Derive = Callable[[UUID], Awaitable[int]]

REPLY = target("first_response", HOUR)


def hour(number: int, day: int = 2) -> str:
    return f"2026-03-{day:02}T{number:02}:00:00+00:00"


async def test_an_unanswered_breach_is_the_assignees_at_that_instant(
    tenant_id: UUID, send: Send, ask: Ask
) -> None:
    await send(tenant_id, "sla-policies", policy("p", REPLY))
    await send(tenant_id, "tickets", ticket("t1"), ticket("t2"))
    events = [
        *(given("t1", time, agent) for time, agent in
          (("08:10", "a1"), ("08:59", "a2"), ("09:01", "a3"))),
        asked("t2", "08:30"), given("t2", "08:31", "a1"), replied("t2", "09:30", "a2"),
    ]  # fmt: skip
    await send(tenant_id, "ticket-events", *events)
    assert await ask("sla_breaches", "agent") == {"a2": 1}
    assert await ask("sla_breaches", "time:hour") == {hour(9): 1}
    # The other was answered within the hour to the second, by somebody else than its owner.
    assert await ask("sla_attainment_rate", "agent") == {"a2": 0.5}
    # The late reply leaves the breach where it was, and says by how much.
    await send(tenant_id, "ticket-events", replied("t1", "11:00", "a4"))
    assert await ask("sla_breaches", "agent") == {"a2": 1}
    assert await ask("sla_breach_overshoot", "agent") == {"a4": 2 * HOUR}
    # An earlier reply that comes late takes it back.
    await send(tenant_id, "ticket-events", replied("t1", "08:40", "a5"))
    assert await ask("sla_breaches") == 0
    assert await ask("sla_breach_overshoot") is None


async def test_without_a_policy_nothing_is_attained(tenant_id: UUID, send: Send, ask: Ask) -> None:
    await send(tenant_id, "tickets", ticket("t1"))
    assert await ask("sla_attainment_rate") is None
    assert await ask("sla_breaches") == 0
    assert await ask("sla_active") == 0
    assert await ask("sla_at_risk") == 0


async def test_closing_without_a_reply_ends_the_target(
    tenant_id: UUID, send: Send, ask: Ask
) -> None:
    await send(tenant_id, "sla-policies", policy("p", REPLY))
    snapshot = {"first_solved_at": at("08:45"), "last_solved_at": at("08:45")}
    await send(tenant_id, "tickets", ticket("t1"), ticket("t2", milestones=snapshot))
    await send(tenant_id, "ticket-events", became("t1", "08:30", "solved"))
    assert await ask("sla_attainment_rate") is None
    assert await ask("sla_breaches") == 0
    assert await ask("sla_active") == 0
    # Who writes again waits again, for a first response still.
    await send(tenant_id, "ticket-events", asked("t1", "10:00"), became("t1", "10:00", "open"))
    assert await ask("sla_breaches", "time:hour", target="first_response") == {hour(11): 1}


@pytest.mark.parametrize(
    ("change", "breached"),
    [
        # normal: 4 h; urgent: 1 h, since 08:00.
        (("08:30", "urgent"), "09:00"),
        (("10:00", "urgent"), "10:00"),
        (("12:30", "urgent"), "12:00"),
        (("10:00", "unheard"), None),
    ],
)
async def test_the_priority_of_each_moment_decides(
    change: tuple[str, str], breached: str | None, tenant_id: UUID, send: Send, ask: Ask
) -> None:
    targets = [
        target("first_response", 4 * HOUR, "normal"), target("first_response", HOUR, "urgent"),
    ]  # fmt: skip
    await send(tenant_id, "sla-policies", policy("p", *targets))
    await send(tenant_id, "tickets", ticket("t1", priority="normal"))
    changed = {**raised("t1", *change), "from": "normal"}
    await send(tenant_id, "ticket-events", changed)
    found = await ask("sla_breaches", "time:15min")
    assert found == ({f"2026-03-02T{breached}:00+00:00": 1} if breached else {})
    was = "urgent" if breached in ("09:00", "10:00") else "normal"
    assert await ask("sla_breaches", "priority") == ({was: 1} if breached else {})
    await send(tenant_id, "ticket-events", replied("t1", "13:00"))
    late = {"09:00": 4, "10:00": 3, "12:00": 1}
    overshoot = await ask("sla_breach_overshoot")
    assert overshoot == (late[breached] * HOUR if breached else None)
    # What happens to a ticket later does not touch what was decided.
    await send(tenant_id, "ticket-events", raised("t1", "14:00", "low"))
    assert await ask("sla_breaches", "priority") == ({was: 1} if breached else {})


async def test_business_hours_stand_still_over_the_weekend(
    tenant_id: UUID, send: Send, ask: Ask
) -> None:
    office = schedule("office", {"weekly": weekly("09:00", "17:00")}, is_default=True)
    await send(tenant_id, "schedules", office)
    two_hours = target("first_response", 2 * HOUR, hours="business")
    await send(tenant_id, "sla-policies", policy("p", two_hours))
    # The 6th is a Friday. An hour is left of it; the target ends with the first hour of Monday.
    created = [("t1", at("16:00", 6)), ("t2", at("16:00", 6)), ("t3", at("15:00", 6))]
    await send(tenant_id, "tickets", *(ticket(name, created_at) for name, created_at in created))
    replies = [
        replied("t1", "10:00", day=9), replied("t2", "12:30", day=9),
        # No time is open between Friday 17:00 and Monday 09:00: this is still in time.
        replied("t3", "12:00", day=7),
    ]  # fmt: skip
    await send(tenant_id, "ticket-events", *replies)
    assert await ask("sla_breaches", "time:hour", time=WEEK) == {hour(10, 9): 1}
    assert await ask("sla_attainment_rate", time=WEEK) == pytest.approx(2 / 3)
    assert await ask("sla_breach_overshoot", time=WEEK) == 2.5 * HOUR


async def test_a_reopened_ticket_has_a_new_target(tenant_id: UUID, send: Send, ask: Ask) -> None:
    await send(tenant_id, "sla-policies", policy("p", target("resolution", 2 * HOUR)))
    await send(tenant_id, "tickets", ticket("t1", assignee="a1"))
    events = [
        became("t1", "09:00", "solved"), became("t1", "09:30", "open"),
        became("t1", "12:00", "solved"), became("t1", "13:00", "closed"),
    ]  # fmt: skip
    await send(tenant_id, "ticket-events", *events)
    assert await ask("sla_attainment_rate", "time:hour") == {hour(9): 1, hour(11): 0}
    assert await ask("sla_breaches", "agent") == {"a1": 1}
    assert await ask("sla_breach_overshoot", "time:hour") == {hour(12): HOUR / 2}
    active = await ask("sla_active", "time:15min")
    quarters = [f"2026-03-02T{time}:00+00:00" for time in ("08:45", "09:30", "11:15")]
    assert [time in active for time in quarters] == [True, True, True]
    assert {time for time, found in active.items() if found} == {
        f"2026-03-02T{hours:02}:{minutes:02}:00+00:00"
        for hours in range(24)
        for minutes in (0, 15, 30, 45)
        if (8, 0) <= (hours, minutes) < (9, 0) or (9, 30) <= (hours, minutes) < (11, 30)
    }


async def test_requester_wait_rests_while_the_customer_is_asked(
    tenant_id: UUID, send: Send, ask: Ask
) -> None:
    await send(tenant_id, "sla-policies", policy("p", target("requester_wait", 2 * HOUR)))
    await send(tenant_id, "tickets", ticket("t1"), ticket("t2"), ticket("t3", status="pending"))
    events = [
        became("t1", "09:00", "pending"), became("t1", "12:00", "open"),
        became("t2", "09:30", "pending"), became("t2", "14:00", "on_hold"),
        became("t2", "16:00", "solved"),
    ]  # fmt: skip
    await send(tenant_id, "ticket-events", *events)
    assert await ask("sla_breaches", "time:15min") == {
        "2026-03-02T13:00:00+00:00": 1,
        "2026-03-02T14:30:00+00:00": 1,
    }
    assert await ask("sla_breach_overshoot") == 1.5 * HOUR
    assert await ask("sla_active") == 1
    await send(tenant_id, "ticket-events", became("t1", "13:00", "solved"))
    assert await ask("sla_attainment_rate") == 0.5


async def test_every_run_of_messages_has_its_own_target(
    tenant_id: UUID, send: Send, ask: Ask
) -> None:
    targets = [REPLY, target("next_response", HOUR // 2)]
    await send(tenant_id, "sla-policies", policy("p", *targets))
    await send(tenant_id, "tickets", ticket("t1"))
    events = [
        asked("t1", "08:00"), replied("t1", "08:05"), asked("t1", "09:00"), asked("t1", "09:25"),
        replied("t1", "09:31"), replied("t1", "09:40"), asked("t1", "10:00"),
        became("t1", "10:10", "solved"), asked("t1", "10:20"),
    ]  # fmt: skip
    await send(tenant_id, "ticket-events", *events)
    # Each counts from its first unanswered message; the second to last ended with the solve.
    quarters = {"2026-03-02T09:30:00+00:00": 1, "2026-03-02T10:45:00+00:00": 1}
    assert await ask("sla_breaches", "time:15min", target="next_response") == quarters
    assert await ask("sla_attainment_rate", target="first_response") == 1
    assert await ask("sla_breach_overshoot", target="next_response") == 60


@pytest.mark.parametrize("answered", [False, True])
async def test_nobody_sees_a_breach_before_it_is_due(
    answered: bool,  # noqa: FBT001
    tenant_id: UUID,
    send: Send,
    ask: Ask,
) -> None:
    begun = now().replace(microsecond=0) - timedelta(minutes=20)
    due = begun + timedelta(minutes=30)
    await send(tenant_id, "sla-policies", policy("p", target("first_response", 1800)))
    await send(tenant_id, "tickets", ticket("t1", begun.isoformat(), assignee="a1"))
    if answered:
        reply = {
            "event_id": "e", "ticket": "t1", "type": "message", "direction": "outbound",
            "actor": "a2", "occurred_at": (begun + timedelta(minutes=10)).isoformat(),
        }  # fmt: skip
        await send(tenant_id, "ticket-events", reply)
    around = {
        "from": (begun - timedelta(days=1)).date().isoformat(),
        "to": (begun + timedelta(days=3)).date().isoformat(),
    }

    async def look(when: Any, metric: str, by: str | None = None, **more: Any) -> Any:
        return await ask(metric, by, time=around, asked_at=when, **more)

    just_before, just_after = due - timedelta(seconds=1), due + timedelta(seconds=1)
    for by in (None, "agent"):
        nothing: Any = {} if by else 0
        one = {"a1": 1} if by else 1
        assert await look(just_before, "sla_breaches", by) == nothing
        assert await look(just_after, "sla_breaches", by) == (nothing if answered else one)
        assert await look(just_before, "sla_active", by) == (nothing if answered else one)
        assert await look(just_after, "sla_active", by) == nothing
        risk = await look(just_before, "sla_at_risk", by, within_seconds=1)
        assert risk == (nothing if answered else one)
        early = begun + timedelta(minutes=20)
        assert await look(early, "sla_at_risk", by, within_seconds=599) == nothing
        assert await look(just_after, "sla_at_risk", by, within_seconds=HOUR) == nothing
    # An end that is past: the target was open, and due within 21 minutes.
    past = {**around, "to": (begun + timedelta(minutes=9)).isoformat()}
    past["from"] = begun.isoformat()
    assert await ask("sla_at_risk", time=past, within_seconds=21 * 60) == 1
    assert await ask("sla_at_risk", time=past, within_seconds=20 * 60) == 0
    assert await ask("sla_active", time=past) == 1

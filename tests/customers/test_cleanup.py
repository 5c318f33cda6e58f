"""Tests, spam, merged and deleted tickets leave the numbers, in any order, and come back."""

from typing import Any
from uuid import UUID

import pytest
from tests.customers.conftest import Ask, Item, Send

WEEK = {"from": "2026-01-05", "to": "2026-01-12"}
METRICS = (
    "tickets_created",
    "messages_in",
    "repeat_contact_rate",
    "backlog_open",
    "feedback_requests",
    "feedback_responses",
    "calls_offered",
)
TICKET = {"external_id": "t1", "created_at": "2026-01-06T10:00:00Z", "customer": "u1"}
OTHER: tuple[tuple[str, Item], ...] = (
    ("tickets", {"external_id": "t2", "created_at": "2026-01-05T10:00:00Z", "customer": "u1"}),
    (
        "ticket-events",
        {
            "event_id": "e1",
            "ticket": "t1",
            "type": "message",
            "direction": "inbound",
            "occurred_at": "2026-01-06T10:00:00Z",
        },
    ),
    (
        "feedback-requests",
        {"external_id": "r1", "sent_at": "2026-01-07T10:00:00Z", "ticket": "t1"},
    ),
    (
        "feedback",
        {
            "external_id": "f1",
            "survey": "csat",
            "rating": 5,
            "responded_at": "2026-01-07T11:00:00Z",
            "request": "r1",
        },
    ),
    ("calls", {"external_id": "c1", "queue_entered_at": "2026-01-06T12:00:00Z", "ticket": "t1"}),
)
WHOLE = [2, 1, 0.5, 2, 1, 1, 1]
# What becomes of the messages, of the request and its answer, and of the call.
LEFT = {
    "is_test": [1, 0, 0, 1, 0, 0, 1],
    "is_spam": [1, 0, 0, 1, 0, 0, 1],
    "merged_into": [1, 0, 0, 1, 1, 1, 1],
    "deleted": [1, 0, 0, 1, 1, 1, 1],
}


def version(minute: int, **more: Any) -> Item:
    return {**TICKET, "source_updated_at": f"2026-01-08T10:{minute:02}:00Z", **more}


@pytest.mark.parametrize("flag", LEFT)
@pytest.mark.parametrize("first", ["flag", "ticket"])
async def test_it_leaves_and_comes_back(
    tenant_id: UUID, send: Send, ask: Ask, derive: Any, flag: str, first: str
) -> None:
    async def figures() -> list[float]:
        await derive(tenant_id)
        found = await ask(tenant_id, *METRICS, time=WEEK)
        return [found["data"][0]["metrics"][name]["value"] for name in METRICS]

    is_first = first == "flag"
    flagged = version(1, **{flag: "t2" if flag == "merged_into" else True})
    for resource, item in OTHER[:1] if is_first else OTHER:
        await send(tenant_id, resource, item)
    if not is_first:
        await send(tenant_id, "tickets", version(0))
        assert await figures() == WHOLE
    await send(tenant_id, "tickets", flagged)
    for resource, item in OTHER[1:] if is_first else ():
        await send(tenant_id, resource, item)
    assert await figures() == LEFT[flag]
    await send(tenant_id, "tickets", version(2))
    assert await figures() == WHOLE

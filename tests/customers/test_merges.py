"""Who is one and the same, and what follows for contacts."""

import itertools
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.conftest import Tenant
from tests.customers.conftest import Ask, Item, Send, values
from tests.ingest.samples import problem

from csapi.facts.merging import Merge, end_of

WEEK = {"from": "2026-01-05", "to": "2026-01-12"}
DAY = {"from": "2026-01-05", "to": "2026-01-06"}
METRICS = (
    "repeat_contact_rate",
    "first_contact_resolution_rate",
    "first_time_customers",
    "customers_with_new_conversations",
    "contacts_per_customer",
)
Derive = Callable[[UUID], Awaitable[int]]


def call(name: str, at: str, customer: str) -> Item:
    return {
        "external_id": name,
        "queue_entered_at": at,
        "outcome": "answered",
        "wait_seconds": 5,
        "customer": customer,
    }


# Monday, Tuesday and Thursday of one week.
CALLS = (
    call("c1", "2026-01-05T10:00:00Z", "u1"),
    call("c2", "2026-01-06T10:00:00Z", "u2"),
    call("c3", "2026-01-08T10:00:00Z", "u3"),
)


def merge(customer: str, into: str, minute: int = 0, **more: Any) -> Item:
    return {
        "from": customer,
        "into": into,
        "source_updated_at": f"2026-01-09T10:{minute:02}:00Z",
        **more,
    }


async def figures(ask: Ask, tenant_id: UUID, **more: Any) -> list[float]:
    found = await ask(tenant_id, *METRICS, time=WEEK, **more)
    return [found["data"][0]["metrics"][name]["value"] for name in METRICS]


APART = [0, 1, 3, 3, 1]
TOGETHER = [2 / 3, 1 / 3, 1, 1, 3]
PAIR = [1 / 3, 2 / 3, 2, 2, 1.5]


async def test_contacts_are_told_again_in_the_background(
    tenant_id: UUID, send: Send, ask: Ask, derive: Derive
) -> None:
    await send(tenant_id, "calls", *CALLS)
    assert await figures(ask, tenant_id) == APART

    await send(tenant_id, "customers/merge", merge("u3", "u2"))
    await send(tenant_id, "customers/merge", merge("u2", "u1"))
    waiting = await ask(tenant_id, *METRICS, time=WEEK)
    assert (waiting["meta"]["exact"], waiting["meta"]["pending_subjects"] > 0) == (False, True)
    await derive(tenant_id)
    assert await figures(ask, tenant_id) == TOGETHER
    assert (await ask(tenant_id, *METRICS, time=WEEK))["meta"]["exact"]

    await send(tenant_id, "customers/merge", merge("u2", "u1", 1, deleted=True))
    await derive(tenant_id)
    assert await figures(ask, tenant_id) == PAIR
    await send(tenant_id, "customers/merge", merge("u3", "u2", 1, deleted=True))
    await derive(tenant_id)
    assert await figures(ask, tenant_id) == APART


@pytest.mark.parametrize("order", list(itertools.permutations(range(3)))[::2])
async def test_merges_may_come_before_everybody(
    tenant_id: UUID, send: Send, ask: Ask, derive: Derive, order: tuple[int, ...]
) -> None:
    deliveries: list[tuple[str, list[Item]]] = [
        ("customers/merge", [merge("u3", "u2"), merge("u2", "u1")]),
        ("calls", list(CALLS)),
        ("customers", [{"external_id": name, "segment": name} for name in ("u1", "u2", "u3")]),
    ]
    for number in order:
        await send(tenant_id, deliveries[number][0], *deliveries[number][1])
    await derive(tenant_id)
    assert await figures(ask, tenant_id) == TOGETHER
    by_segment = await ask(tenant_id, "calls_offered", time=WEEK, dimensions=["segment"])
    assert values(by_segment, "calls_offered") == {"u1": 3}


async def test_a_merged_name_stands_for_whom_it_was_merged_into(
    tenant_id: UUID, send: Send, ask: Ask, derive: Derive
) -> None:
    await send(tenant_id, "calls", *CALLS)
    await send(tenant_id, "customers/merge", merge("u3", "u1"))
    await derive(tenant_id)
    by_customer = await ask(tenant_id, "calls_offered", time=WEEK, dimensions=["customer"])
    assert values(by_customer, "calls_offered") == {"u1": 2, "u2": 1}
    test = {"dimension": "customer", "op": "in", "values": ["u3"]}
    found = await ask(tenant_id, "calls_offered", time=WEEK, filters=test)
    assert found["data"][0]["metrics"]["calls_offered"]["value"] == 2


async def test_a_segment_of_whom_they_were_merged_into_reaches_all(
    tenant_id: UUID, send: Send, ask: Ask, derive: Derive
) -> None:
    await send(tenant_id, "calls", *CALLS)
    await send(tenant_id, "customers/merge", merge("u3", "u1"))
    await derive(tenant_id)
    await send(tenant_id, "customers", {"external_id": "u1", "segment": "vip"})
    await derive(tenant_id)
    found = await ask(tenant_id, "calls_offered", time=WEEK, dimensions=["segment"])
    assert values(found, "calls_offered") == {"vip": 2, None: 1}


async def test_customers_of_two_sources(
    tenant_id: UUID, send: Send, ask: Ask, derive: Derive
) -> None:
    await send(tenant_id, "calls", CALLS[0], {**CALLS[1], "source": "pbx"})
    await send(tenant_id, "customers/merge", merge("u1", "u2", into_source="pbx"))
    await derive(tenant_id)
    assert (await figures(ask, tenant_id))[0] == 1 / 2


async def test_feedback_follows_its_ticket_and_sessions_their_customer(
    tenant_id: UUID, send: Send, ask: Ask, derive: Derive
) -> None:
    opened = {"external_id": "t1", "created_at": "2026-01-06T10:00:00Z", "customer": "u2"}
    await send(tenant_id, "tickets", opened)
    rated = {"external_id": "f1", "survey": "csat", "rating": 5, "ticket": "t1"}
    await send(tenant_id, "feedback", {**rated, "responded_at": "2026-01-07T10:00:00Z"})
    visit = {"external_id": "s1", "kind": "self_service", "started_at": "2026-01-05T10:00:00Z"}
    await send(tenant_id, "sessions", {**visit, "customer": "u1"})
    before = await ask(tenant_id, "deflection_rate", time=DAY)
    assert before["data"][0]["metrics"]["deflection_rate"]["value"] == 1

    await send(tenant_id, "customers/merge", merge("u2", "u1"))
    await derive(tenant_id)
    window = {"id": "deflection_rate", "params": {"window_hours": 168}}
    after = await ask(tenant_id, window, time=DAY)
    assert after["data"][0]["metrics"]["deflection_rate"]["value"] == 0
    by_customer = await ask(tenant_id, "csat_score", time=WEEK, dimensions=["customer"])
    assert values(by_customer, "csat_score") == {"u1": 1}

    # A new contact of the merged one is seen by the session of the other.
    await send(tenant_id, "customers/merge", merge("u2", "u1", 1, deleted=True))
    await derive(tenant_id)
    again = await ask(tenant_id, window, time=DAY)
    assert again["data"][0]["metrics"]["deflection_rate"]["value"] == 1


def test_over_http(tenant: Tenant) -> None:
    merged = {"source": "s", "from": "a", "into": "b"}
    first = tenant.http.post("/v1/customers/merge", json=merged)
    assert (first.status_code, first.json()["external_id"]) == (201, "a")
    assert tenant.http.post("/v1/customers/merge", json=merged).json()["status"] == "duplicate"
    (record,) = tenant.http.get("/v1/customers/merge", params={"external_id": "a"}).json()["data"]
    assert (record["from"], record["into"]) == ("a", "b")
    itself = tenant.http.post("/v1/customers/merge", json={**merged, "into": "a"})
    assert problem(itself) == (422, "invalid_value")
    assert itself.json()["errors"][0]["pointer"] == "/into"


nodes = st.integers(0, 6)
graphs = st.dictionaries(nodes, nodes)


@given(graphs)
@settings(deadline=None)
def test_everybody_on_the_way_ends_alike(graph: dict[int, int]) -> None:
    """One end for all that are connected, itself an end; names decide where there is none."""
    merges = {at: Merge(into, ("s", f"{6 - at}")) for at, into in graph.items() if at != into}
    for customer in range(7):
        end = end_of(customer, merges)
        if customer in merges:
            assert end == end_of(merges[customer].into, merges)
        assert end_of(end, merges) == end
        if end in merges:
            ring = [end]
            while (following := merges[ring[-1]].into) != end:
                ring.append(following)
            assert end == max(ring)

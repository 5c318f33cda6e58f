"""Tags as they were, from the wire in to the wire out."""

from uuid import UUID

import asyncpg
import pytest
from tests.customers.conftest import Ask, Item, Send, values

from csapi.facts.kinds import Dimension, Resource
from csapi.rollup.sweep import Drainer

WEEK = {"from": "2026-01-05", "to": "2026-01-12"}


def tagged(name: str, ticket: str, day: int, tag: str, type_: str = "tagged") -> Item:
    at = f"2026-01-{day:02}T12:00:00Z"
    return {"event_id": name, "ticket": ticket, "type": type_, "tag": tag, "occurred_at": at}


TICKETS = (
    {"external_id": "t1", "created_at": "2026-01-05T10:00:00Z", "tags": ["vip", "late", "vip"]},
    {"external_id": "t2", "created_at": "2026-01-05T11:00:00Z", "tags": ["late"]},
    {"external_id": "t3", "created_at": "2026-01-05T12:00:00Z"},
)
# late was taken from t1 on Wednesday; t3 got it on Thursday.
EVENTS = (tagged("e1", "t1", 7, "late", "untagged"), tagged("e2", "t3", 8, "late"))


@pytest.fixture
async def filled(tenant_id: UUID, send: Send) -> UUID:
    await send(tenant_id, "ticket-events", *EVENTS)
    await send(tenant_id, "tickets", *TICKETS)
    return tenant_id


async def test_totals_are_of_records(filled: UUID, ask: Ask) -> None:
    found = await ask(filled, "tickets_created", time=WEEK, dimensions=["tag"], include=["totals"])
    assert values(found, "tickets_created") == {"late": 2, "vip": 1, None: 1}
    assert found["totals"]["tickets_created"]["value"] == 3
    (warning,) = found["meta"]["warnings"]
    assert warning.startswith("tag: ")
    assert found["meta"]["source"] == "mixed" or found["meta"]["source"] == "facts"


async def test_a_percentile_of_each_tag(filled: UUID, send: Send, ask: Ask) -> None:
    replies = [
        {
            "event_id": f"r{number}",
            "ticket": f"t{number}",
            "type": "message",
            "direction": "outbound",
            "actor": "a1",
            "occurred_at": f"2026-01-05T{9 + 2 * number:02}:00:00Z",
        }
        for number in (1, 2, 3)
    ]
    await send(filled, "ticket-events", *replies)
    median = {"id": "first_response_time", "agg": "p50", "as": "m"}
    found = await ask(filled, median, time=WEEK, dimensions=["tag"], include=["totals"])
    # 1, 2 and 3 hours.
    assert values(found, "m") == {"late": 5_400, "vip": 3_600, None: 10_800}
    assert found["totals"]["m"]["value"] == 7_200


async def test_tags_are_those_of_the_moment(filled: UUID, ask: Ask) -> None:
    found = await ask(
        filled, "backlog_open", time=WEEK, dimensions=["time:day", "tag"], include=["totals"]
    )
    by_day = values(found, "backlog_open")
    late = [by_day[f"2026-01-{day:02}", "late"] for day in range(5, 12)]
    assert late == [2, 2, 1, 2, 2, 2, 2]
    assert by_day["2026-01-07", None] == 1
    assert by_day["2026-01-08", None] == 0
    assert found["totals"]["backlog_open"]["value"] == 3


async def test_filters_choose_records(filled: UUID, ask: Ask) -> None:
    async def count(op: str, *names: str) -> int:
        test = {"dimension": "tag", "op": op, **({"values": names} if names else {})}
        found = await ask(filled, "tickets_created", time=WEEK, filters=test)
        value: int = found["data"][0]["metrics"]["tickets_created"]["value"]
        return value

    assert [await count("in", "vip", "late"), await count("in", "vip")] == [2, 1]
    assert [await count("not_in", "vip"), await count("not_in", "vip", "late")] == [2, 1]
    assert [await count("is_null"), await count("is_not_null"), await count("in", "?")] == [1, 2, 0]


async def test_calls_feedback_and_customers(
    tenant_id: UUID, send: Send, ask: Ask, filled: UUID
) -> None:
    at = "2026-01-06T10:00:00Z"
    await send(tenant_id, "customers", {"external_id": "u1", "tags": ["reseller", "eu"]})
    called = {"external_id": "c1", "queue_entered_at": at, "tags": ["vip"], "customer": "u1"}
    await send(tenant_id, "calls", called)
    rated = {"survey": "csat", "rating": 5}
    for name, ticket, day in (("f1", "t1", 6), ("f2", "t1", 8)):
        when = f"2026-01-{day:02}T13:00:00Z"
        item = {"external_id": name, "ticket": ticket, "responded_at": when, **rated}
        await send(tenant_id, "feedback", item)
    await send(
        tenant_id, "feedback", {"external_id": "f3", "call": "c1", "responded_at": at, **rated}
    )
    by_tag = await ask(tenant_id, "feedback_responses", time=WEEK, dimensions=["tag"])
    assert values(by_tag, "feedback_responses") == {"late": 1, "vip": 3, None: 0}
    calls = await ask(tenant_id, "calls_offered", time=WEEK, dimensions=["customer.tag", "tag"])
    assert values(calls, "calls_offered") == {("eu", "vip"): 1, ("reseller", "vip"): 1}


async def test_other_shapes(filled: UUID, ask: Ask, tenant_id: UUID) -> None:
    series = await ask(
        filled, "tickets_created", time=WEEK, dimensions=["time:week", "tag"], shape="series"
    )
    assert {each["key"]: each["values"] for each in series["series"]} == {
        "late": [2], "vip": [1], None: [1],
    }  # fmt: skip
    top = {"n": 1, "by": "tickets_created"}
    best = await ask(filled, "tickets_created", time=WEEK, dimensions=["tag"], top=top)
    assert values(best, "tickets_created") == {"late": 2, None: 1}


async def test_tags_of_earlier_versions_are_read_out_of_their_items(
    filled: UUID, ask: Ask, worker_pool: asyncpg.Pool, admin: asyncpg.Connection
) -> None:
    """As an upgrade finds it: columns that are empty, and facts of another derivation."""
    for change, where in (
        ("UPDATE tickets SET tags = NULL", ""),
        ("UPDATE ticket_events SET to_value = NULL", ""),
        ("DELETE FROM members", f" AND dimension = {Dimension.TAG}"),
        ("DELETE FROM definitions", f" AND resource = {Resource.TICKET}"),
    ):
        await admin.execute(f"{change} WHERE tenant_id = $1{where}", filled)
    outdated = "INSERT INTO definitions (tenant_id, resource, fingerprint) VALUES ($1, $2, 0)"
    await admin.execute(outdated, filled, int(Resource.TICKET))
    found = await ask(filled, "tickets_created", time=WEEK)
    assert found["data"][0]["metrics"]["tickets_created"]["null_reason"] == "definition_changing"
    await Drainer(worker_pool, settled_seconds=0, rested=False).drain()
    found = await ask(filled, "tickets_created", time=WEEK, dimensions=["tag"])
    assert values(found, "tickets_created") == {"late": 2, "vip": 1, None: 1}

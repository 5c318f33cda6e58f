"""Topics by what is at their top, and by the department that is responsible."""

import random
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from tests.conftest import Tenant
from tests.delivery.lab import drain
from tests.reference.conftest import Ask, Item, Send

from csapi.metrics.topics import TopicRecord, TopicTree

TIME = {"from": "2026-01-05", "to": "2026-01-06"}
TREE: Sequence[Item] = (
    {"external_id": "money", "label": "Money", "department": "finance"},
    {"external_id": "refund", "parent": "money"},
    {"external_id": "voucher", "parent": "refund", "department": "sales"},
    {"external_id": "login", "department": "it"},
)
TOPICS = ("money", "refund", "refund", "voucher", "login", "login", "new", None)


@pytest.fixture
async def filled(tenant_id: UUID, send: Send, worker_pool: asyncpg.Pool) -> UUID:
    """Eight calls, waiting 1 to 8 s, and the topics in any order."""
    for item in random.Random(5).sample(TREE, len(TREE)):
        await send(tenant_id, "topics", item)
    calls = [
        {
            "external_id": f"c{number}",
            "queue_entered_at": f"2026-01-05T10:{number:02}:00Z",
            "outcome": "answered",
            "wait_seconds": number,
            **({"topic": topic} if topic else {}),
        }
        for number, topic in enumerate(TOPICS, start=1)
    ]
    await send(tenant_id, "calls", *calls)
    await drain(worker_pool, tenant_id)
    return tenant_id


def by_key(answer: Any, metric: str) -> dict[str | None, Any]:
    (name,) = answer["data"][0]["dimensions"]
    return {
        row["dimensions"][name]["key"]: row["metrics"][metric]["value"] for row in answer["data"]
    }


async def test_by_main_topic(filled: UUID, ask: Ask) -> None:
    found = await ask(
        filled, "calls_offered", time=TIME, dimensions=["topic.parent"], include=["totals"]
    )
    assert by_key(found, "calls_offered") == {"money": 4, "login": 2, "new": 1, None: 1}
    assert found["data"][1]["dimensions"]["topic.parent"]["label"] == "Money"
    assert found["totals"]["calls_offered"]["value"] == 8
    assert found["meta"]["source"] == "summary"


async def test_by_department(filled: UUID, ask: Ask) -> None:
    """A topic without one has that of the topic above it."""
    found = await ask(filled, "calls_offered", time=TIME, dimensions=["topic.department"])
    assert by_key(found, "calls_offered") == {"finance": 3, "sales": 1, "it": 2, None: 2}
    assert found["meta"]["source"] == "summary"


async def test_what_does_not_add_up_is_taken_of_all(filled: UUID, ask: Ask) -> None:
    slowest = {"id": "average_speed_of_answer", "as": "m", "agg": "p50"}
    found = await ask(filled, slowest, time=TIME, dimensions=["topic.parent"])
    assert by_key(found, "m") == {"money": 2.5, "login": 5.5, "new": 7, None: 8}


async def test_beside_another_dimension(filled: UUID, ask: Ask) -> None:
    found = await ask(
        filled, "calls_offered", time=TIME, dimensions=["topic.parent", "time:day", "topic"]
    )
    pairs = {
        (row["dimensions"]["topic.parent"]["key"], row["dimensions"]["topic"]["key"])
        for row in found["data"]
    }
    assert ("money", "voucher") in pairs
    assert len(pairs) == 6


@pytest.mark.parametrize(
    ("test", "count"),
    [
        ({"dimension": "topic.parent", "op": "in", "values": ["money"]}, 4),
        ({"dimension": "topic.parent", "op": "in", "values": ["refund"]}, 0),
        ({"dimension": "topic.parent", "op": "in", "values": ["new", "login"]}, 3),
        ({"dimension": "topic.parent", "op": "not_in", "values": ["money"]}, 4),
        ({"dimension": "topic.parent", "op": "is_null"}, 1),
        ({"dimension": "topic.parent", "op": "is_not_null"}, 7),
        ({"dimension": "topic.department", "op": "in", "values": ["finance", "it"]}, 5),
        ({"dimension": "topic.department", "op": "not_in", "values": ["finance"]}, 5),
        ({"dimension": "topic.department", "op": "is_null"}, 2),
        ({"dimension": "topic.department", "op": "is_not_null"}, 6),
    ],
)
async def test_filters(test: Item, count: int, filled: UUID, ask: Ask) -> None:
    found = await ask(filled, "calls_offered", time=TIME, filters=test)
    assert found["data"][0]["metrics"]["calls_offered"]["value"] == count


def test_a_circle_of_parents_is_cut_the_same_way_by_all() -> None:
    records = {
        1: TopicRecord("b", 2, None),
        2: TopicRecord("a", 3, 90),
        3: TopicRecord("c", 1, None),
        4: TopicRecord("d", 1, None),
    }
    tree = TopicTree(records)
    assert {member: tree.top(member) for member in records} == dict.fromkeys(records, 2)
    assert {tree.department(member) for member in records} == {90}


def test_main_topics_are_listed(tenant: Tenant) -> None:
    items = [{"source": "s", **item} for item in TREE]
    assert tenant.http.post("/v1/topics/batch", json=items).status_code == 200
    answer = tenant.http.get("/v1/dimensions/topic.parent/values").json()["data"]
    assert answer == [{"key": "login", "label": "login"}, {"key": "money", "label": "Money"}]
    answer = tenant.http.get("/v1/dimensions/topic.department/values").json()["data"]
    assert [each["key"] for each in answer] == ["finance", "it", "sales"]

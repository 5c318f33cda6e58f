"""What names are called, and that names without a record go on working."""

from typing import Any
from uuid import UUID

import pytest
from tests.conftest import Tenant
from tests.ingest.samples import accept, refuse, sample
from tests.reference.conftest import Ask, Send

TIME = {"from": "2026-01-05", "to": "2026-01-06"}
AT = "2026-01-05T10:00:00Z"


def ticket(name: str, **more: Any) -> dict[str, Any]:
    return {"external_id": name, "created_at": AT, **more}


async def labels(ask: Ask, tenant_id: UUID, dimension: str) -> dict[str | None, str]:
    found = await ask(tenant_id, "tickets_created", time=TIME, dimensions=[dimension])
    members = [row["dimensions"][dimension] for row in found["data"]]
    return {member["key"]: member["label"] for member in members}


@pytest.mark.parametrize(
    ("resource", "dimension"),
    [
        ("inboxes", "inbox"),
        ("channels", "channel"),
        ("ticket-types", "type"),
        ("topics", "topic"),
    ],
)
async def test_answers_show_labels(
    resource: str, dimension: str, tenant_id: UUID, send: Send, ask: Ask
) -> None:
    await send(tenant_id, "tickets", ticket("t1", **{dimension: "a"}))
    await send(tenant_id, "tickets", ticket("t2", **{dimension: "b"}), ticket("t3"))
    assert await labels(ask, tenant_id, dimension) == {"a": "a", "b": "b", None: "(none)"}

    await send(tenant_id, resource, {"external_id": "a", "label": "Ärger"})
    assert await labels(ask, tenant_id, dimension) == {"a": "Ärger", "b": "b", None: "(none)"}

    await send(tenant_id, resource, {"external_id": "a", "label": "x", "deleted": True})
    assert (await labels(ask, tenant_id, dimension))["a"] == "a"


async def test_the_newest_record_of_any_source_decides(
    tenant_id: UUID, send: Send, ask: Ask
) -> None:
    await send(tenant_id, "tickets", ticket("t1", channel="mail"))
    names = {"external_id": "mail", "source": "other"}
    new, old = ("2026-02-01T00:00:00Z", "2026-01-01T00:00:00Z")
    await send(tenant_id, "channels", {**names, "label": "Letters", "source_updated_at": new})
    await send(
        tenant_id, "channels", {"external_id": "mail", "label": "Post", "source_updated_at": old}
    )
    assert await labels(ask, tenant_id, "channel") == {"mail": "Letters"}


async def test_a_queue_has_a_label(tenant_id: UUID, send: Send, ask: Ask) -> None:
    await send(tenant_id, "calls", {"external_id": "c1", "queue_entered_at": AT, "queue": "q1"})
    await send(tenant_id, "queues", {"external_id": "q1", "label": "First line"})
    found = await ask(tenant_id, "calls_offered", time=TIME, dimensions=["queue"])
    (row,) = found["data"]
    assert row["dimensions"]["queue"]["label"] == "First line"


def test_members_are_listed_with_their_labels(tenant: Tenant) -> None:
    accept(tenant, "inboxes", sample("inboxes", external_id="support", label="Support inbox"))
    accept(tenant, "tickets", sample("tickets", inbox="sales"))
    answer = tenant.http.get("/v1/dimensions/inbox/values")
    assert answer.json()["data"] == [
        {"key": "sales", "label": "sales"},
        {"key": "support", "label": "Support inbox"},
    ]


def test_a_topic_is_not_above_itself(tenant: Tenant) -> None:
    item = sample("topics")
    refuse(tenant, "topics", {**item, "parent": item["external_id"]}, "/parent", "invalid_value")

"""Small valid items of every kind, and how tests send them."""

import itertools
import json
from typing import Any

import httpx
from tests.conftest import Tenant

JSON = {"Content-Type": "application/json"}
AT = "2026-01-05T10:00:00Z"
LATER = "2026-01-05T11:00:00Z"

ALWAYS_CLOSED: dict[str, Any] = {
    "valid_from": None, "valid_to": None, "weekly": [], "holidays": None, "extra_dates": [],
}  # fmt: skip

SMALLEST: dict[str, dict[str, Any]] = {
    "agents": {"source": "s", "external_id": "x"},
    "teams": {"source": "s", "external_id": "x"},
    "schedules": {
        "source": "s", "external_id": "x", "timezone": "UTC", "versions": [ALWAYS_CLOSED],
    },
    "customers": {"source": "s", "external_id": "x"},
    "customers/merge": {"source": "s", "from": "x", "into": "y"},
    "tickets": {"source": "s", "external_id": "x", "created_at": AT},
    "calls": {"source": "s", "external_id": "x", "queue_entered_at": AT},
    "feedback-requests": {"source": "s", "external_id": "x", "sent_at": AT},
    "feedback": {
        "source": "s", "external_id": "x", "survey": "csat", "rating": 4, "responded_at": AT,
    },
    "quality-reviews": {
        "source": "s", "external_id": "x", "reviewed_at": AT, "agent": "a",
        "criteria": [{
            "criterion": "tone", "weight": 1, "score": 1, "is_auto_fail": False,
            "has_failed": False,
        }],
    },
    "tasks": {"source": "s", "external_id": "x"},
    "presence": {
        "source": "s", "external_id": "x", "agent": "a", "state": "available", "started_at": AT,
    },
    "shifts": {
        "source": "s", "external_id": "x", "agent": "a", "started_at": AT, "ended_at": LATER,
    },
    "work-sessions": {"source": "s", "external_id": "x", "agent": "a", "started_at": AT},
    "ticket-events": {
        "source": "s", "event_id": "x", "ticket": "t", "type": "tagged", "occurred_at": AT,
        "tag": "x",
    },
    "forms": {"source": "s", "external_id": "x", "submitted_at": AT},
    "kb-articles": {"source": "s", "external_id": "x"},
    "kb-events": {"source": "s", "external_id": "x", "type": "view", "occurred_at": AT},
    "sessions": {"source": "s", "external_id": "x", "kind": "bot", "started_at": AT},
    **{
        resource: {"source": "s", "external_id": "x"}
        for resource in ("inboxes", "queues", "channels", "topics", "ticket-types")
    },
    "annotations": {"source": "s", "external_id": "x", "starts_at": AT, "text": "App 5.0"},
    "cost-book": {
        "source": "s", "external_id": "x", "currency": "EUR", "valid_from": "2026-01-01",
        "hourly_rate": 20,
    },
    "sla-policies": {
        "source": "s", "external_id": "x", "valid_from": "2026-01-01",
        "targets": [{
            "metric": "first_response", "seconds": 60, "priority": None, "hours": "calendar",
        }],
    },
}  # fmt: skip

RESOURCES = tuple(SMALLEST)

_numbers = itertools.count(1)


def name_field(resource: str) -> str:
    names = {"ticket-events": "event_id", "customers/merge": "from"}
    return names.get(resource, "external_id")


def sample(resource: str, **fields: Any) -> dict[str, Any]:
    """A valid item with a name that no other test uses, changed by `fields`."""
    return {**SMALLEST[resource], name_field(resource): f"x{next(_numbers):06}", **fields}


def post(tenant: Tenant, path: str, body: Any, **headers: str) -> httpx.Response:
    """Send bytes as they are, anything else as JSON. An answer of 5xx is always a defect."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    sent = {**JSON, **{name.replace("_", "-"): value for name, value in headers.items()}}
    answer = tenant.http.post(f"/v1/{path}", content=content, headers=sent)
    assert answer.status_code < 500, answer.text
    return answer


def problem(answer: httpx.Response) -> tuple[int, str]:
    """Status and code of an error answer that is a whole problem document."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    body = answer.json()
    assert body["status"] == answer.status_code
    assert body["type"] == f"/errors/{body['code']}"
    assert body["request_id"] == answer.headers["x-request-id"]
    assert set(body) == {
        "type", "title", "status", "detail", "code", "instance", "request_id", "errors",
    }  # fmt: skip
    return answer.status_code, body["code"]


def stored(tenant: Tenant, resource: str, item: dict[str, Any]) -> list[dict[str, Any]]:
    """What reading back finds under the item's names."""
    field = name_field(resource)
    names = {"source": item["source"], "external_id": item[field]}
    answer = tenant.http.get(f"/v1/{resource}", params=names)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["data"]
    return found


def accept(tenant: Tenant, resource: str, item: dict[str, Any]) -> dict[str, Any]:
    """Send an item that must land; the record as it is read back."""
    answer = post(tenant, resource, item)
    assert answer.status_code in (200, 201), answer.text
    (record,) = stored(tenant, resource, item)
    assert record["id"] == answer.json()["id"]
    return record


def refuse(
    tenant: Tenant, resource: str, item: dict[str, Any], pointer: str, code: str
) -> dict[str, Any]:
    """Alone and beside a good neighbour an item is refused by name, and is not stored."""
    alone = post(tenant, resource, item)
    assert problem(alone) == (422, code), alone.text
    first: dict[str, Any] = alone.json()["errors"][0]
    assert (first["pointer"], first["code"]) == (pointer, code)
    neighbour = sample(resource)
    batch = post(tenant, f"{resource}/batch", [neighbour, item]).json()
    assert [result["status"] for result in batch["results"]] == ["created", "rejected"]
    beside = batch["results"][1]["errors"][0]
    assert (beside["pointer"], beside["code"]) == (f"/1{pointer}", code)
    assert beside["message"] == first["message"]
    assert len(stored(tenant, resource, neighbour)) == 1
    return first

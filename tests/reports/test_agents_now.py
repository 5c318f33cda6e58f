"""GET /v1/agents/presence: everybody with their state of now, idle ones included."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.conftest import Tenant

Ago = Callable[..., str]


@pytest.fixture
def ago() -> Ago:
    """An instant before (or ahead of) the beginning of the test."""
    now = datetime.now(UTC).replace(microsecond=0)
    return lambda **span: (now - timedelta(**span)).isoformat().replace("+00:00", "Z")


def send(tenant: Tenant, resource: str, *items: dict[str, Any]) -> None:
    named = [{"source": "s", **item} for item in items]
    answer = tenant.http.post(f"/v1/{resource}/batch", json=named)
    assert answer.json()["summary"]["rejected"] == 0, answer.text


def state(name: str, agent: str, which: str, start: str, end: str | None = None) -> dict[str, Any]:
    return {
        "external_id": name, "agent": agent, "state": which, "started_at": start, "ended_at": end,
    }  # fmt: skip


@pytest.fixture
def staffed(make_tenant: Callable[..., Tenant], ago: Ago) -> Tenant:
    tenant = make_tenant("UTC")
    names = ("busy", "idle", "gone", "away", "old")
    send(tenant, "agents", *({"external_id": name, "name": name.title()} for name in names))
    send(
        tenant,
        "presence",
        state("p1", "busy", "available", ago(hours=3)),
        state("p2", "busy", "handling", ago(hours=1)),
        state("p3", "gone", "available", ago(hours=9), ago(hours=5)),
        state("p4", "gone", "offline", ago(hours=5)),
        state("p5", "away", "available", ago(hours=2), ago(minutes=-4)),
        state("p6", "away", "break", ago(minutes=10), ago(minutes=-3)),
        state("p7", "old", "handling", ago(days=40)),
        state("p8", "away", "available", ago(minutes=-4)),
    )
    send(tenant, "tickets", {"external_id": "t1", "created_at": ago(hours=6)})
    send(
        tenant,
        "ticket-events",
        {
            "event_id": "e1", "ticket": "t1", "type": "message", "occurred_at": ago(hours=4),
            "direction": "outbound", "actor_type": "agent", "actor": "gone",
        },
    )  # fmt: skip
    return tenant


def agents(tenant: Tenant, **params: Any) -> dict[str, Any]:
    answer = tenant.http.get("/v1/agents/presence", params=params)
    assert answer.status_code == 200, answer.text
    return {each["external_id"]: each for each in answer.json()["data"]}


def test_what_everybody_does_now(staffed: Tenant, ago: Ago) -> None:
    found = agents(staffed)
    assert {name: each["state"] for name, each in found.items()} == {
        "busy": "handling", "idle": None, "gone": "offline", "away": "break", "old": None,
    }  # fmt: skip
    assert found["busy"]["state_since"] == ago(hours=1)
    assert found["idle"]["last_seen_at"] is None
    assert (found["gone"]["last_seen_at"], found["gone"]["last_action_at"]) == (ago(hours=4),) * 2
    assert found["busy"]["last_action_at"] is None
    seen = datetime.fromisoformat(found["busy"]["last_seen_at"])
    assert seen >= datetime.fromisoformat(ago())
    assert found["busy"]["name"] == "Busy"
    assert staffed.http.get(f"/v1/agents/{found['busy']['id']}").status_code == 200


def test_pages_have_everybody_once(staffed: Tenant) -> None:
    seen, cursor = [], None
    while True:
        params = {"limit": 2, **({"cursor": cursor} if cursor else {})}
        page = staffed.http.get("/v1/agents/presence", params=params).json()
        seen += [each["external_id"] for each in page["data"]]
        cursor = page["page"]["next_cursor"]
        if cursor is None:
            break
    assert seen == ["away", "busy", "gone", "idle", "old"]


def test_a_cursor_of_another_kind_is_refused(tenant: Tenant) -> None:
    answer = tenant.http.get("/v1/agents/presence", params={"cursor": "x"})
    assert answer.json()["code"] == "invalid_cursor"


def test_another_tenant_sees_nobody(staffed: Tenant, make_tenant: Callable[..., Tenant]) -> None:
    assert agents(staffed)
    assert agents(make_tenant("UTC")) == {}


def test_it_needs_the_scope_of_reports(make_tenant: Callable[..., Tenant]) -> None:
    answer = make_tenant(scopes=["ingest:write"]).http.get("/v1/agents/presence")
    assert answer.json()["code"] == "insufficient_scope"

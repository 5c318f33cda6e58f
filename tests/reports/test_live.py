"""Now: every number is that of the query at the same moment."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from tests.conftest import Tenant
from tests.reports.compared import push

from csapi.kit.clock import now
from csapi.reports.live.reading import AT_RISK, CHANNELS, NOW, QUEUES, TODAY, TYPES


def call(number: int, queue: str, minutes: int, **more: Any) -> dict[str, Any]:
    return {
        "source": "pbx",
        "external_id": f"c{number}",
        "queue_entered_at": (now() - timedelta(minutes=minutes)).isoformat(),
        "outcome": "answered",
        "wait_seconds": 10 * number,
        "queue": queue,
        "type": "question",
        **more,
    }


def ticket(number: int, channel: str, minutes: int) -> dict[str, Any]:
    return {
        "source": "zd",
        "external_id": f"t{number}",
        "created_at": (now() - timedelta(minutes=minutes)).isoformat(),
        "channel": channel,
        "type": "complaint",
        "customer": f"u{number}",
        "status": "open",
    }


def written(number: int, minutes: int) -> dict[str, Any]:
    return {
        "source": "zd",
        "event_id": f"e{number}",
        "ticket": f"t{number}",
        "type": "message",
        "direction": "inbound",
        "actor_type": "customer",
        "occurred_at": (now() - timedelta(minutes=minutes)).isoformat(),
    }


@pytest.fixture
def busy(tenant: Tenant) -> Tenant:
    """Three calls of two queues and three tickets, who wait; four agents."""
    push(tenant, "calls", [call(1, "sales", 3), call(2, "care", 2), call(3, "care", 1)])
    push(tenant, "tickets", [ticket(1, "email", 9), ticket(2, "chat", 5), ticket(3, "chat", 4)])
    push(tenant, "ticket-events", [written(number, 4) for number in (1, 2, 3)])
    names = ("ann", "bob", "cleo")
    push(tenant, "agents", [{"source": "pbx", "external_id": each} for each in names])
    push(
        tenant,
        "presence",
        [
            {
                "source": "pbx",
                "external_id": f"p-{each}",
                "agent": each,
                "state": state,
                "started_at": (now() - timedelta(minutes=30)).isoformat(),
            }
            for each, state in (("ann", "available"), ("bob", "available"))
        ],
    )
    return tenant


def live(tenant: Tenant, **params: Any) -> Any:
    answer = tenant.http.get("/v1/live", params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


def asked(tenant: Tenant, metrics: tuple[str, ...], *dimensions: str, **more: Any) -> Any:
    body = {
        "metrics": [{"id": each} for each in metrics],
        "time": {"range": {"preset": "today"}},
        "dimensions": [*dimensions],
        **more,
    }
    answer = tenant.http.post("/v1/query", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


# These grow while one looks.
GROWING = {"current_longest_wait"}


def steady(metrics: dict[str, Any]) -> dict[str, Any]:
    return {name: cell for name, cell in metrics.items() if name not in GROWING}


def test_every_number_is_that_of_the_query(busy: Tenant) -> None:
    found = live(busy)
    assert steady(found["today"]) == steady(asked(busy, TODAY)[0]["metrics"])
    now_ = asked(busy, NOW)[0]["metrics"] | asked(busy, AT_RISK)[0]["metrics"]
    assert steady(found["now"]) == steady(now_)
    for name, metrics, dimension in (
        ("queues", QUEUES, "queue"),
        ("channels", CHANNELS, "channel"),
        ("types", TYPES, "type"),
    ):
        rows = {row["member"]["key"]: steady(row["metrics"]) for row in found[name]}
        assert rows == {
            row["dimensions"][dimension]["key"]: steady(row["metrics"])
            for row in asked(busy, metrics, dimension)
        }
    assert set(found["columns"]) == {*TODAY, *NOW, *AT_RISK, *QUEUES, *CHANNELS, *TYPES}


def test_what_is_acknowledged_is_seen_at_once(busy: Tenant) -> None:
    before = live(busy)
    push(busy, "calls", [call(4, "care", 0, outcome="abandoned")])
    after = live(busy)
    for name, change in (("calls_offered", 1), ("calls_abandoned", 1), ("calls_answered", 0)):
        values = [each["today"][name]["value"] for each in (before, after)]
        assert values[1] - values[0] == change
    assert next(row["member"]["key"] for row in after["queues"]) == "care"


def test_who_waits_and_who_is_there(busy: Tenant) -> None:
    found = live(busy)
    assert found["now"]["backlog_open"]["value"] == 3
    assert found["now"]["tickets_waiting"]["value"] == 3
    assert 230 < found["now"]["current_longest_wait"]["value"] < 600
    assert {each["state"]: each["agents"] for each in found["agents"]} == {
        "available": 2,
        None: 1,
    }


def test_only_the_work_that_is_chosen(busy: Tenant) -> None:
    found = live(busy, channel="chat")
    chat = {"filters": {"dimension": "channel", "op": "in", "values": ["chat"]}}
    assert steady(found["today"]) == steady(asked(busy, TODAY, **chat)[0]["metrics"])
    assert found["now"]["backlog_open"]["value"] == 2
    assert found["queues"] == []


def test_another_tenant_has_a_day_of_its_own(
    busy: Tenant, make_tenant: Callable[..., Tenant]
) -> None:
    found = live(make_tenant(), timezone="Asia/Tokyo")
    assert found["timezone"] == "Asia/Tokyo"
    assert found["today"]["contacts"]["value"] == 0
    assert found["queues"] == found["agents"] == []
    assert live(busy)["today"]["contacts"]["value"] > 0


def test_a_day_of_another_zone_is_that_of_the_query(busy: Tenant) -> None:
    """Its days are not those that summaries are made by."""
    for zone in ("Asia/Tokyo", "America/Los_Angeles"):
        time = {"range": {"preset": "today"}, "timezone": zone}
        found = live(busy, timezone=zone)
        assert steady(found["today"]) == steady(asked(busy, TODAY, time=time)[0]["metrics"])


def test_wrong_parameters_are_named(tenant: Tenant) -> None:
    refused = tenant.http.get("/v1/live", params={"timezone": "Moon/Sea"})
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/timezone")
    assert tenant.http.get("/v1/live", params={"set": "x"}).status_code == 422

"""GET /v1/kb/content-gaps: topics with tickets, and what help there was before."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.conftest import Tenant

DAY = {"from": "2026-01-05", "to": "2026-01-06"}


def send(tenant: Tenant, resource: str, *items: dict[str, Any]) -> None:
    answer = tenant.http.post(
        f"/v1/{resource}/batch", json=[{"source": "s", **item} for item in items]
    )
    assert answer.json()["summary"]["rejected"] == 0, answer.text


def ticket(name: str, topic: str | None, customer: str | None, hour: int) -> dict[str, Any]:
    return {
        "external_id": name, "created_at": f"2026-01-05T{hour:02}:00:00Z", "topic": topic,
        "customer": customer,
    }  # fmt: skip


def visit(name: str, type_: str, at: str, **more: Any) -> dict[str, Any]:
    return {"external_id": name, "type": type_, "occurred_at": at, **more}


@pytest.fixture
def visited(make_tenant: Callable[..., Tenant]) -> Tenant:
    tenant = make_tenant("UTC")
    send(
        tenant,
        "kb-articles",
        {"external_id": "k1", "topic": "refund"},
        {"external_id": "k2", "topic": "billing", "published": False},
        {"external_id": "k3", "topic": "login"},
    )
    send(
        tenant,
        "tickets",
        ticket("t1", "refund", "u1", 12),
        ticket("t2", "refund", "u2", 12),
        ticket("t3", "refund", None, 12),
        ticket("t4", "billing", "u4", 12),
        ticket("t5", "billing", "u5", 12),
        ticket("t6", "login", "u6", 12),
        ticket("t7", None, "u1", 12),
    )
    send(tenant, "sessions", {
        "external_id": "s3", "kind": "self_service", "started_at": "2026-01-05T11:00:00Z",
        "ticket": "t3",
    })  # fmt: skip
    send(
        tenant,
        "kb-events",
        visit("v1", "view", "2026-01-05T11:59:00Z", article="k1", customer="u1"),
        visit("v2", "view", "2026-01-04T11:00:00Z", article="k1", customer="u2"),
        visit("v3", "search", "2026-01-05T11:10:00Z", session="s3", results_count=0, term="money"),
        visit("v4", "search", "2026-01-05T11:11:00Z", session="s3", results_count=0, term="back"),
        visit("v5", "view", "2026-01-05T11:12:00Z", session="s3", article="k3"),
        visit("v6", "view", "2026-01-05T13:00:00Z", article="k3", customer="u6"),
    )
    return tenant


def gaps(tenant: Tenant, **params: Any) -> Any:
    answer = tenant.http.get("/v1/kb/content-gaps", params={**DAY, **params})
    assert answer.status_code == 200, answer.text
    return answer.json()


FIELDS = (
    "topic", "gap", "score", "tickets", "articles", "views", "tickets_after_view",
    "tickets_after_zero_results", "zero_result_searches",
)  # fmt: skip


def rows(report: Any) -> list[tuple[Any, ...]]:
    return [tuple(row[name] for name in FIELDS) for row in report["data"]]


def test_two_kinds_of_gaps(visited: Tenant) -> None:
    report = gaps(visited)
    assert rows(report) == [
        ("refund", "article_fails", 2, 3, 1, 1, 1, 1, 2),
        ("billing", "no_article", 2, 2, 0, 0, 0, 0, 0),
        ("login", "none", 0, 1, 1, 2, 0, 0, 0),
    ]
    assert report["totals"] == {"tickets": 7, "without_topic": 1}


def test_a_longer_window_finds_earlier_visits(visited: Tenant) -> None:
    assert rows(gaps(visited, window_hours=48))[0] == (
        "refund", "article_fails", 3, 3, 1, 1, 2, 1, 2,
    )  # fmt: skip


def test_a_topic_has_its_label(visited: Tenant) -> None:
    send(visited, "topics", {"external_id": "refund", "label": "Refunds"})
    assert gaps(visited, limit=1)["data"][0]["label"] == "Refunds"


def test_another_tenant_sees_nothing(visited: Tenant, make_tenant: Callable[..., Tenant]) -> None:
    assert gaps(visited)["data"]
    report = gaps(make_tenant("UTC"))
    assert (report["data"], report["totals"]) == ([], {"tickets": 0, "without_topic": 0})


def test_it_needs_the_scope_of_reports(make_tenant: Callable[..., Tenant]) -> None:
    answer = make_tenant(scopes=["ingest:write"]).http.get("/v1/kb/content-gaps")
    assert answer.json()["code"] == "insufficient_scope"


def test_what_cannot_be_asked_is_named(tenant: Tenant) -> None:
    answer = tenant.http.get("/v1/kb/content-gaps", params={**DAY, "window_hours": 0})
    assert answer.json()["errors"][0]["pointer"] == "/window_hours"

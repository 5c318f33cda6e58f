"""Reports of a tenant count nothing of another one, and name none of its members."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from tests.conftest import Product, Tenant
from tests.isolation import replay
from tests.isolation.keys import new_tenant_client
from tests.isolation.replay import CANARY

from csapi.reports.kpi_schemas import KpiSet

JANUARY = {"from": "2026-01-01", "to": "2026-02-01"}


@pytest.fixture(scope="module")
def owner(product: Product) -> Iterator[Tenant]:
    tenant = new_tenant_client(product)
    replay.fill(tenant.http)
    yield tenant
    tenant.http.close()


@pytest.fixture(scope="module")
def other(product: Product, owner: Tenant) -> Iterator[Tenant]:
    """Made after the first tenant sent everything; has nothing of its own."""
    del owner
    tenant = new_tenant_client(product)
    yield tenant
    tenant.http.close()


def ids(tenant: Tenant, path: str) -> list[str]:
    return [each["id"] for each in tenant.http.get(path).json()["data"]]


def ask(tenant: Tenant, **question: Any) -> httpx.Response:
    time = {"range": JANUARY, "timezone": "UTC"}
    answer = tenant.http.post("/v1/query", json={"time": time, **question})
    assert answer.status_code < 500, answer.text
    return answer


def numbers(answer: httpx.Response) -> list[float]:
    """All values in an answer that are not null."""
    assert answer.status_code == 200, answer.text
    found = [row["metrics"] for row in answer.json()["data"]]
    return [cell["value"] for row in found for cell in row.values() if cell["value"] is not None]


def test_the_first_tenant_has_numbers_and_the_second_has_none(owner: Tenant, other: Tenant) -> None:
    counted = 0
    for metric in ids(owner, "/v1/metrics"):
        mine, theirs = (ask(each, metrics=[{"id": metric}]) for each in (owner, other))
        assert mine.status_code == theirs.status_code
        if mine.status_code == 200:
            counted += any(numbers(mine))
            assert not any(numbers(theirs)), metric
    assert counted > 5


def test_no_dimension_shows_another_tenants_members(owner: Tenant, other: Tenant) -> None:
    named = 0
    for dimension in ids(other, "/v1/dimensions"):
        path = f"/v1/dimensions/{dimension}/values"
        mine, theirs = owner.http.get(path), other.http.get(path)
        if theirs.status_code == 200:
            assert CANARY not in theirs.text, dimension
            named += CANARY in mine.text
        question: dict[str, Any] = {"metrics": [{"id": "calls_offered"}], "dimensions": [dimension]}
        assert CANARY not in ask(other, **question).text, dimension
    assert named >= 2


def test_a_filter_on_anothers_member_is_a_filter_on_nothing(owner: Tenant, other: Tenant) -> None:
    member = owner.http.get("/v1/dimensions/topic/values").json()["data"][0]["key"]

    def about(tenant: Tenant, value: str) -> Any:
        only = {"dimension": "topic", "op": "in", "values": [value]}
        return replay.steady(ask(tenant, metrics=[{"id": "calls_offered"}], filters=only), value)

    assert about(other, member) == about(other, replay.random_value(member))
    assert about(owner, member) != about(other, member)


def behind(tenant: Tenant, **question: Any) -> httpx.Response:
    body = {"time": {"range": JANUARY, "timezone": "UTC"}, "include": ["excluded"], **question}
    answer = tenant.http.post("/v1/query/records", json=body)
    assert answer.status_code == 200, answer.text
    return answer


def test_no_record_is_behind_another_tenants_number(owner: Tenant, other: Tenant) -> None:
    listed = 0
    beside_rows = ["backlog_age", "tickets_waiting", "churn_rate", "median_wait", "sla_at_risk"]
    for metric in [*ids(owner, "/v1/metrics")[::6], *beside_rows]:
        mine, theirs = (behind(each, metrics=[{"id": metric}]) for each in (owner, other))
        listed += CANARY in mine.text
        assert theirs.json()["data"] == [], metric
        assert CANARY not in theirs.text
    assert listed > 2


def test_a_cell_of_anothers_member_is_a_cell_of_nothing(owner: Tenant, other: Tenant) -> None:
    member = owner.http.get("/v1/dimensions/topic/values").json()["data"][0]["key"]

    def about(tenant: Tenant, value: str, **more: Any) -> Any:
        place = {"dimensions": ["topic"], "cell": {"topic": value}, **more}
        found = behind(tenant, metrics=[{"id": "calls_offered"}], **place)
        return replay.steady(found, value)

    assert about(other, member) == about(other, replay.random_value(member))
    assert about(owner, member) != about(other, member)
    assert about(other, "unknown:1")[1]["data"] == []


def test_a_cursor_of_another_tenant_opens_nothing(owner: Tenant, other: Tenant) -> None:
    question: dict[str, Any] = {"metrics": [{"id": "contacts"}], "limit": 1}
    cursor = behind(owner, **question).json()["page"]["next_cursor"]
    assert cursor is not None
    body = {"time": {"range": JANUARY, "timezone": "UTC"}, "include": ["excluded"], **question}
    theirs = other.http.post("/v1/query/records", json={**body, "cursor": cursor})
    assert (theirs.status_code, theirs.json()["code"]) == (409, "snapshot_moved")


def test_comparing_with_anothers_member_is_comparing_with_nothing(
    owner: Tenant, other: Tenant
) -> None:
    member = owner.http.get("/v1/dimensions/topic/values").json()["data"][0]["key"]

    def against(tenant: Tenant, value: str) -> Any:
        only = {"dimension": "topic", "op": "in", "values": [value]}
        segment = {"to": "segment", "filters": only}
        return replay.steady(ask(tenant, metrics=[{"id": "calls_offered"}], compare=segment), value)

    assert against(other, member) == against(other, replay.random_value(member))
    assert against(owner, member) != against(other, member)


def test_a_change_names_no_member_of_another_tenant(owner: Tenant, other: Tenant) -> None:
    found = {}
    for tenant in (owner, other):
        answer = tenant.http.post(
            "/v1/query/explain-change",
            json={
                "metrics": [{"id": "calls_offered"}],
                "time": {"range": JANUARY, "timezone": "UTC"},
                "compare": {"to": "previous_period"},
                "by": ["topic"],
            },
        )
        assert answer.status_code == 200, answer.text
        assert tenant is owner or CANARY not in answer.text
        found[tenant.tenant_id] = answer.json()["change"]
    assert found[owner.tenant_id] > 0
    assert found[other.tenant_id] == 0


@pytest.mark.parametrize("chosen", list(KpiSet))
def test_first_screens_are_those_of_an_empty_tenant(
    product: Product, other: Tenant, chosen: KpiSet
) -> None:
    fresh = new_tenant_client(product)
    params = {"set": str(chosen.value), **JANUARY}
    theirs, empty = (each.http.get("/v1/kpis", params=params) for each in (other, fresh))
    fresh.http.close()
    assert theirs.status_code == 200, theirs.text
    assert replay.steady(theirs) == replay.steady(empty)
    assert CANARY not in theirs.text

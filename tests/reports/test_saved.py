"""Saved queries: checked when they are saved, answered with a tag that no number outlives."""

import time
from collections.abc import Callable
from typing import Any

import asyncpg
import httpx
import pytest
from tests.conftest import Tenant
from tests.reports.calls import TIME, push_calls

from csapi.access.tenancy import tenant_transaction
from csapi.kit.clock import now
from csapi.reports.etags import known_tags, state_of
from csapi.reports.schemas import MetricRequest, Query, QueryTime, TimeRange
from csapi.reports.service import Desk, Snapshot, resolved

BY_DAY: dict[str, Any] = {
    "metrics": [{"id": "calls_offered"}, {"id": "average_speed_of_answer", "agg": "p90"}],
    "time": TIME,
    "dimensions": ["time:day"],
    "include": ["totals"],
}
BY_AGENT = {**BY_DAY, "dimensions": ["agent"]}
DRAINED_SECONDS = 30


@pytest.fixture
def calls(tenant: Tenant) -> Tenant:
    return push_calls(tenant)


def save(tenant: Tenant, name: str, query: Any, status: int = 201) -> Any:
    answer = tenant.http.put(f"/v1/queries/{name}", json=query)
    assert answer.status_code == status, answer.text
    return answer.json()


def result(tenant: Tenant, name: str, tag: str | None = None, **headers: str) -> httpx.Response:
    if tag is not None:
        headers["if-none-match"] = tag
    answer = tenant.http.get(f"/v1/queries/{name}/result", headers=headers)
    assert answer.status_code in (200, 304), answer.text
    return answer


def offered(answer: httpx.Response) -> float:
    found: float = answer.json()["totals"]["calls_offered"]["value"]
    return found


def push(tenant: Tenant, number: int, **more: Any) -> None:
    item = {
        "source": "pbx",
        "external_id": f"late{number}",
        "queue_entered_at": "2026-01-05T10:07:00Z",
        "source_updated_at": f"2026-01-06T00:00:{number:02}Z",
        "outcome": "answered",
        "wait_seconds": 12,
        **more,
    }
    assert tenant.http.post("/v1/calls", json=item).json()["status"] in ("created", "updated")


def wait_for_summaries(tenant: Tenant, name: str) -> httpx.Response:
    deadline = time.monotonic() + DRAINED_SECONDS
    while time.monotonic() < deadline:
        answer = result(tenant, name)
        if "." in answer.headers["etag"]:
            return answer
        time.sleep(0.2)
    raise AssertionError(answer.json()["meta"])


def test_a_query_is_saved_read_replaced_and_deleted(calls: Tenant) -> None:
    made = save(calls, "by.day", BY_DAY)
    again = save(calls, "by.day", BY_AGENT, 200)
    assert again["created_at"] == made["created_at"]
    assert again["updated_at"] > made["updated_at"]
    assert calls.http.get("/v1/queries/by.day").json() == again
    assert [each["name"] for each in calls.http.get("/v1/queries").json()["data"]] == ["by.day"]
    assert calls.http.delete("/v1/queries/by.day").status_code == 204
    for method, path in (("GET", ""), ("GET", "/result"), ("DELETE", "")):
        gone = calls.http.request(method, f"/v1/queries/by.day{path}")
        assert (gone.status_code, gone.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    ("change", "pointer", "code"),
    [
        ({"metrics": [{"id": "nothing"}]}, "/metrics/0/id", "unknown_metric"),
        ({"dimensions": ["moon"]}, "/dimensions/0", "unknown_dimension"),
        ({"top": {"n": 1, "by": "x"}}, "/top/by", "unknown_metric"),
        ({"limit": 0}, "/limit", "out_of_range"),
        ({"cursor": "x"}, "/cursor", "not_supported"),
        ({"time": {"range": {"preset": "last_moon"}}}, "/time/range/preset", "invalid_value"),
    ],
)
def test_what_could_not_be_asked_is_not_saved(
    tenant: Tenant, change: dict[str, Any], pointer: str, code: str
) -> None:
    refused = save(tenant, "wrong", BY_DAY | change, 422)
    assert (refused["errors"][0]["pointer"], refused["code"]) == (pointer, code)
    assert tenant.http.get("/v1/queries").json()["data"] == []


@pytest.mark.parametrize("name", ["-x", "a%20b", "%C3%BC", "x" * 101])
def test_a_name_fits_into_an_address(tenant: Tenant, name: str) -> None:
    assert save(tenant, name, BY_DAY, 422)["errors"][0]["pointer"] == "/name"


def test_the_result_is_the_answer_to_the_query(calls: Tenant) -> None:
    save(calls, "q", BY_AGENT)
    asked = calls.http.post("/v1/query", json=BY_AGENT).json()
    found = result(calls, "q").json()
    assert (found["data"], found["totals"]) == (asked["data"], asked["totals"])
    table = result(calls, "q", accept="text/csv")
    assert table.headers["content-type"].startswith("text/csv")
    assert table.headers["etag"] != result(calls, "q").headers["etag"]
    assert table.headers["cache-control"] == "private, no-cache"


def test_pages_of_a_result(calls: Tenant) -> None:
    save(calls, "q", BY_AGENT | {"limit": 1})
    cursor = result(calls, "q").json()["page"]["next_cursor"]
    second = calls.http.get("/v1/queries/q/result", params={"cursor": cursor}).json()
    assert second["data"][0]["dimensions"]["agent"]["key"] == "a2"


def test_a_preset_is_resolved_when_it_is_asked(tenant: Tenant) -> None:
    preset = {"metrics": [{"id": "calls_offered"}], "time": {"range": {"preset": "last_7_days"}}}
    save(tenant, "week", preset)
    push(tenant, 1, queue_entered_at=now().isoformat(), source_updated_at=None)
    found = result(tenant, "week").json()
    assert found["data"][0]["metrics"]["calls_offered"]["value"] == 1
    assert found["meta"]["query"]["time"]["range"]["preset"] == "last_7_days"


@pytest.mark.parametrize("query", [BY_DAY, BY_AGENT], ids=["by time", "by member"])
def test_no_number_outlives_its_tag(calls: Tenant, query: dict[str, Any]) -> None:
    """Writes to one slot again and again, before and after its summary is rebuilt."""
    save(calls, "q", query)
    tags = set()
    is_traced = query is BY_DAY
    for number in range(2 if is_traced else 4):
        before = wait_for_summaries(calls, "q") if is_traced else result(calls, "q")
        tag = before.headers["etag"]
        assert result(calls, "q", tag).status_code == 304 or not is_traced
        push(calls, number)
        after = result(calls, "q", tag)
        assert after.status_code == 200
        assert offered(after) == offered(before) + 1
        push(calls, number, wait_seconds=100 + number, source_updated_at="2026-01-07T00:00:00Z")
        corrected = result(calls, "q", after.headers["etag"])
        assert corrected.status_code == 200
        tags |= {tag, after.headers["etag"], corrected.headers["etag"]}
    assert len(tags) >= 2 * number + 3


def test_what_was_read_before_is_known_again(calls: Tenant) -> None:
    save(calls, "q", BY_DAY)
    first = wait_for_summaries(calls, "q")
    tag = first.headers["etag"]
    for sent in (tag, f'"x", {tag}', f"W/{tag}", "*"):
        known = result(calls, "q", sent)
        assert (known.status_code, known.content) == (304, b"")
        assert known.headers["etag"] == tag
    assert result(calls, "q", '"other"').content == first.content


async def test_a_known_state_is_told_without_reading_numbers(
    calls: Tenant, product_pool: asyncpg.Pool
) -> None:
    save(calls, "q", BY_DAY)
    wait_for_summaries(calls, "q")
    sent: list[str] = []
    query = Query(
        metrics=[MetricRequest(id="calls_offered")],
        time=QueryTime(range=TimeRange(from_="2026-01-01", to="2026-02-01")),
    )
    desk = Desk(product_pool, calls.tenant_id, "UTC", now(), live_slots_max=1000)
    async with tenant_transaction(product_pool, calls.tenant_id, readonly=True) as connection:
        snapshot = Snapshot(connection, desk)
        found = await state_of(snapshot, query, await resolved(snapshot, query), "x")
        with connection.query_logger(lambda record: sent.append(record.query)):
            again = await state_of(snapshot, query, await resolved(snapshot, query), "x")
        other = await state_of(snapshot, query, await resolved(snapshot, query), "y")
    assert found is not None
    assert (found == again, found == other) == (True, False)
    assert len(sent) == 2
    assert not any("summaries" in sql for sql in sent)


def test_tags_of_a_header() -> None:
    assert known_tags(None) == []
    assert known_tags('"a", W/"b" ,*') == ["a", "b", "*"]


def test_another_tenants_query_is_no_query(
    calls: Tenant, make_tenant: Callable[..., Tenant]
) -> None:
    save(calls, "q", BY_DAY)
    tag = result(calls, "q").headers["etag"]
    other = make_tenant()
    missing = other.http.get("/v1/queries/q/result", headers={"if-none-match": tag})
    assert missing.status_code == 404
    save(other, "q", BY_DAY)
    assert offered(result(other, "q", tag)) == 0


def test_what_a_customer_is_now_is_no_state(calls: Tenant) -> None:
    """No fact tells of it: the answer changes without a mark."""
    customer = {"source": "pbx", "external_id": "u1", "country": "SA"}
    assert calls.http.post("/v1/customers", json=customer).status_code in (200, 201)
    here = {"dimension": "customer.country", "op": "in", "values": ["SA"]}
    save(calls, "all", BY_DAY)
    save(calls, "here", {**BY_DAY, "filters": here})
    wait_for_summaries(calls, "all")
    before = result(calls, "here")
    tag = before.headers["etag"]
    assert "." not in tag
    calls.http.post("/v1/customers", json={**customer, "country": "EG"})
    after = result(calls, "here", tag)
    assert (after.status_code, offered(after)) == (200, 0)
    assert offered(before) == 2

"""Limits are told, and a query beyond them is refused with what to change."""

import asyncio
import importlib
import pkgutil
from typing import Any

import asyncpg
import pytest
from tests.conftest import Tenant
from tests.reports.calls import TIME, ask
from tests.reports.test_batch import SLOW

from csapi import reports
from csapi.access.service import create_tenant
from csapi.kit.clock import now
from csapi.kit.lanes import Lanes
from csapi.kit.problems import Problem
from csapi.reports.schemas import MetricRequest, Query, QueryTime, TimeRange
from csapi.reports.service import Desk, answer

OFFERED = Query(
    metrics=[MetricRequest(id="calls_offered")],
    time=QueryTime(range=TimeRange(from_="2026-01-01", to="2026-02-01")),
)


def test_a_query_beyond_a_limit_is_refused_by_its_place(tenant: Tenant) -> None:
    limits = tenant.http.get("/v1/limits").json()
    query = limits["query"]
    one = {"by": "calls_offered", "op": "gt", "value": 0}
    values = ["x"] * (query["filter_values"] + 1)
    test: dict[str, Any] = {"dimension": "topic", "op": "in", "values": values}
    deep: dict[str, Any] = {"dimension": "topic", "op": "is_null"}
    for _ in range(query["filter_depth"]):
        deep = {"not": deep}
    brief = {"dimension": "topic", "op": "is_null"}
    names = ["agent", "team", "queue", "topic", "channel", "priority"]
    wide = {"from": "2000-01-01", "to": "2026-01-01"}
    fine = {"from": "2025-01-01", "to": "2026-01-01"}
    for change, pointer, code in (
        ({"dimensions": names[: query["dimensions"] + 1]}, "/dimensions", "too_long"),
        ({"filters": test}, "/filters/values", "too_long"),
        ({"filters": deep}, "/filters" + "/not" * query["filter_depth"], "too_deep"),
        ({"filters": {"or": [brief] * (query["filter_tests"] + 1)}}, "/filters", "too_long"),
        ({"top": {"n": query["top"] + 1, "by": "calls_offered"}}, "/top/n", "out_of_range"),
        ({"having": [one] * (query["having_tests"] + 1)}, "/having", "too_long"),
        ({"limit": query["rows_per_page"] + 1}, "/limit", "out_of_range"),
        ({"time": {"range": wide}}, "/time/range/to", "invalid_value"),
        ({"time": {"range": fine}, "dimensions": ["time:15min"]}, "/dimensions/0", "out_of_range"),
    ):
        asked: dict[str, Any] = {"metrics": [{"id": "calls_offered"}], "time": TIME, **change}
        answer = tenant.http.post("/v1/query", json=asked)
        assert answer.status_code in (400, 422), (change, answer.text)
        found = answer.json()["errors"][0]
        assert (found["pointer"], found["code"]) == (pointer, code)
    many = [{"id": "calls_offered", "as": f"m{n}"} for n in range(query["metrics"] + 1)]
    refused = ask(tenant, *many, status=422)
    assert refused["errors"][0]["pointer"] == "/metrics"


async def test_a_slow_query_says_what_to_change(
    api_pool: asyncpg.Pool, tenant_id: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("csapi.reports.state.STATE", SLOW)
    monkeypatch.setattr("csapi.access.tenancy.READ_ONLY", "; SET LOCAL statement_timeout = 50")
    with pytest.raises(Problem) as refusal:
        await answer(Desk(api_pool, tenant_id, "UTC", now(), 1000), OFFERED)
    assert (refusal.value.code, refusal.value.status) == ("query_timeout", 503)
    assert "shorter range" in refusal.value.detail
    assert refusal.value.headers["Retry-After"]


async def test_slow_queries_of_a_tenant_leave_room_for_the_others(
    api_pool: asyncpg.Pool, tenant_id: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with api_pool.acquire() as connection:
        other = await create_tenant(connection, "other", "UTC")
    lanes = Lanes(2, wait_seconds=0.3)

    def desk(tenant: Any) -> Desk:
        return Desk(api_pool, tenant, "UTC", now(), 1000, lanes=lanes)

    quick = await answer(desk(other), OFFERED)
    monkeypatch.setattr("csapi.reports.state.STATE", SLOW)
    slow = [asyncio.create_task(answer(desk(tenant_id), OFFERED)) for _ in range(10)]
    await asyncio.sleep(0.1)
    monkeypatch.undo()
    async with asyncio.timeout(1):
        assert (await answer(desk(other), OFFERED)).data == quick.data
    found = await asyncio.gather(*slow, return_exceptions=True)
    refused = [each for each in found if isinstance(each, Problem)]
    assert len(refused) == 8
    assert {each.code for each in refused} == {"too_many_queries"}


def test_every_constant_that_a_query_can_hit_is_stated(tenant: Tenant) -> None:
    """A new limit has to be told, too: whatever is called the most, the largest or the longest."""
    told = tenant.http.get("/v1/limits").json()
    numbers: set[object] = set()
    pending: list[object] = [told]
    while pending:
        each = pending.pop()
        if isinstance(each, dict):
            pending += each.values()
        elif isinstance(each, list):
            pending += each
        else:
            numbers.add(each)
    # Not of a request: what is kept, shown or stored.
    inner = {"MOST_TENANTS", "MOST_ATTEMPTS", "LARGEST_MEMBER", "LARGEST_RATING", "LARGEST_WHOLE"}
    inner |= {"MOST_POINTS", "MOST_COMMENTS"}
    for found in pkgutil.walk_packages(reports.__path__, "csapi.reports."):
        module = importlib.import_module(found.name)
        for name, value in vars(module).items():
            is_limit = name.startswith(("MOST_", "LARGEST_", "LONGEST_", "DEEPEST"))
            if is_limit and name not in inner and isinstance(value, int):
                assert value in numbers, f"{found.name}.{name}"


def test_limits_tell_the_budgets_of_the_key(tenant: Tenant) -> None:
    answer = tenant.http.get("/v1/limits")
    budgets = {each["policy"]: each["units"] for each in answer.json()["budgets"]}
    assert set(budgets) == {"key-read", "tenant-read", "key-write", "tenant-write"}
    assert f'"key-read";q={budgets["key-read"]};w=60' in answer.headers["ratelimit-policy"]

"""Several questions at once: one snapshot, and each its own outcome."""

from typing import Any

import asyncpg
import msgspec
import pytest
from tests.conftest import Listen, Tenant
from tests.reports.calls import TIME, ask, push_calls

from csapi.access.tenancy import tenant_transaction
from csapi.kit.clock import now
from csapi.reports import batch
from csapi.reports.service import Desk, Snapshot

# With the arguments of the statement in whose place it comes.
SLOW = """
SELECT pg_sleep(1) WHERE $1::uuid IS NOT NULL AND $2::timestamptz IS NOT NULL
  AND $3::timestamptz IS NOT NULL AND $4::smallint[] IS NOT NULL
  AND $5::smallint[] IS NOT NULL
  AND $6::bigint[] IS NOT NULL AND $7::timestamptz IS NOT NULL"""
SCOPE: dict[str, Any] = {"path": "/v1/query/batch", "headers": [], "state": {}}
OFFERED: dict[str, Any] = {"metrics": [{"id": "calls_offered"}], "time": TIME}


@pytest.fixture
def calls(tenant: Tenant) -> Tenant:
    return push_calls(tenant)


def run(tenant: Tenant, queries: Any, status: int = 200) -> Any:
    answer = tenant.http.post("/v1/query/batch", json={"queries": queries})
    assert answer.status_code == status, answer.text
    return answer.json()


def test_each_is_answered_as_if_alone(calls: Tenant) -> None:
    queries = {
        "total": OFFERED,
        "by day": {**OFFERED, "dimensions": ["time:day"], "shape": "series"},
        "by agent": {**OFFERED, "dimensions": ["agent"], "limit": 1},
    }
    results = run(calls, queries)["results"]
    assert list(results) == list(queries)
    for name, query in queries.items():
        assert results[name]["status"] == 200
        assert results[name]["problem"] is None
        alone = ask(calls, *query["metrics"], **{k: v for k, v in query.items() if k != "metrics"})
        for part in ("data", "series", "categories", "page"):
            assert results[name]["answer"][part] == alone[part]


def test_one_that_fails_leaves_the_others_alone(calls: Tenant) -> None:
    queries = {
        "good": OFFERED,
        "odd/name": {**OFFERED, "metrics": [{"id": "nothing"}]},
        "mistyped": {**OFFERED, "limit": "all"},
        "not an object": 3,
        "also good": OFFERED,
    }
    results = run(calls, queries)["results"]
    assert [each["status"] for each in results.values()] == [200, 422, 422, 422, 200]
    problem = results["odd/name"]["problem"]
    assert results["odd/name"]["answer"] is None
    assert problem["code"] == "unknown_metric"
    assert problem["instance"] == "/v1/query/batch"
    assert problem["errors"][0]["pointer"] == "/queries/odd~1name/metrics/0/id"
    assert results["mistyped"]["problem"]["errors"][0]["pointer"] == "/queries/mistyped/limit"
    for name in ("good", "also good"):
        assert results[name]["answer"]["data"][0]["metrics"]["calls_offered"]["value"] == 8


@pytest.mark.parametrize(
    ("queries", "code"),
    [({}, "too_short"), ({f"q{n}": OFFERED for n in range(21)}, "too_long"), ([], "wrong_type")],
)
def test_how_many(queries: Any, code: str, tenant: Tenant) -> None:
    refused = run(tenant, queries, status=422)
    assert (refused["errors"][0]["pointer"], refused["code"]) == ("/queries", code)


async def test_all_see_one_snapshot_in_few_statements(
    calls: Tenant, product_pool: asyncpg.Pool, listen: Listen
) -> None:
    """A call that is pushed between two of the questions is in neither."""
    sent = listen()
    desk = Desk(product_pool, calls.tenant_id, "UTC", now(), live_slots_max=1000)
    raw = msgspec.Raw(msgspec.json.encode(OFFERED))
    late = {"source": "pbx", "external_id": "late", "queue_entered_at": "2026-01-09T10:00:00Z"}
    found = []
    async with tenant_transaction(product_pool, calls.tenant_id, readonly=True) as connection:
        await connection.execute("SAVEPOINT one_query")
        snapshot = Snapshot(connection, desk)
        for name in ("first", "second"):
            found.append(await batch.outcome(snapshot, name, raw, SCOPE))
            assert calls.http.post("/v1/calls", json={**late, "external_id": name}).is_success
    numbers = [each.answer.data[0].metrics["calls_offered"].value for each in found if each.answer]
    assert numbers == [8, 8]
    # One more says what the tenant has settled: it is kept for the next questions.
    assert len(sent) == 1 + 2 * 2


async def test_a_statement_that_fails_costs_one_outcome(
    calls: Tenant, product_pool: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(product_pool, calls.tenant_id, "UTC", now(), live_slots_max=1000)
    raw = msgspec.Raw(msgspec.json.encode(OFFERED))
    async with tenant_transaction(product_pool, calls.tenant_id, readonly=True) as connection:
        await connection.execute("SAVEPOINT one_query")
        snapshot = Snapshot(connection, desk)
        await connection.execute("SET LOCAL statement_timeout = '1ms'")
        monkeypatch.setattr("csapi.reports.state.STATE", SLOW)
        lost = await batch.outcome(snapshot, "lost", raw, SCOPE)
        monkeypatch.undo()
        kept = await batch.outcome(snapshot, "kept", raw, SCOPE)
    assert (lost.status, lost.problem and lost.problem.code) == (503, "query_timeout")
    assert kept.status == 200

"""How settled an answer is: what may still change, what was counted again, what is rebuilt."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import pytest
from tests.conftest import Tenant
from tests.delivery.lab import drain, take_in
from tests.rollup.test_definitions import changed

from csapi.access.tenancy import tenant_transaction
from csapi.facts.kinds import Kind, Resource
from csapi.facts.origins import KINDS_OF, LISTED, resources_of
from csapi.facts.registry import SUBJECT_KINDS
from csapi.metrics.catalog import METRICS
from csapi.metrics.metric import TimeBasis
from csapi.reports.schemas import Query
from csapi.reports.service import Desk, answer
from csapi.reports.versions import rebuild_of
from csapi.rollup import definitions

NOW = datetime.now(UTC).replace(microsecond=0)
FCR = "first_contact_resolution_rate"
COHORTS = [each.id for each in METRICS.values() if each.time_basis is TimeBasis.cohort]
Ask = Callable[..., Awaitable[Any]]

__all__ = ["changed"]


def iso(instant: datetime) -> str:
    return instant.isoformat().replace("+00:00", "Z")


@pytest.fixture
def ask(api_pool: asyncpg.Pool) -> Ask:
    async def run(tenant_id: UUID, *metrics: Any, days: int = 30, **more: Any) -> Any:
        start = (NOW - timedelta(days=days)).date()
        query = {
            "metrics": [{"id": each} if isinstance(each, str) else each for each in metrics],
            "time": {"range": {"from": str(start), "to": str(NOW.date() + timedelta(days=1))}},
            **more,
        }
        desk = Desk(api_pool, tenant_id, "UTC", NOW, 1000)
        return msgspec.to_builtins(await answer(desk, msgspec.convert(query, Query)))

    return run


def call(name: str, days_ago: float, **more: Any) -> dict[str, Any]:
    at = NOW - timedelta(days=days_ago)
    return {"external_id": name, "queue_entered_at": iso(at), "customer": name, **more}


async def test_the_immature_part_is_counted(intake: Any, tenant_id: UUID, ask: Ask) -> None:
    ages = (20, 10, 7.01, 6.99, 3, 0.5)
    await take_in(intake, tenant_id, "calls", [call(f"c{age}", age) for age in ages])
    day = {"id": FCR, "as": "day", "params": {"window_days": 1}}
    meta = (await ask(tenant_id, FCR, day, dimensions=["time:day"]))["meta"]
    week = NOW - timedelta(days=7)
    assert meta["maturity"][FCR] == {
        "state": "window", "window_seconds": 7 * 86_400, "mature_through": iso(week),
        "immature_n": 3,
    }  # fmt: skip
    assert meta["maturity"]["day"]["immature_n"] == 1
    assert meta["mature_through"] == {FCR: iso(week), "day": iso(NOW - timedelta(days=1))}
    old = await ask(tenant_id, FCR, time={"range": {"from": "2020-01-01", "to": "2020-02-01"}})
    assert old["meta"]["maturity"][FCR]["immature_n"] == 0
    assert old["meta"]["mature_through"] == {FCR: "2020-02-01T00:00:00Z"}


async def test_every_cohort_says_how_mature_it_is(tenant_id: UUID, ask: Ask) -> None:
    for start in range(0, len(COHORTS), 20):
        some = COHORTS[start : start + 20]
        meta = (await ask(tenant_id, *some))["meta"]
        assert meta["maturity"].keys() == set(some)
        for name, each in meta["maturity"].items():
            assert (each["mature_through"] is None) == (each["state"] == "open"), name
            assert (name in meta["mature_through"]) == (each["state"] != "open")
    states = {name: (await ask(tenant_id, name))["meta"]["maturity"][name]["state"]
              for name in ("calls_offered", "reopen_rate", "feedback_response_rate")}  # fmt: skip
    assert states == {
        "calls_offered": "final", "reopen_rate": "window", "feedback_response_rate": "open",
    }  # fmt: skip
    assert (await ask(tenant_id, "messages_in"))["meta"]["maturity"] == {}


async def test_days_that_were_counted_again_are_named(
    intake: Any, tenant_id: UUID, worker_pool: asyncpg.Pool, ask: Ask
) -> None:
    await take_in(intake, tenant_id, "calls", [call("c1", 5), call("c2", 3)])
    await drain(worker_pool, tenant_id)
    # The first count of a day is no revision, however late it is.
    assert (await ask(tenant_id, "calls_offered"))["meta"]["revised_buckets"] == []
    before = datetime.now(UTC)
    await take_in(intake, tenant_id, "calls", [call("late", 5)])
    pending = (await ask(tenant_id, "calls_offered"))["meta"]
    assert (pending["revised_buckets"], pending["pending_buckets"]) == ([], 1)
    await drain(worker_pool, tenant_id)
    meta = (await ask(tenant_id, "calls_offered"))["meta"]
    (revised,) = meta["revised_buckets"]
    day = datetime.combine((NOW - timedelta(days=5)).date(), datetime.min.time(), UTC)
    assert (revised["start"], revised["end"]) == (iso(day), iso(day + timedelta(days=1)))
    assert (revised["revisions"], revised["reasons"]) == (1, ["records"])
    assert meta["revised_since"] == iso(datetime.combine(NOW.date(), datetime.min.time(), UTC))
    assert meta["exact"]
    later = iso(datetime.now(UTC) + timedelta(seconds=1))
    assert (await ask(tenant_id, "calls_offered", revised_since=later))["meta"][
        "revised_buckets"
    ] == []
    earlier = await ask(tenant_id, "calls_offered", revised_since=iso(before))
    assert len(earlier["meta"]["revised_buckets"]) == 1
    # Another range has not seen it.
    assert (await ask(tenant_id, "calls_offered", days=4))["meta"]["revised_buckets"] == []


async def test_a_team_that_moves_is_another_reason_than_a_late_call(
    intake: Any, tenant_id: UUID, worker_pool: asyncpg.Pool, ask: Ask
) -> None:
    await take_in(intake, tenant_id, "calls", [call("c1", 5, agent="a1")])
    await drain(worker_pool, tenant_id)
    await take_in(intake, tenant_id, "agents", [{"external_id": "a1", "name": "A", "team": "x"}])
    await drain(worker_pool, tenant_id)
    (revised,) = (await ask(tenant_id, "calls_offered"))["meta"]["revised_buckets"]
    assert revised["reasons"] == ["derived_again"]


async def test_no_answer_mixes_definitions_in_silence(
    intake: Any,
    tenant_id: UUID,
    worker_pool: asyncpg.Pool,
    api_pool: asyncpg.Pool,
    ask: Ask,
    request: pytest.FixtureRequest,
) -> None:
    """From the moment the code changes, before the worker has noticed, until all is through."""
    calls = [call(f"c{n}", 5, wait_seconds=10) for n in range(7)]
    await take_in(intake, tenant_id, "calls", calls)
    await drain(worker_pool, tenant_id)
    await definitions.redefine(worker_pool)
    resources = resources_of([Kind.CALL])

    async def progress() -> tuple[str, float, int]:
        async with tenant_transaction(api_pool, tenant_id, readonly=True) as connection:
            found = await rebuild_of(connection, tenant_id, resources)
        return found.status.value, found.share_done, found.pending_subjects

    assert (await ask(tenant_id, "calls_offered"))["meta"]["exact"]
    assert await progress() == ("done", 1, 0)
    request.getfixturevalue("changed")
    meta = (await ask(tenant_id, "calls_offered"))["meta"]
    assert not meta["exact"]
    assert meta["pending_subjects"] == 0
    assert any("calls" in warning for warning in meta["warnings"])
    assert (await ask(tenant_id, "messages_in"))["meta"]["exact"]
    assert await progress() == ("waiting", 0, 0)
    await definitions.mark_some(worker_pool, tenant_id, Resource.CALL)
    assert await progress() == ("running", 0, 3)
    await drain(worker_pool, tenant_id)
    assert await progress() == ("running", 3 / 7, 0)
    meta = (await ask(tenant_id, "calls_offered"))["meta"]
    assert (meta["exact"], meta["pending_subjects"]) == (False, 0)
    while await definitions.mark_some(worker_pool, tenant_id, Resource.CALL):
        await drain(worker_pool, tenant_id)
    assert await progress() == ("done", 1, 0)
    assert (await ask(tenant_id, "calls_offered"))["meta"]["exact"]


def test_versions_are_stated(tenant: Tenant) -> None:
    answer = tenant.http.get("/v1/metrics/service_level/versions")
    assert answer.status_code == 200, answer.text
    (version,) = answer.json()["data"]
    info = tenant.http.get("/v1/metrics/service_level").json()
    assert version["version"] == info["version"]
    assert version["fingerprint"] == info["fingerprint"]
    assert version["is_current"]
    assert version["rebuild"]["status"] == "done"
    assert [each["resource"] for each in version["rebuild"]["resources"]] == ["calls"]
    assert tenant.http.get("/v1/metrics/speed/versions").status_code == 404


def test_every_kind_of_fact_has_an_origin() -> None:
    assert set(Kind) == LISTED
    assert KINDS_OF.keys() == SUBJECT_KINDS.keys()

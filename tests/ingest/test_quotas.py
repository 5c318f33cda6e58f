"""Quotas: beyond one nothing is stored, and nothing of what was stored is lost."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
import pytest
from tests.access.commands import csapi
from tests.conftest import Product, Tenant
from tests.ingest.samples import sample

from csapi.access.tenancy import tenant_transaction
from csapi.facts.people import TEAMS
from csapi.facts.usage import bounds_of
from csapi.ingest.quotas import Quotas, set_quota
from csapi.ingest.service import Intake, ingest_records
from csapi.kit.clock import now
from csapi.kit.problems import Problem


async def send(intake: Intake, tenant_id: UUID, *names: str) -> None:
    items = [f'{{"source": "s", "external_id": "{name}"}}'.encode() for name in names]
    await ingest_records(intake, tenant_id, TEAMS, items, now())


async def limit(pool: asyncpg.Pool, tenant_id: UUID, period: str, items: int | None) -> None:
    async with tenant_transaction(pool, tenant_id) as connection:
        await set_quota(connection, tenant_id, period, items)


@pytest.mark.parametrize("period", ["day", "month"])
async def test_a_quota_counts_new_records(
    api_pool: asyncpg.Pool,
    intake: Intake,
    tenant_id: UUID,
    period: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await send(intake, tenant_id, "a", "b")
    await limit(api_pool, tenant_id, period, 3)
    quotas = Quotas(api_pool)
    await quotas.check(tenant_id, now())
    quotas.add(tenant_id, 1)
    with pytest.raises(Problem) as refusal:
        await quotas.check(tenant_id, now())
    _, end = bounds_of(period, now())
    assert refusal.value.code == "quota_exceeded"
    left = (end - now()).total_seconds()
    assert int(refusal.value.headers["Retry-After"]) == pytest.approx(left, abs=5)
    # What was sent again, and what did not come to be, are not counted.
    await send(intake, tenant_id, "a", "b")
    await Quotas(api_pool).check(tenant_id, now())
    await send(intake, tenant_id, "c")
    with pytest.raises(Problem):
        await Quotas(api_pool).check(tenant_id, now())
    # The next period begins anew.
    monkeypatch.setattr("csapi.ingest.quotas.COUNTED_SECONDS", 0)
    await quotas.check(tenant_id, end + timedelta(seconds=1))


async def test_what_is_settled_is_counted_once(
    api_pool: asyncpg.Pool, intake: Intake, tenant_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("csapi.ingest.quotas.COUNTED_SECONDS", 0)
    monkeypatch.setattr("csapi.ingest.quotas.SETTLED", timedelta(0))
    await limit(api_pool, tenant_id, "month", 4)
    quotas = Quotas(api_pool)
    for name in ("a", "b", "c", "d"):
        await quotas.check(tenant_id, now())
        await send(intake, tenant_id, name)
    with pytest.raises(Problem):
        await quotas.check(tenant_id, now())
    await limit(api_pool, tenant_id, "month", None)
    await quotas.check(tenant_id, now())


def test_periods_are_of_utc() -> None:
    at = datetime(2026, 12, 31, 23, 59, tzinfo=UTC)
    assert bounds_of("day", at)[1] == datetime(2027, 1, 1, tzinfo=UTC)
    assert bounds_of("month", at) == (
        datetime(2026, 12, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC),
    )  # fmt: skip


def test_beyond_a_quota_a_batch_is_refused_whole(product: Product, tenant: Tenant) -> None:
    url, place = product.database.api_url, ("--tenant", str(tenant.tenant_id), "--period", "day")
    done = csapi(url, "tenants", "quota", *place, "--items", "2")
    assert (done.code, done.json) == (0, {"day": 2})
    first = tenant.http.post("/v1/teams/batch", json=[sample("teams") for _ in range(3)])
    # What begins while something is left is taken whole.
    assert first.json()["summary"]["created"] == 3
    for path, body in (("teams/batch", [sample("teams")]), ("teams", sample("teams"))):
        refused = tenant.http.post(f"/v1/{path}", json=body)
        assert (refused.status_code, refused.json()["code"]) == (429, "quota_exceeded")
        assert int(refused.headers["Retry-After"]) > 0
    assert len(tenant.http.get("/v1/teams").json()["data"]) == 3
    usage = tenant.http.get("/v1/usage").json()
    assert (usage["created"], usage["totals"]) == (3, {"teams": 3})
    assert csapi(url, "tenants", "quota", *place).json == {}
    told = tenant.http.get("/v1/audit-log", params={"action": "quota.changed"}).json()["data"]
    assert [each["details"] for each in told] == [{"items": None}, {"items": 2}]
    unknown = csapi(url, "tenants", "quota", "--tenant", str(UUID(int=1)), "--period", "day")
    assert unknown.code != 0
    assert "There is no tenant" in unknown.error

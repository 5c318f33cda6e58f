"""Usage is a count of the records that are there."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
import pytest
from tests.conftest import Product, Tenant
from tests.isolation import replay

from csapi.access.tenancy import tenant_scope, tenant_transaction
from csapi.facts.usage import created_by_day, lowest_id, start_of
from csapi.ingest.quotas import set_quota


async def test_usage_is_what_is_there(product: Product, tenant: Tenant) -> None:
    """Everything that can be sent, once and again; names that others mention are no records."""
    for operation in replay.GUARDED:
        if operation.operation_id.startswith("ingest") and operation.method == "POST":
            for example in replay.examples_of(operation):
                for _ in range(2):
                    assert tenant.http.post(operation.path, json=example).status_code < 300
    found = tenant.http.get("/v1/usage").json()
    connection = await asyncpg.connect(product.database.admin_url)
    try:
        for name, table, test in (
            ("tickets", "tickets", "NOT is_stub"),
            ("calls", "calls", "NOT is_stub"),
            ("agents", "agents", "NOT is_stub"),
            ("customers", "customers", "NOT is_stub"),
            ("customers/merge", "customer_merges", "NOT is_stub"),
            ("ticket-events", "ticket_events", "true"),
        ):
            sql = f"SELECT count(*) FROM csapi.{table} WHERE tenant_id = $1 AND {test}"
            assert found["totals"][name] == await connection.fetchval(sql, tenant.tenant_id)
    finally:
        await connection.close()
    assert found["created"] == sum(found["totals"].values())
    today = datetime.now(UTC).date()
    assert {each["day"] for each in found["data"]} == {today.isoformat()}
    days = {"from": f"{today - timedelta(days=9)}", "to": f"{today}"}
    assert tenant.http.get("/v1/usage", params=days).json()["data"] == []
    lines = tenant.http.get("/v1/usage", headers={"Accept": "text/csv"}).text.splitlines()
    assert len(lines) == len(found["data"]) + 1


def test_usage_tells_what_is_left_of_quotas(product: Product, tenant: Tenant) -> None:
    assert tenant.http.get("/v1/usage").json()["quotas"] == []

    async def allow(connection: asyncpg.Connection) -> None:
        async with tenant_scope(connection, tenant.tenant_id):
            await set_quota(connection, tenant.tenant_id, "day", 5)
            await set_quota(connection, tenant.tenant_id, "month", 1)

    product.office.do(allow)
    items = [{"source": "s", "external_id": f"t{number}", "name": "x"} for number in range(2)]
    assert tenant.http.post("/v1/teams/batch", json=items).json()["summary"]["created"] == 2
    days = {"from": "2026-01-01", "to": "2026-01-02"}
    day, month = tenant.http.get("/v1/usage", params=days).json()["quotas"]
    assert datetime.fromisoformat(day.pop("resets_at")) > datetime.now(UTC)
    assert month.pop("resets_at")[8:10] == "01"
    assert day == {"period": "day", "limit": 5, "used": 2, "remaining": 3}
    assert month == {"period": "month", "limit": 1, "used": 2, "remaining": 0}


@pytest.mark.parametrize(
    ("days", "code"),
    [
        ({"from": "2026-03-01", "to": "2026-03-01"}, "invalid_value"),
        ({"from": "2026-01-01", "to": "2026-12-31"}, "range_too_long"),
        ({"from": "yesterday"}, "invalid_value"),
        ({"to": "0001-01-01", "from": "0001-01-02"}, "invalid_value"),
    ],
)
def test_a_wrong_range_is_refused(tenant: Tenant, days: dict[str, str], code: str) -> None:
    refused = tenant.http.get("/v1/usage", params=days)
    assert (refused.status_code, refused.json()["code"]) == (422, code), refused.text


async def test_a_day_begins_and_ends_at_midnight_of_utc(
    api_pool: asyncpg.Pool, tenant_id: UUID
) -> None:
    day = datetime(2026, 3, 1, tzinfo=UTC).date()
    instants = [start_of(day) - timedelta(milliseconds=1), start_of(day), start_of(day)]
    instants.append(start_of(day) + timedelta(days=1) - timedelta(milliseconds=1))
    instants.append(start_of(day) + timedelta(days=1))
    async with tenant_transaction(api_pool, tenant_id) as connection:
        for number, at in enumerate(instants):
            id_ = UUID(int=lowest_id(at).int | 7 << 76 | 2 << 62 | number)
            await connection.execute(
                "INSERT INTO teams (tenant_id, id, source, external_id) VALUES ($1, $2, 's', $3)",
                tenant_id, id_, str(number),
            )  # fmt: skip
        found = await created_by_day(connection, tenant_id, day, day + timedelta(days=1))
    assert found == [(day, "teams", 3)]

"""What a tenant is, changed over HTTP; and its closing, as people and programs meet it."""

import asyncio
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest
from tests.access.people.staff import Desk, bearer
from tests.conftest import Product, Tenant

from csapi.access.people.roles import Role

CALL = {
    "source": "pbx", "external_id": "c1", "queue_entered_at": "2026-01-05T10:00:00Z",
    "direction": "inbound", "outcome": "answered", "topic": "billing",
}  # fmt: skip
COST = {
    "source": "s", "external_id": "l1", "name": "Desk", "currency": "EUR",
    "fixed_cost_per_month": 100, "valid_from": "2026-01-01",
}  # fmt: skip


@pytest.fixture(scope="module")
def desk(product: Product) -> Iterator[Desk]:
    with httpx.Client(base_url=product.base_url, timeout=30) as client:
        yield Desk(product, client)


def change(tenant: Tenant, **fields: Any) -> httpx.Response:
    return tenant.http.patch("/v1/tenant", json=fields)


def test_a_tenant_is_read_and_changed_in_part(tenant: Tenant) -> None:
    first = tenant.http.get("/v1/tenant")
    found = first.json()
    assert (found["tenant_id"], found["name"]) == (str(tenant.tenant_id), "test")
    assert (found["timezone"], found["language"], found["currency"]) == ("UTC", None, None)
    assert found["closing"] is None
    for path in found["links"].values():
        assert tenant.http.get(path).status_code == 200, path
    changed = change(tenant, name="Ärzte & Co", language="ar", currency="SAR")
    assert changed.status_code == 200, changed.text
    assert change(tenant, timezone="Asia/Riyadh").json() | {"updated_at": 0} == {
        **found, "name": "Ärzte & Co", "language": "ar", "currency": "SAR",
        "timezone": "Asia/Riyadh", "updated_at": 0,
    }  # fmt: skip
    cleared = change(tenant, language=None).json()
    assert (cleared["language"], cleared["currency"]) == (None, "SAR")
    assert change(tenant).json() == cleared
    (entry, *_) = tenant.http.get("/v1/audit-log").json()["data"]
    assert (entry["action"], entry["details"]) == ("tenant.changed", {"fields": ["language"]})


def test_weeks_begin_with_the_day_that_the_tenant_says(desk: Desk, tenant: Tenant) -> None:
    # Saturday, Sunday and Monday
    for number, day in enumerate(("2026-01-03", "2026-01-04", "2026-01-05")):
        call = {**CALL, "external_id": f"c{number}", "queue_entered_at": f"{day}T10:00:00Z"}
        assert tenant.http.post("/v1/calls", json=call).is_success

    def weeks(**time: str) -> dict[str, int]:
        query = {
            "metrics": [{"id": "calls_offered"}],
            "dimensions": ["time:week"],
            "time": {"range": {"from": "2025-12-29", "to": "2026-01-12"}, **time},
        }
        rows = tenant.http.post("/v1/query", json=query).json()["data"]
        return {
            row["dimensions"]["time:week"]["key"]: row["metrics"]["calls_offered"]["value"]
            for row in rows
        }

    def this_week() -> set[int]:
        """As the engine, and as a list beside it, understand it."""
        query = {"metrics": [{"id": "calls_offered"}], "time": {"range": {"preset": "this_week"}}}
        meta = tenant.http.post("/v1/query", json=query).json()["meta"]
        terms = tenant.http.get("/v1/kb/terms", params={"preset": "this_week"}).json()
        starts = meta["query"]["time"]["range"]["from"], terms["start"]
        return {datetime.fromisoformat(each).isoweekday() for each in starts}

    def told(found: dict[str, int], begin: int) -> bool:
        return weeks() == found and this_week() == {begin}

    of_monday = {"2025-12-29": 2, "2026-01-05": 1}
    assert tenant.http.get("/v1/tenant").json()["week_starts_on"] == "monday"
    assert weeks() == of_monday
    assert this_week() == {1}
    for day, number, expected in (
        ("sunday", 7, {"2025-12-28": 1, "2026-01-04": 2, "2026-01-11": 0}),
        ("saturday", 6, {"2025-12-27": 0, "2026-01-03": 3, "2026-01-10": 0}),
    ):
        assert change(tenant, week_starts_on=day).json()["week_starts_on"] == day
        is_so = partial(told, expected, number)
        assert desk.becomes_true(is_so), (weeks(), this_week())
        assert weeks(week_starts_on="monday") == of_monday
    assert change(tenant, week_starts_on=None).json()["week_starts_on"] == "monday"
    refused = change(tenant, week_starts_on="friday")
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/week_starts_on")


def test_nobody_overwrites_what_they_have_not_seen(tenant: Tenant) -> None:
    tag = tenant.http.get("/v1/tenant").headers["etag"]
    same = tenant.http.get("/v1/tenant", headers={"If-None-Match": tag})
    assert (same.status_code, same.headers["etag"], same.content) == (304, tag, b"")

    def put(name: str, held: str) -> httpx.Response:
        return tenant.http.patch("/v1/tenant", json={"name": name}, headers={"If-Match": held})

    changed = put("first", tag)
    assert changed.status_code == 200
    late = put("second", tag)
    assert (late.status_code, late.json()["code"]) == (412, "precondition_failed")
    assert put("third", changed.headers["etag"]).json()["name"] == "third"
    assert put("fourth", "*").json()["name"] == "fourth"


@pytest.mark.parametrize(
    ("fields", "pointer", "code"),
    [
        ({"name": ""}, "/name", "too_short"),
        ({"name": " "}, "/name", "invalid_value"),
        ({"name": None}, "/name", "wrong_type"),
        ({"name": "a\u0000b"}, "/name", "nul_character"),
        ({"timezone": "Mars/Base"}, "/timezone", "unknown_timezone"),
        ({"timezone": ""}, "/timezone", "unknown_timezone"),
        ({"language": "de"}, "/language", "invalid_value"),
        ({"currency": "eur"}, "/currency", "invalid_value"),
        ({"quota": 5}, "/quota", "unknown_field"),
        ({"closing": None}, "/closing", "unknown_field"),
    ],
)
def test_a_wrong_field_is_named(
    tenant: Tenant, fields: dict[str, Any], pointer: str, code: str
) -> None:
    refused = change(tenant, **fields)
    assert refused.status_code == 422, refused.text
    (error,) = refused.json()["errors"]
    assert error["pointer"] == pointer
    assert error["code"] == code, refused.text


def test_the_language_holds_where_a_request_names_none(tenant: Tenant) -> None:
    query = {"metrics": [{"id": "calls_offered"}], "time": {"range": {"preset": "today"}}}

    def label(**headers: str) -> tuple[str, str]:
        answer = tenant.http.post("/v1/query", json=query, headers=headers)
        column = answer.json()["meta"]["columns"]["calls_offered"]["label"]
        return answer.headers["content-language"], column

    english = label()
    assert english[0] == "en"
    change(tenant, language="zh-Hans")
    assert label()[0] == "zh-Hans"
    assert label(**{"Accept-Language": "*"}) == label() != english
    assert label(**{"Accept-Language": "en"}) == english


def test_a_zone_changes_until_there_are_records(tenant: Tenant) -> None:
    assert change(tenant, timezone="Asia/Riyadh").status_code == 200
    assert tenant.http.post("/v1/calls", json=CALL).status_code == 201
    refused = change(tenant, timezone="UTC")
    assert (refused.status_code, refused.json()["code"]) == (409, "conflict")
    assert "tenant_data" in refused.json()["detail"]
    assert change(tenant, timezone="Asia/Riyadh", name="same").status_code == 200
    query = {
        "metrics": [{"id": "calls_offered"}], "dimensions": ["time:day"],
        "time": {"range": {"from": "2026-01-05", "to": "2026-01-06"}},
    }  # fmt: skip
    (row,) = tenant.http.post("/v1/query", json=query).json()["data"]
    assert row["dimensions"]["time:day"]["start"] == "2026-01-04T21:00:00Z"
    assert row["metrics"]["calls_offered"]["value"] == 1


def test_an_answer_is_never_of_a_zone_that_was(product: Product, tenant: Tenant) -> None:
    """A process that has not heard of a new zone says so instead of counting other days."""
    query = {"metrics": [{"id": "calls_offered"}], "time": {"range": {"preset": "today"}}}
    assert tenant.http.post("/v1/query", json=query).status_code == 200
    execute(
        product, "UPDATE csapi.tenants SET timezone = 'Asia/Tokyo' WHERE tenant_id = $1",
        tenant.tenant_id,
    )  # fmt: skip
    late = tenant.http.post("/v1/query", json=query)
    assert (late.status_code, late.json()["code"]) == (503, "busy")
    # What changes the tenant forgets what was known of it.
    assert change(tenant, name="other").status_code == 200
    assert tenant.http.post("/v1/query", json=query).status_code == 200


def test_amounts_are_not_relabelled(tenant: Tenant) -> None:
    assert change(tenant, currency="SAR").status_code == 200
    refused = tenant.http.post("/v1/cost-book", json=COST)
    assert refused.json()["errors"][0]["code"] == "currency_mismatch", refused.text
    assert change(tenant, currency=None).json()["currency"] is None
    assert tenant.http.post("/v1/cost-book", json=COST).status_code == 201
    assert tenant.http.get("/v1/tenant").json()["currency"] == "EUR"
    refused = change(tenant, currency="SAR")
    assert (refused.status_code, refused.json()["code"]) == (409, "conflict")
    assert change(tenant, currency="EUR").status_code == 200
    assert tenant.http.post("/v1/cost-book", json={**COST, "deleted": True}).status_code == 200
    assert change(tenant, currency="SAR").json()["currency"] == "SAR"


def execute(product: Product, sql: str, *arguments: object) -> None:
    async def run() -> None:
        connection = await asyncpg.connect(product.database.admin_url)
        try:
            await connection.execute(sql, *arguments)
        finally:
            await connection.close()

    asyncio.run(run())


def test_only_an_owner_closes_a_tenant_and_keeps_it(desk: Desk, tenant: Tenant) -> None:
    confirmed = {"confirm": "test"}

    def as_(role: Role) -> dict[str, str]:
        return bearer(desk.sign_in(desk.hire(tenant.tenant_id, role))["access_token"])

    def close(headers: dict[str, str], **body: str) -> httpx.Response:
        return desk.http.post("/v1/tenant/closing", json=body or confirmed, headers=headers)

    assert close({"Authorization": f"Bearer {tenant.key}"}).json()["code"] == "not_a_person"
    assert close(as_(Role.ADMIN)).json()["code"] == "insufficient_scope"
    owner = as_(Role.OWNER)
    wrong = close(owner, confirm="Test")
    assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (422, "/confirm")
    asked = close(owner)
    assert asked.status_code == 201, asked.text
    assert close(owner).json() == asked.json()
    assert tenant.http.get("/v1/tenant").json()["closing"] == asked.json()
    check_read_only(tenant)
    assert desk.http.delete("/v1/tenant/closing", headers=as_(Role.ADMIN)).status_code == 403
    assert desk.http.delete("/v1/tenant/closing", headers=owner).status_code == 204
    assert desk.http.delete("/v1/tenant/closing", headers=owner).status_code == 404
    assert tenant.http.post("/v1/calls", json=CALL).status_code == 201
    acts = [each["action"] for each in tenant.http.get("/v1/audit-log").json()["data"]]
    assert acts.count("tenant.closing_requested") == 1
    assert acts[0] == "tenant.closing_withdrawn"


def check_read_only(tenant: Tenant) -> None:
    """Everything can be read and exported, nothing written."""
    for path, body in (
        ("/v1/calls", CALL),
        ("/v1/calls/batch", [CALL]),
        ("/v1/invitations", {"email": "a@example.com", "role": "analyst"}),
    ):
        refused = tenant.http.post(path, json=body)
        assert (refused.status_code, refused.json()["code"]) == (409, "tenant_closing"), path
    assert change(tenant, name="other").json()["code"] == "tenant_closing"
    query = {"metrics": [{"id": "calls_offered"}], "time": {"range": {"preset": "today"}}}
    assert tenant.http.post("/v1/query", json=query).status_code == 200
    made = tenant.http.post("/v1/exports", json={"format": "csv", "query": query})
    assert made.status_code == 202
    assert tenant.http.delete(made.headers["location"]).status_code == 204


def test_nobody_is_let_in_once_it_is_closed(
    product: Product, desk: Desk, make_tenant: Callable[..., Tenant]
) -> None:
    """Keys, people and portal tokens, in every process; and then there is nothing left of it."""
    tenant = make_tenant()
    person = bearer(desk.sign_in(desk.hire(tenant.tenant_id))["access_token"])
    made = tenant.http.post("/v1/portal-tokens", json={})
    assert made.status_code == 201, made.text
    portal = bearer(made.json()["token"])
    execute(
        product,
        "INSERT INTO csapi.tenant_closings VALUES ($1, now(), now() - interval '1 s', 'operator')",
        tenant.tenant_id,
    )
    key = bearer(tenant.key)
    # Processes that have just seen a key trust it for five seconds.
    asyncio.run(asyncio.sleep(5.1))
    for who in (key, person, portal):
        refused = desk.http.get("/v1/limits", headers=who)
        assert (refused.status_code, refused.json()["code"]) == (401, "unauthorized")
        assert "closed" in refused.json()["detail"]
    execute(
        product,
        "UPDATE csapi.tenant_closings SET closes_at = now() - interval '1 h' WHERE tenant_id = $1",
        tenant.tenant_id,
    )
    assert eventually(product, tenant.tenant_id) == 0
    assert desk.http.get("/v1/limits", headers=key).status_code == 401


def eventually(product: Product, tenant_id: UUID) -> int:
    """How many keys are left after the worker's next look."""

    async def look() -> int:
        connection = await asyncpg.connect(product.database.admin_url)
        try:
            for _ in range(300):
                done = await connection.fetchval(
                    "SELECT finished_at FROM csapi.closed_tenants WHERE id = $1", tenant_id
                )
                if done is not None:
                    break
                await asyncio.sleep(0.1)
            found: int = await connection.fetchval(
                "SELECT count(*) FROM csapi.api_keys WHERE tenant_id = $1", tenant_id
            )
            return found
        finally:
            await connection.close()

    return asyncio.run(look())

"""Portal tokens see what they are for and nothing else; pages read answers where they may."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest
from tests.conftest import Product, Tenant
from tests.isolation.keys import new_key
from tests.reports.calls import TIME, push_calls

from csapi.access.portal import create_portal_token, recognize_portal_token
from csapi.access.principals import Principal, Scope
from csapi.access.service import create_key, recognize, revoke_key
from csapi.access.tokens import PORTAL_PREFIX, Token

NOW = datetime(2026, 1, 5, tzinfo=UTC)
ONE_AGENT = {"dimension": "agent", "op": "in", "values": ["a1"]}
PAGE, OTHER_PAGE = "https://app.example.com", "https://evil.example.net"
OFFERED: dict[str, Any] = {"metrics": [{"id": "calls_offered"}], "time": TIME}


# What takes a token without filters alone.
UNFILTERED = ("/v1/drivers", "/v1/agents/evaluations", "/v1/agents/presence")


@pytest.fixture
def calls(tenant: Tenant) -> Tenant:
    return push_calls(tenant)


@pytest.fixture
def page(product: Product, calls: Tenant) -> Iterator[httpx.Client]:
    """A browser with a token for one agent."""
    made = calls.http.post("/v1/portal-tokens", json={"filters": ONE_AGENT})
    assert made.status_code == 201, made.text
    assert made.json()["token"].startswith(PORTAL_PREFIX)
    headers = {"Authorization": f"Bearer {made.json()['token']}"}
    with httpx.Client(base_url=product.base_url, headers=headers, timeout=30) as client:
        yield client


def counted(answer: httpx.Response) -> Any:
    assert answer.status_code == 200, answer.text
    return [row["metrics"]["calls_offered"]["value"] for row in answer.json()["data"]]


def test_a_token_asks_within_its_filters(calls: Tenant, page: httpx.Client) -> None:
    assert counted(calls.http.post("/v1/query", json=OFFERED)) == [8]
    others: list[Any] = [
        None,
        {"dimension": "agent", "op": "in", "values": ["a1", "a2"]},
        {"or": [ONE_AGENT, {"not": ONE_AGENT}]},
        {"dimension": "queue", "op": "in", "values": ["q1"]},
    ]
    for filters in others:
        assert counted(page.post("/v1/query", json=OFFERED | {"filters": filters})) == [3]
    assert counted(page.post("/v1/query", json=OFFERED | {"filters": {"not": ONE_AGENT}})) == [0]
    by_agent = page.post("/v1/query", json=OFFERED | {"dimensions": ["agent"]}).json()
    assert [row["dimensions"]["agent"]["key"] for row in by_agent["data"]] == ["a1"]
    assert by_agent["meta"]["query"]["filters"]["and"][0]["values"] == ["a1"]
    top = {"top": {"n": 1, "by": "calls_offered", "other": True}, "dimensions": ["agent"]}
    other = page.post("/v1/query", json=OFFERED | top).json()["other"]
    assert other["calls_offered"]["value"] == 0


def test_whatever_a_token_may_call_is_filtered(calls: Tenant, page: httpx.Client) -> None:
    calls.http.put("/v1/queries/q", json=OFFERED)
    tag = calls.http.get("/v1/queries/q/result").headers["etag"]
    saved = page.get("/v1/queries/q/result", headers={"if-none-match": tag})
    assert counted(saved) == [3]
    batch = page.post("/v1/query/batch", json={"queries": {"a": OFFERED}}).json()
    row = batch["results"]["a"]["answer"]["data"][0]
    assert row["metrics"]["calls_offered"]["value"] == 3
    params = {"set": "call_center", "from": "2026-01-01", "to": "2026-02-01"}
    kpis = page.get("/v1/kpis", params=params).json()["data"]
    assert [each["value"] for each in kpis if each["id"] == "calls_offered"] == [3]


def test_a_token_is_not_told_whom_there_is(page: httpx.Client) -> None:
    """A key is warned of a value that nobody bears; that would tell who is there."""
    for name in ("a2", "nobody"):
        filters = {"dimension": "agent", "op": "in", "values": [name]}
        answer = page.post("/v1/query", json=OFFERED | {"filters": filters}).json()
        assert answer["meta"]["warnings"] == []
        assert answer["data"][0]["metrics"]["calls_offered"]["value"] == 0


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/calls"),
        ("POST", "/v1/calls"),
        ("GET", "/v1/dimensions/agent/values"),
        ("GET", "/v1/queries"),
        ("PUT", "/v1/queries/q"),
        ("POST", "/v1/exports"),
        ("GET", "/v1/exports"),
        ("POST", "/v1/portal-tokens"),
        ("GET", "/v1/browser-origins"),
        ("GET", "/v1/kb/terms"),
        *(("GET", path) for path in UNFILTERED),
    ],
)
def test_a_token_may_do_nothing_else(page: httpx.Client, method: str, path: str) -> None:
    answer = page.request(method, path)
    assert (answer.status_code, answer.json()["code"]) == (403, "insufficient_scope")


def test_a_token_without_filters_may_see_who_the_agents_are(
    product: Product, calls: Tenant
) -> None:
    token = calls.http.post("/v1/portal-tokens", json={}).json()["token"]
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=product.base_url, headers=headers, timeout=30) as client:
        for path in UNFILTERED:
            assert client.get(path).status_code == 200
        assert client.get("/v1/calls").status_code == 403


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"expires_in_seconds": 3601}, "/expires_in_seconds"),
        ({"filters": {"dimension": "moon", "op": "is_null"}}, "/filters/dimension"),
        (
            {"filters": {"not": {"dimension": "rating", "op": "in", "values": ["5"]}}},
            "/filters/not/dimension",
        ),
        ({"filters": {}}, "/filters"),
    ],
)
def test_a_token_that_could_not_ask_is_not_made(
    tenant: Tenant, body: dict[str, Any], pointer: str
) -> None:
    refused = tenant.http.post("/v1/portal-tokens", json=body)
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"] == pointer


def test_a_token_does_not_do_more_than_its_key(product: Product, tenant: Tenant) -> None:
    key = new_key(product, tenant.tenant_id, Scope.TOKENS_WRITE)
    answer = httpx.post(
        f"{product.base_url}/v1/portal-tokens",
        json={},
        headers={"Authorization": f"Bearer {key}"},
    )
    assert (answer.status_code, answer.json()["code"]) == (403, "insufficient_scope")


async def test_a_token_ends_with_its_time_and_with_its_key(
    api_pool: asyncpg.Pool, tenant_id: UUID
) -> None:
    hour = timedelta(hours=1)

    async def made(key_ends: datetime | None = None) -> tuple[Token, str]:
        async with api_pool.acquire() as connection:
            scopes = [Scope.REPORTS_READ, Scope.TOKENS_WRITE]
            key = await create_key(connection, tenant_id, "k", scopes, key_ends)
        principal = Principal(tenant_id, key.key_id, frozenset(scopes), "UTC")
        how: dict[str, Any] = {"now": NOW, "expires_at": NOW + hour}
        return await create_portal_token(api_pool, principal, None, **how), key.key_id

    async def known(token: Token, at: datetime) -> Principal | None:
        async with api_pool.acquire() as connection:
            return await recognize_portal_token(connection, token.text, at)

    token, key_id = await made()
    found = await known(token, NOW)
    assert found is not None
    assert (found.tenant_id, found.is_portal) == (tenant_id, True)
    assert list(found.scopes) == ["reports:read"]
    assert await known(token, NOW + hour) is None
    wrong = Token(token.key_id, token.secret[::-1], PORTAL_PREFIX)
    assert await known(wrong, NOW) is None
    async with api_pool.acquire() as connection:
        assert await recognize(connection, token.text, NOW) is None
        await revoke_key(connection, tenant_id, key_id)
    assert await known(token, NOW) is None
    short, _ = await made(NOW + hour / 2)
    assert await known(short, NOW) is not None
    assert await known(short, NOW + hour / 2) is None
    later = Principal(tenant_id, key_id, frozenset(), "UTC")
    await create_portal_token(api_pool, later, None, now=NOW + 2 * hour, expires_at=NOW + 3 * hour)
    assert await known(short, NOW) is None


def from_page(product: Product, key: str | None, origin: str, path: str) -> httpx.Response:
    headers = {"Origin": origin} | ({} if key is None else {"Authorization": f"Bearer {key}"})
    return httpx.get(f"{product.base_url}{path}", headers=headers, timeout=30)


def allowed(answer: httpx.Response) -> str | None:
    found: str | None = answer.headers.get("access-control-allow-origin")
    return found


def test_pages_read_answers_where_the_tenant_says_so(
    product: Product, make_tenant: Callable[..., Tenant]
) -> None:
    listed, default = make_tenant(), make_tenant()
    body = {"origins": [PAGE, "http://localhost:5173"]}
    assert listed.http.put("/v1/browser-origins", json=body).status_code == 200
    assert listed.http.get("/v1/browser-origins").json()["origins"] == sorted(body["origins"])
    assert default.http.get("/v1/browser-origins").json() == {"origins": []}
    good = from_page(product, listed.key, PAGE, "/v1/limits")
    assert (good.status_code, allowed(good)) == (200, PAGE)
    assert "Origin" in good.headers["vary"]
    assert "ETag" in good.headers["access-control-expose-headers"]
    for key, origin in ((listed.key, OTHER_PAGE), (default.key, PAGE), (listed.key, "null")):
        answer = from_page(product, key, origin, "/v1/limits")
        assert (answer.status_code, allowed(answer)) == (200, None)
    assert allowed(listed.http.get("/v1/limits")) is None
    wrong = from_page(product, "csp_live_old", OTHER_PAGE, "/v1/limits")
    assert (wrong.status_code, allowed(wrong)) == (401, "*")
    missing = from_page(product, listed.key, PAGE, "/v1/queries/none")
    assert (missing.status_code, allowed(missing)) == (404, PAGE)


def test_a_preflight_is_the_same_for_everybody(product: Product, tenant: Tenant) -> None:
    tenant.http.put("/v1/browser-origins", json={"origins": [PAGE]})
    seen = []
    for origin in (PAGE, OTHER_PAGE):
        for path in ("/v1/query", "/v1/queries/x/result", "/v1/nothing"):
            answer = httpx.options(
                f"{product.base_url}{path}",
                headers={
                    "Origin": origin,
                    "Access-Control-Request-Method": "POST",
                    "Access-Control-Request-Headers": "authorization",
                },
            )
            assert answer.status_code == 204
            names = {"x-request-id", "date"}
            seen.append({k: v for k, v in answer.headers.items() if k not in names})
    assert all(each == seen[0] for each in seen)
    assert seen[0]["access-control-allow-origin"] == "*"
    assert "Authorization" in seen[0]["access-control-allow-headers"]
    assert "access-control-allow-credentials" not in seen[0]


@pytest.mark.parametrize(
    "origin",
    ["*", "null", "https://*.example.com", "https://a.example.com/", "ftp://a", "https://A.com",
     "https://a.com\n", "https://a.com, https://b.com"],
)  # fmt: skip
def test_an_origin_is_one_origin(tenant: Tenant, origin: str) -> None:
    refused = tenant.http.put("/v1/browser-origins", json={"origins": [PAGE, origin]})
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"] == "/origins/1"


def test_a_token_is_revoked_by_its_id(
    product: Product, calls: Tenant, make_tenant: Callable[..., Tenant]
) -> None:
    """By the key that made it, or one with admin:write; for anybody else there is none."""

    def keyed(*scopes: str) -> httpx.Client:
        headers = {"Authorization": f"Bearer {new_key(product, calls.tenant_id, *scopes)}"}
        return httpx.Client(base_url=product.base_url, headers=headers, timeout=30)

    maker, stranger = (keyed("tokens:write", "reports:read") for _ in range(2))
    with maker, stranger:
        one, two = (maker.post("/v1/portal-tokens", json={}).json() for _ in range(2))
        assert one["token"].startswith(f"{PORTAL_PREFIX}{one['id']}_")
        url = f"/v1/portal-tokens/{one['id']}"
        for other in (stranger, make_tenant().http):
            assert other.delete(url).status_code == 404
        assert maker.delete(url).status_code == 204
        assert maker.delete(url).status_code == 404
        assert calls.http.delete(f"/v1/portal-tokens/{two['id']}").status_code == 204
        assert maker.delete("/v1/portal-tokens/x").status_code == 404
    for made in (one, two):
        answer = httpx.post(
            f"{product.base_url}/v1/query",
            json=OFFERED,
            headers={"Authorization": f"Bearer {made['token']}"},
            timeout=30,
        )
        assert answer.status_code == 401


def test_a_token_that_was_seen_ends_within_seconds(calls: Tenant, page: httpx.Client) -> None:
    token_id = page.headers["authorization"].split("_")[2]
    assert counted(page.post("/v1/query", json=OFFERED)) == [3]
    assert calls.http.delete(f"/v1/portal-tokens/{token_id}").status_code == 204
    deadline = time.monotonic() + 10
    while page.post("/v1/query", json=OFFERED).status_code != 401:
        assert time.monotonic() < deadline
        time.sleep(0.5)

"""Every operation asks for its scope; only the known few ask for no key."""

from collections.abc import Iterator

import httpx
import pytest
from tests.conftest import Product
from tests.isolation.golden_access import (
    BY_SCOPE,
    OF_OWNERS,
    OF_WHOEVER_ASKS,
    OWN,
    PORTAL,
    PUBLIC,
    UNFILTERED,
)
from tests.isolation.keys import ALL_SCOPES, new_key, new_tenant_client
from tests.isolation.replay import CANARY, GUARDED, OF_AGENTS, OF_PEOPLE, exchanged, filled

from csapi.app import ALL_OPERATIONS, create_app
from csapi.kit.operations import Operation
from csapi.kit.settings import Settings

PAGES = {"/docs", "/docs/scalar.js", "/openapi.json"}
NOBODY = "00000000-0000-0000-0000-000000000000"


def named(operation: Operation) -> str:
    return operation.operation_id


@pytest.fixture(scope="module")
def keys(product: Product) -> dict[str, str]:
    """For each scope a key with it alone, and one, under "-scope", with all the others."""
    tenant = new_tenant_client(product)
    tenant.http.close()
    made = {scope: new_key(product, tenant.tenant_id, scope) for scope in ALL_SCOPES}
    for scope in ALL_SCOPES:
        others = [each for each in ALL_SCOPES if each != scope]
        made[f"-{scope}"] = new_key(product, tenant.tenant_id, *others)
    return made


@pytest.fixture(scope="module")
def anyone(product: Product) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=product.base_url, timeout=30) as client:
        yield client


def call(anyone: httpx.Client, operation: Operation, key: str | None) -> httpx.Response:
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    return exchanged(anyone, operation, filled(operation, NOBODY), headers=headers)


def test_only_the_known_operations_are_public() -> None:
    assert {each.operation_id for each in ALL_OPERATIONS if each.scope is None} == PUBLIC
    assert {each.scope for each in GUARDED} <= set(ALL_SCOPES)


def test_every_operation_is_on_a_list_by_its_scope() -> None:
    """Nobody may call what is not: whoever adds an operation says here who may."""
    declared: dict[str, set[str]] = {}
    for each in GUARDED:
        declared.setdefault(str(each.scope), set()).add(each.operation_id)
    assert declared == BY_SCOPE
    listed = [PUBLIC, OF_WHOEVER_ASKS, OF_OWNERS, OWN, *BY_SCOPE.values()]
    assert sum(map(len, listed)) == len(set().union(*listed)) == len(ALL_OPERATIONS)


def test_only_the_known_operations_take_portal_tokens() -> None:
    assert {each.operation_id for each in ALL_OPERATIONS if each.portal} == PORTAL
    assert {each.operation_id for each in ALL_OPERATIONS if each.unfiltered} == UNFILTERED
    scopes = {each.scope for each in ALL_OPERATIONS if each.portal or each.unfiltered}
    assert scopes == {"reports:read"}


def test_only_the_known_operations_are_an_agents_own(
    anyone: httpx.Client, keys: dict[str, str]
) -> None:
    assert {each.operation_id for each in OF_AGENTS} == OWN
    for operation in OF_AGENTS:
        assert operation.path.startswith("/v1/me/")
        refused = call(anyone, operation, keys[str(operation.scope)])
        assert (refused.status_code, refused.json()["code"]) == (403, "not_an_agent")
        assert call(anyone, operation, None).status_code == 401


def test_only_the_known_operations_are_of_people(
    anyone: httpx.Client, keys: dict[str, str]
) -> None:
    assert {each.operation_id for each in OF_PEOPLE} == OF_WHOEVER_ASKS | OF_OWNERS
    for operation in OF_PEOPLE:
        refused = call(anyone, operation, keys[str(operation.scope)])
        assert (refused.status_code, refused.json()["code"]) == (403, "not_a_person")
        assert call(anyone, operation, None).status_code == 401


def test_every_route_is_an_operation_or_a_page() -> None:
    app = create_app(Settings(database_url=None))
    routes = {route.path_format for route in app.routes}
    assert routes == {each.path for each in ALL_OPERATIONS} | PAGES


@pytest.mark.parametrize("operation", GUARDED, ids=named)
def test_an_operation_answers_only_to_a_key_with_its_scope(
    anyone: httpx.Client, keys: dict[str, str], operation: Operation
) -> None:
    scope = str(operation.scope)
    without = call(anyone, operation, keys[f"-{scope}"])
    assert (without.status_code, without.json()["code"]) == (403, "insufficient_scope")
    assert scope in without.json()["detail"]
    assert call(anyone, operation, keys[scope]).status_code not in (401, 403)
    for nothing in (None, "csk_live_wrong"):
        unknown = call(anyone, operation, nothing)
        assert (unknown.status_code, unknown.json()["code"]) == (401, "unauthorized")
        assert unknown.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("method", ["HEAD", "POST", "PUT", "PATCH", "DELETE"])
def test_another_method_opens_no_back_door(anyone: httpx.Client, method: str) -> None:
    guarded = (*GUARDED, *OF_AGENTS, *OF_PEOPLE)
    paths = {filled(each, CANARY): set[str]() for each in guarded}
    for each in guarded:
        paths[filled(each, CANARY)].add(each.method)
    for path, methods in paths.items():
        answer = anyone.request(method, path)
        known = method in methods or (method == "HEAD" and "GET" in methods)
        # A path of one operation may also be read as another one's: /v1/calls/batch.
        assert answer.status_code in ((401,) if known else (401, 404, 405)), path

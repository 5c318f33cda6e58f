"""Who may call what: every kind of caller with every operation, as tests/isolation/golden_access.py
says."""

from collections.abc import Iterator
from uuid import UUID

import httpx
import pytest
from tests.access.people.staff import PASSWORD, Desk, bearer, new_email
from tests.conftest import Product, Tenant, tenants_of
from tests.isolation.golden_access import CALLERS, PEOPLE, callers_of
from tests.isolation.keys import new_key
from tests.isolation.replay import GUARDED, OF_AGENTS, OF_PEOPLE, exchanged, filled

from csapi.access.people.roles import SCOPES_OF, Role
from csapi.access.principals import Scope

NOBODY = "00000000-0000-0000-0000-000000000000"
# It would end the session that asks.
ALL = [each for each in (*GUARDED, *OF_AGENTS, *OF_PEOPLE) if each.operation_id != "endMySessions"]


@pytest.fixture(scope="module")
def tenant(product: Product) -> Iterator[Tenant]:
    with tenants_of(product) as make:
        yield make()


@pytest.fixture(scope="module")
def agent_id(tenant: Tenant) -> UUID:
    item = {"source": "s", "external_id": "a1", "name": "Ana"}
    return UUID(tenant.http.post("/v1/agents", json=item).json()["id"])


def invited(desk: Desk, tenant: Tenant, role: Role, agent_id: UUID) -> str:
    """The access token of somebody who has accepted."""
    body = {"email": new_email(), "role": role}
    if role is Role.AGENT:
        body["agent_id"] = str(agent_id)
    made = tenant.http.post("/v1/invitations", json=body)
    assert made.status_code == 201, made.text
    accepted = desk.http.post(
        "/v1/auth/invitations/accept", json={"token": made.json()["token"], "password": PASSWORD}
    )
    assert (accepted.status_code, accepted.json()["role"]) == (201, role)
    token: str = accepted.json()["access_token"]
    return token


def test_roles_hold_their_scopes() -> None:
    assert Scope.TOKENS_WRITE not in SCOPES_OF[Role.OWNER]
    assert SCOPES_OF[Role.OWNER] == SCOPES_OF[Role.ADMIN] == set(Scope) - {Scope.TOKENS_WRITE}
    assert SCOPES_OF[Role.ANALYST] == {"reports:read", "records:read", "names:read"}
    assert SCOPES_OF[Role.AGENT] == {"reports:read"}


def credentials(desk: Desk, tenant: Tenant, agent_id: UUID, caller: str) -> str:
    kind, _, scope = caller.partition(" ")
    if kind == "key":
        return new_key(desk.product, tenant.tenant_id, scope)
    if caller in PEOPLE:
        return invited(desk, tenant, Role(caller), agent_id)
    filters = {"dimension": "team", "op": "in", "values": ["t1"]}
    more: dict[str, dict[str, object]] = {
        "portal token": {},
        "filtered portal token": {"filters": filters},
        "agent token": {"agent": {"id": str(agent_id)}},
    }
    made = tenant.http.post("/v1/portal-tokens", json=more[caller])
    assert made.status_code == 201, made.text
    token: str = made.json()["token"]
    return token


# Those that differ most in what they may are tried always; all of them by `make harden`.
ALWAYS = ("owner", "admin", "analyst", "agent", "filtered portal token")


@pytest.mark.parametrize(
    "caller",
    [each if each in ALWAYS else pytest.param(each, marks=pytest.mark.harden) for each in CALLERS],
)
def test_everybody_may_call_what_is_listed_and_nothing_else(
    desk: Desk, tenant: Tenant, agent_id: UUID, caller: str
) -> None:
    token = credentials(desk, tenant, agent_id, caller)
    wrong = []
    for operation in ALL:
        answer: httpx.Response = exchanged(
            desk.http, operation, filled(operation, NOBODY), headers=bearer(token)
        )
        may = caller in callers_of(operation.operation_id)
        is_let_in = answer.status_code not in (401, 403)
        if is_let_in is not may or answer.status_code >= 500:
            wrong.append((operation.operation_id, answer.status_code))
    assert wrong == []


def test_an_agent_sees_their_own_evaluation(desk: Desk, tenant: Tenant, agent_id: UUID) -> None:
    token = invited(desk, tenant, Role.AGENT, agent_id)
    params = {"from": "2026-03-01", "to": "2026-04-01"}
    own = desk.http.get("/v1/me/evaluation", params=params, headers=bearer(token))
    assert own.status_code == 200
    assert own.json()["agent"]["id"] == str(agent_id)


def test_a_signed_in_person_opens_a_stream_with_a_ticket(
    desk: Desk, tenant: Tenant, agent_id: UUID
) -> None:
    token = invited(desk, tenant, Role.ANALYST, agent_id)
    made = desk.http.post("/v1/live/tickets", headers=bearer(token))
    assert made.status_code == 201, made.text
    params = {"ticket": made.json()["ticket"]}
    with desk.http.stream("GET", "/v1/live/stream", params=params) as answer:
        assert answer.status_code == 200

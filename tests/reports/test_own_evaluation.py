"""An agent's own view: themselves and medians of others, and nothing else by any way."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import msgspec
import pytest
from tests.conftest import Product, Tenant
from tests.isolation.keys import new_key, new_tenant_client
from tests.reports.compared import push
from tests.reports.evaluating import MARCH, id_of, metric, one, push_agents
from tests.reports.test_first_screens import question

from csapi.access.principals import Scope
from csapi.app import ALL_OPERATIONS
from csapi.metrics.catalog import METRICS
from csapi.reports.evaluations.examples import OWN_EXAMPLE
from csapi.reports.evaluations.medians import value_alone
from csapi.reports.evaluations.schemas import AgentEvaluation
from csapi.reports.fillings import Group
from csapi.reports.shape import metric_value

OTHERS = ("lee", "ann", "bob", "eve", "ida")
WRITTEN = {"from": "2026-03-01", "to": "2026-04-01", "text": "I was fast.", "scores": {"tone": 0.5}}


@pytest.fixture(scope="module")
def agents(product: Product) -> Iterator[Tenant]:
    tenant = push_agents(new_tenant_client(product))
    yield tenant
    tenant.http.close()


def token_of(tenant: Tenant, name: str) -> Any:
    made = tenant.http.post(
        "/v1/portal-tokens", json={"agent": {"source": "s", "external_id": name}}
    )
    assert made.status_code == 201, made.text
    return made.json()


@contextmanager
def signed_in(product: Product, tenant: Tenant, name: str) -> Iterator[httpx.Client]:
    """The browser of an agent."""
    headers = {"Authorization": f"Bearer {token_of(tenant, name)['token']}"}
    with httpx.Client(base_url=product.base_url, headers=headers, timeout=30) as client:
        yield client


@pytest.fixture
def kim(product: Product, agents: Tenant) -> Iterator[httpx.Client]:
    with signed_in(product, agents, "kim") as client:
        yield client


def own(client: httpx.Client, status: int = 200, **params: Any) -> Any:
    answer = client.get("/v1/me/evaluation", params={**MARCH, **params})
    assert answer.status_code == status, answer.text
    return answer.json()


def test_an_agent_sees_the_same_numbers_as_the_manager(agents: Tenant, kim: httpx.Client) -> None:
    mine, theirs = own(kim), one(agents, "kim")
    assert mine["agent"]["external_id"] == "kim"
    assert mine["ratings"] == theirs["ratings"]
    for ours, whole in zip(mine["metrics"], theirs["metrics"], strict=True):
        assert {**ours["value"], "rank_value": None} == {**whole["value"], "rank_value": None}
        assert ours["past"] == whole["past"]


def test_of_others_there_are_medians_alone(agents: Tenant, kim: httpx.Client) -> None:
    mine, csat = own(kim), metric(one(agents, "kim"), "csat_score")
    found = metric(mine, "csat_score")
    # lee 0.5, eve 0.9, ann 0.925, bob 1; of the team only lee and ann have ratings.
    assert found["peers_median"] == csat["peers_median"]
    assert found["peers_median"] == {"value": pytest.approx(0.9125), "agents": 4}
    assert csat["team_median"] == {"value": pytest.approx(0.7125), "agents": 2}
    for each in mine["metrics"]:
        assert each["team"] is each["peers"] is each["value"]["rank_value"] is None
        assert each["team_median"] is None
        if each["unit"] == "money":
            assert each["peers_median"] is None
    assert mine["comments"] is None


def test_no_colleague_is_named(agents: Tenant, kim: httpx.Client) -> None:
    text = kim.get("/v1/me/evaluation", params=MARCH).text
    text += kim.get("/v1/me/evaluation", params=MARCH, headers={"Accept": "text/csv"}).text
    for name in OTHERS:
        assert re.search(rf"\b{name}\b", text, re.IGNORECASE) is None, name
        assert id_of(agents, name) not in text


def test_findings_tell_no_number_of_others(product: Product, agents: Tenant) -> None:
    with signed_in(product, agents, "lee") as lee:
        found = own(lee)["findings"]
    training = next(each for each in found if each["kind"] == "needs_training")
    assert training["reason"] == "CSAT: significantly worse than peers on the same channels"
    assert (training["value"], training["other_value"], training["p_adjusted"]) == (0.5, None, None)
    assert all(each["against"] == "own_past" or each["other_n"] is None for each in found)


def test_of_few_others_nothing_is_told(product: Product, tenant: Tenant) -> None:
    """With one colleague alone, any number of others would be that colleague's."""
    push_agents(tenant)
    push(tenant, "tickets", [{
        "source": "s", "external_id": f"x-{name}", "created_at": "2026-03-06T09:00:00Z",
        "channel": "fax", "assignee": name,
        "milestones": {"first_reply_at": "2026-03-06T10:00:00Z", "first_reply_by": name,
                       "messages_out": 1},
    } for name in ("kim", "lee")])  # fmt: skip
    with signed_in(product, tenant, "kim") as kim:
        found = own(kim, channel=["fax"])
    assert found["sides"]["peers"]["agents"] == 1
    assert all(each["peers_median"] is None for each in found["metrics"])
    assert metric(found, "messages_out")["value"]["value"] == 1
    assert found["findings"] == []


@pytest.mark.parametrize(
    "operation",
    [each for each in ALL_OPERATIONS if each.scope is not None and not each.agent],
    ids=lambda each: each.operation_id,
)
def test_an_agents_token_opens_nothing_else(
    kim_id: str, lee_token: str, client: httpx.Client, operation: Any
) -> None:
    path = re.sub(r"\{[a-z_]+\}", kim_id, operation.path)
    headers = {"Authorization": f"Bearer {lee_token}"}
    answer = client.request(operation.method, path, headers=headers)
    code = "not_a_person" if operation.person else "insufficient_scope"
    assert (answer.status_code, answer.json()["code"]) == (403, code)


@pytest.fixture(scope="module")
def kim_id(agents: Tenant) -> str:
    return id_of(agents, "kim")


@pytest.fixture(scope="module")
def lee_token(agents: Tenant) -> str:
    token: str = token_of(agents, "lee")["token"]
    return token


@pytest.fixture(scope="module")
def client(product: Product) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=product.base_url, timeout=30) as found:
        yield found


def test_a_key_is_no_agent(agents: Tenant) -> None:
    for method, path in (
        ("GET", "/v1/me/evaluation"),
        ("GET", "/v1/me/self-evaluations"),
        ("POST", "/v1/me/self-evaluations"),
    ):
        answer = agents.http.request(method, path)
        assert (answer.status_code, answer.json()["code"]) == (403, "not_an_agent")
        assert "bound to an agent" in answer.json()["detail"]
    portal = agents.http.post("/v1/portal-tokens", json={}).json()["token"]
    headers = {"Authorization": f"Bearer {portal}"}
    answer = agents.http.get("/v1/me/evaluation", headers=headers)
    assert answer.json()["code"] == "not_an_agent"


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"agent": {"source": "s", "external_id": "nobody"}}, "/agent"),
        ({"agent": {"source": "s", "external_id": "robo"}}, "/agent"),
        ({"agent": {"source": "s"}}, "/agent"),
        ({"agent": {}}, "/agent"),
        ({"agent": {"source": "s", "external_id": "kim"},
          "filters": {"dimension": "team", "op": "is_null"}}, "/filters"),
    ],
)  # fmt: skip
def test_a_token_of_nobody_is_not_made(agents: Tenant, body: Any, pointer: str) -> None:
    refused = agents.http.post("/v1/portal-tokens", json=body)
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"] == pointer


def test_a_token_reads_no_more_than_its_key(product: Product, agents: Tenant) -> None:
    """What agents wrote takes records:read; by a token it could be had without."""
    key = new_key(product, agents.tenant_id, Scope.REPORTS_READ, Scope.TOKENS_WRITE)
    headers = {"Authorization": f"Bearer {key}"}
    body = {"agent": {"source": "s", "external_id": "kim"}}
    refused = agents.http.post("/v1/portal-tokens", json=body, headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (403, "insufficient_scope")


def test_medians_are_of_the_values_that_are_told() -> None:
    """What is quick to work out is what metric_value says, of every metric of the catalog."""
    for name in METRICS:
        asked = question((name,))
        for parts in ([0] * len(asked.parts), [3] * len(asked.parts), [*range(len(asked.parts))]):
            group = Group((), parts, {})
            told = metric_value(asked.metrics[0], asked.places[0], group).value
            assert value_alone(asked.metrics[0], asked.places[0], group) == told, name


def test_another_tenants_agent_is_nobody(agents: Tenant, tenant: Tenant) -> None:
    body = {"agent": {"id": id_of(agents, "kim")}}
    assert tenant.http.post("/v1/portal-tokens", json=body).status_code == 422
    made = agents.http.post("/v1/portal-tokens", json=body).json()
    assert made["agent_id"] == id_of(agents, "kim")


def test_words_and_a_reply(product: Product, agents: Tenant) -> None:
    ann = id_of(agents, "ann")
    with signed_in(product, agents, "ann") as client, signed_in(product, agents, "bob") as bob:
        made = client.post("/v1/me/self-evaluations", json=WRITTEN)
        assert made.status_code == 201, made.text
        written = made.json()
        assert (written["agent_id"], written["scores"], written["reply"]) == (
            ann, {"tone": 0.5}, None
        )  # fmt: skip
        reply = agents.http.put(
            f"/v1/self-evaluations/{written['id']}/reply", json={"text": "I agree."}
        )
        assert reply.status_code == 200, reply.text
        (listed,) = client.get("/v1/me/self-evaluations").json()["data"]
        assert listed["reply"]["text"] == "I agree."
        assert own(client)["self_evaluations"] == [listed]
        # Only what is about some day of the range.
        before: dict[str, Any] = {"from": "2026-02-01", "to": "2026-03-01"}
        assert own(client, **before)["self_evaluations"] == []
        assert bob.get("/v1/me/self-evaluations").json()["data"] == []
        assert own(bob)["self_evaluations"] == []
    of_ann = agents.http.get(f"/v1/agents/{ann}/self-evaluations").json()
    assert of_ann["data"] == one(agents, "ann")["self_evaluations"] == [listed]


def test_words_are_personal(product: Product, agents: Tenant) -> None:
    key = new_key(product, agents.tenant_id, Scope.REPORTS_READ)
    headers = {"Authorization": f"Bearer {key}"}
    kim = id_of(agents, "kim")
    found = agents.http.get(f"/v1/agents/{kim}/evaluation", params=MARCH, headers=headers).json()
    assert found["self_evaluations"] is found["comments"] is None
    path = f"/v1/agents/{kim}/self-evaluations"
    assert agents.http.get(path, headers=headers).status_code == 403


def test_words_have_pages_and_can_be_deleted(product: Product, agents: Tenant) -> None:
    eve = id_of(agents, "eve")
    with signed_in(product, agents, "eve") as client:
        ids = [client.post("/v1/me/self-evaluations", json=WRITTEN).json()["id"] for _ in range(3)]
        page = client.get("/v1/me/self-evaluations", params={"limit": 2}).json()
        cursor = page["page"]["next_cursor"]
        rest = client.get("/v1/me/self-evaluations", params={"limit": 2, "cursor": cursor}).json()
        assert [each["id"] for each in page["data"] + rest["data"]] == ids[::-1]
        assert client.delete(f"/v1/self-evaluations/{ids[0]}").status_code == 403
    for id_, status in ((ids[0], 204), (ids[0], 404), (eve, 404)):
        assert agents.http.delete(f"/v1/self-evaluations/{id_}").status_code == status
    left = agents.http.get(f"/v1/agents/{eve}/self-evaluations").json()["data"]
    assert [each["id"] for each in left] == ids[:0:-1]


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"to": "2026-03-01"}, "/to"),
        ({"from": "soon"}, "/from"),
        ({"text": ""}, "/text"),
        ({"text": "x" * 10_001}, "/text"),
        ({"text": "a\u0000b"}, "/text"),
        ({"scores": {"tone": 1.5}}, "/scores"),
        ({"agent": "lee"}, "/agent"),
    ],
)
def test_what_cannot_be_written_is_named(
    kim: httpx.Client, change: dict[str, Any], pointer: str
) -> None:
    refused = kim.post("/v1/me/self-evaluations", json={**WRITTEN, **change})
    assert refused.status_code in (400, 422), refused.text
    assert refused.json()["errors"][0]["pointer"] == pointer


def test_a_deleted_agent_is_nobody(product: Product, make_tenant: Callable[..., Tenant]) -> None:
    tenant = make_tenant()
    gone = {"source": "s", "external_id": "kim"}
    push(tenant, "agents", [gone])
    with signed_in(product, tenant, "kim") as kim:
        kim.post("/v1/me/self-evaluations", json=WRITTEN).raise_for_status()
        id_ = id_of(tenant, "kim")
        tenant.http.post("/v1/agents", json={**gone, "deleted": True}).raise_for_status()
        assert own(kim, 404)["code"] == "not_found"
        assert kim.post("/v1/me/self-evaluations", json=WRITTEN).status_code == 409
    # The words are found, so that they can be deleted.
    assert len(tenant.http.get(f"/v1/agents/{id_}/self-evaluations").json()["data"]) == 1


def test_living_tokens_are_listed(product: Product, make_tenant: Callable[..., Tenant]) -> None:
    tenant = make_tenant()
    push(tenant, "agents", [{"source": "s", "external_id": "kim"}])
    key = new_key(product, tenant.tenant_id, Scope.REPORTS_READ, Scope.TOKENS_WRITE)
    headers = {"Authorization": f"Bearer {key}"}
    filters = {"dimension": "team", "op": "in", "values": ["t1"]}
    first = tenant.http.post("/v1/portal-tokens", json={"filters": filters}).json()
    second = token_of(tenant, "kim")
    third = tenant.http.post("/v1/portal-tokens", json={}, headers=headers).json()
    page = tenant.http.get("/v1/portal-tokens").json()
    found = {each["id"]: each for each in page["data"]}
    assert set(found) == {each["id"] for each in (first, second, third)}
    assert found[first["id"]]["filters"]["values"] == ["t1"]
    assert found[second["id"]]["agent_id"] == id_of(tenant, "kim")
    assert {each["scopes"][0] for each in found.values()} == {"reports:read"}
    assert found[third["id"]]["issued_by"] == key.split("_")[2]
    assert not any(each["token"].split("_")[3] in str(page) for each in (first, second, third))
    of_key = tenant.http.get("/v1/portal-tokens", headers=headers).json()["data"]
    assert [each["id"] for each in of_key] == [third["id"]]
    tenant.http.delete(f"/v1/portal-tokens/{first['id']}").raise_for_status()
    pages = []
    cursor: dict[str, str] = {}
    for _ in range(2):
        answer = tenant.http.get("/v1/portal-tokens", params={"limit": 1, **cursor}).json()
        pages += [each["id"] for each in answer["data"]]
        cursor = {"cursor": answer["page"]["next_cursor"]}
    assert sorted(pages) == sorted([second["id"], third["id"]])
    assert cursor == {"cursor": None}


def test_the_example_is_what_the_struct_says() -> None:
    assert msgspec.convert(OWN_EXAMPLE, AgentEvaluation).metrics[0].peers is None

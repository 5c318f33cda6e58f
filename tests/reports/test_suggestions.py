"""What agents say stands in the way or might help, and what becomes of it."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from tests.conftest import Product, Tenant
from tests.reports.compared import push
from tests.reports.test_own_evaluation import signed_in

from csapi.reports.plans.endpoints import PLAN

SAID = {"kind": "challenge", "text": "Refunds need two signatures."}


@pytest.fixture
def shop(tenant: Tenant) -> Tenant:
    push(tenant, "agents", [{"source": "s", "external_id": name} for name in ("kim", "lee")])
    return tenant


@pytest.fixture
def kim(product: Product, shop: Tenant) -> Iterator[httpx.Client]:
    with signed_in(product, shop, "kim") as client:
        yield client


@pytest.fixture
def lee(product: Product, shop: Tenant) -> Iterator[httpx.Client]:
    with signed_in(product, shop, "lee") as client:
        yield client


def say(client: httpx.Client, **more: Any) -> Any:
    answer = client.post("/v1/me/suggestions", json={**SAID, **more})
    assert answer.status_code == 201, answer.text
    return answer.json()


def listed(client: httpx.Client, path: str = "/v1/suggestions", **params: Any) -> Any:
    answer = client.get(path, params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


def test_agents_see_their_own_and_managers_all(
    shop: Tenant, kim: httpx.Client, lee: httpx.Client
) -> None:
    mine, theirs = say(kim), say(lee, kind="suggestion")
    assert listed(kim, "/v1/me/suggestions") == [mine]
    assert listed(lee, "/v1/me/suggestions") == [theirs]
    assert listed(shop.http) == [theirs, mine]
    assert listed(shop.http, kind="challenge") == [mine]
    assert listed(shop.http, agent_id=theirs["agent_id"]) == [theirs]
    assert kim.get("/v1/suggestions").status_code == 403
    assert kim.get("/v1/action-plans").status_code == 403


def test_a_refusal_comes_with_words_and_can_be_taken_back(shop: Tenant, kim: httpx.Client) -> None:
    path = f"/v1/suggestions/{say(kim)['id']}"
    declined = shop.http.patch(path, json={"status": "declined", "reply": "The law."}).json()
    assert (declined["status"], declined["reply"]) == ("declined", "The law.")
    assert listed(kim, "/v1/me/suggestions") == [declined]
    assert listed(shop.http, status="open") == []
    assert shop.http.patch(path, json={"status": "open"}).json()["status"] == "open"
    refused = shop.http.patch(path, json={"status": "planned"})
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/status")


def test_a_plan_comes_of_a_suggestion(shop: Tenant, kim: httpx.Client) -> None:
    id_ = say(kim)["id"]
    made = shop.http.post(f"/v1/suggestions/{id_}/plan", json=PLAN)
    assert made.status_code == 201, made.text
    plan = made.json()
    assert plan["suggestion_id"] == id_
    (found,) = listed(kim, "/v1/me/suggestions")
    assert (found["status"], found["plan_id"]) == ("planned", plan["id"])
    assert listed(shop.http, status="planned") == [found]
    told = {"status": "open", "reply": "We try it in May."}
    answered = shop.http.patch(f"/v1/suggestions/{id_}", json=told).json()
    assert (answered["status"], answered["reply"]) == ("planned", "We try it in May.")
    assert shop.http.delete(f"/v1/action-plans/{plan['id']}").status_code == 204
    assert listed(kim, "/v1/me/suggestions")[0]["status"] == "open"


def test_what_is_deleted_leaves_its_plan(shop: Tenant, kim: httpx.Client) -> None:
    id_ = say(kim)["id"]
    plan = shop.http.post(f"/v1/suggestions/{id_}/plan", json=PLAN).json()["id"]
    assert shop.http.delete(f"/v1/suggestions/{id_}").status_code == 204
    assert listed(shop.http) == []
    assert shop.http.get(f"/v1/action-plans/{plan}").json()["plan"]["title"] == PLAN["title"]

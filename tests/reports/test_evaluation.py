"""GET /v1/agents/{id}/evaluation: one agent against past, team and peers, and what it means."""

import csv
import io
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from tests.conftest import Listen, Product, Tenant
from tests.isolation.keys import new_key, new_tenant_client
from tests.reports.compared import push, ratings
from tests.reports.evaluating import MARCH, agent, get, id_of, metric, one, push_agents, solved

from csapi.kit.clock import now
from csapi.reports.evaluations.one import METRICS, evaluation
from csapi.reports.service import Desk
from csapi.reports.work_params import WorkParams


@pytest.fixture(scope="module")
def agents(product: Product) -> Iterator[Tenant]:
    tenant = new_tenant_client(product)
    yield push_agents(tenant)
    tenant.http.close()


def found(evaluated: Any, kind: str) -> list[tuple[str, str]]:
    return [
        (each["metric"], each["against"]) for each in evaluated["findings"] if each["kind"] == kind
    ]


def test_an_agent_against_past_team_and_peers(agents: Tenant) -> None:
    lee = one(agents, "lee")
    csat = metric(lee, "csat_score")
    value = csat["value"]
    assert (value["value"], value["n"], value["numerator"]) == (0.5, 40, 20)
    assert value["ci95"] == pytest.approx([0.352, 0.648], abs=1e-3)
    # Kim and Ann; then Bob and Eve besides.
    sides = {name: (csat[name]["numerator"], csat[name]["n"]) for name in ("past", "team", "peers")}
    assert sides == {"past": (34, 40), "team": (75, 80), "peers": (113, 122)}
    assert csat["peers"]["delta"] == pytest.approx(20 / 40 - 113 / 122)
    assert csat["peers"]["verdict"] == csat["past"]["verdict"] == "worsened"
    assert lee["sides"]["team"]["agents"] == 2
    assert lee["sides"]["team"]["teams"][0]["key"] == "north"
    assert lee["sides"]["peers"]["agents"] == 4
    assert [each["key"] for each in lee["sides"]["peers"]["channels"]] == ["chat"]
    assert lee["sides"]["past"]["start"] == "2026-02-01T00:00:00Z"
    assert value["rank_value"] > 0.5


def test_worse_than_peers_is_the_agents_own(agents: Tenant) -> None:
    lee = one(agents, "lee")
    assert ("csat_score", "peers") in found(lee, "needs_training")
    assert ("csat_score", "own_past") in found(lee, "declined")
    assert found(lee, "systemic") == []
    reason = lee["findings"][0]["reason"]
    assert reason.startswith(
        "CSAT: 0.5 (n = 40), against that of peers on the same channels: 0.926"
    )
    assert one(agents, "ann")["findings"] == []


def test_every_metric_has_a_value_or_a_reason(agents: Tenant) -> None:
    for name in ("kim", "ida"):
        listed = one(agents, name)["metrics"]
        assert len(listed) == len(METRICS)
        for each in listed:
            value = each["value"]
            assert (value["value"] is None) == (value["null_reason"] is not None)
            assert value["ci95"] is not None or value["ci95_reason"] is not None


def test_counts_stand_beside_the_mean_of_an_agent(agents: Tenant) -> None:
    sent = metric(one(agents, "kim"), "messages_out")
    assert sent["value"]["value"] == 1
    assert (sent["peers"]["value"], sent["peers"]["numerator"]) == (1, 4)
    assert (sent["peers"]["delta"], sent["peers"]["p_value"]) == (0, None)
    slowest = metric(one(agents, "kim"), "slowest_response_time")["value"]
    assert slowest["record"] is None or slowest["record"]["external_id"] == "t-kim"


def test_few_ratings_have_no_verdict(agents: Tenant) -> None:
    csat = metric(one(agents, "bob"), "csat_score")
    assert csat["value"]["value"] == 1
    assert (csat["peers"]["verdict"], csat["peers"]["verdict_reason"]) == ("unclear", "too_few")
    assert csat["value"]["rank_value"] < 1
    assert csat["past"]["verdict_reason"] == "no_value"


def test_all_looks_are_corrected_for(agents: Tenant) -> None:
    """By Holm over the metrics, and for each agent that could be looked at."""
    kim = one(agents, "kim")
    assert kim["statistics"]["agents_tested"] == 5
    peers = [each["peers"] for each in kim["metrics"] if each["peers"]["p_value"] is not None]
    tested = sorted(each["p_value"] for each in peers)
    smallest = min(peers, key=lambda each: each["p_value"])
    assert smallest["p_adjusted"] == pytest.approx(min(1, 5 * len(tested) * tested[0]))


def test_a_team_that_gets_worse_is_systemic(tenant: Tenant) -> None:
    push(tenant, "agents", [agent(each, team="north") for each in ("kim", "lee", "ann")])
    for name in ("kim", "lee", "ann"):
        push(tenant, "tickets", list(solved(name)))
        push(tenant, "feedback", list(ratings(2, name, 38, 40)))
        push(tenant, "feedback", list(ratings(3, name, 26, 40)))
    kim = one(tenant, "kim")
    assert ("csat_score", "team_past") in found(kim, "systemic")
    assert found(kim, "needs_training") == found(kim, "declined") == []
    assert metric(kim, "csat_score")["past"]["verdict"] == "worsened"


def review(name: str, number: int, tone: float) -> dict[str, Any]:
    return {
        "source": "s", "external_id": f"{name}-{number}", "agent": name, "channel": "chat",
        "reviewed_at": f"2026-03-{1 + number:02}T10:00:00Z",
        "criteria": [
            {"criterion": "tone", "score": tone + number % 3 / 10},
            {"criterion": "facts", "score": 0.8 + number % 2 / 10},
        ],
    }  # fmt: skip


def test_a_criterion_says_what_to_train(tenant: Tenant) -> None:
    push(tenant, "agents", [agent(each) for each in ("kim", "lee")])
    for name, tone in (("kim", 0.2), ("lee", 0.7)):
        push(tenant, "tickets", list(solved(name)))
        push(tenant, "quality-reviews", [review(name, number, tone) for number in range(25)])
    found = [
        each
        for each in one(tenant, "kim")["findings"]
        if each["metric"] == "quality_criterion_score"
    ]
    assert [(each["kind"], each["criterion"]) for each in found] == [("needs_training", "tone")]
    assert one(tenant, "kim")["sides"]["team"] is None


def test_comments_need_the_scope_of_records(product: Product, agents: Tenant) -> None:
    said = {
        "source": "s", "survey": "csat", "rating": 2, "agent": "ann", "comment": "too slow",
        "ticket": "t-ann",
    }  # fmt: skip
    days = {"first": "2026-03-10T09:00:00Z", "second": "2026-03-11T09:00:00Z"}
    push(
        agents,
        "feedback",
        [{**said, "external_id": name, "responded_at": at} for name, at in days.items()],
    )
    comments = one(agents, "ann")["comments"]
    assert [each["external_id"] for each in comments] == ["second", "first"]
    assert (comments[0]["comment"], comments[0]["rating"]) == ("too slow", 2)
    assert one(agents, "ann", channel=["email"])["comments"] == []
    key = new_key(product, agents.tenant_id, "reports:read")
    path = f"/v1/agents/{id_of(agents, 'ann')}/evaluation"
    answer = agents.http.get(path, params=MARCH, headers={"Authorization": f"Bearer {key}"})
    assert answer.json()["comments"] is None
    assert "too slow" not in answer.text
    counts = {each["rating"]: each["count"] for each in one(agents, "ann")["ratings"]}
    assert counts == {"1": 3, "2": 2, "5": 37}


def test_bots_are_nobodys_peers(tenant: Tenant) -> None:
    push(tenant, "agents", [agent("kim"), agent("lee"), agent("robo", kind="bot")])
    for name in ("kim", "lee", "robo"):
        push(tenant, "tickets", list(solved(name)))
    assert one(tenant, "kim")["sides"]["peers"]["agents"] == 1


def test_a_line_for_each_metric(agents: Tenant) -> None:
    path = f"/v1/agents/{id_of(agents, 'lee')}/evaluation"
    answer = agents.http.get(path, params=MARCH, headers={"Accept": "text/csv"})
    lines = {line["metric"]: line for line in csv.DictReader(io.StringIO(answer.text))}
    lee = one(agents, "lee")
    assert list(lines) == [each["id"] for each in lee["metrics"]]
    csat, told = lines["csat_score"], metric(lee, "csat_score")
    assert float(csat["value"]) == told["value"]["value"]
    assert float(csat["peers.p_adjusted"]) == told["peers"]["p_adjusted"]
    assert csat["past.verdict"] == "worsened"


def test_who_is_not_there(agents: Tenant, make_tenant: Callable[..., Tenant]) -> None:
    path = f"/v1/agents/{id_of(agents, 'kim')}/evaluation"
    assert get(make_tenant(), path, 404)["code"] == "not_found"
    assert get(agents, f"/v1/agents/{uuid4()}/evaluation", 404)["code"] == "not_found"
    assert get(agents, "/v1/agents/kim/evaluation", 404)["code"] == "not_found"
    wrong = one(agents, "kim", 422, timezone="x")
    assert wrong["errors"][0]["pointer"] == "/timezone"


async def test_statements_of_one_snapshot(
    agents: Tenant, product_pool: asyncpg.Pool, listen: Listen
) -> None:
    """However many agents there are."""
    id_ = UUID(id_of(agents, "lee"))
    sent = listen()
    desk = Desk(product_pool, agents.tenant_id, "UTC", now(), live_slots_max=1000)
    wanted = WorkParams(from_="2026-03-01", to="2026-04-01")
    found = await evaluation(desk, id_, wanted, with_comments=True)
    assert found.comments is not None
    assert len(sent) == 39

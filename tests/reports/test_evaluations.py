"""GET /v1/agents/evaluations: every agent with numbers, ranked without being fooled by luck."""

import csv
import io
from collections.abc import Callable, Iterator
from typing import Any

import asyncpg
import msgspec
import pytest
from tests.conftest import Listen, Product, Tenant
from tests.isolation.keys import new_key, new_tenant_client
from tests.reports import compared
from tests.reports.evaluating import MARCH, names, push_agents, table

from csapi.kit.clock import now
from csapi.reports.evaluations.examples import AGENT_EXAMPLE, PAGE_EXAMPLE
from csapi.reports.evaluations.params import EvaluationsParams
from csapi.reports.evaluations.schemas import AgentEvaluation, EvaluationPage
from csapi.reports.evaluations.table import evaluations
from csapi.reports.service import Desk

CSAT = ["csat_score"]


@pytest.fixture(scope="module")
def agents(product: Product) -> Iterator[Tenant]:
    tenant = new_tenant_client(product)
    yield push_agents(tenant)
    tenant.http.close()


def cells(page: Any, column: str) -> dict[str, Any]:
    return {row["agent"]["external_id"]: row["metrics"][column] for row in page["data"]}


def test_idle_agents_are_there_and_bots_are_not(agents: Tenant) -> None:
    page = table(agents)
    assert names(page) == ["ann", "bob", "eve", "ida", "kim", "lee"]
    idle = next(row for row in page["data"] if row["agent"]["external_id"] == "ida")
    assert idle["metrics"]["csat_score"]["value"] is None
    assert idle["metrics"]["csat_score"]["null_reason"] == "no_observations"
    assert idle["metrics"]["csat_score"]["rank_value"] is None
    assert idle["metrics"]["tasks_completed"]["value"] == 0
    assert idle["presence"]["last_seen_at"] is None


def test_the_numbers_are_those_of_the_query(agents: Tenant) -> None:
    columns = [*CSAT, "first_response_time", "messages_out", "conversations_handled"]
    page = table(agents, columns=columns)
    asked = compared.ask(
        agents, *columns, range={"from": "2026-03-01", "to": "2026-04-01"}, dimensions=["agent"],
        include=["totals", "confidence"],
    )  # fmt: skip
    for row in asked["data"]:
        name = row["dimensions"]["agent"]["key"]
        for column in columns:
            found = {**cells(page, column)[name]}
            found.pop("rank_value")
            assert found == row["metrics"][column]
    assert page["totals"] == asked["totals"]


def test_two_lucky_ratings_do_not_lead_the_table(agents: Tenant) -> None:
    page = table(agents, columns=CSAT, sort="-csat_score")
    assert names(page) == ["kim", "ann", "eve", "bob", "lee", "ida"]
    lucky = cells(page, "csat_score")["bob"]
    assert lucky["value"] == 1
    prior = page["priors"]["csat_score"]
    assert prior["drawing"] == "beta_binomial"
    for name, cell in cells(page, "csat_score").items():
        if name != "ida":
            weight, n = prior["weight"], cell["n"]
            drawn = (n * cell["value"] + weight * prior["mean"]) / (n + weight)
            assert cell["rank_value"] == pytest.approx(drawn)
    assert names(table(agents, columns=CSAT, sort="-csat_score.value"))[0] == "bob"
    assert names(table(agents, columns=CSAT, sort="csat_score.n"))[:2] == ["ida", "bob"]
    assert names(table(agents, columns=CSAT, sort="-name"))[0] == "lee"


def test_a_team_has_its_members(agents: Tenant) -> None:
    page = table(agents, columns=["messages_out"], team=["south"])
    assert names(page) == ["bob", "eve"]
    assert page["totals"]["messages_out"]["value"] == 2
    assert names(table(agents, team=["north", "south"])) == names(table(agents))
    nobody = table(agents, team=["nowhere"])
    assert (nobody["data"], nobody["meta"]["warnings"][-1]) == (
        [],
        "no member of team is called 'nowhere'",
    )


def test_channels_narrow_numbers_and_not_agents(agents: Tenant) -> None:
    page = table(agents, columns=["messages_out"], channel=["email"])
    assert len(page["data"]) == 6
    assert page["totals"]["messages_out"]["value"] == 0
    chat = table(agents, columns=["messages_out"], channel=["chat", "email"])
    assert chat["totals"]["messages_out"]["value"] == 5


def test_pages_are_cut_from_one_order(agents: Tenant) -> None:
    params: dict[str, Any] = {"columns": CSAT, "sort": "-csat_score", "limit": 4}
    first = table(agents, **params)
    second = table(agents, **params, cursor=first["page"]["next_cursor"])
    assert names(first) + names(second) == ["kim", "ann", "eve", "bob", "lee", "ida"]
    assert second["page"]["next_cursor"] is None
    other = table(agents, 400, **{**params, "sort": "agent"}, cursor=first["page"]["next_cursor"])
    assert other["code"] == "invalid_cursor"


def test_a_composite_shows_what_it_is_made_of(agents: Tenant) -> None:
    weights = ["csat_score:3", "first_response_time:1"]
    page = table(
        agents, columns=["csat_score", "first_response_time"], weight=weights, sort="-composite"
    )
    assert names(page)[0] == "kim"
    for row in page["data"]:
        found = row["composite"]
        parts = found["parts"]
        assert [each["weight"] for each in parts.values()] == [0.75, 0.25]
        # All answered after ten minutes: nobody is better.
        assert parts["first_response_time"]["contribution"] == 0
        total = sum(each["contribution"] for each in parts.values())
        if row["agent"]["external_id"] == "ida":
            assert (found["value"], found["covered"]) == (None, 0)
        else:
            assert (found["value"], found["covered"]) == (pytest.approx(total), 1)
    worst = page["data"][-2]["composite"]["parts"]["csat_score"]
    assert -3 <= worst["score"] < -1
    assert worst["contribution"] == pytest.approx(0.75 * worst["score"])


def test_csv_has_the_same_rows(agents: Tenant) -> None:
    params: dict[str, Any] = {"columns": CSAT, "weight": ["csat_score:1"], "sort": "-csat_score"}
    page = table(agents, **params)
    answer = agents.http.get(
        "/v1/agents/evaluations", params={**MARCH, **params}, headers={"Accept": "text/csv"}
    )
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    *lines, totals = csv.DictReader(io.StringIO(answer.text))
    assert [line["external_id"] for line in lines] == names(page)
    for line, row in zip(lines, page["data"], strict=True):
        cell = row["metrics"]["csat_score"]
        for column, value in (
            ("csat_score", cell["value"]),
            ("csat_score.n", cell["n"]),
            ("csat_score.rank_value", cell["rank_value"]),
            ("composite", row["composite"]["value"]),
            ("active", row["agent"]["active"]),
        ):
            assert line[column] == ("" if value is None else msgspec.json.encode(value).decode())
    assert (totals["row"], totals["csat_score.n"]) == ("totals", "162")


@pytest.mark.parametrize(
    ("params", "pointer", "code"),
    [
        ({"columns": ["nope"]}, "/columns", "unknown_metric"),
        ({"columns": ["csat_score", "csat_score"]}, "/columns", "invalid_value"),
        ({"columns": ["csat_score"] * 21}, "/columns", "too_long"),
        ({"sort": "-nope"}, "/sort", "invalid_value"),
        ({"sort": "composite"}, "/weight", "required"),
        ({"weight": ["csat_score"]}, "/weight", "invalid_value"),
        ({"weight": ["csat_score:nan"]}, "/weight", "invalid_value"),
        ({"weight": ["csat_score:0"]}, "/weight", "invalid_value"),
        ({"weight": ["messages_out:1"]}, "/weight", "invalid_value"),
        ({"timezone": "Mars/Base"}, "/timezone", "invalid_value"),
        ({"to": "x"}, "/to", "invalid_value"),
        ({"preset": "last_7_days"}, "/preset", "invalid_value"),
    ],
)
def test_what_cannot_be_asked_is_named(
    agents: Tenant, params: dict[str, Any], pointer: str, code: str
) -> None:
    error = table(agents, 422, **params)["errors"][0]
    assert (error["pointer"], error["code"]) == (pointer, code)


def test_a_column_of_ones_own(agents: Tenant) -> None:
    formula = {"label": "Good", "unit": "count", "formula": "csat_responses * csat_score"}
    answer = agents.http.put("/v1/custom-metrics/good", json=formula)
    assert answer.status_code in (200, 201), answer.text
    page = table(agents, columns=["custom.good"], sort="-custom.good")
    assert names(page)[0] == "kim"
    assert cells(page, "custom.good")["kim"]["rank_value"] == 38


def test_hidden_numbers_rank_nowhere(product: Product, make_tenant: Callable[..., Tenant]) -> None:
    tenant = push_agents(make_tenant())
    put = tenant.http.put("/v1/privacy-settings", json={"smallest_group": 2})
    assert put.status_code == 200, put.text
    key = new_key(product, tenant.tenant_id, "reports:read")
    headers = {"Authorization": f"Bearer {key}"}
    params = {**MARCH, "columns": CSAT, "sort": "-csat_score"}
    answer = tenant.http.get("/v1/agents/evaluations", params=params, headers=headers)
    page = answer.json()
    cell = cells(page, "csat_score")["kim"]
    assert (cell["value"], cell["rank_value"], cell["null_reason"]) == (None, None, "suppressed")
    assert page["priors"] == {"csat_score": None}


async def test_few_statements_from_one_snapshot(
    agents: Tenant, product_pool: asyncpg.Pool, listen: Listen
) -> None:
    """Three of the query, one of what the tenant has settled, the directory, and presence."""
    sent = listen()
    desk = Desk(product_pool, agents.tenant_id, "UTC", now(), live_slots_max=1000)
    wanted = EvaluationsParams(
        from_="2026-03-01", to="2026-04-01", columns=["csat_score", "occupancy", "messages_out"]
    )
    assert len((await evaluations(desk, wanted)).data) == 6
    assert len(sent) == 6


def test_examples_are_what_the_structs_say() -> None:
    assert len(msgspec.convert(PAGE_EXAMPLE, EvaluationPage).data) == 1
    assert len(msgspec.convert(AGENT_EXAMPLE, AgentEvaluation).metrics) == 1

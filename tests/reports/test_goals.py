"""Goals over HTTP: where they are is what queries say."""

import csv
import io
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import asyncpg
import msgspec
import pytest
from tests.conftest import Listen, Product, Tenant, tenants_of
from tests.isolation.keys import new_key
from tests.reports.compared import push

from csapi.kit.clock import now
from csapi.reports.goals.reading import states_of
from csapi.reports.goals.schemas import GoalRequest
from csapi.reports.kpi_schemas import KpiSet
from csapi.reports.kpis import kpis
from csapi.reports.schemas import TimeRange
from csapi.reports.service import Desk, snapshot_of
from csapi.reports.windows import Seeing

DAYS, DAILY = 126, 10
TODAY = now().date()
START = TODAY - timedelta(days=84)
DUE = TODAY + timedelta(days=27)


def ratings() -> Iterator[dict[str, Any]]:
    """From 4.0 twelve weeks ago to 4.6 now, ten a day, half of them of the north."""
    for place in range(DAYS):
        day = TODAY - timedelta(days=DAYS - place)
        share = max(0.0, (day - START).days / 84) * 0.6
        for number in range(DAILY):
            yield {
                "source": "s",
                "external_id": f"{place}-{number}",
                "survey": "csat",
                "rating": 5 if (number * 7 + place * 3) % 10 < share * 10 else 4,
                "scale_min": 1,
                "scale_max": 5,
                "responded_at": f"{day}T09:{number:02}:00Z",
                "team": "north" if number % 2 else "south",
            }


@pytest.fixture(scope="module")
def shop(product: Product) -> Iterator[Tenant]:
    with tenants_of(product) as make:
        tenant = make()
        push(tenant, "feedback", list(ratings()))
        yield tenant


def goal(**more: Any) -> dict[str, Any]:
    return {
        "title": "CSAT up",
        "metric": {"id": "rating_average"},
        "baseline": 4.0,
        "target": 4.7,
        "starts_on": f"{START}",
        "due_on": f"{DUE}",
        "owner": "Kim",
        **more,
    }


def create(tenant: Tenant, status: int = 201, **more: Any) -> Any:
    answer = tenant.http.post("/v1/goals", json=goal(**more))
    assert answer.status_code == status, answer.text
    return answer.json()


def value_of(tenant: Tenant, query: Any) -> Any:
    answer = tenant.http.post("/v1/query", json=query)
    assert answer.status_code == 200, answer.text
    (row,) = answer.json()["data"]
    (value,) = row["metrics"].values()
    return value


def test_a_goal_is_kept_replaced_and_deleted(shop: Tenant) -> None:
    answer = shop.http.post("/v1/goals", json=goal())
    assert answer.status_code == 201, answer.text
    made = answer.json()
    path = f"/v1/goals/{made['id']}"
    assert answer.headers["location"] == path
    found = shop.http.get(path).json()
    for name in ("goal", "state", "created_at"):
        assert found[name] == made[name], name
    listed = shop.http.get("/v1/goals", params={"metric": "rating_average"}).json()
    assert made["id"] in [each["id"] for each in listed["data"]]
    assert shop.http.get("/v1/goals", params={"metric": "nps"}).json()["data"] == []
    changed = shop.http.put(path, json=goal(title="Else", window_days=7)).json()
    assert (changed["goal"]["title"], changed["created_at"]) == ("Else", made["created_at"])
    assert shop.http.delete(path).status_code == 204
    for method, rest in (("GET", ""), ("PUT", ""), ("DELETE", ""), ("GET", "/progress")):
        body = goal() if method == "PUT" else None
        gone = shop.http.request(method, path + rest, json=body)
        assert (gone.status_code, gone.json()["code"]) == (404, "not_found")


def test_where_it_is_comes_from_the_engine(shop: Tenant) -> None:
    half = {"due_on": f"{START + timedelta(days=42)}", "value": 4.1}
    later = {"due_on": f"{DUE}", "value": 4.65}
    made = create(shop, baseline=None, milestones=[half, later])
    state = made["state"]
    current, before = state["current"], state["measured_baseline"]
    for seen in (current, before, state["milestones"][0]["seen"]):
        assert value_of(shop, seen["query"]) == seen["value"]
    assert (current["from"], current["to"]) == (f"{TODAY - timedelta(days=28)}", f"{TODAY}")
    assert before["to"] == f"{START}"
    assert state["baseline"] == before["value"]["value"] == 4.0
    value = current["value"]["value"]
    assert current["value"]["n"] == 28 * DAILY
    assert state["gap"] == pytest.approx(4.7 - value)
    assert state["progress"] == pytest.approx((value - 4) / 0.7)
    assert state["days_left"] == 28
    assert state["required_pace"]["per_day"] == pytest.approx((4.7 - value) / 28)
    assert state["planned"] == pytest.approx(4 + 0.7 * 84 / 112)
    assert [each["state"] for each in state["milestones"]] == ["reached", "open"]
    leads = state["projection"]
    assert leads["points"] in (11, 12)
    assert leads["pace"]["per_week"] == pytest.approx(0.05, abs=0.01)
    low, high = leads["value_ci95"]
    assert low < leads["value"] < high
    assert leads["value"] == pytest.approx(4 + 0.6 * 98 / 84, abs=0.05)
    assert state["status"] == ("on_track" if leads["value"] >= 4.7 else "at_risk")
    assert (state["direction"], state["definition"]) == ("up", "1")
    assert made["meta"]["exact"] in (True, False)
    assert made["meta"]["data_through"] is not None


def test_counts_are_of_their_window(shop: Tenant) -> None:
    week = create(shop, metric={"id": "feedback_responses"}, window_days=7, baseline=70, target=90)
    assert week["state"]["current"]["value"]["value"] == 7 * DAILY
    month = create(shop, metric={"id": "feedback_responses"}, baseline=280, target=360)
    leads = month["state"]["projection"]
    assert leads["value"] == pytest.approx(280, abs=1)
    assert month["state"]["status"] == "off_track"
    people = create(shop, metric={"id": "tickets_active"}, baseline=1, target=5)
    assert people["state"]["projection"]["reason"] == "not_additive"


def test_progress_is_drawn_as_it_is(shop: Tenant) -> None:
    made = create(shop)
    note = {"source": "s", "external_id": "n", "text": "Sale", "starts_at": f"{START}T09:00:00Z"}
    assert shop.http.post("/v1/annotations", json=note).status_code == 201
    found = shop.http.get(f"/v1/goals/{made['id']}/progress").json()
    assert [each["text"] for each in found["annotations"]] == ["Sale"]
    seen, planned = found["series"]
    days = [each["key"] for each in found["categories"]]
    assert len(days) == len(seen["values"]) == len(planned["values"])
    assert (days[0], days[-1]) == (f"{START - timedelta(days=1)}", f"{DUE}")
    assert (planned["values"][0], planned["values"][-1]) == (4.0, 4.7)
    place = days.index(f"{TODAY - timedelta(days=1)}")
    assert seen["values"][place] == made["state"]["current"]["value"]["value"]
    assert planned["values"][place] == pytest.approx(made["state"]["planned"])
    assert all(each is None for each in seen["values"][place + 1 :])
    table = shop.http.get(f"/v1/goals/{made['id']}/progress", headers={"Accept": "text/csv"})
    lines = list(csv.DictReader(io.StringIO(table.text)))
    assert [each["day"] for each in lines] == days
    assert float(lines[place]["value"]) == seen["values"][place]


def test_csv_has_the_same_goals(shop: Tenant) -> None:
    listed = shop.http.get("/v1/goals").json()["data"]
    table = shop.http.get("/v1/goals", headers={"Accept": "text/csv"})
    lines = list(csv.DictReader(io.StringIO(table.text)))
    assert [each["id"] for each in lines] == [each["id"] for each in listed]
    for line, each in zip(lines, listed, strict=True):
        assert float(line["current.value"]) == each["state"]["current"]["value"]["value"]
        assert line["status"] == each["state"]["status"]


def test_pages_have_all_goals_once(shop: Tenant) -> None:
    for number in range(3):
        create(shop, title=f"page {number}")
    whole = [each["id"] for each in shop.http.get("/v1/goals").json()["data"]]
    found: list[str] = []
    params: dict[str, Any] = {"limit": 2}
    while True:
        page = shop.http.get("/v1/goals", params=params).json()
        found += [each["id"] for each in page["data"]]
        if page["page"]["next_cursor"] is None:
            break
        params["cursor"] = page["page"]["next_cursor"]
    assert found == whole


def test_a_goal_of_a_metric_that_is_gone_costs_the_others_nothing(shop: Tenant) -> None:
    formula = {"label": "Twice", "unit": "score", "formula": "rating_average * 2"}
    assert shop.http.put("/v1/custom-metrics/twice", json=formula).status_code == 201
    made = create(shop, metric={"id": "custom.twice"}, target=9, baseline=8)
    assert made["state"]["current"]["value"]["value"] > 8
    assert shop.http.delete("/v1/custom-metrics/twice").status_code == 204
    listed = {each["id"]: each for each in shop.http.get("/v1/goals").json()["data"]}
    state = listed.pop(made["id"])["state"]
    assert (state["status"], state["reason"]) == ("cannot_tell", "cannot_be_asked")
    assert state["current"] is None
    assert all(each["state"]["current"] is not None for each in listed.values())
    shop.http.delete(f"/v1/goals/{made['id']}")


def only(team: str) -> dict[str, Any]:
    return {"dimension": "team", "op": "in", "values": [team]}


def tile(tenant: Tenant, headers: dict[str, str] | None = None, **params: Any) -> Any:
    chosen = {"set": "help_desk_home", **params}
    answer = tenant.http.get("/v1/kpis", params=chosen, headers=headers)
    assert answer.status_code == 200, answer.text
    return next(each for each in answer.json()["data"] if each["id"] == "rating_average")


def test_tiles_have_the_goal_that_is_about_the_same(product: Product, make_tenant: Any) -> None:
    tenant: Tenant = make_tenant()
    assert tile(tenant)["goal"] is None
    later = create(tenant, due_on=f"{DUE + timedelta(days=5)}", title="later")
    first = create(tenant, title="first")
    north = create(tenant, filters=only("north"), title="north")
    create(tenant, starts_on=f"{TODAY + timedelta(days=3)}", title="not yet")
    create(tenant, metric={"id": "rating_average", "params": {"scale": "normalized"}},
           baseline=0.5, target=0.9)  # fmt: skip
    aim = tile(tenant)["goal"]
    assert (aim["id"], aim["title"], aim["target"]) == (first["id"], "first", 4.7)
    assert (aim["due_on"], aim["status"]) == (f"{DUE}", first["state"]["status"])
    assert tile(tenant, team="north")["goal"]["id"] == north["id"]
    assert tile(tenant, team="south")["goal"] is None
    assert tenant.http.delete(f"/v1/goals/{first['id']}").status_code == 204
    assert tile(tenant)["goal"]["id"] == later["id"]
    token = tenant.http.post("/v1/portal-tokens", json={"filters": only("north")}).json()["token"]
    narrowed = {"Authorization": f"Bearer {token}"}
    assert tile(tenant, headers=narrowed)["goal"] is None
    assert tenant.http.get("/v1/goals", headers=narrowed).status_code == 403
    plain = tenant.http.post("/v1/portal-tokens", json={}).json()["token"]
    listed = tenant.http.get("/v1/goals", headers={"Authorization": f"Bearer {plain}"})
    assert listed.status_code == 200
    reader = new_key(product, tenant.tenant_id, "reports:read")
    refused = tenant.http.post(
        "/v1/goals", json=goal(), headers={"Authorization": f"Bearer {reader}"}
    )
    assert refused.status_code == 403


async def test_statements(shop: Tenant, product_pool: asyncpg.Pool, listen: Listen) -> None:
    """A tile's goal costs none; goals of the same days share theirs."""
    desk = Desk(product_pool, shop.tenant_id, "UTC", now(), live_slots_max=1000)
    range_ = TimeRange(from_="2026-02-01", to="2026-03-01")
    await kpis(desk, KpiSet.help_desk_home, range_, "UTC")
    sent = listen()
    report = await kpis(desk, KpiSet.help_desk_home, range_, "UTC")
    assert any(each.goal is not None for each in report.data)
    goals = [msgspec.convert(goal(metric={"id": name}), GoalRequest)
             for name in ("rating_average", "csat_score", "feedback_responses")]  # fmt: skip
    before = len(sent)
    async with snapshot_of(desk, keeps_plans=True) as snapshot:
        await states_of(Seeing(snapshot), goals[:1], snapshot)
        one = len(sent)
        await states_of(Seeing(snapshot), goals, snapshot)
    assert one - before <= 6, sent[before:one]
    assert len(sent) - one <= one - before, sent[one:]


@pytest.mark.parametrize(
    ("change", "pointer", "code"),
    [
        ({"metric": {"id": "nothing"}}, "/metric/id", "unknown_metric"),
        ({"metric": {"id": "csat_score", "params": {"x": 1}}}, "/metric/params/x",
         "unknown_parameter"),
        ({"metric": {"id": "csat_score", "as": "x"}}, "/metric/as", "not_supported"),
        ({"metric": {"id": "csat_score", "agg": "p90"}}, "/metric/agg", "invalid_value"),
        ({"filters": {"dimension": "x", "op": "in", "values": ["y"]}}, "/filters/dimension",
         "unknown_dimension"),
        ({"target": 4.0}, "/target", "invalid_value"),
        ({"target": 3.5}, "/target", "invalid_value"),
        ({"metric": {"id": "csat_score"}, "baseline": 0.8, "target": 1.2}, "/target",
         "out_of_range"),
        ({"baseline": 1e13}, "/baseline", "out_of_range"),
        ({"due_on": f"{START}"}, "/due_on", "out_of_range"),
        ({"due_on": "2090-01-01"}, "/due_on", "out_of_range"),
        ({"starts_on": "1066-01-01"}, "/starts_on", "out_of_range"),
        ({"window_days": 0}, "/window_days", "out_of_range"),
        ({"title": ""}, "/title", "too_short"),
        ({"milestones": [{"due_on": f"{START}", "value": 4.2}]}, "/milestones/0/due_on",
         "out_of_range"),
        ({"milestones": [{"due_on": f"{TODAY}", "value": 4.8}]}, "/milestones/0/value",
         "invalid_value"),
        ({"milestones": [{"due_on": f"{TODAY}", "value": 4.5}, {"due_on": f"{DUE}", "value": 4.4}]},
         "/milestones/1/value", "invalid_value"),
        ({"surprise": 1}, "/surprise", "unknown_field"),
    ],
)  # fmt: skip
def test_what_is_refused(shop: Tenant, change: dict[str, Any], pointer: str, code: str) -> None:
    answer = shop.http.post("/v1/goals", json=goal(**change))
    assert answer.status_code in (400, 422), answer.text
    error = answer.json()["errors"][0]
    assert (error["pointer"], error["code"]) == (pointer, code), answer.text


def test_days_are_local(make_tenant: Any) -> None:
    far: Tenant = make_tenant("Pacific/Auckland")
    made = create(far, starts_on=f"{TODAY - timedelta(days=9)}")
    ends = date.fromisoformat(made["state"]["current"]["to"])
    assert ends - TODAY in (timedelta(0), timedelta(days=1))
    assert made["meta"]["timezone"] == "Pacific/Auckland"

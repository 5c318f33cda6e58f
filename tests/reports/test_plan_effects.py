"""Whether a plan worked: what its metric did since its first day, held against other work."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from tests.conftest import Product, Tenant, tenants_of
from tests.reports.compared import push
from tests.reports.test_uplift import EVENT, SCOPE, TODAY, send, tickets

CHAT = {"dimension": "channel", "op": "in", "values": ["chat"]}
MAIL = {"dimension": "channel", "op": "in", "values": ["email"]}
GONE = {"label": "Gone", "unit": "count", "formula": "contacts * 2"}
WEEKS: dict[str, Any] = {"weeks_before": 12, "weeks_after": 4}


@pytest.fixture(scope="module")
def shop(product: Product) -> Iterator[Tenant]:
    with tenants_of(product) as make:
        tenant = make()
        push(tenant, "tickets", list(tickets()))
        yield tenant


def plan(tenant: Tenant, metric: str = "contacts", to: str = "rest", **more: Any) -> str:
    filters = more.pop("beside", None)
    aim = {"metric": {"id": metric}, "filters": CHAT, "compare": {"to": to, "filters": filters}}
    body = {"title": "p", "aim": aim, "starts_on": EVENT.isoformat(), **more}
    made = tenant.http.post("/v1/action-plans", json=body)
    assert made.status_code == 201, made.text
    id_: str = made.json()["id"]
    return id_


def effect(tenant: Tenant, id_: str, expected: int = 200, **params: Any) -> Any:
    answer = tenant.http.get(f"/v1/action-plans/{id_}/effect", params={**WEEKS, **params})
    assert answer.status_code == expected, answer.text
    return answer.json()


def test_it_is_what_an_annotation_of_that_day_changed(shop: Tenant) -> None:
    """One way to measure: plans and annotations of the same work tell the same."""
    noted = send(shop, "plan", scope=SCOPE)
    for to, comparison in (("rest", "outside"), ("seasonal", "seasonal")):
        found = effect(shop, plan(shop, to=to))
        params = {**WEEKS, "metric": "contacts", "comparison": comparison}
        other = shop.http.get(f"/v1/annotations/{noted}/uplift", params=params).json()
        for name in ("expected", "uplift", "uplift_ci95", "p_value", "verdict", "method", "weeks"):
            assert found[name] == other[name], name
        assert len(found["weeks"]) == 16
        assert "plan" in [each["external_id"] for each in found["confounders"]]


def test_the_good_way_and_the_other(shop: Tenant) -> None:
    """Half as much chat again, none of it answered: more without an answer, and not less."""
    found = effect(shop, plan(shop, "unanswered_tickets"))
    assert (found["verdict"], found["reason"]) == ("worsened", None)
    assert found["relative_uplift"] == pytest.approx(0.45, abs=0.08)
    low, high = found["uplift_ci95"]
    assert low < found["uplift"] < high
    assert found["uplift"] == pytest.approx(found["after"]["value"]["value"] - found["expected"])
    assert effect(shop, plan(shop, "contacts"))["verdict"] == "changed"


def test_a_segment_is_what_it_is_named(shop: Tenant) -> None:
    rest = effect(shop, plan(shop, to="rest"))
    segment = effect(shop, plan(shop, to="segment", beside=MAIL))
    assert [week["outside"] for week in segment["weeks"]] == [
        week["outside"] for week in rest["weeks"]
    ]
    assert segment["uplift"] == rest["uplift"]


def test_a_plan_without_weeks_tells_why(shop: Tenant) -> None:
    for starts_on in (None, (TODAY + timedelta(days=9)).isoformat()):
        found = effect(shop, plan(shop, starts_on=starts_on))
        assert (found["verdict"], found["reason"]) == ("cannot_tell", "not_started")
        assert (found["uplift"], found["after"]) == (None, None)
    young = (TODAY - timedelta(days=3)).isoformat()
    assert effect(shop, plan(shop, starts_on=young))["reason"] == "too_few_weeks_after"
    short = (EVENT + timedelta(days=8)).isoformat()
    assert sum(w["is_after"] for w in effect(shop, plan(shop, ends_on=short))["weeks"]) == 1


def test_what_can_no_longer_be_asked_is_named(shop: Tenant) -> None:
    made = shop.http.put("/v1/custom-metrics/gone", json=GONE)
    assert made.status_code in (200, 201), made.text
    id_ = plan(shop, "custom.gone")
    assert shop.http.delete("/v1/custom-metrics/gone").status_code == 204
    assert effect(shop, id_, 422)["errors"][0]["pointer"].startswith("/aim/metric")

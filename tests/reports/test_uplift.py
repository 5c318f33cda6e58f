"""What an annotated event changed: held against other work, or against the weeks before."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from tests.conftest import Product, Tenant, tenants_of
from tests.isolation.keys import new_key
from tests.reports.compared import push

from csapi.kit.clock import now

TODAY = now().date()
EVENT = TODAY - timedelta(days=30)
DAYS = 120
SCOPE = [{"dimension": "channel", "values": ["chat"]}]


def daily(channel: str, place: int) -> int:
    """Ten of chat and six of mail, more or less; from the event on half as much chat again."""
    usual = 10 if channel == "chat" else 6
    if channel == "chat" and place >= (EVENT - TODAY).days + DAYS:
        usual += 5
    return usual + (place * 7 + len(channel)) % 3


def tickets() -> Iterator[dict[str, Any]]:
    for place in range(DAYS):
        day = TODAY - timedelta(days=DAYS - place)
        for channel in ("chat", "email"):
            for number in range(daily(channel, place)):
                yield {
                    "source": "s",
                    "external_id": f"{channel}-{place}-{number}",
                    "created_at": f"{day}T09:{number:02}:00Z",
                    "channel": channel,
                    "initiated_by": "customer",
                }


def note(name: str, **more: Any) -> dict[str, Any]:
    return {
        "source": "s", "external_id": name, "text": name, "kind": "release",
        "starts_at": f"{EVENT}T00:00:00Z", **more,
    }  # fmt: skip


@pytest.fixture(scope="module")
def shop(product: Product) -> Iterator[Tenant]:
    with tenants_of(product) as make:
        tenant = make()
        push(tenant, "tickets", list(tickets()))
        yield tenant


def send(tenant: Tenant, name: str, **more: Any) -> str:
    answer = tenant.http.post("/v1/annotations", json=note(name, **more))
    assert answer.status_code in (200, 201), answer.text
    id_: str = answer.json()["id"]
    return id_


def measure(tenant: Tenant, id_: str, status: int = 200, **params: Any) -> Any:
    chosen = {"metric": "tickets_created", **params}
    answer = tenant.http.get(f"/v1/annotations/{id_}/uplift", params=chosen)
    assert answer.status_code == status, answer.text
    return answer.json()


def value_of(tenant: Tenant, query: Any) -> Any:
    (row,) = tenant.http.post("/v1/query", json=query).json()["data"]
    return next(iter(row["metrics"].values()))


def test_a_change_within_the_scope_is_told(shop: Tenant) -> None:
    id_ = send(shop, "chatbot", scope=SCOPE)
    found = measure(shop, id_)
    assert found["comparison"] == "outside"
    for name in ("before", "after", "outside_before", "outside_after"):
        assert value_of(shop, found[name]["query"]) == found[name]["value"], name
    assert found["after"]["from"] == f"{EVENT}"
    assert found["after"]["to"] == f"{EVENT + timedelta(weeks=4)}"
    after = found["after"]["value"]["value"]
    assert found["relative_uplift"] == pytest.approx(5 / 11, abs=0.05)
    low, high = found["relative_uplift_ci95"]
    assert 0 < low < found["relative_uplift"] < high
    assert found["uplift"] == pytest.approx(after - found["expected"])
    assert found["uplift_ci95"][0] < found["uplift"] < found["uplift_ci95"][1]
    # More tickets are neither good nor bad.
    assert (found["verdict"], found["reason"]) == ("changed", None)
    assert found["method"]["scale"] == "ratio"
    assert (found["method"]["weeks_before"], found["method"]["weeks_after"]) == (12, 4)
    weeks = [each for each in found["weeks"] if each["is_after"]]
    assert sum(each["value"] for each in weeks) == after
    seasonal = measure(shop, id_, comparison="seasonal")
    assert (seasonal["verdict"], seasonal["outside_after"]) == ("changed", None)


def test_what_did_not_change_cannot_be_told(shop: Tenant) -> None:
    send(shop, "chatbot", scope=SCOPE)
    send(shop, "ramadan", kind="season")
    id_ = send(shop, "mails", scope=[{"dimension": "channel", "values": ["email"]}])
    found = measure(shop, id_, comparison="seasonal")
    assert (found["verdict"], found["reason"]) == ("cannot_tell", "not_significant")
    assert found["uplift_ci95"][0] < 0 < found["uplift_ci95"][1]
    names = [each["external_id"] for each in found["confounders"]]
    assert "ramadan" in names
    assert "chatbot" not in names


def test_what_has_no_weeks_cannot_be_told(shop: Tenant) -> None:
    late = send(shop, "late", starts_at=f"{TODAY - timedelta(days=3)}T10:00:00Z")
    found = measure(shop, late)
    assert (found["verdict"], found["reason"]) == ("cannot_tell", "too_few_weeks_after")
    assert (found["after"], found["uplift"], found["method"]) == (None, None, None)
    old = send(shop, "old", starts_at=f"{TODAY - timedelta(days=100)}T10:00:00Z")
    assert measure(shop, old, metric="csat_score")["reason"] == "too_few_weeks_before"
    ends_at = f"{EVENT + timedelta(days=9)}T10:00:00Z"
    brief = send(shop, "brief", starts_at=f"{EVENT}T10:00:00Z", ends_at=ends_at)
    weeks = [each for each in measure(shop, brief)["weeks"] if each["is_after"]]
    assert [each["from"] for each in weeks] == [f"{EVENT + timedelta(days=1)}"]


@pytest.mark.parametrize(
    ("params", "pointer", "code"),
    [
        ({"metric": "nothing"}, "/metric", "unknown_metric"),
        ({"agg": "p90"}, "/agg", "invalid_value"),
        ({"comparison": "outside"}, "/comparison", "not_supported"),
        ({"comparison": "x"}, "/comparison", "invalid_value"),
        ({"weeks_before": 5}, "/weeks_before", "out_of_range"),
        ({"weeks_after": 27}, "/weeks_after", "out_of_range"),
    ],
)
def test_what_is_refused(shop: Tenant, params: dict[str, Any], pointer: str, code: str) -> None:
    error = measure(shop, send(shop, "all"), 422, **params)["errors"][0]
    assert (error["pointer"], error["code"]) == (pointer, code)


def test_a_scope_that_a_metric_does_not_know_is_refused(shop: Tenant) -> None:
    id_ = send(shop, "odd", scope=[{"dimension": "moon", "values": ["full"]}])
    error = measure(shop, id_, 422)["errors"][0]
    assert (error["pointer"], error["code"]) == ("/metric", "unknown_dimension")


def test_who_reads_reports_reads_annotations(product: Product, shop: Tenant) -> None:
    id_ = send(shop, "chatbot", scope=SCOPE)
    gone = send(shop, "gone", deleted=True)
    reader = new_key(product, shop.tenant_id, "reports:read")
    headers = {"Authorization": f"Bearer {reader}"}
    range_ = {"from": f"{EVENT}", "to": f"{EVENT + timedelta(days=1)}"}
    listed = shop.http.get("/v1/timeline", params=range_, headers=headers)
    assert listed.status_code == 200, listed.text
    names = {each["id"]: each for each in listed.json()["data"]}
    assert names[id_]["scope"] == SCOPE
    assert gone not in names
    path = f"/v1/annotations/{id_}/uplift"
    assert shop.http.get(path, headers=headers).status_code == 200
    assert shop.http.get(f"/v1/annotations/{gone}/uplift").status_code == 404

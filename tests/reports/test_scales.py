"""Ratings on several scales have no mean, no difference and no change as they are."""

from typing import Any

from tests.conftest import Tenant
from tests.reports.test_quality_and_tasks import ask, by, send

TIME = {"range": {"from": "2026-01-01", "to": "2026-02-01"}, "timezone": "UTC"}


def rating(rating: float, agent: str, *scale: float, survey: str = "csat") -> dict[str, Any]:
    ends = dict(zip(("scale_min", "scale_max"), scale, strict=False))
    at = "2026-01-05T10:00:00Z"
    return {"survey": survey, "rating": rating, "responded_at": at, "agent": agent, **ends}


def rated(tenant: Tenant) -> None:
    """Ann on 1 to 5, Bob on 1 to 10, Cleo on both."""
    send(
        tenant,
        "feedback",
        rating(4, "ann"),
        rating(5, "ann", 1, 5),
        rating(7, "bob", 1, 10),
        rating(4, "cleo"),
        rating(7, "cleo", 1, 10),
    )


def test_there_is_no_mean_over_several_scales(tenant: Tenant) -> None:
    rated(tenant)
    whole = ask(tenant, "rating_average")
    assert (whole["value"], whole["n"], whole["numerator"]) == (None, 5, None)
    assert whole["null_reason"] == "mixed_scales"
    assert by(tenant, "rating_average", "agent") == {"ann": 4.5, "bob": 7, "cleo": None}
    assert ask(tenant, "rating_average", scale="normalized")["value"] is not None
    # What is counted by boxes is on one scale.
    assert ask(tenant, "csat_score")["value"] == 0.6


def test_scales_with_ends_that_are_not_whole_are_told_apart(tenant: Tenant) -> None:
    send(
        tenant,
        "feedback",
        rating(0.5, "ann", 0, 0.5, survey="ces"),
        rating(0.25, "ann", 0, 0.50, survey="ces"),
        rating(0.5, "bob", 0, 0.5, survey="ces"),
        rating(0.5, "bob", 0, 0.75, survey="ces"),
    )
    assert by(tenant, "ces_score", "agent") == {"ann": 0.375, "bob": None}


def asked(tenant: Tenant, path: str, **more: Any) -> Any:
    answer = tenant.http.post(path, json={"time": TIME, **more})
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_ratings_on_different_scales_are_not_compared(tenant: Tenant) -> None:
    rated(tenant)
    ann, bob = ({"dimension": "agent", "op": "in", "values": [name]} for name in ("ann", "bob"))
    compare = {"to": "segment", "filters": bob}
    metric = {"id": "rating_average"}
    (row,) = asked(tenant, "/v1/query", metrics=[metric], filters=ann, compare=compare)["data"]
    beside = row["metrics"]["rating_average"]["compare"]
    assert (beside["value"], beside["delta"], beside["verdict"]) == (7, None, None)
    assert beside["verdict_reason"] == "mixed_scales"
    change = asked(
        tenant,
        "/v1/query/explain-change",
        metrics=[metric],
        by=["agent"],
        filters=ann,
        compare=compare,
    )
    assert (change["change"], change["null_reason"]) == (None, "mixed_scales")


def test_a_formula_over_several_scales_has_no_value(tenant: Tenant) -> None:
    rated(tenant)
    made = tenant.http.put(
        "/v1/custom-metrics/doubled",
        json={"label": "Doubled", "formula": "2 * rating_average", "unit": "score"},
    )
    assert made.status_code in (200, 201), made.text
    cells = ask(tenant, "custom.doubled", "agent")
    assert {key: cell["value"] for key, cell in cells.items()} == {
        "ann": 9,
        "bob": 14,
        "cleo": None,
    }
    assert cells["cleo"]["null_reason"] == "mixed_scales"

"""Why a number changed, over HTTP: contributions that add up, members that come and go."""

from decimal import Decimal
from typing import Any

import pytest
from tests.conftest import Tenant
from tests.reports.compared import FEBRUARY, calls, push, ratings, talks, why


@pytest.fixture
def talked(tenant: Tenant) -> Tenant:
    """The golden numbers with calls for tickets, a hundredth of them: 8 and 2 calls in January of
    7,200 s and 120 s of talk, 5 and 5 in February of 7,000 s and 150 s."""
    push(tenant, "calls", [*talks("2026-01-05", 7200, 8, "email"),
                           *talks("2026-01-06", 120, 2, "chat")])  # fmt: skip
    push(tenant, "calls", [*talks("2026-02-05", 7000, 5, "email"),
                           *talks("2026-02-06", 150, 5, "chat")])  # fmt: skip
    return tenant


def exact(numbers: list[float | None]) -> Decimal:
    return sum((Decimal(str(each)) for each in numbers if each is not None), Decimal(0))


def check_sums(answer: Any) -> None:
    """Contributions add up to the change, parts to contributions and to the parts of the whole."""
    members = [*answer["data"], *([answer["other"]] if answer["other"] else [])]
    assert exact([each["contribution"] for each in members]) == exact([answer["change"]])
    assert exact(list(answer["parts"].values())) == exact([answer["change"]])
    for each in members:
        assert exact(list(each["parts"].values())) == exact([each["contribution"]])
    for part, whole in answer["parts"].items():
        assert exact([each["parts"][part] for each in members]) == exact([whole])


def by_key(answer: Any, dimension: str) -> dict[str | None, Any]:
    return {row["dimensions"][dimension]["key"]: row for row in answer["data"]}


def test_golden_split(talked: Tenant) -> None:
    answer = why(talked, "average_talk_time", ["queue"])
    assert answer["change"] == -2209
    assert answer["parts"] == {"volume": None, "mix": -2089.5, "rate": -119.5, "new": 0, "gone": 0}
    assert answer["total"]["value"] == 3575
    assert answer["total"]["compare"]["value"] == 5784
    assert answer["total"]["compare"]["delta"] == -2209
    check_sums(answer)
    rows = by_key(answer, "queue")
    assert list(rows) == ["chat", "email"]
    assert rows["email"]["parts"]["rate"] == -130
    assert rows["chat"]["parts"]["rate"] == 10.5
    assert (rows["email"]["weight"], rows["email"]["compare_weight"]) == (0.5, 0.8)
    assert rows["email"]["value"]["compare"]["delta"] == -200
    assert rows["email"]["presence"] == "both"
    assert answer["meta"]["query"]["by"] == ["queue"]
    assert answer["meta"]["compare"]["start"] == "2026-01-01T00:00:00Z"


def test_members_that_come_and_go(tenant: Tenant) -> None:
    push(tenant, "feedback", [*ratings(1, "ann", 17, 18), *ratings(1, "bob", 10, 10),
                              *ratings(2, "ann", 10, 11), *ratings(2, "cleo", 8, 10)])  # fmt: skip
    answer = why(tenant, "csat_score", ["agent"])
    check_sums(answer)
    assert answer["change"] == pytest.approx(18 / 21 - 27 / 28, abs=5e-7)
    rows = by_key(answer, "agent")
    assert {key: row["presence"] for key, row in rows.items()} == {
        "ann": "both", "bob": "gone", "cleo": "new",
    }  # fmt: skip
    assert rows["cleo"]["parts"]["new"] == rows["cleo"]["contribution"] < 0
    middle = (18 / 21 + 27 / 28) / 2
    assert rows["bob"]["contribution"] == pytest.approx(-(10 / 28) * (1 - middle), abs=2e-6)
    assert rows["bob"]["value"]["value"] is None
    contributions = [abs(row["contribution"]) for row in answer["data"]]
    assert contributions == sorted(contributions, reverse=True)


def test_counts_and_the_rest(tenant: Tenant) -> None:
    push(tenant, "calls", [*calls("2026-01-05", 5, queue="a"), *calls("2026-01-06", 3, queue="b"),
                           *calls("2026-01-07", 2, queue="c")])  # fmt: skip
    push(tenant, "calls", [*calls("2026-02-05", 9, queue="a"), *calls("2026-02-06", 2, queue="b"),
                           *calls("2026-02-07", 2, queue="d")])  # fmt: skip
    answer = why(tenant, "calls_offered", ["queue"], top={"n": 1})
    assert (answer["change"], answer["parts"]) == (
        3, {"volume": 3, "mix": None, "rate": None, "new": 2, "gone": -2},
    )  # fmt: skip
    (row,) = answer["data"]
    assert (row["dimensions"]["queue"]["key"], row["contribution"]) == ("a", 4)
    other = answer["other"]
    assert (other["members"], other["contribution"]) == (3, -1)
    assert (other["value"]["value"], other["value"]["compare"]["value"]) == (4, 5)
    check_sums(answer)
    both = why(tenant, "calls_offered", ["queue", "time:day_of_week"])
    check_sums(both)
    assert both["change"] == 3


def test_every_kind_that_splits_adds_up(talked: Tenant) -> None:
    for metric in (
        "service_level", "abandonment_rate", "average_speed_of_answer", "nps", "net_flow",
        "backlog_open", "contacts_handled_per_hour", "cost_per_contact", "occupancy",
        {"id": "average_talk_time", "agg": "sum"}, {"id": "average_talk_time", "agg": "count"},
    ):  # fmt: skip
        answer = why(talked, metric, ["queue", "agent"])
        if answer["change"] is None:
            assert answer["null_reason"] == "no_observations"
            assert (answer["parts"], answer["data"]) == (None, [])
        else:
            check_sums(answer)


def test_segments_are_explained_as_well(talked: Tenant) -> None:
    def queue(name: str) -> Any:
        return {"dimension": "queue", "op": "in", "values": [name]}

    compare = {"to": "segment", "filters": queue("chat")}
    answer = why(talked, "average_talk_time", ["agent"], compare=compare, filters=queue("email"))
    assert answer["change"] == 6850
    assert answer["parts"]["rate"] == 6850


@pytest.mark.parametrize(
    ("metric", "by", "pointer", "code"),
    [
        ("tickets_solved", ["channel"], "/metrics/0/id", "not_supported"),
        ("contacts_per_customer", ["channel"], "/metrics/0/id", "not_supported"),
        ("slowest_response_time", ["channel"], "/metrics/0/id", "not_supported"),
        ({"id": "response_time", "agg": "p90"}, ["channel"], "/metrics/0/agg", "not_supported"),
        ({"id": "response_time", "agg": "max"}, ["channel"], "/metrics/0/agg", "not_supported"),
        ("calls_offered", ["time:day"], "/by/0", "dimension_not_allowed"),
        ("calls_offered", ["queue", "colour"], "/by/1", "unknown_dimension"),
        ("calls_offered", [], "/by", "too_short"),
    ],
)
def test_what_cannot_be_split(
    tenant: Tenant, metric: Any, by: list[str], pointer: str, code: str
) -> None:
    refused = why(tenant, metric, by, status=422)
    (error,) = refused["errors"]
    assert (error["pointer"], error["code"]) == (pointer, code)
    if pointer.startswith("/metrics"):
        assert error["allowed"]


def test_one_metric_and_a_comparison(tenant: Tenant) -> None:
    body: dict[str, Any] = {
        "metrics": [{"id": "calls_offered"}, {"id": "csat_score"}],
        "time": {"range": FEBRUARY},
        "by": ["queue"],
    }
    for change, pointer in (({}, "/compare"), ({"compare": {"to": "rest"}}, "/metrics")):
        answer = tenant.http.post("/v1/query/explain-change", json=body | change)
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["pointer"] in (pointer, "/metrics")


def test_a_stock_of_nothing_has_no_members(tenant: Tenant) -> None:
    answer = why(tenant, "backlog_open", ["team"])
    assert (answer["change"], answer["data"]) == (0, [])

"""GET /v1/kb/terms over HTTP: what is counted, in which range, and for whom."""

import csv
import io
from collections.abc import Callable
from typing import Any

import pytest
from tests.conftest import Tenant

DAY = {"from": "2026-01-05", "to": "2026-01-06"}
# term, results, instant; the tenant is in Berlin, where the day starts at 23:00 UTC
SEARCHES = [
    ("Return a parcel", 3, "2026-01-04T23:00:00Z"),
    (" return  A parcel", 0, "2026-01-05T10:00:00Z"),
    ("إسترجاع الأموال", 0, "2026-01-05T10:01:00Z"),
    ("استرجاع الاموال", 2, "2026-01-05T10:02:00Z"),
    ("退款", 1, "2026-01-05T10:03:00Z"),
    ("parcel", 1, "2026-01-05T22:59:59.999999Z"),
    ("lina@example.org", 0, "2026-01-05T11:00:00Z"),
    ("+49 30 1234567", 1, "2026-01-05T11:01:00Z"),
    (None, 0, "2026-01-05T11:02:00Z"),
    ("too early", 1, "2026-01-04T22:59:59Z"),
    ("too late", 1, "2026-01-05T23:00:00Z"),
]


def search(number: int, term: str | None, results: int, at: str, **more: Any) -> dict[str, Any]:
    return {
        "source": "help", "external_id": f"v{number}", "type": "search", "occurred_at": at,
        "term": term, "results_count": results, **more,
    }  # fmt: skip


def send(tenant: Tenant, *items: dict[str, Any]) -> None:
    answer = tenant.http.post("/v1/kb-events/batch", json=items)
    assert answer.json()["summary"]["rejected"] == 0, answer.text


def terms(tenant: Tenant, status: int = 200, **params: Any) -> Any:
    answer = tenant.http.get("/v1/kb/terms", params={**DAY, **params})
    assert answer.status_code == status, answer.text
    return answer.json()


def counts(report: Any) -> list[tuple[str, int, int]]:
    return [(row["term"], row["searches"], row["zero_results"]) for row in report["data"]]


@pytest.fixture
def searched(make_tenant: Callable[..., Tenant]) -> Tenant:
    tenant = make_tenant("Europe/Berlin")
    items = [search(number, *each) for number, each in enumerate(SEARCHES)]
    view = {"source": "help", "external_id": "x", "type": "view", "occurred_at": SEARCHES[1][2]}
    send(tenant, *items, view)
    return tenant


def test_terms_of_a_local_day(searched: Tenant) -> None:
    report = terms(searched)
    assert counts(report) == [
        ("return a parcel", 2, 1),
        ("استرجاع الاموال", 2, 1),
        ("parcel", 1, 0),
        ("退款", 1, 0),
    ]
    assert [row["zero_result_share"] for row in report["data"]] == [0.5, 0.5, 0, 0]
    assert report["totals"] == {
        "searches": 9, "zero_results": 4, "no_clicks": 0, "no_click_share": None, "without_term": 3
    }  # fmt: skip
    assert (report["start"], report["end"]) == ("2026-01-04T23:00:00Z", "2026-01-05T23:00:00Z")
    assert report["timezone"] == "Europe/Berlin"


def test_words_count_once_a_search(searched: Tenant) -> None:
    send(searched, search(20, "Parcel, parcel and PARCEL", 0, "2026-01-05T12:00:00Z"))
    assert counts(terms(searched, by="word"))[:4] == [
        ("parcel", 4, 2),
        ("a", 2, 1),
        ("return", 2, 1),
        ("استرجاع", 2, 1),
    ]


def test_the_most_searched_come_first(searched: Tenant) -> None:
    assert counts(terms(searched, limit=1)) == [("return a parcel", 2, 1)]
    assert terms(searched, limit=1)["totals"]["searches"] == 9


def test_which_results_were_clicked(searched: Tenant) -> None:
    """As kb_no_click_rate counts it: of searches with results in a session."""
    items = [
        search(30, "parcel", 2, "2026-01-05T13:00:00Z", session="s1"),
        search(31, "parcel", 2, "2026-01-05T13:05:00Z", session="s1"),
        search(32, "退款", 2, "2026-01-05T13:00:00Z", session="s2"),
    ]
    click = {"source": "help", "external_id": "k", "type": "click", "session": "s1",
             "occurred_at": "2026-01-05T13:06:00Z"}  # fmt: skip
    send(searched, *items, click)
    report = terms(searched, sort="no_clicks")
    found = {row["term"]: (row["no_clicks"], row["no_click_share"]) for row in report["data"]}
    assert found == {
        "parcel": (1, 0.5), "退款": (1, 1), "return a parcel": (0, None),
        "استرجاع الاموال": (0, None),
    }  # fmt: skip
    asked = searched.http.post("/v1/query", json={
        "metrics": [{"id": "kb_no_click_rate"}], "time": {"range": DAY},
    }).json()["data"][0]["metrics"]["kb_no_click_rate"]  # fmt: skip
    totals = report["totals"]
    assert (totals["no_clicks"], totals["no_click_share"]) == (asked["numerator"], asked["value"])
    assert [row["term"] for row in report["data"]][:2] == ["parcel", "退款"]
    assert terms(searched, sort="zero_results")["data"][0]["zero_results"] == 1


def test_csv_has_the_same_terms(searched: Tenant) -> None:
    answer = searched.http.get("/v1/kb/terms", params=DAY, headers={"Accept": "text/csv"})
    *rows, totals = csv.DictReader(io.StringIO(answer.text))
    assert [row["term"] for row in rows] == [each["term"] for each in terms(searched)["data"]]
    assert (rows[0]["zero_results"], totals["searches"]) == ("1", "9")


def test_another_zone_has_other_days(searched: Tenant) -> None:
    report = terms(searched, timezone="UTC")
    assert [term for term, *_ in counts(report) if term.startswith("too")] == ["too late"]
    assert report["totals"]["searches"] == 9


def test_what_is_corrected_or_deleted_counts_as_it_is_now(searched: Tenant) -> None:
    moved = search(4, "付款", 0, "2026-01-05T10:03:00Z")
    gone = search(5, "parcel", 1, "2026-01-05T22:00:00Z", deleted=True)
    send(searched, moved, gone)
    assert counts(terms(searched))[2:] == [("付款", 1, 1)]
    assert terms(searched)["totals"]["searches"] == 8


def test_order_and_doubles_change_nothing(
    searched: Tenant, make_tenant: Callable[..., Tenant]
) -> None:
    other = make_tenant("Europe/Berlin")
    items = [search(number, *each) for number, each in enumerate(SEARCHES)]
    for item in (*items[::-1], *items):
        send(other, item)
    assert terms(other) == terms(searched)


def test_another_tenant_sees_nothing(searched: Tenant, make_tenant: Callable[..., Tenant]) -> None:
    other = make_tenant("Europe/Berlin")
    nothing = {
        "searches": 0, "zero_results": 0, "no_clicks": 0, "no_click_share": None, "without_term": 0
    }  # fmt: skip
    for by in ("term", "word"):
        report = terms(other, by=by)
        assert (report["data"], report["totals"]) == ([], nothing)
    assert terms(searched)["data"]


def test_it_needs_the_scope_of_reports(make_tenant: Callable[..., Tenant]) -> None:
    assert terms(make_tenant(scopes=["ingest:write"]), status=403)["code"] == "insufficient_scope"


REFUSED = [
    ({"from": "2026-02-30"}, "/from", "invalid_value"),
    ({"to": "2026-01-05"}, "/to", "invalid_value"),
    ({"to": None}, "/to", "required"),
    ({"timezone": "Mars"}, "/timezone", "invalid_value"),
    ({"preset": "today"}, "/preset", "invalid_value"),
    ({"limit": 0}, "/limit", "out_of_range"),
    ({"limit": 1001}, "/limit", "out_of_range"),
    ({"by": "letter"}, "/by", "invalid_value"),
    ({"sort": "luck"}, "/sort", "invalid_value"),
    ({"language": "en"}, "/language", "unknown_parameter"),
]


@pytest.mark.parametrize(("params", "pointer", "code"), REFUSED, ids=range(len(REFUSED)))
def test_what_cannot_be_asked_is_named(
    tenant: Tenant, params: dict[str, Any], pointer: str, code: str
) -> None:
    wanted = {name: value for name, value in {**DAY, **params}.items() if value is not None}
    answer = tenant.http.get("/v1/kb/terms", params=wanted)
    assert 400 <= answer.status_code < 500, answer.text
    (error,) = answer.json()["errors"]
    assert (error["pointer"], error["code"]) == (pointer, code)


def test_without_a_range_it_is_the_last_30_days(tenant: Tenant) -> None:
    answer = tenant.http.get("/v1/kb/terms")
    assert answer.status_code == 200
    assert answer.json()["data"] == []

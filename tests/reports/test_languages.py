"""Labels in the reader's language, over HTTP: keys and numbers are the same in all of them."""

import time
from typing import Any

import httpx
import pytest
from tests.conftest import Product, Tenant
from tests.reports.calls import TIME, push_calls

from csapi.kit.language import Language

HEAT_MAP: dict[str, Any] = {
    "metrics": [{"id": "calls_offered"}],
    "time": TIME,
    "dimensions": ["channel", "time:day_of_week"],
    "shape": "matrix",
}
WANTED = {"en": None, "ar": "ar-EG, en;q=0.5", "zh-Hans": "zh-CN"}


@pytest.fixture
def calls(tenant: Tenant) -> Tenant:
    return push_calls(tenant)


def send(tenant: Tenant, method: str, url: str, language: str, **more: Any) -> httpx.Response:
    headers = {} if WANTED[language] is None else {"accept-language": WANTED[language]}
    answer = tenant.http.request(method, url, headers=headers | more.pop("headers", {}), **more)
    assert answer.status_code in (200, 202, 304), answer.text
    if answer.status_code == 200:
        assert answer.headers["content-language"] == language
    assert "Accept-Language" in answer.headers.get("vary", "Accept-Language")
    return answer


def without_labels(node: Any) -> Any:
    if isinstance(node, dict):
        return {k: without_labels(v) for k, v in node.items() if k not in ("label", "state_label")}
    return [without_labels(each) for each in node] if isinstance(node, list) else node


def test_a_matrix(calls: Tenant) -> None:
    found = {
        language: send(calls, "POST", "/v1/query", language, json=HEAT_MAP).json()
        for language in WANTED
    }
    matrix = {language: each["matrix"] for language, each in found.items()}
    assert [each["rows"][0]["label"] for each in matrix.values()] == ["Phone", "الهاتف", "电话"]
    days = [each["columns"][0]["label"] for each in matrix.values()]
    assert days == ["Monday", "الاثنين", "星期一"]
    metrics = [each["metrics"][0]["label"] for each in matrix.values()]
    assert metrics == ["Calls offered", "المكالمات المعروضة", "呼入电话"]
    columns = [each["meta"]["columns"]["calls_offered"]["label"] for each in found.values()]
    assert columns == metrics
    for each in matrix.values():
        assert without_labels(each) == without_labels(matrix["en"])


def test_what_the_tenant_has_named_keeps_its_name(calls: Tenant) -> None:
    item = {"source": "x", "external_id": "phone", "label": "Hotline"}
    assert calls.http.post("/v1/channels", json=item).status_code == 201
    definition = {"label": "Own", "formula": "calls_answered / calls_offered", "unit": "share"}
    calls.http.put("/v1/custom-metrics/own", json=definition)
    query = HEAT_MAP | {"metrics": [{"id": "custom.own"}]}
    found = send(calls, "POST", "/v1/query", "ar", json=query).json()["matrix"]
    assert found["rows"][0]["label"] == "Hotline"
    assert found["metrics"][0]["label"] == "Own"
    members = send(calls, "GET", "/v1/dimensions/channel/values", "ar").json()["data"]
    assert members == [{"key": "phone", "label": "Hotline"}]


def test_rows_series_and_tables(calls: Tenant) -> None:
    query = HEAT_MAP | {"dimensions": ["agent"], "shape": "rows", "include": ["totals"]}
    rows = send(calls, "POST", "/v1/query", "ar", json=query).json()
    assert rows["data"][-1]["dimensions"]["agent"] == {
        "key": None, "label": "(بلا)", "start": None, "end": None,
    }  # fmt: skip
    table = send(calls, "POST", "/v1/query", "ar", json=query, headers={"accept": "text/csv"})
    assert table.headers["vary"] == "Accept, Accept-Language"
    assert "(بلا)" in table.text
    top = {"n": 1, "by": "calls_offered", "other": True}
    series = HEAT_MAP | {"dimensions": ["agent", "time:day"], "shape": "series", "top": top}
    found = send(calls, "POST", "/v1/query", "zh-Hans", json=series).json()["series"]
    assert [each["label"] for each in found] == ["a1", "其他"]
    alone = HEAT_MAP | {"dimensions": [], "shape": "series"}
    found = send(calls, "POST", "/v1/query", "zh-Hans", json=alone).json()
    assert (found["categories"][0]["label"], found["series"][0]["label"]) == ("(全部)", "呼入电话")


def test_whatever_has_labels_says_its_language(calls: Tenant) -> None:
    change = HEAT_MAP | {"by": ["channel"], "compare": {"to": "previous_period"}}
    del change["dimensions"], change["shape"]
    behind = {"metrics": [{"id": "calls_offered"}], "time": TIME}
    for language in WANTED:
        for url in ("/v1/metrics/calls_offered", "/v1/dimensions", "/v1/agents/presence"):
            send(calls, "GET", url, language)
        params = {"set": "call_center", "from": "2026-01-01", "to": "2026-02-01"}
        kpis = send(calls, "GET", "/v1/kpis", language, params=params).json()
        assert kpis["data"][0]["label"] == kpis["meta"]["columns"]["calls_offered"]["label"]
        batch = {"queries": {"a": HEAT_MAP}}
        send(calls, "POST", "/v1/query/batch", language, json=batch)
        send(calls, "POST", "/v1/query/explain-change", language, json=change)
        send(calls, "POST", "/v1/query/records", language, json=behind)
    listed = send(calls, "GET", "/v1/metrics", "zh-Hans").json()["data"]
    english = send(calls, "GET", "/v1/metrics", "en").json()["data"]
    assert without_labels(listed) == without_labels(english)
    assert next(each for each in listed if each["id"] == "shifts")["label"] == "班次"


def test_a_tag_is_of_one_language(calls: Tenant) -> None:
    assert calls.http.put("/v1/queries/q", json=HEAT_MAP).status_code == 201
    url, tags = "/v1/queries/q/result", {}
    for language in WANTED:
        answer = send(calls, "GET", url, language)
        assert answer.headers["vary"] == "Accept, Authorization, Accept-Language"
        tags[language] = answer.headers["etag"]
    assert len(set(tags.values())) == len(tags)
    for language in WANTED:
        for other, tag in tags.items():
            answer = send(calls, "GET", url, language, headers={"if-none-match": tag})
            assert answer.status_code == (304 if other == language else 200)


def test_a_file_is_in_the_language_of_who_asked(product: Product, calls: Tenant) -> None:
    query = HEAT_MAP | {"shape": "rows"}
    for more, expected in (({}, "الهاتف"), ({"language": "zh-Hans"}, "电话")):
        wanted = {"format": "csv", "query": query, **more}
        made = send(calls, "POST", "/v1/exports", "ar", json=wanted).json()
        for _ in range(300):
            export = calls.http.get(f"/v1/exports/{made['id']}").json()
            if export["status"] not in ("queued", "running"):
                break
            time.sleep(0.1)
        assert export["request"]["language"] in [each.value for each in Language]
        text = httpx.get(f"{product.base_url}{export['download']['url']}", timeout=30).text
        assert expected in text

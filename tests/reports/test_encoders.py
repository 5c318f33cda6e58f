"""CSV and NDJSON say what JSON says, digit for digit."""

import csv
import io
import json
from collections.abc import Mapping
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.conftest import Tenant
from tests.reports.calls import TIME, push_calls

from csapi.reports.encoders import GUARDED, cell, csv_of, media_type_of, ndjson_of
from csapi.reports.schemas import Query, QueryAnswer

CSV, NDJSON = "text/csv", "application/x-ndjson"
ASKED: dict[str, Any] = {
    "metrics": [
        {"id": "calls_offered"},
        {"id": "average_speed_of_answer", "as": "wait", "agg": "p90"},
    ],
    "time": TIME,
    "dimensions": ["queue", "time:week"],
    "include": ["totals"],
}


@pytest.fixture
def calls(tenant: Tenant) -> Tenant:
    return push_calls(tenant)


def post(tenant: Tenant, accept: str, **more: Any) -> Any:
    return tenant.http.post("/v1/query", json=ASKED | more, headers={"accept": accept})


def unguarded(text: str) -> str | None:
    if text == "":
        return None
    return text[1:] if text.startswith("'") and text[1:].startswith(GUARDED) else text


def number(text: str) -> Any:
    return None if text == "" else json.loads(text)


def from_csv(body: str, dimensions: list[str], metrics: list[str]) -> list[Any]:
    """The rows of a table as JSON would have them."""
    found = []
    for row in csv.DictReader(io.StringIO(body, newline="")):
        members = {
            name: {
                "key": unguarded(row[name]),
                "label": unguarded(row[f"{name}.label"]),
                "start": row.get(f"{name}.start") or None,
                "end": row.get(f"{name}.end") or None,
            }
            for name in dimensions
        }
        values = {name: value_of(row, name) for name in metrics}
        is_data = row["row"] == "data"
        found.append(
            {"row": row["row"], "dimensions": members if is_data else {}, "metrics": values}
        )
    return found


def value_of(row: Mapping[str, str], name: str) -> dict[str, Any]:
    return {
        "value": number(row[name]),
        "n": number(row[f"{name}.n"]),
        "numerator": number(row[f"{name}.numerator"]),
        "denominator": number(row[f"{name}.denominator"]),
        "null_reason": row[f"{name}.null_reason"] or None,
        "precision": row[f"{name}.precision"],
        "relative_error": number(row[f"{name}.relative_error"]),
        "excluded": {"negative_duration": number(row[f"{name}.excluded.negative_duration"])},
    }


def rows_of_json(answer: Any) -> list[Any]:
    found = [{"row": "data", **row} for row in answer["data"]]
    more = [kind for kind in ("other", "totals") if answer[kind] is not None]
    return [*found, *({"row": kind, "dimensions": {}, "metrics": answer[kind]} for kind in more)]


@pytest.mark.parametrize("more", [{}, {"top": {"n": 1, "by": "calls_offered", "other": True}}])
def test_all_encodings_agree(calls: Tenant, more: dict[str, Any]) -> None:
    answers = {name: post(calls, name, **more) for name in ("application/json", CSV, NDJSON)}
    for name, answer in answers.items():
        assert answer.headers["content-type"].startswith(name)
        assert answer.headers["vary"] == "Accept, Accept-Language"
    expected = rows_of_json(answers["application/json"].json())
    assert len(expected) > 2
    table = from_csv(answers[CSV].text, ASKED["dimensions"], ["calls_offered", "wait"])
    assert table == expected
    *lines, last = map(json.loads, answers[NDJSON].text.splitlines())
    assert lines == expected
    assert last["row"] == "meta"
    assert last["meta"]["columns"] == answers["application/json"].json()["meta"]["columns"]


def test_the_columns_of_a_table_are_those_documented(calls: Tenant) -> None:
    header = post(calls, CSV).text.splitlines()[0].split(",")
    assert header[:8] == [
        "row", "queue", "queue.label", "time:week", "time:week.label", "time:week.start",
        "time:week.end", "calls_offered",
    ]  # fmt: skip


def test_pages_of_a_table(calls: Tenant) -> None:
    first = post(calls, CSV, limit=1, include=[])
    second = post(calls, CSV, limit=1, include=[], cursor=first.headers["x-next-cursor"])
    whole = post(calls, CSV, include=[])
    assert "x-next-cursor" not in whole.headers
    lines = [each.text.splitlines() for each in (first, second, whole)]
    assert [lines[0][1], lines[1][1]] == lines[2][1:3]


def test_a_table_is_of_rows(calls: Tenant) -> None:
    answer = post(calls, CSV, shape="series", include=[])
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/shape"


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (None, "application/json"),
        ("*/*", "application/json"),
        ("text/html", "application/json"),
        ("application/json, text/csv, */*", "application/json"),
        ("text/csv, application/json;q=0.9", CSV),
        ("application/x-ndjson", NDJSON),
    ],
)
def test_the_encoding_is_what_the_request_prefers(accept: str | None, expected: str) -> None:
    assert media_type_of(accept) == expected


def test_a_name_cannot_become_a_formula(tenant: Tenant) -> None:
    names = ['=1+1"', "@SUM(A1)", "-5", "+4", "\ttab", "'quoted", "a,b", "مرحبا"]
    items = [
        {"source": "s", "external_id": f"c{n}", "queue_entered_at": "2026-01-05T10:00:00Z",
         "outcome": "answered", "wait_seconds": 1, "queue": name}
        for n, name in enumerate(names)
    ]  # fmt: skip
    assert tenant.http.post("/v1/calls/batch", json=items).json()["summary"]["created"] == len(
        items
    )
    asked = ASKED | {"dimensions": ["queue"], "include": []}
    json_answer = tenant.http.post("/v1/query", json=asked).json()
    table = tenant.http.post("/v1/query", json=asked, headers={"accept": CSV}).text
    cells = [row["queue"] for row in csv.DictReader(io.StringIO(table, newline=""))]
    assert not any(text.startswith(("=", "+", "-", "@", "\t")) for text in cells)
    assert from_csv(table, ["queue"], ["calls_offered", "wait"]) == rows_of_json(json_answer)


@given(st.text(min_size=1))
def test_text_comes_back_from_its_cell(text: str) -> None:
    assert unguarded(cell(text)) == text


MEMBER = st.fixed_dictionaries(
    {
        "key": st.none() | st.text(min_size=1),
        "label": st.text(min_size=1),
        "start": st.none(),
        "end": st.none(),
    }
)
NUMBER = st.none() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
VALUE = st.fixed_dictionaries(
    {
        "value": NUMBER,
        "n": st.integers(0, 2**40),
        "numerator": NUMBER,
        "denominator": NUMBER,
        "null_reason": st.sampled_from([None, "no_observations"]),
        "precision": st.sampled_from(["exact", "approximate"]),
        "relative_error": st.none() | st.just(0.01),
        "excluded": st.fixed_dictionaries({"negative_duration": st.integers(0, 9)}),
    }
)
ROW = st.fixed_dictionaries(
    {
        "dimensions": st.fixed_dictionaries({"queue": MEMBER}),
        "metrics": st.fixed_dictionaries({"m": VALUE}),
    }
)


@given(st.lists(ROW, max_size=4), st.none() | VALUE)
def test_any_answer_is_the_same_in_all_encodings(rows: list[Any], total: Any) -> None:
    answer: dict[str, Any] = {
        "data": rows, "categories": None, "series": None, "matrix": None, "other": None,
        "totals": None if total is None else {"m": total}, "page": {"next_cursor": None},
        "meta": {
            "query": {}, "definitions": {}, "exact": True, "pending_buckets": 0,
            "pending_subjects": 0, "source": "facts", "data_through": None, "warnings": [],
            "mature_through": {},
            "columns": {"m": {"unit": "count", "direction": "neutral", "label": "m"}},
        },
    }  # fmt: skip
    typed = msgspec.convert(answer, QueryAnswer)
    query = msgspec.convert(ASKED | {"dimensions": ["queue"]}, Query)
    expected = rows_of_json(msgspec.to_builtins(typed))
    lines = [json.loads(line) for line in ndjson_of(typed).splitlines()]
    assert lines[:-1] == expected
    assert from_csv(csv_of(query, typed).decode(), ["queue"], ["m"]) == expected

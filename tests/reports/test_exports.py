"""Exports over HTTP: the same rows as the answer, every record once, and links for those meant."""

import base64
import csv
import io
import json
import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest
from tests.conftest import Product, Tenant, with_loop
from tests.isolation.keys import new_key
from tests.reports.calls import TIME, push_calls

from csapi.reports.exports.links import is_signed, read_link, write_link

DONE_SECONDS = 40
QUERY: dict[str, Any] = {
    "metrics": [{"id": "calls_offered"}, {"id": "average_speed_of_answer", "agg": "p90"}],
    "time": TIME,
    "dimensions": ["agent", "time:day"],
    "include": ["totals"],
    "limit": 2,
}


@pytest.fixture
def calls(tenant: Tenant) -> Tenant:
    return push_calls(tenant)


def ask(tenant: Tenant, **wanted: Any) -> Any:
    answer = tenant.http.post("/v1/exports", json=wanted)
    assert answer.status_code == 202, answer.text
    assert answer.headers["location"] == f"/v1/exports/{answer.json()['id']}"
    return answer.json()


def finished(tenant: Tenant, export: str) -> Any:
    deadline = time.monotonic() + DONE_SECONDS
    while time.monotonic() < deadline:
        found = tenant.http.get(f"/v1/exports/{export}").json()
        if found["status"] in ("done", "failed"):
            return found
        time.sleep(0.1)
    raise AssertionError(found)


def file_of(product: Product, export: Any) -> httpx.Response:
    """Fetched without a key."""
    answer = httpx.get(f"{product.base_url}{export['download']['url']}", timeout=30)
    assert answer.status_code == 200, answer.text
    assert int(answer.headers["content-length"]) == export["bytes"] == len(answer.content)
    return answer


def refused(tenant: Tenant, wanted: Any, status: int = 422) -> Any:
    answer = tenant.http.post("/v1/exports", json=wanted)
    assert answer.status_code == status, answer.text
    return answer.json()


def test_a_query_as_a_file_has_the_rows_of_its_answer(product: Product, calls: Tenant) -> None:
    whole = QUERY | {"limit": 1000}
    for name, accept in (("csv", "text/csv"), ("ndjson", "application/x-ndjson")):
        export = finished(calls, ask(calls, format=name, query=QUERY)["id"])
        assert (export["status"], export["progress"], export["problem"]) == ("done", 1, None)
        found = file_of(product, export)
        asked = calls.http.post("/v1/query", json=whole, headers={"accept": accept})
        assert found.headers["content-type"].startswith(accept)
        assert f'filename="query-{export["id"]}.{name}"' in found.headers["content-disposition"]
        lines, expected = found.text.splitlines(), asked.text.splitlines()
        assert len(lines) == export["rows"] + 1 == export["rows_total"] + 1
        # The last line of NDJSON is not of rows: it repeats the question, with its limit.
        size = len(expected) - (name == "ndjson")
        assert lines[:size] == expected[:size]


def test_every_record_is_a_line(product: Product, calls: Tenant) -> None:
    deleted = {"source": "pbx", "external_id": "a1-0", "queue_entered_at": "2026-01-05T10:00:00Z"}
    assert calls.http.post("/v1/calls", json={**deleted, "deleted": True}).status_code == 200
    names = calls.http.get("/v1/calls").json()["data"]
    living = [each for each in names if not each["deleted"]]
    asked = {"resource": "calls", "from": "2026-01-05", "to": "2026-01-07"}
    chosen = [each for each in living if "2026-01-05" <= each["queue_entered_at"] < "2026-01-07"]
    assert 0 < len(chosen) < len(living)
    lines = file_of(
        product, finished(calls, ask(calls, format="ndjson", records=asked)["id"])
    ).text.splitlines()
    assert [json.loads(line) for line in lines] == chosen
    everything = ask(calls, format="csv", records={"resource": "calls"})
    table = file_of(product, finished(calls, everything["id"])).text
    rows = list(csv.DictReader(io.StringIO(table, newline="")))
    assert [row["id"] for row in rows] == [each["id"] for each in living]
    for row, record in zip(rows, living, strict=True):
        assert row["external_id"] == record["external_id"]
        assert float(row["wait_seconds"]) == record["wait_seconds"]
        assert json.loads(row["legs"]) == record["legs"]


@pytest.mark.parametrize(
    ("wanted", "pointer", "code"),
    [
        ({"format": "csv"}, "", "invalid_value"),
        ({"format": "csv", "query": QUERY, "records": {"resource": "calls"}}, "", "invalid_value"),
        ({"format": "pdf", "query": QUERY}, "/format", "invalid_value"),
        ({"format": "csv", "query": QUERY | {"shape": "matrix"}}, "/query/shape", "invalid_value"),
        (
            {"format": "csv", "query": QUERY | {"metrics": [{"id": "x"}]}},
            "/query/metrics/0/id",
            "unknown_metric",
        ),
        ({"format": "csv", "records": {"resource": "agents"}}, "/records/resource", None),
        (
            {"format": "csv", "records": {"resource": "calls", "from": "soon"}},
            "/records/from",
            "invalid_value",
        ),
        (
            {
                "format": "csv",
                "records": {"resource": "calls", "from": "2026-02-01", "to": "2026-01-01"},
            },
            "/records/to",
            "invalid_value",
        ),
    ],
)
def test_what_cannot_be_exported(
    tenant: Tenant, wanted: Any, pointer: str, code: str | None
) -> None:
    problem = refused(tenant, wanted)
    assert problem["errors"][0]["pointer"] == pointer
    assert code in (None, problem["code"])


def test_records_take_a_key_that_may_read_them(product: Product, calls: Tenant) -> None:
    made = ask(calls, format="csv", records={"resource": "calls"})
    assert finished(calls, made["id"])["download"] is not None
    headers = {"Authorization": f"Bearer {new_key(product, calls.tenant_id, 'reports:read')}"}
    narrow = httpx.Client(base_url=product.base_url, headers=headers, timeout=30)
    with narrow:
        asked = narrow.post("/v1/exports", json={"format": "csv", "records": {"resource": "calls"}})
        assert (asked.status_code, asked.json()["code"]) == (403, "insufficient_scope")
        seen = narrow.get(f"/v1/exports/{made['id']}").json()
    assert (seen["status"], seen["download"]) == ("done", None)


def test_a_link_is_of_one_file_and_ends(
    product: Product, calls: Tenant, make_tenant: Callable[..., Tenant]
) -> None:
    one, two = (finished(calls, ask(calls, format="csv", query=QUERY)["id"]) for _ in range(2))
    token = one["download"]["url"].partition("token=")[2]
    link = read_link(token)
    assert link is not None
    assert link.tenant_id == calls.tenant_id
    raw = bytearray(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    raw[20] ^= 1
    longer = base64.urlsafe_b64encode(raw).decode().rstrip("=")
    own = write_link(b"x" * 32, calls.tenant_id, UUID(one["id"]), link.expires)
    others = write_link(b"x" * 32, make_tenant().tenant_id, UUID(one["id"]), link.expires)
    attempts = [(two["id"], token)]
    attempts += [(one["id"], each) for each in (longer, own, others, token[:-2], "", "ü")]
    bodies = []
    for export, each in attempts:
        url = f"{product.base_url}/v1/exports/{export}/download"
        answer = httpx.get(url, params={"token": each}, timeout=30)
        assert answer.status_code == 404
        bodies.append(answer.json()["detail"])
    assert len(set(bodies)) == 1
    assert calls.http.delete(f"/v1/exports/{one['id']}").status_code == 204
    assert httpx.get(f"{product.base_url}{one['download']['url']}").status_code == 404
    assert calls.http.get(f"/v1/exports/{one['id']}").status_code == 404


def test_a_file_that_breaks_off_never_looks_whole(product: Product, calls: Tenant) -> None:
    export = finished(calls, ask(calls, format="csv", query=QUERY)["id"])

    async def change(sql: str) -> None:
        connection = await asyncpg.connect(product.database.admin_url)
        try:
            await connection.execute(sql, UUID(export["id"]))
        finally:
            await connection.close()

    url = f"{product.base_url}{export['download']['url']}"
    with_loop(lambda: change("UPDATE csapi.exports SET bytes = bytes + 1 WHERE id = $1"))
    with pytest.raises(httpx.RemoteProtocolError):
        httpx.get(url, timeout=30)
    with_loop(lambda: change("DELETE FROM csapi.export_chunks WHERE export = $1"))
    assert httpx.get(url, timeout=30).status_code == 404


def test_a_signature_is_of_all_that_the_link_says() -> None:
    tenant, export, secret = UUID(int=1), UUID(int=2), b"s" * 32
    link = read_link(write_link(secret, tenant, export, 1000))
    assert link is not None
    assert is_signed(link, secret, export)
    assert not is_signed(link, secret, UUID(int=3))
    assert not is_signed(link, b"t" * 32, export)


TEAM_A = {"dimension": "agent", "op": "in", "values": ["a1", "a3"]}


@pytest.mark.parametrize(
    ("filters", "names"),
    [
        (TEAM_A, ["a1-0", "a1-1", "a1-2", "a3-0", "a3-1"]),
        ({"not": TEAM_A}, ["None-0", "a2-0", "gone"]),
        ({"and": [TEAM_A, {"dimension": "queue", "op": "is_null"}]}, []),
        ({"dimension": "customer", "op": "in", "values": ["u0"]}, ["None-0", "a1-2", "a3-1"]),
        ({"dimension": "topic", "op": "in", "values": ["nobody"]}, []),
    ],
)
def test_records_by_the_filters_of_a_query(
    filters: Any, names: list[str], product: Product, calls: Tenant
) -> None:
    """As many as the metric of the record counts; a call without an agent is of nobody."""
    range_ = {"from": "2026-01-01", "to": "2026-02-01"}
    wanted = {"resource": "calls", **range_, "timezone": "UTC", "filters": filters}
    export = finished(calls, ask(calls, format="ndjson", records=wanted)["id"])
    lines = file_of(product, export).text.splitlines()
    found = sorted(json.loads(line)["external_id"] for line in lines)
    assert found == names
    query = {"metrics": [{"id": "calls_offered"}], "time": TIME, "filters": filters}
    answer = calls.http.post("/v1/query", json=query).json()
    assert answer["data"][0]["metrics"]["calls_offered"]["value"] == len(found)
    assert export["rows"] == export["rows_total"] == len(found)


@pytest.mark.parametrize(
    ("resource", "filters", "pointer", "code"),
    [
        ("calls", {"dimension": "x", "op": "is_null"}, "/dimension", "unknown_dimension"),
        ("calls", {"dimension": "agent", "op": "in"}, "/values", "required"),
        ("tickets", {"dimension": "rating", "op": "is_null"}, "/dimension", None),
    ],
)
def test_filters_of_records_are_checked(
    tenant: Tenant, resource: str, filters: Any, pointer: str, code: str | None
) -> None:
    wanted = {"format": "csv", "records": {"resource": resource, "filters": filters}}
    problem = refused(tenant, wanted)
    assert problem["errors"][0]["pointer"] == f"/records/filters{pointer}"
    assert code in (None, problem["code"])


def test_tickets_and_feedback_by_filters(product: Product, tenant: Tenant) -> None:
    """What no number counts, such as spam, passes no filter."""
    day = "2026-01-05T10:00:00Z"
    tickets = [
        {"source": "zd", "external_id": f"t{n}", "created_at": day, "channel": channel, **more}
        for n, (channel, more) in enumerate(
            [("email", {}), ("chat", {}), ("email", {"is_spam": True})]
        )
    ]
    feedback = [
        {"source": "s", "external_id": survey, "survey": survey, "rating": 5, "responded_at": day}
        for survey in ("csat", "ces", "nps")
    ]
    for resource, items in (("tickets", tickets), ("feedback", feedback)):
        answer = tenant.http.post(f"/v1/{resource}/batch", json=items)
        assert answer.json()["summary"]["created"] == 3, answer.text
    by_mail = {"dimension": "channel", "op": "in", "values": ["email"]}
    five = {"dimension": "rating", "op": "in", "values": ["5"]}
    for wanted, names in (
        ({"resource": "tickets", "filters": by_mail}, ["t0"]),
        ({"resource": "tickets", "filters": {"not": by_mail}}, ["t1"]),
        ({"resource": "tickets"}, ["t0", "t1", "t2"]),
        ({"resource": "feedback", "filters": five}, ["ces", "csat", "nps"]),
        ({"resource": "feedback", "filters": {"not": five}}, []),
    ):
        export = finished(tenant, ask(tenant, format="ndjson", records=wanted)["id"])
        lines = file_of(product, export).text.splitlines()
        assert sorted(json.loads(line)["external_id"] for line in lines) == names

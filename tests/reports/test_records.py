"""POST /v1/query/records over HTTP: what is behind a number, by its names."""

import csv
import io
import json
import re
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import msgspec
import pytest
from tests.conftest import Tenant
from tests.reports.calls import TIME, push_calls

from csapi.access.tenancy import tenant_transaction
from csapi.facts.kinds import Resource
from csapi.reports.records_names import RecordNames, record_names
from csapi.reports.records_schemas import CellRecord, RecordsQuery

WAIT = "average_speed_of_answer"
A1: dict[str, Any] = {"dimensions": ["agent"], "cell": {"agent": "a1"}}


@pytest.fixture
def calls(tenant: Tenant) -> Tenant:
    return push_calls(tenant)


def post(tenant: Tenant, metric: Any, accept: str = "application/json", **more: Any) -> Any:
    asked = {"id": metric} if isinstance(metric, str) else metric
    body = {"metrics": [asked], "time": TIME, **more}
    return tenant.http.post("/v1/query/records", json=body, headers={"accept": accept})


def behind(tenant: Tenant, metric: Any, status: int = 200, **more: Any) -> Any:
    answer = post(tenant, metric, **more)
    assert answer.status_code == status, answer.text
    return answer.json()


def send(tenant: Tenant, resource: str, *items: dict[str, Any]) -> None:
    answer: httpx.Response = tenant.http.post(f"/v1/{resource}/batch", json=list(items))
    summary = answer.json()["summary"]
    assert summary["created"] + summary["updated"] == len(items), answer.text


def names(answer: Any) -> list[str]:
    return [each["record"]["external_id"] for each in answer["data"]]


def parts(answer: Any, part: str) -> list[Any]:
    return [each["contribution"][part] for each in answer["data"]]


def test_an_entry_says_what_it_brings(calls: Tenant) -> None:
    answer = behind(calls, WAIT, **A1)
    value = answer["value"]
    assert (value["value"], value["n"], value["numerator"], value["denominator"]) == (20, 3, 60, 3)
    assert names(answer) == ["a1-0", "a1-1", "a1-2"]
    first = answer["data"][0]
    record = first.pop("record")
    assert (
        calls.http.get(f"/v1/{record['resource']}/{record['id']}").json()["external_id"] == "a1-0"
    )
    assert (record["resource"], record["source"]) == ("calls", "pbx")
    assert first == {
        "ticket": None, "occurred_at": "2026-01-05T10:00:00Z",
        "agent": "a1", "team": None, "channel": "phone",
        "contribution": {
            "numerator": 10, "denominator": 1, "n": 1, "value": None,
            "excluded": {"negative_duration": 0},
        },
    }  # fmt: skip
    assert parts(answer, "numerator") == [10, 20, 30]
    assert answer["page"] == {"next_cursor": None}
    meta = answer["meta"]
    assert (meta["source"], meta["exact"], meta["warnings"]) == ("facts", True, [])
    assert meta["query"]["cell"] == {"agent": "a1"}
    assert meta["query"]["time"]["range"]["to"] == "2026-02-01T00:00:00Z"


def test_the_example_of_the_docs() -> None:
    path = Path(__file__).resolve().parents[2] / "docs" / "records.md"
    asked, shown = re.findall(r"```json\n(.*?)```", path.read_text(), re.DOTALL)
    assert msgspec.json.decode(asked, type=RecordsQuery).cell["queue"] == "q1"
    answer = json.loads(shown)
    entries = msgspec.convert(answer["data"], list[CellRecord])
    assert [set(each) for each in answer["data"]] == [set(CellRecord.__struct_fields__)] * 2
    assert sum(each.contribution.numerator for each in entries) == answer["value"]["numerator"]


def test_none_is_a_key_and_no_cell_is_the_total(calls: Tenant) -> None:
    nobody = behind(calls, "calls_offered", dimensions=["agent"], cell={"agent": None})
    assert sorted(names(nobody)) == ["None-0", "gone"]
    assert len(behind(calls, "calls_offered", dimensions=["agent"])["data"]) == 8
    day = behind(calls, "calls_offered", dimensions=["time:day", "agent"],
                 cell={"time:day": "2026-01-06"})  # fmt: skip
    assert names(day) == ["a1-1", "a3-1", "gone"]


def test_what_is_in_no_part_is_not_listed(calls: Tenant) -> None:
    answer = behind(calls, {"id": "service_level", "params": {"threshold_seconds": 20}})
    # Abandoned in under the threshold: on neither side.
    assert len(answer["data"]) == 7
    assert sum(parts(answer, "numerator")) == answer["value"]["numerator"] == 4
    short = {"id": "service_level", "params": {"variant": "abandons_in_threshold_met"}}
    assert "gone" in names(behind(calls, short))


def test_the_record_that_caused_the_longest(calls: Tenant) -> None:
    answer = behind(calls, "longest_queue_wait", dimensions=["queue"], cell={"queue": "q1"})
    assert (names(answer), answer["value"]["value"]) == (["None-0"], 60)
    assert parts(answer, "value") == [60]
    least = behind(calls, {"id": WAIT, "agg": "min"}, **A1)
    assert (names(least), least["value"]["n"]) == (["a1-0"], 3)
    nothing = behind(calls, "longest_queue_wait", dimensions=["queue"], cell={"queue": "q9"})
    assert (nothing["data"], nothing["value"]["value"]) == ([], None)
    assert nothing["meta"]["warnings"] == ["no member of queue is called 'q9'"]


def test_each_customer_once(calls: Tenant) -> None:
    answer = behind(calls, "contacts_per_customer")
    assert {each["record"]["resource"] for each in answer["data"]} == {"customers"}
    assert sorted(names(answer)) == ["u0", "u1", "u2"]
    assert parts(answer, "denominator") == [1, 1, 1]
    assert sum(parts(answer, "numerator")) == answer["value"]["numerator"] == 7


def ticket(name: str, **more: Any) -> dict[str, Any]:
    return {"source": "zd", "external_id": name, "created_at": "2026-01-05T10:00:00Z", **more}


def test_what_is_open_and_what_made_it_so(tenant: Tenant) -> None:
    solved = {"status": "solved", "milestones": {"first_solved_at": "2026-01-07T10:00:00Z",
              "last_solved_at": "2026-01-07T10:00:00Z"}}  # fmt: skip
    send(tenant, "tickets", ticket("t1"), ticket("t2", **solved), ticket("t3", assignee="a1"))
    by_day: dict[str, Any] = {"dimensions": ["time:day"]}
    early = behind(tenant, "backlog_open", **by_day, cell={"time:day": "2026-01-06"})
    assert sorted(names(early)) == ["t1", "t2", "t3"]
    late = behind(tenant, "backlog_open", **by_day, cell={"time:day": "2026-01-31"})
    assert (sorted(names(late)), late["value"]["value"]) == (["t1", "t3"], 2)
    assert parts(late, "numerator") == [1, 1]
    assert {each["ticket"]["external_id"] for each in late["data"]} == {"t1", "t3"}
    flow = behind(tenant, "net_flow")
    assert sorted(zip(names(flow), parts(flow, "numerator"), strict=True)) == [
        ("t1", 1), ("t2", -1), ("t2", 1), ("t3", 1),
    ]  # fmt: skip
    assert flow["value"]["value"] == 2


def test_records_name_their_ticket(tenant: Tenant) -> None:
    send(tenant, "tickets", ticket("t1"))
    send(tenant, "feedback", {
        "source": "zd", "external_id": "f1", "survey": "csat", "rating": 4, "ticket": "t1",
        "responded_at": "2026-01-06T10:00:00Z",
    })  # fmt: skip
    (entry,) = behind(
        tenant, "rating_distribution", dimensions=["rating"], cell={"rating": "4"}
    )["data"]  # fmt: skip
    assert (entry["record"]["resource"], entry["record"]["external_id"]) == ("feedback", "f1")
    assert (entry["ticket"]["resource"], entry["ticket"]["external_id"]) == ("tickets", "t1")
    (created,) = behind(tenant, "tickets_created")["data"]
    assert created["ticket"] == created["record"] == entry["ticket"]


def test_a_name_that_two_sources_use(tenant: Tenant) -> None:
    call = {"external_id": "c", "queue_entered_at": "2026-01-05T10:00:00Z", "agent": "a1",
            "outcome": "answered", "wait_seconds": 1}  # fmt: skip
    send(tenant, "calls", {"source": "x", **call}, {"source": "y", **call})
    for source in "xy":
        cell = {"agent": f"{source}:a1"}
        (entry,) = behind(tenant, "calls_offered", dimensions=["agent"], cell=cell)["data"]
        assert (entry["record"]["source"], entry["agent"]) == (source, f"{source}:a1")
    both = behind(tenant, "calls_offered", dimensions=["agent"], cell={"agent": "a1"})
    assert len(both["data"]) == 2


def test_topics_as_what_they_stand_for(tenant: Tenant) -> None:
    send(tenant, "topics", {"source": "s", "external_id": "refund", "parent": "money",
                            "department": "finance"})  # fmt: skip
    send(tenant, "tickets", ticket("t1", topic="refund"), ticket("t2", topic="login"))
    for name, key in (("topic.parent", "money"), ("topic.department", "finance")):
        assert names(behind(tenant, "tickets_created", dimensions=[name], cell={name: key})) == [
            "t1"
        ]
    rest = behind(
        tenant, "tickets_created", dimensions=["topic.parent"],
        other_than=[{"topic.parent": "money"}],
    )  # fmt: skip
    assert names(rest) == ["t2"]


def test_other_is_beside_a_cell_of_time(calls: Tenant) -> None:
    answer = behind(
        calls, "calls_offered", dimensions=["time:day", "agent"], cell={"time:day": "2026-01-06"},
        other_than=[{"agent": "a1"}, {"agent": None}, {"agent": "nobody"}],
    )  # fmt: skip
    assert names(answer) == ["a3-1"]
    assert answer["meta"]["warnings"] == ["no member of agent is called 'nobody'"]


def test_other_of_time(calls: Tenant) -> None:
    rest = [{"time:day": "2026-01-05"}, {"time:day": "2026-01-07"}]
    answer = behind(calls, WAIT, dimensions=["time:day"], other_than=rest)
    assert names(answer) == ["a1-1", "a3-1"]


def test_a_ticket_that_moves_is_open_where_it_is(tenant: Tenant) -> None:
    send(tenant, "tickets", ticket("t1", assignee="a2"), ticket("t2", assignee="a1"))
    given = [("a1", "2026-01-06T10:00:00Z"), ("a2", "2026-01-07T10:00:00Z")]
    send(tenant, "ticket-events", *(
        {"source": "zd", "event_id": f"e-{agent}", "ticket": "t1", "type": "assigned",
         "agent": agent, "occurred_at": at}
        for agent, at in given
    ))  # fmt: skip
    for agent, open_then in (("a1", ["t2"]), ("a2", ["t1"])):
        answer = behind(
            tenant, "backlog_open", dimensions=["owner_agent"], cell={"owner_agent": agent}
        )
        assert names(answer) == open_then
        assert answer["value"]["value"] == 1
    assert answer["data"][0]["occurred_at"] == given[1][1]


def test_time_is_in_the_bucket_in_which_it_passed(tenant: Tenant) -> None:
    send(tenant, "shifts", {
        "source": "wfm", "external_id": "s1", "agent": "a1",
        "started_at": "2026-01-05T09:00:00Z", "ended_at": "2026-01-05T10:20:00Z",
    })  # fmt: skip
    answer = behind(
        tenant, "scheduled_time", dimensions=["time:hour"],
        cell={"time:hour": "2026-01-05T10:00:00+00:00"},
    )  # fmt: skip
    assert names(answer) == ["s1", "s1"]
    assert parts(answer, "numerator") == [900, 300]


def late_call(queue: str, at: str = "2026-01-09T10:00:00Z") -> dict[str, Any]:
    return {"source": "pbx", "external_id": f"late-{queue}", "queue_entered_at": at,
            "outcome": "answered", "wait_seconds": 1, "queue": queue}  # fmt: skip


def test_a_list_that_has_moved_is_refused_and_only_that(calls: Tenant) -> None:
    more: dict[str, Any] = {"dimensions": ["queue"], "cell": {"queue": "q1"}, "limit": 3}
    first = behind(calls, "calls_offered", **more)
    cursor = first["page"]["next_cursor"]
    second = behind(calls, "calls_offered", **more, cursor=cursor)
    send(calls, "calls", late_call("q2"))
    again = behind(calls, "calls_offered", **more, cursor=cursor)
    assert again["data"] == second["data"]
    third = behind(calls, "calls_offered", **more, cursor=second["page"]["next_cursor"])
    assert third["page"]["next_cursor"] is None
    assert len({*names(first), *names(second), *names(third)}) == 7
    # Before the page, after it, or a record of it that says something else now: all the same.
    send(calls, "calls", late_call("q1", "2026-01-02T10:00:00Z"))
    moved = behind(calls, "calls_offered", status=409, **more, cursor=cursor)
    assert moved["code"] == "snapshot_moved"


def test_a_cursor_is_of_its_question(calls: Tenant) -> None:
    cursor = behind(calls, "calls_offered", limit=2)["page"]["next_cursor"]
    for other in ("calls_answered", WAIT):
        refused = behind(calls, other, status=400, limit=2, cursor=cursor)
        assert refused["code"] == "invalid_cursor"
    for wrong in ("", "x", "W10", "bnVsbA", cursor[:-4], cursor * 2):
        refused = behind(calls, "calls_offered", status=400, limit=2, cursor=wrong)
        assert refused["code"] == "invalid_cursor"


async def test_every_resource_has_names(tenant: Tenant, product_pool: asyncpg.Pool) -> None:
    subjects = {resource: [uuid4()] for resource in Resource}
    async with tenant_transaction(product_pool, tenant.tenant_id, readonly=True) as connection:
        found = await record_names(connection, tenant.tenant_id, subjects, [1])
    assert found == RecordNames({}, {})


REFUSALS: list[tuple[dict[str, Any], str, str]] = [
    ({"metrics": []}, "/metrics", "too_short"),
    ({"metrics": [{"id": "calls_offered"}, {"id": WAIT}]}, "/metrics", "too_long"),
    ({"metrics": [{"id": "x"}]}, "/metrics/0/id", "unknown_metric"),
    ({"cell": {"queue": "q1"}}, "/cell/queue", "unknown_dimension"),
    ({"cell": {"time:day": "2026-03-01"}}, "/cell/time:day", "invalid_value"),
    ({"cell": {"time:day": None}}, "/cell/time:day", "invalid_value"),
    ({"other_than": []}, "/other_than", "too_short"),
    ({"other_than": [{}]}, "/other_than/0", "invalid_value"),
    ({"other_than": [{"agent": "a"}, {"time:day": "x"}]}, "/other_than/0", "invalid_value"),
    ({"other_than": [{"queue": "q"}]}, "/other_than/0/queue", "unknown_dimension"),
    ({"cell": {"agent": "a"}, "other_than": [{"agent": "b"}]}, "/other_than/0/agent",
     "unknown_dimension"),
    ({"metrics": [{"id": "backlog_open"}], "other_than": [{"time:day": "2026-01-05"}]},
     "/other_than", "not_supported"),
    ({"metrics": [{"id": "rating_distribution"}], "dimensions": ["rating"],
      "cell": {"rating": "good"}}, "/cell/rating", "invalid_value"),
    ({"metrics": [{"id": "rating_distribution"}], "dimensions": ["rating"],
      "cell": {"rating": "1e30"}}, "/cell/rating", "invalid_value"),
    ({"limit": 1001}, "/limit", "out_of_range"),
    ({"include": ["totals"]}, "/include/0", "invalid_value"),
    ({"top": {"n": 1, "by": "x"}}, "/top", "unknown_field"),
]  # fmt: skip


@pytest.mark.parametrize(("body", "pointer", "code"), REFUSALS)
def test_refusals(body: dict[str, Any], pointer: str, code: str, tenant: Tenant) -> None:
    asked = {
        "metrics": [{"id": "calls_offered"}], "time": TIME, "dimensions": ["time:day", "agent"],
        **body,
    }  # fmt: skip
    answer = tenant.http.post("/v1/query/records", json=asked)
    assert answer.status_code == 422, answer.text
    error = answer.json()["errors"][0]
    assert (error["pointer"], error["code"]) == (pointer, code)


def test_tables_and_lines_say_the_same(calls: Tenant) -> None:
    send(calls, "calls", late_call("q1") | {"external_id": "=1+1"})
    more: dict[str, Any] = {"dimensions": ["queue"], "cell": {"queue": "q1"}}
    whole = behind(calls, WAIT, **more)
    table = post(calls, WAIT, accept="text/csv", **more)
    assert table.headers["content-type"] == "text/csv; charset=utf-8"
    *rows, cell = csv.DictReader(io.StringIO(table.text, newline=""))
    assert [row["record.external_id"] for row in rows] == [*names(whole)[:-1], "'=1+1"]
    assert [json.loads(row["numerator"]) for row in rows] == parts(whole, "numerator")
    assert [row["occurred_at"] for row in rows] == [each["occurred_at"] for each in whole["data"]]
    assert (cell["row"], json.loads(cell["value"])) == ("cell", whole["value"]["value"])
    assert json.loads(cell["denominator"]) == sum(parts(whole, "denominator"))
    lines = post(calls, WAIT, accept="application/x-ndjson", **more)
    *found, meta = map(json.loads, lines.text.splitlines())
    assert [{k: v for k, v in line.items() if k != "row"} for line in found] == whole["data"]
    assert (meta["row"], meta["value"]) == ("meta", whole["value"])
    page = post(calls, WAIT, accept="text/csv", **more, limit=3)
    following = behind(calls, WAIT, **more, limit=3, cursor=page.headers["x-next-cursor"])
    assert following["data"] == whole["data"][3:6]

"""Batches: their size, their forms, one result for each item in its place."""

import json
import time
from typing import Any

import pytest
from tests.conftest import Tenant
from tests.ingest.samples import RESOURCES, name_field, post, problem, sample, stored

NDJSON = {"Content_Type": "application/x-ndjson"}


def lines(items: list[dict[str, Any]], end: bytes = b"\n") -> bytes:
    return end.join(json.dumps(item).encode() for item in items)


def statuses(answer: dict[str, Any]) -> list[str]:
    return [result["status"] for result in answer["results"]]


@pytest.mark.parametrize("resource", RESOURCES)
def test_every_kind_takes_a_batch_in_both_forms(sender: Tenant, resource: str) -> None:
    items = [sample(resource) for _ in range(3)]
    created = post(sender, f"{resource}/batch", items).json()
    assert statuses(created) == ["created"] * 3
    names = [item[name_field(resource)] for item in items]
    assert [result["external_id"] for result in created["results"]] == names
    assert [result["index"] for result in created["results"]] == [0, 1, 2]
    again = post(sender, f"{resource}/batch", lines(items), **NDJSON).json()
    assert statuses(again) == ["duplicate"] * 3


def test_the_answer_has_its_documented_shape(sender: Tenant) -> None:
    good, bad = sample("calls"), sample("calls", legs=[{"talk_seconds": -1}])
    answer = post(sender, "calls/batch", [good, bad])
    body = answer.json()
    assert answer.status_code == 200
    assert list(body) == ["summary", "results", "request_id"]
    assert body["summary"] == {
        "received": 2, "created": 1, "updated": 0, "duplicate": 0, "stale": 0, "rejected": 1,
    }  # fmt: skip
    assert body["results"][0] == {
        "index": 0, "external_id": good["external_id"], "status": "created", "errors": [],
    }  # fmt: skip
    (error,) = body["results"][1].pop("errors")
    assert body["results"][1] == {
        "index": 1, "external_id": bad["external_id"], "status": "rejected",
    }  # fmt: skip
    assert error["pointer"] == "/1/legs/0/talk_seconds"
    assert error["code"] == "out_of_range"
    assert body["request_id"] == answer.headers["x-request-id"]


def test_one_to_a_thousand_items(sender: Tenant) -> None:
    assert problem(post(sender, "teams/batch", [])) == (422, "empty_batch")
    assert problem(post(sender, "teams/batch", b" \n\n", **NDJSON)) == (422, "empty_batch")
    assert statuses(post(sender, "teams/batch", [sample("teams")]).json()) == ["created"]
    thousand = [sample("teams") for _ in range(1000)]
    assert post(sender, "teams/batch", thousand).json()["summary"]["created"] == 1000
    over = [*thousand, sample("teams")]
    assert problem(post(sender, "teams/batch", over)) == (413, "too_many_items")
    assert problem(post(sender, "teams/batch", lines(over), **NDJSON)) == (413, "too_many_items")
    assert stored(sender, "teams", over[-1]) == []
    assert post(sender, "teams/batch", lines(thousand), **NDJSON).json()["summary"] == {
        "received": 1000, "created": 0, "updated": 0, "duplicate": 1000, "stale": 0, "rejected": 0,
    }  # fmt: skip


@pytest.mark.parametrize("body", [b"[" + b"1," * 2_000_000 + b"1]", b"1\n" * 2_000_000])
def test_far_too_many_items_cost_little(sender: Tenant, body: bytes) -> None:
    kind = {} if body.startswith(b"[") else NDJSON
    began = time.monotonic()
    assert problem(post(sender, "teams/batch", body, **kind)) == (413, "too_many_items")
    assert time.monotonic() - began < 3


def test_a_batch_may_be_rejected_as_a_whole_item_by_item(sender: Tenant) -> None:
    bad: list[Any] = [sample("calls", topic=5), {}, None, sample("calls", legs="x")]
    answer = post(sender, "calls/batch", bad)
    assert answer.status_code == 200
    assert answer.json()["summary"]["rejected"] == 4
    names = [result["external_id"] for result in answer.json()["results"]]
    assert names == [bad[0]["external_id"], None, None, bad[3]["external_id"]]


def test_one_bad_item_in_a_thousand(sender: Tenant) -> None:
    items = [sample("calls") for _ in range(1000)]
    items[617]["priority"] = 1
    answer = post(sender, "calls/batch", items).json()
    assert answer["summary"]["created"] == 999
    (bad,) = [result for result in answer["results"] if result["status"] != "created"]
    assert (bad["index"], bad["errors"][0]["pointer"]) == (617, "/617/priority")
    assert [result["index"] for result in answer["results"]] == list(range(1000))


VERSIONS = ["2026-01-05T11:00:00Z", "2026-01-05T13:00:00Z", "2026-01-05T12:00:00Z"]


def test_of_one_name_in_a_batch_the_newest_version_wins(sender: Tenant) -> None:
    item = sample("calls")
    items = [{**item, "source_updated_at": at, "topic": at} for at in VERSIONS]
    answer = post(sender, "calls/batch", items).json()
    assert statuses(answer) == ["stale", "created", "stale"]
    assert stored(sender, "calls", item)[0]["topic"] == VERSIONS[1]
    assert statuses(post(sender, "calls/batch", items).json()) == ["stale", "duplicate", "stale"]


def test_without_a_version_the_last_of_one_name_wins(sender: Tenant) -> None:
    item = sample("calls")
    items = [{**item, "topic": str(number)} for number in range(3)] + [{**item, "topic": "2"}]
    answer = post(sender, "calls/batch", items).json()
    assert statuses(answer) == ["stale", "stale", "created", "duplicate"]
    assert stored(sender, "calls", item)[0]["topic"] == "2"


def test_of_one_event_in_a_batch_the_first_one_counts(sender: Tenant) -> None:
    event = sample("ticket-events")
    answer = post(sender, "ticket-events/batch", [event, event, {**event, "tag": "z"}]).json()
    assert statuses(answer) == ["created", "duplicate", "duplicate"]
    assert stored(sender, "ticket-events", event)[0]["tag"] == "x"


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\n\n", b"\n \t\n"])
def test_lines_may_end_in_any_way(sender: Tenant, end: bytes) -> None:
    items = [sample("teams") for _ in range(3)]
    for body in (lines(items, end), end + lines(items, end) + end):
        assert post(sender, "teams/batch", body, **NDJSON).json()["summary"]["received"] == 3


def test_a_line_is_one_item_and_no_array(sender: Tenant) -> None:
    items = [sample("teams"), sample("teams")]
    body = json.dumps(items).encode() + b"\n" + json.dumps(items[0], indent=1).encode()
    answer = post(sender, "teams/batch", body, **NDJSON).json()
    assert set(statuses(answer)) == {"rejected"}
    assert answer["results"][0]["errors"][0]["code"] == "wrong_type"
    assert answer["results"][1]["errors"][0]["code"] == "malformed_json"


def test_records_of_one_batch_may_name_each_other_in_any_order(tenant: Tenant) -> None:
    ticket = sample("tickets", external_id="t1", merged_into="t2", customer="c1")
    other = sample("tickets", external_id="t2", customer="c1")
    event = sample("ticket-events", ticket="t1")
    assert post(tenant, "ticket-events/batch", [event]).json()["summary"]["created"] == 1
    assert statuses(post(tenant, "tickets/batch", [ticket, other]).json()) == ["created"] * 2
    assert post(tenant, "customers", sample("customers", external_id="c1")).status_code == 201
    assert len(tenant.http.get("/v1/tickets").json()["data"]) == 2


def test_a_name_known_only_by_reference_is_no_record_yet(tenant: Tenant) -> None:
    call = sample("calls", agent="a", team="b", customer="c", ticket="d")
    assert post(tenant, "calls", call).status_code == 201
    for resource in ("agents", "teams", "customers", "tickets"):
        assert tenant.http.get(f"/v1/{resource}").json()["data"] == []
    named = {"agents": "a", "teams": "b", "customers": "c", "tickets": "d"}
    for resource, name in named.items():
        answer = post(tenant, resource, sample(resource, external_id=name))
        assert (answer.status_code, answer.json()["status"]) == (201, "created")
        assert len(tenant.http.get(f"/v1/{resource}").json()["data"]) == 1

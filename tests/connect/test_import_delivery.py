"""What the import does with a server that is slow, busy, gone, or says no."""

import time
from collections import Counter
from datetime import timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from tests.connect.api_double import (
    ApiDouble,
    Reply,
    Request,
    hang_up,
    reject,
    status,
    text,
)
from tests.connect.mapped import HEAD

from csapi.connect.transfer.client import Patience
from csapi.kit.clock import now

ATTRIBUTES = '[custom_attributes]\nmanager = "Manager"\nplan = "Plan"\n'


def rows(count: int) -> list[str]:
    return [f"c{number},ann" for number in range(count)]


def counts(created: int = 0, **others: int) -> dict[str, int]:
    zero = dict.fromkeys(("created", "updated", "duplicate", "stale", "rejected"), 0)
    return zero | {"created": created} | others


def test_batches_in_parallel_and_again(run: Any, api: ApiDouble) -> None:
    first = run(rows(2500), batch_size=500)
    assert first.summary["items"] == {"calls": counts(2500)}
    assert first.summary["rows_read"] == 2500
    assert first.rejects == []
    assert all(len(request.items) <= 500 for request in api.requests)
    assert {request.key for request in api.requests} == {"Bearer k"}
    assert set(api.paths()) == {"/v1/calls/batch"}
    assert run(rows(2500)).summary["items"] == {"calls": counts(duplicate=2500)}


def test_the_parallel_limit_holds(run: Any, api: ApiDouble) -> None:
    def slow(request: Request) -> Any:
        time.sleep(0.02)
        return api.take(request)

    api.always = slow
    run(rows(300), batch_size=10, parallel=3)
    assert 2 <= api.most_at_once <= 3
    api.most_at_once = 0
    run(rows(100), batch_size=10, parallel=1)
    assert api.most_at_once == 1


def test_versions_of_a_record_arrive_in_the_order_of_the_file(run: Any, api: ApiDouble) -> None:
    """Without source_updated_at the last one received wins, so no batch may overtake another."""
    flaky: list[Reply] = [status(503), hang_up, api.take, status(500), api.take, hang_up]
    api.script = flaky * 5
    versions = [f"c{number % 7},v{number}" for number in range(700)]
    ran = run(versions, batch_size=10, parallel=4)
    assert ran.stopped is None
    last = {f"c{number % 7}": f"v{number}" for number in range(700)}
    assert {key: call["agent"] for key, call in api.records["calls"].items()} == last


@pytest.mark.parametrize("trouble", [408, 429, 500, 502, 503, 504, 529, None])
def test_passing_trouble_is_waited_out(run: Any, api: ApiDouble, trouble: int | None) -> None:
    api.script = [hang_up if trouble is None else status(trouble)] * 3
    ran = run(rows(10), parallel=1)
    assert ran.summary["items"] == {"calls": counts(10)}
    assert len(api.requests) == 4
    assert len(ran.said) == 3
    assert "trying again in" in ran.said[0]


def test_a_lost_answer_counts_nothing_twice(run: Any, api: ApiDouble) -> None:
    def take_and_hang_up(request: Request) -> None:
        api.take(request)

    api.script = [take_and_hang_up]
    assert run(rows(10), parallel=1).summary["items"] == {"calls": counts(duplicate=10)}


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_retry_after_is_honoured(run: Any, api: ApiDouble, form: str) -> None:
    at = format_datetime(now() + timedelta(seconds=2), usegmt=True)
    api.script = [status(429, Retry_After="1" if form == "seconds" else at)]
    run(rows(1), parallel=1)
    first, second = api.requests
    assert second.at - first.at > 0.9


def test_an_unreachable_server_is_one_clear_line_soon(run: Any, api: ApiDouble) -> None:
    started = time.monotonic()
    ran = run(rows(10), url="http://127.0.0.1:9")
    assert time.monotonic() - started < 3
    assert ran.stopped.startswith("http://127.0.0.1:9 does not answer")
    assert ran.stopped.endswith("Is the address right, and the server up?")
    assert ran.summary["items"] == {"calls": counts()}


def test_a_server_that_stays_away_is_given_up_with_what_landed(run: Any, api: ApiDouble) -> None:
    api.script = [api.take]
    api.always = status(503)
    patience = Patience(first_delay=0.01, longest_delay=0.01, give_up_after=0.1)
    ran = run(rows(30), batch_size=10, parallel=1, patience=patience)
    assert "answers 503" in ran.stopped
    assert "Run the same import again later" in ran.stopped
    assert ran.summary["items"] == {"calls": counts(10)}


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (status(401, detail="No such key."), "refuses the key (401): No such key."),
        (status(403, detail="Needs ingest:write."), "may not write calls (403): Needs ingest"),
        (status(404), "has no /v1/calls/batch (404)"),
        (status(308, Location="https://x.test/v1"), "moved (308) to https://x.test/v1"),
        (status(415, detail="No."), "the server answers 415 for lines "),
        (text(200, "<html>hello</html>"), "does not look like a csapi server"),
        (text(200, '{"results": []}'), "does not name each item once"),
    ],
)
def test_what_cannot_get_better_stops_at_once(
    run: Any, api: ApiDouble, reply: Reply, said: str
) -> None:
    api.always = reply
    ran = run(rows(10))
    assert said in ran.stopped
    assert len(api.requests) <= 2
    assert ran.said == []


@pytest.mark.parametrize("url", ["localhost:8800", "ftp://x", "http://", "http://[::1"])
def test_an_address_that_is_none(run: Any, url: str) -> None:
    assert "a URL such as" in run(rows(1), url=url).stopped


def test_the_v1_of_an_address_is_not_doubled(run: Any, api: ApiDouble) -> None:
    run(rows(1), url=f"{api.url}/v1/")
    assert api.paths() == ["/v1/calls/batch"]


def test_items_that_the_server_rejects_are_named(run: Any, api: ApiDouble) -> None:
    api.always = reject("c3", "c7")(api)
    ran = run(rows(10), parallel=1)
    assert ran.summary["items"] == {"calls": counts(8, rejected=2)}
    assert ran.summary["rows_rejected"] == 2
    assert ran.rejects[0] == {
        "line": 5,
        "resource": "calls",
        "external_id": "c3",
        "pointer": "/agent",
        "code": "too_long",
        "reason": "At most 255 bytes.",
        "row": {"id": "c3", "agent": "ann"},
    }


def test_a_row_with_two_rejected_items_is_one_rejected_row(run: Any, api: ApiDouble) -> None:
    api.always = reject("c3")(api)
    mapping = HEAD + (
        '[[output]]\nresource = "agents"\n[output.fields]\nsource = "agent"\nexternal_id = "id"\n'
    )
    ran = run(rows(5), mapping=mapping)
    assert ran.summary["rows_rejected"] == 1
    assert {reject["resource"] for reject in ran.rejects} == {"calls", "agents"}


def test_a_body_that_is_refused_whole_is_halved_until_the_item_at_fault_is_alone(
    run: Any, api: ApiDouble
) -> None:
    def picky(request: Request) -> Any:
        if b'"c33"' in request.body:
            return status(400, detail="Not JSON.", problem="malformed_json")(request)
        if len(request.items) > 20:
            return status(413, detail="Too large.")(request)
        return api.take(request)

    api.always = picky
    ran = run(rows(100), parallel=1)
    assert ran.summary["items"] == {"calls": counts(99, rejected=1)}
    (rejected,) = ran.rejects
    assert (rejected["line"], rejected["code"], rejected["reason"]) == (
        35, "malformed_json", "Not JSON.",
    )  # fmt: skip


def test_a_server_that_refuses_everything_stops_the_import(run: Any, api: ApiDouble) -> None:
    api.always = status(422, detail="Never.")
    ran = run(rows(5000))
    assert "refuses every calls item (422: Never.)" in ran.stopped
    assert len(ran.rejects) < 120


def test_large_bodies_are_sent_in_parts(run: Any, api: ApiDouble) -> None:
    ran = run([f"c{number},{'x' * 30_000}" for number in range(300)], parallel=1)
    assert ran.summary["items"] == {"calls": counts(300)}
    assert max(len(request.body) for request in api.requests) <= 4_000_000


def test_custom_attributes_are_declared_first(run: Any, api: ApiDouble) -> None:
    ran = run(rows(3), mapping=ATTRIBUTES + HEAD)
    assert api.paths()[:2] == ["/v1/custom-attributes"] * 2
    assert api.requests[0].body == b'{"name":"manager","label":"Manager"}'
    assert ran.said == []
    assert ran.summary["items"] == {"calls": counts(3)}


def test_without_the_scope_to_declare_the_rows_still_go(run: Any, api: ApiDouble) -> None:
    api.script = [status(403)]
    ran = run(rows(3), mapping=ATTRIBUTES + HEAD)
    assert Counter(api.paths())["/v1/custom-attributes"] == 1
    assert "has not the scope admin:write" in ran.said[0]
    assert "manager, plan" in ran.said[0]
    assert ran.summary["items"] == {"calls": counts(3)}


def test_an_attribute_too_many_is_said(run: Any, api: ApiDouble) -> None:
    api.script = [status(409, detail="All 8 are declared.")]
    ran = run(rows(3), mapping=ATTRIBUTES + HEAD)
    assert ran.said == [
        "warning: custom attribute manager is not declared (409): All 8 are declared."
    ]
    assert ran.summary["items"] == {"calls": counts(3)}


def test_a_wrong_key_is_found_while_declaring(run: Any, api: ApiDouble) -> None:
    api.script = [status(401, detail="No such key.")]
    assert "refuses the key" in run(rows(3), mapping=ATTRIBUTES + HEAD).stopped

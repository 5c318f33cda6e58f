"""A second tenant sees nothing of the first one through any operation."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import httpx
import pytest
from tests.conftest import Product, Tenant
from tests.isolation import replay
from tests.isolation.keys import new_tenant_client
from tests.isolation.replay import CANARY, GUARDED

from csapi.kit.operations import Operation

READS = [each for each in GUARDED if each.method == "GET" and not replay.is_addressed(each)]
# What makes or deletes something comes when everything has been read.
TURNS = ("GET", "POST", "PATCH", "DELETE", "PUT")


def replaces(operation: Operation) -> bool:
    """Whether it makes nothing that is not there."""
    return operation.method == "PUT" and 201 not in operation.responses


ADDRESSED = sorted(
    (
        each
        for each in GUARDED
        if replay.is_addressed(each) and not each.path.startswith(replay.CATALOG)
    ),
    key=lambda each: TURNS.index("PATCH" if replaces(each) else each.method),
)


@dataclass
class Pair:
    """Two tenants: `owner` has sent everything, `other` nothing."""

    owner: Tenant
    other: Tenant
    captured: replay.Captured
    before: dict[str, httpx.Response]


@pytest.fixture(scope="module")
def pair(product: Product) -> Iterator[Pair]:
    owner, other = new_tenant_client(product), new_tenant_client(product)
    before = {each.operation_id: replay.ask(other.http, each) for each in READS}
    yield Pair(owner, other, replay.fill(owner.http), before)
    owner.http.close()
    other.http.close()


def named(operation: Operation) -> str:
    return operation.operation_id


def test_the_first_tenant_has_something_everywhere(pair: Pair) -> None:
    for operation in READS:
        answer = replay.ask(pair.owner.http, operation)
        if operation.operation_id in replay.WITHOUT_TEXT:
            assert answer.json()["data"], operation.path
        elif operation.operation_id.startswith("list"):
            assert CANARY in answer.text or CANARY.replace("-", "_") in answer.text, operation.path


@pytest.mark.parametrize("operation", READS, ids=named)
def test_what_can_be_read_without_an_id_is_as_before(pair: Pair, operation: Operation) -> None:
    after = replay.ask(pair.other.http, operation)
    assert replay.steady(after) == replay.steady(pair.before[operation.operation_id])
    assert CANARY not in after.text


@pytest.mark.parametrize("operation", ADDRESSED, ids=named)
def test_anothers_id_answers_like_no_id(pair: Pair, operation: Operation) -> None:
    values = pair.captured.values.get(replay.collection_of(operation))
    assert values, f"teach tests/isolation/replay.py to make something for {operation.path}"
    for value in sorted(values):
        nothing = replay.random_value(value)
        theirs = replay.ask(pair.other.http, operation, value)
        missing = replay.ask(pair.other.http, operation, nothing)
        if operation.method == "PUT":
            assert theirs.status_code == missing.status_code
        else:
            assert missing.status_code == 404
        assert replay.steady(theirs, value) == replay.steady(missing, nothing)
        assert replay.ask(pair.owner.http, operation, value).status_code < 300


@pytest.mark.parametrize(
    "kind", ["calls", "tickets", "customers", "feedback", "quality-reviews", "tasks"]
)
def test_anothers_external_id_finds_nothing(pair: Pair, kind: str) -> None:
    item = pair.owner.http.get(f"/v1/{kind}").json()["data"][0]
    names = {"source": item["source"], "external_id": item["external_id"]}
    assert pair.owner.http.get(f"/v1/{kind}", params=names).json()["data"] == [item]
    assert pair.other.http.get(f"/v1/{kind}", params=names).json()["data"] == []


def test_a_cursor_of_another_tenant_shows_ones_own_records_only(pair: Pair) -> None:
    extra = [{"source": CANARY, "external_id": f"t{number}", "name": CANARY} for number in range(3)]
    pair.owner.http.post("/v1/teams/batch", json=extra)
    page = pair.owner.http.get("/v1/teams", params={"limit": 1}).json()
    cursor = page["page"]["next_cursor"]
    assert pair.other.http.get("/v1/teams", params={"cursor": cursor}).json()["data"] == []


def test_the_same_names_are_new_to_another_tenant(
    pair: Pair, make_tenant: Callable[..., Tenant]
) -> None:
    """No unique index, reference or stub tells that another tenant has used a name."""
    third = make_tenant()
    theirs = replay.fill(third.http)
    for owned, again in zip(pair.captured.answers, theirs.answers, strict=True):
        first, second = replay.steady(owned), replay.steady(again)
        assert replay.take_ids(first[1]).isdisjoint(replay.take_ids(second[1]))
        assert first == second
    for collection, values in theirs.values.items():
        assert (
            not {value for value in values if replay.is_id(value)}
            & pair.captured.values[collection]
        )

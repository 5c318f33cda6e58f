"""Reading back: pages are complete and stable, filters find what was sent."""

from collections.abc import Iterator
from itertools import chain
from typing import Any

import pytest
from tests.conftest import Tenant
from tests.ingest.samples import RESOURCES, name_field, post, sample

TOTAL = 23


def pages(tenant: Tenant, resource: str, **params: Any) -> Iterator[list[dict[str, Any]]]:
    cursor, seen = None, set[str]()
    while cursor not in seen:
        sent = params if cursor is None else {**params, "cursor": cursor}
        answer = tenant.http.get(f"/v1/{resource}", params=sent)
        assert answer.status_code == 200, answer.text
        body = answer.json()
        assert list(body) == ["data", "page"]
        yield body["data"]
        if cursor is not None:
            seen.add(cursor)
        cursor = body["page"]["next_cursor"]
        if cursor is None:
            return
    raise AssertionError("the cursor stands still")


def walk(tenant: Tenant, resource: str, **params: Any) -> list[dict[str, Any]]:
    return list(chain.from_iterable(pages(tenant, resource, **params)))


def names(resource: str, records: list[dict[str, Any]]) -> list[str]:
    return [record[name_field(resource)] for record in records]


@pytest.mark.parametrize("resource", RESOURCES)
def test_pages_of_any_size_hold_everything_once(tenant: Tenant, resource: str) -> None:
    items = [sample(resource) for _ in range(TOTAL)]
    for item in items:
        assert post(tenant, resource, item).status_code == 201
    wanted = [item[name_field(resource)] for item in items]
    for size in (1, 7, TOTAL - 1, TOTAL, TOTAL + 1, 1000):
        found = list(pages(tenant, resource, limit=size))
        assert names(resource, list(chain.from_iterable(found))) == wanted
        assert [len(page) for page in found[:-1]] == [size] * (len(found) - 1)
        assert found[-1]


def test_an_empty_list_is_one_empty_page(tenant: Tenant) -> None:
    assert list(pages(tenant, "calls")) == [[]]


def test_what_comes_later_does_not_move_what_is_there(tenant: Tenant) -> None:
    items = [sample("calls") for _ in range(10)]
    post(tenant, "calls/batch", items)
    rest = pages(tenant, "calls", limit=4)
    seen = next(rest)
    added = [sample("calls") for _ in range(5)]
    post(tenant, "calls/batch", added)
    post(tenant, "calls/batch", [{**each, "topic": "changed"} for each in items])
    seen += chain.from_iterable(rest)
    assert len({record["id"] for record in seen}) == len(seen) == 15
    assert names("calls", seen) == [each["external_id"] for each in items + added]


def test_stubs_are_on_no_page_and_take_no_place(tenant: Tenant) -> None:
    for number in range(6):
        post(tenant, "calls", sample("calls", ticket=f"stub{number}"))
        post(tenant, "tickets", sample("tickets"))
    found = list(pages(tenant, "tickets", limit=2))
    assert [len(page) for page in found] == [2, 2, 2]


def test_a_filter_holds_through_all_pages(tenant: Tenant) -> None:
    items = [sample("calls", source="odd" if number % 2 else "even") for number in range(10)]
    post(tenant, "calls/batch", items)
    found = walk(tenant, "calls", source="odd", limit=2)
    assert names("calls", found) == [item["external_id"] for item in items[1::2]]
    one = {"source": "odd", "external_id": items[1]["external_id"]}
    assert names("calls", walk(tenant, "calls", **one)) == [items[1]["external_id"]]
    assert list(pages(tenant, "calls", source="even", external_id=items[1]["external_id"])) == [[]]


def test_the_default_page_has_a_hundred_records(tenant: Tenant) -> None:
    post(tenant, "teams/batch", [sample("teams") for _ in range(101)])
    assert [len(page) for page in pages(tenant, "teams")] == [100, 1]


def test_a_cursor_is_opaque_but_steady(tenant: Tenant) -> None:
    post(tenant, "teams/batch", [sample("teams") for _ in range(3)])
    first = tenant.http.get("/v1/teams?limit=1").json()["page"]["next_cursor"]
    assert tenant.http.get("/v1/teams?limit=1").json()["page"]["next_cursor"] == first
    everything = tenant.http.get("/v1/teams").json()["data"]
    rest = tenant.http.get("/v1/teams", params={"cursor": first}).json()["data"]
    assert rest == everything[1:]


@pytest.mark.parametrize("resource", RESOURCES)
def test_one_record_reads_as_it_does_in_the_list(tenant: Tenant, resource: str) -> None:
    item = sample(resource)
    receipt = post(tenant, resource, item).json()
    (listed,) = tenant.http.get(f"/v1/{resource}").json()["data"]
    assert tenant.http.get(f"/v1/{resource}/{receipt['id']}").json() == listed
    assert listed["id"] == receipt["id"]
    assert {key: listed[key] for key in item} == item
    assert "tenant_id" not in listed


def test_a_cursor_goes_with_its_filters_alone(tenant: Tenant) -> None:
    for _ in range(2):
        assert post(tenant, "teams", {**sample("teams"), "source": "crm"}).status_code == 201
    cursor = tenant.http.get("/v1/teams?limit=1&source=crm").json()["page"]["next_cursor"]
    again = {"cursor": cursor, "source": "crm", "limit": 5}
    assert len(tenant.http.get("/v1/teams", params=again).json()["data"]) == 1
    for path, params in (
        ("/v1/teams", {"cursor": cursor}),
        ("/v1/teams", {**again, "source": "other"}),
        ("/v1/queues", again),
    ):
        answer = tenant.http.get(path, params=params)
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_cursor"), path

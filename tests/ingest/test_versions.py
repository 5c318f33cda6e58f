"""Which version of a record wins: the order of arrival never decides where versions are given."""

import itertools
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.conftest import Product, Tenant
from tests.ingest.samples import RESOURCES, name_field, post, sample, stored
from tests.isolation.keys import new_tenant_client

REPLACED = [name for name in RESOURCES if name != "ticket-events"]
EARLY, LATE = "2026-01-05T11:00:00Z", "2026-01-05T12:00:00Z"


def send(tenant: Tenant, resource: str, item: dict[str, Any]) -> str:
    return str(post(tenant, resource, item).json()["status"])


def state(tenant: Tenant, resource: str, item: dict[str, Any]) -> dict[str, Any]:
    """The record as the source sent it."""
    (record,) = stored(tenant, resource, item)
    return {key: value for key, value in record.items() if key not in ("id", "received_at")}


@pytest.mark.parametrize("resource", REPLACED)
def test_an_older_version_is_stale_and_the_same_is_a_duplicate(
    sender: Tenant, resource: str
) -> None:
    old = sample(resource, source_updated_at=EARLY, custom={"v": "old"})
    new = {**old, "source_updated_at": LATE, "custom": {"v": "new"}}
    assert [send(sender, resource, item) for item in (new, old, new)] == [
        "created", "stale", "duplicate",
    ]  # fmt: skip
    assert state(sender, resource, new)["custom"] == {"v": "new"}
    assert send(sender, resource, {**new, "source_updated_at": "2026-01-05T13:00:00Z"}) == "updated"


@pytest.fixture(scope="module")
def mirror(product: Product) -> Iterator[Tenant]:
    """A second tenant, for the same items in another order: the names are part of the content."""
    tenant = new_tenant_client(product)
    yield tenant
    tenant.http.close()


@pytest.mark.parametrize("resource", REPLACED)
def test_versions_of_the_same_instant_end_alike_in_both_orders(
    sender: Tenant, mirror: Tenant, resource: str
) -> None:
    winners = set()
    for _ in range(4):
        item = sample(resource, source_updated_at=EARLY)
        versions = [{**item, "custom": {"v": each}} for each in ("one", "two")]
        for number in (0, 1):
            send(sender, resource, versions[number])
            send(mirror, resource, versions[1 - number])
        end = state(sender, resource, item)
        assert end == state(mirror, resource, item)
        winners.add(end["custom"]["v"])
    assert winners <= {"one", "two"}


@settings(deadline=None, max_examples=25)
@given(
    st.permutations(range(5)),
    st.lists(st.integers(0, 4), max_size=4),
    st.sampled_from(["calls", "calls/batch"]),
)
def test_any_order_of_arrival_ends_in_one_state(
    sender: Tenant, mirror: Tenant, order: list[int], repeats: list[int], path: str
) -> None:
    """Five versions, two of them of the newest instant, one a tombstone."""
    versions = five_versions()
    for tenant, sequence in ((sender, list(range(5))), (mirror, [*order, *repeats])):
        chosen = [versions[number] for number in sequence]
        if path == "calls/batch":
            post(tenant, path, chosen)
        else:
            for version in chosen:
                send(tenant, "calls", version)
    end = state(sender, "calls", versions[0])
    assert end == state(mirror, "calls", versions[0])
    assert end["topic"].startswith("tie")


def five_versions() -> list[dict[str, Any]]:
    item = sample("calls")
    return [
        {**item, "source_updated_at": LATE, "topic": "tie one"},
        {**item, "source_updated_at": LATE, "topic": "tie two"},
        {**item, "source_updated_at": "2026-01-05T11:30:00Z", "deleted": True},
        {**item, "source_updated_at": EARLY, "topic": "early"},
        {**item, "source_updated_at": "2026-01-05T10:30:00Z", "topic": "first"},
    ]


def test_a_tie_is_broken_by_content_alone(sender: Tenant) -> None:
    """The same two versions under one name, tried in both orders: one of them wins both times."""
    wins = set()
    item = sample("calls", source_updated_at=EARLY)
    one, two = {**item, "topic": "one"}, {**item, "topic": "two"}
    send(sender, "calls", one)
    second = send(sender, "calls", two)
    wins.add(state(sender, "calls", item)["topic"])
    assert second in ("updated", "stale")
    send(sender, "calls", one)
    send(sender, "calls", two)
    wins.add(state(sender, "calls", item)["topic"])
    assert len(wins) == 1


@pytest.mark.parametrize("resource", REPLACED)
def test_a_tombstone_says_so_and_an_older_version_does_not_wake_it(
    sender: Tenant, resource: str
) -> None:
    item = sample(resource, source_updated_at=EARLY)
    gone = {**item, "source_updated_at": LATE, "deleted": True}
    for order in itertools.permutations((item, gone)):
        fresh = sample(resource)
        field = name_field(resource)
        named = [{**each, field: fresh[field]} for each in order]
        for each in named:
            send(sender, resource, each)
        assert state(sender, resource, named[0])["deleted"] is True
    later = {**named[0], "source_updated_at": "2026-01-05T13:00:00Z", "deleted": False}
    assert send(sender, resource, later) == "updated"
    assert state(sender, resource, later)["deleted"] is False


@pytest.mark.parametrize("resource", REPLACED)
def test_without_a_version_the_later_receipt_replaces(sender: Tenant, resource: str) -> None:
    item = sample(resource)
    first, second = {**item, "custom": {"v": 1}}, {**item, "custom": {"v": 2}}
    assert [send(sender, resource, each) for each in (first, second, first, first)] == [
        "created", "updated", "updated", "duplicate",
    ]  # fmt: skip
    assert state(sender, resource, item)["custom"] == {"v": 1}
    versioned = {**item, "source_updated_at": EARLY, "custom": {"v": 3}}
    assert send(sender, resource, versioned) == "stale"


def test_an_absent_field_is_null_again(sender: Tenant) -> None:
    item = sample(
        "calls", topic="t", agent="a", legs=[{"agent": "a", "talk_seconds": 1}], tags=["x"]
    )
    send(sender, "calls", item)
    bare = {key: item[key] for key in ("source", "external_id", "queue_entered_at")}
    assert send(sender, "calls", bare) == "updated"
    after = state(sender, "calls", item)
    assert (after["topic"], after["agent"], after["legs"], after["tags"]) == (None, None, [], [])


def test_the_id_stays_through_all_versions(sender: Tenant) -> None:
    item = sample("tickets")
    ids = {post(sender, "tickets", {**item, "subject": str(n)}).json()["id"] for n in range(3)}
    assert len(ids) == 1


def test_writers_at_once_leave_the_newest_version(sender: Tenant) -> None:
    item = sample("calls")
    versions = [
        {**item, "source_updated_at": f"2026-01-05T11:{minute:02}:00Z", "topic": f"v{minute}"}
        for minute in range(16)
    ]
    found: list[str] = []

    def work(number: int) -> None:
        found.append(send(sender, "calls", versions[number]))
        found.append(send(sender, "calls", versions[-1 - number]))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 16
    assert found.count("created") == 1
    assert state(sender, "calls", item)["topic"] == "v15"


def test_events_are_never_replaced(sender: Tenant) -> None:
    event = sample("ticket-events")
    assert send(sender, "ticket-events", event) == "created"
    assert send(sender, "ticket-events", {**event, "tag": "other"}) == "duplicate"
    assert state(sender, "ticket-events", event)["tag"] == "x"

"""Instants: RFC 3339 with an offset, between 1990 and now; anything else is refused by name."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import asyncpg
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import inspect
from tests.conftest import Product, Tenant
from tests.ingest.samples import RESOURCES, SMALLEST, accept, post, refuse, sample

from csapi.facts.events import EVENTS
from csapi.facts.kinds import FORESEEN, Resource
from csapi.facts.registry import RECORD_KINDS
from csapi.kit.decode_errors import flat_types

KINDS = {kind.name: kind for kind in (*RECORD_KINDS, EVENTS)}

MALFORMED = [
    "", "now", "infinity", "-infinity", "2026-01-05", "2026-01-05T10:00Z", "2026-01-05T24:00:00Z",
    "2026-01-05T23:59:60Z", "2026-13-01T00:00:00Z", "2026-02-30T00:00:00Z", "1736071200",
    "2026-01-05T10:00:00+25:00", "2026-01-05T10:00:00 +02:00", "2026-01-05T10:00:00 CET",
    "2026-01-05T10:00:00Z[UTC]", "26-01-05T10:00:00Z", "+12026-01-05T10:00:00Z",
    "10000-01-01T00:00:00Z", "0000-01-01T00:00:00Z", "2026-W02-1T10:00:00Z",
    "\u0662\u0660\u0662\u0666-01-05T10:00:00Z", "2026-01-05T10:00:00,5Z", " 2026-01-05T10:00:00Z",
]  # fmt: skip
OUTSIDE = [
    "0001-01-01T00:00:00+14:00",
    "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59-12:00",
    "9999-12-31T23:59:59Z",
    "1989-12-31T23:59:59.999999Z",
    "1990-01-01T00:00:00+00:01",
    "2200-01-01T00:00:00Z",
]
# Not refused as a time in a team's calendar, which may lie ahead.
POSSIBLE_AHEAD = ("1989", "1990")


def places(type_: inspect.Type, pointer: str = "") -> Iterator[tuple[str, bool]]:
    """Where a type holds instants, list members as `0`; and whether inside a list."""
    for arm in flat_types(type_):
        if isinstance(arm, inspect.DateTimeType):
            yield pointer, "/0" in pointer
        elif isinstance(arm, inspect.StructType):
            for field in arm.fields:
                yield from places(field.type, f"{pointer}/{field.encode_name}")
        elif isinstance(arm, inspect.ListType):
            yield from places(arm.item_type, f"{pointer}/0")


INSTANTS = [
    (resource, pointer)
    for resource in RESOURCES
    for pointer, _ in places(inspect.type_info(KINDS[resource].item))
]


# What else a member of a list needs.
REQUIRED = {
    "memberships": {"team": "t"},
    "segments": {"segment": "s"},
    "statuses": {"status": "active"},
}


def with_value(resource: str, pointer: str, value: Any) -> dict[str, Any]:
    """A sample that has `value` at `pointer`, and what the parts on the way need."""
    first, *rest = pointer.removeprefix("/").split("/")
    for part in reversed(rest):
        if part == "0":
            value = [value]
        else:
            value = {part: value}
            value |= REQUIRED.get(first, {})
    return sample(resource, **{first: value})


@pytest.mark.parametrize(("resource", "pointer"), INSTANTS)
def test_every_instant_has_a_range(sender: Tenant, resource: str, pointer: str) -> None:
    for text in OUTSIDE:
        if pointer.startswith("/memberships") and text.startswith(POSSIBLE_AHEAD):
            continue
        refuse(sender, resource, with_value(resource, pointer, text), pointer, "out_of_range")


@pytest.mark.parametrize(("resource", "pointer"), INSTANTS)
def test_every_instant_has_an_offset_and_is_text(
    sender: Tenant, resource: str, pointer: str
) -> None:
    naive = with_value(resource, pointer, "2026-01-05T10:00:00")
    refuse(sender, resource, naive, pointer, "timezone_required")
    for value in (1_767_607_200, 1_767_607_200.5, True, ["2026-01-05T10:00:00Z"]):
        refuse(sender, resource, with_value(resource, pointer, value), pointer, "wrong_type")


@pytest.mark.parametrize("text", MALFORMED)
def test_malformed_instants(sender: Tenant, text: str) -> None:
    item = sample("calls", queue_entered_at=text)
    refuse(sender, "calls", item, "/queue_entered_at", "invalid_value")


def test_the_future_begins_in_five_minutes(sender: Tenant) -> None:
    now = datetime.now(UTC)
    soon = (now + timedelta(minutes=4)).isoformat()
    later = (now + timedelta(minutes=6)).isoformat()
    for name in ("queue_entered_at", "source_updated_at"):
        accept(sender, "calls", sample("calls", **{name: soon}))
        refuse(sender, "calls", sample("calls", **{name: later}), f"/{name}", "out_of_range")
    planned = [{"team": "t", "from": "2031-01-01T00:00:00Z"}]
    assert accept(sender, "agents", sample("agents", memberships=planned))


@pytest.mark.parametrize(
    "text",
    [
        "1990-01-01T00:00:00Z", "2026-01-05T10:00:00+05:45", "2026-01-05T10:00:00-00:00",
        "2024-02-29T23:59:59.999999Z", "2026-01-05t10:00:00z", "2026-03-29T02:30:00+01:00",
    ],
)  # fmt: skip
def test_good_instants_are_kept_to_the_microsecond(sender: Tenant, text: str) -> None:
    record = accept(sender, "calls", sample("calls", queue_entered_at=text))
    assert datetime.fromisoformat(record["queue_entered_at"]) == datetime.fromisoformat(
        text.upper()
    )


@settings(deadline=None, max_examples=60)
@given(
    st.datetimes(
        timezones=st.builds(
            timezone, st.timedeltas(timedelta(hours=-23, minutes=-59), timedelta(hours=23))
        )
    )
)
def test_any_instant_is_stored_exactly_or_refused(sender: Tenant, instant: datetime) -> None:
    item = sample("calls")
    text = msgspec.json.encode({**item, "queue_entered_at": instant})
    answer = post(sender, "calls", text)
    if answer.status_code == 201:
        names = {"source": item["source"], "external_id": item["external_id"]}
        (record,) = sender.http.get("/v1/calls", params=names).json()["data"]
        sent = msgspec.json.decode(text)["queue_entered_at"]
        assert datetime.fromisoformat(record["queue_entered_at"]) == datetime.fromisoformat(sent)
    else:
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["pointer"] == "/queue_entered_at"


async def test_no_fact_lies_outside_the_accepted_range(product: Product) -> None:
    """Whatever these tests and their neighbours sent: a poisoned slot would stop the worker.

    Shifts, and so marks, may lie a year ahead, and so do what falls due and what months cost.
    """
    ahead = f"{Resource.SHIFT}, {Resource.COST_ENTRY}"
    due = ", ".join(str(int(kind)) for kind in FORESEEN)
    connection = await asyncpg.connect(product.database.admin_url)
    try:
        for table, column, latest in (
            (
                f"facts WHERE resource NOT IN ({ahead}) AND kind NOT IN ({due})",
                "occurred_at",
                "1 hour",
            ),
            ("facts WHERE true", "occurred_at", "367 days"),
            ("marks WHERE true", "bucket", "367 days"),
        ):
            wrong = await connection.fetchval(
                f"SELECT count(*) FROM csapi.{table} "
                f"AND ({column} < '1989-12-01' OR {column} > now() + interval '{latest}')"
            )
            assert wrong == 0, table
    finally:
        await connection.close()


def test_samples_cover_every_kind() -> None:
    assert set(SMALLEST) == set(KINDS)

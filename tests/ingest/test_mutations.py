"""Valid items with odd changes: each is stored exactly as it was sent, or rejected by name."""

import copy
import itertools
import json
import math
from datetime import datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import inspect
from tests.conftest import Tenant
from tests.ingest.full_items import FULL
from tests.ingest.samples import RESOURCES, SMALLEST, name_field, post, stored

from csapi.facts.events import EVENTS
from csapi.facts.registry import RECORD_KINDS
from csapi.kit.problem_types import PROBLEMS

KINDS = {kind.name: kind for kind in (*RECORD_KINDS, EVENTS)}
NDJSON = {"Content_Type": "application/x-ndjson"}


_numbers = itertools.count(1)

scalars: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=20),
    st.sampled_from(
        [
            "", "\0", "NaN", "1e3", "null", "true", "\ud800", "\u00e9" * 200, "x" * 256, "e\u0301",
            "\U0001f468\u200d\U0001f469", "\u202e", "'; --", "inbound", "agent", "csat", "solved",
            "2026-01-05T10:00:00", "2026-01-05T10:00:00Z", "2026-01-05T10:00:00.9999999+14:00",
            "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "2026-01-05T23:59:60Z",
            "1990-01-01T00:00:00Z", 2**63, -(2**63), 2**31, 1e308, 5e-324, -0.0, 10**30,
        ]
    ),
)  # fmt: skip


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


odd = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=6,
) | st.integers(1, 60).map(nested)


def containers(value: Any) -> list[Any]:
    """All objects and arrays in an item, from the outside in."""
    found = [value]
    inner = value.values() if isinstance(value, dict) else value
    for each in inner:
        if isinstance(each, dict | list):
            found += containers(each)
    return found


@st.composite
def changed(draw: st.DrawFn, resource: str) -> dict[str, Any]:
    """An item with a name of its own and up to three odd changes."""
    start = draw(st.sampled_from([FULL[resource], SMALLEST[resource]]))
    item: dict[str, Any] = copy.deepcopy(start) | {
        "source": "odd",
        name_field(resource): f"m{next(_numbers):07}",
    }
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.sampled_from(containers(item)))
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        action = draw(st.sampled_from(["replace", "drop", "add"]))
        if action == "add" or not keys:
            if isinstance(place, dict):
                place[draw(st.text(max_size=6) | st.sampled_from(["id", "tenant_id"]))] = draw(odd)
            else:
                place.append(draw(odd))
        elif action == "drop":
            del place[draw(st.sampled_from(keys))]
        else:
            place[draw(st.sampled_from(keys))] = draw(odd)
    return item


def same(sent: Any, kept: Any) -> bool:
    """Whether what is read back is what was sent: equal, or the same instant."""
    if isinstance(sent, dict):
        return isinstance(kept, dict) and all(
            key in kept and same(value, kept[key]) for key, value in sent.items()
        )
    if isinstance(sent, list):
        return isinstance(kept, list) and len(sent) == len(kept) and all(map(same, sent, kept))
    if isinstance(sent, bool) or isinstance(kept, bool) or sent is None or kept is None:
        return sent is kept
    if isinstance(sent, int | float):
        return isinstance(kept, int | float) and math.isclose(sent, kept, rel_tol=0, abs_tol=0)
    return sent == kept or is_same_instant(sent, kept)


def is_same_instant(sent: str, kept: str) -> bool:
    try:
        gap = datetime.fromisoformat(sent.upper()) - datetime.fromisoformat(kept)
    except ValueError:
        return False
    return abs(gap.total_seconds()) <= 1e-6


def check(tenant: Tenant, resource: str, items: list[dict[str, Any]]) -> None:
    body = "\n".join(json.dumps(item) for item in items).encode()
    answer = post(tenant, f"{resource}/batch", body, **NDJSON)
    assert answer.status_code == 200, answer.text
    results = answer.json()["results"]
    assert len(results) == len(items)
    for number, (item, result) in enumerate(zip(items, results, strict=True)):
        if result["status"] == "rejected":
            assert result["errors"]
            for error in result["errors"]:
                assert error["code"] in PROBLEMS
                assert error["message"]
                assert error["pointer"].split("/")[1] == str(number)
        elif result["status"] in ("created", "updated"):
            assert result["errors"] == []
            (record,) = stored(tenant, resource, item)
            assert same(item, record), (item, record)


@pytest.mark.parametrize("resource", RESOURCES)
@settings(
    deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.data())
def test_odd_items_are_stored_exactly_or_rejected_by_name(
    sender: Tenant, resource: str, data: st.DataObject
) -> None:
    check(sender, resource, data.draw(st.lists(changed(resource), min_size=1, max_size=6)))


@pytest.mark.parametrize("resource", RESOURCES)
def test_an_item_with_every_field_is_stored_exactly(sender: Tenant, resource: str) -> None:
    described = inspect.type_info(KINDS[resource].item)
    assert isinstance(described, inspect.StructType)
    assert set(FULL[resource]) == {field.encode_name for field in described.fields}
    answer = post(sender, resource, FULL[resource])
    assert answer.status_code == 201, answer.text
    (record,) = stored(sender, resource, FULL[resource])
    assert same(FULL[resource], record)
    assert set(record) == set(FULL[resource]) | {"id", "received_at"}


def test_the_comparison_sees_differences() -> None:
    item = FULL["calls"]
    for place, value in (("resolved", 1), ("wait_seconds", 12.51), ("tags", []), ("topic", None)):
        assert not same(item, {**item, place: value})
    assert not same(item, {**item, "answered_at": "2026-01-05T10:00:12.6Z"})
    assert same(item, {**item, "ended_at": "2026-01-05T10:03:12Z", "more": 1})

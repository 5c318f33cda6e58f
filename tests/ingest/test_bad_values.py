"""Values that JSON can say and an item cannot take: each is refused by name, none is stored."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from msgspec import inspect
from tests.conftest import Tenant
from tests.ingest.samples import RESOURCES, accept, post, problem, refuse, sample

from csapi.app import ALL_OPERATIONS
from csapi.facts.events import EVENTS
from csapi.facts.registry import RECORD_KINDS
from csapi.kit.decode_errors import flat_types
from csapi.kit.tables import metadata

KINDS = {kind.name: kind for kind in (*RECORD_KINDS, EVENTS)}


def fields_of(resource: str) -> Iterator[tuple[str, inspect.Type, bool]]:
    described = inspect.type_info(KINDS[resource].item)
    assert isinstance(described, inspect.StructType)
    for field in described.fields:
        yield field.encode_name, field.type, field.required


def misfits(type_: inspect.Type) -> Iterator[Any]:
    """JSON values of other types than a field takes. Nothing is ever coerced."""
    takes = {type(arm) for arm in flat_types(type_)}
    if inspect.StrType not in takes and inspect.EnumType not in takes:
        yield from ("5", "true", "NaN", "1e3", "", "null")
    if not takes & {inspect.IntType, inspect.FloatType}:
        yield from (0, 1, -1, 1.5)
    if inspect.IntType in takes:
        yield from (1.0, 1.5, "1")
    if inspect.BoolType not in takes:
        yield from (True, False)
    if inspect.ListType not in takes:
        yield ["x"]
    else:
        yield from ({"0": "x"}, [True], [None], [[]])
    if not takes & {inspect.StructType, inspect.DictType}:
        yield {"x": 1}
    if inspect.NoneType not in takes:
        yield None


CODES = {"wrong_type", "invalid_value", "too_short"}


@pytest.mark.parametrize("resource", RESOURCES)
def test_no_field_takes_another_type(sender: Tenant, resource: str) -> None:
    for name, type_, _ in fields_of(resource):
        wrong = [sample(resource, **{name: value}) for value in misfits(type_)]
        assert problem(post(sender, resource, wrong[0]))[0] == 422
        results = post(sender, f"{resource}/batch", wrong).json()["results"]
        for number, (item, result) in enumerate(zip(wrong, results, strict=True)):
            assert result["status"] == "rejected", (name, item[name])
            error = result["errors"][0]
            assert error["pointer"].startswith(f"/{number}/{name}"), error
            assert error["code"] in CODES, error


@pytest.mark.parametrize("resource", RESOURCES)
def test_required_fields_are_missed_by_name(sender: Tenant, resource: str) -> None:
    for name, _, is_required in fields_of(resource):
        item = sample(resource)
        item.pop(name, None)
        if is_required:
            refuse(sender, resource, item, f"/{name}", "required")


@pytest.mark.parametrize("resource", RESOURCES)
def test_what_the_server_decides_cannot_be_sent(sender: Tenant, resource: str) -> None:
    """Mass assignment: no column of the tables and no field of an answer gets in."""
    columns = set(metadata.tables[KINDS[resource].table].columns.keys())
    answered = set(accept(sender, resource, sample(resource)))
    allowed = {name for name, _, _ in fields_of(resource)}
    closed = (columns | answered | {"role", "scopes", "__class__", "tenant"}) - allowed
    assert {"tenant_id", "id", "received_at"} <= closed
    items = [sample(resource, **{name: "x"}) for name in sorted(closed)]
    results = post(sender, f"{resource}/batch", items).json()["results"]
    for number, (name, result) in enumerate(zip(sorted(closed), results, strict=True)):
        error = result["errors"][0]
        assert (error["pointer"], error["code"]) == (f"/{number}/{name}", "unknown_field")
        assert set(error["allowed"]) == allowed
    first = refuse(sender, resource, sample(resource, tenant_id="x"), "/tenant_id", "unknown_field")
    assert "tenant_id" not in first["allowed"]


NUMBERS = [
    ("calls", "wait_seconds", "-1", "out_of_range"),
    ("calls", "wait_seconds", "-0.0001", "out_of_range"),
    ("calls", "wait_seconds", "315360001", "out_of_range"),
    ("calls", "wait_seconds", "1e400", "out_of_range"),
    ("calls", "wait_seconds", "9" * 5000, "out_of_range"),
    ("ticket-events", "sequence", str(2**63), "out_of_range"),
    ("ticket-events", "sequence", str(-(2**63) - 1), "out_of_range"),
    ("ticket-events", "sequence", str(2**64), "out_of_range"),
    ("ticket-events", "sequence", "9" * 5000, "out_of_range"),
    ("ticket-events", "sequence", "1e3", "wrong_type"),
    ("feedback", "rating", "0.99", "out_of_range"),
    ("feedback", "rating", "5.01", "out_of_range"),
    ("feedback", "rating", "1001", "out_of_range"),
    ("feedback", "rating", "-1e308", "out_of_range"),
    ("feedback", "scale_max", "1e400", "out_of_range"),
]


@pytest.mark.parametrize(("resource", "name", "number", "code"), NUMBERS)
def test_numbers_outside_their_range(
    sender: Tenant, resource: str, name: str, number: str, code: str
) -> None:
    text = msgspec.json.encode(sample(resource, **{name: "@"})).replace(b'"@"', number.encode())
    for path, body, pointer in (
        (resource, text, f"/{name}"),
        (f"{resource}/batch", b"[" + text + b"]", f"/0/{name}"),
    ):
        answer = post(sender, path, body).json()
        error = (answer["results"][0] if "results" in answer else answer)["errors"][0]
        assert (error["pointer"], error["code"]) == (pointer, code)


@pytest.mark.parametrize("number", ["1e400", "9" * 5000, "1" + "0" * 400 + ".5", str(2**63)])
def test_numbers_of_ones_own_have_limits_too(sender: Tenant, number: str) -> None:
    text = msgspec.json.encode(sample("calls", custom={"a": "@"})).replace(b'"@"', number.encode())
    assert problem(post(sender, "calls", text)) == (422, "out_of_range")


def test_numbers_at_their_limits_are_stored_exactly(sender: Tenant) -> None:
    for number in (2**63 - 1, -(2**63), 0):
        item = sample("ticket-events", sequence=number)
        assert accept(sender, "ticket-events", item)["sequence"] == number
    for seconds in (0.0, 0.001, 315_360_000.0, 5e-324):
        record = accept(sender, "calls", sample("calls", wait_seconds=seconds))
        assert record["wait_seconds"] == seconds
    custom = {"a": 0.1, "b": 1e308, "c": -0.0, "d": 2**53 + 1, "e": 1e22, "f": 1e-7, "g": True}
    assert accept(sender, "calls", sample("calls", custom=custom))["custom"] == custom


RATINGS = [
    ({"survey": "csat", "rating": 0}, "/rating"),
    ({"survey": "csat", "rating": 6}, "/rating"),
    ({"survey": "ces", "rating": 8}, "/rating"),
    ({"survey": "nps", "rating": -1}, "/rating"),
    ({"survey": "nps", "rating": 11}, "/rating"),
    ({"survey": "csat", "rating": 5, "scale_max": 4}, "/rating"),
    ({"survey": "csat", "rating": 50, "scale_min": 51, "scale_max": 100}, "/rating"),
]


@pytest.mark.parametrize(("fields", "pointer"), RATINGS, ids=range(len(RATINGS)))
def test_ratings_lie_on_their_scale(sender: Tenant, fields: dict[str, Any], pointer: str) -> None:
    refuse(sender, "feedback", sample("feedback", **fields), pointer, "out_of_range")


@pytest.mark.parametrize(("low", "high"), [(5, 1), (3, 3)])
def test_a_scale_has_two_ends(sender: Tenant, low: float, high: float) -> None:
    item = sample("feedback", rating=3, scale_min=low, scale_max=high)
    refuse(sender, "feedback", item, "/scale_max", "invalid_value")


def test_the_ends_of_a_scale_are_ratings(sender: Tenant) -> None:
    for survey, ends in {"csat": (1, 5), "ces": (1, 7), "nps": (0, 10)}.items():
        for rating in ends:
            item = sample("feedback", survey=survey, rating=rating)
            assert accept(sender, "feedback", item)["rating"] == rating


PARTS: list[tuple[str, dict[str, Any], str, str]] = [
    ("calls", {"legs": [{}, {"talk_seconds": -1}]}, "/legs/1/talk_seconds", "out_of_range"),
    ("calls", {"legs": [{"talk": 1}]}, "/legs/0/talk", "unknown_field"),
    ("calls", {"legs": [{"agent": ""}]}, "/legs/0/agent", "too_short"),
    ("calls", {"tags": ["x"] * 101}, "/tags", "too_long"),
    ("calls", {"tags": ["x", ""]}, "/tags/1", "too_short"),
    ("calls", {"custom": {str(n): n for n in range(51)}}, "/custom", "too_long"),
    ("calls", {"custom": {"a": [1]}}, "/custom/a", "wrong_type"),
    ("calls", {"custom": {"a/b~c": {}}}, "/custom/a~1b~0c", "wrong_type"),
    ("calls", {"custom": {"": 1}}, "/custom/", "too_long"),
    ("calls", {"direction": "Inbound"}, "/direction", "invalid_value"),
    ("tickets", {"status": "done"}, "/status", "invalid_value"),
    ("tickets", {"milestones": {"messages_in": -1}}, "/milestones/messages_in", "out_of_range"),
    ("tickets", {"milestones": {"messages_in": 10**6 + 1}}, "/milestones/messages_in",
     "out_of_range"),
    ("tickets", {"milestones": {"x": 1}}, "/milestones/x", "unknown_field"),
    ("agents", {"memberships": [{"team": "a", "until": None}]}, "/memberships/0/until",
     "unknown_field"),
    ("agents", {"memberships": [{}]}, "/memberships/0/team", "required"),
    ("agents", {"memberships": [{"team": "a"}, {"team": "b"}]}, "/memberships", "invalid_value"),
    ("agents", {"team": "a", "memberships": [{"team": "b"}]}, "/memberships", "invalid_value"),
    ("feedback", {"survey": "thumbs"}, "/survey", "invalid_value"),
    ("feedback", {"sentiment_label": "angry"}, "/sentiment_label", "invalid_value"),
    ("calls", {"sentiment_score": -1.01}, "/sentiment_score", "out_of_range"),
    ("ticket-events", {"sentiment_score": 1.01}, "/sentiment_score", "out_of_range"),
    ("quality-reviews", {"criteria": []}, "/criteria", "too_short"),
    ("quality-reviews", {"criteria": [{"criterion": str(n)} for n in range(201)]}, "/criteria",
     "too_long"),
    ("quality-reviews", {"criteria": [{"score": 1}]}, "/criteria/0/criterion", "required"),
    ("quality-reviews", {"criteria": [{"criterion": "a"}, {"criterion": "b", "score": 1.01}]},
     "/criteria/1/score", "out_of_range"),
    ("quality-reviews", {"criteria": [{"criterion": "a", "weight": 0}]}, "/criteria/0/weight",
     "out_of_range"),
    ("quality-reviews", {"criteria": [{"criterion": "a", "weight": -1}]}, "/criteria/0/weight",
     "out_of_range"),
    ("quality-reviews", {"criteria": [{"criterion": "e\u0301"}, {"criterion": "\u00e9"}]},
     "/criteria/1/criterion", "invalid_value"),
    ("tasks", {"assignments": [{"agent": "a"}]}, "/assignments/0/at", "required"),
    ("tasks", {"assignments": [{"at": "2026-01-05T10:00:00Z", "to": "b"}]}, "/assignments/0/to",
     "unknown_field"),
    ("tasks", {"due_at": "2200-01-01T00:00:00Z"}, "/due_at", "out_of_range"),
    ("ticket-events", {"type": "message"}, "/direction", "required"),
    ("ticket-events", {"type": "status_changed"}, "/to", "required"),
    ("ticket-events", {"type": "status_changed", "to": "gone"}, "/to", "invalid_value"),
    ("ticket-events", {"type": "status_changed", "to": "open", "from": "x"}, "/from",
     "invalid_value"),
    ("ticket-events", {"type": "tagged", "tag": None}, "/tag", "required"),
    ("ticket-events", {"type": "vanished"}, "/type", "invalid_value"),
    ("kb-events", {"type": "search"}, "/results_count", "required"),
    ("kb-events", {"type": "vote"}, "/is_helpful", "required"),
    ("kb-events", {"type": "view", "term": "x"}, "/term", "invalid_value"),
    ("kb-events", {"type": "click", "results_count": 0}, "/results_count", "invalid_value"),
    ("kb-events", {"type": "search", "results_count": 1, "is_helpful": True}, "/is_helpful",
     "invalid_value"),
    ("kb-events", {"type": "search", "results_count": 1, "term": "x" * 501}, "/term", "too_long"),
    ("kb-events", {"type": "search", "results_count": -1}, "/results_count", "out_of_range"),
    ("kb-events", {"type": "open"}, "/type", "invalid_value"),
    ("sessions", {"kind": "chat"}, "/kind", "invalid_value"),
    ("sessions", {"outcome": "solved"}, "/outcome", "invalid_value"),
    ("sessions", {"ended_at": "2026-01-05T09:59:59Z"}, "/ended_at", "invalid_value"),
]  # fmt: skip


@pytest.mark.parametrize(("resource", "fields", "pointer", "code"), PARTS, ids=range(len(PARTS)))
def test_parts_are_pointed_at(
    sender: Tenant, resource: str, fields: dict[str, Any], pointer: str, code: str
) -> None:
    error = refuse(sender, resource, sample(resource, **fields), pointer, code)
    if code == "invalid_value" and pointer in ("/direction", "/status", "/survey", "/type"):
        assert len(error["allowed"]) >= 2


def test_long_values_are_not_echoed(sender: Tenant) -> None:
    long = "y" * 5000
    (result,) = post(sender, "calls/batch", [sample("calls", external_id=long)]).json()["results"]
    assert result["external_id"] is None
    for item in (
        sample("calls", **{long: 1}),
        sample("calls", direction=long),
        sample("calls", custom={long: []}),
        sample("calls", topic=long),
    ):
        assert "y" * 65 not in post(sender, "calls", item).text


@pytest.mark.parametrize("resource", ["calls", "agents", "quality-reviews", "tasks"])
def test_every_list_has_a_limit(resource: str) -> None:
    """A call of 340,000 empty legs fits into the body and keeps a whole process busy."""
    for name, type_, _ in fields_of(resource):
        for arm in flat_types(type_):
            if isinstance(arm, inspect.ListType):
                assert arm.max_length is not None, name


def test_the_operations_of_these_tests_are_all_there_are() -> None:
    ingesting = {each.path for each in ALL_OPERATIONS if each.operation_id.startswith("ingest")}
    assert ingesting == {f"/v1/{name}{tail}" for name in RESOURCES for tail in ("", "/batch")}

"""What names stand for in the demo, and what its work costs."""

from datetime import UTC, datetime
from typing import Any

import pytest

from csapi.connect.demo.dataset import Dataset, generate
from csapi.connect.demo.reference import CURRENCY, reference_items
from csapi.connect.demo.span import Span
from csapi.connect.demo.topics import NEW_TOPIC

SPAN = Span(datetime(2026, 3, 18, 11, 20, tzinfo=UTC), days=31, volume=0.5)
Item = dict[str, Any]


@pytest.fixture(scope="module")
def data() -> Dataset:
    return generate(SPAN)


@pytest.fixture(scope="module")
def reference() -> dict[str, list[Item]]:
    return reference_items(SPAN)


def names(items: list[Item]) -> set[str]:
    return {item["external_id"] for item in items}


def test_what_tickets_and_calls_name_is_described(
    data: Dataset, reference: dict[str, list[Item]]
) -> None:
    for resource, field in (
        ("inboxes", "inbox"),
        ("channels", "channel"),
        ("ticket-types", "type"),
    ):
        used = {getattr(ticket, field) for ticket in data.tickets}
        used |= {ticket[field] for ticket in data.partner_tickets}
        assert used <= names(reference[resource])
    queues = {call["queue"] for call in data.calls if call.get("queue")}
    assert queues == names(reference["queues"])


def test_every_topic_but_the_newest_has_a_department(
    data: Dataset, reference: dict[str, list[Item]]
) -> None:
    described = {item["external_id"]: item for item in reference["topics"]}
    used = {ticket.topic for ticket in data.tickets} - {NEW_TOPIC}
    for topic in used:
        parent = described[topic]["parent"]
        assert described[parent]["department"]
    assert NEW_TOPIC not in described


def test_costs_are_in_one_currency_and_rates_are_raised(
    reference: dict[str, list[Item]],
) -> None:
    entries = reference["cost-book"]
    assert {entry["currency"] for entry in entries} == {CURRENCY}
    default = [
        entry["hourly_rate"]
        for entry in sorted(entries, key=lambda entry: entry["valid_from"])
        if "hourly_rate" in entry and not {"agent", "team"} & entry.keys()
    ]
    assert len(default) == 2
    assert default[0] < default[1]


def test_annotations_have_happened(reference: dict[str, list[Item]]) -> None:
    notes = reference["annotations"]
    assert {note["kind"] for note in notes} == {"bug", "policy", "release", "campaign"}
    assert all((note.get("ends_at") or note["starts_at"]) < SPAN.now for note in notes)

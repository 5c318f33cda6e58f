"""What the demo is made of, without a server."""

import hashlib
import os
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
import pytest

from csapi.connect.demo.dataset import Dataset, generate
from csapi.connect.demo.deliveries import BATCH_ITEMS, Deliveries, deliveries_of
from csapi.connect.demo.people import agent_items, team_items
from csapi.connect.demo.phrases import LANGUAGES, phrases
from csapi.connect.demo.span import Span
from csapi.connect.demo.topics import NEW_TOPIC, TOPICS
from csapi.facts.events import EVENTS
from csapi.facts.registry import RECORD_KINDS
from csapi.ingest.items import Draft, draft_item
from csapi.kit.body import MIB

NOW = datetime(2026, 3, 18, 11, 20, tzinfo=UTC)
SMALL = Span(NOW, days=12, volume=0.3)
DIGEST = """
import sys
from datetime import datetime
from tests.connect.test_demo_data import digest
from csapi.connect.demo.span import Span
print(digest(Span(datetime.fromisoformat(sys.argv[1]), days=12, volume=0.3)))
"""

Item = dict[str, Any]


@pytest.fixture(scope="module")
def data() -> Dataset:
    return generate(Span(NOW))


@pytest.fixture(scope="module")
def deliveries(data: Dataset) -> Deliveries:
    return deliveries_of(data)


def digest(span: Span) -> str:
    made = deliveries_of(generate(span))
    return hashlib.sha256(msgspec.json.encode([made.people, made.lanes])).hexdigest()


def items_of(deliveries: Deliveries, resource: str) -> Iterator[Item]:
    for batch in deliveries.batches:
        if batch.resource == resource:
            yield from batch.items


def test_the_same_span_gives_the_same_bytes() -> None:
    expected = digest(SMALL)
    assert digest(SMALL) == expected
    for seed in ("1", "2"):
        found = subprocess.run(
            [sys.executable, "-c", DIGEST, NOW.isoformat()],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        )
        assert found.stdout.strip() == expected


def test_a_later_hour_of_the_day_only_adds() -> None:
    earlier, later = (
        {ticket.id: ticket for ticket in generate(Span(now, days=12)).tickets}
        for now in (NOW, NOW + timedelta(hours=5))
    )
    today = datetime(2026, 3, 17, 21, tzinfo=UTC)
    before = [ticket for ticket in earlier.values() if ticket.created_at < today]
    assert len(before) > 300
    for ticket in before:
        same = later[ticket.id]
        assert same.first_header == ticket.first_header
        assert same.events[: len(ticket.events)] == ticket.events


def test_all_items_are_valid(deliveries: Deliveries) -> None:
    kinds = {kind.name: kind for kind in (*RECORD_KINDS, EVENTS)}
    for batch in deliveries.batches:
        assert 0 < len(batch.items) <= BATCH_ITEMS <= 1000
        assert len(msgspec.json.encode(batch.items)) < 5 * MIB
        for index, item in enumerate(batch.items):
            raw = msgspec.json.encode(item)
            draft = draft_item(kinds[batch.resource], raw, index, f"/{index}", NOW)
            assert isinstance(draft, Draft), (draft, item)


def instants(value: object) -> Iterator[datetime]:
    if isinstance(value, datetime):
        yield value
    elif isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from instants(part)


def test_nothing_happens_after_now(deliveries: Deliveries) -> None:
    planned = {"due_at"}
    stamps = [
        at
        for batch in deliveries.batches
        if batch.resource != "shifts"
        for item in batch.items
        for at in instants({name: item[name] for name in item.keys() - planned})
    ]
    assert max(stamps) <= NOW + timedelta(seconds=1)
    assert max(stamps) > NOW - timedelta(hours=1)


def test_every_name_is_known(data: Dataset, deliveries: Deliveries) -> None:
    known = defaultdict(set)
    resources = ["teams", "agents", "customers", "tickets", "calls", "feedback-requests"]
    for resource in (*resources, "kb-articles", "sessions"):
        for item in items_of(deliveries, resource):
            known[resource.removesuffix("s").rpartition("-")[2]].add(
                (item["source"], item["external_id"])
            )
    direct = ("team", "agent", "customer", "ticket", "call", "request", "article", "session")
    fields = {name: name for name in direct}
    fields |= {"assignee": "agent", "transferred_to": "agent", "reviewer": "agent"}
    checked: Counter[str] = Counter()

    def check(source: str, part: Item) -> None:
        for name, kind in fields.items():
            if part.get(name) is not None:
                assert (source, part[name]) in known[kind], part
                checked[name] += 1

    for batch in deliveries.batches:
        for item in batch.items:
            parts = (item.get(name, ()) for name in ("legs", "memberships", "assignments"))
            for part in (item, *(each for several in parts for each in several)):
                check(item["source"], part)
            if item.get("actor_type") in ("agent", "bot") and item["actor"]:
                assert (item["source"], item["actor"]) in known["agent"]
    assert set(checked) == set(fields)


def test_texts_are_complete_and_of_their_language() -> None:
    scripts = {"ar": ("\u0600", "\u06ff"), "zh": ("\u4e00", "\u9fff"), "en": ("A", "z")}
    for language in LANGUAGES:
        told = phrases(language)
        topics = {topic.key for topic in TOPICS}
        assert set(told.subjects) == set(told.openings) == set(told.searches) == topics
        assert set(told.articles) == topics - {NEW_TOPIC}
        first, last = scripts[language]
        sentences = [
            *(
                text
                for texts in (*told.subjects.values(), *told.openings.values())
                for text in texts
            ),
            *(told.comments.good + told.comments.mixed + told.comments.bad),
            *(told.first_replies + told.next_replies + told.closings),
            *(told.follow_ups + told.reopenings + told.lost),
            *told.articles.values(),
            *told.searches.values(),
            *(told.auto_reply, told.bot_answer, told.call_note),
        ]
        assert len(sentences) == len(set(sentences)) > 60
        for sentence in sentences:
            own = sum(first <= letter <= last for letter in sentence)
            assert own > len(sentence) * 0.4, sentence


def test_header_is_what_the_events_made(data: Dataset) -> None:
    for ticket in data.tickets:
        header = ticket.header()
        last: dict[str, Item] = {}
        for event in ticket.events:
            last[event["type"]] = event
        sequences = [event["sequence"] for event in ticket.events]
        moments = [event["occurred_at"] for event in ticket.events]
        assert sequences == [*range(1, len(sequences) + 1)]
        assert moments == sorted(moments)
        for kind, name in (
            ("status_changed", "status"),
            ("topic_changed", "topic"),
            ("priority_changed", "priority"),
        ):
            if kind in last:
                assert header[name] == last[kind]["to"]
        if "assigned" in last:
            assert header["assignee"] == last["assigned"]["agent"]
            assert header["team"] == last["assigned"]["team"]


def test_deliveries_hold_every_record_and_are_untidy(data: Dataset, deliveries: Deliveries) -> None:
    tickets = Counter(item["external_id"] for item in items_of(deliveries, "tickets"))
    events = Counter(item["event_id"] for item in items_of(deliveries, "ticket-events"))
    assert set(tickets) == {ticket.id for ticket in data.tickets} | {
        item["external_id"] for item in data.partner_tickets
    }
    assert set(events) == {event["event_id"] for ticket in data.tickets for event in ticket.events}
    assert max(events.values()) == 2
    assert sum(amount > 1 for amount in tickets.values()) > 100
    assert sum(bool(item.get("deleted")) for item in items_of(deliveries, "tickets")) == 1
    ratings = defaultdict(set)
    for item in items_of(deliveries, "feedback"):
        ratings[item["source"], item["external_id"]].add(item["rating"])
    assert sum(len(each) > 1 for each in ratings.values()) > 20


def test_lanes_share_no_customer(deliveries: Deliveries) -> None:
    seen = [
        {
            (item["source"], item["customer"])
            for batch in lane
            for item in batch.items
            if item.get("customer")
        }
        for lane in deliveries.lanes
    ]
    assert all(seen)
    assert sum(map(len, seen)) == len(set().union(*seen))


def test_agents_change_teams() -> None:
    span = Span(NOW)
    agents = {item["external_id"]: item for item in agent_items(span)}
    moved = [item for item in agents.values() if item.get("memberships")]
    assert len(moved) >= 3
    for item in moved:
        first, second = item["memberships"]
        assert first["to"] == second["from"]
        assert span.first < first["to"].date() < date(2026, 3, 18)
    assert [item["kind"] for item in agents.values()].count("bot") == 1
    assert sum(not item["active"] for item in agents.values()) == 1
    assert len(list(team_items(span))) == 5

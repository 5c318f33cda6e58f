"""What a person should see in the demo: cycles, trends, and somebody who needs help."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import UTC, date, datetime
from statistics import mean, median
from typing import Any

import pytest

from csapi.connect.demo.dataset import Dataset, generate
from csapi.connect.demo.people import BOT, QUIET_AGENT, WEAK_AGENT
from csapi.connect.demo.span import ZONE, Span, local_day
from csapi.connect.demo.ticket import Ticket
from csapi.connect.demo.topics import DYING_TOPIC, GROWING_TOPIC, NEW_TOPIC, OUTAGE_TOPIC

NOW = datetime(2026, 3, 18, 11, 20, tzinfo=UTC)
FRIDAY = 4


@pytest.fixture(scope="module")
def data() -> Dataset:
    return generate(Span(NOW))


@pytest.fixture(scope="module")
def by_day(data: Dataset) -> Counter[date]:
    return Counter(local_day(ticket.created_at) for ticket in data.tickets)


def average(values: Iterable[float]) -> float:
    return mean([*values])


def test_size(data: Dataset) -> None:
    assert 5_000 < len(data.tickets) < 8_000
    assert 30_000 < sum(len(ticket.events) for ticket in data.tickets) < 50_000
    assert 4_000 < len(data.calls) < 6_000
    assert 3_500 < len(data.requests) < 6_000
    assert 0.25 < len(data.feedback) / len(data.requests) < 0.5
    assert len(data.partner_tickets) > 500
    assert len(data.partner_feedback) > 50


def test_no_day_is_empty(data: Dataset, by_day: Counter[date]) -> None:
    assert set(by_day) == set(data.span.dates)


def test_week(by_day: Counter[date]) -> None:
    weekdays = defaultdict(list)
    for day, amount in by_day.items():
        weekdays[day.weekday()].append(amount)
    averages = {weekday: average(amounts) for weekday, amounts in weekdays.items()}
    assert min(averages, key=averages.__getitem__) == FRIDAY
    assert averages[FRIDAY] < 0.5 * averages[6]


@pytest.mark.parametrize("what", ["calls", "mails"])
def test_hours(data: Dataset, what: str) -> None:
    stamps = [call["queue_entered_at"] for call in data.calls]
    if what == "mails":
        stamps = [ticket.created_at for ticket in data.tickets if ticket.channel == "email"]
    hours = Counter(at.astimezone(ZONE).hour for at in stamps)
    assert hours[12] < 0.6 * hours[10]
    assert hours[12] < 0.8 * hours[14]
    assert hours[2] < 0.05 * hours[10]


def replied_in(tickets: Iterable[Ticket], agent: str) -> list[float]:
    return [
        (ticket.first_reply_at - ticket.created_at).total_seconds()
        for ticket in tickets
        if ticket.first_reply_at and ticket.agent and ticket.agent.id == agent
    ]


def ratings(data: Dataset) -> dict[str, list[int]]:
    owners = {ticket.id: ticket.agent for ticket in data.tickets}
    asked = {request["external_id"]: request.get("ticket") for request in data.requests}
    found = defaultdict(list)
    for answer in data.feedback:
        owner = owners.get(asked[answer["request"]] or "")
        if owner and answer["survey"] == "csat":
            found[owner.id].append(answer["rating"])
    return found


def test_weak_agent(data: Dataset) -> None:
    found = ratings(data)
    weak = average(found[WEAK_AGENT])
    others = [average(given) for agent, given in found.items() if len(given) > 15]
    assert len(found[WEAK_AGENT]) > 30
    assert weak < 3.3
    assert sorted(others)[1] > weak + 0.5
    chats = [ticket for ticket in data.tickets if ticket.channel == "chat"]
    slow = median(replied_in(chats, WEAK_AGENT))
    assert all(slow > 1.5 * median(replied_in(chats, agent)) for agent in ("a01", "a02", "a05"))


def test_quiet_agent_and_bot(data: Dataset) -> None:
    amounts = Counter(ticket.agent.id for ticket in data.tickets if ticket.agent)
    assert 5 < amounts[QUIET_AGENT] < 0.2 * median(amounts.values())
    assert amounts[BOT] > 100
    assert len(amounts) == 25


def week_of(data: Dataset, topic: str) -> Counter[int]:
    """How many tickets about it, by whole weeks ago."""
    return Counter(
        data.span.days_ago(local_day(ticket.created_at)) // 7
        for ticket in data.tickets
        if ticket.topic == topic
    )


def test_topics(data: Dataset) -> None:
    assert set(week_of(data, NEW_TOPIC)) == {0}
    assert week_of(data, NEW_TOPIC)[0] > 15
    growing, dying = week_of(data, GROWING_TOPIC), week_of(data, DYING_TOPIC)
    assert growing[1] > 2 * growing[11]
    assert dying[11] > 20
    assert dying[1] < 5


def test_outage(data: Dataset, by_day: Counter[date]) -> None:
    outage = data.span.outage
    assert 16 <= data.span.days_ago(outage) <= 22
    assert by_day[outage] == max(by_day.values())
    topics = Counter(
        ticket.topic for ticket in data.tickets if local_day(ticket.created_at) == outage
    )
    assert topics.most_common(1)[0][0] == OUTAGE_TOPIC
    waits = defaultdict(list)
    for call in data.calls:
        if "wait_seconds" in call:
            waits[local_day(call["queue_entered_at"])].append(call["wait_seconds"])
    assert median(waits[outage]) > 2 * median(value for day in waits.values() for value in day)


def test_calls(data: Dataset) -> None:
    outcomes = Counter(call["outcome"] for call in data.calls)
    assert set(outcomes) == {"answered", "abandoned", "flowed_out", "callback"}
    assert 0.05 < outcomes["abandoned"] / len(data.calls) < 0.15
    short = [
        call
        for call in data.calls
        if call["outcome"] == "abandoned"
        and (call["abandoned_at"] - call["queue_entered_at"]).total_seconds() <= 5
    ]
    assert len(short) > 20
    transferred = [call for call in data.calls if len(call.get("legs", ())) == 2]
    assert len(transferred) > 100
    for call in transferred:
        first, second = call["legs"]
        assert first["transferred_to"] == second["agent"]
        assert first["ended_at"] <= second["started_at"]
        assert call["ended_at"] == second["ended_at"]
    outbound = [call for call in data.calls if call.get("direction") == "outbound"]
    assert 0.8 * outcomes["callback"] < len(outbound) <= outcomes["callback"]
    assert sum("ticket" in call for call in data.calls) > 400


def test_people_and_contacts(data: Dataset) -> None:
    segments = Counter(ticket.customer.segment for ticket in data.tickets)
    assert 0.1 < segments["vip"] / len(data.tickets) < 0.3
    assert len({customer.company for customer in data.customers}) > 10
    languages = Counter(ticket.customer.language for ticket in data.tickets)
    assert languages["ar"] > languages["en"] > languages["zh"] > 500
    assert sum(ticket.reopened for ticket in data.tickets) > 150
    last: dict[str, datetime] = {}
    soon = 0
    for ticket in sorted(data.tickets, key=lambda each: each.created_at):
        before = last.get(ticket.customer.id)
        soon += before is not None and (ticket.created_at - before).days < 7
        last[ticket.customer.id] = ticket.created_at
    assert 0.1 < soon / len(data.tickets) < 0.6


def test_variety(data: Dataset) -> None:
    def values(name: str) -> set[Any]:
        return {getattr(ticket, name) for ticket in data.tickets}

    assert values("channel") == {"email", "chat", "whatsapp", "social", "phone"}
    assert values("team") == {"frontline", "billing", "technical", "vip", None}
    assert values("priority") == {"low", "normal", "high", "urgent"}
    assert values("type") == {"question", "problem", "request", "complaint"}
    assert values("status") == {"open", "pending", "on_hold", "solved", "closed"}
    assert len(values("inbox")) == 6
    assert Counter(answer["survey"] for answer in data.feedback).keys() == {"csat", "ces", "nps"}
    kinds = Counter(event["type"] for ticket in data.tickets for event in ticket.events)
    assert set(kinds) == {
        "message",
        "status_changed",
        "assigned",
        "topic_changed",
        "priority_changed",
        "tagged",
    }
    spoken = [answer["comment"] for answer in data.feedback if answer["comment"]]
    assert len(set(spoken)) > 25

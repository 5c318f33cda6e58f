"""The bot and the phone menu: sessions before an agent comes in, or instead of one."""

import random
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta

from csapi.connect.demo.people import BOT, DESK, Customer, Item
from csapi.connect.demo.span import EVENING, PHONE_LINE, Hours, Span, moments, stream
from csapi.connect.demo.ticket import Ticket
from csapi.connect.demo.topics import TOPICS, pick, topics_on

BOT_CHANNELS = ("chat", "whatsapp")
ALONE = {"resolved": 6.0, "abandoned": 3.0, "unknown": 1.0}
LATEST = timedelta(minutes=10)


class Machines:
    """Sessions with the bot and in the phone menu."""

    def __init__(self, span: Span) -> None:
        self.span = span
        self.sessions: list[Item] = []

    def before_tickets(self, tickets: Iterable[Ticket]) -> None:
        """The bot solves it, or hands it to an agent."""
        for ticket in tickets:
            rng = stream("bot", ticket.id)
            solves = ticket.agent is not None and ticket.agent.id == BOT
            if ticket.channel not in BOT_CHANNELS or not (solves or rng.random() < 0.15):
                continue
            outcome = "resolved" if solves and ticket.is_solved else "handed_off"
            seconds = rng.randint(20, 110)
            start = ticket.created_at - timedelta(seconds=seconds)
            self.add(
                f"B-{ticket.id}",
                "bot",
                start,
                seconds,
                outcome,
                customer=ticket.customer.id,
                region=ticket.customer.region,
                ticket=ticket.id,
                topic=ticket.topic,
                channel=ticket.channel,
            )

    def before_calls(self, calls: Iterable[Item]) -> None:
        """The menu leads to the queue; some thought that it had answered, and called later."""
        for call in calls:
            name = call["external_id"]
            rng = stream("menu", name)
            if call.get("direction") == "outbound" or rng.random() > 0.12:
                continue
            is_second_try = rng.random() < 0.25
            seconds = rng.randint(20, 90)
            start = call["queue_entered_at"] - timedelta(seconds=seconds)
            if is_second_try:
                start -= timedelta(seconds=rng.randint(600, 18_000))
            outcome = "resolved" if is_second_try else "handed_off"
            about = {"customer": call["customer"], "region": call["custom"]["region"]}
            self.menu(f"I-{name}", start, seconds, outcome, topic=call["topic"], **about)

    def day(self, day: date, customers: Sequence[Customer]) -> None:
        """Sessions that needed nobody."""
        for kind, usual, hours in (("bot", 4, EVENING), ("ivr", 5, PHONE_LINE)):
            self.alone(kind, day, usual, hours, customers, stream(kind, day))

    def alone(
        self,
        kind: str,
        day: date,
        usual: float,
        hours: Hours,
        customers: Sequence[Customer],
        rng: random.Random,
    ) -> None:
        arrivals = moments(day, self.span.amount(day, usual, rng), hours, rng)
        topics = rng.choices(TOPICS, topics_on(self.span, day), k=len(arrivals))
        for number, (at, topic) in enumerate(zip(arrivals, topics, strict=True)):
            if at > self.span.now - LATEST:
                return
            customer = rng.choice(customers)
            about = {
                "customer": customer.id if rng.random() < 0.85 else None,
                "region": customer.region,
                "topic": topic.key,
            }
            name, seconds = f"{day:%y%m%d}-{number}", rng.randint(25, 240)
            if kind == "ivr":
                self.menu(f"I-{name}", at, seconds, pick(ALONE, rng), **about)
            else:
                channel = rng.choice(BOT_CHANNELS)
                self.add(f"B-{name}", kind, at, seconds, pick(ALONE, rng), channel=channel, **about)

    def menu(self, name: str, at: datetime, seconds: int, outcome: str, **about: object) -> None:
        self.add(name, "ivr", at, seconds, outcome, channel="phone", **about)

    def add(
        self,
        name: str,
        kind: str,
        at: datetime,
        seconds: int,
        outcome: str,
        *,
        region: object,
        **about: object,
    ) -> None:
        ended = at + timedelta(seconds=seconds)
        self.sessions.append(
            {
                "source": DESK,
                "external_id": name,
                "kind": kind,
                "started_at": at,
                "ended_at": ended,
                "source_updated_at": ended,
                "outcome": outcome,
                "custom": {"region": region},
                **about,
            }
        )

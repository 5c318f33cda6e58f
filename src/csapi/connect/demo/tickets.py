"""How tickets go: who answers, how soon, and what goes wrong on the way."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import count

from csapi.connect.demo.people import BOT_AGENT, CREW, WEAK_AGENT, Agent, Customer, Roster, tags_of
from csapi.connect.demo.phrases import phrases
from csapi.connect.demo.span import (
    EVENING,
    OFFICE,
    Span,
    local_day,
    moments,
    spread,
    stream,
    when_staffed,
)
from csapi.connect.demo.ticket import Ticket
from csapi.connect.demo.topics import BY_KEY, PRIORITIES, PRODUCTS, TOPICS, pick

CHANNELS = {"email": 36.0, "chat": 28.0, "whatsapp": 27.0, "social": 9.0}
REPLY_SECONDS = {"email": 5400, "chat": 75, "whatsapp": 480, "social": 2400, "phone": 600}
CUSTOMER_SECONDS = {"email": 14400, "chat": 50, "whatsapp": 900, "social": 5400, "phone": 3600}
HURRY = {"urgent": 0.35, "high": 0.6, "normal": 1.0, "low": 1.4}
INBOXES = {"chat": "website", "whatsapp": "whatsapp-ksa", "social": "social", "phone": "hotline"}
ROUNDS = (0, 1, 2, 3)
ROUND_WEIGHTS = (52, 32, 12, 4)
CLOSES_AFTER = timedelta(days=4)
NEVER_SOLVED = 0.02
NEVER_ANSWERED = 0.015
ON_HOLD = 0.08
BOT_KNOWS = ("order_status", "product_question")

Return = tuple[Customer, str]


@dataclass
class Desk:
    """All tickets of the desk. `returning` holds who will write again on a day, and why."""

    span: Span
    customers: Sequence[Customer]
    tickets: list[Ticket] = field(default_factory=list)
    returning: dict[date, list[Return]] = field(default_factory=dict)
    roster: Roster = field(init=False)
    numbers: Iterator[int] = field(default_factory=lambda: count(10_001))

    def __post_init__(self) -> None:
        self.roster = Roster(self.span, CREW)
        self.weights = [customer.weight for customer in self.customers]

    def open(
        self,
        at: datetime,
        customer: Customer,
        topic: str,
        channel: str,
        initiated_by: str = "customer",
    ) -> Ticket:
        number = next(self.numbers)
        rng = stream("ticket", number)
        inbox = "billing-mail" if BY_KEY[topic].team == "billing" else "support-mail"
        ticket = Ticket(
            id=f"T-{number}",
            now=self.span.now,
            created_at=at,
            customer=customer,
            channel=channel,
            inbox=INBOXES.get(channel, inbox),
            type=pick(BY_KEY[topic].types, rng),
            topic=topic,
            priority=pick(PRIORITIES, rng),
            product=rng.choice(PRODUCTS),
            subject=rng.choice(phrases(customer.language).subjects[topic]),
            initiated_by=initiated_by,
            tags=tags_of(customer, f"T-{number}"),
        )
        self.tickets.append(ticket)
        return ticket

    def day(self, day: date, topic_weights: Sequence[float], rng: random.Random) -> None:
        amount = self.span.amount(day, 56, rng)
        fresh = [
            (customer, topic.key)
            for customer, topic in zip(
                rng.choices(self.customers, self.weights, k=amount),
                rng.choices(TOPICS, topic_weights, k=amount),
                strict=True,
            )
        ]
        again = self.returning.pop(day, [])
        for channel, writers in by_channel([*again, *fresh], rng).items():
            hours = OFFICE if channel == "email" else EVENING
            arrivals = moments(day, len(writers), hours, rng)
            for at, (customer, topic) in zip(arrivals, writers, strict=True):
                if at <= self.span.now:
                    self.handle(self.open(at, customer, topic, channel))

    def handle(self, ticket: Ticket) -> None:
        rng = stream("course", ticket.id)
        if rng.random() < 0.012:
            ticket.flags = rng.choice([{"is_spam": True}, {"is_spam": True}, {"is_test": True}])
            return
        if rng.random() < 0.006:
            self.write_twice(ticket, rng)
        Course(self, ticket, rng).run()
        agent = ticket.agent
        risk = 0.3 if agent and agent.id == WEAK_AGENT else 0.09
        if ticket.solved_at and rng.random() < risk:
            again = local_day(ticket.solved_at) + timedelta(days=rng.randint(1, 5))
            self.returning.setdefault(again, []).append((ticket.customer, ticket.topic))

    def write_twice(self, ticket: Ticket, rng: random.Random) -> None:
        at = ticket.created_at + spread(rng, 240)
        if at <= self.span.now:
            twin = self.open(at, ticket.customer, ticket.topic, ticket.channel)
            twin.flags = {"merged_into": ticket.id}

    def team_of(self, topic: str, customer: Customer) -> str:
        return "vip" if customer.segment == "vip" else BY_KEY[topic].team


def by_channel(writers: Sequence[Return], rng: random.Random) -> dict[str, list[Return]]:
    chosen: dict[str, list[Return]] = {channel: [] for channel in CHANNELS}
    for writer in writers:
        chosen[pick(CHANNELS, rng)].append(writer)
    return chosen


class Course:
    """One ticket from its first message to its last."""

    def __init__(self, desk: Desk, ticket: Ticket, rng: random.Random) -> None:
        self.desk = desk
        self.ticket = ticket
        self.rng = rng
        self.says = phrases(ticket.customer.language)
        self.at = ticket.created_at

    def run(self) -> None:
        ticket, rng = self.ticket, self.rng
        right_topic = ticket.topic
        if rng.random() < 0.07:
            ticket.topic = rng.choice(TOPICS[:10]).key
            ticket.first_header = ticket.header()
        ticket.asks(self.at, rng.choice(self.says.openings[right_topic]))
        if ticket.channel in ("chat", "whatsapp"):
            self.at += spread(rng, 3, 0.3)
            ticket.bot_says(self.at, self.says.auto_reply)
            if right_topic in BOT_KNOWS and rng.random() < 0.3:
                self.bot_solves()
                return
        self.take(ticket.topic)
        if ticket.topic != right_topic:
            self.correct_topic(right_topic)
        if rng.random() > NEVER_ANSWERED:
            self.serve()

    def serve(self) -> None:
        ticket, rng = self.ticket, self.rng
        self.reply(self.says.first_replies)
        if rng.random() < ON_HOLD:
            self.hold()
        for _ in range(rng.choices(ROUNDS, ROUND_WEIGHTS)[0]):
            self.another_round()
        if rng.random() < NEVER_SOLVED:
            ticket.waits(self.at + timedelta(seconds=2))
            return
        self.solve()
        if rng.random() < (0.2 if self.agent().id == WEAK_AGENT else 0.06):
            self.reopen()
        if ticket.channel == "social":
            ticket.closes(self.at + CLOSES_AFTER)

    def agent(self) -> Agent:
        """Who has the ticket; of one that ends before, who would have."""
        if self.ticket.agent is None:
            return self.desk.roster.pick("frontline", local_day(self.at), self.rng)
        return self.ticket.agent

    def wait(self, seconds: float) -> datetime:
        """When an agent has come to it."""
        ticket = self.ticket
        slow = self.desk.span.rush(local_day(self.at)) ** 1.5
        if ticket.customer.segment == "vip":
            slow *= 0.6
        later = self.at + spread(self.rng, seconds * self.agent().pace * slow, 0.7)
        self.at = when_staffed(later, self.rng)
        return self.at

    def take(self, topic: str) -> None:
        self.at = when_staffed(self.at + spread(self.rng, 25), self.rng)
        team = self.desk.team_of(topic, self.ticket.customer)
        agent = self.desk.roster.pick(team, local_day(self.at), self.rng)
        self.ticket.assigned(self.at, agent, team)

    def correct_topic(self, topic: str) -> None:
        self.wait(300)
        self.ticket.topic_becomes(self.at, topic)
        if self.desk.team_of(topic, self.ticket.customer) != self.ticket.team:
            self.take(topic)

    def reply(self, bodies: Sequence[str]) -> None:
        ticket = self.ticket
        at = self.wait(REPLY_SECONDS[ticket.channel] * HURRY[ticket.priority])
        ticket.replies(at, self.rng.choice(bodies))

    def hold(self) -> None:
        self.ticket.holds(self.at + timedelta(seconds=1))
        self.at = when_staffed(self.at + spread(self.rng, 90_000), self.rng)
        self.ticket.goes_on(self.at)

    def another_round(self) -> None:
        ticket, rng = self.ticket, self.rng
        if ticket.channel == "email":
            self.at += timedelta(seconds=1)
            ticket.waits(self.at)
        self.at += spread(rng, CUSTOMER_SECONDS[ticket.channel], 0.8)
        ticket.asks(self.at, rng.choice(self.says.follow_ups))
        if ticket.priority in ("low", "normal") and rng.random() < 0.05:
            self.at += timedelta(seconds=20)
            ticket.priority_becomes(self.at, "high")
            ticket.is_tagged(self.at, "escalated")
        elif rng.random() < 0.06:
            self.take(ticket.topic)
        self.reply(self.says.next_replies)

    def solve(self) -> None:
        ticket, rng = self.ticket, self.rng
        self.wait(REPLY_SECONDS[ticket.channel] * 0.3)
        if rng.random() < 0.25:
            ticket.replies(self.at, rng.choice(self.says.closings))
        ticket.solved(self.at + timedelta(seconds=2))

    def reopen(self) -> None:
        self.at += spread(self.rng, 100_000, 0.6)
        self.ticket.reopens(self.at, self.rng.choice(self.says.reopenings))
        self.reply(self.says.next_replies)
        self.solve()

    def bot_solves(self) -> None:
        self.at += spread(self.rng, 25, 0.4)
        self.ticket.assigned(self.at, BOT_AGENT, None)
        self.ticket.bot_says(self.at, self.says.bot_answer)
        self.ticket.solved(self.at + timedelta(seconds=90), by_bot=True)

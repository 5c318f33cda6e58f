"""Who was asked, who answered, and how content they were."""

import random
from collections.abc import Sequence
from datetime import date, datetime, timedelta

from csapi.connect.demo.people import CREW, DESK, Agent, Customer, Item
from csapi.connect.demo.phrases import phrases
from csapi.connect.demo.sentiment import felt
from csapi.connect.demo.span import OFFICE, Span, local_day, moments, spread, stream
from csapi.connect.demo.ticket import Ticket
from csapi.connect.demo.tickets import REPLY_SECONDS
from csapi.connect.demo.topics import BY_KEY

AGENTS = {agent.id: agent for agent in CREW}
REASONS = {
    "good": ("quick", "friendly", "solved"),
    "mixed": ("solved", "slow"),
    "bad": ("slow", "not_solved", "unfriendly", "had_to_repeat"),
}
EFFORT_SHARE = {"chat": 0.35, "whatsapp": 0.2}
DELIVERED = 0.96
SCALES = {"csat": (1, 5), "ces": (1, 7), "nps": (0, 10)}


class Surveys:
    """Requests and answers. An answer names its request; that leads to ticket, agent and topic."""

    def __init__(self, span: Span) -> None:
        self.span = span
        self.requests: list[Item] = []
        self.feedback: list[Item] = []

    def after_ticket(self, ticket: Ticket) -> None:
        rng = stream("survey", ticket.id)
        if ticket.solved_at is None or not ticket.is_solved or rng.random() > 0.52:
            return
        survey = "ces" if rng.random() < EFFORT_SHARE.get(ticket.channel, 0) else "csat"
        sent = ticket.solved_at + spread(rng, 2400, 0.3)
        request = self.ask(ticket.id, survey, sent, ticket.customer, ticket=ticket.id)
        if request and rng.random() < 0.38:
            mood = ticket_mood(ticket, self.span)
            self.answer(request, mood, ticket.customer, sent + spread(rng, 15_000, 1.2), rng)

    def after_call(self, call: Item, customer: Customer) -> None:
        rng = stream("survey", call["external_id"])
        if call["outcome"] != "answered" or rng.random() > 0.25:
            return
        sent = call["ended_at"] + timedelta(seconds=30)
        name = call["external_id"]
        request = self.ask(name, "csat", sent, customer, call=name)
        if request and rng.random() < 0.27:
            agent = AGENTS[call["agent"]]
            mood = agent.charm + BY_KEY[call["topic"]].mood - (0 if call["resolved"] else 0.9)
            self.answer(request, mood, customer, sent + spread(rng, 900, 0.8), rng)

    def about_us(self, day: date, customers: Sequence[Customer]) -> None:
        """A few customers a day: would they recommend us?"""
        rng = stream("nps", day)
        amount = self.span.amount(day, 9, rng)
        for number, sent in enumerate(moments(day, amount, OFFICE, rng)):
            customer = rng.choice(customers)
            request = self.ask(f"{day:%y%m%d}-{number}", "nps", sent, customer)
            if request and rng.random() < 0.3:
                mood = 0.2 if customer.segment == "vip" else -0.2
                self.answer(request, mood, customer, sent + spread(rng, 40_000), rng)

    def ask(
        self, name: str, survey: str, sent: datetime, customer: Customer, **about: str
    ) -> Item | None:
        if sent > self.span.now:
            return None
        request = {
            "source": DESK,
            "external_id": f"Q-{name}",
            "created_at": sent - timedelta(seconds=20),
            "sent_at": sent,
            "delivered_at": arrival_of(name, sent, self.span),
            "source_updated_at": sent,
            "survey": survey,
            "channel": "sms" if "call" in about else "email",
            "customer": customer.id,
            "custom": {"region": customer.region},
            **about,
        }
        self.requests.append(request)
        return request

    def answer(
        self, request: Item, mood: float, customer: Customer, at: datetime, rng: random.Random
    ) -> None:
        if at > self.span.now:
            return
        survey = request["survey"]
        lowest, highest = SCALES[survey]
        content = 0.84 + 0.22 * mood + rng.gauss(0, 0.2)
        rating = round(lowest + (highest - lowest) * max(0.0, min(1.0, content)))
        share = (rating - lowest) / (highest - lowest)
        tone = "good" if share > 0.7 else "mixed" if share > 0.4 else "bad"
        comments = getattr(phrases(customer.language).comments, tone)
        speaks = rng.random() < (0.35 if tone == "good" else 0.65)
        self.feedback.append(
            {
                "source": DESK,
                "external_id": request["external_id"].replace("Q-", "F-", 1),
                "survey": survey,
                "rating": rating,
                "responded_at": at,
                "source_updated_at": at,
                "request": request["external_id"],
                "comment": rng.choice(comments) if speaks else None,
                "language": customer.language if speaks else None,
                "reasons": [rng.choice(REASONS[tone])] if speaks else [],
                **(felt(1.6 * share - 0.9, rng) if speaks else {}),
            }
        )


def arrival_of(name: str, sent: datetime, span: Span) -> datetime | None:
    """Some requests never arrive, or have not yet."""
    rng = stream("arrival", name)
    at = sent + spread(rng, 8)
    return at if rng.random() < DELIVERED and at <= span.now else None


def ticket_mood(ticket: Ticket, span: Span) -> float:
    mood = BY_KEY[ticket.topic].mood + charm_of(ticket.agent)
    if ticket.reopened:
        mood -= 0.8
    if local_day(ticket.created_at) == span.outage:
        mood -= 0.9
    if ticket.first_reply_at:
        took = (ticket.first_reply_at - ticket.created_at).total_seconds()
        if took > 5 * REPLY_SECONDS[ticket.channel]:
            mood -= 0.5
    return mood


def charm_of(agent: Agent | None) -> float:
    return agent.charm if agent else 0.0

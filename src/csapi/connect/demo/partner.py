"""A source without events: the partner of the marketplace reports milestones and ratings."""

import random
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from csapi.connect.demo.people import PARTNER, PARTNER_CREW, Agent, Customer, Item, Roster
from csapi.connect.demo.phrases import phrases
from csapi.connect.demo.span import (
    OFFICE,
    ZONE,
    Span,
    local_day,
    moments,
    spread,
    stream,
    when_staffed,
)
from csapi.connect.demo.topics import BY_KEY, PRIORITIES, PRODUCTS, TOPICS, pick, topics_on

TEAM = "marketplace"


class Partner:
    """Tickets and ratings of the partner, in the order of time."""

    def __init__(self, span: Span, customers: Sequence[Customer]) -> None:
        self.span = span
        self.customers = customers
        self.roster = Roster(span, PARTNER_CREW)
        self.tickets: list[Item] = []
        self.feedback: list[Item] = []
        weights = [customer.weight for customer in customers]
        for day in span.dates:
            rng = stream("partner", day)
            arrivals = moments(day, span.amount(day, 9, rng), OFFICE, rng)
            writers = rng.choices(customers, weights, k=len(arrivals))
            topics = rng.choices(TOPICS, topics_on(span, day), k=len(arrivals))
            for at, customer, topic in zip(arrivals, writers, topics, strict=True):
                if at <= span.now:
                    self.handle(at, customer, topic.key)

    def handle(self, at: datetime, customer: Customer, topic: str) -> None:
        name = f"M-{5001 + len(self.tickets)}"
        rng = stream(name)
        agent = self.roster.pick(TEAM, local_day(when_staffed(at, rng)), rng)
        milestones = self.milestones(at, agent, rng)
        updated = max(value for value in (at, *milestones.values()) if isinstance(value, datetime))
        solved = "last_solved_at" in milestones
        ticket = {
            "source": PARTNER,
            "external_id": name,
            "created_at": at.astimezone(ZONE),
            "source_updated_at": updated,
            "channel": "email",
            "inbox": "marketplace",
            "type": pick(BY_KEY[topic].types, rng),
            "topic": topic,
            "priority": pick(PRIORITIES, rng),
            "status": "solved" if solved else "open",
            "customer": customer.id,
            "assignee": agent.id,
            "team": TEAM,
            "subject": rng.choice(phrases(customer.language).subjects[topic]),
            "milestones": milestones,
            "custom": {"region": customer.region, "product": rng.choice(PRODUCTS)},
        }
        self.tickets.append(ticket)
        if solved and rng.random() < 0.16:
            self.rate(ticket, agent, milestones["last_solved_at"] + spread(rng, 30_000), rng)

    def milestones(self, at: datetime, agent: Agent, rng: random.Random) -> dict[str, Any]:
        assigned = when_staffed(at + spread(rng, 1800), rng)
        replied = when_staffed(assigned + spread(rng, 9000 * agent.pace, 0.7), rng)
        solved = when_staffed(replied + spread(rng, 20_000 * agent.pace, 0.8), rng)
        again = solved + spread(rng, 150_000) if rng.random() < 0.08 else solved
        rounds = rng.choices((1, 2, 3, 4), (5, 3, 2, 1))[0]
        steps: list[tuple[datetime, dict[str, Any]]] = [
            (at, {"messages_in": 1, "messages_out": 0, "reopen_count": 0}),
            (assigned, {"first_assigned_at": assigned}),
            (replied, {"first_reply_at": replied, "first_reply_by": agent.id, "messages_out": 1}),
            (
                solved,
                {
                    "first_solved_at": solved,
                    "last_solved_at": solved,
                    "solved_by": agent.id,
                    "messages_in": rounds,
                    "messages_out": rounds,
                },
            ),
        ]
        if again > solved:
            steps.append((again, {"last_solved_at": again, "reopen_count": 1}))
        reached: dict[str, Any] = {}
        for when, step in steps:
            if when <= self.span.now:
                reached |= step
        return reached

    def rate(self, ticket: Item, agent: Agent, at: datetime, rng: random.Random) -> None:
        """Without ever having been asked by us."""
        if at > self.span.now:
            return
        self.feedback.append(
            {
                "source": PARTNER,
                "external_id": f"F-{ticket['external_id']}",
                "survey": "csat",
                "rating": max(1, min(5, round(rng.gauss(4.1 + agent.charm, 0.9)))),
                "responded_at": at,
                "source_updated_at": at,
                "ticket": ticket["external_id"],
                "customer": ticket["customer"],
            }
        )

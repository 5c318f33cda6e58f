"""Invented batches: few records on many days, so that they move, come twice, late and deleted."""

import itertools
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from tests.delivery.items import (
    agent,
    call,
    event,
    feedback,
    presence,
    request,
    session,
    shift,
    ticket,
    visit,
)
from tests.delivery.lab import Item

RECORDS_OFTEN = (
    "calls", "calls", "calls", "tickets", "tickets", "ticket-events", "feedback",
    "feedback-requests", "presence", "shifts", "sessions", "kb-events",
)  # fmt: skip
# An agent who moves to another team changes every day of theirs.
RESOURCES = (*(RECORDS_OFTEN * 5), "agents")
FIRST_DAY = datetime(2026, 2, 20, tzinfo=UTC)
RECORDS = 60
MOST_ITEMS = 5


@dataclass
class Inventor:
    """What one tenant sends. Names and topics carry its canary."""

    canary: str
    dice: random.Random
    days: int
    numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    def batch(self) -> tuple[str, list[Item]]:
        resource = self.dice.choice(RESOURCES)
        make = MAKERS[resource]
        count = 1 if resource == "agents" else self.dice.randint(1, MOST_ITEMS)
        return resource, [make(self) for _ in range(count)]

    def when(self) -> str:
        return self.instant().isoformat()

    def instant(self) -> datetime:
        # Few instants of many days: a bucket stays cold for long, and is come back to.
        minutes = self.dice.randrange(self.days) * 1440 + self.dice.choice((5, 400, 905))
        return FIRST_DAY + timedelta(minutes=minutes)

    def name(self, prefix: str, among: int = RECORDS) -> str:
        return f"{self.canary}-{prefix}{self.dice.randrange(among)}"

    def version(self) -> int:
        # So many that ties are rare, and so few that there are some.
        return self.dice.randrange(10_000)

    def customer(self) -> str:
        return self.name("u", 9)

    def agent_name(self) -> str:
        return self.name("a", 5)

    def is_deletion(self) -> bool:
        return self.dice.random() < 0.1


def a_call(by: Inventor) -> Item:
    more = {"customer": by.customer(), "agent": by.agent_name(), "deleted": by.is_deletion()}
    topic = f"{by.canary}-{by.dice.choice('pq')}"
    return call(by.name("c"), by.when(), by.version(), topic=topic, **more)


def a_ticket(by: Inventor) -> Item:
    more = {"customer": by.customer(), "topic": f"{by.canary}-{by.dice.choice('pq')}"}
    return ticket(by.name("t"), by.when(), by.version(), deleted=by.is_deletion(), **more)


def an_event(by: Inventor) -> Item:
    change = {"type_": "topic_changed", "to": f"{by.canary}-{by.dice.choice('pq')}"}
    return event(f"{by.canary}-e{next(by.numbers)}", by.name("t"), by.when(), **change)


def a_feedback(by: Inventor) -> Item:
    more = {"request": by.name("r"), "rating": by.dice.randint(1, 5)}
    return feedback(by.name("f"), by.when(), by.version(), **more)


def a_request(by: Inventor) -> Item:
    return request(by.name("r"), by.when(), by.version(), ticket=by.name("t"))


def a_presence(by: Inventor) -> Item:
    start, state = by.instant(), by.dice.choice(("available", "handling", "offline"))
    end = (start + timedelta(minutes=by.dice.randrange(200))).isoformat()
    more = {"agent": by.agent_name(), "state": state, "ended_at": end}
    return presence(by.name("p"), start.isoformat(), by.version(), **more)


def a_shift(by: Inventor) -> Item:
    start = by.instant()
    end = (start + timedelta(minutes=by.dice.randrange(200))).isoformat()
    return shift(by.name("s"), start.isoformat(), end, by.version(), agent=by.agent_name())


def a_session(by: Inventor) -> Item:
    return session(by.name("v", 9), by.when(), by.version(), customer=by.customer())


def a_visit(by: Inventor) -> Item:
    type_ = by.dice.choice(("search", "click", "view"))
    return visit(by.name("k"), by.when(), type_, by.version(), session=by.name("v", 9))


def an_agent(by: Inventor) -> Item:
    # Moves to another team: everything that the agent did is derived anew.
    return agent(by.agent_name(), f"{by.canary}-{by.dice.choice('xyz')}", by.version())


MAKERS: dict[str, Callable[[Inventor], Item]] = {
    "calls": a_call,
    "tickets": a_ticket,
    "ticket-events": an_event,
    "feedback": a_feedback,
    "feedback-requests": a_request,
    "presence": a_presence,
    "shifts": a_shift,
    "sessions": a_session,
    "kb-events": a_visit,
    "agents": an_agent,
}

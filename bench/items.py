"""Deterministic items as a source would send them: in the order of time, a minute apart."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

Item = dict[str, Any]

START = datetime(2026, 1, 5, tzinfo=UTC)
CUSTOMERS, AGENTS, TEAMS, QUEUES, TOPICS = 4_000, 50, 5, 6, 12
CHANNELS = ("email", "chat", "phone", "web")
PRIORITIES = ("low", "normal", "high")
EVENTS_PER_TICKET = 5
TEXT = "The parcel has not arrived and nobody answers; order number and photos are attached. "


class Source:
    """One sending system. Its customers are its own, so two sources never meet in a record."""

    def __init__(self, name: str, seed: int, customers: int = CUSTOMERS) -> None:
        self.name = name
        self._known = customers
        self._random = random.Random(seed)
        self._numbers = 0
        self._customers: list[int] = []

    def _next(self) -> tuple[int, datetime]:
        self._numbers += 1
        seconds = 60 * self._numbers + self._random.randrange(50)
        return self._numbers, START + timedelta(seconds=seconds)

    def _customer(self) -> str:
        """Every customer comes once before any comes again."""
        if not self._customers:
            self._customers = self._random.sample(range(self._known), self._known)
        return f"u{self._customers.pop()}"

    def call(self) -> Item:
        number, at = self._next()
        chance = self._random
        wait, talk, work = chance.randrange(90), chance.randrange(30, 900), chance.randrange(120)
        agent = f"a{chance.randrange(AGENTS)}"
        item: Item = {
            "source": self.name,
            "external_id": f"c{number}",
            "queue_entered_at": at,
            "source_updated_at": at + timedelta(minutes=20),
            "queue": f"q{chance.randrange(QUEUES)}",
            "customer": self._customer(),
            "topic": f"topic {chance.randrange(TOPICS)}",
        }
        if chance.random() < 0.1:
            return item | {"abandoned_at": at + timedelta(seconds=wait)}
        answered = at + timedelta(seconds=wait)
        return item | {
            "answered_at": answered,
            "ended_at": answered + timedelta(seconds=talk),
            "agent": agent,
            "resolved": chance.random() < 0.7,
            "legs": [{"agent": agent, "talk_seconds": talk, "after_call_work_seconds": work}],
        }

    def ticket(self, *, has_milestones: bool = True) -> Item:
        number, at = self._next()
        chance = self._random
        agent = f"a{chance.randrange(AGENTS)}"
        item: Item = {
            "source": self.name,
            "external_id": f"t{number}",
            "created_at": at,
            "source_updated_at": at + timedelta(hours=9),
            "channel": chance.choice(CHANNELS),
            "topic": f"topic {chance.randrange(TOPICS)}",
            "priority": chance.choice(PRIORITIES),
            "status": "solved",
            "customer": self._customer(),
            "assignee": agent,
            "team": f"team {chance.randrange(TEAMS)}",
            "subject": TEXT[: chance.randrange(20, 80)],
        }
        if not has_milestones:
            return item
        return item | {
            "milestones": {
                "first_reply_at": at + timedelta(minutes=chance.randrange(1, 240)),
                "first_reply_by": agent,
                "first_solved_at": at + timedelta(minutes=chance.randrange(240, 480)),
                "solved_by": agent,
                "messages_in": chance.randrange(1, 5),
                "messages_out": chance.randrange(1, 5),
            }
        }

    def events(self, ticket: Item) -> Iterator[Item]:
        """The life of a ticket: asked, assigned, answered, asked again, solved."""
        chance, at, agent = self._random, ticket["created_at"], ticket["assignee"]
        told = {"actor": agent, "actor_type": "agent"}
        asked = {"type": "message", "direction": "inbound", "actor_type": "customer"}
        changes: tuple[Item, ...] = (
            asked,
            {"type": "assigned", "agent": agent, "team": ticket["team"], **told},
            {"type": "message", "direction": "outbound", **told},
            asked,
            {"type": "status_changed", "from": "open", "to": "solved", **told},
        )
        for number, change in enumerate(changes):
            at += timedelta(minutes=chance.randrange(1, 90))
            text = {"body": TEXT * 2} if change["type"] == "message" else {}
            yield {
                "source": self.name,
                "event_id": f"{ticket['external_id']}-{number}",
                "ticket": ticket["external_id"],
                "occurred_at": at,
                **change,
                **text,
            }


def encoded(items: list[Item]) -> list[bytes]:
    return [msgspec.json.encode(item) for item in items]


def array(items: list[bytes]) -> bytes:
    """The body of a batch."""
    return b"[" + b",".join(items) + b"]"

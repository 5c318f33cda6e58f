"""A ticket while it happens: each step leaves an event, and none happens after `now`."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from csapi.connect.demo.people import BOT, DESK, Agent, Customer, Item
from csapi.connect.demo.sentiment import felt
from csapi.connect.demo.span import stream
from csapi.connect.demo.topics import BY_KEY

DONE = ("solved", "closed")


@dataclass(slots=True, kw_only=True)
class Ticket:
    """State is what the events so far have made it; `over` once a step would lie after `now`.

    `asked` is the customer's last message, which replies name.
    """

    id: str
    now: datetime
    created_at: datetime
    customer: Customer
    channel: str
    inbox: str
    type: str
    topic: str
    priority: str
    product: str
    subject: str
    team: str | None = None
    initiated_by: str = "customer"
    tags: list[str] = field(default_factory=list)
    flags: Item = field(default_factory=dict)
    status: str = "open"
    agent: Agent | None = None
    touched_at: datetime | None = None
    first_reply_at: datetime | None = None
    solved_at: datetime | None = None
    reopened: int = 0
    over: bool = False
    asked: str | None = None
    events: list[Item] = field(default_factory=list)
    first_header: Item = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.first_header = self.header()

    @property
    def is_solved(self) -> bool:
        return self.status in DONE and self.solved_at is not None

    def header(self) -> Item:
        return {
            "source": DESK,
            "external_id": self.id,
            "created_at": self.created_at,
            "source_updated_at": self.touched_at or self.created_at,
            "channel": self.channel,
            "inbox": self.inbox,
            "type": self.type,
            "topic": self.topic,
            "priority": self.priority,
            "status": self.status,
            "customer": self.customer.id,
            "initiated_by": self.initiated_by,
            "assignee": self.agent.id if self.agent else None,
            "team": self.team,
            "subject": self.subject,
            "tags": [*self.tags],
            "custom": {"region": self.customer.region, "product": self.product},
            **self.flags,
        }

    def asks(self, at: datetime, body: str) -> None:
        """The customer writes; that wakes a ticket that waits for the customer."""
        sequence = len(self.events) + 1
        mood = BY_KEY[self.topic].mood - 0.3 * (self.status in DONE)
        about = felt(mood, stream("mood", self.id, sequence))
        said = {"direction": "inbound", "body": body, **about}
        if self._add("message", at, self.customer.id, "customer", **said):
            self.asked = self._event_id(sequence)
            self._status(at, {"pending": "open"}, self.customer.id, "customer")

    def bot_says(self, at: datetime, body: str) -> None:
        self._add("message", at, BOT, "bot", direction="outbound", is_auto_reply=True, body=body)

    def replies(self, at: datetime, body: str) -> None:
        said = {"direction": "outbound", "body": body}
        if self.asked is not None:
            said["in_reply_to"] = self.asked
        if self._add("message", at, self._agent_id, "agent", **said):
            self.first_reply_at = self.first_reply_at or at

    def notes(self, at: datetime, body: str) -> None:
        self._add(
            "message",
            at,
            self._agent_id,
            "agent",
            direction="outbound",
            is_public=False,
            body=body,
        )

    def waits(self, at: datetime) -> None:
        self._status(at, {"open": "pending"}, self._agent_id, "agent")

    def holds(self, at: datetime) -> None:
        """Somebody else has to act: a supplier, the workshop."""
        self._status(at, {"open": "on_hold"}, self._agent_id, "agent")

    def goes_on(self, at: datetime) -> None:
        self._status(at, {"on_hold": "open"}, self._agent_id, "agent")

    def assigned(self, at: datetime, agent: Agent, team: str | None) -> None:
        if self._add("assigned", at, None, "system", agent=agent.id, team=team):
            self.agent, self.team = agent, team

    def topic_becomes(self, at: datetime, topic: str) -> None:
        change = {"from": self.topic, "to": topic}
        if self._add("topic_changed", at, self._agent_id, "agent", **change):
            self.topic = topic

    def priority_becomes(self, at: datetime, priority: str) -> None:
        change = {"from": self.priority, "to": priority}
        if self._add("priority_changed", at, self._agent_id, "agent", **change):
            self.priority = priority

    def is_tagged(self, at: datetime, tag: str) -> None:
        if self._add("tagged", at, self._agent_id, "agent", tag=tag):
            self.tags.append(tag)

    def solved(self, at: datetime, *, by_bot: bool = False) -> None:
        actor = (BOT, "bot") if by_bot else (self._agent_id, "agent")
        if self._status(at, dict.fromkeys(("open", "pending"), "solved"), *actor):
            self.solved_at = at

    def reopens(self, at: datetime, body: str) -> None:
        self.asks(at, body)
        if self._status(at, {"solved": "open"}, self.customer.id, "customer"):
            self.reopened += 1

    def closes(self, at: datetime) -> None:
        self._status(at, {"solved": "closed"}, None, "system")

    def _event_id(self, sequence: int) -> str:
        return f"{self.id}.{sequence}"

    @property
    def _agent_id(self) -> str | None:
        return self.agent.id if self.agent else None

    def _status(
        self, at: datetime, moves: dict[str, str], actor: str | None, actor_type: str
    ) -> bool:
        """Move on if the present status is one that moves."""
        after = moves.get(self.status)
        if after is None:
            return False
        change = {"from": self.status, "to": after}
        if not self._add("status_changed", at, actor, actor_type, **change):
            return False
        self.status = after
        return True

    def _add(
        self, kind: str, at: datetime, actor: str | None, actor_type: str, **fields: Any
    ) -> bool:
        self.over = self.over or at > self.now
        if self.over:
            return False
        sequence = len(self.events) + 1
        event = {
            "source": DESK,
            "event_id": self._event_id(sequence),
            "ticket": self.id,
            "type": kind,
            "occurred_at": at,
            "sequence": sequence,
            "actor_type": actor_type,
        }
        if actor is not None:
            event["actor"] = actor
        self.events.append(event | fields)
        self.touched_at = at
        return True

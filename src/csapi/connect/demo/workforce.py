"""When agents are meant to work, what they do then, and how long they sit on a ticket."""

import random
from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta

from csapi.connect.demo.people import CREW, DESK, NIGHT_CREW, WEAK_AGENT, Agent, Item
from csapi.connect.demo.span import Span, local_day, midnight, spread, stream
from csapi.connect.demo.ticket import Ticket
from csapi.connect.demo.topics import pick

# The tool that plans and records people's time came into use then.
KNOWN_DAYS = 61
EARLY, LATE, NIGHT = 8.0, 13.0, 22.5
SHIFT_HOURS = 9
WORK_SECONDS = {"email": 420, "chat": 380, "whatsapp": 300, "social": 240, "phone": 150}
OTHER_STATES = {"meeting": 4.0, "training": 2.0, "away": 3.0}

Block = tuple[str, float, str | None]


class Workforce:
    """Shifts and presence, as items in the order of time."""

    def __init__(self, span: Span) -> None:
        self.span = span
        self.shifts: list[Item] = []
        self.presence: list[Item] = []
        for day in span.dates[-KNOWN_DAYS:]:
            for agent in CREW:
                if agent.works_on(span, day):
                    self.work(agent, day, stream("shift", agent.id, day))

    def work(self, agent: Agent, day: date, rng: random.Random) -> None:
        starts = midnight(day) + timedelta(hours=start_of(agent, day))
        ends = starts + timedelta(hours=SHIFT_HOURS)
        name = f"{agent.id}-{day:%y%m%d}"
        self.shifts.append(
            {
                "source": DESK,
                "external_id": f"S-{name}",
                "source_updated_at": midnight(self.span.first),
                "agent": agent.id,
                "started_at": starts,
                "ended_at": ends,
                "is_paid": rng.random() > 0.04,
                "activity": "night watch" if agent in NIGHT_CREW else "desk",
            }
        )
        late = spread(rng, 1500 if agent.id == WEAK_AGENT else 240, 0.5)
        self.be_there(agent, starts + late, ends + spread(rng, 240) - late, name, rng)

    def be_there(
        self, agent: Agent, at: datetime, until: datetime, name: str, rng: random.Random
    ) -> None:
        planned = blocks(agent, rng)
        whole = sum(share for _, share, _ in planned)
        length = (until - at).total_seconds()
        for number, (state, share, channel) in enumerate(planned, 1):
            if at > self.span.now:
                return
            start, at = at, at + timedelta(seconds=round(length * share / whole))
            has_ended = at <= self.span.now
            self.presence.append(
                {
                    "source": DESK,
                    "external_id": f"P-{name}-{number}",
                    "source_updated_at": at if has_ended else start,
                    "agent": agent.id,
                    "state": state,
                    "started_at": start,
                    "ended_at": at if has_ended else None,
                    "channel": channel,
                }
            )


def start_of(agent: Agent, day: date) -> float:
    """The local hour. Early and late take turns by the week."""
    if agent in NIGHT_CREW:
        return NIGHT
    return LATE if (day.toordinal() // 7 + int(agent.id[1:])) % 3 == 0 else EARLY


def blocks(agent: Agent, rng: random.Random) -> list[Block]:
    """A shift in its order: state, about how much of it, and the channel if there is one."""
    busy = rng.uniform(0.9, 1.2)
    written = pick({"email": 3.0, "whatsapp": 2.0, "social": 1.0}, rng)
    other = "away" if agent.id == WEAK_AGENT else pick(OTHER_STATES, rng)
    return [
        ("available", 0.09, "phone"),
        ("handling", 0.27 * busy, "phone"),
        ("after_call_work", 0.06, "phone"),
        ("break", 0.08, None),
        ("handling", 0.24 * busy, written),
        (other, 0.2 if agent.id == WEAK_AGENT else 0.07, None),
        ("handling" if rng.random() < 0.6 else "available", 0.15, "chat"),
    ]


def work_sessions(span: Span, tickets: Iterable[Ticket]) -> Iterator[Item]:
    """One for each ticket that an agent answered, up to the first reply."""
    for ticket in tickets:
        reply = next((event for event in ticket.events if is_reply(event)), None)
        if reply is None or span.days_ago(local_day(reply["occurred_at"])) >= KNOWN_DAYS:
            continue
        rng = stream("work", ticket.id)
        pace = ticket.agent.pace**0.6 if ticket.agent else 1.0
        ended = reply["occurred_at"]
        yield {
            "source": DESK,
            "external_id": f"W-{ticket.id}",
            "source_updated_at": ended,
            "agent": reply["actor"],
            "ticket": ticket.id,
            "channel": ticket.channel,
            "started_at": ended - spread(rng, WORK_SECONDS[ticket.channel] * pace),
            "ended_at": ended,
        }


def is_reply(event: Item) -> bool:
    return event.get("direction") == "outbound" and event["actor_type"] == "agent"

"""Quality reviews: one agent is weak in one criterion, and one criterion is weak everywhere."""

import random
from collections.abc import Iterable, Iterator
from datetime import datetime

from csapi.connect.demo.people import BOT, DESK, Item
from csapi.connect.demo.span import Span, spread, stream, when_staffed
from csapi.connect.demo.ticket import Ticket

# By weight, and how well it goes as a rule.
CRITERIA = {
    "greeting": (1, 0.9),
    "understanding": (2, 0.87),
    "solution": (3, 0.84),
    "tone": (2, 0.9),
    "next_steps": (1, 0.42),
}
CURT_AGENT, TONE, CURT_TONE = "a16", "tone", 0.3
SHARE_OF_TICKETS, SHARE_OF_CALLS = 0.11, 0.05
REVIEWERS = ("a20", "a21")


def reviews(span: Span, tickets: Iterable[Ticket], calls: Iterable[Item]) -> Iterator[Item]:
    """Those that have been written by now."""
    for each in (*of_tickets(tickets), *of_calls(calls)):
        if each["reviewed_at"] <= span.now:
            yield each


def of_tickets(tickets: Iterable[Ticket]) -> Iterator[Item]:
    for ticket in tickets:
        rng = stream("review", ticket.id)
        agent, solved = ticket.agent, ticket.solved_at
        if agent is None or solved is None or agent.id == BOT or rng.random() > SHARE_OF_TICKETS:
            continue
        about = {"ticket": ticket.id, "team": ticket.team, "channel": ticket.channel}
        done = review(ticket.id, reviewed_at(solved, rng), agent.id, rng)
        yield {**done, **about, "form": "written"}


def of_calls(calls: Iterable[Item]) -> Iterator[Item]:
    for call in calls:
        name = call["external_id"]
        rng = stream("review", name)
        if call["outcome"] != "answered" or rng.random() > SHARE_OF_CALLS:
            continue
        about = {"call": name, "team": call["team"], "channel": "phone"}
        done = review(name, reviewed_at(call["ended_at"], rng), call["agent"], rng)
        yield {**done, **about, "form": "phone"}


def reviewed_at(done: datetime, rng: random.Random) -> datetime:
    return when_staffed(done + spread(rng, 100_000), rng)


def review(name: str, at: datetime, agent: str, rng: random.Random) -> Item:
    return {
        "source": DESK,
        "external_id": f"R-{name}",
        "reviewed_at": at,
        "source_updated_at": at,
        "agent": agent,
        "reviewer": next(each for each in REVIEWERS if each != agent),
        "form_version": "2",
        "criteria": [
            *(criterion(key, agent, rng) for key in CRITERIA),
            {
                "criterion": "identity_checked",
                "is_auto_fail": True,
                "has_failed": rng.random() < 0.03,
            },
        ],
    }


def criterion(key: str, agent: str, rng: random.Random) -> Item:
    weight, usual = CRITERIA[key]
    level = CURT_TONE if (agent, key) == (CURT_AGENT, TONE) else usual
    chance = rng.random()
    score: float | None = 1 if chance < level - 0.1 else 0.5 if chance < level + 0.1 else 0
    if key == "greeting" and rng.random() < 0.06:
        score = None
    return {"criterion": key, "weight": weight, "score": score}

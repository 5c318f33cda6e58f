"""The phone line: queues, waiting, those who give up, transfers and call-backs."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from csapi.connect.demo.people import DESK, WEAK_AGENT, Agent, Customer, Item, tags_of
from csapi.connect.demo.phrases import phrases
from csapi.connect.demo.sentiment import felt
from csapi.connect.demo.span import PHONE_LINE, ZONE, Span, local_day, moments, spread
from csapi.connect.demo.tickets import Desk
from csapi.connect.demo.topics import BY_KEY, PRIORITIES, TOPICS, pick

QUEUES = {"frontline": "general", "billing": "billing", "technical": "technical", "vip": "vip"}
PEAKS = {9: 1.6, 10: 2.2, 11: 1.6, 13: 2.0, 14: 1.8, 15: 1.3}
WAIT_SECONDS = 11
PATIENCE_SECONDS = 220


@dataclass
class Line:
    """Calls as items, in the order of arrival. Some become tickets of the desk."""

    span: Span
    desk: Desk
    calls: list[Item] = field(default_factory=list)

    def day(self, day: date, topic_weights: Sequence[float], rng: random.Random) -> None:
        arrivals = moments(day, self.span.amount(day, 55, rng), PHONE_LINE, rng)
        callers = rng.choices(self.desk.customers, self.desk.weights, k=len(arrivals))
        topics = rng.choices(TOPICS, topic_weights, k=len(arrivals))
        for at, caller, topic in zip(arrivals, callers, topics, strict=True):
            if at <= self.span.now - timedelta(hours=1):
                self.offer(at, caller, topic.key, rng)

    def call(self, at: datetime, caller: Customer, topic: str, **fields: object) -> Item:
        name = f"K-{20_001 + len(self.calls)}"
        call = {
            "source": DESK,
            "external_id": name,
            "queue_entered_at": at,
            "source_updated_at": at,
            "customer": caller.id,
            "topic": topic,
            "tags": tags_of(caller, name),
            "custom": {"region": caller.region},
            **fields,
        }
        self.calls.append(call)
        return call

    def offer(self, at: datetime, caller: Customer, topic: str, rng: random.Random) -> None:
        team = self.desk.team_of(topic, caller)
        queue = {"queue": QUEUES[team], "type": pick(BY_KEY[topic].types, rng)}
        queue["priority"] = "high" if team == "vip" else pick(PRIORITIES, rng)
        wait = self.wait_seconds(at, team, rng)
        patience = rng.expovariate(1 / PATIENCE_SECONDS)
        if rng.random() < 0.02:
            patience = rng.uniform(1, 5)
        if wait > 90 and rng.random() < 0.18:
            asked = at + timedelta(seconds=60)
            self.call(at, caller, topic, outcome="callback", ended_at=asked, **queue)
            self.call_back(asked, caller, topic, team, rng)
        elif patience < wait:
            left = at + timedelta(seconds=round(patience, 1))
            self.call(
                at, caller, topic, outcome="abandoned", abandoned_at=left, ended_at=left, **queue
            )
        elif rng.random() < 0.03:
            left = at + timedelta(seconds=round(wait))
            self.call(at, caller, topic, outcome="flowed_out", ended_at=left, **queue)
        else:
            self.answer(at, round(wait, 1), caller, topic, team, rng, queue)

    def wait_seconds(self, at: datetime, team: str, rng: random.Random) -> float:
        busy: float = (
            PEAKS.get(at.astimezone(ZONE).hour, 0.8) * self.span.rush(local_day(at)) ** 2.5
        )
        if team == "vip":
            busy *= 0.3
        return min(WAIT_SECONDS * busy * rng.lognormvariate(0, 0.9), 1500.0)

    def answer(
        self,
        at: datetime,
        wait: float,
        caller: Customer,
        topic: str,
        team: str,
        rng: random.Random,
        queue: Item,
    ) -> None:
        answered = at + timedelta(seconds=wait)
        agent = self.desk.roster.pick(team, local_day(at), rng)
        legs = [leg(agent, answered, rng)]
        if rng.random() < 0.08:
            legs += self.transfer(legs[0], team, rng)
        ended = legs[-1]["ended_at"]
        resolved = rng.random() < (0.52 if agent.id == WEAK_AGENT else 0.79)
        mood = BY_KEY[topic].mood + 0.4 * agent.charm + (0.15 if resolved else -0.45)
        call = self.call(
            at,
            caller,
            topic,
            outcome="answered",
            answered_at=answered,
            ended_at=ended,
            wait_seconds=wait,
            agent=agent.id,
            team=team,
            resolved=resolved,
            legs=legs,
            **felt(mood, rng),
            **queue,
        )
        call["source_updated_at"] = ended
        if rng.random() < 0.2:
            self.write_up(call, caller, topic, agent, team, rng)

    def transfer(self, first: Item, team: str, rng: random.Random) -> list[Item]:
        """To another team; the first agent's part ends where the second one's begins."""
        other = rng.choice([name for name in QUEUES if name not in (team, "vip")])
        first["talk_seconds"] = round(first["talk_seconds"] * 0.4)
        parts = first["talk_seconds"] + first["hold_seconds"]
        first["ended_at"] = first["started_at"] + timedelta(seconds=parts)
        agent = self.desk.roster.pick(other, local_day(first["started_at"]), rng)
        first["transferred_to"] = agent.id
        return [leg(agent, first["ended_at"] + timedelta(seconds=rng.randint(5, 40)), rng)]

    def write_up(
        self,
        call: Item,
        caller: Customer,
        topic: str,
        agent: Agent,
        team: str,
        rng: random.Random,
    ) -> None:
        """A ticket that the agent opens from a call: the call is the contact, not the ticket."""
        says = phrases(caller.language)
        ended = call["ended_at"]
        ticket = self.desk.open(call["answered_at"], caller, topic, "phone", "agent")
        ticket.assigned(call["answered_at"], agent, team)
        ticket.notes(ended, says.call_note)
        if call["resolved"]:
            ticket.solved(ended + spread(rng, 60))
        else:
            ticket.replies(ended + spread(rng, 9000), rng.choice(says.next_replies))
            ticket.solved((ticket.touched_at or ended) + spread(rng, 40_000))
        call["ticket"] = ticket.id

    def call_back(
        self, asked: datetime, caller: Customer, topic: str, team: str, rng: random.Random
    ) -> None:
        at = asked + spread(rng, 1500)
        agent = self.desk.roster.pick(team, local_day(at), rng)
        reached = leg(agent, at + timedelta(seconds=rng.randint(8, 25)), rng)
        if reached["ended_at"] > self.span.now:
            return
        call = self.call(
            at,
            caller,
            topic,
            direction="outbound",
            outcome="answered",
            answered_at=reached["started_at"],
            ended_at=reached["ended_at"],
            agent=agent.id,
            team=team,
            resolved=rng.random() < 0.85,
            legs=[reached],
        )
        call["source_updated_at"] = reached["ended_at"]


def leg(agent: Agent, started: datetime, rng: random.Random) -> Item:
    pace = agent.pace**0.6
    talk = round(190 * pace * rng.lognormvariate(0, 0.6))
    hold = round(rng.uniform(15, 150)) if rng.random() < 0.25 else 0
    return {
        "agent": agent.id,
        "started_at": started,
        "ended_at": started + timedelta(seconds=talk + hold),
        "ring_seconds": rng.randint(2, 9),
        "talk_seconds": talk,
        "hold_seconds": hold,
        "after_call_work_seconds": round(35 * pace * rng.lognormvariate(0, 0.5)),
    }

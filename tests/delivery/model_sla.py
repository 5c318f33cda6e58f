"""What became of targets, in plain Python: a clock is wound on from turn to turn."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from tests.delivery.model import Fact, Item, World, at, first, nearest_ms, owner_of, was
from tests.delivery.model_cycles import METRICS, Cycle, cycles
from tests.delivery.model_hours import chosen, is_open
from tests.delivery.model_replies import actor
from tests.delivery.model_tickets import placed
from tests.delivery.model_work import changes_of

from csapi.facts.kinds import Kind

MET, BREACHED, CANCELLED = 1, 2, 3
ZERO = timedelta(0)
# All schedules open and close at quarters of an hour; nothing happens after the last turn.
QUARTER = timedelta(minutes=15)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FOLLOWED = timedelta(days=9)
Cell = tuple[str, str | None, str | None, str | None, str | None]


@dataclass
class Story:
    """A ticket, and what it was at any instant."""

    world: World
    ticket: Item
    events: list[Item]
    schedules: dict[tuple[str | None, datetime], Item | None] = field(default_factory=dict)

    def team(self, when: datetime) -> str | None:
        owner, team = owner_of(self.ticket, self.events, when)
        found: str | None = first(team, self.world.team(owner, when))
        return found

    def priority(self, when: datetime) -> str | None:
        name = self.ticket.get("priority")
        found: str | None = was(self.events, "priority_changed", "to", when, name)
        return found

    def is_waited_for(self, when: datetime) -> bool:
        changes = changes_of(self.events)
        past = [event for event in changes if at(event, "occurred_at") <= when]
        if past:
            return bool(past[-1]["to"] != "pending")
        initial = changes[0].get("from") if changes else self.ticket.get("status")
        return initial != "pending"

    def schedule(self, when: datetime) -> Item | None:
        quarter = when - (when - EPOCH) % QUARTER
        key = self.team(when), quarter
        if key not in self.schedules:
            self.schedules[key] = chosen(self.world, key[0], self.ticket.get("inbox"), quarter)
        return self.schedules[key]

    def turns(self) -> set[datetime]:
        found = {at(event, "occurred_at") for event in self.events}
        for _, agent in self.world.all("agents"):
            for period in agent.get("memberships", []):
                found |= {at(period, "from"), at(period, "to")} - {None}
        return found

    def target(self, cycle: Cycle, when: datetime) -> Item | None:
        """The target that counts at an instant; None without one, or without its clock."""
        policies = sorted(
            ((item, name) for name, item in self.world.all("sla-policies")
             if not item.get("deleted") and self.is_about(item, cycle, when)),
            key=lambda each: each[1],
        )  # fmt: skip
        policies.sort(key=lambda each: each[0]["valid_from"], reverse=True)
        policies.sort(key=lambda each: each[0].get("position", 0))
        for policy, _ in policies:
            known = {
                each.get("priority"): each
                for each in policy["targets"]
                if each["metric"] == cycle.metric
            }
            found = known.get(self.priority(when)) or known.get(None)
            if found:
                is_business = found.get("hours") == "business"
                return found if not is_business or self.schedule(when) else None
        return None

    def is_about(self, policy: Item, cycle: Cycle, when: datetime) -> bool:
        day = cycle.start.astimezone(UTC).date().isoformat()
        ends = policy.get("valid_to") or "9999"
        conditions = {
            "channels": self.ticket.get("channel"),
            "inboxes": self.ticket.get("inbox"),
            "types": self.ticket.get("type"),
            "priorities": self.priority(when),
            "teams": self.team(when),
        }
        return policy["valid_from"] <= day < ends and all(
            not policy.get(name) or value in policy[name] for name, value in conditions.items()
        )


@dataclass
class Decided:
    """What became of a target. spent: by both clocks, when the cycle ended."""

    when: datetime | None = None
    outcome: int = 0
    target: Item = field(default_factory=dict)
    due_in: timedelta | None = None
    over: timedelta = ZERO


def wind(story: Story, cycle: Cycle) -> Decided:
    """Follow a cycle from turn to turn."""
    end = cycle.end or cycle.start + FOLLOWED
    cuts = {cycle.start} | {turn for turn in story.turns() if cycle.start < turn < end}
    if any(True for _ in story.world.all("schedules")):
        quarter = cycle.start.replace(minute=cycle.start.minute // 15 * 15, second=0, microsecond=0)
        while (quarter := quarter + QUARTER) < end:
            cuts.add(quarter)
    ordered = sorted(cuts)
    clocks = {"calendar": ZERO, "business": ZERO}
    found = Decided()
    base = ZERO
    for one, other in zip(ordered, [*ordered[1:], end], strict=True):
        if found.when and cycle.end is None:
            break
        runs = cycle.metric != "requester_wait" or story.is_waited_for(one)
        schedule = story.schedule(one)
        goes = {"calendar": runs, "business": bool(runs and schedule and is_open(schedule, one))}
        wanted = story.target(cycle, one)
        if wanted and not found.when:
            hours = wanted.get("hours", "calendar")
            left = timedelta(seconds=wanted["seconds"]) - clocks[hours]
            is_late = left < ZERO or (goes[hours] and left < other - one)
            if is_late:
                due = one + max(left, ZERO)
                found = Decided(due, BREACHED, wanted)
                base = clocks[hours] + (due - one if left >= ZERO else ZERO)
            elif other == end and cycle.end:
                outcome = MET if cycle.is_met else CANCELLED
                found = Decided(cycle.end, outcome, wanted)
        for clock, is_going in goes.items():
            clocks[clock] += (other - one) if is_going else ZERO
    if found.outcome == BREACHED:
        found.over = clocks[found.target.get("hours", "calendar")] - base
    return found


Known = tuple[Story, Cycle, Decided]


def sla_facts(known: Iterable[Known]) -> dict[tuple[Kind, int], Fact]:
    """Decisions and overshoots of a ticket. The time until they were due stays out."""
    facts: dict[tuple[Kind, int], Fact] = {}
    for story, cycle, decided in known:
        if decided.when is None:
            continue
        number = METRICS.index(cycle.metric)
        place = cycle.number * 4 + number
        spent = nearest_ms(decided.when - cycle.start)
        fact = Fact(
            decided.when,
            (number + 1) * 10 + decided.outcome,
            duration_ms=spent,
            value=decided.target["seconds"] * 10_000,
        )
        replied = replace(fact, actor_agent=actor(cycle.reply))
        channel = cycle.reply.get("channel")
        replied = replace(replied, context=(channel, *fact.context[1:]))
        about = (story.world, story.ticket, story.events)
        own = fact if decided.outcome == BREACHED else replied
        facts[Kind.SLA_DECISION, place] = placed(*about, Kind.SLA_DECISION, own, decided.when)
        if decided.outcome == BREACHED and cycle.end and cycle.is_met:
            late = replace(
                replied, at=cycle.end, outcome=number + 1, duration_ms=nearest_ms(decided.over),
                value=None,
            )  # fmt: skip
            facts[Kind.SLA_OVERSHOOT, place] = placed(*about, Kind.SLA_OVERSHOOT, late, cycle.end)
    return facts


def decisions(world: World, name: str) -> Iterator[Known]:
    ticket = world.get("tickets", name)
    flags = ("deleted", "is_test", "is_spam", "merged_into")
    if not at(ticket, "created_at") or any(ticket.get(flag) for flag in flags):
        return
    story = Story(world, ticket, world.events_of(name))
    named = {
        target["metric"]
        for _, policy in world.all("sla-policies")
        for target in policy["targets"]
        if not policy.get("deleted")
    }
    for cycle in cycles(ticket, story.events):
        if cycle.metric in named:
            yield story, cycle, wind(story, cycle)


def active_at(known: Iterable[Known], when: datetime) -> Counter[Cell]:
    """The undecided targets of an instant, by what their tickets are then."""
    found: Counter[Cell] = Counter()
    for story, cycle, decided in known:
        end = first(decided.when, cycle.end)
        if not cycle.start <= when or (end and end <= when):
            continue
        if story.target(cycle, when):
            about = (story.world, story.ticket, story.events)
            fact = placed(*about, Kind.SLA_ACTIVE, Fact(when), when)
            cell = (fact.actor_agent, fact.actor_team, fact.context[4], fact.context[5])
            found[(cycle.metric, *cell)] += 1
    return found

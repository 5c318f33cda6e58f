"""The facts of a call in plain Python."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from tests.delivery.model import (
    CONTEXT,
    MICROSECOND,
    Fact,
    Item,
    World,
    at,
    first,
    identified,
    nearest_ms,
    tie_break,
    tone,
)

from csapi.facts.kinds import Kind
from csapi.facts.outcomes import CallOutcome, HandlingOutcome

Facts = dict[tuple[Kind, int], Fact]
PARTS = {
    Kind.TALK: ("talk_seconds",),
    Kind.HOLD: ("hold_seconds",),
    Kind.AFTER_CALL_WORK: ("after_call_work_seconds",),
    Kind.HANDLE: ("talk_seconds", "hold_seconds", "after_call_work_seconds"),
}


def call_facts(world: World, call: Item) -> Facts:
    if call.get("deleted"):
        return {}
    entered, legs = at(call, "queue_entered_at"), call.get("legs") or []
    agent = first(call.get("agent"), legs[0].get("agent") if legs else None)
    outcome = outcome_of(call)
    whole = Fact(entered, outcome, actor_agent=agent, actor_team=call.get("team"))
    heard = tone(call)
    spoken: Facts = {(Kind.SENTIMENT, 0): replace(whole, **heard)} if heard else {}
    if call.get("direction", "inbound") == "outbound":
        return placed(world, call, {(Kind.OUTBOUND_CALL, 0): whole, **spoken})
    wait = wait_ms(call)
    resolved = {True: 10_000, False: 0, None: None}[call.get("resolved")]
    facts: Facts = {
        **spoken,
        (Kind.CALL, 0): replace(
            whole,
            duration_ms=None if wait is None or wait < 0 else wait,
            negative_ms=wait if wait is not None and wait < 0 else None,
            value=resolved,
        ),
        (Kind.CONTACT, tie_break(call["external_id"])): replace(
            whole, outcome=identified(call.get("customer"))
        ),
    }
    if started := at(call, "started_at"):
        waited = None if wait is None else wait + nearest_ms(entered - started)
        facts[Kind.CALL_FROM_START, 0] = replace(
            whole,
            duration_ms=None if waited is None or waited < 0 else waited,
            negative_ms=waited if waited is not None and waited < 0 else None,
        )
    if outcome is CallOutcome.ANSWERED:
        facts |= handled(call, legs, whole)
    return placed(world, call, facts)


def outcome_of(call: Item) -> CallOutcome:
    if call.get("outcome"):
        return CallOutcome[call["outcome"].upper()]
    if call.get("answered_at") or any(leg.get("talk_seconds") for leg in call.get("legs") or []):
        return CallOutcome.ANSWERED
    if call.get("abandoned_at") or call.get("ended_at"):
        return CallOutcome.ABANDONED
    return CallOutcome.OPEN


def whole_ms(later: datetime, earlier: datetime) -> int:
    return int((later - earlier) / MICROSECOND / 1000)


def wait_ms(call: Item) -> int | None:
    waited: float | None = call.get("wait_seconds")
    if waited is not None:
        return round(waited * 1000)
    left = first(at(call, "answered_at"), at(call, "abandoned_at"))
    return None if left is None else whole_ms(left, at(call, "queue_entered_at"))


def total(legs: list[Item], names: tuple[str, ...]) -> int | None:
    known = [leg[name] for leg in legs for name in names if leg.get(name) is not None]
    return round(sum(known) * 1000) if known else None


def handled(call: Item, legs: list[Item], whole: Fact) -> Facts:
    ended = first(at(call, "ended_at"), whole.at)
    whole = replace(whole, at=ended)
    several = len(legs) > 1
    span = HandlingOutcome.ALL_LEGS if several else HandlingOutcome.ONE_LEG
    facts: Facts = {}
    for kind, names in PARTS.items():
        duration = total(legs, names)
        if not legs and kind in (Kind.TALK, Kind.HANDLE):
            answered, ended_at = at(call, "answered_at"), at(call, "ended_at")
            if answered and ended_at:
                duration = max(0, whole_ms(ended_at, answered))
        if duration is not None:
            facts[kind, 0] = replace(whole, outcome=span, duration_ms=duration)
        for number, leg in enumerate(legs if several else [], start=1):
            part = total([leg], names)
            if part is not None:
                facts[kind, number] = Fact(
                    first(at(leg, "ended_at"), ended),
                    HandlingOutcome.LEG,
                    actor_agent=leg.get("agent"),
                    duration_ms=part,
                )
    return facts


def placed(world: World, call: Item, facts: Facts) -> Facts:
    values: dict[str, Any] = {
        "channel": "phone",
        "customer": world.customer(call.get("customer")),
        "attr1": world.custom(call),
    }
    names = {"queue", "type", "topic", "priority"}
    found: Facts = {}
    for key, fact in facts.items():
        agent = fact.actor_agent
        values["segment"] = world.segment(call.get("customer"), fact.at)
        context = tuple(call.get(name) if name in names else values.get(name) for name in CONTEXT)
        team = first(fact.actor_team, world.team(agent, fact.at))
        found[key] = replace(
            fact,
            actor_team=team,
            owner_agent=agent,
            owner_team=team,
            context=context,
            tags=frozenset(call.get("tags", [])),
        )
    return found

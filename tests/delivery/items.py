"""Items as they go over the wire, with what the scenarios vary."""

from typing import Any

from tests.delivery.lab import Item, version


def call(name: str, entered_at: str, minutes: int = 0, **more: Any) -> Item:
    item = {"external_id": name, "queue_entered_at": entered_at, "wait_seconds": 5, **more}
    return {**item, "source_updated_at": version(minutes)}


def ticket(name: str, created_at: str, minutes: int = 0, **more: Any) -> Item:
    item = {"external_id": name, "created_at": created_at, **more}
    return {**item, "source_updated_at": version(minutes)}


def event(name: str, ticket_name: str, occurred_at: str, type_: str, **more: Any) -> Item:
    names = {"event_id": name, "ticket": ticket_name}
    return {**names, "occurred_at": occurred_at, "type": type_, **more}


def reply(name: str, ticket_name: str, occurred_at: str, agent: str) -> Item:
    return event(name, ticket_name, occurred_at, "message", direction="outbound", actor=agent)


def request(name: str, sent_at: str, minutes: int = 0, **more: Any) -> Item:
    item = {"external_id": name, "sent_at": sent_at, **more}
    return {**item, "source_updated_at": version(minutes)}


def feedback(name: str, responded_at: str, minutes: int = 0, **more: Any) -> Item:
    item = {"external_id": name, "responded_at": responded_at, "survey": "csat", "rating": 5}
    return {**item, **more, "source_updated_at": version(minutes)}


def review(name: str, reviewed_at: str, agent_name: str, minutes: int = 0, **more: Any) -> Item:
    item = {"external_id": name, "reviewed_at": reviewed_at, "agent": agent_name, **more}
    criteria = [{"criterion": "tone", "score": 0.5}, {"criterion": "speed", "score": 1}]
    return {**item, "criteria": criteria, "source_updated_at": version(minutes)}


def task(name: str, assignee: str, assigned_at: str, minutes: int = 0, **more: Any) -> Item:
    item = {"external_id": name, "assignee": assignee, "assigned_at": assigned_at, **more}
    return {**item, "source_updated_at": version(minutes)}


def presence(name: str, started_at: str, minutes: int = 0, **more: Any) -> Item:
    item = {"external_id": name, "agent": "a1", "state": "available", "started_at": started_at}
    return {**item, **more, "source_updated_at": version(minutes)}


def shift(name: str, started_at: str, ended_at: str, minutes: int = 0, **more: Any) -> Item:
    item = {"external_id": name, "agent": "a1", "started_at": started_at, "ended_at": ended_at}
    return {**item, **more, "source_updated_at": version(minutes)}


def session(name: str, started_at: str, minutes: int = 0, **more: Any) -> Item:
    item = {"external_id": name, "started_at": started_at, "kind": "self_service", **more}
    return {**item, "source_updated_at": version(minutes)}


def article(name: str, topic: str, minutes: int = 0) -> Item:
    return {"external_id": name, "topic": topic, "source_updated_at": version(minutes)}


def visit(name: str, occurred_at: str, type_: str, minutes: int = 0, **more: Any) -> Item:
    """An event of the knowledge base; a search finds something unless told."""
    found = {"results_count": 1} if type_ == "search" else {}
    item = {"external_id": name, "occurred_at": occurred_at, "type": type_, **found, **more}
    return {**item, "source_updated_at": version(minutes)}


def agent(name: str, team: str, minutes: int = 0) -> Item:
    return {"external_id": name, "team": team, "source_updated_at": version(minutes)}


def schedule(name: str, opens: str, minutes: int = 0) -> Item:
    """For everybody, open every Thursday (OLD_DAY is one) until 17:00."""
    hours = {
        "valid_from": "2026-03-01",
        "weekly": [{"day": "thursday", "from": opens, "to": "17:00"}],
    }
    item = {"external_id": name, "timezone": "UTC", "versions": [hours], "is_default": True}
    return {**item, "source_updated_at": version(minutes)}


def policy(name: str, seconds: int, minutes: int = 0, **more: Any) -> Item:
    """A first reply to everybody within so many seconds, from before OLD_DAY on."""
    targets = [{"metric": "first_response", "seconds": seconds, "hours": "calendar"}]
    item = {"external_id": name, "valid_from": "2026-03-01", "targets": targets, **more}
    return {**item, "source_updated_at": version(minutes)}


def customer(name: str, segment: str, minutes: int = 0) -> Item:
    return {"external_id": name, "segment": segment, "source_updated_at": version(minutes)}


def merge(name: str, into: str, minutes: int = 0, **more: Any) -> Item:
    return {"from": name, "into": into, "source_updated_at": version(minutes), **more}

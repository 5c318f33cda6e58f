"""The metrics of self-service on small cases that can be counted by hand, over HTTP."""

from typing import Any

import pytest
from tests.conftest import Tenant

TIME = {"range": {"from": "2026-01-05", "to": "2026-01-06"}, "timezone": "UTC"}
Item = dict[str, Any]


def at(time: str, day: int = 5) -> str:
    return f"2026-01-{day:02}T{time}:00Z"


def send(tenant: Tenant, resource: str, *items: Item) -> None:
    named = [{"source": "s", **item} for item in items]
    answer = tenant.http.post(f"/v1/{resource}/batch", json=named)
    assert answer.json()["summary"]["rejected"] == 0, answer.text


def ask(tenant: Tenant, metric: str, dimension: str | None = None, **params: Any) -> Any:
    question: Item = {"metrics": [{"id": metric, "params": params}], "time": TIME}
    if dimension is not None:
        question["dimensions"] = [dimension]
    answer = tenant.http.post("/v1/query", json=question)
    assert answer.status_code == 200, answer.text
    rows = answer.json()["data"]
    if dimension is None:
        return rows[0]["metrics"][metric]["value"]
    return {row["dimensions"][dimension]["key"]: row["metrics"][metric]["value"] for row in rows}


def event(name: str, time: str, type_: str, **more: Any) -> Item:
    return {"external_id": name, "occurred_at": at(time), "type": type_, **more}


def search(name: str, time: str, results: int = 1, session: str | None = "s1") -> Item:
    return event(name, time, "search", results_count=results, session=session)


def visit(name: str, kind: str, outcome: str = "unknown", **more: Any) -> Item:
    item = {"external_id": name, "kind": kind, "outcome": outcome, **more}
    return {"started_at": at("09:00"), "ended_at": at("10:00"), **item}


def test_a_click_belongs_to_the_search_before_it(tenant: Tenant) -> None:
    send(
        tenant,
        "kb-events",
        event("k2", "10:31", "click", session="s1"),
        search("v1", "10:00"),
        event("k1", "10:05", "click", session="s2"),
        search("v2", "10:10"),
        search("v3", "10:20", results=0),
        search("v4", "10:30"),
        search("v5", "11:00", session=None),
    )
    assert ask(tenant, "kb_searches") == 5
    assert ask(tenant, "kb_zero_result_rate") == 1 / 5
    assert ask(tenant, "kb_no_click_rate") == 2 / 3


def test_a_late_search_takes_the_click_away(tenant: Tenant) -> None:
    send(tenant, "kb-events", search("v1", "10:00"), event("k1", "10:30", "click", session="s1"))
    assert ask(tenant, "kb_no_click_rate") == 0
    send(tenant, "kb-events", search("v2", "10:15"))
    assert ask(tenant, "kb_no_click_rate") == 1 / 2
    send(tenant, "kb-events", {**search("v2", "10:15"), "deleted": True})
    assert ask(tenant, "kb_no_click_rate") == 0
    send(tenant, "kb-events", event("k1", "10:30", "click", session="s9"))
    assert ask(tenant, "kb_no_click_rate") == 1


def test_views_and_votes_go_by_the_topic_of_their_article(tenant: Tenant) -> None:
    send(tenant, "kb-articles", {"external_id": "k1", "topic": "refund"})
    send(
        tenant,
        "kb-events",
        event("v1", "10:00", "view", article="k1"),
        event("v2", "10:01", "view", article="k1"),
        event("v3", "10:02", "view"),
        event("v4", "10:03", "vote", article="k1", is_helpful=True),
        event("v5", "10:04", "vote", article="k1", is_helpful=False),
    )
    assert ask(tenant, "kb_views", "topic") == {"refund": 2, None: 1}
    assert ask(tenant, "kb_votes") == 2
    assert ask(tenant, "kb_helpful_rate", "topic") == {"refund": 0.5}


def test_forms_go_by_their_name(tenant: Tenant) -> None:
    names = ["return", "return", "claim"]
    forms = [
        {"external_id": f"w{number}", "form": name, "submitted_at": at("10:00")}
        for number, name in enumerate(names)
    ]
    send(tenant, "forms", *forms)
    assert ask(tenant, "forms_received") == 3
    assert ask(tenant, "forms_received", "type") == {"return": 2, "claim": 1}


def test_what_becomes_of_bot_sessions(tenant: Tenant) -> None:
    outcomes = ["resolved"] * 3 + ["handed_off"] * 2 + ["abandoned"] + ["unknown"] * 2
    send(tenant, "sessions", *(visit(f"b{n}", "bot", each) for n, each in enumerate(outcomes)))
    assert ask(tenant, "bot_sessions") == 8
    assert ask(tenant, "bot_resolution_rate") == 3 / 6
    assert ask(tenant, "bot_handoff_rate") == 2 / 6


@pytest.fixture
def visited(tenant: Tenant) -> Tenant:
    """Menus and visits from 9 to 10, and contacts after them."""
    send(
        tenant,
        "sessions",
        visit("i1", "ivr", customer="u1"),
        visit("i2", "ivr", "handed_off", customer="u2"),
        visit("i3", "ivr", "abandoned", customer="u3"),
        visit("i4", "ivr", "resolved", customer="u4"),
        visit("i5", "ivr"),
        visit("h1", "self_service", customer="u1"),
        visit("h2", "self_service", "resolved", customer="u2"),
        visit("h3", "self_service", "abandoned", customer="u3"),
    )
    return tenant


def call(name: str, time: str, customer: str, day: int = 5, **more: Any) -> Item:
    return {
        "external_id": name, "queue_entered_at": at(time, day), "customer": customer, **more,
    }  # fmt: skip


def test_a_contact_in_the_window_ends_containment(visited: Tenant) -> None:
    assert ask(visited, "ivr_sessions") == 5
    assert ask(visited, "self_service_sessions") == 3
    assert ask(visited, "unidentified_sessions") == 1
    assert ask(visited, "ivr_containment_rate") == 2 / 4
    assert ask(visited, "ivr_containment_rate", count_abandoned=True) == 3 / 4
    assert ask(visited, "deflection_rate") == 1
    # during the visit, at the end of the window, just after it, and before the visit
    send(
        visited,
        "calls",
        call("c1", "09:30", "u1"),
        call("c2", "10:00", "u2", day=6),
        call("c3", "10:01", "u3", day=6),
        call("c4", "08:59", "u4"),
    )
    assert ask(visited, "ivr_containment_rate") == 1 / 4
    assert ask(visited, "deflection_rate") == 1 / 3
    assert ask(visited, "deflection_rate", count_abandoned=False) == 0
    assert ask(visited, "deflection_rate", window_hours=25) == 0
    assert ask(visited, "deflection_rate", window_hours=1) == 2 / 3


def test_a_contact_that_moves_or_goes_gives_the_session_back(visited: Tenant) -> None:
    opened = {"external_id": "t1", "created_at": at("11:00"), "customer": "u1"}
    send(visited, "tickets", opened)
    assert ask(visited, "deflection_rate") == 2 / 3
    send(visited, "tickets", {**opened, "customer": "u2"})
    assert ask(visited, "deflection_rate") == 2 / 3
    send(visited, "tickets", {**opened, "initiated_by": "agent"})
    assert ask(visited, "deflection_rate") == 1
    send(visited, "tickets", opened, {**opened, "external_id": "t2", "customer": "u3"})
    assert ask(visited, "deflection_rate") == 1 / 3
    send(visited, "tickets", {**opened, "is_spam": True})
    assert ask(visited, "deflection_rate") == 2 / 3


def test_sessions_whose_ticket_came_after_a_search(tenant: Tenant) -> None:
    send(
        tenant,
        "kb-events",
        *(search(f"v{name}", "09:30", session=name) for name in ("s1", "s2", "s3", "s5")),
        search("v9", "09:50", session="s1"),
    )
    send(
        tenant,
        "sessions",
        visit("s1", "self_service", ticket="t1"),
        visit("s2", "self_service", ticket="t2"),
        visit("s3", "self_service"),
        visit("s4", "self_service", ticket="t1"),
    )
    assert ask(tenant, "search_to_ticket_rate") == 0
    send(
        tenant,
        "tickets",
        {"external_id": "t1", "created_at": at("10:50")},
        {"external_id": "t2", "created_at": at("09:29")},
    )
    assert ask(tenant, "search_to_ticket_rate") == 1 / 3
    assert ask(tenant, "search_to_ticket_rate", window_hours=1) == 1 / 3
    send(tenant, "tickets", {"external_id": "t1", "created_at": at("10:51")})
    assert ask(tenant, "search_to_ticket_rate", window_hours=1) == 0


def test_what_a_bot_resolved_lasts_while_nobody_comes_back(tenant: Tenant) -> None:
    """Four conversations that a bot resolved, of which three customers come back: one calls, one
    writes on in the ticket, and the ticket of one is reopened."""
    tickets = [
        {"external_id": f"t{n}", "created_at": at("10:00"), "initiated_by": "system"}
        for n in (2, 3, 4)
    ]
    send(tenant, "tickets", *tickets)
    send(
        tenant,
        "sessions",
        *(visit(f"b{n}", "bot", "resolved", customer=f"u{n}", ticket=f"t{n}") for n in (2, 3, 4)),
        visit("b1", "bot", "resolved", customer="u1"),
        visit("b5", "bot", "handed_off", customer="u5"),
        visit("b6", "bot", "unknown", customer="u6"),
        visit("b7", "bot", "resolved"),
    )
    assert ask(tenant, "durable_bot_resolution_rate") == 4 / 5
    send(tenant, "calls", call("c1", "09:00", "u1", day=8))
    said = {"type": "message", "direction": "inbound", "actor_type": "customer"}
    changed = {"type": "status_changed", "ticket": "t3", "from": "solved"}
    events = [
        {"event_id": "e1", "ticket": "t2", "occurred_at": at("09:30"), **said},
        {"event_id": "e2", "ticket": "t2", "occurred_at": at("10:00", 10), **said},
        {"event_id": "e3", "occurred_at": at("11:00", 6), **changed, "to": "closed"},
        {"event_id": "e4", "occurred_at": at("12:00", 7), **changed, "to": "open"},
    ]
    send(tenant, "ticket-events", *events)
    assert ask(tenant, "durable_bot_resolution_rate") == 1 / 5
    assert ask(tenant, "durable_bot_resolution_rate", window_days=5) == 1 / 5
    assert ask(tenant, "durable_bot_resolution_rate", window_days=4) == 2 / 5
    assert ask(tenant, "durable_bot_resolution_rate", window_days=1) == 4 / 5
    assert ask(tenant, "bot_resolution_rate") == 5 / 6

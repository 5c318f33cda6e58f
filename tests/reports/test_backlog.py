"""The backlog by status, and tickets by what became of them later, counted by hand."""

from collections.abc import Callable
from typing import Any

from tests.conftest import Tenant
from tests.reports.test_states import ask, asks, event, replies, send, ticket, turns


def by_status(tenant: Tenant, *by: str, **more: Any) -> dict[str, Any]:
    statuses = ("new", "open", "pending", "on_hold", "unknown", "all")
    metrics = [
        {"id": "backlog_open", "as": name, "params": {"statuses": name}} for name in statuses
    ]
    rows = ask(tenant, *metrics, by=by, **more)["data"]
    return {
        "/".join(str(row["dimensions"][name]["key"]) for name in by): tuple(
            row["metrics"][name]["value"] for name in statuses
        )
        for row in rows
    }


def test_the_statuses_add_up_to_the_backlog(make_tenant: Callable[..., Tenant]) -> None:
    """t1 is new, open, pending, goes to another team as such, is on hold, and solved; t2 has a
    header alone; t3 was solved, nobody knows as what; t4 is opened again."""
    tenant = make_tenant("UTC")
    send(
        tenant,
        "tickets",
        ticket("t1", "2026-01-05T09:00:00Z", team="north"),
        ticket("t2", "2026-01-05T09:00:00Z", team="north", status="pending"),
        ticket(
            "t3", "2026-01-05T09:00:00Z", team="north", status="solved",
            milestones={"first_solved_at": "2026-01-07T09:00:00Z"},
        ),
        ticket("t4", "2026-01-05T09:00:00Z", team="north"),
    )  # fmt: skip
    send(
        tenant,
        "ticket-events",
        turns("s1", "t1", "2026-01-05T10:00:00Z", "new", "open"),
        turns("s2", "t1", "2026-01-05T11:00:00Z", "open", "pending"),
        event("a1", "t1", "assigned", "2026-01-06T11:00:00Z", team="south"),
        turns("s3", "t1", "2026-01-07T11:00:00Z", "pending", "on_hold"),
        turns("s4", "t1", "2026-01-08T11:00:00Z", "on_hold", "solved"),
        turns("s5", "t4", "2026-01-05T11:00:00Z", "open", "solved"),
        turns("s6", "t4", "2026-01-07T11:00:00Z", "solved", "open"),
    )
    assert by_status(tenant, "time:day") == {
        "2026-01-05": (0, 0, 2, 0, 1, 3),
        "2026-01-06": (0, 0, 2, 0, 1, 3),
        "2026-01-07": (0, 1, 1, 1, 0, 3),
        "2026-01-08": (0, 1, 1, 0, 0, 2),
    }
    wednesday = {"from": "2026-01-05", "to": "2026-01-08"}
    assert by_status(tenant, "team", range_=wednesday) == {
        "north": (0, 1, 1, 0, 0, 2),
        "south": (0, 0, 0, 1, 0, 1),
    }
    hour = {"from": "2026-01-05T09:15:00Z", "to": "2026-01-05T10:30:00Z"}
    assert by_status(tenant, "time:15min", range_=hour) == {
        f"2026-01-05T{time}:00+00:00": found
        for time, found in (
            ("09:15", (1, 1, 1, 0, 1, 4)),
            ("09:30", (1, 1, 1, 0, 1, 4)),
            ("09:45", (1, 1, 1, 0, 1, 4)),
            ("10:00", (0, 2, 1, 0, 1, 4)),
            ("10:15", (0, 2, 1, 0, 1, 4)),
        )
    }


def test_first_contact_resolution_of_resolved_contacts(make_tenant: Callable[..., Tenant]) -> None:
    """u1: a ticket replied to and solved, followed by a call that was flagged as unresolved. u2: a
    ticket that was solved without a reply. u3: an answered call. u4: one that was abandoned."""
    tenant = make_tenant("UTC")
    send(
        tenant,
        "tickets",
        ticket("t1", "2026-01-05T10:00:00Z", customer="u1", topic="a"),
        ticket("t2", "2026-01-05T10:00:00Z", customer="u2"),
    )
    send(
        tenant,
        "ticket-events",
        replies("r1", "t1", "2026-01-05T11:00:00Z"),
        turns("s1", "t1", "2026-01-05T12:00:00Z", "open", "solved"),
        turns("s2", "t2", "2026-01-05T12:00:00Z", "open", "solved"),
    )
    called = {"source": "s", "queue_entered_at": "2026-01-06T10:00:00Z", "topic": "b"}
    send(
        tenant,
        "calls",
        {**called, "external_id": "c1", "outcome": "answered", "customer": "u1", "resolved": False},
        {**called, "external_id": "c2", "outcome": "answered", "customer": "u3"},
        {**called, "external_id": "c3", "outcome": "abandoned", "customer": "u4"},
        {**called, "external_id": "c4", "outcome": "answered"},
    )

    def rate(**params: Any) -> tuple[float, int]:
        asked = {"id": "first_contact_resolution_rate", "as": "m", "params": params}
        cell = ask(tenant, asked)["data"][0]["metrics"]["m"]
        return cell["numerator"], cell["n"]

    assert rate() == (4, 5)
    assert rate(of="resolved") == (1, 2)
    assert rate(of="resolved", match="customer_and_topic") == (2, 2)
    assert rate(of="resolved", window_hours=23) == (2, 2)
    (row,) = ask(tenant, "unidentified_contacts")["data"]
    assert (row["metrics"]["unidentified_contacts"]["value"],) == (1,)
    send(tenant, "ticket-events", turns("s3", "t1", "2026-01-07T12:00:00Z", "solved", "open"))
    assert rate(of="resolved") == (1, 1)


def test_first_responses_by_the_creation_of_their_tickets(
    make_tenant: Callable[..., Tenant],
) -> None:
    """Asked on Monday and on Tuesday, both answered on Tuesday, after 25 and 2 hours."""
    tenant = make_tenant("UTC")
    send(
        tenant,
        "tickets",
        ticket("t1", "2026-01-05T10:00:00Z"),
        ticket("t2", "2026-01-06T10:00:00Z"),
        ticket("t3", "2026-01-06T10:00:00Z"),
    )
    send(
        tenant,
        "ticket-events",
        asks("e1", "t1", "2026-01-05T10:00:00Z"),
        replies("e2", "t1", "2026-01-06T11:00:00Z"),
        asks("e3", "t2", "2026-01-06T10:00:00Z"),
        replies("e4", "t2", "2026-01-06T12:00:00Z"),
    )

    def by_day(bucket: str) -> tuple[dict[str, Any], Any]:
        metric = {"id": "first_response_time", "as": "m", "params": {"bucket": bucket}}
        answer = ask(
            tenant, metric, by=("time:day",), range_={"from": "2026-01-05", "to": "2026-01-07"}
        )
        found = {
            row["dimensions"]["time:day"]["key"]: row["metrics"]["m"]["value"]
            for row in answer["data"]
        }
        return found, answer["meta"]["maturity"]

    assert by_day("reply") == ({"2026-01-05": None, "2026-01-06": 13.5 * 3600}, {})
    found, maturity = by_day("creation")
    assert found == {"2026-01-05": 25 * 3600, "2026-01-06": 2 * 3600}
    assert maturity["m"]["state"] == "open"

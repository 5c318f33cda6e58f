"""Variants of definitions on small cases that can be counted by hand, over HTTP."""

from typing import Any

from tests.conftest import Tenant
from tests.reports.test_self_service import ask, at, send, visit

FCR = "first_contact_resolution_rate"


def call(name: str, time: str, outcome: str, wait: float, **more: Any) -> dict[str, Any]:
    return {
        "external_id": name, "queue_entered_at": at(time), "outcome": outcome,
        "wait_seconds": wait, **more,
    }  # fmt: skip


def test_the_clock_may_start_with_the_contact(tenant: Tenant) -> None:
    """A minute in the menu before: 10 s in the queue are 70 s of contact."""
    send(
        tenant,
        "calls",
        call("a", "10:01", "answered", 10, started_at=at("10:00")),
        call("b", "10:02", "answered", 30, started_at=at("10:02")),
        call("c", "10:03", "abandoned", 5, started_at=at("10:03")),
        call("d", "10:04", "answered", 1),
    )
    strict: Any = {"threshold_seconds": 30, "variant": "all_abandons_missed"}
    assert ask(tenant, "service_level", **strict) == 3 / 4
    # d says nothing of its start.
    assert ask(tenant, "service_level", **strict, clock_start="contact_start") == 1 / 3
    send(tenant, "calls", call("a", "10:01", "answered", 10, started_at=at("10:01")))
    assert ask(tenant, "service_level", **strict, clock_start="contact_start") == 2 / 3


def test_where_people_gave_up(tenant: Tenant) -> None:
    """Ten in the menu, of whom 4 went on to the queue and 2 hung up; one more came to the queue.
    One of those five hung up after 20 s, one after 2 s."""
    send(
        tenant,
        "sessions",
        *(visit(f"h{n}", "ivr", "handed_off") for n in range(4)),
        *(visit(f"g{n}", "ivr", "abandoned") for n in range(2)),
        *(visit(f"r{n}", "ivr", "resolved") for n in range(4)),
    )
    send(
        tenant,
        "calls",
        *(call(f"a{n}", "10:00", "answered", 10) for n in range(3)),
        call("late", "10:00", "abandoned", 20),
        call("short", "10:00", "abandoned", 2),
    )
    assert ask(tenant, "abandonment_rate") == 1 / 4
    assert ask(tenant, "abandonment_rate", stage="ivr") == 2 / 10
    assert ask(tenant, "abandonment_rate", stage="any") == (1 + 2) / (4 + 6)
    assert ask(tenant, "abandonment_rate", stage="any", include_short=True) == 4 / 11


def test_first_contact_by_what_customers_say(tenant: Tenant) -> None:
    assert ask(tenant, FCR, method="survey") is None
    send(
        tenant,
        "feedback",
        *(
            {"external_id": f"f{n}", "survey": "fcr", "rating": rating, "responded_at": at("10:00")}
            for n, rating in enumerate((1, 1, 1, 0))
        ),
    )
    assert ask(tenant, FCR, method="survey") == 3 / 4
    assert ask(tenant, "feedback_responses") == 4
    assert ask(tenant, "csat_score") is None


def test_contacts_about_the_same_topic(tenant: Tenant) -> None:
    """Billing, delivery, billing again; then one without a topic."""
    topics = {"10:00": "billing", "11:00": "delivery", "12:00": "billing", "13:00": None}
    send(
        tenant,
        "calls",
        *(
            call(time, time, "answered", 1, customer="u1", topic=topic)
            for time, topic in topics.items()
        ),
        call("other", "14:00", "answered", 1, customer="u2", topic="billing"),
    )
    both: Any = {"match": "customer_and_topic"}
    assert ask(tenant, "repeat_contacts") == 3
    # Billing again, and the one without a topic.
    assert ask(tenant, "repeat_contacts", **both) == 2
    assert ask(tenant, "repeat_contact_rate", **both) == 2 / 5
    assert ask(tenant, FCR) == 2 / 5
    assert ask(tenant, FCR, **both) == 4 / 5
    assert ask(tenant, FCR, **both, window_hours=1) == 5 / 5

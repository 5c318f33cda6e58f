"""Answers as the OpenAPI document shows them; tests read them by their structs."""

from typing import Any

from csapi.reports.drivers.examples import ABOUT, value

RANGE = {"start": "2026-03-01T00:00:00Z", "end": "2026-04-01T00:00:00Z", "timezone": "UTC"}
LAST_PAGE = {"next_cursor": None}
META: dict[str, Any] = ABOUT["meta"]


def member(key: str | None, label: str) -> dict[str, Any]:
    return {"key": key, "label": label, "start": None, "end": None}


def ratings(*counts: int) -> list[dict[str, Any]]:
    return [{"rating": str(number), "count": each} for number, each in enumerate(counts, 1)]


def rated(contacts: int, counts: tuple[int, ...], asked: int) -> dict[str, Any]:
    """The metrics of a row with so many ratings of 1, of 2 and so on."""
    n = sum(counts)
    points = sum(number * each for number, each in enumerate(counts, 1))
    good, bad = sum(counts[3:]), sum(counts[:2])
    return {
        "contacts": value(contacts, contacts, contacts, None),
        "csat_score": value(round(good / n, 4), n, good, n),
        "csat_bottom_2_box": value(round(bad / n, 4), n, bad, n),
        "rating_average": value(round(points / n, 4), n, points, n),
        "feedback_response_rate": value(round(n / asked, 4), asked, n, asked),
    }


VIP, OTHERS = (1, 2, 3, 10, 14), (4, 3, 5, 20, 18)
ALL = tuple(one + other for one, other in zip(VIP, OTHERS, strict=True))
CONVERSATIONS_EXAMPLE: dict[str, Any] = {
    "by": "segment",
    "data": [
        {
            "member": member("vip", "vip"),
            "metrics": rated(60, VIP, 40),
            "ratings": ratings(*VIP),
        },
        {
            "member": member(None, "(none)"),
            "metrics": rated(55, OTHERS, 100),
            "ratings": ratings(*OTHERS),
        },
    ],
    "totals": {"metrics": rated(115, ALL, 140), "ratings": ratings(*ALL)},
    **RANGE,
    "page": LAST_PAGE,
    "meta": META,
}


def contact_numbers(contacts: int, customers: int, wrote: int, repeats: int) -> dict[str, Any]:
    return {
        "contacts": value(contacts, contacts, contacts, None),
        "customers_with_new_conversations": value(customers, contacts, customers, None),
        "customers_who_wrote": value(wrote, 2 * contacts, wrote, None),
        "first_time_customers": value(4, contacts, 4, None),
        "contacts_per_customer": value(contacts / customers, contacts, contacts, customers),
        "unidentified_contacts": value(0, contacts, 0, None),
        "messages_in": value(2 * contacts, 2 * contacts, 2 * contacts, None),
        "repeat_contacts": value(repeats, contacts, repeats, None),
        "repeat_contact_rate": value(repeats / contacts, contacts, repeats, contacts),
    }


CUSTOMER = {
    "id": "0199c3a0-5b1e-7ca5-8cf8-41c91b6b30ed",
    "source": "zd",
    "external_id": "u7",
    "name": None,
}
CONTACTS_EXAMPLE: dict[str, Any] = {
    "classes": [
        {
            "type": member("person", "Person"),
            "registered": member("true", "Registered"),
            "metrics": contact_numbers(20, 16, 18, 3),
        }
    ],
    "totals": contact_numbers(20, 16, 18, 3),
    "data": [
        {
            "customer": CUSTOMER,
            "first_contact_at": "2026-03-02T09:00:00Z",
            "last_contact_at": "2026-03-06T16:30:00Z",
            "metrics": {
                "contacts": value(3, 3, 3, None),
                "repeat_contacts": value(2, 3, 2, None),
                "messages_in": value(7, 7, 7, None),
            },
        }
    ],
    **RANGE,
    "page": LAST_PAGE,
    "meta": META,
}
TICKET = {
    "resource": "tickets",
    "id": "0199c3a0-5b1e-7ca5-8cf8-41c91b6b30ee",
    "source": "zd",
    "external_id": "t1",
}
RATING = {
    "resource": "feedback",
    "id": "0199c3a0-5b1e-7ca5-8cf8-41c91b6b30ef",
    "source": "zd",
    "external_id": "f1",
}
OPENED = {
    "step": "ticket_opened",
    "occurred_at": "2026-03-02T09:00:00Z",
    "record": TICKET,
    "ticket": TICKET,
    "channel": "email",
    "agent": "a1",
    "team": "t1",
    "topic": "refund",
    "type": "question",
    "survey": None,
    "rating": None,
    "outcome": None,
}
JOURNEY_EXAMPLE: dict[str, Any] = {
    "customer": CUSTOMER,
    "merged": [],
    "data": [
        OPENED,
        {
            **OPENED,
            "step": "feedback",
            "occurred_at": "2026-03-03T11:20:00Z",
            "record": RATING,
            "survey": "csat",
            "rating": 5,
            "outcome": "positive",
        },
    ],
    "page": LAST_PAGE,
}

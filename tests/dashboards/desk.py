"""Two weeks of a small help desk, in three languages: enough for every screen to have something."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

from tests.conftest import Tenant

Item = dict[str, Any]

DAYS, TICKETS_A_DAY = 14, 12
SOURCE = "desk"
AGENTS = {"a1": "Lena Fischer", "a2": "سارة منصور", "a3": "陈丽", "a4": "Omar Siddiqui"}
STATES = ("available", "handling", "break")
CHANNELS = ("email", "chat", "whatsapp", "phone")
TYPES = ("question", "question", "complaint", "request")
TOPICS = {"delivery": "تأخر التوصيل", "refund": "退款", "login": "Login", "invoice": "Invoice"}
DEPARTMENTS = {"delivery": "Logistics", "refund": "Finance", "login": "IT", "invoice": "Finance"}


def agents() -> Iterator[Item]:
    for key, name in AGENTS.items():
        yield {"source": SOURCE, "external_id": key, "name": name}


def presence(now: datetime) -> Iterator[Item]:
    """All but the last are there now."""
    for (key, state), hours in zip(zip(AGENTS, STATES, strict=False), (3, 2, 1), strict=True):
        yield {
            "source": SOURCE,
            "external_id": f"p-{key}",
            "agent": key,
            "state": state,
            "started_at": now - timedelta(hours=hours),
        }


def topics() -> Iterator[Item]:
    for key, label in TOPICS.items():
        yield {
            "source": SOURCE,
            "external_id": key,
            "label": label,
            "department": DEPARTMENTS[key],
        }


def moment(now: datetime, number: int) -> datetime:
    """Within the last two weeks, more of them lately, and in hours of work."""
    day, turn = divmod(number, TICKETS_A_DAY)
    hours = 8 + turn * 0.8 + day % 3
    return min(
        (now - timedelta(days=day)).replace(hour=0, minute=0) + timedelta(hours=hours),
        now - timedelta(minutes=20 + turn),
    )


def tickets(now: datetime) -> Iterator[Item]:
    keys, names = list(TOPICS), list(AGENTS)
    for number in range(DAYS * TICKETS_A_DAY):
        at = moment(now, number)
        answered = at + timedelta(minutes=2 + number % 11)
        is_open = number % 9 == 4
        yield {
            "source": SOURCE,
            "external_id": f"t{number}",
            "created_at": at,
            "channel": CHANNELS[number % 7 % 4],
            "type": TYPES[number % 5 % 4],
            "topic": keys[number % 7 % 4],
            "status": "open" if is_open else "solved",
            "customer": f"u{number % 40}",
            "assignee": names[number % 4],
            "milestones": {
                "first_reply_at": answered,
                "first_reply_by": names[number % 4],
                "first_solved_at": None if is_open else answered + timedelta(minutes=number % 7),
                "solved_by": None if is_open else names[number % 4],
                "messages_in": 1 + number % 3,
                "messages_out": 1 + number % 2,
            },
        }


def ratings(now: datetime) -> Iterator[Item]:
    for number in range(0, DAYS * TICKETS_A_DAY, 3):
        yield {
            "source": SOURCE,
            "external_id": f"f{number}",
            "survey": "csat",
            "rating": (5, 4, 5, 2, 5, 3, 1)[number % 7],
            "responded_at": moment(now, number) + timedelta(minutes=15),
            "ticket": f"t{number}",
            "customer": f"u{number % 40}",
        }


def calls(now: datetime) -> Iterator[Item]:
    for number in range(60):
        yield {
            "source": SOURCE,
            "external_id": f"c{number}",
            "queue_entered_at": moment(now, number * 2),
            "outcome": "abandoned" if number % 8 == 3 else "answered",
            "wait_seconds": 5 + number % 30,
            "agent": None if number % 8 == 3 else list(AGENTS)[number % 4],
            "queue": ("care", "计费")[number % 2],
            "topic": list(TOPICS)[number % 4],
            "type": "question",
            "customer": f"u{number % 25}",
        }


def goals(now: datetime) -> Iterator[Item]:
    """One of satisfaction, one of speed whose baseline is measured, one that is yet to begin."""
    start, due = (now - timedelta(days=7)).date(), (now + timedelta(days=60)).date()
    days = {"starts_on": start, "due_on": due, "window_days": 7}
    yield {
        "title": "رضا العملاء", "metric": {"id": "rating_average"}, "baseline": 3, "target": 4.5,
        "owner": "Lena Fischer", **days,
    }  # fmt: skip
    yield {"title": "更快回复", "metric": {"id": "first_response_time"}, "target": 240, **days}
    yield {
        "title": "Fewer complaints", "metric": {"id": "contacts"}, "baseline": 20, "target": 10,
        "filters": {"dimension": "type", "op": "in", "values": ["complaint"]},
        **days, "starts_on": (now + timedelta(days=7)).date(),
    }  # fmt: skip


def fill(tenant: Tenant, now: datetime) -> None:
    """Send all of it."""
    for goal in goals(now):
        answer = tenant.http.post("/v1/goals", json=told(goal))
        assert answer.status_code == 201, answer.text
    for resource, items in (
        ("agents", agents()),
        ("topics", topics()),
        ("tickets", tickets(now)),
        ("calls", calls(now)),
        ("feedback", ratings(now)),
        ("presence", presence(now)),
    ):
        body = [told(item) for item in items]
        answer = tenant.http.post(f"/v1/{resource}/batch", json=body)
        assert answer.json()["summary"]["created"] == len(body), answer.text[:2000]


def told(value: Any) -> Any:
    """With instants as text."""
    if isinstance(value, dict):
        return {key: told(each) for key, each in value.items()}
    return value.isoformat() if isinstance(value, date) else value

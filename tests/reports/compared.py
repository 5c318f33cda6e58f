"""Ratings, tickets and calls with known numbers on two sides, and how tests ask about them."""

from collections.abc import Iterator
from typing import Any

from tests.conftest import Tenant

JANUARY = {"from": "2026-01-01", "to": "2026-02-01"}
FEBRUARY = {"from": "2026-02-01", "to": "2026-03-01"}


def push(tenant: Tenant, resource: str, items: list[dict[str, Any]]) -> None:
    for at in range(0, len(items), 1000):
        answer = tenant.http.post(f"/v1/{resource}/batch", json=items[at : at + 1000])
        assert answer.json()["summary"]["created"] == len(items[at : at + 1000]), answer.text


def ratings(month: int, agent: str, good: int, asked: int) -> Iterator[dict[str, Any]]:
    """Ratings of a month by day: `good` fives, the rest ones."""
    for number in range(asked):
        yield {
            "source": "s",
            "external_id": f"{month}-{agent}-{number}",
            "survey": "csat",
            "rating": 5 if number < good else 1,
            "responded_at": f"2026-{month:02}-{1 + number % 28:02}T09:00:00Z",
            "agent": agent,
        }


def calls(day: str, count: int, **more: Any) -> Iterator[dict[str, Any]]:
    for number in range(count):
        yield {
            "source": "pbx",
            "external_id": f"{day}-{number}-{more}",
            "queue_entered_at": f"{day}T{8 + number % 8:02}:{number // 8 % 60:02}:00Z",
            "outcome": "answered",
            "wait_seconds": 10,
            **more,
        }


def talks(day: str, seconds: int, count: int, queue: str) -> Iterator[dict[str, Any]]:
    """Answered calls of a queue, each of so many seconds of talk."""
    legs = [{"agent": "a1", "talk_seconds": seconds}]
    return calls(day, count, queue=queue, legs=legs)


def post(tenant: Tenant, path: str, status: int = 200, **body: Any) -> Any:
    answer = tenant.http.post(path, json=body)
    assert answer.status_code == status, answer.text
    return answer.json()


def ask(tenant: Tenant, *metrics: Any, status: int = 200, **more: Any) -> Any:
    asked = [{"id": each} if isinstance(each, str) else each for each in metrics]
    time = {"range": more.pop("range", FEBRUARY), "timezone": more.pop("timezone", "UTC")}
    return post(tenant, "/v1/query", status, metrics=asked, time=time, **more)


def why(tenant: Tenant, metric: Any, by: list[str], status: int = 200, **more: Any) -> Any:
    asked = {"id": metric} if isinstance(metric, str) else metric
    time = {"range": more.pop("range", FEBRUARY), "timezone": "UTC"}
    compare = more.pop("compare", {"to": "previous_period"})
    body = {"metrics": [asked], "time": time, "compare": compare, "by": by, **more}
    return post(tenant, "/v1/query/explain-change", status, **body)

"""Seven answered calls in January, and one abandoned; and how tests ask about them."""

from typing import Any

from tests.conftest import Tenant

TIME = {"range": {"from": "2026-01-01", "to": "2026-02-01"}, "timezone": "UTC"}
WAITS: dict[str | None, list[int]] = {"a1": [10, 20, 30], "a2": [40], "a3": [5, 15], None: [60]}


def push_calls(tenant: Tenant) -> Tenant:
    """The waits above, one a day from 5 January on; the abandoned call waited for 3 s."""
    items: list[dict[str, Any]] = [
        {
            "source": "pbx",
            "external_id": f"{agent}-{number}",
            "queue_entered_at": f"2026-01-0{5 + number}T10:00:00Z",
            "outcome": "answered",
            "wait_seconds": wait,
            "agent": agent,
            "queue": "q1",
            "customer": f"u{wait % 3}",
            "legs": [{"agent": agent, "talk_seconds": 100}],
        }
        for agent, waits in WAITS.items()
        for number, wait in enumerate(waits)
    ]
    items.append(
        {
            "source": "pbx",
            "external_id": "gone",
            "queue_entered_at": "2026-01-06T23:30:00Z",
            "outcome": "abandoned",
            "wait_seconds": 3,
        }
    )
    answer = tenant.http.post("/v1/calls/batch", json=items)
    assert answer.json()["summary"]["created"] == len(items), answer.text
    return tenant


def ask(tenant: Tenant, *metrics: Any, status: int = 200, **more: Any) -> Any:
    asked = [{"id": each} if isinstance(each, str) else each for each in metrics]
    answer = tenant.http.post("/v1/query", json={"metrics": asked, "time": TIME} | more)
    assert answer.status_code == status, answer.text
    return answer.json()


def keys(answer: Any, dimension: str) -> list[str | None]:
    return [row["dimensions"][dimension]["key"] for row in answer["data"]]


def values(answer: Any, name: str) -> list[float | None]:
    return [row["metrics"][name]["value"] for row in answer["data"]]

"""Agents of two teams with known ratings and calls, and how tests ask about them."""

from collections.abc import Iterator
from typing import Any

from tests.conftest import Tenant
from tests.reports.compared import push, ratings

MARCH = {"from": "2026-03-01", "to": "2026-04-01", "timezone": "UTC"}
# Satisfied ratings of all: in February, in March.
RATED = {
    "kim": ((36, 40), (38, 40)),
    "lee": ((34, 40), (20, 40)),
    "ann": ((36, 40), (37, 40)),
    "bob": ((0, 0), (2, 2)),
    "eve": ((35, 40), (36, 40)),
}
TEAMS = {"kim": "north", "lee": "north", "ann": "north", "bob": "south", "eve": "south"}


def agent(name: str, **more: Any) -> dict[str, Any]:
    return {"source": "s", "external_id": name, "name": name.title(), **more}


def solved(name: str) -> Iterator[dict[str, Any]]:
    """A ticket on chat that the agent answered and solved, on 5 March."""
    yield {
        "source": "s", "external_id": f"t-{name}", "created_at": "2026-03-05T09:00:00Z",
        "channel": "chat", "customer": f"u-{name}", "assignee": name,
        "milestones": {
            "first_reply_at": "2026-03-05T09:10:00Z", "first_reply_by": name,
            "first_solved_at": "2026-03-05T10:00:00Z", "solved_by": name, "messages_out": 1,
        },
    }  # fmt: skip


def push_agents(tenant: Tenant) -> Tenant:
    """Five agents who work on chat; one who is idle, one who has left, and a bot."""
    push(tenant, "teams", [{"source": "s", "external_id": each} for each in ("north", "south")])
    people = [agent(name, team=team) for name, team in TEAMS.items()]
    people += [
        agent("ida", team="north"),
        agent("old", active=False),
        agent("robo", kind="bot"),
    ]
    push(tenant, "agents", people)
    for name, months in RATED.items():
        push(tenant, "tickets", list(solved(name)))
        for month, (good, asked) in zip((2, 3), months, strict=True):
            if asked:
                push(tenant, "feedback", list(ratings(month, name, good, asked)))
    return tenant


def get(tenant: Tenant, path: str, status: int = 200, **params: Any) -> Any:
    answer = tenant.http.get(path, params={**MARCH, **params})
    assert answer.status_code == status, answer.text
    return answer.json()


def table(tenant: Tenant, status: int = 200, **params: Any) -> Any:
    return get(tenant, "/v1/agents/evaluations", status, **params)


def names(page: Any) -> list[str]:
    return [row["agent"]["external_id"] for row in page["data"]]


def id_of(tenant: Tenant, name: str) -> str:
    found = tenant.http.get("/v1/agents", params={"source": "s", "external_id": name}).json()
    id_: str = found["data"][0]["id"]
    return id_


def one(tenant: Tenant, name: str, status: int = 200, **params: Any) -> Any:
    return get(tenant, f"/v1/agents/{id_of(tenant, name)}/evaluation", status, **params)


def metric(found: Any, name: str) -> Any:
    return next(each for each in found["metrics"] if each["id"] == name)

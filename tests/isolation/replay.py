"""Every operation of the app, called for one tenant and called again by another."""

import copy
import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import httpx

from csapi.app import ALL_OPERATIONS
from csapi.kit.operations import Operation

CANARY = "leak-canary"
PLACEHOLDER = re.compile(r"\{[a-z_]+\}")
# What differs between two answers to the same question.
VOLATILE = {
    "request_id", "instance", "computed_at", "data_through", "as_of", "generated_at", "updated_at",
    # how far the worker has come
    "source", "exact", "pending_buckets", "pending_subjects", "revised_buckets",
    # up to when windows that look ahead are over: now less the window
    "mature_through",
    # when something was made, and what is made up anew each time
    "created_at", "expires_at", "finished_at", "replied_at", "token", "download",
    "requested_at", "requested_by",
    "looked_at", "status", "progress", "rows", "rows_total", "bytes",
    # who made a key, and what replaces it
    "created_by", "replaced_by", "replaces", "last_used_at",
    # secrets, and how far the worker has come with what was to be delivered
    "secret", "overlap_ends_at", "next_attempt_at", "attempts", "last_error", "last_status_code",
    "attempt_log", "failing_since",
}  # fmt: skip
# Lists without free text: what stands in them is of closed vocabularies.
WITHOUT_TEXT = {"listMetricSettings", "listPortalTokens"}
# An alert that tells of something whenever it is looked at.
FIRING = {
    "kind": "threshold", "metric": {"id": "calls_offered"}, "bound": {"above": -1}, "window": 1,
}  # fmt: skip
# What stands in a path for a placeholder, where it must be of something that is there.
KNOWN = {"/v1/drivers": f"{CANARY}-billing"}
# Where what an operation makes is found again, if not under its own path.
FOUND = {
    "/v1/drivers/{driver_id}/referrals": "/v1/referrals",
    "/v1/suggestions/{suggestion_id}/plan": "/v1/action-plans",
}
# What is made within something else, and has a collection of its own there.
WITHIN = {"/v1/webhooks/{webhook_id}/test": "/v1/webhooks/{webhook_id}/deliveries"}
# What an agent writes, and not a key.
OWN_WORDS = {
    "/v1/self-evaluations": (
        "/v1/me/self-evaluations", {"from": "2026-01-01", "to": "2026-02-01", "text": CANARY},
    ),
    "/v1/suggestions": ("/v1/me/suggestions", {"kind": "challenge", "text": CANARY}),
}  # fmt: skip
# Somebody whom nothing else is about. Exports go with an erasure, so it comes before all else.
ERASURES, ERASED = "/v1/erasures", {"source": CANARY, "external_id": "gone"}
# Fields of examples that carry the canary.
TOLD_APART = {
    ERASURES: {**ERASED, "reference": CANARY},
    "/v1/invitations": {"email": f"{CANARY}@example.com"},
    "/v1/webhooks": {"description": CANARY},
    "/v1/identity-providers": {"name": CANARY},
}
# Fields with ids of ours.
OWN_IDS = (
    "id", "report_id", "agent_id", "suggestion_id", "plan_id", "webhook_id", "event_id",
)  # fmt: skip
# The same for everybody: definitions, not records.
CATALOG = ("/v1/metrics/", "/v1/dimensions/")

# What only an agent's own token may call is looked at apart (tests/reports/test_own_evaluation.py).
OF_AGENTS: tuple[Operation, ...] = tuple(each for each in ALL_OPERATIONS if each.agent)
# And so is what only people who have signed in may call (tests/access/people).
OF_PEOPLE: tuple[Operation, ...] = tuple(each for each in ALL_OPERATIONS if each.person)
GUARDED: tuple[Operation, ...] = tuple(
    each for each in ALL_OPERATIONS if each.scope is not None and not each.agent and not each.person
)


def collection_of(operation: Operation) -> str:
    """The path in front of the last placeholder: /v1/calls of /v1/calls/{id}."""
    *_, last = PLACEHOLDER.finditer(operation.path)
    return operation.path[: last.start()].rstrip("/")


def is_addressed(operation: Operation) -> bool:
    return bool(PLACEHOLDER.search(operation.path))


def filled(operation: Operation, value: str) -> str:
    """The path with the words of `value` for its placeholders; the last one for all that follow."""
    words = value.split()
    return PLACEHOLDER.sub(lambda _: words.pop(0) if len(words) > 1 else words[0], operation.path)


def marked(value: Any) -> Any:
    """An example in which everything that may be free text carries the canary."""
    if isinstance(value, list):
        return [marked(each) for each in value]
    if not isinstance(value, dict):
        return value
    texts = ("source", "name", "label", "subject", "comment", "topic", "customer", "queue")
    return {
        key: f"{CANARY}-{each}"
        if key in texts and isinstance(each, str) and "custom" not in value.get("path", "")
        else marked(each)
        for key, each in value.items()
    }


def named_metrics(example: Any) -> Any:
    """A query whose metrics carry the canary in their names."""
    query, name = example.get("query", example), CANARY.replace("-", "_")
    for number, metric in enumerate(query.get("metrics", ())):
        metric["as"] = f"{name}_{number}"
    if query.get("top"):
        query["top"]["by"] = f"{name}_0"
    return example


def examples_of(operation: Operation) -> Iterator[Any]:
    for example in operation.request_examples.values():
        if operation.path == "/v1/custom-attributes":
            yield {**example, "name": CANARY.replace("-", "_"), "label": CANARY}
        elif operation.path in ("/v1/exports", "/v1/queries/{name}"):
            yield named_metrics(copy.deepcopy(example))
        elif operation.path in TOLD_APART:
            yield {**example, **TOLD_APART[operation.path]}
        elif operation.path.startswith("/v1/reports") or operation.path == "/v1/api-keys":
            yield {**example, "name": CANARY}
        elif operation.operation_id in (
            "createActionPlan",
            "planSuggestion",
        ) or operation.path.startswith("/v1/goals"):
            yield {**example, "title": CANARY}
        elif operation.path.startswith("/v1/alerts"):
            yield {**FIRING, "name": CANARY}
        elif operation.operation_id == "updateAlertEvent":
            yield {**example, "note": CANARY}
        elif operation.operation_id.startswith(("ingest", "createPortalToken")):
            yield marked(copy.deepcopy(example))
        else:
            yield example


def written_by_an_agent(client: httpx.Client, place: str) -> str:
    """The id of what one of the tenant's agents says about their work."""
    path, words = OWN_WORDS[place]
    agent = client.get("/v1/agents").json()["data"][0]["id"]
    token = client.post("/v1/portal-tokens", json={"agent": {"id": agent}}).json()["token"]
    answer = client.post(path, json=words, headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 201, answer.text
    id_: str = answer.json()["id"]
    return id_


def somebody_invited(client: httpx.Client) -> str:
    """The id of a person who has accepted an invitation of the tenant."""
    email = f"{CANARY}-{uuid4().hex}@example.com"
    invitation = client.post("/v1/invitations", json={"email": email, "role": "admin"}).json()
    body = {"token": invitation["token"], "password": uuid4().hex}
    answer = client.post("/v1/auth/invitations/accept", json=body)
    assert answer.status_code == 201, answer.text
    id_: str = answer.json()["person_id"]
    return id_


def somebody_erased(client: httpx.Client) -> None:
    """Waits until it is done."""
    assert client.post("/v1/customers", json=ERASED).status_code == 201
    receipt = client.post(ERASURES, json=TOLD_APART[ERASURES]).json()
    for _ in range(300):
        if client.get(f"{ERASURES}/{receipt['id']}").json()["status"] == "done":
            return
        time.sleep(0.1)
    raise AssertionError(receipt)


@dataclass
class Captured:
    """What one tenant has: values for placeholders by collection, and the answers it got."""

    values: dict[str, set[str]] = field(default_factory=dict)
    answers: list[httpx.Response] = field(default_factory=list)

    def add(self, collection: str, value: str) -> None:
        self.values.setdefault(collection, set()).add(value)


def fill(client: httpx.Client) -> Captured:
    """Call every operation that makes something, with its examples."""
    captured = Captured()
    somebody_erased(client)
    for operation in GUARDED:
        if operation.method not in ("POST", "PUT"):
            continue
        place = collection_of(operation) if is_addressed(operation) else operation.path
        if place in OWN_WORDS and place not in captured.values:
            captured.add(place, written_by_an_agent(client, place))
        if place == "/v1/members" and place not in captured.values:
            captured.add(place, somebody_invited(client))
        value = KNOWN.get(place) or next(iter(captured.values.get(place, ())), CANARY)
        path = filled(operation, value)
        examples = examples_of(operation) if operation.request is not None else [None]
        for example in examples:
            answer = client.request(operation.method, path, json=example)
            assert answer.status_code < 400, (operation.operation_id, answer.text)
            captured.answers.append(answer)
            if is_addressed(operation):
                captured.add(place, value)
                add_within(captured, operation, value, answer.json())
            made = FOUND.get(operation.path, "" if is_addressed(operation) else operation.path)
            if made and isinstance(found := answer.json(), dict) and has_id(found):
                captured.add(made, found["id"])
    for event in client.get("/v1/alert-events").json()["data"]:
        captured.add("/v1/alert-events", event["id"])
    return captured


def add_within(captured: Captured, operation: Operation, value: str, found: Any) -> None:
    """What was made within something else is found by both their names."""
    if operation.path != f"{collection_of(operation)}/{{name}}" and is_id(found.get("id")):
        within = f"{value} {found['id']}"
        captured.add(WITHIN.get(operation.path, operation.path), within)
        for section in found.get("sections", ()):
            captured.add(f"{operation.path}/{{run_id}}/sections", f"{within} {section['name']}")


def is_id(value: object) -> bool:
    try:
        return isinstance(value, str) and bool(UUID(value))
    except ValueError:
        return False


def has_id(found: dict[str, Any]) -> bool:
    """Whether it is something with an id of ours; that of a token is part of its text."""
    return is_id(found.get("id")) or {"id", "token"} <= found.keys()


def take_ids(found: Any) -> set[str]:
    """Take the ids of records out of an answer, however deep."""
    if isinstance(found, list):
        return {value for each in found for value in take_ids(each)}
    if not isinstance(found, dict):
        return set()
    own = {found.pop(name) for name in OWN_IDS if is_id(found.get(name))}
    return own.union(*(take_ids(each) for each in found.values()))


def body_for(operation: Operation) -> Any:
    return next(examples_of(operation), {}) if operation.request is not None else None


def ask(client: httpx.Client, operation: Operation, value: str = CANARY) -> httpx.Response:
    body = body_for(operation)
    content = None if body is None else json.dumps(body)
    headers = {} if body is None else {"Content-Type": "application/json"}
    return exchanged(client, operation, filled(operation, value), content=content, headers=headers)


def exchanged(client: httpx.Client, operation: Operation, path: str, **how: Any) -> httpx.Response:
    """The answer; of a stream its first event, as if that were all of it."""
    if operation.operation_id != "streamLive":
        return client.request(operation.method, path, **how)
    with client.stream(operation.method, path, **how) as answer:
        if answer.status_code >= 400:
            answer.read()
            return answer
        data = next(line for line in answer.iter_lines() if line.startswith("data: "))
        return httpx.Response(answer.status_code, headers=answer.headers, text=data[6:])


def steady(answer: httpx.Response, value: str = "") -> tuple[int, Any, list[str]]:
    """The answer without what may differ between two of them."""

    def scrub(found: Any) -> Any:
        if isinstance(found, dict):
            volatile = VOLATILE | ({"id"} if "token" in found else set())
            volatile |= {"ticket"} if "expires_at" in found else set()
            volatile |= {"body"} if "attempt_log" in found else set()
            volatile |= {"started_at", "records", "facts"} if "names_kept_out" in found else set()
            return {key: scrub(each) for key, each in found.items() if key not in volatile}
        if isinstance(found, list):
            return [scrub(each) for each in found]
        return found.replace(value, "?") if value and isinstance(found, str) else found

    body = scrub(answer.json()) if answer.content else None
    return answer.status_code, body, sorted(answer.headers)


def random_value(like: str) -> str:
    return " ".join(
        str(uuid4()) if is_id(word) else f"x{uuid4().hex[: len(word) - 1]}" for word in like.split()
    )

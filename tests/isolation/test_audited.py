"""Every act of an administrator leaves an entry in the audit log."""

from collections.abc import Iterator

import httpx
import pytest
from tests.conftest import Product, Tenant
from tests.isolation import replay
from tests.isolation.keys import new_tenant_client
from tests.isolation.replay import GUARDED

from csapi.kit.operations import Operation

# What changes nothing has no scope of its own among these; what is done often by every user is not
# an act of administration.
UNTOLD: dict[str, str] = {}
ACTS = [
    each
    for each in GUARDED
    if each.method != "GET"
    and each.scope in ("admin:write", "tokens:write")
    and each.operation_id not in UNTOLD
]
# Acts that other scopes allow.
FURTHER = {"createExport", "deleteExport", "runReport", "ingestCustomerMerge"}
LATER = sorted(
    (each for each in ACTS if each.method in ("PATCH", "DELETE")), key=lambda each: each.method,
    reverse=True,
)  # fmt: skip


def entries(client: httpx.Client) -> int:
    page = client.get("/v1/audit-log", params={"limit": 1}).json()["data"]
    return page[0]["sequence"] if page else 0


@pytest.fixture(scope="module")
def office(product: Product) -> Iterator[tuple[Tenant, replay.Captured, dict[str, int]]]:
    """A tenant that has done everything, and how many entries the acts with each method and path
    have left."""
    tenant, left = new_tenant_client(product), dict[str, int]()
    reader = httpx.Client(base_url=tenant.http.base_url, headers=tenant.http.headers, timeout=30)
    seen = entries(reader)

    def note(answer: httpx.Response) -> None:
        nonlocal seen
        if answer.request.method != "GET":
            before, seen = seen, entries(reader)
            name = f"{answer.request.method} {answer.request.url.path}"
            left[name] = min(seen - before, left.get(name, 9))

    tenant.http.event_hooks["response"].append(note)
    captured = replay.fill(tenant.http)
    yield tenant, captured, left
    tenant.http.close()
    reader.close()


def test_the_list_of_acts_is_whole() -> None:
    assert {each.operation_id for each in GUARDED} >= FURTHER | UNTOLD.keys()
    assert len(ACTS) > 40


def test_every_act_leaves_an_entry(
    office: tuple[Tenant, replay.Captured, dict[str, int]],
) -> None:
    tenant, captured, left = office
    told = [each for each in GUARDED if each in ACTS or each.operation_id in FURTHER]
    for operation in [each for each in told if each.method in ("POST", "PUT")]:
        found = [count for name, count in left.items() if matches(name, operation)]
        assert found, operation.operation_id
        assert min(found) >= 1, operation.operation_id
    assert len(LATER) > 15
    for operation in LATER:
        value = replay.CANARY
        if replay.is_addressed(operation):
            value = max(captured.values[replay.collection_of(operation)])
        answer = replay.ask(tenant.http, operation, value)
        assert answer.status_code < 300, (operation.operation_id, answer.text)
        path = replay.filled(operation, value)
        assert left[f"{operation.method} {path}"] >= 1, operation.operation_id
    checked = tenant.http.get("/v1/audit-log/verification").json()
    assert checked["is_intact"], checked
    log = tenant.http.get("/v1/audit-log", params={"limit": 1000})
    lines = tenant.http.get(
        "/v1/audit-log", params={"limit": 1000}, headers={"Accept": "text/csv"}
    ).text.splitlines()
    assert len(lines) == len(log.json()["data"]) + 1 == checked["entries"] + 1


def matches(name: str, operation: Operation) -> bool:
    method, path = name.split(" ", 1)
    parts, own = path.split("/"), operation.path.split("/")
    return (
        method == operation.method
        and len(parts) == len(own)
        and all(mine.startswith("{") or mine == part for part, mine in zip(parts, own, strict=True))
    )


def test_the_log_is_listed_by_what_is_asked(
    office: tuple[Tenant, replay.Captured, dict[str, int]],
) -> None:
    client = office[0].http
    every = client.get("/v1/audit-log", params={"limit": 1000}).json()["data"]
    some = client.get("/v1/audit-log", params={"action": "goal.created"}).json()["data"]
    assert [each for each in every if each["action"] == "goal.created"] == some != []
    one = client.get("/v1/audit-log", params={"subject": some[0]["subject"]}).json()["data"]
    assert {each["action"] for each in one} >= {"goal.created"}
    middle = every[len(every) // 2]["at"]
    later = client.get("/v1/audit-log", params={"since": middle, "limit": 1000}).json()["data"]
    earlier = client.get("/v1/audit-log", params={"until": middle, "limit": 1000}).json()["data"]
    assert later + earlier == every
    page = client.get("/v1/audit-log", params={"limit": 3}).json()
    after = {"limit": 3, "cursor": page["page"]["next_cursor"]}
    assert page["data"] + client.get("/v1/audit-log", params=after).json()["data"] == every[:6]
    assert client.get("/v1/audit-log", params={"action": "x"}).status_code == 422
    assert client.get("/v1/audit-log/verification", params={"sequence": 1}).status_code == 422

"""GET /v1/data-quality: each check finds what was broken, names it, and says nothing else."""

import csv
import io
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from tests.conftest import Product, Tenant
from tests.isolation.keys import new_key, new_tenant_client
from tests.reports.compared import push

from csapi.access.tenancy import tenant_transaction
from csapi.ingest.tally import Tally
from csapi.kit.clock import now

URL = "/v1/data-quality"
TODAY = {"preset": "last_7_days"}


def ago(**how: float) -> str:
    return (now() - timedelta(**how)).isoformat()


def this_week() -> dict[str, str]:
    day = now().date()
    return {"from": str(day - timedelta(days=6)), "to": str(day + timedelta(days=1))}


def ticket(name: str, **more: Any) -> dict[str, Any]:
    return {
        "source": "zd", "external_id": name, "created_at": ago(hours=2), "customer": f"c-{name}",
        "initiated_by": "customer", "channel": "email", **more,
    }  # fmt: skip


def replies(name: str, agent: str) -> Iterator[dict[str, Any]]:
    asked = now() - timedelta(minutes=90)
    for event, at, more in (
        ("in", asked, {"direction": "inbound"}),
        ("out", asked + timedelta(seconds=1), {"direction": "outbound", "actor": agent}),
    ):
        yield {
            "source": "zd", "event_id": f"{name}-{event}", "ticket": name, "type": "message",
            "occurred_at": at.isoformat(), **more,
        }  # fmt: skip


@pytest.fixture(scope="module")
def shop(product: Product) -> Iterator[Tenant]:
    """20 tickets that a machine answers at once, of which two have a topic; one that came late, one
    from the future; what others name and nobody sent; impossible calls; feedback about nothing."""
    tenant = new_tenant_client(product)
    agents = [
        {"source": "zd", "external_id": "kim", "name": "Kim"},
        {"source": "zd", "external_id": "quick", "name": "Robin"},
        {"source": "zd", "external_id": "helper", "name": "Support Bot"},
        {"source": "zd", "external_id": "known", "name": "Answer Bot", "kind": "bot"},
    ]
    push(tenant, "agents", agents)
    names = [f"t{number}" for number in range(20)]
    tickets = [ticket(name, topic="refund" if name in ("t1", "t2") else None) for name in names]
    tickets += [ticket("late", created_at=ago(days=3)), ticket("ahead", created_at=ago(minutes=-2))]
    tickets.append({**ticket("silent"), "source": "forms"})
    push(tenant, "tickets", tickets)
    push(tenant, "ticket-events", [event for name in names for event in replies(name, "quick")])
    call = {
        "source": "pbx",
        "outcome": "answered",
        "agent": "kim",
        "queue_entered_at": ago(hours=3),
    }
    calls = [
        {**call, "external_id": "fine", "wait_seconds": 3, "ended_at": ago(hours=2.9)},
        {**call, "external_id": "endless", "wait_seconds": 3,
         "legs": [{"agent": "kim", "talk_seconds": 100_000}]},
    ]  # fmt: skip
    push(tenant, "calls", calls)
    feedback = {"source": "s", "survey": "csat", "rating": 5, "responded_at": ago(hours=1)}
    push(
        tenant,
        "feedback",
        [{**feedback, "external_id": "alone"}, {**feedback, "external_id": "f", "ticket": "gone"}],
    )
    yield tenant
    tenant.http.close()


@pytest.fixture(scope="module")
def found(shop: Tenant) -> Any:
    answer = shop.http.get(URL, params=this_week())
    assert answer.status_code == 200, answer.text
    return answer.json()


def check(found: Any, name: str) -> Any:
    return next(each for each in found["checks"] if each["id"] == name)


def parts(found: Any, name: str) -> tuple[int, int, str]:
    one = check(found, name)
    return one["count"], one["of"], one["severity"]


def named(found: Any, name: str) -> list[str]:
    return [each["external_id"] for each in check(found, name)["examples"]]


def test_what_is_broken_is_counted_and_named(found: Any) -> None:
    # 23 tickets, 40 events, two calls and two answers came.
    assert parts(found, "late_records") == (1, 67, "ok")
    assert parts(found, "clock_ahead") == (1, 67, "warning")
    assert named(found, "clock_ahead") == ["ahead"]
    assert parts(found, "contacts_without_topic") == (23, 25, "warning")
    assert parts(found, "contacts_without_tag")[:2] == (25, 25)
    assert parts(found, "contacts_without_customer") == (2, 25, "notice")
    assert parts(found, "calls_without_agent") == (0, 2, "ok")
    assert parts(found, "impossible_calls") == (1, 2, "warning")
    assert named(found, "impossible_calls") == ["endless"]
    assert parts(found, "unlinked_feedback") == (1, 2, "notice")
    assert named(found, "unlinked_feedback") == ["alone"]
    assert parts(found, "snapshots_only") == (1, 2, "notice")
    assert named(found, "snapshots_only") == ["silent"]
    # Kim is one of the desk, and another one of the calls.
    assert parts(found, "bots_as_people") == (2, 4, "warning")
    assert sorted(named(found, "bots_as_people")) == ["helper", "quick"]
    assert parts(found, "negative_durations")[0] == 0
    assert parts(found, "verification") == (0, 0, "unknown")
    assert found["severity"] == "warning"
    assert (found["last_audit"], found["audits"]) == (None, 0)


def test_the_worst_comes_first_and_says_what_to_do(found: Any) -> None:
    order = ["warning", "notice", "ok", "unknown"]
    ranks = [order.index(each["severity"]) for each in found["checks"]]
    assert ranks == sorted(ranks)
    assert all(each["explanation"] and each["remedy"] for each in found["checks"])


def test_the_numbers_are_those_of_the_engine(shop: Tenant, found: Any) -> None:
    query = {
        "metrics": [{"id": "contacts"}],
        "time": {"range": this_week()},
        "filters": {"dimension": "topic", "op": "is_null"},
    }
    answer = shop.http.post("/v1/query", json=query).json()["data"][0]["metrics"]["contacts"]
    assert check(found, "contacts_without_topic")["count"] == answer["value"]


def test_lateness_is_told_by_resource(found: Any) -> None:
    by = {each["resource"]: each for each in found["arrival"]}
    assert {name: each["n"] for name, each in by.items()} == {
        "tickets": 23, "ticket-events": 40, "calls": 2, "feedback": 2,
    }  # fmt: skip
    assert by["tickets"]["late"] == 1
    assert 7_000 < by["tickets"]["p50_seconds"] < 7_500
    assert by["tickets"]["p99_seconds"] > 2 * 86_400


def test_numbers_that_mislead_are_told_with_their_rule(found: Any) -> None:
    by = {each["id"]: each for each in found["vanity"]}
    assert {"csat_few_asked", "csat_few_answers", "fcr_not_settled"} <= by.keys()
    few = by["csat_few_answers"]
    assert (few["metric"], few["beside"], few["beside_value"]) == (
        "csat_score", "csat_responses", 2,
    )  # fmt: skip


def test_a_tenant_without_anything_is_unknown(product: Product) -> None:
    tenant = new_tenant_client(product)
    empty = tenant.http.get(URL).json()
    tenant.http.close()
    assert {each["severity"] for each in empty["checks"]} == {"unknown"}
    assert empty["vanity"] == []


def test_the_same_as_csv(shop: Tenant, found: Any) -> None:
    answer = shop.http.get(URL, params=this_week(), headers={"Accept": "text/csv"})
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    checks = [row for row in rows if row["row"] == "check"]
    assert [row["id"] for row in checks] == [each["id"] for each in found["checks"]]
    assert [int(row["count"]) for row in checks] == [each["count"] for each in found["checks"]]
    assert len(rows) - len(checks) == len(found["vanity"])


@pytest.mark.parametrize(
    ("params", "pointer"),
    [
        ({"from": "2026-01-01", "to": "2026-06-01"}, "/from"),
        ({"from": "2026-01-01"}, "/to"),
        ({"from": "x", "to": "2026-06-01"}, "/from"),
        ({"preset": "today", "timezone": "Mars/Base"}, "/timezone"),
    ],
)
def test_what_cannot_be_asked_is_told_by_its_place(
    shop: Tenant, params: dict[str, str], pointer: str
) -> None:
    answer = shop.http.get(URL, params=params)
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["pointer"] == pointer


def test_it_takes_a_key_that_reads_reports(product: Product, shop: Tenant) -> None:
    key = new_key(product, shop.tenant_id, "ingest:write")
    answer = shop.http.get(URL, headers={"Authorization": f"Bearer {key}"})
    assert answer.status_code == 403


async def test_items_and_stubs_are_counted(product: Product) -> None:
    """What was sent twice or out of order, and what never came itself within an hour."""
    tenant = new_tenant_client(product)
    pool = await asyncpg.create_pool(
        product.database.api_url, min_size=1, max_size=2, server_settings={"search_path": "csapi"}
    )
    tally = Tally(pool)
    tally.add(tenant.tenant_id, "tickets", {"created": 6, "duplicate": 3, "rejected": 1}, now())
    await tally.close()
    old = "uuidv7(interval '-2 hours')"
    async with tenant_transaction(pool, tenant.tenant_id) as connection:
        for table in ("tickets", "calls", "feedback_requests", "agents"):
            await connection.execute(
                f"INSERT INTO {table} (tenant_id, id, source, external_id, is_stub) "
                f"VALUES ($1, {old}, 's', 'gone', true), ($1, uuidv7(), 's', 'soon', true)",
                tenant.tenant_id,
            )
    await pool.close()
    found = tenant.http.get(URL, params=this_week()).json()
    tenant.http.close()
    assert parts(found, "duplicates") == (3, 10, "notice")
    assert parts(found, "rejected_items") == (1, 10, "warning")
    assert parts(found, "stale_versions") == (0, 10, "ok")
    assert found["received"] == [
        {"resource": "tickets", "created": 6, "updated": 0, "duplicate": 3, "stale": 0,
         "rejected": 1}
    ]  # fmt: skip
    for name in (
        "events_without_ticket", "missing_calls", "missing_feedback_requests", "unknown_agents",
    ):  # fmt: skip
        assert parts(found, name) == (1, 1, "warning"), name
        assert named(found, name) == ["gone"]


async def test_what_the_audit_found_is_shown(product: Product) -> None:
    tenant = new_tenant_client(product)
    pool = await asyncpg.create_pool(
        product.database.worker_url,
        min_size=1,
        max_size=2,
        server_settings={"search_path": "csapi"},
    )

    async def audited(age: timedelta, mismatches: int) -> Any:
        at = now() - age
        async with tenant_transaction(pool, tenant.tenant_id) as connection:
            await connection.execute(
                "INSERT INTO audits VALUES ($1, uuidv7(), $2, $2, 100, 60, 1, $3, $4, $4, "
                """'[{"kind": "call", "name": "x"}]', '{}')""",
                tenant.tenant_id,
                at,
                mismatches,
                at.date(),
            )
        return tenant.http.get(URL).json()

    assert parts(await audited(timedelta(days=9), 0), "verification") == (0, 0, "unknown")
    assert parts(await audited(timedelta(hours=1), 0), "verification") == (0, 160, "ok")
    found = await audited(timedelta(minutes=1), 2)
    await pool.close()
    tenant.http.close()
    assert parts(found, "verification") == (2, 160, "warning")
    assert (found["audits"], found["audits_with_mismatches"]) == (3, 1)
    last = found["last_audit"]
    assert (last["mismatches"], last["examples"]) == (2, [{"kind": "call", "name": "x"}])

"""How many messages to the database a write costs: the hot paths do not grow unnoticed."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from tests.ingest.samples import AT, LATER, sample

from csapi.facts.events import EVENTS
from csapi.facts.registry import RECORD_KINDS
from csapi.facts.resource import RecordKind
from csapi.ingest.events import ingest_events
from csapi.ingest.service import Intake, ingest_records

KINDS = {kind.name: kind for kind in (*RECORD_KINDS, EVENTS)}
NOW = datetime(2026, 2, 1, tzinfo=UTC)
ASKING = ("execute", "fetch", "fetchrow", "fetchval", "executemany", "copy_records_to_table")


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Callable[[], Any]:
    """counted() is a context that lists the statements that are sent in it."""
    sent: list[str] = []
    for name in ASKING:
        monkeypatch.setattr(asyncpg.Connection, name, noting(name, sent))

    @contextmanager
    def counting() -> Iterator[list[str]]:
        sent.clear()
        yield sent

    return counting


def noting(name: str, sent: list[str]) -> Any:
    original = getattr(asyncpg.Connection, name)

    async def ask(connection: asyncpg.Connection, query: str, *args: Any, **kwargs: Any) -> Any:
        sent.append(" ".join(query.split())[:70])
        return await original(connection, query, *args, **kwargs)

    return ask


NAMES = {
    "calls": {"agent": "a1", "queue": "q", "topic": "t"},
    "quality-reviews": {"agent": "a1", "form": "f"},
    "tasks": {"assignee": "a1", "assigned_at": AT},
    "tickets": {"assignee": "a1", "channel": "email", "topic": "t"},
}


def fresh(resource: str, count: int, **fields: Any) -> list[dict[str, Any]]:
    """New records; they name the people and labels that they usually have."""
    if resource not in NAMES:
        return [sample(resource, **fields) for _ in range(count)]
    named = {**NAMES[resource], "source_updated_at": AT, **fields}
    if resource not in ("calls", "tickets"):
        return [sample(resource, **named) for _ in range(count)]
    return [sample(resource, customer=f"u{number}", **named) for number in range(count)]


async def ingest(
    intake: Intake, tenant_id: UUID, kind: RecordKind, items: list[dict[str, Any]]
) -> set[str]:
    taking = ingest_events if kind is EVENTS else ingest_records
    raw = [json.dumps(item).encode() for item in items]
    return {outcome.status for outcome in await taking(intake, tenant_id, kind, raw, NOW)}


# What was measured; less is better, more needs a reason.
FRESH = {
    # BEGIN with the tenant and its lock, upsert, lock customers, facts and marks, gaps, COMMIT
    "calls": 6,
    "tickets": 6,
    "ticket-events": 10,
    "feedback": 7,
    "feedback-requests": 8,
    "quality-reviews": 5,
    "tasks": 5,
    # lock agents, find neighbours, find shifts, facts and marks, find shifts again
    "presence": 8,
    # and find the presence near them, which they decide the pay of
    "shifts": 6,
    "work-sessions": 4,
    "teams": 3,
    # and their facts, as a stock
    "customers": 4,
    "agents": 4,
}
DUPLICATES, CORRECTIONS, NEW_NAMES = 4, 11, 17


@pytest.mark.parametrize("resource", FRESH)
@pytest.mark.parametrize("count", [1, 1000])
async def test_new_records_with_known_names(
    intake: Intake, tenant_id: UUID, counted: Callable[[], Any], resource: str, count: int
) -> None:
    """One statement more for each item would be a thousand more for a batch."""
    kind = KINDS[resource]
    await ingest(intake, tenant_id, kind, fresh(resource, count))
    with counted() as sent:
        assert await ingest(intake, tenant_id, kind, fresh(resource, count)) == {"created"}
    assert len(sent) <= FRESH[resource], "\n".join(sent)


@pytest.mark.parametrize("count", [1, 1000])
async def test_duplicates_cost_two_reads(
    intake: Intake, tenant_id: UUID, counted: Callable[[], Any], count: int
) -> None:
    items = fresh("calls", count)
    await ingest(intake, tenant_id, KINDS["calls"], items)
    with counted() as sent:
        assert await ingest(intake, tenant_id, KINDS["calls"], items) == {"duplicate"}
    assert len(sent) <= DUPLICATES, "\n".join(sent)


@pytest.mark.parametrize("count", [1, 1000])
async def test_corrections_cost_the_same_for_any_number(
    intake: Intake, tenant_id: UUID, counted: Callable[[], Any], count: int
) -> None:
    items = fresh("calls", count)
    await ingest(intake, tenant_id, KINDS["calls"], items)
    later = [{**item, "source_updated_at": LATER, "resolved": True} for item in items]
    with counted() as sent:
        assert await ingest(intake, tenant_id, KINDS["calls"], later) == {"updated"}
    assert len(sent) <= CORRECTIONS, "\n".join(sent)


@pytest.mark.parametrize("count", [1, 1000])
async def test_new_names_cost_one_more_transaction(
    intake: Intake, tenant_id: UUID, counted: Callable[[], Any], count: int
) -> None:
    await ingest(intake, tenant_id, KINDS["calls"], [sample("calls")])
    with counted() as sent:
        assert await ingest(intake, tenant_id, KINDS["calls"], fresh("calls", count)) == {"created"}
    assert len(sent) <= NEW_NAMES, "\n".join(sent)

"""A question that is read in two halves has the very groups of one that is read at once."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import asyncpg
import msgspec
import pytest
from tests.conftest import Tenant
from tests.reports.evaluating import push_agents

from csapi.metrics.question import Question
from csapi.reports.apart import halves_of, read_apart
from csapi.reports.fillings import Group
from csapi.reports.read import Reading
from csapi.reports.schemas import Query
from csapi.reports.service import Desk, resolved, snapshot_of

MIXED = [
    "conversations_handled", "csat_score", "slowest_response_time", "first_response_time",
    "first_contact_resolution_rate", "occupancy", "messages_out",
]  # fmt: skip
NOW = datetime(2026, 4, 2, tzinfo=UTC)


def query(metrics: list[str], dimensions: list[str]) -> Query:
    asked: dict[str, Any] = {
        "metrics": [{"id": each} for each in metrics],
        "time": {"range": {"from": "2026-03-01", "to": "2026-04-01"}, "timezone": "UTC"},
        "dimensions": dimensions,
        "include": ["totals", "confidence"],
    }
    return msgspec.convert(asked, Query)


def shown(question: Question, reading: Reading) -> Any:
    def told(group: Group | None) -> Any:
        if group is None:
            return None
        records = sorted(group.records or {})
        return group.keys, list(group.parts), records, list(group.customers), sorted(group.hidden)

    groups = sorted((told(each) for each in reading.groups), key=repr)
    return groups, told(reading.total), dict(reading.names), reading.is_exact


@pytest.mark.parametrize("dimensions", [["agent"], [], ["agent", "channel"], ["segment", "agent"]])
@pytest.mark.parametrize("sees_everything", [True, False])
async def test_halves_make_the_whole(
    tenant: Tenant, product_pool: asyncpg.Pool, dimensions: list[str], *, sees_everything: bool
) -> None:
    push_agents(tenant)
    assert tenant.http.put("/v1/privacy-settings", json={"smallest_group": 2}).status_code == 200
    desk = Desk(product_pool, tenant.tenant_id, "UTC", NOW, live_slots_max=1000)
    async with snapshot_of(replace(desk, sees_everything=sees_everything)) as snapshot:
        question = (await resolved(snapshot, query(MIXED, dimensions))).question
        apart = await read_apart(snapshot, question)
        assert shown(question, apart) == shown(question, await snapshot.read(question))
        halves = halves_of(question)
    # By segment and agent there is no summary: all of it is read from facts.
    assert len(halves) == (1 if "segment" in dimensions else 2)


async def test_what_is_of_one_kind_is_read_at_once(
    tenant: Tenant, product_pool: asyncpg.Pool
) -> None:
    desk = Desk(product_pool, tenant.tenant_id, "UTC", NOW, live_slots_max=1000)
    async with snapshot_of(desk) as snapshot:
        for metrics in (["csat_score"], ["conversations_handled"], [*MIXED, "contact_mix"]):
            question = (await resolved(snapshot, query(metrics, ["agent"]))).question
            assert halves_of(question) == [question]

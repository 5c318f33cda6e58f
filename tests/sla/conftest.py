"""Tenants with policies, filled and asked by the production coroutines."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import pytest
from tests.hours.conftest import Item, Send, derive, send

from csapi.kit.clock import now
from csapi.reports.schemas import Query
from csapi.reports.service import Desk, answer

HOUR = 3600
DAY = {"from": "2026-03-02", "to": "2026-03-03"}
Ask = Callable[..., Awaitable[Any]]


def policy(name: str, *targets: Item, since: str = "2020-01-01", **more: Any) -> Item:
    return {"external_id": name, "valid_from": since, "targets": list(targets), **more}


def target(metric: str, seconds: int, priority: str | None = None, **more: Any) -> Item:
    return {"metric": metric, "seconds": seconds, "priority": priority, **more}


def at(time: str, day: int = 2) -> str:
    return f"2026-03-{day:02}T{time}:00Z"


def ticket(name: str, created_at: str | None = None, **more: Any) -> Item:
    return {"external_id": name, "created_at": created_at or at("08:00"), **more}


def event(name: str, kind: str, time: str, *, day: int = 2, **more: Any) -> Item:
    return {
        "event_id": f"{name}-{day}-{time}-{kind}",
        "ticket": name,
        "type": kind,
        "occurred_at": at(time, day),
        **more,
    }


def asked(name: str, time: str, **more: Any) -> Item:
    return event(name, "message", time, direction="inbound", **more)


def replied(name: str, time: str, agent: str = "a1", **more: Any) -> Item:
    return event(name, "message", time, direction="outbound", actor=agent, **more)


def given(name: str, time: str, agent: str, **more: Any) -> Item:
    return event(name, "assigned", time, agent=agent, **more)


def became(name: str, time: str, status: str, **more: Any) -> Item:
    return event(name, "status_changed", time, to=status, **more)


def raised(name: str, time: str, priority: str, **more: Any) -> Item:
    return event(name, "priority_changed", time, to=priority, **more)


@pytest.fixture
def ask(api_pool: asyncpg.Pool, tenant_id: UUID) -> Ask:
    """An async function: the cells of one metric, by the keys of a dimension if there is one."""

    async def run(
        metric: str,
        by: str | None = None,
        *,
        time: Item = DAY,
        asked_at: datetime | None = None,
        agg: str | None = None,
        **params: Any,
    ) -> Any:
        query = {
            "metrics": [{"id": metric, "params": params, "agg": agg}],
            "time": {"range": time},
            "dimensions": [by] if by else [],
            "include": ["totals"],
        }
        desk = Desk(api_pool, tenant_id, "UTC", asked_at or now(), live_slots_max=20_000)
        found = msgspec.to_builtins(await answer(desk, msgspec.convert(query, Query)))
        assert found["meta"]["exact"]
        if by is None:
            (row,) = found["data"]
            assert found["totals"] == row["metrics"]
            return row["metrics"][metric]["value"]
        return {
            row["dimensions"][by]["key"]: row["metrics"][metric]["value"]
            for row in found["data"]
            if row["metrics"][metric]["n"]
        }

    return run


__all__ = [
    "DAY", "HOUR", "Ask", "Item", "Send", "ask", "asked", "at", "became", "derive", "event",
    "given", "policy", "raised", "replied", "send", "target", "ticket",
]  # fmt: skip

"""A range over a change of definition is the sum of its sides, however much is summarized."""

import json
from collections.abc import AsyncIterator
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import asyncpg
import pytest
from tests.metrics.conftest import STATES, Ask, World
from tests.metrics.world import NOW, START, TIMEZONE, Fact, expected_cell, grouped

from csapi.metrics.catalog import METRICS
from csapi.metrics.formulas import Formula
from csapi.metrics.variants import Settled, Variant, in_force, joined, merged

# In the middle of a month, and in the last days, whose slots have rows of their own.
FIRST, SECOND = (NOW - timedelta(days=100)).date(), (NOW - timedelta(days=2)).date()
SETTLED: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "service_level": (
        {"variant": "all_abandons_missed", "threshold_seconds": 300},
        {"variant": "answered_only"},
    ),
    "abandonment_rate": ({"include_short": True}, {"stage": "any"}),
    "occupancy": ({"denominator": "logged_in"}, {}),
    "first_contact_resolution_rate": ({"method": "agent_flag"}, {"window_days": 30}),
    "response_time": ({"pairing": "in_reply_to"}, {"exclude_zero": True}),
    "reopen_rate": ({"window_days": 1}, {"window_days": 30}),
}
EVERY = pytest.mark.parametrize("name", SETTLED)


@pytest.fixture
async def settled(world: World, admin: asyncpg.Connection) -> AsyncIterator[None]:
    rows = [
        (tenant, name, day, json.dumps(params))
        for tenant in world.tenants.values()
        for name, both in SETTLED.items()
        for day, params in zip((FIRST, SECOND), both, strict=True)
    ]
    await admin.executemany("INSERT INTO metric_settings VALUES ($1, $2, $3, $4::jsonb)", rows)
    yield
    await admin.execute(
        "DELETE FROM metric_settings WHERE tenant_id = ANY($1::uuid[])",
        list(world.tenants.values()),
    )


def local_day(fact: Fact) -> date:
    found: date = fact["occurred_at"].astimezone(ZoneInfo(TIMEZONE)).date()
    return found


def expected(name: str, facts: list[Fact]) -> tuple[float | None, float, float]:
    """Value, numerator and denominator, side by side."""
    metric, numerator, denominator = METRICS[name], 0.0, 0.0
    first, second = SETTLED[name]
    for start, end, params in (
        (date.min, FIRST, {}),
        (FIRST, SECOND, first),
        (SECOND, date.max, second),
    ):
        side = [fact for fact in facts if start <= local_day(fact) < end]
        cell = expected_cell(metric.build({**metric.defaults, **params}), side)
        numerator += cell["numerator"]
        denominator += cell["denominator"]
    return numerator / denominator if denominator else None, numerator, denominator


@EVERY
@pytest.mark.parametrize("state", STATES)
@pytest.mark.usefixtures("settled")
async def test_sides_add_up(name: str, state: str, world: World, ask: Ask) -> None:
    facts = world.of(METRICS[name])
    days = {"from": START.date() - timedelta(days=1), "to": NOW.date() + timedelta(days=2)}
    for dimensions in ([], ["team"], ["time:month"], ["time:week", "channel"]):
        answer = await ask(
            world.tenants[state],
            {
                "metrics": [{"id": name}],
                "time": {"range": {key: str(day) for key, day in days.items()}},
                "dimensions": dimensions,
                "include": ["totals"],
                "limit": 10_000,
            },
        )
        groups = grouped(facts, dimensions, TIMEZONE)
        for row in answer["data"]:
            key = tuple(row["dimensions"][each]["key"] for each in dimensions)
            check(row["metrics"][name], expected(name, groups.get(key, [])))
        check(answer["totals"][name], expected(name, facts))
        assert len(answer["meta"]["variants"][name]) == 3


def check(cell: Any, wanted: tuple[float | None, float, float]) -> None:
    value, *parts = wanted
    assert [cell["numerator"], cell["denominator"]] == pytest.approx(parts, rel=1e-12)
    assert cell["value"] is None if value is None else cell["value"] == pytest.approx(value)


def test_entries_follow_each_other() -> None:
    zone, day = "UTC", timedelta(days=1)
    entries = [Settled(FIRST, {"a": 1}), Settled(SECOND, {"a": 2})]
    start = NOW - timedelta(days=200)
    found = in_force(entries, zone, start, NOW)
    assert [each.setting for each in found] == [None, FIRST, SECOND]
    assert [each.since for each in found][1:] == [each.until for each in found][:-1]
    late = in_force(entries, zone, NOW - day, NOW)
    assert [(each.since, each.setting) for each in late] == [(None, SECOND)]
    assert in_force(entries, zone, start, start + day) == [Variant(None, None, None, {})]
    same = [Variant(None, NOW, None, {"a": 1}), Variant(NOW, None, FIRST, {"a": 1})]
    assert merged(same) == [Variant(None, None, FIRST, {"a": 1})]


def test_what_does_not_add_up_is_not_joined() -> None:
    def built(name: str, **params: Any) -> Formula:
        metric = METRICS[name]
        return metric.build({**metric.defaults, **params})

    sides = (Variant(None, NOW, None, {}), Variant(NOW, None, FIRST, {}))

    def join(*formulas: Formula, by_spread: bool = False) -> Formula | None:
        return joined(list(zip(formulas, sides, strict=True)), by_spread=by_spread)

    pairs = built("response_time"), built("response_time", pairing="in_reply_to")
    assert join(*pairs) is not None
    assert join(*pairs, by_spread=True) is None
    assert join(built("contacts_per_customer"), built("contacts_per_customer")) is None
    assert join(built("backlog_open"), built("backlog_open")) is None
    assert join(built("rating_average"), built("rating_average")) is not None
    assert join(built("rating_average"), built("rating_average", scale="normalized")) is None

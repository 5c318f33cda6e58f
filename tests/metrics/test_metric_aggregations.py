"""Sums, counts, extremes and percentiles of every duration metric, against plain Python."""

import math
from datetime import datetime
from typing import Any

import pytest
from tests.metrics.conftest import STATES, Ask, World
from tests.metrics.test_metric_laws import RANGE, turn
from tests.metrics.world import NOW, TIMEZONE, Fact, ages_at, grouped, is_of

from csapi.metrics.bins import RELATIVE_ERROR
from csapi.metrics.catalog import METRICS
from csapi.metrics.metric import MergeClass, Metric
from csapi.metrics.parts import LASTING, Hours, Measure

DURATIONS = [
    metric
    for metric in METRICS.values()
    if metric.merge_class is MergeClass.mean
    and (spread := metric.build(metric.defaults).spread)
    and spread.kind not in LASTING
]
CLOCKS = [(metric, hours) for metric in DURATIONS for hours in metric.hours]
EVERY = pytest.mark.parametrize(
    ("metric", "hours"), CLOCKS, ids=[f"{metric.id}-{hours}" for metric, hours in CLOCKS]
)
COLUMN = {Hours.calendar: "duration_ms", Hours.business: "business_ms"}
PERCENTS = (1, 25, 50, 90, 99)


AGED = ("backlog_age", "current_wait", "requester_wait_time_in_flight")


@pytest.mark.parametrize("name", AGED)
@pytest.mark.parametrize("by", [[], ["team"], ["time:month"], ["time:week", "channel"]])
async def test_ages_are_brute_force(name: str, by: list[str], world: World, ask: Ask) -> None:
    metric = METRICS[name]
    (kind,) = {part.kind for part in metric.build(metric.defaults).parts}
    aggs = ["sum", "count", "min", "max", "p1", "p50", "p90"]
    answer = await ask(
        world.tenants["mixed"],
        {
            "metrics": [{"id": name, "as": agg, "agg": agg} for agg in aggs],
            "time": {"range": RANGE, "timezone": TIMEZONE},
            "dimensions": by,
        },
    )
    members = [each for each in by if not each.startswith("time:")]
    groups = grouped(world.of(metric), members, TIMEZONE)
    for row in answer["data"]:
        facts = groups[tuple(row["dimensions"][each]["key"] for each in members)]
        ends = [row["dimensions"][each]["end"] for each in by if each not in members]
        starts = [row["dimensions"][each]["start"] for each in by if each not in members]
        if any(datetime.fromisoformat(start) >= NOW for start in starts):
            assert not any(cell["n"] for cell in row["metrics"].values())
            continue
        at = min([NOW, *(datetime.fromisoformat(end) for end in ends)])
        ages = sorted(ages_at(kind, facts, at))
        found = {agg: cell["value"] for agg, cell in row["metrics"].items()}
        assert found == {
            "sum": sum(ages) / 1000,
            "count": len(ages),
            "min": ages[0] / 1000,
            "max": ages[-1] / 1000,
            **{f"p{each}": exactly(interpolated(ages, each)) for each in (1, 50, 90)},
        }
    assert len(answer["data"]) >= len(groups)


def durations(
    metric: Metric, hours: Hours, facts: list[Fact], *, above_zero: bool = False
) -> list[int]:
    spread, column = metric.build(metric.defaults).spread, COLUMN[hours]
    assert spread is not None
    return sorted(
        fact[column]
        for fact in facts
        if is_of(spread.extreme(Measure.DURATION_MAX), fact)
        and fact[column] is not None
        and (fact[column] > 0 or not above_zero)
    )


def interpolated(values: list[int], percent: int) -> float | None:
    if not values:
        return None
    rank = percent / 100 * (len(values) - 1)
    low, high = values[math.floor(rank)], values[math.ceil(rank)]
    return (low + (rank - math.floor(rank)) * (high - low)) / 1000


def exactly(value: float | None) -> Any:
    return None if value is None else pytest.approx(value, rel=1e-12)


def query(
    metric: Metric, hours: Hours, aggs: list[str], dimensions: list[str], **params: bool
) -> dict[str, Any]:
    asked = {"id": metric.id, "hours": hours, "params": params}
    return {
        "metrics": [{**asked, "as": agg, "agg": agg} for agg in aggs],
        "time": {"range": RANGE, "timezone": TIMEZONE},
        "dimensions": dimensions,
        "include": ["totals"],
        "limit": 10_000,
    }


def zero_param(metric: Metric) -> str:
    return "queued_only" if "queued_only" in metric.defaults else "exclude_zero"


@EVERY
async def test_sum_count_and_extremes(metric: Metric, hours: Hours, world: World, ask: Ask) -> None:
    for number, above_zero in enumerate((False, True), turn(metric)):
        state = STATES[number % len(STATES)]
        wanted = query(
            metric,
            hours,
            ["sum", "count", "min", "max"],
            ["channel"],
            **{zero_param(metric): above_zero},
        )
        answer = await ask(world.tenants[state], wanted)
        groups = grouped(world.of(metric), ["channel"], TIMEZONE)
        rows = [(row["dimensions"]["channel"]["key"], row["metrics"]) for row in answer["data"]]
        expected = {key[0]: facts for key, facts in groups.items()}
        for facts, cells in [
            (world.of(metric), answer["totals"]),
            *((expected[key], cells) for key, cells in rows),
        ]:
            values = durations(metric, hours, facts, above_zero=above_zero)
            found = {name: cell["value"] for name, cell in cells.items()}
            assert found == {
                "sum": sum(values) / 1000,
                "count": len(values),
                "min": values[0] / 1000 if values else None,
                "max": values[-1] / 1000 if values else None,
            }


@EVERY
@pytest.mark.parametrize("above_zero", [False, True])
async def test_percentiles_of_few_are_exact(
    metric: Metric, hours: Hours, *, above_zero: bool, world: World, ask: Ask
) -> None:
    names = [f"p{percent}" for percent in PERCENTS]
    for dimension in ("team", "time:month"):
        wanted = query(metric, hours, names, [dimension], **{zero_param(metric): above_zero})
        answer = await ask(world.tenants["mixed"], wanted)
        groups = grouped(world.of(metric), [dimension], TIMEZONE)
        for row in answer["data"]:
            facts = groups[row["dimensions"][dimension]["key"],]
            values = durations(metric, hours, facts, above_zero=above_zero)
            for percent in PERCENTS:
                cell = row["metrics"][f"p{percent}"]
                assert cell["value"] == exactly(interpolated(values, percent))
                assert cell["precision"] == "exact"
                assert cell["n"] == len(values)
        values = durations(metric, hours, world.of(metric), above_zero=above_zero)
        for percent in PERCENTS:
            total = answer["totals"][f"p{percent}"]["value"]
            assert total == exactly(interpolated(values, percent))


@EVERY
@pytest.mark.parametrize("above_zero", [False, True])
async def test_percentiles_of_many_are_near(
    metric: Metric,
    hours: Hours,
    *,
    above_zero: bool,
    world: World,
    ask: Ask,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("csapi.reports.groups.EXACT_MAX", 2)
    names = [f"p{percent}" for percent in PERCENTS]
    sets: list[list[str]] = [[], ["team"], ["time:week"], ["time:day", "channel"]]
    for number, dimensions in enumerate(sets, turn(metric)):
        state = STATES[number % len(STATES)]
        wanted = query(metric, hours, names, dimensions, **{zero_param(metric): above_zero})
        answer = await ask(world.tenants[state], wanted)
        groups = grouped(world.of(metric), dimensions, TIMEZONE)
        cells = [
            (groups[tuple(row["dimensions"][name]["key"] for name in dimensions)], row["metrics"])
            for row in answer["data"]
        ]
        for facts, found in [(world.of(metric), answer["totals"]), *cells]:
            values = durations(metric, hours, facts, above_zero=above_zero)
            for percent in PERCENTS:
                cell, exact = found[f"p{percent}"], interpolated(values, percent)
                if exact is None:
                    assert cell["value"] is None
                    continue
                assert cell["value"] == pytest.approx(exact, rel=RELATIVE_ERROR, abs=1e-3)
                is_exact = hours is Hours.business
                assert cell["precision"] == ("exact" if is_exact else "approximate")
                assert cell["relative_error"] == (None if is_exact else RELATIVE_ERROR)

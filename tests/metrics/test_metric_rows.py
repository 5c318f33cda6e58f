"""For every metric: what top leaves out is brute force over the facts that it leaves out, and a
series has the numbers of the rows."""

from typing import Any

import pytest
from tests.metrics.conftest import Ask, World
from tests.metrics.surroundings import around
from tests.metrics.test_metric_aggregations import (
    CLOCKS,
    PERCENTS,
    durations,
    exactly,
    interpolated,
)
from tests.metrics.test_metric_aggregations import query as percentile_query
from tests.metrics.test_metric_laws import EVERY, RANGE, cells, expected, is_stock, query
from tests.metrics.world import TIMEZONE, grouped

from csapi.metrics.catalog import METRICS
from csapi.metrics.metric import Metric
from csapi.metrics.parts import Hours

# Every kind of formula, and not every metric: what is held against the rows knows no formulas. An
# outlook takes no time.
TIMED = [each for each in METRICS.values() if not each.build(each.defaults).is_outlook]
SOME = pytest.mark.parametrize("metric", TIMED[::6], ids=[each.id for each in TIMED[::6]])
TOP = {"n": 2, "by": "m0", "other": True}


@EVERY
@pytest.mark.parametrize("dimensions", [["topic"], ["team", "channel"]])
async def test_other_is_brute_force(
    metric: Metric, dimensions: list[str], world: World, ask: Ask
) -> None:
    facts = grouped(world.of(metric), dimensions, TIMEZONE)
    answer = await ask(world.tenants["mixed"], query(metric, dimensions, top=TOP))
    shown = {tuple(row["dimensions"][name]["key"] for name in dimensions) for row in answer["data"]}
    assert len(shown) == 2
    rest = [fact for key, found in facts.items() if key not in shown for fact in found]
    surroundings = around(world.of(metric), [], (), RANGE, TIMEZONE)
    assert cells(answer["other"]) == expected(metric, rest, surroundings)


@SOME
async def test_series_have_the_numbers_of_rows(metric: Metric, world: World, ask: Ask) -> None:
    tenant = world.tenants["mixed"]
    dimensions = ["channel", "time:month"]
    rows = await ask(tenant, query(metric, dimensions))
    found = {
        tuple(row["dimensions"][name]["key"] for name in dimensions): row["metrics"]
        for row in rows["data"]
    }
    answer = await ask(tenant, query(metric, dimensions, shape="series"))
    months = [each["key"] for each in answer["categories"]]
    checked = 0
    nothing = {
        month: expected(
            metric, [], around(world.of(metric), dimensions, (None, month), RANGE, TIMEZONE)
        )
        for month in months
    }
    for series in answer["series"]:
        for month, value, n in zip(months, series["values"], series["n"], strict=True):
            cell = found.get((series["key"], month), {}).get(series["metric"])
            there = cell or nothing[month][series["metric"]]
            assert (value, n) == (there["value"], there["n"])
            checked += cell is not None
    assert checked == sum(len(metrics) for metrics in found.values())


@SOME
async def test_the_rest_of_each_bucket_is_brute_force(
    metric: Metric, world: World, ask: Ask
) -> None:
    if is_stock(metric):
        return
    wanted = query(metric, ["time:quarter", "topic"], top={**TOP, "n": 1}, shape="series")
    answer = await ask(world.tenants["mixed"], wanted)
    (shown,) = {each["key"] for each in answer["series"] if not each["is_other"]}
    facts = grouped(world.of(metric), ["time:quarter", "topic"], TIMEZONE)
    for place, category in enumerate(answer["categories"]):
        rest = [
            fact
            for (quarter, topic), found in facts.items()
            if quarter == category["key"] and topic != shown
            for fact in found
        ]
        key = (category["key"], None)
        surroundings = around(world.of(metric), ["time:quarter", "topic"], key, RANGE, TIMEZONE)
        wanted_cells = expected(metric, rest, surroundings)
        for series in answer["series"]:
            if series["is_other"]:
                cell = wanted_cells[series["metric"]]
                assert (series["values"][place], series["n"][place]) == (cell["value"], cell["n"])


@pytest.mark.parametrize(("metric", "hours"), CLOCKS)
async def test_other_percentiles_are_brute_force(
    metric: Metric, hours: Hours, world: World, ask: Ask
) -> None:
    wanted: dict[str, Any] = percentile_query(
        metric, hours, [f"p{each}" for each in PERCENTS], ["topic"]
    )
    answer = await ask(
        world.tenants["mixed"], {**wanted, "top": {"n": 1, "by": "p50", "other": True}}
    )
    (row,) = answer["data"]
    shown = row["dimensions"]["topic"]["key"]
    groups = grouped(world.of(metric), ["topic"], TIMEZONE)
    rest = [fact for (key,), found in groups.items() if key != shown for fact in found]
    values = durations(metric, hours, rest)
    for percent in PERCENTS:
        assert answer["other"][f"p{percent}"]["value"] == exactly(interpolated(values, percent))

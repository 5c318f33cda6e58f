"""The records behind what is in no row of facts: ages, cohorts, waits, and what is held against."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import pytest
from tests.metrics.behind import List, all_of, check_sums, one
from tests.metrics.cohorts import cohorts
from tests.metrics.conftest import World
from tests.metrics.world import ages_at, grouped

from csapi.metrics.catalog import METRICS
from csapi.metrics.formulas import MS_PER_SECOND
from csapi.metrics.metric import Metric
from csapi.metrics.survival import median, surviving

BY_MONTH = ["time:month", "team"]


async def cell_of(
    told: List, world: World, metric: Metric, dimensions: Sequence[str], place: int = 0
) -> tuple[dict[str, Any], Mapping[str, Any]]:
    """One of the answer's rows that have something: its dimensions, and the value."""
    answer = await told(world.tenants["mixed"], one(metric, dimensions, limit=10_000))
    rows = [row for row in answer["data"] if row["metrics"]["m"]["n"]]
    row = rows[place * len(rows) // 4]
    return row["dimensions"], row["metrics"]["m"]


def keys_of(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: each["key"] for name, each in row.items()}


def values_of(answer: Any) -> list[int]:
    return sorted(round(each["contribution"]["value"] * MS_PER_SECOND) for each in answer["data"])


@pytest.mark.parametrize("name", ["backlog_age", "current_wait"])
@pytest.mark.parametrize("place", [0, 1, 2])
async def test_what_lasted_at_the_end_of_a_bucket(
    name: str, place: int, recorded: World, told: List, behind: List
) -> None:
    metric, tenant = METRICS[name], recorded.tenants["mixed"]
    row, value = await cell_of(told, recorded, metric, BY_MONTH, place)
    facts = grouped(recorded.of(metric), ["team"], "UTC")[row["team"]["key"],]
    spread = metric.build(metric.defaults).spread
    assert spread is not None
    ages = sorted(ages_at(spread.kind, facts, datetime.fromisoformat(row["time:month"]["end"])))
    cell = {"cell": keys_of(row), "limit": 1000}
    plain = await behind(tenant, one(metric, BY_MONTH, **cell))
    assert plain["value"] == value
    numerators = [each["contribution"]["numerator"] for each in plain["data"]]
    assert sorted(round(each * MS_PER_SECOND) for each in numerators) == ages
    middle = await behind(tenant, one(metric, BY_MONTH, agg="p50", **cell))
    assert values_of(middle) == ages
    for agg, age in (("min", ages[0]), ("max", ages[-1])):
        extreme = await behind(tenant, one(metric, BY_MONTH, agg=agg, **cell))
        assert values_of(extreme) == [age] * ages.count(age)
        assert extreme["value"]["value"] == age / MS_PER_SECOND
        assert extreme["value"]["record"] in [each["record"] for each in extreme["data"]]


@pytest.mark.parametrize("name", ["customer_retention_rate", "churn_rate"])
@pytest.mark.parametrize("place", [0, 1, 2, 3])
async def test_everyone_of_a_cohort(
    name: str, place: int, recorded: World, told: List, behind: List
) -> None:
    metric = METRICS[name]
    row, value = await cell_of(told, recorded, metric, BY_MONTH, place)
    query = one(metric, BY_MONTH, cell=keys_of(row), limit=1000)
    answer = await behind(recorded.tenants["mixed"], query)
    bucket = row["time:month"]
    found = cohorts(recorded.of(metric), ["team"], bucket["start"], bucket["end"])
    started, stayed = found[row["team"]["key"],]
    assert answer["value"] == value
    check_sums(metric.build(metric.defaults), answer)
    assert len({each["record"]["id"] for each in answer["data"]}) == started
    brought = [each["contribution"]["numerator"] for each in answer["data"]]
    assert sum(brought) == (stayed if name == "customer_retention_rate" else started - stayed)
    assert {each["team"] for each in answer["data"]} == {row["team"]["key"]}
    start = datetime.fromisoformat(bucket["start"])
    assert all(datetime.fromisoformat(each["occurred_at"]) < start for each in answer["data"])


@pytest.mark.parametrize("name", ["still_waiting_rate", "median_wait"])
@pytest.mark.parametrize("cell", [{}, {"channel": "email"}])
async def test_an_estimate_is_that_of_the_waits_listed(
    name: str, cell: dict[str, str], recorded: World, behind: List
) -> None:
    metric = METRICS[name]
    answer = await behind(
        recorded.tenants["mixed"], one(metric, ["channel"], cell=cell, limit=1000)
    )
    waits: dict[bool, list[int]] = {True: [], False: []}
    for each in answer["data"]:
        contribution = each["contribution"]
        waits[contribution["numerator"] == 0].append(round(contribution["value"] * MS_PER_SECOND))
    ended, seen = sorted(waits[True]), sorted(waits[False])
    assert ended
    assert seen or cell
    survival = metric.build(metric.defaults).survival
    assert survival is not None
    if survival.threshold_ms is None:
        found = median(ended, seen)
        assert answer["value"]["value"] == (None if found is None else found / MS_PER_SECOND)
    else:
        assert answer["value"]["value"] == surviving(ended, seen, survival.threshold_ms)


@pytest.mark.parametrize("name", ["requests_per_day", "contact_mix"])
@pytest.mark.parametrize(
    "dimensions", [[], ["time:week"], ["team"], BY_MONTH, ["time:day_of_week"],
                   ["channel", "time:day_of_week"]],
)  # fmt: skip
async def test_what_a_row_is_held_against(
    name: str, dimensions: list[str], recorded: World, told: List, behind: List
) -> None:
    metric = METRICS[name]
    for place in (0, 2):
        row, value = await cell_of(told, recorded, metric, dimensions, place)
        query = one(metric, dimensions, cell=keys_of(row), limit=1000)
        answer = await behind(recorded.tenants["mixed"], query)
        assert answer["value"] == value
        assert value["denominator"] > 0
        check_sums(metric.build(metric.defaults), answer)


@pytest.mark.parametrize("name", ["backlog_age", "tickets_waiting", "median_wait", "sla_at_risk"])
async def test_pages_of_what_is_beside_rows(name: str, recorded: World, behind: List) -> None:
    query = one(METRICS[name], ["team"])
    whole = await behind(recorded.tenants["mixed"], {**query, "limit": 1000})
    assert len(whole["data"]) > 3
    pages = await all_of(behind, recorded.tenants["mixed"], query, 3)
    assert pages["data"] == whole["data"]


async def test_pages_of_a_cohort(recorded: World, told: List, behind: List) -> None:
    metric = METRICS["churn_rate"]
    row, _ = await cell_of(told, recorded, metric, ["time:month"], 3)
    query = one(metric, ["time:month"], cell=keys_of(row))
    whole = await behind(recorded.tenants["mixed"], {**query, "limit": 1000})
    assert len(whole["data"]) > 2
    pages = await all_of(behind, recorded.tenants["mixed"], query, 2)
    assert pages["data"] == whole["data"]

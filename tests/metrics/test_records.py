"""What holds for every metric of the catalog and the records behind a cell: they add up to the
value, and nothing that belongs there is missing."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.metrics.behind import COUNTED, List, all_of, check_sums, one
from tests.metrics.conftest import World
from tests.metrics.test_metric_aggregations import CLOCKS, durations, exactly, interpolated
from tests.metrics.test_metric_laws import EVERY, asked, is_cohort, is_stock
from tests.metrics.world import NOW, TIMEZONE, Fact, ages_at, expected_cell, grouped

from csapi.metrics.catalog import METRICS
from csapi.metrics.formulas import Formula
from csapi.metrics.metric import MergeClass, Metric, Unit
from csapi.metrics.parts import AGE_MEASURES, Hours, Measure

# The dimensions of questions; every metric is asked for a cell by one of them.
DIMENSIONS = [
    ["team", "channel"],
    ["time:month", "topic"],
    ["time:hour_of_day"],
    ["custom.manager"],
    ["time:week"],
]


def place_of(metric: Metric) -> int:
    return list(METRICS).index(metric.id)


def dimensions_of(metric: Metric) -> list[str]:
    """A cohort is only there where something was before; an outlook has no time."""
    if is_cohort(metric):
        return ["time:month", "topic"]
    is_outlook = metric.build(metric.defaults).is_outlook
    chosen = DIMENSIONS[place_of(metric) % len(DIMENSIONS)]
    is_cycle = is_stock(metric) and "time:hour_of_day" in chosen
    return DIMENSIONS[0] if is_cycle or is_outlook else chosen


def formula_of(metric: Metric, variant: Mapping[str, Any]) -> Formula:
    formula = metric.build({**metric.defaults, **variant.get("params", {})})
    return formula.in_business_hours() if variant.get("hours") == Hours.business else formula


def is_extreme(metric: Metric) -> bool:
    return metric.merge_class is MergeClass.extreme


@EVERY
async def test_contributions_add_up_to_the_value_of_the_query(
    metric: Metric, recorded: World, told: List, behind: List
) -> None:
    tenant = recorded.tenants["mixed"]
    dimensions, with_none = dimensions_of(metric), bool(place_of(metric) % 2)
    answer = await told(tenant, one(metric, dimensions, limit=10_000))
    cells = [
        ({name: row["dimensions"][name]["key"] for name in dimensions}, row["metrics"]["m"])
        for row in answer["data"]
    ]
    keys, value = max(
        cells, key=lambda cell: (abs(cell[1]["n"]) > 0, (None in cell[0].values()) is with_none)
    )
    assert value["n"] != 0
    found = await behind(tenant, one(metric, dimensions, cell=keys, limit=1000))
    assert found["value"] == value, keys
    assert found["page"]["next_cursor"] is None
    if not is_extreme(metric):
        check_sums(metric.build(metric.defaults), found)


@EVERY
async def test_other_parameters_and_clocks_add_up(
    metric: Metric, recorded: World, behind: List
) -> None:
    for variant in asked(metric)[1::3]:
        found = await behind(recorded.tenants["clean"], one(metric, [], limit=1000, **variant))
        assert found["page"]["next_cursor"] is None
        if not is_extreme(metric):
            check_sums(formula_of(metric, variant), found)


def facts_that_count(metric: Metric, facts: Sequence[Fact]) -> Counter[Any]:
    """Whatever would leave the value another one if it were alone."""
    formula = metric.build(metric.defaults)
    nothing = expected_cell(formula, [])
    found: Counter[Any] = Counter()
    for fact in facts:
        cell = expected_cell(formula, [fact])
        if any(cell[part] != nothing[part] for part in COUNTED):
            found[str(fact["subject"]), fact["occurred_at"].isoformat().replace("+00:00", "Z")] += 1
    return found


@EVERY
async def test_the_list_is_brute_force(metric: Metric, recorded: World, behind: List) -> None:
    facts = grouped(recorded.of(metric), ["channel"], TIMEZONE)["email",]
    cell = one(metric, ["channel"], cell={"channel": "email"}, limit=1000)
    answer = await behind(recorded.tenants["mixed"], cell)
    measures = {part.measure for part in metric.build(metric.defaults).parts}
    listed = Counter(
        (each["record"] and each["record"]["external_id"], each["occurred_at"])
        for each in answer["data"]
    )
    if is_extreme(metric):
        part, value = metric.build(metric.defaults).parts[0], answer["value"]["value"]
        spread = durations(metric, Hours.calendar, facts)
        if part.measure in AGE_MEASURES:
            spread = sorted(ages_at(part.kind, facts, NOW))
        assert value == spread[-1] / 1000
        assert {each["contribution"]["value"] for each in answer["data"]} == {value}
        assert len(answer["data"]) == spread.count(spread[-1])
    elif Measure.CUSTOMERS in measures:
        (counted,) = [p for p in metric.build(metric.defaults).parts if p.measure == Measure.N]
        customers = {f["customer"] for f in facts if f["outcome"] in counted.outcomes}
        assert len(answer["data"]) == len(customers)
        named = {e["record"]["external_id"] for e in answer["data"] if e["record"] is not None}
        assert len(named) == len(customers - {None})
    elif measures & {Measure.SUBJECTS, Measure.BALANCE}:
        formula = metric.build(metric.defaults)
        by_subject: dict[str, list[Fact]] = {}
        for fact in facts:
            by_subject.setdefault(str(fact["subject"]), []).append(fact)
        counting = {
            subject
            for subject, own in by_subject.items()
            if expected_cell(formula, own)["numerator"] or expected_cell(formula, own)["n"]
        }
        assert Counter(subject for subject, _ in listed.elements()) == Counter(counting)
    else:
        assert listed == facts_that_count(metric, facts)
    order = [datetime.fromisoformat(each["occurred_at"]) for each in answer["data"]]
    assert order == sorted(order)


@pytest.mark.parametrize(("metric", "hours"), CLOCKS, ids=lambda each: getattr(each, "id", each))
async def test_extremes_and_percentiles_are_those_of_the_list(
    metric: Metric, hours: Hours, recorded: World, behind: List
) -> None:
    tenant = recorded.tenants["mixed"]
    facts = grouped(recorded.of(metric), ["team"], TIMEZONE)["south",]
    known = durations(metric, hours, facts)
    cell = one(metric, ["team"], cell={"team": "south"}, limit=1000, hours=hours)
    for agg in ("min", "max", "p90"):
        query = {**cell, "metrics": [{**cell["metrics"][0], "agg": agg}]}
        answer = await behind(tenant, query)
        values = sorted(
            round(each["contribution"]["value"] * 1000)
            for each in answer["data"]
            if each["contribution"]["value"] is not None
        )
        if agg == "p90":
            assert values == known
            assert answer["value"]["value"] == exactly(interpolated(values, 90))
            check_sums(formula_of(metric, {"hours": hours}), answer)
        else:
            extreme = known[0 if agg == "min" else -1]
            assert values == [extreme] * known.count(extreme)
            assert answer["value"]["value"] == extreme / 1000
            assert answer["value"]["n"] == len(known)


@pytest.mark.parametrize("metric", list(METRICS.values())[::3], ids=list(METRICS)[::3])
async def test_other_is_what_the_rows_leave_out(
    metric: Metric, recorded: World, told: List, behind: List
) -> None:
    tenant = recorded.tenants["mixed"]
    top = {"n": 2, "by": "m", "other": True}
    answer = await told(tenant, one(metric, ["topic"], top=top))
    shown = [{"topic": row["dimensions"]["topic"]["key"]} for row in answer["data"]]
    found = await behind(tenant, one(metric, ["topic"], other_than=shown, limit=1000))
    assert found["value"] == answer["other"]["m"]
    if not is_extreme(metric):
        check_sums(metric.build(metric.defaults), found)


@EVERY
async def test_the_total_with_what_is_excluded(
    metric: Metric, recorded: World, behind: List
) -> None:
    formula = metric.build(metric.defaults)
    query = one(metric, [], include=["excluded"], limit=1000)
    answer = await behind(recorded.tenants["raw"], query)
    assert answer["page"]["next_cursor"] is None
    listed = sum(each["contribution"]["excluded"]["negative_duration"] for each in answer["data"])
    assert listed == answer["value"]["excluded"]["negative_duration"]
    if not is_extreme(metric):
        check_sums(formula, answer)


PAGED = [each for each in METRICS.values() if each.unit is not Unit.MONEY][::7]


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(metric=st.sampled_from([*PAGED, METRICS["backlog_open"], METRICS["contacts_per_customer"]]),
       limit=st.integers(min_value=7, max_value=60))  # fmt: skip
async def test_pages_are_one_list(
    metric: Metric, limit: int, recorded: World, behind: List
) -> None:
    tenant, cell = recorded.tenants["mixed"], {"team": "north"}
    query = one(metric, ["team"], cell=cell, include=["excluded"])
    whole = await behind(tenant, {**query, "limit": 1000})
    pages = await all_of(behind, tenant, query, limit)
    assert pages["data"] == whole["data"]

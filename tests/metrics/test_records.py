"""What holds for every metric of the catalog and the records behind a cell: they add up to the
value, and nothing that belongs there is missing."""

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.conftest import Database
from tests.metrics.conftest import World
from tests.metrics.test_metric_aggregations import CLOCKS, durations, exactly, interpolated
from tests.metrics.test_metric_laws import EVERY, RANGE, asked, is_stock
from tests.metrics.world import NOW, TIMEZONE, Fact, expected_cell, grouped

from csapi.kit.db import SERVER_SETTINGS, open_pool
from csapi.metrics.catalog import METRICS
from csapi.metrics.formulas import Formula
from csapi.metrics.metric import MergeClass, Metric, Unit
from csapi.metrics.parts import Hours, Measure
from csapi.reports.records import records
from csapi.reports.records_schemas import RecordsQuery
from csapi.reports.schemas import Query
from csapi.reports.service import Desk
from csapi.reports.service import answer as answer_of

List = Callable[..., Awaitable[Any]]
# The dimensions of questions; every metric is asked for a cell by one of them.
DIMENSIONS = [
    ["team", "channel"],
    ["time:month", "topic"],
    ["time:hour_of_day"],
    ["custom.manager"],
    ["time:week"],
]
COUNTED = ("numerator", "denominator", "n")


@pytest.fixture(scope="session")
async def recorded(world: World, database: Database) -> World:
    """The same world, in which the subjects of facts are tickets."""
    subjects = sorted({fact["subject"] for fact in world.facts})
    admin = await asyncpg.connect(database.admin_url, server_settings=SERVER_SETTINGS)
    for tenant_id in world.tenants.values():
        await admin.copy_records_to_table(
            "tickets",
            schema_name="csapi",
            columns=["tenant_id", "id", "source", "external_id"],
            records=[(tenant_id, subject, "s", str(subject)) for subject in subjects],
        )
    await admin.close()
    return world


@pytest.fixture(scope="session")
async def readers(database: Database) -> AsyncIterator[asyncpg.Pool]:
    pool = await open_pool(database.api_url, size=2, statement_timeout_ms=60_000)
    yield pool
    await pool.close()


@pytest.fixture(scope="session")
def behind(readers: asyncpg.Pool) -> List:
    """An async function: the records behind a cell, as the JSON that goes out."""

    async def run(tenant_id: UUID, query: Mapping[str, Any]) -> Any:
        desk = Desk(readers, tenant_id, TIMEZONE, NOW, live_slots_max=20_000)
        found = await records(desk, msgspec.convert(query, RecordsQuery))
        return msgspec.json.decode(msgspec.json.encode(found))

    return run


@pytest.fixture(scope="session")
def told(readers: asyncpg.Pool) -> List:
    """The same for the answer to a query."""

    async def run(tenant_id: UUID, query: Mapping[str, Any]) -> Any:
        desk = Desk(readers, tenant_id, TIMEZONE, NOW, live_slots_max=20_000)
        found = await answer_of(desk, msgspec.convert(query, Query))
        return msgspec.json.decode(msgspec.json.encode(found))

    return run


def one(metric: Metric, dimensions: Sequence[str], **more: Any) -> dict[str, Any]:
    chosen = {key: more.pop(key) for key in ("params", "hours", "agg") if key in more}
    return {
        "metrics": [{"id": metric.id, "as": "m", **chosen}],
        "time": {"range": RANGE, "timezone": TIMEZONE},
        "dimensions": list(dimensions),
        **more,
    }


async def all_of(behind: List, tenant_id: UUID, query: Mapping[str, Any], limit: int) -> Any:
    """The pages as one answer."""
    whole: dict[str, Any] = {}
    cursor = None
    while True:
        page = await behind(tenant_id, {**query, "limit": limit, "cursor": cursor})
        assert len(page["data"]) <= limit
        assert not whole or page["value"] == whole["value"]
        whole = {**page, "data": [*whole.get("data", []), *page["data"]]}
        cursor = page["page"]["next_cursor"]
        if cursor is None:
            return whole


def brought(answer: Any, part: str, scale: int = 1) -> Decimal:
    """What the entries add up to. Decimals that JSON holds exactly add up exactly; of what is
    stored in smaller pieces, such as hours of milliseconds, count the pieces."""
    values = [each["contribution"][part] for each in answer["data"]]
    if scale > 1_000_000:
        return Decimal(sum(round(value * scale) for value in values))
    return sum((Decimal(repr(value)) for value in values), Decimal(0)) * scale


def check_sums(formula: Formula, answer: Any) -> None:
    """Numerator, denominator, n and what is excluded are the sums of those of the entries."""
    value = answer["value"]
    scales = {"numerator": formula.numerator_scale, "denominator": formula.denominator_scale}
    for part in COUNTED:
        if value[part] is None:
            assert all(each["contribution"][part] is None for each in answer["data"])
            continue
        scale = scales.get(part, 1)
        assert brought(answer, part, scale) == round(Decimal(repr(value[part])) * scale, 3), part


def place_of(metric: Metric) -> int:
    return list(METRICS).index(metric.id)


def dimensions_of(metric: Metric) -> list[str]:
    chosen = DIMENSIONS[place_of(metric) % len(DIMENSIONS)]
    return DIMENSIONS[0] if is_stock(metric) and "time:hour_of_day" in chosen else chosen


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
        cells, key=lambda cell: (cell[1]["n"] > 0, (None in cell[0].values()) is with_none)
    )
    assert value["n"] > 0
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
        (spread, value) = durations(metric, Hours.calendar, facts), answer["value"]["value"]
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
    order = [each["occurred_at"] for each in answer["data"]]
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

"""What holds for every metric of the catalog, by every dimension, in every zone, however much of
its facts has been summarized."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any, TypeVar

import pytest
from tests.conftest import IS_LARGE
from tests.metrics.cohorts import cohorts
from tests.metrics.conftest import STATES, Ask, World
from tests.metrics.surroundings import around as row_around
from tests.metrics.surroundings import by_row, estimate
from tests.metrics.world import (
    COLUMNS,
    NOW,
    START,
    TIMEZONE,
    Around,
    Key,
    ages_at,
    expected_cell,
    grouped,
    is_of,
)

from csapi.metrics.catalog import METRICS
from csapi.metrics.formulas import Formula
from csapi.metrics.metric import MergeClass, Metric
from csapi.metrics.parts import FILLED, Hours, Measure

T = TypeVar("T")
RANGE = {
    "from": (START - timedelta(days=1)).date().isoformat(),
    "to": (NOW + timedelta(days=2)).date().isoformat(),
}
TIME = ["day", "week", "month", "quarter", "year", "hour_of_day", "day_of_week"]
CYCLES = ("hour_of_day", "day_of_week")
ZONES = ("UTC", "Asia/Kolkata", "Australia/Lord_Howe", "America/St_Johns")

# Those in which summaries are read.
SUMMARIZED = ("clean", "mixed")

pytestmark = pytest.mark.deep
EVERY = pytest.mark.parametrize("metric", list(METRICS.values()), ids=list(METRICS))


def turn(metric: Metric) -> int:
    """Where a metric begins with what all metrics take turns at: states and zones. Each of them
    meets each way to ask, by other metrics: to ask everything of all takes half an hour."""
    return list(METRICS).index(metric.id)


def by_turns(metric: Metric, ways: Sequence[T]) -> Iterator[tuple[int, T]]:
    """Every second way to ask, with the number of the turn; the others are for the next dozen of
    metrics, in which every state and zone has its turn. In `make harden` all ways."""
    first = turn(metric)
    for number, way in enumerate(ways):
        if IS_LARGE or (number + first // 12) % 2 == 0:
            yield first + number, way


def variants(metric: Metric) -> list[dict[str, Any]]:
    """The parameters to try: the defaults, and every other choice on its own."""
    found: list[dict[str, Any]] = [{}]
    for param in metric.params:
        if param.choices:
            found += [{param.name: choice} for choice in param.choices]
        elif isinstance(param.default, bool):
            found.append({param.name: not param.default})
        else:
            # 0.25 s is no edge of a bin
            found += [{param.name: number} for number in (1, 20, 24) if number >= param.minimum]
            if param.minimum <= 0.25:
                found.append({param.name: 0.25})
    return found


def asked(metric: Metric) -> list[dict[str, Any]]:
    """Every variant, and in business hours those that have a twin."""
    return [
        {"hours": hours, "params": params}
        for hours in metric.hours
        for params in variants(metric)
        if hours is Hours.calendar or metric.build({**metric.defaults, **params}).has_twin
    ]


def query(metric: Metric, dimensions: list[str], **more: Any) -> dict[str, Any]:
    zone = more.pop("timezone", TIMEZONE)
    return {
        "metrics": [
            {"id": metric.id, "as": f"m{number}", **each}
            for number, each in enumerate(asked(metric))
        ],
        "time": {"range": RANGE, "timezone": zone},
        "dimensions": dimensions,
        "limit": 10_000,
        **more,
    }


def cells(row: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        name: {
            **{part: cell[part] for part in ("value", "n", "numerator", "denominator")},
            "excluded": cell["excluded"]["negative_duration"],
        }
        for name, cell in row.items()
    }


@cache
def formulas(metric_id: str) -> list[Formula]:
    """Those of `asked`."""
    metric, found = METRICS[metric_id], []
    for each in asked(metric):
        formula = metric.build({**metric.defaults, **each["params"]})
        is_business = each["hours"] is Hours.business
        found.append(formula.in_business_hours() if is_business else formula)
    return found


def expected(
    metric: Metric, facts: list[Any], around: Around | None = None
) -> dict[str, dict[str, Any]]:
    """The cells of a row. Without surroundings: of one without dimensions, now."""
    around = around or row_around(facts, [], (), RANGE, TIMEZONE)
    found = {}
    for number, formula in enumerate(formulas(metric.id)):
        found[f"m{number}"] = expected_cell(formula, facts, around)
        if formula.survival is not None:
            found[f"m{number}"]["value"] = estimate(formula, facts)
        if metric.merge_class is MergeClass.extreme:
            is_known = found[f"m{number}"]["n"] > 0
            found[f"m{number}"]["value"] = longest(formula, facts, around) if is_known else None
    return found


def longest(formula: Formula, facts: list[Any], around: Around) -> float | None:
    assert formula.spread is not None
    part = formula.spread.extreme(Measure.DURATION_MAX)
    if part.measure in FILLED:
        return max(ages_at(part.kind, facts, around.at)) / 1000
    column = "business_ms" if part.measure is Measure.BUSINESS_MAX else "duration_ms"
    durations = [fact[column] for fact in facts if is_of(part, fact)]
    found = max((each for each in durations if each is not None), default=None)
    return None if found is None else found / 1000


def is_cohort(metric: Metric) -> bool:
    return metric.build(metric.defaults).is_cohort


def is_balance(metric: Metric) -> bool:
    return metric.build(metric.defaults).is_stock


def is_stock(metric: Metric) -> bool:
    """Whether it is about what there is at an instant."""
    return metric.build(metric.defaults).is_at_instant or is_cohort(metric)


def times_of(metric: Metric, grains: Iterable[str]) -> list[str]:
    """A stock is at the end of a bucket: an hour of the day has none. An outlook has one end."""
    if metric.build(metric.defaults).is_outlook:
        return []
    return [grain for grain in grains if not (is_stock(metric) and grain in CYCLES)]


def by_key(answer: dict[str, Any], dimensions: list[str]) -> dict[Key, dict[str, Any]]:
    found = {
        tuple(row["dimensions"][name]["key"] for name in dimensions): cells(row["metrics"])
        for row in answer["data"]
    }
    assert len(found) == len(answer["data"])
    return found


def check_groups(
    metric: Metric, answer: dict[str, Any], dimensions: list[str], world: World, zone: str
) -> None:
    range_ = answer["meta"]["query"]["time"]["range"]
    if is_cohort(metric) and any(name.startswith("time:") for name in dimensions):
        check_cohorts(metric, answer, dimensions, world)
        return
    if is_stock(metric) and not is_cohort(metric):
        check_balances(metric, answer, dimensions, world, zone)
        return
    wanted = {
        key: expected(metric, facts, surroundings)
        for key, (facts, surroundings) in by_row(world.of(metric), dimensions, range_, zone).items()
    }
    given = by_key(answer, dimensions)
    for key, value in given.items():
        if key not in wanted:
            around = row_around(world.of(metric), dimensions, key, range_, zone)
            assert value == expected(metric, [], around), key
    assert wanted == {key: value for key, value in given.items() if key in wanted}


@pytest.mark.parametrize("state", STATES)
async def test_a_balance_starts_with_what_was_there(state: str, world: World, ask: Ask) -> None:
    metric = METRICS["backlog_open"]
    middle = (NOW - timedelta(days=40)).date().isoformat()
    for dimensions in ([], ["team"], ["time:day"], ["time:week", "channel"]):
        wanted = query(metric, dimensions, include=["totals"])
        wanted["time"]["range"] = {**RANGE, "from": middle}
        answer = await ask(world.tenants[state], wanted)
        check_balances(metric, answer, dimensions, world, TIMEZONE)
        if dimensions:
            assert cells(answer["totals"]) == expected(metric, world.of(metric))


@pytest.mark.parametrize("dimensions", [[], ["team"]])
async def test_a_balance_is_the_one_before_and_the_net_flow(
    world: World, ask: Ask, dimensions: list[str]
) -> None:
    answer = await ask(
        world.tenants["mixed"],
        {
            "metrics": [{"id": "backlog_open"}, {"id": "net_flow"}],
            "time": {"range": RANGE, "timezone": "Asia/Kolkata"},
            "dimensions": ["time:day", *dimensions],
            "limit": 10_000,
        },
    )
    balances: dict[Any, float] = {}
    seen: set[float] = set()
    for row in sorted(answer["data"], key=lambda row: row["dimensions"]["time:day"]["start"]):
        member = tuple(row["dimensions"][name]["key"] for name in dimensions)
        now, flow = (row["metrics"][name]["value"] for name in ("backlog_open", "net_flow"))
        assert now == balances.get(member, 0) + flow
        balances[member] = now
        seen.add(now)
    assert len(seen) > 1


@pytest.mark.parametrize("dimensions", [[], ["team"], ["time:week"]])
async def test_the_backlogs_of_all_statuses_are_the_backlog(
    world: World, ask: Ask, dimensions: list[str]
) -> None:
    (param,) = METRICS["backlog_open"].params
    metrics = [
        {"id": "backlog_open", "as": status, "params": {param.name: status}}
        for status in param.choices
    ]
    time = {"range": RANGE, "timezone": TIMEZONE}
    query = {"metrics": metrics, "time": time, "dimensions": dimensions, "limit": 10_000}
    rows = (await ask(world.tenants["mixed"], query))["data"]
    seen = set()
    for row in rows:
        values = {name: cell["value"] for name, cell in row["metrics"].items()}
        assert values.pop("all") == sum(values.values())
        seen |= {*values.values()}
    assert len(seen) > 1


def check_balances(
    metric: Metric, answer: dict[str, Any], dimensions: list[str], world: World, zone: str
) -> None:
    """Every row holds all facts of its members up to the end of its bucket."""
    members = [name for name in dimensions if not name.startswith("time:")]
    facts = grouped(world.of(metric), members, zone)
    rows = answer["data"]
    for row in rows:
        key = tuple(row["dimensions"][name]["key"] for name in members)
        times = [row["dimensions"][name] for name in dimensions if name not in members]
        start, end = (times[0][name] if times else None for name in ("start", "end"))
        known = [
            fact
            for fact in facts.get(key, [])
            if end is None or fact["occurred_at"] < datetime.fromisoformat(end)
        ]
        at = min(NOW, datetime.fromisoformat(end)) if end else NOW
        if not is_balance(metric):
            has_begun = start is None or datetime.fromisoformat(start) < NOW
            known = facts.get(key, []) if has_begun else []
        assert cells(row["metrics"]) == expected(metric, known, Around(at)), row["dimensions"]
    if not is_balance(metric):
        return
    combinations = {tuple(row["dimensions"][name]["key"] for name in members) for row in rows}
    assert facts.keys() <= combinations
    starts = {row["dimensions"][n]["start"] for row in rows for n in dimensions if n not in members}
    assert len(rows) == len(combinations) * max(1, len(starts))


def check_cohorts(
    metric: Metric, answer: dict[str, Any], dimensions: list[str], world: World
) -> None:
    """Every row holds its cohort at the start of its bucket; what is no row has none."""
    members = [name for name in dimensions if not name.startswith("time:")]
    (time,) = [name for name in dimensions if name not in members]
    buckets = {row["dimensions"][time]["key"]: row["dimensions"][time] for row in answer["data"]}
    given = by_key(answer, [time, *members])
    for key, bucket in buckets.items():
        found = cohorts(world.of(metric), members, bucket["start"], bucket["end"])
        rows = {names[1:]: cell["m0"] for names, cell in given.items() if names[0] == key}
        sizes = {names: cell["denominator"] for names, cell in rows.items() if cell["denominator"]}
        assert sizes == {names: started for names, (started, _) in found.items()}, bucket
        for names, (started, stayed) in found.items():
            kept = stayed if metric.id == "customer_retention_rate" else started - stayed
            cell = rows[names]
            assert (cell["numerator"], cell["n"], cell["value"]) == (kept, started, kept / started)


@EVERY
@pytest.mark.parametrize("state", STATES)
async def test_total_is_brute_force(metric: Metric, state: str, world: World, ask: Ask) -> None:
    answer = await ask(world.tenants[state], query(metric, []))
    (row,) = answer["data"]
    assert cells(row["metrics"]) == expected(metric, world.of(metric))
    assert answer["meta"]["exact"]


@EVERY
async def test_every_dimension_is_brute_force(metric: Metric, world: World, ask: Ask) -> None:
    for number, dimension in by_turns(metric, [*COLUMNS]):
        state = STATES[number % len(STATES)]
        answer = await ask(world.tenants[state], query(metric, [dimension], include=["totals"]))
        check_groups(metric, answer, [dimension], world, TIMEZONE)
        assert cells(answer["totals"]) == expected(metric, world.of(metric)), dimension


@EVERY
async def test_every_time_grain_is_brute_force(metric: Metric, world: World, ask: Ask) -> None:
    for number, grain in by_turns(metric, times_of(metric, TIME)):
        state = STATES[number % len(STATES)]
        answer = await ask(world.tenants[state], query(metric, [f"time:{grain}"]))
        check_groups(metric, answer, [f"time:{grain}"], world, TIMEZONE)


@EVERY
async def test_pairs_are_brute_force(metric: Metric, world: World, ask: Ask) -> None:
    pairs = (
        ["time:day", "team"],
        ["team", "channel"],
        ["time:hour_of_day", "agent"],
        ["topic", "queue"],
        ["time:day_of_week", "time:hour_of_day"],
    )
    for number, pair in by_turns(metric, pairs):
        times = [name.removeprefix("time:") for name in pair if name.startswith("time:")]
        if times_of(metric, times) != times:
            continue
        state = SUMMARIZED[number % len(SUMMARIZED)]
        answer = await ask(world.tenants[state], query(metric, pair))
        check_groups(metric, answer, pair, world, TIMEZONE)


@EVERY
async def test_another_zone_gives_the_same_facts(metric: Metric, world: World, ask: Ask) -> None:
    instants = {"from": START.isoformat(), "to": (NOW + timedelta(minutes=1)).isoformat()}
    grains = times_of(metric, ("day", "month", "hour_of_day", "day_of_week"))
    for number, grain in by_turns(metric, grains):
        zone = ZONES[number % len(ZONES)]
        state = SUMMARIZED[number // len(ZONES) % len(SUMMARIZED)]
        wanted = query(metric, [f"time:{grain}"], timezone=zone, include=["totals"])
        wanted["time"]["range"] = instants
        answer = await ask(world.tenants[state], wanted)
        check_groups(metric, answer, [f"time:{grain}"], world, zone)
        facts = world.of(metric)
        surroundings = row_around(facts, [], (), instants, zone)
        assert cells(answer["totals"]) == expected(metric, facts, surroundings)

"""Dimensions of which a record has several members, and those that its customer has: brute force
over the same facts, for one metric of every kind of formula."""

from collections import defaultdict
from typing import Any

import pytest
from tests.metrics.cohorts import cohorts
from tests.metrics.conftest import Ask, World
from tests.metrics.test_metric_laws import by_key, cells, expected, query
from tests.metrics.world import (
    CUSTOMER_TAGS,
    CUSTOMER_TYPES,
    LABELS,
    TIMEZONE,
    Fact,
    Key,
    key_of,
)

from csapi.facts.kinds import Dimension
from csapi.metrics.catalog import METRICS
from csapi.metrics.metric import Metric

IDS = (
    "tickets_created",
    "csat_score",
    "average_talk_time",
    "customers_with_new_conversations",
    "backlog_open",
    "slowest_response_time",
    "customer_retention_rate",
)
SOME = pytest.mark.parametrize("metric", [METRICS[name] for name in IDS], ids=IDS)
TAGS, TYPES = LABELS[Dimension.TAG], LABELS[Dimension.CUSTOMER_TYPE]


def members(fact: Fact, dimension: str) -> list[str | None]:
    """All that a fact is in of a dimension; [None] for none."""
    if dimension == "tag":
        return [TAGS[tag] for tag in fact["tags"] or ()] or [None]
    if dimension == "customer.tag":
        return [TAGS[tag] for tag in CUSTOMER_TAGS.get(fact["customer"], ())] or [None]
    if dimension == "customer.type":
        known = CUSTOMER_TYPES.get(fact["customer"])
        return [None if known is None else TYPES[known]]
    return [key_of(dimension, TIMEZONE)(fact)]


def overlapping(facts: list[Fact], dimensions: list[str]) -> dict[Key, list[Fact]]:
    found: dict[Key, list[Fact]] = defaultdict(list)
    for fact in facts:
        keys: list[Key] = [()]
        for dimension in dimensions:
            keys = [(*key, name) for key in keys for name in members(fact, dimension)]
        for key in keys:
            found[key].append(fact)
    return found


@SOME
@pytest.mark.parametrize(
    "dimensions", [["tag"], ["customer.tag"], ["customer.type"], ["tag", "channel"]]
)
async def test_rows_overlap_and_totals_do_not(
    metric: Metric, dimensions: list[str], world: World, ask: Ask
) -> None:
    for state in ("clean", "mixed"):
        answer = await ask(world.tenants[state], query(metric, dimensions, include=["totals"]))
        nothing = expected(metric, [])
        wanted = {
            key: expected(metric, facts)
            for key, facts in overlapping(world.of(metric), dimensions).items()
        }
        given = by_key(answer, dimensions)
        assert {key: cell for key, cell in given.items() if cell != nothing} == {
            key: cell for key, cell in wanted.items() if cell != nothing
        }
        assert wanted.keys() <= given.keys()
        assert cells(answer["totals"]) == expected(metric, world.of(metric))
        is_multiple = dimensions != ["customer.type"]
        assert any("more than 1" in each for each in answer["meta"]["warnings"]) is is_multiple
        assert dimensions != ["tag"] or (None,) in given


@SOME
@pytest.mark.parametrize(
    ("op", "values", "chosen"),
    [
        ("in", ["red", "nobody"], lambda names: "red" in names),
        ("not_in", ["red", "blue"], lambda names: not {"red", "blue"} & set(names)),
        ("is_null", None, lambda names: names == [None]),
        ("is_not_null", None, lambda names: names != [None]),
    ],
)
async def test_filters_are_about_records(
    metric: Metric, op: str, values: list[str] | None, chosen: Any, world: World, ask: Ask
) -> None:
    for dimension in ("tag", "customer.tag"):
        test = {"dimension": dimension, "op": op, **({"values": values} if values else {})}
        answer = await ask(world.tenants["mixed"], query(metric, ["team"], filters=test))
        facts = [fact for fact in world.of(metric) if chosen(members(fact, dimension))]
        nothing = expected(metric, [])
        given = {key: c for key, c in by_key(answer, ["team"]).items() if c != nothing}
        wanted = overlapping(facts, ["team"])
        assert given == {
            key: cell
            for key, found in wanted.items()
            if (cell := expected(metric, found)) != nothing
        }


async def test_a_filter_chooses_the_cohort_and_not_who_stayed(world: World, ask: Ask) -> None:
    metric = METRICS["customer_retention_rate"]
    test = {"not": {"dimension": "segment", "op": "in", "values": ["vip"]}}
    answer = await ask(world.tenants["mixed"], query(metric, ["time:month"], filters=test))
    sizes = 0
    for row in answer["data"]:
        bucket, cell = row["dimensions"]["time:month"], row["metrics"]["m0"]
        found = cohorts(
            world.facts, [], bucket["start"], bucket["end"], lambda fact: fact["segment"] is None
        )
        assert (cell["denominator"], cell["numerator"]) == found.get((), (0, 0))
        sizes += cell["denominator"]
    assert sizes


async def test_the_untagged_row_is_always_there(world: World, ask: Ask) -> None:
    metric = METRICS["tickets_created"]
    tagged = {"dimension": "tag", "op": "is_not_null"}
    answer = await ask(world.tenants["clean"], query(metric, ["tag"], filters=tagged))
    assert by_key(answer, ["tag"])[(None,)]["m0"]["value"] == 0
    top = {"n": 1, "by": "m0"}
    answer = await ask(world.tenants["clean"], query(metric, ["tag"], filters=tagged, top=top))
    assert [row["dimensions"]["tag"]["label"] for row in answer["data"]][-1] == "(none)"
    assert len(answer["data"]) == 2


async def test_tags_of_each_month(world: World, ask: Ask) -> None:
    """Time beside tags, as rows and with the best one told apart."""
    metric = METRICS["tickets_created"]
    dimensions = ["time:month", "tag"]
    wanted = {
        key: expected(metric, facts)
        for key, facts in overlapping(world.of(metric), dimensions).items()
    }
    answer = await ask(world.tenants["mixed"], query(metric, dimensions))
    assert by_key(answer, dimensions) == wanted
    top = {"n": 1, "by": "m0"}
    answer = await ask(world.tenants["mixed"], query(metric, dimensions, top=top))
    shown = {key[1] for key in by_key(answer, dimensions)}
    assert len(shown - {None}) <= 1
    assert by_key(answer, dimensions) == {
        key: cell for key, cell in wanted.items() if key[1] in shown
    }

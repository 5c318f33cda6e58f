"""What holds for comparisons of every metric of the catalog, however much is summarized."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

import pytest
from tests.metrics.conftest import STATES, Ask, World
from tests.metrics.world import NOW, TIMEZONE

from csapi.metrics.catalog import METRICS
from csapi.metrics.metric import Direction, MergeClass, Metric

PARTS = (
    "value", "n", "numerator", "denominator", "precision", "relative_error", "excluded",
)  # fmt: skip
FIRST = {
    "from": (NOW - timedelta(days=60)).date().isoformat(),
    "to": (NOW - timedelta(days=30)).date().isoformat(),
}
SECOND = {
    "from": (NOW - timedelta(days=150)).date().isoformat(),
    "to": (NOW - timedelta(days=90)).date().isoformat(),
}


def asked() -> list[list[dict[str, Any]]]:
    """All metrics, and other ways to ask for one of them, in as many questions as it takes."""
    found: list[dict[str, Any]] = [{"id": each} for each in METRICS]
    found += [{"id": "first_response_time", "as": "p90", "agg": "p90"}]
    found += [{"id": "first_response_time", "as": "business", "hours": "business"}]
    found += [{"id": "first_response_time", "as": "total", "agg": "sum"}]
    found += [{"id": "first_response_time", "as": "known", "agg": "count"}]
    return [found[at : at + 20] for at in range(0, len(found), 20)]


def looks_ahead(metric: dict[str, Any]) -> bool:
    """It is one at the end of the range, and takes no time dimension."""
    found = METRICS[metric["id"]]
    return found.build(found.defaults).is_outlook


def has_time(dimensions: list[str]) -> bool:
    return any(name.startswith("time:") for name in dimensions)


def query(metrics: Sequence[Any], range_: Any, dimensions: list[str], **more: Any) -> Any:
    return {
        "metrics": metrics,
        "time": {"range": range_, "timezone": TIMEZONE},
        "dimensions": dimensions,
        "include": ["totals"],
        "limit": 10_000,
        **more,
    }


def against(range_: Any) -> Any:
    return {"to": "range", "range": range_}


def rows(answer: Any, dimensions: list[str]) -> dict[Any, Any]:
    return {
        tuple(row["dimensions"][name]["key"] for name in dimensions): row["metrics"]
        for row in answer["data"]
    }


def values(answer: Any) -> Iterator[tuple[Metric, str, Any]]:
    ids = {each["as"] or each["id"]: each["id"] for each in answer["meta"]["query"]["metrics"]}
    for row in [*(row["metrics"] for row in answer["data"]), answer["totals"]]:
        for name, cell in row.items() if row else ():
            yield METRICS[ids[name]], name, cell


def parts(cell: Any) -> dict[str, Any]:
    return {part: cell[part] for part in PARTS}


@pytest.mark.parametrize("state", STATES)
async def test_the_other_side_is_the_question_of_that_range(
    state: str, world: World, ask: Ask
) -> None:
    """Digit for digit, by the same path; and so is this side."""
    for metrics in asked():
        for dimensions in ([], ["team"]):
            tenant = world.tenants[state]
            both = await ask(tenant, query(metrics, FIRST, dimensions, compare=against(SECOND)))
            own = await ask(tenant, query(metrics, FIRST, dimensions))
            other = await ask(tenant, query(metrics, SECOND, dimensions))
            found, mine, theirs = (rows(each, dimensions) for each in (both, own, other))
            assert found.keys() == mine.keys() | theirs.keys()
            for key, cells in found.items():
                for name, cell in cells.items():
                    if key in mine:
                        assert parts(cell) == parts(mine[key][name])
                    if key in theirs:
                        assert parts(cell["compare"]) == parts(theirs[key][name])
            for name, cell in (both["totals"] or {}).items():
                assert parts(cell["compare"]) == parts(other["totals"][name])


async def test_with_itself_nothing_has_changed(world: World, ask: Ask) -> None:
    for metrics in asked():
        for dimensions in ([], ["team", "channel"], ["time:week"]):
            lasting = [each for each in metrics if not (has_time(dimensions) and looks_ahead(each))]
            wanted = query(lasting, FIRST, dimensions, compare=against(FIRST))
            answer = await ask(world.tenants["clean"], wanted)
            assert answer["meta"]["warnings"]
            for metric, name, cell in values(answer):
                compared = cell["compare"]
                assert parts(compared) == parts(cell), name
                if cell["value"] is None:
                    assert (compared["delta"], compared["verdict_reason"]) == (None, "no_value")
                    continue
                assert compared["delta"] == 0
                neutral = metric.direction is Direction.neutral
                assert compared["verdict"] == (None if neutral else "unchanged")
                assert compared["significant"] is not True


async def test_swapping_sides_negates(world: World, ask: Ask) -> None:
    opposite = {"improved": "worsened", "worsened": "improved"}
    decided = 0
    for metrics in asked():
        for dimensions in ([], ["channel"]):
            tenant = world.tenants["mixed"]
            there = await ask(tenant, query(metrics, FIRST, dimensions, compare=against(SECOND)))
            back = await ask(tenant, query(metrics, SECOND, dimensions, compare=against(FIRST)))
            ahead, behind = rows(there, dimensions), rows(back, dimensions)
            assert ahead.keys() == behind.keys()
            for key, cells in ahead.items():
                for name, cell in cells.items():
                    one, two = cell["compare"], behind[key][name]["compare"]
                    if one["delta"] is None:
                        assert two["delta"] is None
                        continue
                    assert one["delta"] == -two["delta"]
                    assert one["p_value"] == pytest.approx(two["p_value"])
                    verdict = one["verdict"]
                    assert two["verdict"] == opposite.get(verdict, verdict)
                    decided += verdict in opposite
                    if one["delta_ci95"] is not None:
                        low, high = two["delta_ci95"]
                        assert one["delta_ci95"] == pytest.approx([-high, -low])
    assert decided > 0


async def test_intervals_hold_the_value_by_any_way(world: World, ask: Ask) -> None:
    """From summaries and from facts alike; every value has one or a reason."""
    with_one = 0
    for metrics in asked():
        wanted = query(metrics, FIRST, ["team"], include=["totals", "confidence"])
        answers = [await ask(world.tenants[state], wanted) for state in STATES]
        for (metric, name, cell), (_, _, raw) in zip(
            values(answers[0]), values(answers[2]), strict=True
        ):
            assert cell["ci95"] == raw["ci95"], name
            assert (cell["ci95"] is None) == (cell["ci95_reason"] is not None)
            if cell["ci95"] is None:
                continue
            low, high = cell["ci95"]
            assert low - 1e-9 <= cell["value"] <= high + 1e-9, name
            assert metric.merge_class is not MergeClass.distinct
            with_one += 1
    assert with_one > 100

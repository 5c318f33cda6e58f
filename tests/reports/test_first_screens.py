"""First screens are read from summaries alone, and come with what their charts draw."""

from typing import Any

import pytest
from tests.conftest import Tenant
from tests.reports.calls import push_calls

from csapi.metrics.catalog import METRICS
from csapi.metrics.compile import cuboid_for
from csapi.metrics.dimensions import DIMENSIONS
from csapi.metrics.periods import TimeGrain, explicit_period
from csapi.metrics.question import Asked, Group, MemberGroup, Question, time_group
from csapi.reports.charts import CHARTS, OVER_TIME, RATINGS, Chart
from csapi.reports.kpi_schemas import KpiSet
from csapi.reports.kpis import SETS
from csapi.reports.ordering import Shape
from csapi.reports.schemas import MOST_METRICS

PERIOD = explicit_period("2026-01-01", "2026-02-01", "UTC")
JANUARY = {"from": "2026-01-01", "to": "2026-02-01", "timezone": "UTC"}


def question(metrics: tuple[str, ...], groups: tuple[Group, ...] = ()) -> Question:
    asked = tuple(
        Asked(each.id, each, each.defaults, each.build(each.defaults), None)
        for each in (METRICS[name] for name in metrics)
    )
    return Question(PERIOD, "UTC", asked, groups, None)


def group_of(name: str) -> Group:
    if name == OVER_TIME:
        return time_group(TimeGrain.day, PERIOD)
    if name.startswith("time:"):
        return time_group(TimeGrain(name.removeprefix("time:")), PERIOD)
    return MemberGroup(name, DIMENSIONS[name])


@pytest.mark.parametrize("chosen", KpiSet)
def test_summaries_have_all_of_a_screen(chosen: KpiSet) -> None:
    assert cuboid_for(question(SETS[chosen])) is not None
    assert len({*SETS[chosen]}) == len(SETS[chosen]) <= MOST_METRICS


@pytest.mark.parametrize(
    ("chosen", "chart"), [(chosen, each) for chosen, charts in CHARTS.items() for each in charts]
)
def test_summaries_have_every_chart(chosen: KpiSet, chart: Chart) -> None:
    """But that of the ratings: what was rated is in no summary."""
    groups = tuple(group_of(each) for each in chart.dimensions)
    is_covered = cuboid_for(question(chart.metrics, groups)) is not None
    assert is_covered is (chart != RATINGS), chosen


def test_a_home_has_its_seven_charts() -> None:
    assert set(CHARTS) == set(KpiSet)
    assert len(CHARTS[KpiSet.help_desk_home]) == 7
    for charts in CHARTS.values():
        assert len({each.id for each in charts}) == len(charts)


def screen(tenant: Tenant, chosen: KpiSet, **params: Any) -> Any:
    answer = tenant.http.get("/v1/kpis", params={"set": chosen.value, **JANUARY, **params})
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize("chosen", [KpiSet.call_center, KpiSet.help_desk_home])
def test_a_chart_is_what_the_engine_answers(tenant: Tenant, chosen: KpiSet) -> None:
    push_calls(tenant)
    rated = {"source": "s", "external_id": "f1", "survey": "csat", "rating": 4,
             "responded_at": "2026-01-06T09:00:00Z"}  # fmt: skip
    tenant.http.post("/v1/feedback", json=rated).raise_for_status()
    assert "charts" not in screen(tenant, chosen)
    for each in screen(tenant, chosen, charts="true")["charts"]:
        body: dict[str, Any] = {
            "metrics": [{"id": name} for name in each["metrics"]],
            "time": {"range": {"from": "2026-01-01", "to": "2026-02-01"}, "timezone": "UTC"},
            "dimensions": each["dimensions"],
            "shape": each["shape"],
        }
        if each["dimensions"][0] in ("channel", "queue"):
            body["top"] = {"n": 10, "by": each["metrics"][0], "other": True}
        asked = tenant.http.post("/v1/query", json=body).json()
        for part in ("categories", "series", "matrix"):
            assert each[part] == asked[part], (each["id"], part)
        if each["shape"] == Shape.matrix.value:
            assert len(each["matrix"]["rows"]) == 7
            assert len(each["matrix"]["columns"]) == 24
        elif each["dimensions"] == ["time:day"]:
            assert len(each["categories"]) == 31


def test_long_ranges_have_fewer_points(tenant: Tenant) -> None:
    year = {"from": "2025-01-01", "to": "2026-01-01"}
    first = screen(tenant, KpiSet.executive, charts="true", **year)["charts"][0]
    assert first["dimensions"] == ["time:week"]

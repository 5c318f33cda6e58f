"""First screens and the live board: of some work alone, and as tables."""

import csv
import io
from typing import Any

import pytest
from tests.conftest import Tenant
from tests.reports.compared import FEBRUARY, ask, calls, push, ratings

from csapi.reports.kpi_schemas import KpiSet
from csapi.reports.kpis import SETS

PARAMS = {**FEBRUARY, "timezone": "UTC"}


@pytest.fixture
def rated(tenant: Tenant) -> Tenant:
    """Ratings of agents of two teams, and calls of two queues."""
    push(tenant, "teams", [{"source": "s", "external_id": "x"}])
    push(tenant, "agents", [{"source": "s", "external_id": "ann", "team": "x"}])
    push(tenant, "feedback", [*ratings(2, "ann", 5, 8), *ratings(2, "bob", 3, 4)])
    some = [*calls("2026-02-03", 5, queue="q1"), *calls("2026-02-04", 3, queue="q2")]
    push(tenant, "calls", some)
    return tenant


def table(tenant: Tenant, path: str, **params: Any) -> list[dict[str, str]]:
    answer = tenant.http.get(path, params=params, headers={"accept": "text/csv"})
    assert answer.status_code == 200, answer.text
    return list(csv.DictReader(io.StringIO(answer.text, newline="")))


def shown(value: Any) -> str:
    return "" if value is None else f"{value}"


@pytest.mark.parametrize("chosen", list(KpiSet))
@pytest.mark.parametrize("name", ["team", "channel", "inbox"])
def test_a_screen_of_some_work_is_the_query_with_that_filter(
    chosen: KpiSet, name: str, rated: Tenant
) -> None:
    params = {
        "set": chosen.value,
        **PARAMS,
        name: ["x", "email"],
        "sparkline": True,
        "charts": True,
    }
    answer = rated.http.get("/v1/kpis", params=params)
    assert answer.status_code == 200, answer.text
    report = answer.json()
    filters = {"dimension": name, "op": "in", "values": ["x", "email"]}
    (row,) = ask(rated, *SETS[chosen], filters=filters, range=FEBRUARY)["data"]
    for tile in report["data"]:
        cell = row["metrics"][tile["id"]]
        assert [tile[part] for part in ("value", "n")] == [cell[part] for part in ("value", "n")]


def test_a_screen_as_a_table(rated: Tenant) -> None:
    params = {"set": "call_center", **PARAMS, "compare": "previous_period"}
    report = rated.http.get("/v1/kpis", params=params).json()
    rows = table(rated, "/v1/kpis", **params)
    assert [row["id"] for row in rows] == [tile["id"] for tile in report["data"]]
    for row, tile in zip(rows, report["data"], strict=True):
        assert row["label"] == tile["label"]
        assert [row[part] for part in ("value", "n", "null_reason")] == [
            shown(tile[part]) for part in ("value", "n", "null_reason")
        ]
        assert row["compare.value"] == shown(tile["compare"]["value"])
        assert row["compare.verdict"] == shown(tile["compare"]["verdict"])
        assert None not in row
    assert "compare.value" not in table(rated, "/v1/kpis", set="call_center", **PARAMS)[0]


def test_the_live_board_as_a_table(rated: Tenant) -> None:
    report = rated.http.get("/v1/live").json()
    rows = table(rated, "/v1/live")
    found = {(row["part"], row["member"], row["metric"]): row["value"] for row in rows}
    assert len(found) == len(rows)
    for part in ("today", "now"):
        for name, cell in report[part].items():
            assert found[part, "", name] == shown(cell["value"])
    for part in ("queues", "channels", "types"):
        for line in report[part]:
            for name, cell in line["metrics"].items():
                assert found[part, line["member"]["key"] or "", name] == shown(cell["value"])
    for state in report["agents"]:
        assert found["agents", state["state"] or "", "agents"] == str(state["agents"])

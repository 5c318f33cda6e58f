"""First screens as tables: the same numbers as in JSON, a line for each."""

from collections.abc import Iterator
from typing import Any

from msgspec import UNSET

from csapi.kit.http import Response
from csapi.kit.language import Language
from csapi.reports.encoders import compared_header, table_or_json, value_cells, value_header
from csapi.reports.kpi_schemas import KpiReport

KPIS_FORM = (
    "The numbers as a table, a line each: `id`, `label`, `unit`, `direction`, the value with its "
    "parts, what it is held against, and its goal. Lines over time and charts are in JSON alone."
)
ABOUT = ("id", "label", "unit", "direction")
GOAL = ("id", "target", "due_on", "status", "status_at")


def encoded_kpis(found: KpiReport, accept: str | None, language: Language) -> Response:
    return table_or_json(found, kpi_lines(found), accept, language)


def kpi_lines(found: KpiReport) -> Iterator[list[Any]]:
    value = value_header(with_intervals=False)
    is_compared = any(each.compare is not UNSET for each in found.data)
    names = compared_header(value) if is_compared else value
    goal = [f"goal.{name}" for name in GOAL]
    yield [*ABOUT, *(name.removeprefix(".") or "value" for name in names), *goal]
    for each in found.data:
        aims = [None if each.goal is None else getattr(each.goal, name) for name in GOAL]
        yield [*(getattr(each, name) for name in ABOUT), *value_cells(each), *aims]

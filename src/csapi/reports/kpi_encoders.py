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
    "parts, and what it is held against. Lines over time and charts are in JSON alone."
)
ABOUT = ("id", "label", "unit", "direction")


def encoded_kpis(found: KpiReport, accept: str | None, language: Language) -> Response:
    return table_or_json(found, kpi_lines(found), accept, language)


def kpi_lines(found: KpiReport) -> Iterator[list[Any]]:
    value = value_header(with_intervals=False)
    is_compared = any(each.compare is not UNSET for each in found.data)
    names = compared_header(value) if is_compared else value
    yield [*ABOUT, *(name.removeprefix(".") or "value" for name in names)]
    for each in found.data:
        yield [*(getattr(each, name) for name in ABOUT), *value_cells(each)]

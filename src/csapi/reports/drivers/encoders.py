"""Drivers as tables: the same rows and numbers as in JSON."""

from collections.abc import Iterator, Sequence
from typing import Any

from msgspec import UNSET
from msgspec.structs import asdict

from csapi.kit.http import Response
from csapi.kit.language import Language
from csapi.reports.drivers.one import Split
from csapi.reports.drivers.schemas import (
    Driver,
    DriverDetail,
    DriverList,
    DriverNumbers,
    HandlingValue,
    Trend,
)
from csapi.reports.drivers.severity import WEIGHTS
from csapi.reports.encoders import (
    CSV,
    compared_header,
    csv_of,
    table_or_json,
    text_response,
    value_cells,
    value_header,
    wants_csv,
)
from csapi.reports.schemas import MetricValue

TABLE_FORM = (
    "The same rows as a table: `row` (data, untagged or totals), the topic, its departments, "
    "`severity` with its parts, then `contacts`, `customers` and `dissatisfied` with their parts "
    "and the range before, handling, trend and, of automation candidates, what is saved."
)
ONE_FORM = (
    "With `by` its rows, as CSV of POST /v1/query has them; without it a line for each whole week."
)
VALUE = value_header(with_intervals=True)
COMPARED = compared_header(VALUE)
HANDLING, TREND = HandlingValue.__struct_fields__, Trend.__struct_fields__
AUTOMATION = ("one_touch", "one_touch.n", "articles", "hours_saved", "cost_saved")
MEASURED = {"contacts": COMPARED, "customers": VALUE, "dissatisfied": VALUE}


def encoded_list(found: DriverList, accept: str | None, language: Language) -> Response:
    return table_or_json(found, lines(found), accept, language)


def encoded_one(
    found: DriverDetail, split: Split | None, accept: str | None, language: Language
) -> Response:
    if split is not None and wants_csv(accept):
        return text_response(csv_of(split.query, split.answer), CSV, None, language)
    return table_or_json(found, week_lines(found), accept, language)


def week_lines(found: DriverDetail) -> Iterator[list[Any]]:
    yield ["week", "contacts"]
    for each in found.weeks:
        yield [each.week, each.contacts]


def lines(found: DriverList) -> Iterator[list[Any]]:
    is_automation = any(each.automation is not UNSET for each in found.data)
    names = ["row", "driver_id", "topic", "label", "departments", "severity", "severity.rank"]
    names += [f"severity.{name}.{part}" for name in WEIGHTS for part in ("share", "contribution")]
    names += [f"{name}{part}" for name, parts in MEASURED.items() for part in parts]
    names += ["share", *(f"handling.{name}" for name in HANDLING)]
    names += [f"trend.{name}" for name in TREND]
    names += [f"automation.{name}" for name in AUTOMATION] if is_automation else []
    yield names
    for each in found.data:
        yield [*driver_cells(each), *(automation_cells(each) if is_automation else [])]
    described = 6 + 2 * len(WEIGHTS)
    for row, numbers in (("untagged", found.untagged), ("totals", found.totals)):
        cells = [row, *[None] * described, *number_cells(numbers)]
        yield padded(cells, len(names))


def driver_cells(each: Driver) -> list[Any]:
    departments = " / ".join(member.key or "" for member in each.departments)
    cells: list[Any] = ["data", each.driver_id, each.topic, each.label, departments or None]
    cells += [each.severity.value, each.severity.rank]
    for name in WEIGHTS:
        part = each.severity.parts.get(name)
        cells += [None, None] if part is None else [part.share, part.contribution]
    return [*cells, *number_cells(each), *asdict(each.trend).values()]


def number_cells(numbers: DriverNumbers) -> list[Any]:
    cells: list[Any] = []
    for name, parts in MEASURED.items():
        value: MetricValue = getattr(numbers, name)
        cells += padded(value_cells(value), len(parts))
    return [*cells, numbers.share, *asdict(numbers.handling).values()]


def automation_cells(each: Driver) -> list[Any]:
    found = each.automation
    if found is UNSET:
        return [None] * len(AUTOMATION)
    touch = found.one_touch
    return [touch.value, touch.n, found.articles, found.hours_saved, found.cost_saved]


def padded(cells: Sequence[Any], length: int) -> list[Any]:
    return [*cells, *[None] * (length - len(cells))]

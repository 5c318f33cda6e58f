"""Evaluations as tables: the same rows and numbers as in JSON."""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
from msgspec import UNSET

from csapi.kit.http import Response
from csapi.kit.language import Language
from csapi.reports.encoders import DIFFERENCE, ends, table_or_json, value_cells, value_header
from csapi.reports.evaluations.schemas import (
    AgentEvaluation,
    AgentPresence,
    AgentRow,
    EvaluatedAgent,
    EvaluationPage,
)

TABLE_FORM = (
    "The same rows as a table: `row` (data or totals), the agent, the presence, then for each "
    "column its value, its parts, its interval and `.rank_value`, and with weights `composite`, "
    "`composite.covered` and each `composite.<column>.contribution`. The next page's cursor is in "
    "the header `x-next-cursor`."
)
ONE_FORM = (
    "A line for each metric: its value, its parts, its interval and `rank_value`, then the same "
    "under `past.`, `team.` and `peers.`, with the differences, then `team_median` and "
    "`peers_median`, each with `.agents`."
)
AGENT = tuple(EvaluatedAgent.__struct_fields__)
PRESENCE = tuple(AgentPresence.__struct_fields__)
SIDES = ("past", "team", "peers")
MEDIANS = ("team_median", "peers_median")
VALUE = value_header(with_intervals=True)
COMPARED = [*VALUE, *(part for name in DIFFERENCE for part in ends(name))]


def encoded_page(page: EvaluationPage, accept: str | None, language: Language) -> Response:
    return table_or_json(page, table_lines(page), accept, language, page.page.next_cursor)


def encoded_one(found: AgentEvaluation, accept: str | None, language: Language) -> Response:
    return table_or_json(found, metric_lines(found), accept, language)


def fields(value: msgspec.Struct, names: Iterable[str]) -> list[Any]:
    return [getattr(value, name) for name in names]


def table_lines(page: EvaluationPage) -> Iterator[list[Any]]:
    columns, weighted = list(page.priors), composite_names(page.data)
    names = ["row", *AGENT, *PRESENCE]
    names += [name + part for name in columns for part in (*VALUE, ".rank_value")]
    if weighted:
        names += ["composite", "composite.covered"]
        names += [f"composite.{name}.contribution" for name in weighted]
    yield names
    for row in page.data:
        yield row_cells(row, columns, weighted)
    if page.totals:
        cells: list[Any] = ["totals", *[None] * (len(AGENT) + len(PRESENCE))]
        for name in columns:
            cells += [*value_cells(page.totals[name]), None]
        yield [*cells, *[None] * (len(weighted) + 2 if weighted else 0)]


def composite_names(rows: Iterable[AgentRow]) -> list[str]:
    first = next(iter(rows), None)
    if first is None or first.composite is UNSET:
        return []
    return list(first.composite.parts)


def row_cells(row: AgentRow, columns: Iterable[str], weighted: Iterable[str]) -> list[Any]:
    cells: list[Any] = ["data", *fields(row.agent, AGENT), *fields(row.presence, PRESENCE)]
    for name in columns:
        value = row.metrics[name]
        cells += [*value_cells(value), value.rank_value]
    if row.composite is not UNSET:
        cells += [row.composite.value, row.composite.covered]
        cells += [row.composite.parts[name].contribution for name in weighted]
    return cells


def metric_lines(found: AgentEvaluation) -> Iterator[list[Any]]:
    names = ["metric", "label", "unit", "direction", *(part[1:] or "value" for part in VALUE)]
    names.append("rank_value")
    names += [f"{side}{part or '.value'}" for side in SIDES for part in COMPARED]
    names += [f"{name}{part}" for name in MEDIANS for part in ("", ".agents")]
    yield names
    for each in found.metrics:
        cells: list[Any] = [each.id, each.label, each.unit, each.direction]
        cells += [*value_cells(each.value), each.value.rank_value]
        for side in (each.past, each.team, each.peers):
            cells += [None] * len(COMPARED) if side is None else value_cells(side)
        for usual in (each.team_median, each.peers_median):
            cells += [None, None] if usual is None else [usual.value, usual.agents]
        yield cells

"""Runs and evaluations as sheets: the columns of their CSV, with numbers as numbers. Pure."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from csapi.kit.language import Language
from csapi.metrics.metric import Unit
from csapi.reports.encoders import header, parts_header, row_values, rows_of
from csapi.reports.evaluations.encoders import metric_lines
from csapi.reports.evaluations.schemas import AgentEvaluation
from csapi.reports.layouts import DimensionValue
from csapi.reports.papers.cells import Answered, answered
from csapi.reports.papers.summary import summary
from csapi.reports.papers.words import ALL_PAPER_WORDS
from csapi.reports.papers.workbook import Form, Sheet, numbered, sheet, sheet_name
from csapi.reports.runs.schemas import ReportRun
from csapi.reports.schemas import ColumnInfo, QueryMeta

FORMS = {
    Unit.COUNT: Form.plain,
    Unit.SECONDS: Form.duration,
    Unit.SHARE: Form.share,
    Unit.SCORE: Form.plain,
    Unit.POINTS: Form.plain,
    Unit.MONEY: Form.money,
}
# What follows a metric's name, or that of a side of it, and is in the metric's unit.
IN_UNIT = {"", "value", "low", "high", "rank_value", "median"}
# Spreadsheets show no time below zero.
SIGNED = {"delta", "delta_ci95"}
WHOLE = {"n", "agents", "negative_duration"}
SHARES = {"relative_error", "relative_change"}


def form_of(part: str, unit: Unit) -> Form:
    """How a column is shown, by what follows the metric's name in its header."""
    names = part.strip(".").split(".")
    if SIGNED & set(names):
        return Form.seconds if unit is Unit.SECONDS else FORMS[unit]
    last = names[-1]
    if last in WHOLE:
        return Form.whole
    if last in SHARES:
        return Form.share
    if last == "numerator":
        return Form.plain if unit is Unit.SHARE else FORMS[unit]
    return FORMS[unit] if last in IN_UNIT or last == "compare" else Form.plain


def run_sheets(run: ReportRun, language: Language, tenant: str) -> list[Sheet]:
    found = [run_meta(run, tenant), run_summary(run, language)]
    for of in answered(run):
        name = sheet_name(of.number + 1, of.section.name)
        if of.answer.matrix is not None:
            found.append(matrix_sheet(name, of))
        elif of.answer.series is not None:
            found.append(series_sheet(name, of))
        else:
            found.append(row_sheet(name, of))
    return found


def zone_of(meta: QueryMeta) -> str:
    zone: str = meta.query["time"]["timezone"]
    return zone


def row_sheet(name: str, of: Answered) -> Sheet:
    query, columns = of.section.query, of.answer.meta.columns
    names = header(query, list(columns))
    forms = [Form.plain] * len(names)
    parts = parts_header(query)
    at = len(names) - len(parts) * len(columns)
    for column in columns.values():
        for place, part in enumerate(parts):
            forms[at + place] = form_of(part, column.unit)
        at += len(parts)
    rows = []
    for kind, row in rows_of(of.answer):
        cells = row_values(query, list(columns), kind, row)
        rows.append([numbered(*pair) for pair in zip(cells, forms, strict=True)])
    return sheet(name, names, rows, zone_of(of.answer.meta))


def keyed(member: DimensionValue) -> list[Any]:
    return [member.key, member.label, member.start, member.end]


def series_sheet(name: str, of: Answered) -> Sheet:
    """A line for each category, with two columns for each series."""
    first, series = of.section.query.dimensions[0], of.answer.series or []
    names = [first, f"{first}.label", f"{first}.start", f"{first}.end"]
    for each in series:
        title = each.metric if each.key == each.metric else f"{each.metric} / {each.label}"
        names += [title, f"{title}.n"]
    rows = []
    for place, member in enumerate(of.answer.categories or []):
        cells = keyed(member)
        for each in series:
            cells.append(numbered(each.values[place], FORMS[each.unit]))
            cells.append(numbered(each.n[place], Form.whole))
        rows.append(cells)
    return sheet(name, names, rows, zone_of(of.answer.meta))


def matrix_sheet(name: str, of: Answered) -> Sheet:
    """A line for each metric and row, with two columns for each column of the matrix."""
    matrix, first = of.answer.matrix, of.section.query.dimensions[0]
    if matrix is None:
        raise AssertionError(name)
    names = ["metric", first, f"{first}.label", f"{first}.start", f"{first}.end"]
    for column in matrix.columns:
        names += [column.label, f"{column.label}.n"]
    rows = []
    for values in matrix.metrics:
        for down, member in enumerate(matrix.rows):
            cells: list[Any] = [values.metric, *keyed(member)]
            for value, n in zip(values.values[down], values.n[down], strict=True):
                cells += [numbered(value, FORMS[values.unit]), numbered(n, Form.whole)]
            rows.append(cells)
    return sheet(name, names, rows, zone_of(of.answer.meta))


def run_meta(run: ReportRun, tenant: str) -> Sheet:
    """What to know of the run and of each of its answers."""
    rows: list[list[Any]] = [
        ["run", None, "tenant", tenant],
        ["run", None, "name", run.name],
        ["run", None, "description", run.description],
        ["run", None, "report_id", run.report_id],
        ["run", None, "id", run.id],
        ["run", None, "timezone", run.timezone],
        ["run", None, "as_of", run.as_of],
        ["run", None, "created_at", run.created_at],
    ]
    for section in run.sections:
        rows.append([section.name, None, "title", section.title])
        if section.problem is not None:
            rows.append([section.name, None, "problem", section.problem.code])
    for of in answered(run):
        rows += meta_rows(of.section.name, of.answer.meta)
    return sheet("meta", ["section", "metric", "name", "value"], rows, run.timezone)


def meta_rows(name: str, meta: QueryMeta) -> Iterator[list[Any]]:
    time = meta.query["time"]
    yield [name, None, "from", datetime.fromisoformat(time["range"]["from"])]
    yield [name, None, "to", datetime.fromisoformat(time["range"]["to"])]
    yield [name, None, "timezone", time["timezone"]]
    yield [name, None, "exact", meta.exact]
    yield [name, None, "pending_buckets", meta.pending_buckets]
    yield [name, None, "pending_subjects", meta.pending_subjects]
    yield [name, None, "data_through", meta.data_through]
    for metric, column in meta.columns.items():
        yield from column_rows(name, metric, column, meta)
    for warning in meta.warnings:
        yield [name, None, "warning", warning]


def column_rows(name: str, metric: str, column: ColumnInfo, meta: QueryMeta) -> Iterator[list[Any]]:
    yield [name, metric, "label", column.label]
    yield [name, metric, "unit", column.unit.value]
    yield [name, metric, "direction", column.direction.value]
    yield [name, metric, "definition", meta.definitions.get(metric)]
    if column.currency is not None:
        yield [name, metric, "currency", column.currency]


def run_summary(run: ReportRun, language: Language) -> Sheet:
    told = summary(run, language)
    rows = [
        [part.title, each.rule, each.text]
        for part in (
            told.challenges,
            told.overview,
            told.agents,
            told.findings,
            told.actions,
            told.not_covered,
        )
        for each in part.sentences
    ]
    return sheet("summary", ["part", "rule", "text"], rows, run.timezone)


def evaluation_sheets(found: AgentEvaluation, language: Language, tenant: str) -> list[Sheet]:
    lines = iter(metric_lines(found))
    names: list[str] = next(lines)
    unit = names.index("unit")
    rows = [
        [numbered(cell, form_of(part_of(name), Unit(line[unit]))) for name, cell in pairs]
        for line, pairs in ((line, zip(names, line, strict=True)) for line in lines)
    ]
    words = ALL_PAPER_WORDS[language]
    zone = zone_of(found.meta)
    meta: list[list[Any]] = [
        ["agent", None, "tenant", tenant],
        ["agent", None, "id", found.agent.id],
        ["agent", None, "source", found.agent.source],
        ["agent", None, "external_id", found.agent.external_id],
        ["agent", None, "name", found.agent.name],
        ["agent", None, "as_of", found.as_of],
        *meta_rows("evaluation", found.meta),
    ]
    return [
        sheet("meta", ["section", "metric", "name", "value"], meta, zone),
        sheet("metrics", names, rows, zone),
        sheet("findings", FINDING, finding_rows(found, words.choice), zone),
        sheet("ratings", ["rating", "count"], [[r.rating, r.count] for r in found.ratings], zone),
    ]


FINDING = [
    "kind", "label", "metric", "criterion", "against", "value", "n", "other_value", "other_n",
    "p_adjusted",
]  # fmt: skip


def finding_rows(found: AgentEvaluation, choice: Any) -> list[list[Any]]:
    return [
        [
            each.kind.value,
            choice("finding", each.kind.value),
            each.metric,
            each.criterion,
            each.against.value,
            each.value,
            each.n,
            each.other_value,
            each.other_n,
            each.p_adjusted,
        ]
        for each in found.findings
    ]


def part_of(name: str) -> str:
    """The end of a header of evaluations, as headers of answers end."""
    side, _, rest = name.partition(".")
    if side in ("team_median", "peers_median"):
        return rest or "median"
    return rest or (name if name not in ("value", *SIDES) else "")


SIDES: Sequence[str] = ("past", "team", "peers")

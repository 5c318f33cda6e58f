"""Reading what no sum over rows can give: ages at an instant, surviving waits, the whole, and the
records behind extremes. Each is read only where a question asks for it."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

import asyncpg

from csapi.facts.kinds import Resource
from csapi.facts.registry import SUBJECT_KINDS
from csapi.kit.db import run
from csapi.kit.problems import Problem
from csapi.metrics.ages import Aged, aged_in, aged_statement, ranked_in
from csapi.metrics.compile import MOST_GROUPS
from csapi.metrics.extremes import extreme_statement, records_asked
from csapi.metrics.formulas import MS_PER_SECOND
from csapi.metrics.parts import AGE_MEASURES, EXTREMES, Measure
from csapi.metrics.percentiles import Percentile, interpolate
from csapi.metrics.question import Asked, Question, TimeGroup
from csapi.metrics.stocks import empty_parts
from csapi.metrics.survival import MOST_WAITS, median, survival_statement, surviving
from csapi.metrics.wholes import Common, asks_for, has_common, whole_question
from csapi.reports.comparison import NullReason

Keys = tuple[int | None, ...]
Hidden = Mapping[str, NullReason]
Place = tuple[bool, Keys]
NOTHING_HIDDEN: Hidden = {}


@dataclass(frozen=True, slots=True)
class Found:
    """A record by our id, and then by its source's."""

    resource: Resource
    id: UUID
    source: str = ""
    external_id: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """One group: its keys in the order of the question's groups, its parts in that of its parts."""

    keys: Keys
    parts: Sequence[int | None]
    percentiles: Mapping[str, Percentile]
    records: Mapping[str, Found] | None = None
    # How many customers each metric is about, where small groups are to be hidden.
    customers: Sequence[int] = ()
    # The metrics that are not to be shown, and why.
    hidden: Hidden = field(default_factory=lambda: NOTHING_HIDDEN)


def too_many_groups() -> Problem:
    return Problem(
        "range_too_long",
        f"The answer has more than {MOST_GROUPS:,} rows: ask for a shorter range, "
        "a coarser time dimension or fewer dimensions, or filter.",
    )


def hidden_in(groups: Iterable[Group]) -> Hidden:
    """What is not to be shown of one group at least."""
    return {name: reason for group in groups for name, reason in group.hidden.items()}


class Sheet:
    """The groups of an answer while they are being filled in; the total has no keys."""

    def __init__(self, question: Question, groups: Sequence[Group], total: Group | None) -> None:
        self.question = question
        self.has_total = total is not None and bool(question.groups)
        self.rows: dict[Place, Group] = {(False, group.keys): group for group in groups}
        if total is not None and self.has_total:
            self.rows[True, ()] = total

    def row(self, place: Place) -> Group:
        empty = Group(place[1], empty_parts(self.question), {})
        return self.rows.setdefault(place, empty)

    def change(self, place: Place, **values: Any) -> None:
        self.rows[place] = replace(self.row(place), **values)

    def set_value(self, place: Place, name: str, seconds: float) -> None:
        found = {**self.row(place).percentiles, name: Percentile(seconds, is_exact=True)}
        self.change(place, percentiles=found)

    def set_record(self, place: Place, name: str, record: Found) -> None:
        self.change(place, records={**(self.row(place).records or {}), name: record})

    def result(self) -> tuple[list[Group], Group | None]:
        groups = [group for (is_total, _), group in self.rows.items() if not is_total]
        if not self.question.groups:
            return groups, groups[0]
        return groups, self.rows.get((True, ()))


def place_of(question: Question, row: Sequence[Any]) -> tuple[Place, Sequence[Any]]:
    """Which row of the answer a row of a statement is about, and what comes after its keys."""
    size = len(question.groups)
    is_total = bool(row[size]) and size > 0
    return (is_total, () if is_total else tuple(row[:size])), row[size + 1 :]


async def filled(
    connection: asyncpg.Connection,
    tenant_id: UUID,
    question: Question,
    groups: Sequence[Group],
    total: Group | None,
) -> tuple[list[Group], Group | None]:
    """The groups with what is not in the rows of facts and summaries."""
    sheet = Sheet(question, groups, total)
    aged = aged_in(question)
    only_ages = all(part.measure in AGE_MEASURES for part in question.parts)
    if aged and only_ages and question.groups:
        # What the range has facts of is no row; what lasts is.
        sheet.rows = {place: row for place, row in sheet.rows.items() if place[0]}
    for each in aged:
        await fill_ages(connection, tenant_id, sheet, each)
    if any(asked.formula.survival is not None for asked in question.metrics):
        await fill_survival(connection, tenant_id, sheet)
    if records_asked(question):
        await fill_records(connection, tenant_id, sheet)
    if len(sheet.rows) > MOST_GROUPS + 1:
        raise too_many_groups()
    await name_records(connection, tenant_id, sheet)
    return sheet.result()


async def read_ages(
    connection: asyncpg.Connection, tenant_id: UUID, sheet: Sheet, aged: Aged, *, with_all: bool
) -> list[tuple[Place, Sequence[Any]]]:
    """The ages of each row. Over several instants they do not add up: then the total is that of
    the last one, read apart."""
    question, found = sheet.question, list[tuple[Place, Sequence[Any]]]()
    questions = [question]
    if question.with_totals and any(isinstance(each, TimeGroup) for each in question.groups):
        questions = [replace(question, with_totals=False), replace(question, groups=())]
    for number, each in enumerate(questions):
        statement = aged_statement(tenant_id, each, aged, with_all=with_all)
        for row in await run(connection, statement):
            (_, keys), values = place_of(each, tuple(row))
            is_total = number > 0 or (bool(row[len(each.groups)]) and bool(each.groups))
            found.append(((is_total, keys), values))
    return found


async def fill_ages(
    connection: asyncpg.Connection, tenant_id: UUID, sheet: Sheet, aged: Aged
) -> None:
    question, ranked = sheet.question, ranked_in(sheet.question, aged)
    rows = await read_ages(connection, tenant_id, sheet, aged, with_all=bool(ranked))
    ends = [
        (asked, EXTREMES[part.measure] == "max")
        for asked in question.metrics
        if (part := asked.extreme) is not None and question.parts.index(part) in aged.places
    ]
    for place, (*numbers, youngest, oldest, ages) in rows:
        parts = list(sheet.row(place).parts)
        for at, number in zip(aged.places, numbers, strict=True):
            if at is not None:
                parts[at] = number
        sheet.change(place, parts=parts)
        for asked, is_greatest in ends:
            if records := oldest if is_greatest else youngest:
                sheet.set_record(place, asked.name, found_in(records))
        for asked in ranked if ages else ():
            sheet.set_value(place, asked.name, percentile_of(asked, ages))


def found_in(records: Sequence[Sequence[str]]) -> Found:
    subject, resource = records[0]
    return Found(Resource(int(resource)), UUID(subject))


def percentile_of(asked: Asked, values: Sequence[int]) -> float:
    rank = (asked.percentile or 0) * (len(values) - 1)
    return interpolate(asked, len(values), values[rank // 100], values[(rank + 99) // 100])


async def fill_survival(connection: asyncpg.Connection, tenant_id: UUID, sheet: Sheet) -> None:
    question = sheet.question
    asked = [each for each in question.metrics if each.formula.survival is not None]
    for row in await run(connection, survival_statement(tenant_id, question)):
        place, (ended, seen) = place_of(question, tuple(row))
        if len(ended) + len(seen) > MOST_WAITS:
            message = f"More than {MOST_WAITS:,} waits in one row: ask for a shorter range."
            raise Problem("range_too_long", message)
        for each in asked:
            value = estimated(each, ended, seen)
            if value is not None:
                sheet.set_value(place, each.name, value)


def estimated(asked: Asked, ended: Sequence[int], seen: Sequence[int]) -> float | None:
    survival = asked.formula.survival
    if survival is None:
        return None
    if survival.threshold_ms is not None:
        return surviving(ended, seen, survival.threshold_ms)
    found = median(ended, seen)
    return None if found is None else found / MS_PER_SECOND


async def fill_records(connection: asyncpg.Connection, tenant_id: UUID, sheet: Sheet) -> None:
    question = sheet.question
    for asked in records_asked(question):
        at = question.parts.index(asked.extreme) if asked.extreme else 0
        ends = [value for row in sheet.rows.values() if (value := row.parts[at]) is not None]
        if not ends:
            continue
        for row in await run(connection, extreme_statement(tenant_id, question, asked, ends)):
            place, (found,) = place_of(question, tuple(row))
            if found:
                sheet.set_record(place, asked.name, found_in(found))


async def name_records(connection: asyncpg.Connection, tenant_id: UUID, sheet: Sheet) -> None:
    """Give the records of all rows the names that their sources know them by."""
    wanted: dict[Resource, set[UUID]] = {}
    for row in sheet.rows.values():
        for record in (row.records or {}).values():
            wanted.setdefault(record.resource, set()).add(record.id)
    if not wanted:
        return
    statements = [
        f"SELECT id, source, external_id FROM {SUBJECT_KINDS[resource].table} "
        f"WHERE tenant_id = $1 AND id = ANY(${n}::uuid[])"
        for n, resource in enumerate(wanted, start=2)
    ]
    ids = [list(each) for each in wanted.values()]
    rows = await connection.fetch(" UNION ALL ".join(statements), tenant_id, *ids)
    names = {row["id"]: (row["source"], row["external_id"]) for row in rows}
    for place, row in list(sheet.rows.items()):
        if row.records:
            records = {
                name: Found(record.resource, record.id, *names[record.id])
                for name, record in row.records.items()
                if record.id in names
            }
            sheet.change(place, records=records)


async def common_of(
    question: Question, read: Callable[[Question], Awaitable[Sequence[Group]]]
) -> Common | None:
    """What the rows are held against, if anything."""
    if not has_common(question):
        return None
    wholes: Mapping[Keys, Sequence[int | None]] = {}
    if asks_for(question, Measure.WHOLE_N):
        wholes = {group.keys: group.parts for group in await read(whole_question(question))}
    return Common(question, wholes)

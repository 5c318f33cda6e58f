"""The records behind a cell: its value and what it is made of, in one snapshot.

Both come from the same facts by the same statement of what is in the cell (metrics/compile.py), so
that the records add up to the value.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from csapi.facts.kinds import Resource
from csapi.metrics.composed import ComposedFormula
from csapi.metrics.dimensions import DIMENSIONS
from csapi.metrics.formulas import MS_PER_SECOND
from csapi.metrics.listing import WHERE_AND_WHO, Entry, Listing
from csapi.metrics.parts import COMMON, Combo
from csapi.metrics.question import MemberGroup, Question
from csapi.reports.cells import cell_question
from csapi.reports.fillings import Group
from csapi.reports.meta import add_currency, meta_of
from csapi.reports.ranking import Rows
from csapi.reports.read import Reading, read_names
from csapi.reports.records_names import RecordNames, record_names
from csapi.reports.records_paging import Cursor, Pager, cursor_of, list_state, value_of
from csapi.reports.records_schemas import (
    CellRecord,
    Contribution,
    RecordsAnswer,
    RecordsInclude,
    RecordsQuery,
)
from csapi.reports.refusals import definition_changing, refuse
from csapi.reports.schemas import Query, QueryPage
from csapi.reports.service import (
    Desk,
    Snapshot,
    resolved,
    slowness_told,
    snapshot_of,
)
from csapi.reports.shape import dimension_value, metric_value, scaled


async def records(desk: Desk, asked: RecordsQuery) -> RecordsAnswer:
    """Answer in one snapshot. All pages are of the instant of the first one, since what lasts is
    older a moment later. Raises Problem for what cannot be asked."""
    cursor = cursor_of(asked)
    if cursor is not None:
        desk = replace(desk, now=min(desk.now, cursor.asked_at))
    async with snapshot_of(desk) as snapshot:
        with slowness_told():
            return await records_on(snapshot, asked, cursor)


async def records_on(
    snapshot: Snapshot, asked: RecordsQuery, cursor: Cursor | None
) -> RecordsAnswer:
    query = Query(
        metrics=asked.metrics,
        time=asked.time,
        dimensions=asked.dimensions,
        filters=asked.filters,
    )
    found = await resolved(snapshot, query)
    whole = found.question
    check_listed(whole)
    question, more = await cell_question(snapshot, asked, whole)
    state = None if cursor is None else await list_state(snapshot, question)
    reading = await value_of(snapshot, question, state, cursor)
    if reading.total is None:
        raise AssertionError(question)
    if reading.changing:
        raise definition_changing()
    listing = Listing(
        question,
        extreme=extreme_of(question, reading.total),
        with_excluded=RecordsInclude.excluded in asked.include,
    )
    pager = Pager(snapshot, asked, listing, reading.total, state)
    page, next_cursor = await pager.page(cursor)
    rows, warnings = Rows(whole, reading, reading.groups), [*found.warnings, *more]
    meta = meta_of(asked, rows, None, warnings, snapshot.desk.now)
    await add_currency(snapshot.connection, snapshot.desk.tenant_id, whole, meta)
    return RecordsAnswer(
        value=metric_value(listing.asked, question.places[0], reading.total),
        data=await entries_of(snapshot, listing, reading, page),
        page=QueryPage(next_cursor=next_cursor),
        meta=meta,
    )


def check_listed(question: Question) -> None:
    """What a formula makes of several metrics is not in any one record."""
    (asked,) = question.metrics
    if isinstance(asked.formula, ComposedFormula):
        names = ", ".join(dict.fromkeys(each.name for each in asked.formula.operands))
        message = (
            f"A formula over {names}: no record brings a part of it. Ask for the records behind "
            "each of these metrics instead; GET /v1/custom-metrics has them."
        )
        refuse("/metrics/0/id", "not_supported", message)


def extreme_of(question: Question, total: Group) -> int | None:
    """The shortest or longest duration in milliseconds, where that is what is asked."""
    ((asked, places),) = zip(question.metrics, question.places, strict=True)
    if places.extreme is None or metric_value(asked, places, total).value is None:
        return None
    return total.parts[places.extreme]


async def entries_of(
    snapshot: Snapshot, listing: Listing, reading: Reading, rows: Sequence[Any]
) -> list[CellRecord]:
    """The entries of a page with names in the place of numbers."""
    connection, tenant_id = snapshot.connection, snapshot.desk.tenant_id
    subjects: dict[Resource, set[UUID]] = defaultdict(set)
    customers: set[int] = set()
    for row in rows:
        if listing.entry is Entry.customer:
            customers.add(row["customer"])
        else:
            subjects[Resource(row["resource"])].add(row["subject"])
    listed = {resource: sorted(ids) for resource, ids in sorted(subjects.items())}
    names = await record_names(connection, tenant_id, listed, sorted(customers))
    groups = tuple(MemberGroup(name, DIMENSIONS[name]) for name in WHERE_AND_WHO)
    members = [Group(tuple(row[name] for name in WHERE_AND_WHO), (), {}) for row in rows]
    labels = await read_names(connection, tenant_id, groups, members)
    named = replace(reading, names=labels)
    return [
        entry_of(
            listing,
            names,
            row,
            [key_of(*each, named) for each in zip(groups, member.keys, strict=True)],
        )
        for row, member in zip(rows, members, strict=True)
    ]


def key_of(group: MemberGroup, key: int | None, reading: Reading) -> str | None:
    return dimension_value(group, key, reading).key


def entry_of(
    listing: Listing, names: RecordNames, row: Any, members: Sequence[str | None]
) -> CellRecord:
    record = ticket = None
    if listing.entry is Entry.customer:
        record = names.customers.get(row["customer"])
    elif (found := names.records.get((row["resource"], row["subject"]))) is not None:
        record, ticket = found
    at: datetime = row["at"]
    agent, team, channel = members
    return CellRecord(
        record=record,
        ticket=ticket,
        occurred_at=at,
        agent=agent,
        team=team,
        channel=channel,
        contribution=contribution_of(listing, row),
    )


def is_common(combo: Combo | None) -> bool:
    """Whether it is the same whatever happens in the cell."""
    return combo is not None and any(part.measure in COMMON for part in combo.parts)


def contribution_of(listing: Listing, row: Any) -> Contribution:
    """The parts of one entry, by the formula of the whole. What is not told of one is no matter;
    what the value is held against comes from no entry."""
    ((asked, places),) = zip(listing.question.metrics, listing.question.places, strict=True)
    places, formula = replace(places, told=None), asked.formula
    parts: list[int | None] = [row[f"p{n}"] for n in range(len(listing.parts))]
    cell = metric_value(asked, places, Group((), parts, {}))
    own = None if listing.valued is None else parts[listing.parts.index(listing.valued)]
    return Contribution(
        numerator=cell.numerator or 0,
        denominator=None if is_common(formula.denominator) else cell.denominator,
        n=None if is_common(formula.n) else cell.n,
        value=None if own is None else scaled(own, MS_PER_SECOND),
        excluded=cell.excluded,
    )

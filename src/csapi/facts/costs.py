"""The cost book in the database: which rate is in force for whom, and the months of fixed costs.

Written in the transaction of the entries, under the tenant's exclusive lock: derivations read them
under the shared one. The worker derives what differs, from the first instant at which it does.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

import msgspec

from csapi.facts.cost_entry import LAST_DAY
from csapi.facts.cost_tables import cost_rates
from csapi.facts.kinds import CostScope, Reference, Resource
from csapi.kit.zones import day_start, local_date, month_start

Connection = Any
# An agent, a team, or everybody; or a fixed cost by its name.
Subject = tuple[CostScope, int, str]
Period = tuple[datetime, datetime, "Entry"]
Rates = Mapping[tuple[int, int], Sequence[tuple[datetime, datetime, int]]]

# Months are counted so far ahead that the next one is there when it begins.
AHEAD = timedelta(days=7)
EVER, NEVER = datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)

ENTRIES = """
SELECT id, source, external_id, scope, member, coalesce(name, '') AS name, amount, valid_from,
  valid_to, months::text AS months, counted_to, is_deleted
FROM cost_book WHERE tenant_id = $1 AND NOT is_stub ORDER BY source, external_id"""

RATES = """
SELECT scope, member, valid_from, valid_to, amount FROM cost_rates
WHERE tenant_id = $1 ORDER BY scope, member, valid_from"""

DELETE_RATES = "DELETE FROM cost_rates WHERE tenant_id = $1"

ADD_RATES = f"""
INSERT INTO cost_rates ({", ".join(cost_rates.columns.keys())})
SELECT $1, *
FROM unnest($2::smallint[], $3::int[], $4::timestamptz[], $5::timestamptz[], $6::bigint[])"""

MARK_COSTS = f"""
INSERT INTO reference_marks (tenant_id, reference, member)
VALUES ($1, {Reference.COST}::smallint, $2)"""

SET_MONTHS = """
UPDATE cost_book c SET months = i.months::jsonb, counted_to = i.counted_to
FROM unnest($2::uuid[], $3::text[], $4::timestamptz[]) AS i (id, months, counted_to)
WHERE c.tenant_id = $1 AND c.id = i.id"""

MARK_ENTRIES = f"""
INSERT INTO subject_marks (tenant_id, resource, subject)
SELECT $1::uuid, {Resource.COST_ENTRY}::smallint, unnest($2::uuid[])"""

BOOKED_CURRENCY = """
SELECT currency FROM cost_book
WHERE tenant_id = $1 AND NOT is_stub AND NOT is_deleted LIMIT 1"""
# What the tenant has settled, else what the entries are in.
CURRENCY = f"""
SELECT coalesce((SELECT currency FROM tenant_settings WHERE tenant_id = $1), ({BOOKED_CURRENCY}))"""

ZONE = "SELECT timezone FROM tenants WHERE tenant_id = $1"


class Month(msgspec.Struct, frozen=True):
    """A month, or what is counted of it, and how long the whole of it is."""

    starts_at: datetime
    ends_at: datetime
    length_ms: int


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of the cost book as it is stored."""

    id: UUID
    scope: CostScope
    member: int
    name: str
    amount: int | None
    valid_from: date
    valid_to: date | None
    months: tuple[Month, ...]
    counted_to: datetime | None
    is_deleted: bool

    @property
    def subject(self) -> Subject:
        return self.scope, self.member, self.name


def horizon(now: datetime, timezone: str) -> datetime:
    """Up to when months are counted."""
    return month_start(timezone, local_date(timezone, now + AHEAD), 1)


async def read_entries(connection: Connection, tenant_id: UUID) -> list[Entry]:
    """All entries in the order of their names, deleted ones included."""
    return [
        Entry(
            id=row["id"],
            scope=CostScope(row["scope"]),
            member=row["member"],
            name=row["name"],
            amount=row["amount"],
            valid_from=row["valid_from"],
            valid_to=row["valid_to"],
            months=msgspec.json.decode(row["months"] or "[]", type=tuple[Month, ...]),
            counted_to=row["counted_to"],
            is_deleted=row["is_deleted"],
        )
        for row in await connection.fetch(ENTRIES, tenant_id)
    ]


def in_force(entries: Iterable[Entry], timezone: str) -> Iterator[tuple[Subject, list[Period]]]:
    """For each subject its entries and when they hold, without overlaps: the entry that began last
    counts, and of two that began on the same day the first by name (the order of `entries`)."""
    claims: dict[Subject, list[Period]] = {}
    for entry in entries:
        if entry.is_deleted or entry.amount is None:
            continue
        start = day_start(timezone, entry.valid_from)
        ends = entry.valid_to is not None and entry.valid_to < LAST_DAY
        end = day_start(timezone, entry.valid_to) if ends and entry.valid_to else NEVER
        claims.setdefault(entry.subject, []).append((start, end, entry))
    for subject, wanted in claims.items():
        edges = sorted({edge for start, end, _ in wanted for edge in (start, end)})
        held = []
        for start, end in pairwise(edges):
            there = [claim for claim in wanted if claim[0] <= start and end <= claim[1]]
            if there:
                held.append((start, end, max(there, key=lambda claim: claim[0])[2]))
        yield subject, held


def months_of(start: datetime, end: datetime, timezone: str) -> Iterator[Month]:
    """The local months of a span, the first and the last one cut where it begins and ends."""
    month = month_start(timezone, local_date(timezone, start))
    while month < end:
        following = month_start(timezone, local_date(timezone, month), 1)
        length_ms = (following - month) // timedelta(milliseconds=1)
        yield Month(max(month, start), min(following, end), length_ms)
        month = following


def first_difference(old: Rates, new: Rates) -> datetime | None:
    """The first instant at which somebody's rate is another than before. Paid time is told apart
    from unrated time only where there are rates: the first and the last rate change all of it."""
    if bool(old) != bool(new):
        return EVER
    found: list[datetime] = []
    for key in old.keys() | new.keys():
        edges = {edge for rates in (old, new) for each in rates.get(key, ()) for edge in each[:2]}
        differing = (
            edge for edge in sorted(edges) if amount_at(old, key, edge) != amount_at(new, key, edge)
        )
        if (first := next(differing, None)) is not None:
            found.append(first)
    return min(found, default=None)


def amount_at(rates: Rates, key: tuple[int, int], when: datetime) -> int | None:
    held = (amount for start, end, amount in rates.get(key, ()) if start <= when < end)
    return next(held, None)


async def settle(
    connection: Connection, tenant_id: UUID, written: Sequence[UUID], now: datetime
) -> None:
    """Bring rates and months in line with the entries, of which some were just written."""
    timezone: str = await connection.fetchval(ZONE, tenant_id)
    entries = await read_entries(connection, tenant_id)
    periods = list(in_force(entries, timezone))
    rates: dict[tuple[int, int], list[tuple[datetime, datetime, int]]] = {}
    for (scope, member, _), held in periods:
        if scope is not CostScope.FIXED:
            rates[int(scope), member] = [
                (start, end, each.amount or 0) for start, end, each in held
            ]
    await replace_rates(connection, tenant_id, rates)
    until = horizon(now, timezone)
    wanted = counted_months(periods, until, timezone)
    await replace_months(connection, tenant_id, entries, wanted, until, written)


async def extend(connection: Connection, tenant_id: UUID, now: datetime) -> int:
    """Count further months; the number of entries that have more of them."""
    timezone: str = await connection.fetchval(ZONE, tenant_id)
    entries = await read_entries(connection, tenant_id)
    until = horizon(now, timezone)
    if all(
        entry.counted_to is not None and entry.counted_to >= until
        for entry in entries
        if entry.scope is CostScope.FIXED and not entry.is_deleted
    ):
        return 0
    wanted = counted_months(in_force(entries, timezone), until, timezone)
    return await replace_months(connection, tenant_id, entries, wanted, until, ())


async def replace_rates(connection: Connection, tenant_id: UUID, rates: Rates) -> None:
    stored: dict[tuple[int, int], list[tuple[datetime, datetime, int]]] = {}
    for row in await connection.fetch(RATES, tenant_id):
        period = (row["valid_from"], row["valid_to"], row["amount"])
        stored.setdefault((row["scope"], row["member"]), []).append(period)
    if stored == rates:
        return
    await connection.execute(DELETE_RATES, tenant_id)
    rows = [(*key, *period) for key, held in rates.items() for period in held]
    if rows:
        arrays = [list(values) for values in zip(*rows, strict=True)]
        await connection.execute(ADD_RATES, tenant_id, *arrays)
    if (first := first_difference(stored, rates)) is not None:
        await connection.execute(MARK_COSTS, tenant_id, int(first.timestamp()))


def counted_months(
    periods: Iterable[tuple[Subject, list[Period]]], until: datetime, timezone: str
) -> dict[UUID, tuple[Month, ...]]:
    """The months that each fixed cost is counted in, by entry; none where it is 0."""
    wanted: dict[UUID, tuple[Month, ...]] = {}
    for (scope, _, _), held in periods:
        for start, end, entry in held:
            if scope is CostScope.FIXED and entry.amount:
                months = tuple(months_of(start, min(end, until), timezone))
                wanted[entry.id] = wanted.get(entry.id, ()) + months
    return wanted


async def replace_months(
    connection: Connection,
    tenant_id: UUID,
    entries: Sequence[Entry],
    wanted: Mapping[UUID, tuple[Month, ...]],
    until: datetime,
    written: Sequence[UUID],
) -> int:
    """Store the months, and have those entries derived again of which they, or the entries
    themselves, have changed; their number."""
    changed = [entry for entry in entries if wanted.get(entry.id, ()) != entry.months]
    behind = [
        entry for entry in entries if entry.scope is CostScope.FIXED and entry.counted_to != until
    ]
    stored = {entry.id for entry in (*changed, *behind)}
    if stored:
        months = [msgspec.json.encode(wanted.get(each, ())).decode() for each in stored]
        await connection.execute(SET_MONTHS, tenant_id, list(stored), months, [until] * len(stored))
    again = {entry.id for entry in changed}
    again |= {entry.id for entry in entries if entry.id in written and entry.months}
    if again:
        await connection.execute(MARK_ENTRIES, tenant_id, sorted(again))
    return len(again)


async def other_currency(
    connection: Connection, tenant_id: UUID, currencies: Iterable[tuple[int, str]]
) -> dict[int, str]:
    """Of entries as (number, currency) in their order: those that are not in the tenant's currency,
    with that. Where the tenant has settled none, the first entry of all decides which it is."""
    known: str | None = await connection.fetchval(CURRENCY, tenant_id)
    refused: dict[int, str] = {}
    for number, currency in currencies:
        known = known or currency
        if currency != known:
            refused[number] = known
    return refused

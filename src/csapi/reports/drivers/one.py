"""One topic: its numbers, its weeks, and what it is made of."""

import dataclasses
from dataclasses import dataclass

from msgspec.structs import replace

from csapi.facts.wire import normalized
from csapi.kit.problems import Problem
from csapi.metrics.dimensions import DIMENSIONS
from csapi.reports.drivers.params import OneDriverParams
from csapi.reports.drivers.reading import (
    AMOUNTS,
    CONTACTS,
    CUSTOMERS,
    Drivers,
    answered,
    asked_of,
    nothing,
    read_drivers,
)
from csapi.reports.drivers.schemas import DriverBreakdown, DriverDetail, DriverWeek
from csapi.reports.drivers.scoring import Scored, key_of
from csapi.reports.drivers.table import in_force, weights_asked
from csapi.reports.drivers.trending import read_months, read_weeks, trends_of
from csapi.reports.ordering import OrderBy, SortDirection, TopRequest
from csapi.reports.read import find_members
from csapi.reports.resolve import Wanted
from csapi.reports.schemas import Query, QueryAnswer
from csapi.reports.service import Desk, Snapshot, slowness_told, snapshot_of
from csapi.reports.work_params import PREVIOUS, told_by_parameter

BROKEN_DOWN = (CONTACTS, CUSTOMERS, AMOUNTS[0])


@dataclass(frozen=True, slots=True)
class Split:
    """A question that splits a topic, and its answer."""

    query: Query
    answer: QueryAnswer


async def driver(
    desk: Desk, driver_id: str, wanted: OneDriverParams
) -> tuple[DriverDetail, Split | None]:
    """The topic, and what it is split into. Raises Problem for what cannot be asked, and where
    there is no such topic."""
    asked, key = weights_asked(wanted), normalized(key_of(driver_id))
    async with snapshot_of(desk) as snapshot:
        await check_topic(snapshot, wanted.dimension, key)
        with slowness_told(), told_by_parameter("/from"):
            found = await read_drivers(snapshot, wanted, AMOUNTS)
            weeks = await read_weeks(snapshot, wanted, found, [key])
            months = await read_months(snapshot, wanted, found, [key])
            split = None
            if wanted.by is not None:
                split = await split_by(snapshot, key, wanted, wanted.by)
            weights = await in_force(snapshot, asked)
    scored = Scored(with_topic(found, key), weights)
    values = weeks.values[key]
    detail = DriverDetail(
        driver=scored.driver(key, trends_of(weeks, months, [key])[key]),
        weeks=[
            DriverWeek(week=start, contacts=None if values is None else values[place])
            for place, start in enumerate(weeks.starts)
        ],
        breakdown=None if split is None else told(split),
        **scored.about(),
    )
    return detail, split


def with_topic(found: Drivers, key: str) -> Drivers:
    """With a topic that nobody turned to us about in the range."""
    if key in found.rows:
        return found
    cells = {name: nothing(name) for name in found.totals}
    return dataclasses.replace(found, rows={**found.rows, key: cells})


def told(split: Split) -> DriverBreakdown:
    (by,), answer = split.query.dimensions, split.answer
    return DriverBreakdown(
        by=by, data=answer.data, other=answer.other, totals=answer.totals, meta=answer.meta
    )


async def check_topic(snapshot: Snapshot, dimension: str, key: str) -> None:
    """Raises Problem where nothing was ever about it."""
    wanted = Wanted(DIMENSIONS[dimension], (key,))
    if not await find_members(snapshot.connection, snapshot.desk.tenant_id, [wanted]):
        raise Problem("not_found", "There is no such topic for this key.")


async def split_by(snapshot: Snapshot, key: str, wanted: OneDriverParams, by: str) -> Split:
    """The topic by the members of a dimension, most contacts first."""
    query = asked_of(wanted, BROKEN_DOWN, [by], PREVIOUS, [key])
    query = replace(
        query,
        top=TopRequest(n=wanted.top, by=CONTACTS.id, other=True),
        order_by=[OrderBy(by=CONTACTS.id, direction=SortDirection.desc)],
    )
    return Split(query, await answered(snapshot, query))

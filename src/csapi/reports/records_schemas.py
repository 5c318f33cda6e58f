"""The records behind a cell on the wire."""

from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

from csapi.kit.quantities import UtcDatetime
from csapi.reports.comparison import Excluded
from csapi.reports.ordering import Name
from csapi.reports.schemas import (
    MOST_DIMENSIONS,
    FilterNode,
    MetricRequest,
    MetricValue,
    QueryMeta,
    QueryPage,
    QueryTime,
    RecordRef,
)

PAGE_SIZE, LARGEST_PAGE, MOST_OTHERS = 100, 1000, 1000

# An external id, in front of it maybe its source.
CellKey = Annotated[str, Meta(max_length=511)]
CellKeys = Annotated[dict[Name, CellKey | None], Meta(max_length=MOST_DIMENSIONS)]


class RecordsInclude(StrEnum):
    """What is listed besides the records that the value is made of."""

    excluded = "excluded"


class RecordsQuery(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A question with one metric, and the cell of its answer.

    `cell`: for each dimension the `key` of the row's value, null for (none). Dimensions that it
    does not name, and no cell at all, mean all of their values: the total. `other_than`: the keys
    of the rows that the answer shows; the cell is then `other`, all that they leave out.
    """

    metrics: Annotated[list[MetricRequest], Meta(min_length=1, max_length=1)]
    time: QueryTime
    dimensions: Annotated[list[Name], Meta(max_length=MOST_DIMENSIONS)] = []
    filters: FilterNode | None = None
    cell: CellKeys = {}
    other_than: Annotated[list[CellKeys], Meta(max_length=MOST_OTHERS)] | None = None
    include: list[RecordsInclude] = []
    limit: Annotated[int, Meta(ge=1, le=LARGEST_PAGE)] = PAGE_SIZE
    cursor: Annotated[str, Meta(max_length=2_000)] | None = None


class Contribution(msgspec.Struct, kw_only=True):
    """What an entry brings to the value, in the units of the value's parts; the entries of all
    pages add up to it. Null is what no entry brings, but the value is held against: calendar days,
    or all members. `value`: of extremes, percentiles and waits the duration that is looked at."""

    numerator: float
    denominator: float | None
    n: int | None
    value: float | None
    excluded: Excluded


class CellRecord(msgspec.Struct, kw_only=True):
    """One thing that happened to a record; of different tickets or customers, or of what is open,
    one of these. `ticket`: the record's own, if it has one. Agent, team and channel are keys, as
    they were at `occurred_at`."""

    record: RecordRef | None
    ticket: RecordRef | None
    occurred_at: UtcDatetime
    agent: str | None
    team: str | None
    channel: str | None
    contribution: Contribution


class RecordsAnswer(msgspec.Struct, kw_only=True):
    """The value of a cell, and the records that it is made of, by `occurred_at`."""

    value: MetricValue
    data: list[CellRecord]
    page: QueryPage
    meta: QueryMeta

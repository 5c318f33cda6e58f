"""Drivers on the wire."""

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from csapi.kit.quantities import UtcDatetime
from csapi.reports.drivers.trends import TrendDirection
from csapi.reports.layouts import DimensionValue
from csapi.reports.schemas import MetricValue, QueryMeta, ResultRow


class ShareValue(msgspec.Struct, kw_only=True):
    """A share with its two sides; null where there is nothing to have a share in."""

    value: float | None
    numerator: float
    denominator: float


class HandlingValue(msgspec.Struct, kw_only=True):
    """Handling time of calls: talk, hold and after-call work. (Work sessions name no topic.)
    `share`: of all handling time, and so of the staff cost of the range, which is `cost`; null
    without a cost book or without any handling time."""

    seconds: float | None
    calls: Annotated[int, Meta(description="Calls whose handling time is known")]
    seconds_per_call: float | None
    share: float | None
    cost: float | None


class DriverNumbers(msgspec.Struct, kw_only=True):
    """What a topic has. `contacts` (tickets of customers and inbound calls) are compared with the
    range before; `share` is their part of all contacts. `dissatisfied`: ratings 1 and 2 of 5."""

    contacts: MetricValue
    share: float | None
    customers: MetricValue
    dissatisfied: MetricValue
    handling: HandlingValue


class SeverityPart(msgspec.Struct, kw_only=True):
    """`share`: of what all topics have together; null: hidden. `weight`: of all weights."""

    share: float | None
    weight: float
    contribution: float


class Severity(msgspec.Struct, kw_only=True):
    """The sum of the contributions, from 0 to 1, and the place by it among all topics."""

    value: float
    rank: int
    parts: dict[str, SeverityPart]


class Trend(msgspec.Struct, kw_only=True):
    """By the test of Mann and Kendall over whole weeks, and by the autocorrelation at twelve
    months; null where there is too little history. Corrected for the topics of the answer."""

    direction: TrendDirection | None
    weeks: Annotated[int, Meta(description="Whole weeks that were looked at")]
    contacts_per_week: Annotated[float | None, Meta(description="The slope of Theil and Sen")]
    p_adjusted: float | None
    seasonal: bool | None
    months: Annotated[int, Meta(description="Whole months that were looked at")]
    seasonal_p_adjusted: float | None


class Automation(msgspec.Struct, kw_only=True):
    """What a machine might take over: what people solve with a single reply. `hours_saved` and
    `cost_saved` are the one-touch share of the handling time and of its cost."""

    one_touch: MetricValue
    articles: Annotated[int, Meta(description="Published articles about the topic now")]
    hours_saved: float | None
    cost_saved: float | None


class Driver(DriverNumbers, kw_only=True):
    """A topic that people turn to us about. `driver_id`: its key as a piece of a path, in which
    `~0` stands for `~` and `~1` for `/`. `departments`: who is responsible for it now."""

    driver_id: str
    topic: str
    label: str
    departments: list[DimensionValue]
    severity: Severity
    trend: Trend
    automation: Automation | UnsetType = UNSET


class DriverList(msgspec.Struct, kw_only=True):
    """The top topics. `untagged`: what has no topic, which is in no topic's numbers.
    `tag_coverage`: the contacts that have one among all. `drivers`: how many topics there are.
    `weights`: those that made the severity."""

    data: list[Driver]
    untagged: DriverNumbers
    totals: DriverNumbers
    tag_coverage: ShareValue
    drivers: int
    weights: dict[str, float]
    currency: str | None
    start: UtcDatetime
    end: UtcDatetime
    timezone: str
    meta: QueryMeta


class DriverWeek(msgspec.Struct, kw_only=True):
    """The contacts of a whole week; its first day."""

    week: str
    contacts: float | None


class DriverBreakdown(msgspec.Struct, kw_only=True):
    """The topic by the members of a dimension, most contacts first, each compared with the range
    before. `other`: what the rows leave out. Where a record can have several members, as of tags,
    rows overlap."""

    by: str
    data: list[ResultRow]
    other: dict[str, MetricValue] | None
    totals: dict[str, MetricValue] | None
    meta: QueryMeta


class DriverDetail(msgspec.Struct, kw_only=True):
    """One topic. `breakdown`: if `by` is asked for."""

    driver: Driver
    weeks: list[DriverWeek]
    breakdown: DriverBreakdown | None
    tag_coverage: ShareValue
    drivers: int
    weights: dict[str, float]
    currency: str | None
    start: UtcDatetime
    end: UtcDatetime
    timezone: str
    meta: QueryMeta

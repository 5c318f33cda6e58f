"""The parts of a question that say which rows come, in which order, and how they are laid out."""

from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

Name = Annotated[str, Meta(min_length=1, max_length=255)]
MOST_ORDERS, MOST_TESTS, LARGEST_TOP = 5, 10, 1_000


class Shape(StrEnum):
    """How the groups are laid out."""

    rows = "rows"
    series = "series"
    matrix = "matrix"


class SortDirection(StrEnum):
    """Which way values go; where there is none comes last either way."""

    asc = "asc"
    desc = "desc"


class HavingOp(StrEnum):
    """How a value is held against another."""

    gt = "gt"
    gte = "gte"
    lt = "lt"
    lte = "lte"
    eq = "eq"
    ne = "ne"


class HavingPart(StrEnum):
    """Which number of a cell is tested."""

    value = "value"
    n = "n"
    numerator = "numerator"
    denominator = "denominator"


class HavingTest(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Keep the rows whose metric `by` passes. A value that is null passes no test."""

    by: Name
    op: HavingOp
    value: float
    part: HavingPart = HavingPart.value


class TopRequest(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Keep the `n` rows with the highest value of the metric `by`, with `direction` asc the lowest.

    `other`: all that the rows leave out, as one.
    """

    n: Annotated[int, Meta(ge=1, le=LARGEST_TOP)]
    by: Name
    direction: SortDirection = SortDirection.desc
    other: bool = False


class OrderBy(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Rows in the order of a metric, by its name in the answer, or of a dimension."""

    by: Name
    direction: SortDirection = SortDirection.asc

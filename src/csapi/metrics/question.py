"""A question as a value: everything resolved, nothing left to look up."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from csapi.facts.kinds import Kind
from csapi.metrics.dimensions import Dimension
from csapi.metrics.formulas import Formula, Measure, Metric, Part
from csapi.metrics.periods import CYCLES, Bucket, Period, TimeGrain, buckets, edges
from csapi.metrics.plan import Cuts


class Extreme(StrEnum):
    """The aggregations that look at single records."""

    min = "min"
    max = "max"


@dataclass(frozen=True, slots=True)
class Asked:
    """One metric of a question. agg: None for its own value, else "min", "max", "p1" to "p99"."""

    name: str
    metric: Metric
    params: dict[str, Any]
    formula: Formula
    agg: str | None = None

    @property
    def percentile(self) -> int | None:
        if self.agg is None or not self.agg.startswith("p"):
            return None
        return int(self.agg[1:])

    @property
    def extreme(self) -> Part | None:
        if self.formula.spread is None or self.agg not in ("min", "max"):
            return None
        measure = Measure.DURATION_MIN if self.agg == "min" else Measure.DURATION_MAX
        return self.formula.spread.extreme(measure)

    @property
    def parts(self) -> tuple[Part, ...]:
        extreme = self.extreme
        return (*self.formula.parts, *([] if extreme is None else [extreme]))


@dataclass(frozen=True, slots=True)
class TimeGroup:
    """A time dimension and the buckets that the period has."""

    id: str
    grain: TimeGrain
    buckets: Sequence[Bucket]

    @property
    def is_cycle(self) -> bool:
        return self.grain in CYCLES


@dataclass(frozen=True, slots=True)
class MemberGroup:
    """A dimension to group by."""

    id: str
    dimension: Dimension


Group = TimeGroup | MemberGroup


@dataclass(frozen=True, slots=True)
class Test:
    """A condition on one dimension. members: surrogates, or values; is_in: among them or not."""

    dimension: Dimension
    members: tuple[int, ...]
    is_in: bool = True

    # pytest would take the class for a test case
    __test__ = False


@dataclass(frozen=True, slots=True)
class Condition:
    """A tree of tests: exactly one of the fields is set."""

    every: tuple["Condition", ...] = ()
    some: tuple["Condition", ...] = ()
    none: "Condition | None" = None
    test: Test | None = None

    def dimensions(self) -> set[Dimension]:
        found = set() if self.test is None else {self.test.dimension}
        for child in (*self.every, *self.some, *([self.none] if self.none else [])):
            found |= child.dimensions()
        return found


@dataclass(frozen=True, slots=True)
class Question:
    period: Period
    tenant_timezone: str
    metrics: tuple[Asked, ...]
    groups: tuple[Group, ...] = ()
    condition: Condition | None = None
    with_totals: bool = False

    @property
    def kinds(self) -> tuple[Kind, ...]:
        return tuple(sorted({part.kind for part in self.parts}))

    @property
    def parts(self) -> tuple[Part, ...]:
        return tuple(dict.fromkeys(part for asked in self.metrics for part in asked.parts))

    @property
    def columns(self) -> frozenset[str]:
        """The columns of facts that groups and conditions need."""
        used = {group.dimension.column for group in self.groups if isinstance(group, MemberGroup)}
        if self.condition is not None:
            used |= {dimension.column for dimension in self.condition.dimensions()}
        return frozenset(used)

    @property
    def cuts(self) -> Cuts:
        instants: set[datetime] = set()
        whole_days = whole_months = True
        for group in self.groups:
            if not isinstance(group, TimeGroup):
                continue
            if group.grain is TimeGrain.hour_of_day:
                whole_days = whole_months = False
            elif group.grain is TimeGrain.day_of_week:
                whole_months = False
                whole_days &= self.period.timezone == self.tenant_timezone
            else:
                instants.update(edges(group.grain, self.period))
        return Cuts(sorted(instants), whole_days, whole_months)


def time_group(grain: TimeGrain, period: Period) -> TimeGroup:
    return TimeGroup(f"time:{grain.value}", grain, buckets(grain, period))

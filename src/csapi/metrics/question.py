"""A question as a value: everything resolved, nothing left to look up."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache, cached_property
from itertools import chain
from typing import Any

from csapi.facts.kinds import FORESEEN, Kind
from csapi.metrics.composed import ComposedFormula
from csapi.metrics.dimensions import Dimension
from csapi.metrics.formulas import TICKETS, Formula, untold
from csapi.metrics.metric import Metric
from csapi.metrics.parts import COHORTS, DISTINCT, Combo, Measure, Part
from csapi.metrics.periods import CYCLES, Bucket, Period, TimeGrain, buckets, edges
from csapi.metrics.plan import Cuts
from csapi.metrics.sampling import SampleKind, Sampling
from csapi.metrics.variants import Variant
from csapi.metrics.zones import changes

# A sum of parts by their places in a row: sign and place of each.
Terms = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Places:
    """Where the parts of one metric stand in the rows of an answer. each: every part of a metric
    that is made of others."""

    numerator: Terms
    n: Terms
    denominator: Terms | None
    negative: Terms | None
    extreme: int | None
    squares: Terms | None = None
    each: Mapping[Part, int] | None = None
    unsettled: Terms | None = None
    # Tickets, and those of them of which nothing is told that the metric needs.
    told: tuple[Terms, Terms] | None = None
    # Pairs that are equal unless values are on several scales.
    scales: tuple[tuple[int, int], ...] = ()


@cache
def percentile_of(agg: str | None) -> int | None:
    """Which percentile an aggregation is. Kept: it is asked for each cell of an answer."""
    return int(agg[1:]) if agg is not None and agg.startswith("p") else None


@dataclass(frozen=True, slots=True)
class Asked:
    """One metric of a question. agg: None for its own value, else "min", "max", "p1" to "p99".

    sampling: where intervals and tests are asked for, what they are made from. variants: what the
    tenant has settled for parts of the range. unsettled: what of n may still change sides.
    is_untold: whether the tenant's tickets, as far as is known, come without what the metric needs.
    of_operands: variants of the operands of a formula, by their names.
    """

    name: str
    metric: Metric
    params: dict[str, Any]
    formula: Formula
    agg: str | None = None
    variants: tuple[Variant, ...] = ()
    unsettled: Combo | None = None
    is_untold: bool = False
    sampling: Sampling | None = None
    of_operands: Mapping[str, tuple[Variant, ...]] = field(default_factory=dict)

    @property
    def all_variants(self) -> Mapping[str, tuple[Variant, ...]]:
        """What is in force by the name that an answer has for it; of operands behind the metric's
        name."""
        own = {self.name: self.variants} if self.variants else {}
        return own | {f"{self.name}.{name}": each for name, each in self.of_operands.items()}

    @property
    def has_bounds(self) -> bool:
        """Whether its percentile comes with an interval."""
        return self.sampling is not None and self.sampling.kind is SampleKind.PERCENTILE

    @property
    def squares(self) -> Combo | None:
        return None if self.sampling is None else self.sampling.squares

    @property
    def percentile(self) -> int | None:
        return percentile_of(self.agg)

    @property
    def is_set(self) -> bool:
        """Whether several groups have to be read together: what they have does not add up."""
        is_distinct = any(part.measure in DISTINCT for part in self.formula.parts)
        return is_distinct or self.formula.survival is not None

    @property
    def extreme(self) -> Part | None:
        if self.formula.spread is None or self.agg not in ("min", "max"):
            return None
        measure = Measure.DURATION_MAX
        if self.agg == "min":
            no_zero = self.formula.exclude_zero
            measure = Measure.POSITIVE_MIN if no_zero else Measure.DURATION_MIN
        return self.formula.spread.extreme(measure)

    @property
    def own_parts(self) -> tuple[Part, ...]:
        extreme = self.extreme
        squares = () if self.squares is None else self.squares.parts
        scales = chain.from_iterable(self.formula.scales)
        return (*self.formula.parts, *([] if extreme is None else [extreme]), *squares, *scales)

    @property
    def parts(self) -> tuple[Part, ...]:
        needs = self.formula.needs
        unsettled = () if self.unsettled is None else self.unsettled.parts
        told = () if needs is None else (*TICKETS.count().parts, *untold(needs).count().parts)
        return (*self.own_parts, *unsettled, *told)


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
    """A dimension to group by. mapping: what topics are looked at as, if they are."""

    id: str
    dimension: Dimension
    mapping: Mapping[int, int] | None = None


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


# The key of all members that an answer does not tell apart, and what stands for no member in SQL.
OTHER = -(2**63) + 1
NO_MEMBER = -(2**63) + 2


@dataclass(frozen=True, slots=True)
class Kept:
    """Groups to tell apart, by their keys of some of the dimensions; the rest have the key OTHER
    in each of those."""

    ids: tuple[str, ...]
    keys: tuple[tuple[int | None, ...], ...]


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of an answer: the groups that it is of, and for each the keys that are in it.

    whole: where that is asked for, all members together that the cell is held against.
    """

    groups: tuple[Group, ...]
    keys: tuple[tuple[int | None, ...], ...]
    whole: "Question | None" = None


@dataclass(frozen=True)
class Question:
    """What is asked. Its properties are worked out once: every row of an answer uses them.

    cell: only facts that the answer by these groups would count there; then there are no groups.
    now: when it is asked: the end of what has not ended; what is derived beforehand is not seen
    before its instant.
    """

    period: Period
    tenant_timezone: str
    metrics: tuple[Asked, ...]
    groups: tuple[Group, ...] = ()
    condition: Condition | None = None
    with_totals: bool = False
    kept: Kept | None = None
    cell: Cell | None = None
    now: datetime | None = None
    # Whole days that were counted again since then are named.
    revised_since: datetime | None = None

    @cached_property
    def seen_until(self) -> datetime | None:
        """Up to when facts are seen that may lie ahead; None where none of them does."""
        if self.now is None or self.period.end <= self.now or not set(self.kinds) & set(FORESEEN):
            return None
        return self.now

    @cached_property
    def kinds(self) -> tuple[Kind, ...]:
        return tuple(sorted({part.kind for part in self.parts}))

    @cached_property
    def own_kinds(self) -> tuple[Kind, ...]:
        """The kinds that the metrics are about."""
        return tuple(sorted({part.kind for asked in self.metrics for part in asked.own_parts}))

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        return tuple(dict.fromkeys(part for asked in self.metrics for part in asked.parts))

    @cached_property
    def stocks(self) -> tuple[int, ...]:
        """The places of the parts that are balances."""
        return tuple(n for n, part in enumerate(self.parts) if part.measure is Measure.BALANCE)

    @cached_property
    def has_cohorts(self) -> bool:
        return any(part.measure in COHORTS for part in self.parts)

    @cached_property
    def has_outlooks(self) -> bool:
        return any(part.measure is Measure.DUE_N for part in self.parts)

    @cached_property
    def is_at_instant(self) -> bool:
        """Whether some metric cannot be added up over time."""
        held = any(part.measure is Measure.DAYS for part in self.parts)
        return self.has_cohorts or held or any(each.formula.is_at_instant for each in self.metrics)

    @cached_property
    def overlapping(self) -> tuple[str, ...]:
        """The groups that a record can be in several of: their rows do not add up."""
        return tuple(
            group.id
            for group in self.groups
            if isinstance(group, MemberGroup) and group.dimension.is_multiple
        )

    def undivided(self) -> "Question":
        """The same of everything at once."""
        return replace(self, groups=(), kept=None, with_totals=False)

    @cached_property
    def columns(self) -> frozenset[str]:
        """The columns of facts that groups and conditions need."""
        used = {group.dimension.column for group in self.groups if isinstance(group, MemberGroup)}
        if self.condition is not None:
            used |= {dimension.column for dimension in self.condition.dimensions()}
        return frozenset(used)

    @cached_property
    def places(self) -> tuple[Places, ...]:
        """For each metric, where its parts are."""
        place = {part: number for number, part in enumerate(self.parts)}

        def terms(combo: Combo) -> Terms:
            return tuple((sign, place[part]) for sign, part in combo.terms)

        def known(combo: Combo | None) -> Terms | None:
            return None if combo is None else terms(combo)

        return tuple(
            Places(
                numerator=terms(asked.formula.numerator),
                n=terms(asked.formula.n),
                denominator=known(asked.formula.denominator),
                negative=known(asked.formula.negative),
                extreme=None if asked.extreme is None else place[asked.extreme],
                squares=known(asked.squares),
                each={part: place[part] for part in asked.formula.parts}
                if isinstance(asked.formula, ComposedFormula)
                else None,
                unsettled=known(asked.unsettled),
                told=None
                if asked.formula.needs is None
                else (terms(TICKETS.count()), terms(untold(asked.formula.needs).count())),
                scales=tuple((place[one], place[other]) for one, other in asked.formula.scales),
            )
            for asked in self.metrics
        )

    @cached_property
    def cuts(self) -> Cuts:
        bounds = {bound for part in self.parts for bound in (part.since, part.until)}
        instants: set[datetime] = {each for each in bounds if each is not None}
        whole_days = whole_months = True
        for group in self.groups:
            if not isinstance(group, TimeGroup):
                continue
            if group.is_cycle:
                whole_months = False
                by_own_day = self.period.timezone == self.tenant_timezone
                if group.grain is TimeGrain.hour_of_day or not by_own_day:
                    whole_days = False
                    # A change of the clocks need not be at the start of a slot.
                    turns = changes(self.period.timezone, self.period.start, self.period.end)
                    instants.update(turns)
            else:
                instants.update(edges(group.grain, self.period))
        return Cuts(sorted(instants), whole_days, whole_months)


def time_group(grain: TimeGrain, period: Period) -> TimeGroup:
    return TimeGroup(f"time:{grain.value}", grain, buckets(grain, period))

"""What an entry of the catalog says of its metric."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from csapi.facts.kinds import Kind
from csapi.metrics.formulas import Formula
from csapi.metrics.parts import LASTING, Hours


class ParamType(StrEnum):
    """What a parameter takes."""

    number = "number"
    flag = "flag"
    choice = "choice"


@dataclass(frozen=True, slots=True)
class Param:
    """A parameter of a metric, with its default and what is allowed."""

    name: str
    type: ParamType
    default: Any
    description: str
    choices: tuple[str, ...] = ()
    minimum: float = 0
    maximum: float = 0


class Unit(StrEnum):
    """What a value is measured in. Shares lie between 0 and 1."""

    COUNT = "count"
    SECONDS = "seconds"
    SHARE = "share"
    SCORE = "score"
    # Between -100 and 100.
    POINTS = "points"
    # In the one currency of the tenant's cost book.
    MONEY = "money"


class Direction(StrEnum):
    """Which way is good."""

    higher_is_better = "higher_is_better"
    lower_is_better = "lower_is_better"
    neutral = "neutral"


class TimeBasis(StrEnum):
    """Which instant decides the bucket: that of the event, or that of the start of the unit. A
    state is that at the end of the bucket; an interval counts in each for as long as it lasts."""

    event = "event"
    cohort = "cohort"
    state = "state"
    interval = "interval"


class MergeClass(StrEnum):
    """What has to be added so that merging buckets is exact."""

    additive = "additive"
    ratio = "ratio"
    mean = "mean"
    distinct = "distinct"
    stock = "stock"
    extreme = "extreme"
    survival = "survival"


class Attribution(StrEnum):
    """Whose the number is when asked for by agent or team."""

    actor = "actor"
    owner_then = "owner_then"
    survey_snapshot = "survey_snapshot"


@dataclass(frozen=True, slots=True)
class Revision:
    """An earlier version of a definition. since: None from the first release on."""

    version: str
    fingerprint: str
    change: str
    since: date | None = None


@dataclass(frozen=True, slots=True)
class Metric:
    """One entry of the catalog. Everything else about a metric derives from it."""

    id: str
    label: str
    description: str
    formula_text: str
    unit: Unit
    direction: Direction
    time_basis: TimeBasis
    merge_class: MergeClass
    attribution: Attribution
    build: Callable[[Mapping[str, Any]], Formula]
    example: str
    pitfalls: str
    params: Sequence[Param] = ()
    version: str = "1"
    by_rating: bool = False
    # What it is where no `agg` is given.
    default_agg: str | None = None
    # What to know when it is asked for by agent or team.
    caution_by_agent: str = ""
    # The versions before this one, the first one first; empty where there is none.
    history: Sequence[Revision] = ()
    # When this version came, and what it changed.
    since: date | None = None
    change: str = "The first definition."
    # Of a cohort: its units may change sides for as long as they like.
    stays_open: bool = False

    @property
    def defaults(self) -> dict[str, Any]:
        return {param.name: param.default for param in self.params}

    @property
    def aggregations(self) -> list[str]:
        """What `agg` may be: of means also their sum and count, of durations the spread, too."""
        if self.merge_class is MergeClass.extreme:
            return [self.default_agg or "max"]
        if self.merge_class is not MergeClass.mean:
            return []
        if self.build(self.defaults).spread is None:
            return ["avg", "sum", "count"]
        return ["avg", "sum", "count", "min", "max", *(f"p{n}" for n in range(1, 100))]

    @property
    def hours(self) -> list[Hours]:
        """The clocks that it can be measured by."""
        has_twin = self.build(self.defaults).has_twin
        return [Hours.calendar, *([Hours.business] if has_twin else [])]

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """All that it can be about, whatever is chosen."""
        chosen = [self.defaults]
        chosen += [
            self.defaults | {param.name: choice}
            for param in self.params
            for choice in param.choices
        ]
        parts = [part for params in chosen for part in self.build(params).parts]
        kinds = dict.fromkeys(part.kind for part in parts)
        return tuple(dict.fromkeys((*kinds, *(k for kind in kinds for k in LASTING.get(kind, ())))))

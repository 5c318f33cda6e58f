"""From what was asked to a question with nothing left open, or to problems with pointers."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import NoReturn

from csapi.facts.kinds import VALUE_SCALE
from csapi.kit.problems import shown
from csapi.metrics.dimensions import (
    DIMENSIONS,
    TIME_PREFIX,
    Dimension,
    Source,
    dimension_of,
)
from csapi.metrics.metric import Metric
from csapi.metrics.periods import (
    Period,
    PeriodError,
    TimeGrain,
    WeekStart,
    check_timezone,
    explicit_period,
    preset_period,
)
from csapi.metrics.question import (
    Condition,
    Group,
    MemberGroup,
    Question,
    Test,
    time_group,
)
from csapi.metrics.topics import NO_TOPICS, Through, TopicTree
from csapi.metrics.variants import Settled
from csapi.metrics.zones import day_start, local_date
from csapi.reports.checks import check_allowed, check_outlooks, check_stocks
from csapi.reports.refusals import refuse
from csapi.reports.resolve_metrics import Rules, resolve_metrics, with_sampling
from csapi.reports.schemas import FilterNode, FilterOp, Include, Query, TimeRange

DEEPEST, MOST_CONDITIONS = 8, 500
LARGEST_RATING = 2**63 - 1
Members = Mapping[tuple[str, str], Sequence[int]]


@dataclass(frozen=True, slots=True)
class Setting:
    """What the tenant brings to a question."""

    timezone: str
    custom: Sequence[Dimension]
    now: datetime
    topics: TopicTree = NO_TOPICS
    metrics: Mapping[str, Metric] = field(default_factory=dict)
    settled: Mapping[str, Sequence[Settled]] = field(default_factory=dict)
    untold: int = 0
    week_start: WeekStart = WeekStart.monday


def resolve_period(
    range_: TimeRange, timezone: str, week_start: WeekStart, now: datetime, where: str
) -> Period:
    has_bounds = range_.from_ is not None or range_.to is not None
    if (range_.preset is not None) == has_bounds:
        refuse(f"{where}/range", "invalid_value", "Give from and to, or a preset.")
    for name, bound in (("from", range_.from_), ("to", range_.to)):
        if range_.preset is None and bound is None:
            refuse(f"{where}/range/{name}", "required", "A range needs both from and to.")
    try:
        check_timezone(timezone)
        if range_.preset is not None:
            return preset_period(range_.preset, timezone, now, week_start)
        return explicit_period(range_.from_ or "", range_.to or "", timezone, week_start)
    except PeriodError as error:
        inside = "timezone" if error.field == "timezone" else f"range/{error.field}"
        refuse(f"{where}/{inside}", "invalid_value", error.message)


def resolve_groups(names: Sequence[str], period: Period, setting: Setting) -> tuple[Group, ...]:
    groups: list[Group] = []
    for index, name in enumerate(names):
        where = f"/dimensions/{index}"
        if names.index(name) != index:
            refuse(where, "invalid_value", "The dimension is there twice.")
        if name.startswith(TIME_PREFIX):
            groups.append(resolve_time(name, period, where))
            continue
        dimension = dimension_of(name, setting.custom) or unknown(where, name, setting)
        mapping = None
        if dimension.through is not None:
            mapping = setting.topics.mapping(dimension.through)
        groups.append(MemberGroup(name, dimension, mapping))
    return tuple(groups)


def resolve_time(name: str, period: Period, where: str) -> Group:
    try:
        grain = TimeGrain(name.removeprefix(TIME_PREFIX))
    except ValueError:
        allowed = [TIME_PREFIX + each.value for each in TimeGrain]
        refuse(where, "unknown_dimension", f"There is no {shown(name)}.", allowed)
    try:
        return time_group(grain, period)
    except PeriodError as error:
        refuse(where, "out_of_range", error.message)


def unknown(where: str, name: str, setting: Setting) -> NoReturn:
    allowed = sorted([*DIMENSIONS, *(each.id for each in setting.custom)])
    allowed += [TIME_PREFIX + each.value for each in TimeGrain]
    refuse(where, "unknown_dimension", f"There is no dimension {shown(name)}.", allowed)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Keys of a dimension that a filter names, to be looked up."""

    dimension: Dimension
    keys: tuple[str, ...]


def check_filter(
    node: FilterNode, setting: Setting, where: str = "/filters", depth: int = 1
) -> Iterator[tuple[str, Dimension, FilterNode]]:
    """Every test of a filter tree with its place and dimension. Raises Problem."""
    if depth > DEEPEST:
        refuse(where, "too_deep", f"Filters may be nested {DEEPEST} deep.")
    arms = [node.and_ is not None, node.or_ is not None, node.not_ is not None]
    is_test = any(part is not None for part in (node.dimension, node.op, node.values))
    if sum(arms) + is_test != 1:
        refuse(where, "invalid_value", "A filter is one of: and, or, not, or a dimension with op.")
    for name, children in (("and", node.and_), ("or", node.or_)):
        if children is not None and not children:
            refuse(f"{where}/{name}", "too_short", "At least one filter.")
        for index, child in enumerate(children or ()):
            yield from check_filter(child, setting, f"{where}/{name}/{index}", depth + 1)
    if node.not_ is not None:
        yield from check_filter(node.not_, setting, f"{where}/not", depth + 1)
    if is_test:
        yield where, check_test(node, setting, where), node


def check_test(node: FilterNode, setting: Setting, where: str) -> Dimension:
    if node.dimension is None or node.op is None:
        missing = "dimension" if node.dimension is None else "op"
        refuse(f"{where}/{missing}", "required", "A test needs a dimension and an op.")
    name = node.dimension or ""
    dimension: Dimension = dimension_of(name, setting.custom) or unknown(
        f"{where}/dimension", name, setting
    )
    if node.op in (FilterOp.is_in, FilterOp.not_in):
        if not node.values:
            refuse(f"{where}/values", "required", f"{node.op} needs values.")
    elif node.values is not None:
        refuse(f"{where}/values", "invalid_value", f"{node.op} takes no values.")
    if dimension.source is Source.value:
        for index, text in enumerate(node.values or ()):
            rating_of(text, f"{where}/values/{index}")
    return dimension


def rating_of(text: str, where: str) -> int:
    try:
        rating = Decimal(text) * VALUE_SCALE
    except ArithmeticError:
        rating = Decimal("Infinity")
    if not rating.is_finite() or abs(rating) > LARGEST_RATING:
        refuse(where, "invalid_value", "A rating is a number.")
    return int(rating)


def wanted_keys(tests: Sequence[tuple[str, Dimension, FilterNode]]) -> list[Wanted]:
    return [
        Wanted(dimension, tuple(node.values or ()))
        for _, dimension, node in tests
        if node.values and dimension.source is not Source.value
    ]


def build_condition(node: FilterNode, setting: Setting, members: Members) -> Condition:
    """The tree with members in the place of their names; a name that nobody bears selects none."""
    if node.and_ is not None:
        return Condition(every=tuple(build_condition(n, setting, members) for n in node.and_))
    if node.or_ is not None:
        return Condition(some=tuple(build_condition(n, setting, members) for n in node.or_))
    if node.not_ is not None:
        return Condition(none=build_condition(node.not_, setting, members))
    dimension = dimension_of(node.dimension or "", setting.custom)
    if dimension is None or node.op is None:
        raise AssertionError(node)
    if node.op in (FilterOp.is_null, FilterOp.is_not_null):
        if dimension.through is Through.department:
            known = tuple(sorted(setting.topics.departments))
            return Condition(test=Test(dimension, known, node.op is FilterOp.is_not_null))
        return Condition(test=Test(dimension, (0,), node.op is FilterOp.is_null))
    found: list[int] = []
    for key in node.values or ():
        if dimension.source is Source.value:
            found.append(rating_of(key, ""))
        else:
            found += members.get((dimension.id, key), ())
    chosen = tuple(found)
    if dimension.through is not None:
        chosen = setting.topics.chosen(dimension.through, set(found))
    return Condition(test=Test(dimension, chosen, node.op is FilterOp.is_in))


def build_question(query: Query, setting: Setting, members: Members) -> Question:
    """The resolved question. `members`: what wanted_keys asked for, by dimension and key."""
    timezone = query.time.timezone or setting.timezone
    week_start = query.time.week_starts_on or setting.week_start
    period = resolve_period(query.time.range, timezone, week_start, setting.now, "/time")
    rules = Rules(setting.timezone, setting.now, setting.settled, setting.untold, setting.metrics)
    asked = resolve_metrics(query.metrics, period, rules)
    has_intervals = Include.confidence in query.include
    if has_intervals or query.compare is not None:
        asked = with_sampling(asked, from_facts=has_intervals)
    groups = resolve_groups(query.dimensions, period, setting)
    used = [
        (f"/dimensions/{n}", group.dimension)
        for n, group in enumerate(groups)
        if isinstance(group, MemberGroup)
    ]
    condition = None
    if query.filters is not None:
        tests = list(check_filter(query.filters, setting))
        used += [(f"{where}/dimension", dimension) for where, dimension, _ in tests]
        condition = build_condition(query.filters, setting, members)
    check_allowed(asked, used, setting.custom)
    check_stocks(asked, groups)
    check_outlooks(asked, groups)
    return Question(
        period=period,
        tenant_timezone=setting.timezone,
        metrics=asked,
        groups=groups,
        condition=condition,
        with_totals=Include.totals in query.include,
        now=setting.now,
        revised_since=query.revised_since or today(setting),
    )


def today(setting: Setting) -> datetime:
    """When the tenant's day began."""
    return day_start(setting.timezone, local_date(setting.timezone, setting.now))

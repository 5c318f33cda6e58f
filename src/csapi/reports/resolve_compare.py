"""From what a question is to be compared with to the other question."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from csapi.metrics.counterparts import (
    Alignment,
    Counterpart,
    previous_period,
    previous_year,
    same_weekdays,
)
from csapi.metrics.dimensions import Dimension
from csapi.metrics.periods import PeriodError
from csapi.metrics.question import Condition, Question, TimeGroup, time_group
from csapi.reports.checks import check_allowed
from csapi.reports.comparison import CompareTo
from csapi.reports.refusals import refuse
from csapi.reports.resolve import (
    Members,
    Setting,
    build_condition,
    check_filter,
    resolve_period,
)
from csapi.reports.schemas import CompareRequest, FilterNode, Query

SAME_RANGE = {CompareTo.segment, CompareTo.rest}
OVERLAP = "the compared ranges overlap: what is in both is on both sides"


@dataclass(frozen=True, slots=True)
class Target:
    """The other side: the same question of another range, or of other records."""

    to: CompareTo
    question: Question
    alignment: Alignment


def check_compare(query: Query, compare: CompareRequest) -> None:
    """That each part is there where it belongs. Raises Problem."""
    is_range, is_segment = compare.to is CompareTo.range, compare.to is CompareTo.segment
    for name, given, needed, allowed in (
        ("range", compare.range, is_range, is_range),
        ("filters", compare.filters, is_segment, compare.to in SAME_RANGE),
    ):
        if needed and given is None:
            refuse(f"/compare/{name}", "required", f"{compare.to} needs {name}.")
        if given is not None and not allowed:
            refuse(f"/compare/{name}", "invalid_value", f"{compare.to} takes no {name}.")
    if compare.to is CompareTo.rest and query.filters is None:
        refuse("/filters", "required", "The rest is what the filters of the query leave out.")


def compare_tests(query: Query, setting: Setting) -> Iterator[tuple[str, Dimension, FilterNode]]:
    """Every test of the other side's filters. Raises Problem."""
    if query.compare is not None and query.compare.filters is not None:
        yield from check_filter(query.compare.filters, setting, "/compare/filters")


def build_target(
    query: Query, question: Question, setting: Setting, members: Members
) -> Target | None:
    """The other side of the comparison that is asked for."""
    compare = query.compare
    if compare is None:
        return None
    if compare.to in SAME_RANGE:
        used = [(f"{at}/dimension", dim) for at, dim, _ in compare_tests(query, setting)]
        check_allowed(question.metrics, used, setting.custom)
        condition = other_condition(compare, question.condition, setting, members)
        return Target(compare.to, replace(question, condition=condition), Alignment.position)
    found = counterpart(query, compare, question, setting)
    try:
        groups = tuple(
            time_group(group.grain, found.period) if isinstance(group, TimeGroup) else group
            for group in question.groups
        )
    except PeriodError as error:
        part = "range" if compare.range is not None else "to"
        refuse(f"/compare/{part}", "out_of_range", error.message)
    other = replace(question, period=found.period, groups=groups)
    return Target(compare.to, other, found.alignment)


def other_condition(
    compare: CompareRequest, condition: Condition | None, setting: Setting, members: Members
) -> Condition | None:
    given = None
    if compare.filters is not None:
        given = build_condition(compare.filters, setting, members)
    if compare.to is CompareTo.segment:
        return given
    rest = Condition(none=condition)
    return rest if given is None else Condition(every=(given, rest))


def counterpart(
    query: Query, compare: CompareRequest, question: Question, setting: Setting
) -> Counterpart:
    period = question.period
    try:
        if compare.to is CompareTo.previous_period:
            return previous_period(period, query.time.range.preset)
        if compare.to is CompareTo.same_weekdays:
            return same_weekdays(period)
        if compare.to is CompareTo.previous_year:
            return previous_year(period)
    except PeriodError as error:
        refuse("/compare/to", "out_of_range", error.message)
    if compare.range is None:
        raise AssertionError(compare)
    other = resolve_period(
        compare.range, period.timezone, period.week_start, setting.now, "/compare"
    )
    return Counterpart(other)


def overlaps(question: Question, target: Target) -> bool:
    own, other = question.period, target.question.period
    return target.to is CompareTo.range and own.start < other.end and other.start < own.end

"""From groups of parts to the rows of an answer. Divides once, from integers."""

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from functools import cache, partial
from itertools import product
from typing import Any

from csapi.facts.kinds import VALUE_SCALE
from csapi.metrics.bins import RELATIVE_ERROR
from csapi.metrics.dimensions import Source
from csapi.metrics.formulas import MS_PER_SECOND, Formula
from csapi.metrics.parts import EXTREMES
from csapi.metrics.question import Asked, MemberGroup, Places, Question, Terms, TimeGroup
from csapi.reports.layouts import DimensionValue, Precision
from csapi.reports.read import Group, Reading
from csapi.reports.schemas import Excluded, MetricValue, NullReason, ResultRow

NONE_LABEL = "(none)"
UNKNOWN_LABEL = "(unknown)"
NO_EXCLUDED = Excluded(negative_duration=0)


def scaled(number: int, scale: int) -> int | float:
    """An integer of the store in the unit of the wire, whole where it is whole."""
    if scale == 1:
        return number
    whole, rest = divmod(number, scale)
    return whole if rest == 0 else number / scale


def total(terms: Terms, parts: Sequence[int | None]) -> int:
    result = 0
    for sign, place in terms:
        result += sign * (parts[place] or 0)
    return result


def ratio(formula: Formula, numerator: int, denominator: int) -> float | None:
    if denominator == 0:
        return None
    return numerator * formula.denominator_scale / (formula.numerator_scale * denominator)


SUPPRESSED = MetricValue(
    value=None,
    n=0,
    numerator=None,
    denominator=None,
    null_reason=NullReason.suppressed,
    precision=Precision.exact,
    relative_error=None,
    excluded=NO_EXCLUDED,
)


def is_untold(asked: Asked, places: Places, parts: Sequence[int | None]) -> bool:
    """Whether nothing is known of what is counted, because tickets came as snapshots: all that
    were created here, or, where none was, the latest ones."""
    if places.told is None:
        return False
    created, untold = (total(each, parts) for each in places.told)
    return asked.is_untold if created == 0 else untold == created


def metric_value(asked: Asked, places: Places, group: Group) -> MetricValue:
    if asked.name in group.hidden:
        return SUPPRESSED
    formula, parts = asked.formula, group.parts
    numerator, n = total(places.numerator, parts), total(places.n, parts) // formula.n_scale
    excluded = NO_EXCLUDED
    if places.negative is not None and (negative := total(places.negative, parts)):
        excluded = Excluded(negative_duration=negative)
    shown_numerator: float | None = scaled(numerator, formula.numerator_scale)
    shown_denominator: float | None = None
    value: float | None = shown_numerator
    if places.denominator is not None:
        denominator = total(places.denominator, parts)
        value = ratio(formula, numerator, denominator)
        shown_denominator = scaled(denominator, formula.denominator_scale)
    reason = NullReason.no_observations
    if n == 0 and is_untold(asked, places, parts):
        value, shown_numerator, reason = None, None, NullReason.not_sent
    is_exact = True
    if asked.agg is not None:
        value, is_exact = aggregated(asked, places, group, shown_numerator, n)
    return MetricValue(
        value=value,
        n=n,
        numerator=shown_numerator,
        denominator=shown_denominator,
        null_reason=reason if value is None else None,
        precision=Precision.exact if is_exact else Precision.approximate,
        relative_error=None if is_exact else RELATIVE_ERROR,
        excluded=excluded,
    )


def aggregated(
    asked: Asked, places: Places, group: Group, numerator: float | None, n: int
) -> tuple[float | None, bool]:
    """A sum, a count, a minimum, a maximum or a percentile, and whether it is exact."""
    if asked.agg in ("sum", "count"):
        return (numerator if asked.agg == "sum" else n), True
    if asked.percentile is not None:
        found = group.percentiles.get(asked.name)
        return (None, True) if found is None else (found.seconds, found.is_exact)
    # Of zeros alone, left out, there is neither a shortest nor a longest.
    stored = None if places.extreme is None or n == 0 else group.parts[places.extreme]
    return None if stored is None else scaled(stored, MS_PER_SECOND), True


def cells(question: Question, group: Group) -> dict[str, MetricValue]:
    return {
        asked.name: metric_value(asked, places, group)
        for asked, places in zip(question.metrics, question.places, strict=True)
    }


def dimension_value(
    group: TimeGroup | MemberGroup, key: int | None, reading: Reading
) -> DimensionValue:
    if isinstance(group, TimeGroup):
        bucket = group.buckets[key or 0]
        return DimensionValue(
            key=bucket.key, label=bucket.label, start=bucket.start, end=bucket.end
        )
    if key is None:
        return DimensionValue(key=None, label=NONE_LABEL, start=None, end=None)
    if group.dimension.source is Source.value:
        text = format(Decimal(key) / VALUE_SCALE, "f")
        return DimensionValue(key=text, label=text, start=None, end=None)
    # A member whose record is gone still has its numbers.
    name, label = reading.names.get((group.id, key), (f"unknown:{key}", UNKNOWN_LABEL))
    return DimensionValue(key=name, label=label, start=None, end=None)


def ordered(question: Question, reading: Reading) -> list[Group]:
    """The groups in order: time ascending, members by key with (none) last. Time alone is dense."""
    if question.groups and all(isinstance(each, TimeGroup) for each in question.groups):
        return dense(question, reading.groups)
    ranks = [rank_of(each, reading) for each in question.groups]
    return sorted(
        reading.groups,
        key=lambda group: [rank(key) for rank, key in zip(ranks, group.keys, strict=True)],
    )


def rank_of(
    group: TimeGroup | MemberGroup, reading: Reading
) -> Callable[[int | None], tuple[Any, ...]]:
    by_number = isinstance(group, TimeGroup) or group.dimension.source is Source.value

    def rank(key: int | None) -> tuple[Any, ...]:
        if key is None:
            return (1, 0)
        return (0, key if by_number else dimension_value(group, key, reading).key)

    return cache(rank)


def result_rows(question: Question, reading: Reading, groups: Iterable[Group]) -> list[ResultRow]:
    """Groups as rows. Every member and bucket is named once."""
    named = [cache(partial(dimension_value, each, reading=reading)) for each in question.groups]
    return [
        ResultRow(
            dimensions={
                each.id: name(key)
                for each, name, key in zip(question.groups, named, group.keys, strict=True)
            },
            metrics=cells(question, group),
        )
        for group in groups
    ]


def dense(question: Question, groups: Sequence[Group]) -> list[Group]:
    """A group for every time bucket, those without facts included."""
    found = {group.keys: group for group in groups}
    sizes = [len(each.buckets) for each in question.groups if isinstance(each, TimeGroup)]
    nothing = [None if part.measure in EXTREMES else 0 for part in question.parts]
    return [
        found.get(keys) or Group(keys, nothing, {})
        for keys in product(*(range(size) for size in sizes))
    ]


def merged(question: Question, groups: Sequence[Group]) -> Group:
    """Several groups as one, from their parts."""
    parts: list[int | None] = []
    for place, part in enumerate(question.parts):
        values = [value for group in groups if (value := group.parts[place]) is not None]
        extreme = EXTREMES.get(part.measure)
        if extreme is None:
            parts.append(sum(values))
        else:
            parts.append((min if extreme == "min" else max)(values, default=None))
    customers = tuple(map(max, zip(*(each.customers for each in groups), strict=True)))
    return Group((), parts, {}, customers, too_few(question, groups))


def too_few(question: Question, groups: Sequence[Group]) -> frozenset[str]:
    """What to hide of several groups as one: what is hidden of some of them and shown of none."""
    hidden = frozenset[str]().union(*(group.hidden for group in groups))
    names = [asked.name for asked in question.metrics]
    return frozenset(
        name
        for name in hidden
        if not any(
            group.customers[names.index(name)] >= 0 and name not in group.hidden for group in groups
        )
    )

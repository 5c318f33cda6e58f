"""From groups of parts to the rows of an answer. Divides once, from integers."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from fractions import Fraction
from functools import cache, partial
from itertools import product
from typing import Any

from msgspec import UNSET

from csapi.facts.kinds import VALUE_SCALE
from csapi.facts.registry import SUBJECT_KINDS
from csapi.metrics.arithmetic import Operation, Result, evaluate
from csapi.metrics.bins import RELATIVE_ERROR
from csapi.metrics.composed import ComposedFormula
from csapi.metrics.dimensions import Source
from csapi.metrics.formulas import MS_PER_SECOND, Formula
from csapi.metrics.question import Asked, MemberGroup, Places, Question, Terms, TimeGroup
from csapi.reports.comparison import Excluded, NullReason
from csapi.reports.fillings import Group
from csapi.reports.layouts import DimensionValue, Precision
from csapi.reports.read import Reading
from csapi.reports.schemas import MetricValue, RecordRef, ResultRow

NO_EXCLUDED = Excluded(negative_duration=0)
# Beyond that not every whole number is a JSON number everywhere.
LARGEST_WHOLE = 2**53


def scaled(number: int, scale: int) -> int | float:
    """An integer of the store in the unit of the wire, whole where it is whole."""
    if scale == 1:
        return number
    whole, rest = divmod(number, scale)
    return whole if rest == 0 else number / scale


def total(terms: Terms, parts: Sequence[int | None]) -> int:
    if len(terms) == 1:
        ((sign, place),) = terms
        return sign * (parts[place] or 0)
    result = 0
    for sign, place in terms:
        result += sign * (parts[place] or 0)
    return result


def ratio(formula: Formula, numerator: int, denominator: int) -> float | None:
    if denominator == 0:
        return None
    return numerator * formula.denominator_scale / (formula.numerator_scale * denominator)


def without_value(reason: NullReason, n: int = 0, excluded: Excluded = NO_EXCLUDED) -> MetricValue:
    """In the place of a value that is hidden, or that there is none of."""
    return MetricValue(
        value=None,
        n=n,
        numerator=None,
        denominator=None,
        null_reason=reason,
        precision=Precision.exact,
        relative_error=None,
        excluded=excluded,
    )


def is_untold(asked: Asked, places: Places, parts: Sequence[int | None]) -> bool:
    """Whether nothing is known of what is counted, because tickets came as snapshots: all that
    were created here, or, where none was, the latest ones."""
    if places.told is None:
        return False
    created, untold = (total(each, parts) for each in places.told)
    return asked.is_untold if created == 0 else untold == created


def are_scales_mixed(asked: Asked, places: Places, *groups: Group) -> bool:
    """Whether what would be added up or compared is on several scales."""
    if asked.agg == "count" or not places.scales:
        return False
    return any(
        len({group.parts[place] for group in groups for place in pair} - {None}) > 1
        for pair in places.scales
    )


def metric_value(asked: Asked, places: Places, group: Group) -> MetricValue:
    if group.hidden and (reason := group.hidden.get(asked.name)):
        return without_value(reason)
    formula, parts = asked.formula, group.parts
    excluded = NO_EXCLUDED if places.negative is None else excluded_of(places.negative, group)
    is_mixed = bool(places.scales) and are_scales_mixed(asked, places, group)
    if isinstance(formula, ComposedFormula):
        found = composed_value(formula, places, group, excluded)
        return without_value(NullReason.mixed_scales, found.n, excluded) if is_mixed else found
    numerator, n = total(places.numerator, parts), total(places.n, parts) // formula.n_scale
    if is_mixed:
        return without_value(NullReason.mixed_scales, n, excluded)
    shown_numerator: float | None = scaled(numerator, formula.numerator_scale)
    shown_denominator: float | None = None
    value: float | None = shown_numerator
    if places.denominator is not None:
        denominator = total(places.denominator, parts)
        value = ratio(formula, numerator, denominator)
        shown_denominator = scaled(denominator, formula.denominator_scale)
    absent = NullReason.no_observations
    if n == 0 and is_untold(asked, places, parts):
        value, shown_numerator, absent = None, None, NullReason.not_sent
    is_exact = True
    if formula.survival is not None:
        estimate = group.percentiles.get(asked.name)
        value = None if estimate is None else estimate.seconds
    elif asked.agg is not None:
        value, is_exact = aggregated(asked, places, group, shown_numerator, n)
    return MetricValue(
        value=value,
        n=n,
        numerator=shown_numerator,
        denominator=shown_denominator,
        null_reason=absent if value is None else None,
        precision=Precision.exact if is_exact else Precision.approximate,
        relative_error=None if is_exact else RELATIVE_ERROR,
        excluded=excluded,
        record=UNSET if places.extreme is None else record_of(asked, group),
    )


def record_of(asked: Asked, group: Group) -> RecordRef | None:
    """The record behind an extreme."""
    found = (group.records or {}).get(asked.name)
    if found is None:
        return None
    return RecordRef(
        resource=SUBJECT_KINDS[found.resource].name,
        id=str(found.id),
        source=found.source,
        external_id=found.external_id,
    )


def excluded_of(negative: Terms, group: Group) -> Excluded:
    found = total(negative, group.parts)
    return Excluded(negative_duration=found) if found else NO_EXCLUDED


def plain(value: Fraction | None) -> float | None:
    """The number nearest to an exact value, whole where it is whole."""
    if value is None:
        return None
    is_whole = value.denominator == 1 and abs(value.numerator) < LARGEST_WHOLE
    return value.numerator if is_whole else value.numerator / value.denominator


def operands_of(formula: ComposedFormula, places: Places, group: Group) -> dict[str, Result]:
    """The exact values of a formula's operands by name."""
    found = {part: group.parts[place] or 0 for part, place in (places.each or {}).items()}
    return formula.results(found)


def composed_value(
    formula: ComposedFormula, places: Places, group: Group, excluded: Excluded
) -> MetricValue:
    """A formula over exact values of its operands; of a quotient also both of its sides."""
    operands, root = operands_of(formula, places, group), formula.root
    result = evaluate(root, operands)
    numerator, denominator = result.value, None
    if isinstance(root, Operation) and root.sign == "/":
        numerator, denominator = (
            evaluate(side, operands).value for side in (root.left, root.right)
        )
    reason = None
    if result.value is None:
        is_division = result.is_divided_by_zero
        reason = NullReason.division_by_zero if is_division else NullReason.no_observations
    return MetricValue(
        value=plain(result.value),
        n=result.n,
        numerator=plain(numerator),
        denominator=plain(denominator),
        null_reason=reason,
        precision=Precision.exact,
        relative_error=None,
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


def dimension_value(
    group: TimeGroup | MemberGroup, key: int | None, reading: Reading
) -> DimensionValue:
    words = reading.words
    if isinstance(group, TimeGroup):
        bucket = group.buckets[key or 0]
        label = words.bucket(group.grain, bucket)
        return DimensionValue(key=bucket.key, label=label, start=bucket.start, end=bucket.end)
    if key is None:
        return DimensionValue(key=None, label=words.catalog.none, start=None, end=None)
    if group.dimension.source is Source.value:
        text = format(Decimal(key) / VALUE_SCALE, "f")
        return DimensionValue(key=text, label=text, start=None, end=None)
    # A member whose record is gone still has its numbers.
    found = reading.names.get((group.id, key), (f"unknown:{key}", words.catalog.unknown))
    name, given = found
    label = words.member(group.dimension.labels, name) if given is None else given
    return DimensionValue(key=name, label=label, start=None, end=None)


def ordered(question: Question, reading: Reading) -> list[Group]:
    """The groups in order: time ascending, members by key with (none) last. Time alone is dense."""
    if question.groups and all(isinstance(each, TimeGroup) for each in question.groups):
        return dense(question, reading)
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


def result_rows(
    question: Question,
    reading: Reading,
    groups: Sequence[Group],
    values: Sequence[dict[str, MetricValue]],
) -> list[ResultRow]:
    """Groups as rows, each with its values. Every member and bucket is named once."""
    named = [cache(partial(dimension_value, each, reading=reading)) for each in question.groups]
    return [
        ResultRow(
            dimensions={
                each.id: name(key)
                for each, name, key in zip(question.groups, named, group.keys, strict=True)
            },
            metrics=metrics,
        )
        for group, metrics in zip(groups, values, strict=True)
    ]


def dense(question: Question, reading: Reading) -> list[Group]:
    """A group for every time bucket, those without facts included."""
    found = {group.keys: group for group in reading.groups}
    sizes = [len(each.buckets) for each in question.groups if isinstance(each, TimeGroup)]
    return [
        found.get(keys) or reading.nothing(question, keys)
        for keys in product(*(range(size) for size in sizes))
    ]

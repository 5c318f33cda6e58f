"""From groups of parts to the rows of an answer. Divides once, from integers."""

import base64
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from itertools import product
from typing import Any

import msgspec

from csapi.kit.problems import Problem
from csapi.metrics.dimensions import Source
from csapi.metrics.formulas import MS_PER_SECOND, Part
from csapi.metrics.question import Asked, MemberGroup, Question, TimeGroup
from csapi.reports.read import Group, Reading
from csapi.reports.schemas import (
    DimensionValue,
    Excluded,
    MetricValue,
    NullReason,
    Precision,
    ResultRow,
    TopRequest,
)

NONE_LABEL = "(none)"
VALUE_SCALE = 10_000
NO_EXCLUDED = Excluded(negative_duration=0)


def scaled(number: int, scale: int) -> int | float:
    """An integer of the store in the unit of the wire, whole where it is whole."""
    whole, rest = divmod(number, scale)
    return whole if rest == 0 else number / scale


def metric_value(asked: Asked, group: Group) -> MetricValue:
    formula, parts = asked.formula, known(group.parts)
    numerator, n = formula.numerator.total(parts), formula.n.total(parts)
    excluded = NO_EXCLUDED
    if formula.negative is not None and (negative := formula.negative.total(parts)):
        excluded = Excluded(negative_duration=negative)
    shown_numerator = scaled(numerator, formula.numerator_scale)
    denominator = None if formula.denominator is None else formula.denominator.total(parts)
    value: float | None = shown_numerator
    if denominator is not None:
        value = numerator / (formula.numerator_scale * denominator) if denominator else None
    if asked.agg is not None:
        value = single_value(asked, group) if n else None
    return MetricValue(
        value=value,
        n=n,
        numerator=shown_numerator,
        denominator=denominator,
        null_reason=NullReason.no_observations if value is None else None,
        precision=Precision.exact,
        excluded=excluded,
    )


def known(parts: Mapping[Part, int | None]) -> Mapping[Part, int]:
    return {part: value or 0 for part, value in parts.items()}


def single_value(asked: Asked, group: Group) -> float | None:
    """A minimum, a maximum or a percentile, in seconds."""
    if asked.percentile is not None:
        found = group.percentiles.get(asked.name)
        return None if found is None else found / MS_PER_SECOND
    extreme = asked.extreme
    stored = None if extreme is None else group.parts[extreme]
    return None if stored is None else scaled(stored, MS_PER_SECOND)


def cells(question: Question, group: Group) -> dict[str, MetricValue]:
    return {asked.name: metric_value(asked, group) for asked in question.metrics}


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
    name, label = reading.names[group.id, key]
    return DimensionValue(key=name, label=label, start=None, end=None)


def result_rows(question: Question, reading: Reading) -> list[tuple[Group, ResultRow]]:
    """Rows in order: time ascending, members by key with (none) last. Time alone is dense."""
    groups: Iterable[Group] = reading.groups
    if question.groups and all(isinstance(each, TimeGroup) for each in question.groups):
        groups = dense(question, reading.groups)
    rows = []
    for group in groups:
        values = {
            each.id: dimension_value(each, key, reading)
            for each, key in zip(question.groups, group.keys, strict=True)
        }
        rows.append((group, ResultRow(dimensions=values, metrics=cells(question, group))))
    rows.sort(key=lambda row: [order(question, n, row) for n in range(len(question.groups))])
    return rows


def order(question: Question, place: int, row: tuple[Group, ResultRow]) -> tuple[Any, ...]:
    group = question.groups[place]
    key = row[0].keys[place]
    if isinstance(group, TimeGroup):
        return (0, key, "")
    if key is None:
        return (1, 0, "")
    if group.dimension.source is Source.value:
        return (0, key, "")
    return (0, 0, row[1].dimensions[group.id].key)


def dense(question: Question, groups: Sequence[Group]) -> list[Group]:
    """A group for every time bucket, those without facts included."""
    found = {group.keys: group for group in groups}
    sizes = [len(each.buckets) for each in question.groups if isinstance(each, TimeGroup)]
    nothing: dict[Part, int | None] = {
        part: None if part.measure.value.endswith(("min", "max")) else 0 for part in question.parts
    }
    return [
        found.get(keys) or Group(keys, nothing, {})
        for keys in product(*(range(size) for size in sizes))
    ]


def merged(question: Question, groups: Sequence[Group]) -> Group:
    """Several groups as one, from their parts."""
    parts: dict[Part, int | None] = {}
    for part in question.parts:
        values = [value for group in groups if (value := group.parts[part]) is not None]
        if part.measure.value.endswith("min"):
            parts[part] = min(values, default=None)
        elif part.measure.value.endswith("max"):
            parts[part] = max(values, default=None)
        else:
            parts[part] = sum(values)
    return Group((), parts, {})


def pick_top(
    question: Question, rows: list[tuple[Group, ResultRow]], top: TopRequest
) -> tuple[list[tuple[Group, ResultRow]], dict[str, MetricValue] | None]:
    """The rows with the highest values, and the rest merged from its parts."""
    ranked = sorted(
        rows,
        key=lambda row: (
            row[1].metrics[top.by].value is None,
            -(row[1].metrics[top.by].value or 0),
        ),
    )
    kept, rest = ranked[: top.n], ranked[top.n :]
    if not top.other:
        return kept, None
    return kept, cells(question, merged(question, [group for group, _ in rest]))


def page_of(
    rows: Sequence[ResultRow], limit: int, cursor: str | None, fingerprint: str
) -> tuple[list[ResultRow], str | None]:
    """One page, and the cursor of the next. A cursor belongs to its question."""
    start = 0 if cursor is None else read_cursor(cursor, fingerprint)
    end = start + limit
    following = None
    if end < len(rows):
        raw = msgspec.json.encode([fingerprint, end])
        following = base64.urlsafe_b64encode(raw).decode().rstrip("=")
    return list(rows[start:end]), following


def read_cursor(cursor: str, fingerprint: str) -> int:
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        known_by, start = msgspec.json.decode(raw, type=tuple[str, int])
    except (ValueError, msgspec.MsgspecError):
        raise Problem("invalid_cursor", "Take next_cursor of the last page as it is.") from None
    if known_by != fingerprint or start < 0:
        raise Problem("invalid_cursor", "The cursor belongs to another question.")
    return start


def fingerprint_of(query: Any) -> str:
    """A short name of a question, whatever page it asks for."""
    content = msgspec.json.encode(msgspec.structs.replace(query, cursor=None))
    return hashlib.blake2b(content, digest_size=9).hexdigest()

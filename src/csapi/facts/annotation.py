"""Annotations: what happened at a time that numbers alone do not tell. They are no facts."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

from csapi.facts.lookup import Lookup
from csapi.facts.reference_tables import annotations
from csapi.facts.resource import Column, RecordKind
from csapi.facts.wire import Custom, Key, Record
from csapi.kit.quantities import UtcDatetime


class AnnotationKind(StrEnum):
    """What kind of thing happened."""

    release = "release"
    bug = "bug"
    season = "season"
    campaign = "campaign"
    policy = "policy"
    other = "other"


class AnnotationScope(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """It concerns these members of a dimension alone, by their keys."""

    dimension: Key
    values: Annotated[list[Key], Meta(min_length=1, max_length=100)]


class Annotation(Record):
    """A note on the time line: of an instant, or of a while if it has `ends_at`. Without `scope` it
    concerns everything. It may lie up to a year ahead."""

    starts_at: UtcDatetime
    text: Annotated[str, Meta(min_length=1, max_length=4_000)]
    source_updated_at: UtcDatetime | None = None
    ends_at: UtcDatetime | None = None
    kind: AnnotationKind = AnnotationKind.other
    scope: Annotated[list[AnnotationScope], Meta(max_length=20)] = []
    custom: Custom = {}
    deleted: bool = False


def check_end(annotation: Annotation) -> tuple[str, str, str] | None:
    ends_at: datetime | None = annotation.ends_at
    if ends_at is None or ends_at >= annotation.starts_at:
        return None
    return "/ends_at", "out_of_range", "The end is before the start."


def check_scope(annotation: Annotation) -> tuple[str, str, str] | None:
    seen: set[str] = set()
    for index, each in enumerate(annotation.scope):
        if each.dimension in seen:
            where = f"/scope/{index}/dimension"
            return where, "invalid_value", "The dimension is there twice."
        seen.add(each.dimension)
    return None


def annotation_row(annotation: Annotation, _lookup: Lookup) -> tuple[object, ...]:
    return annotation.starts_at, annotation.ends_at


ANNOTATIONS = RecordKind(
    name="annotations",
    table=annotations.name,
    item=Annotation,
    columns=(Column("starts_at", "timestamptz"), Column("ends_at", "timestamptz")),
    row=annotation_row,
    instants=("starts_at", "ends_at"),
    planned=("starts_at", "ends_at"),
    checks=(check_end, check_scope),
    lasting=("starts_at", "ends_at"),
)

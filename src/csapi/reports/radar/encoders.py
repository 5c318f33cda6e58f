"""The radar as a table: the same findings and numbers as in JSON."""

from collections.abc import Iterator
from typing import Any

from csapi.kit.http import Response
from csapi.kit.language import Language
from csapi.reports.drivers.encoders import padded
from csapi.reports.encoders import table_or_json, value_cells, value_header
from csapi.reports.layouts import DimensionValue
from csapi.reports.radar.schemas import (
    Radar,
    RadarTerm,
    RadarTopic,
    Surprise,
    Untagged,
)
from csapi.reports.schemas import MetricValue, RecordRef

TABLE_FORM = (
    "A line for each finding, then untagged and totals: `row` (its kind, renamed, untagged or "
    "totals), topic or term, label, departments, `contacts` (of terms records) and `customers`, "
    "share, what they are held against, when it was first seen, what the knowledge base has, and "
    "examples as resource/id."
)
VALUE = value_header(with_intervals=True)
SURPRISE = (
    "expected", "ratio", "ratio_ci95.low", "ratio_ci95.high", "p_value", "p_adjusted", "dispersion",
    "is_seasonal",
)  # fmt: skip
HEADER = [
    *("row", "topic", "term", "label", "departments"),
    *(f"contacts{part}" for part in VALUE),
    "share",
    *(f"customers{part}" for part in VALUE),
    *SURPRISE,
    *("first_seen_at", "silent_days", "articles", "zero_result_searches", "also", "examples"),
]


def encoded_radar(found: Radar, accept: str | None, language: Language) -> Response:
    return table_or_json(found, lines(found), accept, language)


def lines(found: Radar) -> Iterator[list[Any]]:
    yield HEADER
    for topic in (*found.new_topics, *found.risen_topics):
        yield topic_line(topic)
    for term in found.emerging_terms:
        yield term_line(term)
    for each in found.renamed_topics:
        cells = ["renamed", each.topic, None, each.label, None, each.contacts]
        yield [*padded(cells, len(HEADER) - 2), " / ".join(each.was), None]
    yield untagged_line(found.untagged)
    totals = ["totals", *[None] * 4, *number(found.contacts), None, *number(found.customers)]
    yield padded(totals, len(HEADER))


def number(value: MetricValue) -> list[Any]:
    return padded(value_cells(value), len(VALUE))


def surprise(found: Surprise | None) -> list[Any]:
    if found is None:
        return [None] * len(SURPRISE)
    return [
        *(found.expected, found.ratio, *found.ratio_ci95),
        *(found.p_value, found.p_adjusted, found.dispersion, found.is_seasonal),
    ]


def listed(departments: list[DimensionValue]) -> str | None:
    return " / ".join(each.key or "" for each in departments) or None


def refs(records: list[RecordRef]) -> str | None:
    return " ".join(f"{each.resource}/{each.id}" for each in records) or None


def topic_line(each: RadarTopic) -> list[Any]:
    gap = each.knowledge_base
    return [
        *(each.kind.value, each.topic, None, each.label, listed(each.departments)),
        *(*number(each.contacts), each.share, *number(each.customers), *surprise(each.surprise)),
        *(each.first_seen_at, each.silent_days, gap.articles, gap.zero_result_searches),
        *(None, refs(each.examples)),
    ]


def term_line(each: RadarTerm) -> list[Any]:
    gap, blank = each.knowledge_base, [None] * (len(VALUE) - 1)
    return [
        *(each.kind.value, None, each.term, None, listed(each.departments)),
        *(each.records, *blank, None, each.customers, *blank, *surprise(each.surprise)),
        *(each.first_seen_at, None, gap.articles, gap.zero_result_searches),
        *(" / ".join(each.also) or None, refs(each.examples)),
    ]


def untagged_line(each: Untagged) -> list[Any]:
    cells = ["untagged", *[None] * 4, *number(each.contacts), each.share, *number(each.customers)]
    return padded([*cells, *surprise(each.surprise)], len(HEADER))

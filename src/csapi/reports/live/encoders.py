"""What is going on now as a table: the same numbers as in JSON, a line for each."""

from collections.abc import Iterator, Mapping
from typing import Any

from csapi.kit.http import Response
from csapi.kit.language import Language
from csapi.reports.encoders import table_or_json, value_cells, value_header
from csapi.reports.live.schemas import LiveReport
from csapi.reports.schemas import MetricValue

LIVE_FORM = (
    "The numbers as a table, a line each: `part` (today, now, queues, channels, types, agents), "
    "`member` and its `label`, `metric`, and the value with its parts. Of agents in a state "
    "`value` is how many they are."
)
VALUE = [name.removeprefix(".") or "value" for name in value_header(with_intervals=False)]


def encoded_live(found: LiveReport, accept: str | None, language: Language) -> Response:
    return table_or_json(found, live_lines(found), accept, language)


def live_lines(found: LiveReport) -> Iterator[list[Any]]:
    yield ["part", "member", "label", "metric", *VALUE]
    yield from lines_of("today", None, None, found.today)
    yield from lines_of("now", None, None, found.now)
    parts = {"queues": found.queues, "channels": found.channels, "types": found.types}
    for part, rows in parts.items():
        for row in rows:
            yield from lines_of(part, row.member.key, row.member.label, row.metrics)
    rest = [None] * (len(VALUE) - 1)
    for each in found.agents:
        yield ["agents", each.state, each.label, "agents", each.agents, *rest]


def lines_of(
    part: str, member: str | None, label: str | None, metrics: Mapping[str, MetricValue]
) -> Iterator[list[Any]]:
    for name, cell in metrics.items():
        yield [part, member, label, name, *value_cells(cell)]

"""Staffing as tables: the same rows and numbers as in JSON."""

from collections.abc import Iterator
from typing import Any

from msgspec.structs import asdict

from csapi.kit.http import Response
from csapi.kit.language import Language
from csapi.reports.drivers.encoders import padded
from csapi.reports.encoders import table_or_json
from csapi.reports.schemas import MetricValue
from csapi.reports.staffing.diagnosis_schemas import Diagnosis
from csapi.reports.staffing.forecast_schemas import Forecast
from csapi.reports.staffing.schemas import StaffingResult, StaffingTotal
from csapi.reports.staffing.what_if_schemas import WhatIfAnswer, WhatIfTotals

WHAT_IF_FORM = (
    "A line for each interval of each channel, then its totals: `row` (data, totals, baseline), "
    "`channel`, `day`, `from`, `to`, `occurrences`, arrivals and handle time with their n and "
    "source, load, what is required and who is present, each with what comes of it, and who is "
    "missing. Of totals `agents` are hours and `paid_agents` paid hours."
)
FORECAST_FORM = (
    "A line for each interval: `date`, `events`, `start`, `end`, what is expected with both bands, "
    "load and who is required."
)
DIAGNOSIS_FORM = (
    "Lines of several kinds, by `row`: verdict, finding (value and threshold), interval, agent and "
    "hour (of the busiest), each with the columns that it has."
)
RESULT, TOTAL = StaffingResult.__struct_fields__, StaffingTotal.__struct_fields__
# A total by the columns of a result.
AS_RESULT = {"agents": "hours", "paid_agents": "paid_hours"}
WHAT_IF_HEADER = [
    *("row", "channel", "day", "from", "to", "occurrences"),
    *("arrivals", "arrivals.n", "arrivals.source"),
    *("handle_seconds", "handle_seconds.n", "handle_seconds.source", "offered_load"),
    *(f"required.{name}" for name in RESULT),
    *(f"present.{name}" for name in RESULT),
    "missing",
]
FORECAST_HEADER = [
    *("date", "events", "start", "end", "expected", "band80.low", "band80.high", "band95.low"),
    *("band95.high", "offered_load", "required_agents", "required_agents_high"),
]
DIAGNOSIS_HEADER = [
    *("row", "name", "label", "holds", "value", "threshold", "day", "from", "to", "occurrences"),
    *("contacts", "required_agents", "present_agents", "under_share", "present_hours"),
    *("handling_hours", "occupancy", "contacts_per_hour", "offered_load"),
    *("average_speed_of_answer", "service_level"),
]


def encoded_what_if(found: WhatIfAnswer, accept: str | None, language: Language) -> Response:
    return table_or_json(found, what_if_lines(found), accept, language)


def encoded_forecast(found: Forecast, accept: str | None, language: Language) -> Response:
    return table_or_json(found, forecast_lines(found), accept, language)


def encoded_diagnosis(found: Diagnosis, accept: str | None, language: Language) -> Response:
    return table_or_json(found, diagnosis_lines(found), accept, language)


def what_if_lines(found: WhatIfAnswer) -> Iterator[list[Any]]:
    yield WHAT_IF_HEADER
    for channel in found.channels:
        for each in channel.intervals:
            yield [
                *("data", channel.channel, each.day, each.from_, each.to, each.occurrences),
                *asdict(each.arrivals).values(),
                *asdict(each.handle_seconds).values(),
                each.offered_load,
                *asdict(each.required).values(),
                *asdict(each.present).values(),
                each.missing,
            ]
        yield totals_line("totals", channel.channel, channel.totals)
        if channel.baseline is not None:
            yield totals_line("baseline", channel.channel, channel.baseline)


def totals_line(row: str, channel: str, totals: WhatIfTotals) -> list[Any]:
    cells = [row, channel, None, None, None, None, totals.contacts, *[None] * 6]
    for total in (totals.required, totals.present):
        values = asdict(total)
        cells += [values.get(AS_RESULT.get(name, name)) for name in RESULT]
    return padded(cells, len(WHAT_IF_HEADER))


def forecast_lines(found: Forecast) -> Iterator[list[Any]]:
    yield FORECAST_HEADER
    for day in found.data:
        events = " / ".join(day.events) or None
        for each in day.intervals:
            yield [
                *(day.date, events, each.start, each.end, each.expected),
                *(each.band80 or (None, None)),
                *(each.band95 or (None, None)),
                *(each.offered_load, each.required_agents, each.required_agents_high),
            ]


def line(**cells: Any) -> list[Any]:
    """The cells that a kind of line has, by the names of their columns."""
    return [cells.get(name) for name in DIAGNOSIS_HEADER]


def number(value: MetricValue | None) -> float | None:
    return None if value is None else value.value


def diagnosis_lines(found: Diagnosis) -> Iterator[list[Any]]:
    yield DIAGNOSIS_HEADER
    yield line(row="verdict", name=found.verdict, label=" / ".join(found.cannot_tell) or None)
    for finding in found.findings:
        yield line(
            row="finding",
            name=finding.verdict,
            holds=finding.holds,
            value=finding.value,
            threshold=finding.threshold,
        )
    for each in found.intervals:
        own = asdict(each)
        yield line(row="interval", **{"from": own.pop("from_")}, **own)
    for agent in found.load.data:
        own = asdict(agent)
        member = own.pop("agent")
        yield line(row="agent", name=member.key, label=member.label, **own)
    for hour in found.busiest_hours:
        own = asdict(hour) | {"contacts": hour.contacts.value}
        own["average_speed_of_answer"] = number(hour.average_speed_of_answer)
        own["service_level"] = number(hour.service_level)
        yield line(row="hour", **{"from": own.pop("from_")}, **own)

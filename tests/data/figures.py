"""Which question to the API gives which figure of the references.

A figure is a metric, its parameters, and the part of the answer that the reference prints.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

Cell = Mapping[str, Any]
Figures = Mapping[str, "Figure"]

PRINTED = 0.5e-4 + 1e-9
SETTLED_SECONDS = 180


@dataclass(frozen=True)
class Figure:
    """A metric request, and how its cell is printed."""

    metric: Mapping[str, Any]
    read: Callable[[Cell], Any]


def value(cell: Cell) -> Any:
    return cell["value"]


def percent(cell: Cell) -> Any:
    return None if cell["value"] is None else cell["value"] * 100


def numerator(cell: Cell) -> Any:
    return cell["numerator"]


def n(cell: Cell) -> Any:
    return cell["n"]


def minutes(read: Callable[[Cell], Any]) -> Callable[[Cell], Any]:
    return lambda cell: None if read(cell) is None else read(cell) / 60


def negatives(cell: Cell) -> Any:
    return cell["excluded"]["negative_duration"]


def metric(name: str, agg: str | None = None, **params: Any) -> dict[str, Any]:
    return {"id": name, "agg": agg, "params": params}


def service_level(seconds: int, variant: str) -> dict[str, Any]:
    return metric("service_level", threshold_seconds=seconds, variant=variant)


CALLS: Figures = {
    "offered": Figure(metric("calls_offered"), value),
    "answered": Figure(metric("calls_answered"), value),
    "abandoned": Figure(metric("calls_abandoned"), value),
    "abandonment_pct": Figure(metric("abandonment_rate", include_short=True), percent),
    "asa_s": Figure(metric("average_speed_of_answer"), value),
    "asa_sum_s": Figure(metric("average_speed_of_answer"), numerator),
    "sl20_of_offered_pct": Figure(service_level(20, "all_abandons_missed"), percent),
    "sl30_of_offered_pct": Figure(service_level(30, "all_abandons_missed"), percent),
}

PWC: Figures = {
    **CALLS,
    "resolved": Figure(metric("calls_resolved"), value),
    "resolved_pct_of_offered": Figure(metric("resolution_rate", of="offered"), percent),
    "resolved_pct_of_answered": Figure(metric("resolution_rate", of="answered"), percent),
    "sl60_of_offered_pct": Figure(service_level(60, "all_abandons_missed"), percent),
    "talk_mean_s": Figure(metric("average_talk_time"), value),
    "talk_sum_s": Figure(metric("average_talk_time"), numerator),
    "ratings": Figure(metric("feedback_responses"), value),
    "csat_mean": Figure(metric("rating_average"), value),
    "csat_top2": Figure(metric("csat_score"), numerator),
    "csat_top2_pct": Figure(metric("csat_score"), percent),
}

QUEUED_ONLY = metric("average_speed_of_answer", queued_only=True)
SERVICE = metric("average_talk_time")

BANK: Figures = {
    **CALLS,
    "asa_queued_only_s": Figure(QUEUED_ONLY, value),
    "queued_answered": Figure(QUEUED_ONLY, n),
    "mean_wait_of_abandoned_s": Figure(metric("average_abandon_time"), value),
    "answered_within_20s": Figure(service_level(20, "all_abandons_missed"), numerator),
    "sl20_of_answered_pct": Figure(service_level(20, "answered_only"), percent),
    "answered_within_30s": Figure(service_level(30, "all_abandons_missed"), numerator),
    "abandoned_under_5s": Figure(metric("calls_short_abandoned", short_abandon_seconds=5), value),
    "sl20_excl_short_abandons_pct": Figure(service_level(20, "short_abandons_excluded"), percent),
    "abandonment_excl_short_pct": Figure(metric("abandonment_rate"), percent),
    "service_mean_s": Figure(SERVICE, value),
    "service_sum_s": Figure(SERVICE, numerator),
    "service_mean_nonzero_s": Figure(metric("average_talk_time", exclude_zero=True), value),
    "service_median_s": Figure(metric("average_talk_time", agg="p50"), value),
    "service_p90_s": Figure(metric("average_talk_time", agg="p90"), value),
}

RESPONSE = metric("first_response_time")

SHOPZILLA: Figures = {
    "tickets": Figure(metric("tickets_created"), value),
    "negative_response": Figure(RESPONSE, negatives),
    "resp_mean_min_nonneg": Figure(RESPONSE, minutes(value)),
    "resp_sum_min_nonneg": Figure(RESPONSE, minutes(numerator)),
    "resp_median_min_nonneg": Figure(metric("first_response_time", agg="p50"), minutes(value)),
    "resp_p90_min_nonneg": Figure(metric("first_response_time", agg="p90"), minutes(value)),
    "resp_mean_min_all": Figure(
        metric("first_response_time", include_negative=True), minutes(value)
    ),
    "within_60min_pct_of_nonneg": Figure(
        metric("first_response_within_rate", threshold_seconds=3600), percent
    ),
    "csat_mean": Figure(metric("rating_average"), value),
    "csat_top2": Figure(metric("csat_score"), numerator),
    "csat_top2_pct": Figure(metric("csat_score"), percent),
    "csat_bottom2": Figure(metric("csat_bottom_2_box"), numerator),
}


@dataclass(frozen=True)
class Source:
    """One data set in the API: where to ask, over which days, in which zone."""

    http: httpx.Client
    start: str
    end: str
    timezone: str

    def ask(
        self, metrics: Sequence[Mapping[str, Any]], dimension: str | None = None
    ) -> list[dict[str, Any]]:
        """All rows of a question, over as many pages as there are."""
        body: dict[str, Any] = {
            "metrics": metrics,
            "time": {
                "range": {"from": self.start, "to": self.end},
                "timezone": self.timezone,
            },
            "dimensions": [] if dimension is None else [dimension],
            "limit": 1000,
        }
        rows: list[dict[str, Any]] = []
        while True:
            answer = self.settled(body)
            rows += answer["data"]
            if answer["page"]["next_cursor"] is None:
                return rows
            body["cursor"] = answer["page"]["next_cursor"]

    def settled(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """An exact answer: what changes many records at once is worked off in the background."""
        deadline = time.monotonic() + SETTLED_SECONDS
        while True:
            response = self.http.post("/v1/query", json=body)
            assert response.status_code == 200, response.text
            answer: dict[str, Any] = response.json()
            if answer["meta"]["exact"]:
                return answer
            assert time.monotonic() < deadline, answer["meta"]
            time.sleep(0.5)

    def table(self, figures: Figures, dimension: str | None = None) -> dict[Any, dict[str, Any]]:
        """Each group's figures as the reference names them; without a dimension the key is None."""
        metrics = [{**figure.metric, "as": name} for name, figure in figures.items()]
        answer: dict[Any, dict[str, Any]] = {}
        for start in range(0, len(metrics), 10):
            for row in self.ask(metrics[start : start + 10], dimension):
                key = row["dimensions"][dimension]["key"] if dimension else None
                cells = answer.setdefault(key, {})
                for name, cell in row["metrics"].items():
                    cells[name] = figures[name].read(cell)
        return answer


def differences(expected: Mapping[str, Any], got: Mapping[str, Any], where: str) -> list[str]:
    """Every figure of the reference that the answer does not match to the printed digits."""
    found = []
    for name, want in expected.items():
        if name not in got:
            continue
        have = got[name]
        same = have is want if want is None or have is None else abs(have - want) < PRINTED
        if not same:
            found.append(f"{where} {name}: {have!r}, reference {want!r}")
    return found

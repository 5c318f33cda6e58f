"""Goals as tables: the same numbers as in JSON, a line for each goal, or for each point."""

from collections.abc import Iterator
from typing import Any

from csapi.reports.encoders import value_cells, value_header
from csapi.reports.goals.schemas import GoalList, GoalProgress

GOALS_FORM = (
    "A line for each goal: what it is, where it is, and the current value with its parts. "
    "Milestones and queries are in JSON alone."
)
PROGRESS_FORM = "A line for each category: its instants, the value with its n, and the plan."
ABOUT = ("title", "owner", "metric", "starts_on", "due_on", "window_days", "target")
STATE = (
    "status", "reason", "direction", "baseline", "gap", "progress", "planned", "days_left",
)  # fmt: skip
LEADS = ("value", "reason", "reaches_on", "reaches_from", "reaches_until", "reaches_reason")


def goal_lines(found: GoalList) -> Iterator[list[Any]]:
    value = [name.removeprefix(".") or "value" for name in value_header(with_intervals=False)]
    yield [
        "id", *ABOUT, *STATE, "required_pace.per_day", "pace.per_day",
        *(f"projection.{name}" for name in LEADS), "projection.value.ci95.low",
        "projection.value.ci95.high", *(f"current.{name}" for name in value),
    ]  # fmt: skip
    for each in found.data:
        goal, state, leads = each.goal, each.state, each.state.projection
        needed, pace = state.required_pace, leads.pace
        cells = [None] * len(value)
        if state.current is not None:
            cells = value_cells(state.current.value)
        yield [
            each.id,
            *(goal.metric.id if name == "metric" else getattr(goal, name) for name in ABOUT),
            *(getattr(state, name) for name in STATE),
            None if needed is None else needed.per_day,
            None if pace is None else pace.per_day,
            *(getattr(leads, name) for name in LEADS),
            *(leads.value_ci95 or (None, None)),
            *cells,
        ]


def progress_lines(found: GoalProgress) -> Iterator[list[Any]]:
    yield ["day", "start", "end", "value", "n", "planned"]
    seen, planned = found.series
    for place, each in enumerate(found.categories):
        yield [
            each.key, each.start, each.end, seen.values[place], seen.n[place],
            planned.values[place],
        ]  # fmt: skip

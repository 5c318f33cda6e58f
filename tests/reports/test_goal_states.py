"""The published rule of a goal's status, on numbers without a database."""

from datetime import date, timedelta
from typing import Any

import pytest

from csapi.metrics.metric import Direction, Unit
from csapi.reports.comparison import Excluded
from csapi.reports.goals.matching import match_of
from csapi.reports.goals.schemas import (
    GoalDirection,
    GoalReason,
    GoalRequest,
    GoalStatus,
    MilestoneState,
)
from csapi.reports.goals.states import (
    Span,
    Weeks,
    direction_of,
    milestone_state,
    projection_of,
    status_of,
)
from csapi.reports.layouts import Precision
from csapi.reports.schemas import FilterNode, FilterOp, MetricRequest, MetricValue

MONDAY = date(2026, 1, 5)
DUE = date(2026, 3, 29)


def goal(**more: Any) -> GoalRequest:
    fields: dict[str, Any] = {
        "title": "up", "metric": MetricRequest(id="rating_average"), "target": 4.5,
        "baseline": 4.0, "starts_on": MONDAY, "due_on": DUE, "window_days": 28,
    }  # fmt: skip
    return GoalRequest(**(fields | more))


def mean(value: float | None, n: int = 100) -> MetricValue:
    return MetricValue(
        value=value, n=n, numerator=None, denominator=float(n), null_reason=None,
        precision=Precision.exact, relative_error=None, excluded=Excluded(negative_duration=0),
    )  # fmt: skip


def weeks(span: Span, *values: float, scale: float | None = 1.0) -> Weeks:
    days = [MONDAY + timedelta(weeks=number) for number in range(len(values))]
    pairs = [(day, mean(value)) for day, value in zip(days, values, strict=True)]
    return Weeks(span, Unit.SCORE, scale, pairs)


def told(
    current: float | None, *values: float, today: date = MONDAY + timedelta(weeks=6), n: int = 100
) -> tuple[GoalStatus, GoalReason | None]:
    span = Span(goal(), today)
    projection = projection_of(weeks(span, *values), GoalDirection.up)
    return status_of(span, mean(current, n), GoalDirection.up, projection)


RISING = (4.02, 4.1, 4.13, 4.21, 4.24, 4.3)
SLOW = (4.0, 4.12, 3.98, 4.16, 4.05, 4.15)
FLAT = (4.0, 4.01, 4.0, 4.01, 4.0, 4.01)


@pytest.mark.parametrize(
    ("current", "values", "today", "status", "reason"),
    [
        (4.2, RISING, MONDAY - timedelta(days=1), GoalStatus.not_started, None),
        (4.2, RISING, MONDAY + timedelta(weeks=6), GoalStatus.on_track, None),
        (4.1, SLOW, MONDAY + timedelta(weeks=6), GoalStatus.at_risk, None),
        (4.0, FLAT, MONDAY + timedelta(weeks=6), GoalStatus.off_track, None),
        (4.5, FLAT, MONDAY + timedelta(weeks=6), GoalStatus.reached, None),
        (4.5, RISING, DUE + timedelta(days=1), GoalStatus.reached, None),
        (4.49, RISING, DUE + timedelta(days=1), GoalStatus.missed, None),
        (4.49, RISING, DUE, GoalStatus.on_track, None),
        (
            4.2, RISING[:3], MONDAY + timedelta(weeks=3), GoalStatus.cannot_tell,
            GoalReason.too_few_points,
        ),
        (
            None, RISING, MONDAY + timedelta(weeks=6), GoalStatus.cannot_tell,
            GoalReason.no_value,
        ),
    ],
)  # fmt: skip
def test_the_first_that_holds(
    current: float | None, values: tuple[float, ...], today: date, status: GoalStatus,
    reason: GoalReason | None,
) -> None:  # fmt: skip
    assert told(current, *values, today=today) == (status, reason)


def test_a_value_of_few_tells_nothing() -> None:
    assert told(4.6, *RISING, n=19) == (GoalStatus.cannot_tell, GoalReason.too_few)


def test_where_the_trend_leads() -> None:
    """A line that is exactly 4 + 0.005 a day. The window that ends on the due date has its middle
    70 days after the start; the one whose middle is at 100 days ends on day 114, not included."""
    span = Span(goal(), MONDAY + timedelta(weeks=6))
    exact = [4 + 0.005 * (7 * number + 3.5) for number in range(6)]
    found = projection_of(weeks(span, *exact), GoalDirection.up)
    assert found.value == pytest.approx(4.35)
    assert found.pace is not None
    assert found.pace.per_week == pytest.approx(0.035)
    assert found.reaches_on in {MONDAY + timedelta(days=day) for day in (113, 114)}
    assert found.reaches_from is not None
    assert found.reaches_until is not None
    assert found.reaches_from <= found.reaches_on <= found.reaches_until


def test_a_trend_that_leads_away_or_nowhere_has_no_day() -> None:
    span = Span(goal(), MONDAY + timedelta(weeks=6))
    falling = projection_of(weeks(span, *(5 - each / 10 for each in RISING)), GoalDirection.up)
    steep = projection_of(weeks(span, 4.9, 4.7, 4.5, 4.3, 4.1, 3.9), GoalDirection.up)
    assert steep.reaches_reason is GoalReason.adverse
    assert falling.reaches_on is None
    flat = projection_of(weeks(span, *FLAT), GoalDirection.up)
    assert (flat.reaches_on, flat.reaches_reason) == (None, GoalReason.flat)
    none = projection_of(weeks(span, *RISING, scale=None), GoalDirection.up)
    assert none.reason is GoalReason.not_additive


def test_a_projection_stays_within_what_can_be() -> None:
    span = Span(goal(target=0.99, baseline=0.5), MONDAY + timedelta(weeks=6))
    pairs = [(MONDAY + timedelta(weeks=n), mean(0.5 + 0.09 * n)) for n in range(6)]
    found = projection_of(Weeks(span, Unit.SHARE, 1.0, pairs), GoalDirection.up)
    assert found.value == 1.0
    assert found.value_ci95 is not None
    assert max(found.value_ci95) <= 1.0


def test_which_way_is_up() -> None:
    assert direction_of(Direction.lower_is_better, None, 10) is GoalDirection.down
    assert direction_of(Direction.neutral, 5, 10) is GoalDirection.up
    assert direction_of(Direction.neutral, None, 10) is None


def test_milestones() -> None:
    def state(seen: float | None, *, is_due: bool) -> MilestoneState:
        return milestone_state(4.25, mean(seen), GoalDirection.up, is_due=is_due)

    assert state(4.3, is_due=False) is MilestoneState.reached
    assert state(4.2, is_due=False) is MilestoneState.open
    assert state(4.2, is_due=True) is MilestoneState.missed
    assert state(None, is_due=True) is MilestoneState.cannot_tell


def test_weeks_are_whole_and_the_latest() -> None:
    start = date(2026, 1, 7)
    early = Span(goal(starts_on=start), date(2026, 1, 14))
    assert early.weeks[0] == early.weeks[1]
    span = Span(goal(starts_on=start), date(2026, 1, 29))
    assert span.weeks == (date(2026, 1, 12), date(2026, 1, 26))
    long = Span(goal(due_on=date(2027, 3, 1)), date(2027, 1, 4))
    assert (long.weeks[1] - long.weeks[0]).days == 26 * 7


def test_what_is_about_the_same() -> None:
    def only(*values: str, name: str = "team") -> FilterNode:
        return FilterNode(dimension=name, op=FilterOp.is_in, values=list(values))

    metric = MetricRequest(id="csat_score")
    one = match_of(metric, only("b", "a"))
    assert one == match_of(MetricRequest(id="csat_score", agg="avg"), only("a", "b", "a"))
    assert one == match_of(metric, FilterNode(and_=[FilterNode(and_=[only("a", "b")])]))
    both = FilterNode(and_=[only("a"), only("x", name="inbox")])
    turned = FilterNode(and_=[only("x", name="inbox"), only("a")])
    assert match_of(metric, both) == match_of(metric, turned)
    others = [
        match_of(metric, None),
        match_of(metric, only("a")),
        match_of(metric, FilterNode(not_=only("a", "b"))),
        match_of(MetricRequest(id="csat_score", agg="sum"), only("a", "b")),
        match_of(MetricRequest(id="csat_score", params={"x": 1}), only("a", "b")),
    ]
    assert len({one, *others}) == 6

"""A goal over time: its windows one after another, and the straight line beside them."""

from datetime import date, timedelta
from uuid import UUID

from csapi.metrics.metric import Unit
from csapi.metrics.periods import Period
from csapi.metrics.zones import day_start, local_date
from csapi.reports.goals.reading import Look, known_value
from csapi.reports.goals.schemas import MOST_PROGRESS_POINTS, GoalProgress, GoalRequest
from csapi.reports.goals.states import WEEK, Span
from csapi.reports.layouts import DimensionValue, Precision, Series
from csapi.reports.service import Snapshot
from csapi.reports.surroundings import annotations_of
from csapi.reports.windows import Seeing

# What the lines are called by programs; people see the title and the label of the metric.
VALUE, PLANNED = "value", "planned"


def ends_of(span: Span) -> list[date]:
    """Where the windows of the points end: the start, then every week or every few, the present,
    and the due date."""
    first, last = span.goal.starts_on, span.deadline
    weeks = -(-(last - first).days // WEEK)
    step = timedelta(weeks=-(-weeks // (MOST_PROGRESS_POINTS - 3)))
    ends = {first, last}
    day = first + step
    while day < last:
        ends.add(day)
        day += step
    if first <= span.end <= last:
        ends.add(span.end)
    return sorted(ends)


def category(zone: str, goal: GoalRequest, end: date) -> DimensionValue:
    """A window by its last day."""
    last = (end - timedelta(days=1)).isoformat()
    start = day_start(zone, end - timedelta(days=goal.window_days))
    return DimensionValue(key=last, label=last, start=start, end=day_start(zone, end))


async def progress_of(snapshot: Snapshot, goal_id: UUID, goal: GoalRequest) -> GoalProgress:
    zone, seeing = snapshot.desk.timezone, Seeing(snapshot)
    look = Look(goal, local_date(zone, snapshot.desk.now))
    ends = ends_of(look.span)
    seen_ends = [end for end in ends if end <= look.span.end]
    windows = [look.window(end) for end in seen_ends]
    extra = [] if look.before is None else [look.before]
    await seeing.read([*windows, *extra, look.current])
    measured = None if look.before is None else known_value(seeing.value_of(look.before))
    baseline = measured if goal.baseline is None else goal.baseline
    column = seeing.of(look.current).column
    period = Period(day_start(zone, goal.starts_on), day_start(zone, look.span.deadline), zone)
    connection, tenant_id = snapshot.connection, snapshot.desk.tenant_id
    annotations = await annotations_of(connection, tenant_id, period, goal.filters)
    cells = [seeing.of(window).value for window in windows]
    ahead = len(ends) - len(cells)
    unit = Unit.COUNT if column is None else column.unit
    is_exact = all(each is None or each.precision is Precision.exact for each in cells)

    def series(key: str, values: list[float | None], n: list[int], precision: Precision) -> Series:
        return Series(
            key=key,
            label=key if column is None else column.label,
            metric=goal.metric.id,
            unit=unit,
            dimensions={},
            is_other=False,
            precision=precision,
            values=values,
            n=n,
        )

    return GoalProgress(
        id=str(goal_id),
        title=goal.title,
        target=goal.target,
        baseline=baseline,
        column=column,
        categories=[category(zone, goal, end) for end in ends],
        series=[
            series(
                VALUE,
                [*(None if each is None else each.value for each in cells), *[None] * ahead],
                [*(0 if each is None else each.n for each in cells), *[0] * ahead],
                Precision.exact if is_exact else Precision.approximate,
            ),
            series(
                PLANNED,
                [look.span.planned(end, baseline) for end in ends],
                [0] * len(ends),
                Precision.exact,
            ),
        ],
        annotations=annotations,
        meta=seeing.meta,
    )

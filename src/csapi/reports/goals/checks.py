"""What is wrong with a goal, by its places."""

from csapi.kit.problems import Problem
from csapi.metrics.catalog import METRICS
from csapi.metrics.metric import Metric, Unit
from csapi.metrics.zones import local_date
from csapi.reports.checks_of_rows import check_rows
from csapi.reports.goals.reading import Look
from csapi.reports.goals.schemas import LONGEST_GOAL_DAYS, GoalDirection, GoalRequest
from csapi.reports.goals.states import bounds_of, direction_of, is_there
from csapi.reports.refusals import moved, refuse
from csapi.reports.service import Desk, Snapshot, resolved, snapshot_of
from csapi.reports.windows import Window

FIRST_YEAR, LAST_YEAR = 1990, 2190


async def check_metric(snapshot: Snapshot, window: Window) -> Metric:
    """The metric of a window that could be asked for. Raises Problem with the places that are
    wrong, below /metric and /filters."""
    if window.metric.as_ is not None:
        refuse("/metric/as", "not_supported", "It needs no name of its own.")
    try:
        question = (await resolved(snapshot, window.query)).question
        check_rows(window.query, question)
    except Problem as problem:
        raise at_metric(problem) from None
    (asked,) = question.metrics
    return asked.metric


def at_metric(problem: Problem) -> Problem:
    """With places of the query as those of what it is made from."""
    return moved(problem, lambda pointer: pointer.replace("/metrics/0", "/metric", 1))


async def check_goal(desk: Desk, goal: GoalRequest) -> None:
    """Raises Problem."""
    check_days(goal)
    async with snapshot_of(desk) as snapshot:
        today = local_date(desk.timezone, desk.now)
        metric = await check_metric(snapshot, Look(goal, today).current)
    for name, value in (("target", goal.target), ("baseline", goal.baseline)):
        low, high = bounds_of(metric.unit)
        # Differences of counts can be below 0, and formulas of one's own anywhere.
        is_bounded = metric.unit in (Unit.SHARE, Unit.POINTS) and metric.id in METRICS
        if is_bounded and value is not None and not low <= value <= high:
            message = f"Values of {metric.id} lie between {low:g} and {high:g}."
            refuse(f"/{name}", "out_of_range", message)
    if goal.baseline == goal.target:
        refuse("/target", "invalid_value", "It is where it starts from.")
    direction = direction_of(metric.direction, goal.baseline, goal.target)
    start = goal.baseline
    if direction is not None and start is not None and is_there(start, goal.target, direction):
        better = metric.direction.replace("_", " ")
        message = f"It lies the wrong way from the baseline: of {metric.id} {better}."
        refuse("/target", "invalid_value", message)
    check_milestones(goal, direction)


def check_days(goal: GoalRequest) -> None:
    for name, day in (("starts_on", goal.starts_on), ("due_on", goal.due_on)):
        if not FIRST_YEAR <= day.year <= LAST_YEAR:
            refuse(f"/{name}", "out_of_range", f"Between the years {FIRST_YEAR} and {LAST_YEAR}.")
    if goal.due_on <= goal.starts_on:
        refuse("/due_on", "out_of_range", "It is later than `starts_on`.")
    if (goal.due_on - goal.starts_on).days > LONGEST_GOAL_DAYS:
        refuse("/due_on", "out_of_range", f"At most {LONGEST_GOAL_DAYS:,} days after the start.")


def check_milestones(goal: GoalRequest, direction: GoalDirection | None) -> None:
    day, value = goal.starts_on, goal.baseline
    for number, each in enumerate(goal.milestones):
        where = f"/milestones/{number}"
        if not day < each.due_on <= goal.due_on:
            message = "Milestones come one after another, after the start and up to the due date."
            refuse(f"{where}/due_on", "out_of_range", message)
        if direction is not None:
            is_back = value is not None and is_there(value, each.value, direction)
            is_beyond = is_there(each.value, goal.target, direction) and each.value != goal.target
            if is_back or is_beyond:
                message = (
                    "Each lies further on the way from baseline to target than the one before."
                )
                refuse(f"{where}/value", "invalid_value", message)
        day, value = each.due_on, each.value

"""What a plan is to change, as questions to the engine."""

from csapi.kit.problems import Problem
from csapi.metrics.periods import RangePreset
from csapi.reports.comparison import CompareTo
from csapi.reports.goals.checks import at_metric
from csapi.reports.plans.schemas import ComparedWith, PlanAim
from csapi.reports.refusals import refuse, within
from csapi.reports.saved import check_query
from csapi.reports.schemas import CompareRequest, Query, QueryTime, TimeRange
from csapi.reports.service import Desk

COMPARED = {ComparedWith.rest: CompareTo.rest, ComparedWith.segment: CompareTo.segment}
SOMETIME = QueryTime(range=TimeRange(preset=RangePreset.last_30_days))


def query_of_aim(aim: PlanAim, time: QueryTime = SOMETIME) -> Query:
    """The metric of the records that a plan is about, with those that it is held against."""
    compare = None
    if (to := COMPARED.get(aim.compare.to)) is not None:
        compare = CompareRequest(to=to, filters=aim.compare.filters)
    return Query(metrics=[aim.metric], time=time, filters=aim.filters, compare=compare)


async def check_aim(desk: Desk, aim: PlanAim) -> None:
    """Whether it could be asked now. Raises Problem with the places that are wrong."""
    if aim.compare.to is ComparedWith.seasonal and aim.compare.filters is not None:
        refuse("/aim/compare/filters", "not_supported", "`filters` belong to `to: segment`.")
    if aim.compare.to is ComparedWith.rest and aim.filters is None:
        refuse("/aim/filters", "required", "Without filters there is no rest.")
    try:
        await check_query(desk, query_of_aim(aim))
    except Problem as problem:
        raise in_aim(problem) from None


def in_aim(problem: Problem) -> Problem:
    """A problem of the query is one of the aim."""
    return within(at_metric(problem), "/aim")

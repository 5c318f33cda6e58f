"""The time line of annotations, and what one of them changed."""

from functools import partial

from csapi.access.principals import Principal, Scope
from csapi.access.tenancy import tenant_transaction
from csapi.kit.http import Response, json_response
from csapi.kit.language import spoken
from csapi.kit.operations import AnyRequest, Media, Operation, params_of, path_of
from csapi.kit.problems import Problem
from csapi.metrics.zones import day_start, local_date
from csapi.reports.endpoints import SPOKEN, desk_of
from csapi.reports.goals.checks import check_metric
from csapi.reports.goals.endpoints import ASKING, TAG
from csapi.reports.refusals import moved, refuse
from csapi.reports.schemas import FilterNode, MetricRequest, QueryAnnotation
from csapi.reports.service import Desk, Snapshot, asked_period, slowness_told, snapshot_of
from csapi.reports.surroundings import annotation_of, annotations_of
from csapi.reports.uplift.measuring import measured, scope_filter
from csapi.reports.uplift.schemas import (
    AnnotationPath,
    AnnotationUplift,
    Timeline,
    TimelineParams,
    UpliftComparison,
    UpliftParams,
)
from csapi.reports.uplift.trial import DAY, Trial


async def get_timeline(request: AnyRequest, principal: Principal) -> Response:
    period = await asked_period(desk_of(request, principal), params_of(request, TimelineParams))
    pool, tenant_id = request.app.state.pool, principal.tenant_id
    async with tenant_transaction(pool, tenant_id, readonly=True) as connection:
        found = await annotations_of(connection, tenant_id, period, None)
    return json_response(Timeline(data=found))


async def comparison_in(
    snapshot: Snapshot, path: AnnotationPath, wanted: UpliftParams
) -> tuple[QueryAnnotation, UpliftComparison]:
    """The annotation, and what it is held against. Raises Problem."""
    desk = snapshot.desk
    annotation = await annotation_of(snapshot.connection, desk.tenant_id, path.id)
    if annotation is None:
        raise Problem("not_found", "There is no such annotation for this key.")
    comparison = wanted.comparison
    if comparison is None:
        has_scope = bool(annotation.scope)
        comparison = UpliftComparison.outside if has_scope else UpliftComparison.seasonal
    if comparison is UpliftComparison.outside and not annotation.scope:
        refuse("/comparison", "not_supported", "It concerns everything: nothing is outside.")
    return annotation, comparison


def trial_of(
    annotation: QueryAnnotation, comparison: UpliftComparison, wanted: UpliftParams, desk: Desk
) -> Trial:
    """From the first whole local day after it has happened until it was over."""
    zone, inside = desk.timezone, scope_filter(annotation)
    day = local_date(zone, annotation.starts_at)
    has_outside = comparison is UpliftComparison.outside and inside is not None
    is_midnight = day_start(zone, day) == annotation.starts_at
    ends_at = annotation.ends_at
    return Trial(
        metric=MetricRequest(id=wanted.metric, agg=wanted.agg),
        inside=inside,
        outside=FilterNode(not_=inside) if has_outside else None,
        has_outside=has_outside,
        before_until=day,
        after_from=day if is_midnight else day + DAY,
        after_until=None if ends_at is None else local_date(zone, ends_at) + DAY,
        before_weeks=wanted.weeks_before,
        most_after=wanted.weeks_after,
        timezone=zone,
        today=local_date(zone, desk.now),
    )


def at_parameter(problem: Problem) -> Problem:
    """With places of the query as the parameters that it is made from."""
    return moved(
        problem, lambda pointer: "/agg" if pointer.startswith("/metric/agg") else "/metric"
    )


async def get_uplift(request: AnyRequest, principal: Principal) -> Response:
    path, wanted = path_of(request, AnnotationPath), params_of(request, UpliftParams)
    desk = desk_of(request, principal)
    with slowness_told():
        async with snapshot_of(desk, keeps_plans=True) as snapshot:
            annotation, comparison = await comparison_in(snapshot, path, wanted)
            trial = trial_of(annotation, comparison, wanted, desk)
            try:
                metric = await check_metric(snapshot, trial.before(trial.inside))
            except Problem as problem:
                raise at_parameter(problem) from None
            make = partial(AnnotationUplift, annotation=annotation, comparison=comparison)
            found = await measured(snapshot, trial, metric, make, known=annotation.id)
    return json_response(found, headers=spoken(desk.language))


OPERATIONS = [
    Operation(
        method="GET",
        path="/v1/timeline",
        operation_id="getTimeline",
        summary="Annotations of a range",
        description="Releases, bugs, seasons, campaigns and policies in the order of time, as "
        "charts draw them beside numbers; the last 30 days unless a range is given.",
        tag=TAG,
        handler=get_timeline,
        scope=Scope.REPORTS_READ,
        params=TimelineParams,
        responses={200: Timeline},
    ),
    Operation(
        method="GET",
        path="/v1/annotations/{id}/uplift",
        operation_id="getAnnotationUplift",
        summary="What an annotated event changed",
        description="A metric over whole weeks before and after it, held against the work outside "
        "of its scope over the same weeks, or against its own weeks before; the uplift with a 95 % "
        "interval that allows for weeks that hang together, and a verdict that may be that it "
        "cannot be told.",
        tag=TAG,
        handler=get_uplift,
        scope=Scope.REPORTS_READ,
        path_params=AnnotationPath,
        params=UpliftParams,
        responses={200: Media(body=AnnotationUplift, headers=SPOKEN)},
        problems=("unknown_metric", *ASKING),
    ),
]

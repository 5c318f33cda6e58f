"""The time line of annotations, and what one of them changed."""

import msgspec

from csapi.access.principals import Principal, Scope
from csapi.access.tenancy import tenant_transaction
from csapi.kit.http import Response, json_response
from csapi.kit.language import spoken
from csapi.kit.operations import AnyRequest, Media, Operation, params_of, path_of
from csapi.kit.problems import Problem
from csapi.metrics.zones import local_date
from csapi.reports.endpoints import SPOKEN, desk_of
from csapi.reports.goals.checks import check_metric
from csapi.reports.goals.endpoints import ASKING, TAG
from csapi.reports.ranges import period_of
from csapi.reports.refusals import refuse
from csapi.reports.service import Snapshot, slowness_told, snapshot_of
from csapi.reports.surroundings import annotation_of, annotations_of
from csapi.reports.uplift.measuring import Plan, measured
from csapi.reports.uplift.schemas import (
    AnnotationPath,
    AnnotationUplift,
    Timeline,
    TimelineParams,
    UpliftComparison,
    UpliftParams,
)


async def get_timeline(request: AnyRequest, principal: Principal) -> Response:
    period = period_of(params_of(request, TimelineParams), principal.timezone)
    pool, tenant_id = request.app.state.pool, principal.tenant_id
    async with tenant_transaction(pool, tenant_id, readonly=True) as connection:
        found = await annotations_of(connection, tenant_id, period, None)
    return json_response(Timeline(data=found))


async def plan_in(snapshot: Snapshot, path: AnnotationPath, wanted: UpliftParams) -> Plan:
    """Raises Problem."""
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
    today = local_date(desk.timezone, desk.now)
    return Plan(annotation, wanted, comparison, desk.timezone, today)


def at_parameter(problem: Problem) -> Problem:
    """With places of the query as the parameters that it is made from."""
    errors = [
        msgspec.structs.replace(
            each, pointer="/agg" if each.pointer.startswith("/metric/agg") else "/metric"
        )
        for each in problem.errors
    ]
    return Problem(problem.code, problem.detail, errors=errors, headers=problem.headers)


async def get_uplift(request: AnyRequest, principal: Principal) -> Response:
    path, wanted = path_of(request, AnnotationPath), params_of(request, UpliftParams)
    desk = desk_of(request, principal)
    with slowness_told():
        async with snapshot_of(desk, keeps_plans=True) as snapshot:
            plan = await plan_in(snapshot, path, wanted)
            try:
                metric = await check_metric(snapshot, plan.before(plan.inside))
            except Problem as problem:
                raise at_parameter(problem) from None
            found = await measured(snapshot, plan, metric)
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

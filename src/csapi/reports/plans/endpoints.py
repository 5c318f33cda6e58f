"""Action plans: the endpoints."""

from typing import Any

from msgspec import UNSET

from csapi.access.audit import audited
from csapi.access.audit_actions import AuditAction
from csapi.access.principals import Principal, Scope
from csapi.access.tenancy import tenant_transaction
from csapi.kit.cursors import id_before
from csapi.kit.http import Response, json_response, no_content
from csapi.kit.language import spoken
from csapi.kit.operations import AnyRequest, Media, Operation, body_of, params_of, path_of
from csapi.kit.problems import Problem
from csapi.metrics.zones import local_date
from csapi.reports.endpoints import QUERY_TAG, SPOKEN, desk_of
from csapi.reports.goals.endpoints import ASKING
from csapi.reports.pages import page_by_id
from csapi.reports.plans.aims import check_aim
from csapi.reports.plans.effect import effect_in
from csapi.reports.plans.schemas import (
    ActionPlan,
    ActionPlanPage,
    EffectParams,
    NewPlan,
    PlanChange,
    PlanEffect,
    PlanParams,
    PlanPath,
)
from csapi.reports.plans.store import (
    DELETE,
    LOCK,
    READ,
    action_plan,
    add_plan,
    change_plan,
    changed,
    found_plan,
    list_plans,
    plan_of,
)
from csapi.reports.service import Desk, slowness_told, snapshot_of

PLAN: dict[str, Any] = {
    "title": "Refund macros for the north team",
    "hypothesis": "A macro for each kind of refund makes replies faster.",
    "aim": {
        "metric": {"id": "first_response_time"},
        "filters": {"dimension": "team", "op": "in", "values": ["north"]},
        "compare": {"to": "rest"},
    },
    "starts_on": "2026-04-01",
    "steps": [{"title": "Write the macros", "owner": "Kim", "due_on": "2026-03-25"}],
    "owner": "Kim",
    "resources": "Two days of an agent",
    "status": "running",
}


def shown(desk: Desk, row: Any) -> ActionPlan:
    return action_plan(row, local_date(desk.timezone, desk.now))


async def create_plan(request: AnyRequest, principal: Principal) -> Response:
    plan, desk = await body_of(request, NewPlan), desk_of(request, principal)
    await check_aim(desk, plan.aim)
    async with tenant_transaction(request.app.state.pool, principal.tenant_id) as connection:
        row = await add_plan(connection, principal.tenant_id, plan)
        await audited(connection, principal, AuditAction.action_plan_created, row["id"])
    return json_response(shown(desk, row), 201)


async def get_plans(request: AnyRequest, principal: Principal) -> Response:
    wanted, desk = params_of(request, PlanParams), desk_of(request, principal)
    after = id_before(wanted)
    pool, tenant_id = request.app.state.pool, principal.tenant_id
    async with tenant_transaction(pool, tenant_id, readonly=True) as connection:
        rows = await list_plans(
            connection, tenant_id, wanted.status, wanted.goal_id, after, wanted.limit + 1
        )
    page, place = page_by_id(rows, wanted)
    return json_response(ActionPlanPage(data=[shown(desk, row) for row in page], page=place))


async def get_plan(request: AnyRequest, principal: Principal) -> Response:
    id_, desk = path_of(request, PlanPath).plan_id, desk_of(request, principal)
    pool, tenant_id = request.app.state.pool, principal.tenant_id
    async with tenant_transaction(pool, tenant_id, readonly=True) as connection:
        row = found_plan(await connection.fetchrow(READ, tenant_id, id_))
    return json_response(shown(desk, row))


async def get_effect(request: AnyRequest, principal: Principal) -> Response:
    id_, wanted = path_of(request, PlanPath).plan_id, params_of(request, EffectParams)
    desk = desk_of(request, principal)
    with slowness_told():
        async with snapshot_of(desk, keeps_plans=True) as snapshot:
            row = found_plan(await snapshot.connection.fetchrow(READ, desk.tenant_id, id_))
            found = await effect_in(snapshot, str(id_), plan_of(row), wanted)
    return json_response(found, headers=spoken(desk.language))


async def patch_plan(request: AnyRequest, principal: Principal) -> Response:
    id_, desk = path_of(request, PlanPath).plan_id, desk_of(request, principal)
    change, tenant_id = await body_of(request, PlanChange), principal.tenant_id
    if change.aim is not UNSET:
        await check_aim(desk, change.aim)
    async with tenant_transaction(request.app.state.pool, tenant_id) as connection:
        before = plan_of(found_plan(await connection.fetchrow(LOCK, tenant_id, id_)))
        row = await change_plan(connection, tenant_id, id_, before, changed(before, change))
        await audited(connection, principal, AuditAction.action_plan_changed, id_)
    return json_response(shown(desk, row))


async def delete_plan(request: AnyRequest, principal: Principal) -> Response:
    id_, tenant_id = path_of(request, PlanPath).plan_id, principal.tenant_id
    async with tenant_transaction(request.app.state.pool, tenant_id) as connection:
        if await connection.fetchval(DELETE, tenant_id, id_) is None:
            raise Problem("not_found", "There is no such plan for this key.")
        await audited(connection, principal, AuditAction.action_plan_deleted, id_)
    return no_content()


OPERATIONS = [
    Operation(
        method="POST",
        path="/v1/action-plans",
        operation_id="createActionPlan",
        repeats="keyed",
        summary="Plan what is to be done, and what it is to change",
        description="With a hypothesis, steps with owners and dates, what it takes, the goal and "
        "the report run that it belongs to. `aim` names the metric that it is to change, of which "
        "records, and whom to hold them against: from `starts_on` its effect is measured.",
        tag=QUERY_TAG,
        handler=create_plan,
        scope=Scope.ADMIN_WRITE,
        request=NewPlan,
        request_examples={"macros": PLAN},
        responses={201: ActionPlan},
        problems=("conflict", "unknown_metric", "too_many_queries"),
    ),
    Operation(
        method="GET",
        path="/v1/action-plans",
        operation_id="listActionPlans",
        summary="List action plans",
        description="The newest first.",
        tag=QUERY_TAG,
        handler=get_plans,
        scope=Scope.REPORTS_READ,
        params=PlanParams,
        responses={200: ActionPlanPage},
        problems=("invalid_cursor",),
    ),
    Operation(
        method="GET",
        path="/v1/action-plans/{plan_id}",
        operation_id="getActionPlan",
        summary="Read an action plan",
        description="As it is now. `steps_late`: steps that are not done and were due before.",
        tag=QUERY_TAG,
        handler=get_plan,
        scope=Scope.REPORTS_READ,
        path_params=PlanPath,
        responses={200: ActionPlan},
    ),
    Operation(
        method="GET",
        path="/v1/action-plans/{plan_id}/effect",
        operation_id="getActionPlanEffect",
        summary="Whether a plan worked",
        description="Its metric over whole weeks before and after its first day, held against the "
        "other work over the same weeks, or against its own weeks before; with a 95 % interval "
        "that allows for weeks that hang together, and a verdict that may be that it cannot be "
        "told.",
        tag=QUERY_TAG,
        handler=get_effect,
        scope=Scope.REPORTS_READ,
        path_params=PlanPath,
        params=EffectParams,
        responses={200: Media(body=PlanEffect, headers=SPOKEN)},
        problems=("unknown_metric", *ASKING),
    ),
    Operation(
        method="PATCH",
        path="/v1/action-plans/{plan_id}",
        operation_id="updateActionPlan",
        summary="Change an action plan",
        description="What is absent stays as it is; null clears. `steps` are replaced whole.",
        tag=QUERY_TAG,
        handler=patch_plan,
        scope=Scope.ADMIN_WRITE,
        path_params=PlanPath,
        request=PlanChange,
        request_examples={"done": {"status": "done", "ends_on": "2026-07-01"}},
        responses={200: ActionPlan},
        problems=("unknown_metric", "too_many_queries"),
    ),
    Operation(
        method="DELETE",
        path="/v1/action-plans/{plan_id}",
        operation_id="deleteActionPlan",
        summary="Delete an action plan",
        description="The plan is gone; the suggestion that it came from is open again.",
        tag=QUERY_TAG,
        handler=delete_plan,
        scope=Scope.ADMIN_WRITE,
        path_params=PlanPath,
        responses={204: None},
    ),
]

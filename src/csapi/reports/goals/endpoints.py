"""Goals over HTTP: kept, and told where they are."""

from dataclasses import replace
from typing import Any
from uuid import UUID

from csapi.access.audit import audited
from csapi.access.audit_actions import AuditAction
from csapi.access.principals import Principal, Scope
from csapi.access.tenancy import tenant_transaction
from csapi.kit.cursors import id_before
from csapi.kit.http import Response, json_response, no_content
from csapi.kit.language import spoken
from csapi.kit.operations import AnyRequest, Media, Operation, body_of, params_of, path_of
from csapi.kit.problems import Problem
from csapi.reports.encoders import CSV, table_or_json
from csapi.reports.endpoints import SPOKEN, desk_of
from csapi.reports.goals import store
from csapi.reports.goals.checks import check_goal
from csapi.reports.goals.encoders import GOALS_FORM, PROGRESS_FORM, goal_lines, progress_lines
from csapi.reports.goals.progress import progress_of
from csapi.reports.goals.reading import states_of
from csapi.reports.goals.schemas import (
    MOST_GOALS,
    GoalAnswer,
    GoalList,
    GoalParams,
    GoalPath,
    GoalProgress,
    GoalRequest,
    GoalState,
    SavedGoal,
)
from csapi.reports.goals.watching import next_look
from csapi.reports.pages import page_by_id
from csapi.reports.service import Desk, Snapshot, slowness_told, snapshot_of
from csapi.reports.watching import Watch, set_mark
from csapi.reports.windows import Seeing, WindowsMeta

TAG = "Goals and alerts"
EXAMPLE = {
    "title": "CSAT from 4 to 4.5 in three months",
    "metric": {"id": "rating_average"},
    "baseline": 4.0,
    "target": 4.5,
    "starts_on": "2026-01-01",
    "due_on": "2026-03-31",
    "milestones": [{"due_on": "2026-02-15", "value": 4.25}],
    "owner": "Kim",
}
FASTER = {
    "title": "First answers of the north within an hour",
    "metric": {"id": "first_response_time", "agg": "p90"},
    "filters": {"dimension": "team", "op": "in", "values": ["north"]},
    "target": 3600,
    "starts_on": "2026-01-01",
    "due_on": "2026-06-30",
    "window_days": 7,
}


def missing() -> Problem:
    return Problem("not_found", "There is no such goal for this key.")


def alike(desk: Desk) -> Desk:
    """What is kept of a goal is seen by every key that reads reports."""
    return replace(desk, sees_everything=False, names_customers=False)


async def seen_by(desk: Desk, goal: GoalRequest) -> tuple[GoalState, WindowsMeta]:
    with slowness_told():
        async with snapshot_of(desk, keeps_plans=True) as snapshot:
            return await seen_in(snapshot, goal)


async def seen_in(snapshot: Snapshot, goal: GoalRequest) -> tuple[GoalState, WindowsMeta]:
    seeing = Seeing(snapshot)
    (state,) = await states_of(seeing, [goal], snapshot)
    return state, seeing.meta


def told(goal: SavedGoal, meta: WindowsMeta) -> GoalAnswer:
    return GoalAnswer(
        id=goal.id,
        goal=goal.goal,
        state=goal.state,
        created_at=goal.created_at,
        updated_at=goal.updated_at,
        meta=meta,
    )


async def create_goal(request: AnyRequest, principal: Principal) -> Response:
    return await written(request, principal, None)


async def replace_goal(request: AnyRequest, principal: Principal) -> Response:
    return await written(request, principal, path_of(request, GoalPath).goal_id)


async def written(request: AnyRequest, principal: Principal, goal_id: UUID | None) -> Response:
    """Keep a goal, a new one where it has no id yet."""
    goal, desk = await body_of(request, GoalRequest), alike(desk_of(request, principal))
    tenant_id = principal.tenant_id
    await check_goal(desk, goal)
    state, meta = await seen_by(desk, goal)
    following = next_look(goal, desk.timezone, desk.now)
    async with tenant_transaction(desk.pool, tenant_id) as connection:
        if goal_id is None:
            row = await store.add(connection, tenant_id, goal, state, desk.now)
            if row is None:
                raise Problem("conflict", f"There are {MOST_GOALS} goals: delete one first.")
            await set_mark(connection, tenant_id, Watch.GOAL, row["id"], following)
            await audited(connection, principal, AuditAction.goal_created, row["id"])
        else:
            # The mark first, as the worker does.
            await set_mark(connection, tenant_id, Watch.GOAL, goal_id, following)
            row = await store.replace(connection, tenant_id, goal_id, goal, state, desk.now)
            if row is None:
                raise missing()
            await audited(connection, principal, AuditAction.goal_changed, goal_id)
    request.app.state.standings.forget(tenant_id)
    answer = told(store.goal_of(row, state), meta)
    headers = spoken(desk.language)
    if goal_id is None:
        return json_response(answer, 201, {**headers, "location": f"/v1/goals/{answer.id}"})
    return json_response(answer, headers=headers)


async def list_goals(request: AnyRequest, principal: Principal) -> Response:
    wanted, desk = params_of(request, GoalParams), desk_of(request, principal)
    after = id_before(wanted)
    with slowness_told():
        async with snapshot_of(desk, keeps_plans=True) as snapshot:
            rows = await snapshot.connection.fetch(
                store.LIST, desk.tenant_id, wanted.metric, after, wanted.limit + 1
            )
            page, place = page_by_id(rows, wanted)
            seeing = Seeing(snapshot)
            states = await states_of(seeing, [store.request_of(row) for row in page], snapshot)
    data = [store.goal_of(row, state) for row, state in zip(page, states, strict=True)]
    found = GoalList(data=data, page=place, meta=seeing.meta)
    accept = request.headers.get("accept")
    return table_or_json(found, goal_lines(found), accept, desk.language, place.next_cursor)


async def found_in(snapshot: Snapshot, goal_id: UUID) -> Any:
    row = await snapshot.connection.fetchrow(store.ONE, snapshot.desk.tenant_id, goal_id)
    if row is None:
        raise missing()
    return row


async def get_goal(request: AnyRequest, principal: Principal) -> Response:
    goal_id, desk = path_of(request, GoalPath).goal_id, desk_of(request, principal)
    with slowness_told():
        async with snapshot_of(desk, keeps_plans=True) as snapshot:
            row = await found_in(snapshot, goal_id)
            state, meta = await seen_in(snapshot, store.request_of(row))
    return json_response(told(store.goal_of(row, state), meta), headers=spoken(desk.language))


async def get_progress(request: AnyRequest, principal: Principal) -> Response:
    goal_id, desk = path_of(request, GoalPath).goal_id, desk_of(request, principal)
    with slowness_told():
        async with snapshot_of(desk, keeps_plans=True) as snapshot:
            row = await found_in(snapshot, goal_id)
            found = await progress_of(snapshot, goal_id, store.request_of(row))
    accept = request.headers.get("accept")
    return table_or_json(found, progress_lines(found), accept, desk.language)


async def delete_goal(request: AnyRequest, principal: Principal) -> Response:
    goal_id, tenant_id = path_of(request, GoalPath).goal_id, principal.tenant_id
    async with tenant_transaction(request.app.state.pool, tenant_id) as connection:
        await set_mark(connection, tenant_id, Watch.GOAL, goal_id, None)
        if await connection.fetchval(store.DROP, tenant_id, goal_id) is None:
            raise missing()
        await audited(connection, principal, AuditAction.goal_deleted, goal_id)
    request.app.state.standings.forget(tenant_id)
    return no_content()


ASKING = ("query_timeout", "too_many_queries")
OPERATIONS = [
    Operation(
        method="GET",
        path="/v1/goals",
        operation_id="listGoals",
        summary="List goals and where they are",
        description="The newest first, each with its baseline, current value, gap, progress, the "
        "pace that it has and needs, where the trend leads with its interval, milestones and "
        "status. `status` is the first that holds of: `not_started`; `cannot_tell` (no value, or "
        "one of fewer than 20); `reached`, by the value of the latest window; `missed`, once the "
        "due date is over; by the value that the trend has on the due date `on_track` (it reaches "
        "the target), `at_risk` (its interval does), `off_track` (neither), `cannot_tell` (no "
        "trend). All numbers are of one snapshot.",
        tag=TAG,
        handler=list_goals,
        scope=Scope.REPORTS_READ,
        unfiltered=True,
        params=GoalParams,
        responses={
            200: Media(body=GoalList, texts={CSV: GOALS_FORM}, headers=(*SPOKEN, "X-Next-Cursor"))
        },
        problems=("invalid_cursor", *ASKING),
    ),
    Operation(
        method="POST",
        path="/v1/goals",
        operation_id="createGoal",
        repeats="keyed",
        summary="Set a goal",
        description="A metric with parameters and filters as a query has them, where it is to be "
        "and by when. Checked at once like a query that is asked.",
        tag=TAG,
        handler=create_goal,
        scope=Scope.ADMIN_WRITE,
        request=GoalRequest,
        request_examples={"satisfaction": EXAMPLE, "faster": FASTER},
        responses={201: Media(body=GoalAnswer, headers=(*SPOKEN, "Location"))},
        problems=("conflict", *ASKING),
    ),
    Operation(
        method="GET",
        path="/v1/goals/{goal_id}",
        operation_id="getGoal",
        summary="Read a goal and where it is",
        description="As in the list.",
        tag=TAG,
        handler=get_goal,
        scope=Scope.REPORTS_READ,
        path_params=GoalPath,
        responses={200: Media(body=GoalAnswer, headers=SPOKEN)},
        problems=ASKING,
    ),
    Operation(
        method="GET",
        path="/v1/goals/{goal_id}/progress",
        operation_id="getGoalProgress",
        summary="A goal over time",
        description="Series for a chart: the value of the window that ends with each category, "
        "mostly a week apart, and the straight line from baseline to target beside it.",
        tag=TAG,
        handler=get_progress,
        scope=Scope.REPORTS_READ,
        path_params=GoalPath,
        responses={200: Media(body=GoalProgress, texts={CSV: PROGRESS_FORM}, headers=SPOKEN)},
        problems=ASKING,
    ),
    Operation(
        method="PUT",
        path="/v1/goals/{goal_id}",
        operation_id="replaceGoal",
        summary="Replace a goal",
        description="What it is about from now on; checked like a new one.",
        tag=TAG,
        handler=replace_goal,
        scope=Scope.ADMIN_WRITE,
        path_params=GoalPath,
        request=GoalRequest,
        request_examples={"satisfaction": EXAMPLE},
        responses={200: Media(body=GoalAnswer, headers=SPOKEN)},
        problems=ASKING,
    ),
    Operation(
        method="DELETE",
        path="/v1/goals/{goal_id}",
        operation_id="deleteGoal",
        summary="Delete a goal",
        description="The goal is gone; nothing else changes.",
        tag=TAG,
        handler=delete_goal,
        scope=Scope.ADMIN_WRITE,
        path_params=GoalPath,
        responses={204: None},
    ),
]

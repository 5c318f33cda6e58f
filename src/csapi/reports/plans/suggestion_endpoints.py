"""What agents suggest, and what becomes of it: the endpoints."""

from csapi.access.audit import audited
from csapi.access.audit_actions import AuditAction
from csapi.access.principals import Principal, Scope
from csapi.access.tenancy import tenant_transaction
from csapi.kit.cursors import id_before
from csapi.kit.http import Response, json_response, no_content
from csapi.kit.operations import AnyRequest, Operation, body_of, params_of, path_of
from csapi.kit.problems import Problem
from csapi.reports.endpoints import QUERY_TAG, desk_of
from csapi.reports.evaluations.own import agent_of
from csapi.reports.pages import page_by_id
from csapi.reports.plans.aims import check_aim
from csapi.reports.plans.endpoints import PLAN, shown
from csapi.reports.plans.schemas import (
    ActionPlan,
    NewPlan,
    NewSuggestion,
    OwnSuggestionParams,
    Suggestion,
    SuggestionChange,
    SuggestionPage,
    SuggestionParams,
    SuggestionPath,
    SuggestionStatus,
)
from csapi.reports.plans.store import add_plan
from csapi.reports.plans.suggestions import (
    DELETE,
    LIST,
    LOCK,
    add_suggestion,
    change_suggestion,
    found_suggestion,
    suggestion,
)
from csapi.reports.refusals import refuse

SAID = {"kind": "challenge", "text": "Refunds over 500 need a signature that takes two days."}


async def create_own(request: AnyRequest, principal: Principal) -> Response:
    given, tenant_id = await body_of(request, NewSuggestion), principal.tenant_id
    async with tenant_transaction(request.app.state.pool, tenant_id) as connection:
        found = await add_suggestion(connection, tenant_id, agent_of(principal), given)
    return json_response(found, 201)


async def list_own(request: AnyRequest, principal: Principal) -> Response:
    wanted = params_of(request, OwnSuggestionParams)
    own = SuggestionParams(agent_id=agent_of(principal), limit=wanted.limit, cursor=wanted.cursor)
    return await listed(request, principal, own)


async def list_all(request: AnyRequest, principal: Principal) -> Response:
    return await listed(request, principal, params_of(request, SuggestionParams))


async def listed(request: AnyRequest, principal: Principal, wanted: SuggestionParams) -> Response:
    after = id_before(wanted)
    pool, tenant_id = request.app.state.pool, principal.tenant_id
    chosen = wanted.agent_id, wanted.kind, wanted.status
    async with tenant_transaction(pool, tenant_id, readonly=True) as connection:
        rows = await connection.fetch(LIST, tenant_id, *chosen, after, wanted.limit + 1)
    page, place = page_by_id(rows, wanted)
    return json_response(SuggestionPage(data=[suggestion(row) for row in page], page=place))


async def patch_one(request: AnyRequest, principal: Principal) -> Response:
    id_, tenant_id = path_of(request, SuggestionPath).suggestion_id, principal.tenant_id
    change = await body_of(request, SuggestionChange)
    if change.status is SuggestionStatus.planned:
        detail = "A suggestion is planned by POST /v1/suggestions/{suggestion_id}/plan."
        refuse("/status", "not_supported", detail, ["open", "declined"])
    async with tenant_transaction(request.app.state.pool, tenant_id) as connection:
        found_suggestion(await connection.fetchrow(LOCK, tenant_id, id_))
        found = await change_suggestion(connection, tenant_id, id_, change.status, change.reply)
        await audited(connection, principal, AuditAction.suggestion_changed, id_)
    return json_response(found)


async def plan_one(request: AnyRequest, principal: Principal) -> Response:
    id_, tenant_id = path_of(request, SuggestionPath).suggestion_id, principal.tenant_id
    plan, desk = await body_of(request, NewPlan), desk_of(request, principal)
    await check_aim(desk, plan.aim)
    async with tenant_transaction(request.app.state.pool, tenant_id) as connection:
        found_suggestion(await connection.fetchrow(LOCK, tenant_id, id_))
        made = await add_plan(connection, tenant_id, plan, id_)
        plan_id = str(made["id"])
        await audited(connection, principal, AuditAction.suggestion_planned, id_, plan=plan_id)
    return json_response(shown(desk, made), 201)


async def delete_one(request: AnyRequest, principal: Principal) -> Response:
    id_, tenant_id = path_of(request, SuggestionPath).suggestion_id, principal.tenant_id
    async with tenant_transaction(request.app.state.pool, tenant_id) as connection:
        if await connection.fetchval(DELETE, tenant_id, id_) is None:
            raise Problem("not_found", "There is no such suggestion for this key.")
        await audited(connection, principal, AuditAction.suggestion_deleted, id_)
    return no_content()


OPERATIONS = [
    Operation(
        method="POST",
        path="/v1/me/suggestions",
        operation_id="createMySuggestion",
        repeats="keyed",
        summary="Say what stands in the way, or what might help",
        description="In an agent's own words. It cannot be changed: write another one. A manager "
        "answers it or makes a plan of it.",
        tag=QUERY_TAG,
        handler=create_own,
        scope=Scope.REPORTS_READ,
        agent=True,
        request=NewSuggestion,
        request_examples={"signature": SAID},
        responses={201: Suggestion},
        problems=("conflict", "not_an_agent"),
    ),
    Operation(
        method="GET",
        path="/v1/me/suggestions",
        operation_id="listMySuggestions",
        summary="What you have suggested",
        description="With what became of it, the newest first.",
        tag=QUERY_TAG,
        handler=list_own,
        scope=Scope.REPORTS_READ,
        agent=True,
        params=OwnSuggestionParams,
        responses={200: SuggestionPage},
        problems=("invalid_cursor", "not_an_agent"),
    ),
    Operation(
        method="GET",
        path="/v1/suggestions",
        operation_id="listSuggestions",
        summary="What agents have suggested",
        description="The newest first.",
        tag=QUERY_TAG,
        handler=list_all,
        scope=Scope.RECORDS_READ,
        params=SuggestionParams,
        responses={200: SuggestionPage},
        problems=("invalid_cursor",),
    ),
    Operation(
        method="PATCH",
        path="/v1/suggestions/{suggestion_id}",
        operation_id="updateSuggestion",
        summary="Answer or decline a suggestion",
        description="The agent reads the reply beside what they wrote. While a plan that came of "
        "it is there, it is `planned` all the same.",
        tag=QUERY_TAG,
        handler=patch_one,
        scope=Scope.ADMIN_WRITE,
        path_params=SuggestionPath,
        request=SuggestionChange,
        request_examples={"declined": {"status": "declined", "reply": "The law asks for it."}},
        responses={200: Suggestion},
    ),
    Operation(
        method="POST",
        path="/v1/suggestions/{suggestion_id}/plan",
        operation_id="planSuggestion",
        repeats="keyed",
        summary="Make a plan of a suggestion",
        description="The suggestion is `planned` while a plan that came of it is there; `plan_id` "
        "is the newest. Sent twice, it makes two plans.",
        tag=QUERY_TAG,
        handler=plan_one,
        scope=Scope.ADMIN_WRITE,
        path_params=SuggestionPath,
        request=NewPlan,
        request_examples={"macros": PLAN},
        responses={201: ActionPlan},
        problems=("conflict", "unknown_metric", "too_many_queries"),
    ),
    Operation(
        method="DELETE",
        path="/v1/suggestions/{suggestion_id}",
        operation_id="deleteSuggestion",
        summary="Delete a suggestion",
        description="With the reply. A plan that came of it stays.",
        tag=QUERY_TAG,
        handler=delete_one,
        scope=Scope.ADMIN_WRITE,
        path_params=SuggestionPath,
        responses={204: None},
    ),
]

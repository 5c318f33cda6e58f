"""An agent's own view, and what agents write about their own work: the endpoints."""

from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from csapi.access.audit import audited
from csapi.access.audit_actions import AuditAction
from csapi.access.principals import Principal, Scope
from csapi.access.tenancy import tenant_transaction
from csapi.kit.cursors import cursor_at, id_before
from csapi.kit.http import Response, json_response, no_content
from csapi.kit.operations import AnyRequest, Media, Operation, body_of, params_of, path_of
from csapi.kit.problems import Problem
from csapi.reports.encoders import CSV
from csapi.reports.endpoints import QUERY_TAG, desk_of
from csapi.reports.evaluations.encoders import ONE_FORM
from csapi.reports.evaluations.endpoints import AgentPath, one_response
from csapi.reports.evaluations.examples import OWN_EXAMPLE, SELF_EVALUATION
from csapi.reports.evaluations.one import evaluation
from csapi.reports.evaluations.own_words import (
    DELETE,
    REPLY,
    NewReply,
    NewSelfEvaluation,
    SelfEvaluation,
    SelfEvaluationPage,
    add_self_evaluation,
    list_self_evaluations,
    self_evaluation,
)
from csapi.reports.evaluations.schemas import AgentEvaluation
from csapi.reports.pages import Cursor
from csapi.reports.papers.encoders import PAPER_FORMS
from csapi.reports.schemas import QueryPage
from csapi.reports.work_params import WorkParams

WRITTEN = {
    "from": "2026-03-01",
    "to": "2026-04-01",
    "text": SELF_EVALUATION["text"],
    "scores": SELF_EVALUATION["scores"],
}
GONE = "There is no such self-evaluation for this key."


class SelfEvaluationPath(msgspec.Struct, kw_only=True):
    self_evaluation_id: Annotated[UUID, Meta(description="Our id of the self-evaluation")]


class SelfEvaluationParams(msgspec.Struct, kw_only=True):
    """Which of them."""

    limit: Annotated[int, Meta(ge=1, le=1000, description="Page size")] = 100
    cursor: Cursor = None


def agent_of(principal: Principal) -> UUID:
    """Whose own token it is. The guard lets nobody else in."""
    if principal.agent_id is None:
        raise AssertionError(principal.key_id)
    return principal.agent_id


async def get_own_evaluation(request: AnyRequest, principal: Principal) -> Response:
    wanted, desk = params_of(request, WorkParams), desk_of(request, principal)
    agent_id = agent_of(principal)
    found = await evaluation(desk, agent_id, wanted, with_comments=False, is_own=True)
    return await one_response(request, principal, found, desk.language)


async def create_own(request: AnyRequest, principal: Principal) -> Response:
    given, tenant_id = await body_of(request, NewSelfEvaluation), principal.tenant_id
    async with tenant_transaction(request.app.state.pool, tenant_id) as connection:
        found = await add_self_evaluation(connection, tenant_id, agent_of(principal), given)
    return json_response(found, 201)


async def list_own(request: AnyRequest, principal: Principal) -> Response:
    return await listed(request, principal, agent_of(principal))


async def list_of_agent(request: AnyRequest, principal: Principal) -> Response:
    return await listed(request, principal, path_of(request, AgentPath).agent_id)


async def listed(request: AnyRequest, principal: Principal, agent_id: UUID) -> Response:
    wanted, tenant_id = params_of(request, SelfEvaluationParams), principal.tenant_id
    after = id_before(wanted, agent_id)
    pool = request.app.state.pool
    async with tenant_transaction(pool, tenant_id, readonly=True) as connection:
        found = await list_self_evaluations(
            connection, tenant_id, agent_id, after=after, limit=wanted.limit + 1
        )
    page = found[: wanted.limit]
    cursor = cursor_at(wanted, [page[-1].id], agent_id) if len(found) > wanted.limit else None
    return json_response(SelfEvaluationPage(data=list(page), page=QueryPage(next_cursor=cursor)))


async def put_reply(request: AnyRequest, principal: Principal) -> Response:
    id_ = path_of(request, SelfEvaluationPath).self_evaluation_id
    given, tenant_id = await body_of(request, NewReply), principal.tenant_id
    async with tenant_transaction(request.app.state.pool, tenant_id) as connection:
        row = await connection.fetchrow(REPLY, tenant_id, id_, given.text)
        if row is not None:
            await audited(connection, principal, AuditAction.self_evaluation_answered, id_)
    if row is None:
        raise Problem("not_found", GONE)
    return json_response(self_evaluation(row))


async def delete_one(request: AnyRequest, principal: Principal) -> Response:
    id_, tenant_id = path_of(request, SelfEvaluationPath).self_evaluation_id, principal.tenant_id
    async with tenant_transaction(request.app.state.pool, tenant_id) as connection:
        if await connection.fetchval(DELETE, tenant_id, id_) is None:
            raise Problem("not_found", GONE)
        await audited(connection, principal, AuditAction.self_evaluation_deleted, id_)
    return no_content()


OPERATIONS = [
    Operation(
        method="GET",
        path="/v1/me/evaluation",
        operation_id="getMyEvaluation",
        summary="An agent's own evaluation",
        description="What GET /v1/agents/{agent_id}/evaluation says of the agent whose token it "
        "is, against the own past and the medians of the team and of peers: of others neither "
        "names nor sums, and no median of fewer than three.",
        tag=QUERY_TAG,
        handler=get_own_evaluation,
        scope=Scope.REPORTS_READ,
        agent=True,
        params=WorkParams,
        responses={
            200: Media(
                body=AgentEvaluation,
                texts={CSV: ONE_FORM},
                files=PAPER_FORMS,
                example=OWN_EXAMPLE,
            )
        },
        problems=("query_timeout", "too_many_queries", "not_an_agent"),
    ),
    Operation(
        method="POST",
        path="/v1/me/self-evaluations",
        operation_id="createMySelfEvaluation",
        repeats="keyed",
        summary="Say how you see your own work",
        description="Written by an agent about a range of days, with a score for each criterion "
        "if there is one. It cannot be changed: write another one.",
        tag=QUERY_TAG,
        handler=create_own,
        scope=Scope.REPORTS_READ,
        agent=True,
        request=NewSelfEvaluation,
        request_examples={"march": WRITTEN},
        responses={201: SelfEvaluation},
        problems=("conflict", "not_an_agent"),
    ),
    Operation(
        method="GET",
        path="/v1/me/self-evaluations",
        operation_id="listMySelfEvaluations",
        summary="What you have written about your own work",
        description="With the replies, the newest first.",
        tag=QUERY_TAG,
        handler=list_own,
        scope=Scope.REPORTS_READ,
        agent=True,
        params=SelfEvaluationParams,
        responses={200: SelfEvaluationPage},
        problems=("invalid_cursor", "not_an_agent"),
    ),
    Operation(
        method="GET",
        path="/v1/agents/{agent_id}/self-evaluations",
        operation_id="listSelfEvaluations",
        summary="What an agent has written about their own work",
        description="With the replies, the newest first.",
        tag=QUERY_TAG,
        handler=list_of_agent,
        scope=Scope.RECORDS_READ,
        params=SelfEvaluationParams,
        path_params=AgentPath,
        responses={200: SelfEvaluationPage},
        problems=("invalid_cursor",),
    ),
    Operation(
        method="PUT",
        path="/v1/self-evaluations/{self_evaluation_id}/reply",
        operation_id="replyToSelfEvaluation",
        summary="Reply to a self-evaluation",
        description="The agent reads it beside what they wrote. A newer reply replaces it.",
        tag=QUERY_TAG,
        handler=put_reply,
        scope=Scope.ADMIN_WRITE,
        path_params=SelfEvaluationPath,
        request=NewReply,
        request_examples={"agreed": {"text": SELF_EVALUATION["reply"]["text"]}},
        responses={200: SelfEvaluation},
    ),
    Operation(
        method="DELETE",
        path="/v1/self-evaluations/{self_evaluation_id}",
        operation_id="deleteSelfEvaluation",
        summary="Delete a self-evaluation",
        description="With its reply. Neither is kept anywhere else.",
        tag=QUERY_TAG,
        handler=delete_one,
        scope=Scope.ADMIN_WRITE,
        path_params=SelfEvaluationPath,
        responses={204: None},
    ),
]

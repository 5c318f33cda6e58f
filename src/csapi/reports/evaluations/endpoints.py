"""Evaluations of agents: the endpoints."""

from functools import partial
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from csapi.access.principals import Principal, Scope
from csapi.kit.http import Response
from csapi.kit.language import Language
from csapi.kit.operations import AnyRequest, Media, Operation, params_of, path_of
from csapi.reports.encoders import CSV
from csapi.reports.endpoints import QUERY_TAG, desk_of
from csapi.reports.evaluations.encoders import (
    ONE_FORM,
    TABLE_FORM,
    encoded_one,
    encoded_page,
)
from csapi.reports.evaluations.examples import AGENT_EXAMPLE, PAGE_EXAMPLE
from csapi.reports.evaluations.one import evaluation
from csapi.reports.evaluations.params import EvaluationsParams
from csapi.reports.evaluations.schemas import AgentEvaluation, EvaluationPage
from csapi.reports.evaluations.table import evaluations
from csapi.reports.papers.encoders import (
    PAPER_FORMS,
    paper_response,
    paper_type,
    tenant_name,
)
from csapi.reports.papers.making import evaluation_order
from csapi.reports.work_params import WorkParams


class AgentPath(msgspec.Struct, kw_only=True):
    agent_id: Annotated[UUID, Meta(description="Our id of the agent")]


async def list_evaluations(request: AnyRequest, principal: Principal) -> Response:
    wanted = params_of(request, EvaluationsParams)
    desk = desk_of(request, principal)
    found = await evaluations(desk, wanted)
    return encoded_page(found, request.headers.get("accept"), desk.language)


async def get_evaluation(request: AnyRequest, principal: Principal) -> Response:
    agent_id, wanted = path_of(request, AgentPath).agent_id, params_of(request, WorkParams)
    desk = desk_of(request, principal)
    found = await evaluation(
        desk,
        agent_id,
        wanted,
        with_comments=Scope.RECORDS_READ in principal.scopes,
    )
    return await one_response(request, principal, found, desk.language)


async def one_response(
    request: AnyRequest, principal: Principal, found: AgentEvaluation, language: Language
) -> Response:
    """An evaluation as the request wants it."""
    accept = request.headers.get("accept")
    media_type = paper_type(accept)
    if media_type is None:
        return encoded_one(found, accept, language)
    tenant = await tenant_name(request, principal)
    work = partial(evaluation_order, found, language, tenant, media_type)
    name = f"evaluation-{found.agent.id}"
    return await paper_response(request, principal, work, media_type, name, language)


OPERATIONS = [
    Operation(
        method="GET",
        path="/v1/agents/evaluations",
        operation_id="listAgentEvaluations",
        summary="All agents by their numbers",
        description="Every active agent, idle ones included, and whoever worked in the range, with "
        "the chosen metrics and what they do now. `rank_value` draws small samples towards that of "
        "all agents, so that two lucky ratings lead no table; `value` stays as it is. Bots and "
        "deleted agents are left out, except of the totals.",
        tag=QUERY_TAG,
        handler=list_evaluations,
        scope=Scope.REPORTS_READ,
        unfiltered=True,
        params=EvaluationsParams,
        responses={
            200: Media(
                body=EvaluationPage,
                texts={CSV: TABLE_FORM},
                headers=("X-Next-Cursor",),
                example=PAGE_EXAMPLE,
            )
        },
        problems=(
            "invalid_cursor",
            "snapshot_moved",
            "query_timeout",
            "too_many_queries",
            "unknown_metric",
        ),
    ),
    Operation(
        method="GET",
        path="/v1/agents/{agent_id}/evaluation",
        operation_id="getAgentEvaluation",
        summary="One agent against past, team and peers",
        description="The numbers of an agent, each against the range before, the rest of the team "
        "and all others on the same channels, tested and corrected for all comparisons; what "
        "stands out, and whether it is the agent's own or the system's. Comments need a key that "
        "also has records:read.",
        tag=QUERY_TAG,
        handler=get_evaluation,
        scope=Scope.REPORTS_READ,
        unfiltered=True,
        params=WorkParams,
        path_params=AgentPath,
        responses={
            200: Media(
                body=AgentEvaluation,
                texts={CSV: ONE_FORM},
                files=PAPER_FORMS,
                example=AGENT_EXAMPLE,
            )
        },
        problems=("query_timeout", "too_many_queries"),
    ),
]

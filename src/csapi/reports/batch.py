"""Several questions to one snapshot: a page of charts whose numbers agree with each other."""

from typing import Annotated, Any

import asyncpg
import msgspec
from msgspec import Meta

from csapi.access.principals import Principal, Scope
from csapi.kit.decode import decode
from csapi.kit.http import Response, json_response
from csapi.kit.language import spoken
from csapi.kit.operations import AnyRequest, Media, Operation, pieces_of
from csapi.kit.problem_answers import log_problem, told
from csapi.kit.problems import Problem, ProblemBody, pointer
from csapi.reports.endpoints import EXAMPLE, QUERY_TAG, SERIES_EXAMPLE, SPOKEN, desk_of
from csapi.reports.ordering import Name
from csapi.reports.refusals import within
from csapi.reports.savepoints import problem_of, set_savepoint
from csapi.reports.schemas import Query, QueryAnswer
from csapi.reports.service import Snapshot, answer_on, snapshot_of

MOST_QUERIES = 20
SIZE = Meta(min_length=1, max_length=MOST_QUERIES)


class QueryBatch(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Questions by names of your choice."""

    queries: Annotated[dict[Name, Query], SIZE]


class QueryPieces(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The same, each still to be decoded: one that is wrong must not cost the others theirs."""

    queries: Annotated[dict[Name, msgspec.Raw], SIZE]


class QueryOutcome(msgspec.Struct, kw_only=True):
    """What POST /v1/query would have answered: the status, and the answer or the problem."""

    status: int
    answer: QueryAnswer | None
    problem: ProblemBody | None


class QueryBatchAnswer(msgspec.Struct, kw_only=True):
    """An outcome for each question, by its name. All answers are of one snapshot."""

    results: dict[str, QueryOutcome]


DECODER = msgspec.json.Decoder(Query)


async def outcome(snapshot: Snapshot, name: str, raw: msgspec.Raw, scope: Any) -> QueryOutcome:
    try:
        found = await answer_on(snapshot, decode(bytes(raw), DECODER))
    except (Problem, asyncpg.PostgresError) as error:
        problem = await problem_of(snapshot, error)
        log_problem(problem, error, scope)
        return QueryOutcome(
            status=problem.status,
            answer=None,
            problem=told(within(problem, pointer("queries", name)), scope),
        )
    return QueryOutcome(status=200, answer=found, problem=None)


async def query_batch(request: AnyRequest, principal: Principal) -> Response:
    asked = await pieces_of(request, QueryPieces)
    desk = desk_of(request, principal)
    results: dict[str, QueryOutcome] = {}
    async with snapshot_of(desk) as snapshot:
        await set_savepoint(snapshot)
        for name, raw in asked.queries.items():
            results[name] = await outcome(snapshot, name, raw, request.scope)
    return json_response(QueryBatchAnswer(results=results), headers=spoken(desk.language))


OPERATIONS = [
    Operation(
        method="POST",
        path="/v1/query/batch",
        operation_id="runQueryBatch",
        repeats="harmless",
        budget="read",
        cost=10,
        summary="Ask several questions at once",
        description="Up to 20 questions by name, all answered from one snapshot. Each has its own "
        "outcome: one that cannot be answered carries its problem, and the others their answers.",
        tag=QUERY_TAG,
        handler=query_batch,
        scope=Scope.REPORTS_READ,
        portal=True,
        request=QueryBatch,
        request_examples={
            "two_charts": {"queries": {"service_level": EXAMPLE, "queues": SERIES_EXAMPLE}}
        },
        responses={200: Media(body=QueryBatchAnswer, headers=SPOKEN)},
        problems=("too_many_queries",),
    ),
]

"""What was searched for in the knowledge base, most often first."""

from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

from csapi.access.principals import Principal, Scope
from csapi.facts.kb_event import StoredType
from csapi.kit.http import Response, json_response
from csapi.kit.operations import AnyRequest, Operation, params_of
from csapi.kit.quantities import UtcDatetime
from csapi.reports.endpoints import QUERY_TAG, desk_of
from csapi.reports.ranges import RangeParams, period_of
from csapi.reports.service import snapshot_of


class TermUnit(StrEnum):
    """What is counted: whole terms, or each word of them once a search."""

    term = "term"
    word = "word"


class TermParams(RangeParams, kw_only=True):
    """Which searches, and how many terms of them."""

    by: Annotated[TermUnit, Meta(description="Count whole terms or single words")] = TermUnit.term
    limit: Annotated[int, Meta(ge=1, le=1000, description="At most so many")] = 50


class TermCount(msgspec.Struct, kw_only=True):
    """A term in the one spelling that all its spellings share."""

    term: str
    searches: Annotated[int, Meta(description="Searches for it")]
    zero_results: Annotated[int, Meta(description="Those of them that found nothing")]
    zero_result_share: Annotated[float, Meta(description="zero_results / searches")]


class TermTotals(msgspec.Struct, kw_only=True):
    """All searches of the range, those that no term counts included."""

    searches: int
    zero_results: int
    without_term: Annotated[
        int,
        Meta(description="Sent without a term, or with one that looks like personal data"),
    ]


class TermReport(msgspec.Struct, kw_only=True):
    """Terms by number of searches, then in the order of their characters."""

    data: list[TermCount]
    totals: TermTotals
    start: UtcDatetime
    end: UtcDatetime
    timezone: str


COUNTS = "count(*) AS searches, count(*) FILTER (WHERE e.results_count = 0) AS zero_results"
PERSON = "CASE WHEN e.customer IS NULL THEN e.session::text ELSE e.customer::text END"
CHOSEN = f"""
WHERE e.tenant_id = $1 AND e.type = {StoredType.SEARCH} AND NOT e.is_deleted
  AND e.occurred_at >= $2 AND e.occurred_at < $3"""


def most_searched(term: str, source: str) -> str:
    """`term` of the rows of `source`, by the number of rows; none that fewer people than the
    tenant's smallest group have sent. Whoever gave no name is one by session."""
    return f"""
SELECT * FROM (
  SELECT {term} AS term, {COUNTS} FROM {source} {CHOSEN} AND {term} IS NOT NULL GROUP BY 1
  HAVING $5 OR count(DISTINCT {PERSON}) >= coalesce((
    SELECT smallest_group FROM privacy_settings WHERE tenant_id = $1), 0)
) AS counted
ORDER BY searches DESC, term COLLATE "C" LIMIT $4"""


MOST_SEARCHED = {
    TermUnit.term: most_searched("e.term", "kb_events e"),
    TermUnit.word: most_searched(
        "word", "kb_events e CROSS JOIN LATERAL jsonb_array_elements_text(e.words) AS word"
    ),
}
TOTALS = (
    f"SELECT {COUNTS}, count(*) FILTER (WHERE e.term IS NULL) AS without_term "
    f"FROM kb_events e {CHOSEN}"
)


async def get_terms(request: AnyRequest, principal: Principal) -> Response:
    wanted = params_of(request, TermParams)
    period = period_of(wanted, principal.timezone)
    place = (principal.tenant_id, period.start, period.end)
    desk = desk_of(request, principal)
    async with snapshot_of(desk) as snapshot:
        connection = snapshot.connection
        rows = await connection.fetch(
            MOST_SEARCHED[wanted.by], *place, wanted.limit, desk.sees_everything
        )
        totals = await connection.fetchrow(TOTALS, *place)
    return json_response(
        TermReport(
            data=[
                TermCount(**row, zero_result_share=row["zero_results"] / row["searches"])
                for row in rows
            ],
            totals=TermTotals(**totals),
            start=period.start,
            end=period.end,
            timezone=period.timezone,
        )
    )


OPERATIONS = [
    Operation(
        method="GET",
        path="/v1/kb/terms",
        operation_id="getKbTerms",
        summary="Most searched terms of the knowledge base",
        description="Search terms by number of searches, with the share that found nothing. "
        "Spellings of one term count together: case, widths, spaces, and in Arabic vowel signs "
        "and the forms of alef, ya and ta marbuta. Terms that look like an e-mail address or hold "
        "seven digits or more are not listed, nor, where the tenant hides small groups, those that "
        "too few people searched for. Read from the searches themselves: always exact.",
        tag=QUERY_TAG,
        handler=get_terms,
        scope=Scope.REPORTS_READ,
        params=TermParams,
        responses={200: TermReport},
        problems=("query_timeout", "too_many_queries"),
    ),
]

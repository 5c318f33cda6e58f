"""What was searched for in the knowledge base, most often first."""

from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from csapi.access.principals import Principal, Scope
from csapi.facts.kb_event import StoredType
from csapi.facts.kinds import Kind
from csapi.facts.outcomes import SearchOutcome
from csapi.kit.http import Response
from csapi.kit.operations import AnyRequest, Media, Operation, params_of
from csapi.kit.quantities import UtcDatetime
from csapi.reports.encoders import CSV, table_or_json
from csapi.reports.endpoints import QUERY_TAG, SPOKEN, desk_of
from csapi.reports.ranges import RangeParams
from csapi.reports.service import asked_period, snapshot_of


class TermUnit(StrEnum):
    """What is counted: whole terms, or each word of them once a search."""

    term = "term"
    word = "word"


class TermSort(StrEnum):
    """Which terms come first: those with most searches, or with most of them in vain."""

    searches = "searches"
    zero_results = "zero_results"
    no_clicks = "no_clicks"


class TermParams(RangeParams, kw_only=True):
    """Which searches, and how many terms of them."""

    by: Annotated[TermUnit, Meta(description="Count whole terms or single words")] = TermUnit.term
    sort: Annotated[TermSort, Meta(description="The largest first")] = TermSort.searches
    limit: Annotated[int, Meta(ge=1, le=1000, description="At most so many")] = 50


class TermCount(msgspec.Struct, kw_only=True):
    """A term in the one spelling that all its spellings share."""

    term: str
    searches: Annotated[int, Meta(description="Searches for it")]
    zero_results: Annotated[int, Meta(description="Those of them that found nothing")]
    zero_result_share: Annotated[float, Meta(description="zero_results / searches")]
    no_clicks: Annotated[
        int,
        Meta(
            description="Those with results of which none was clicked, as kb_no_click_rate has it"
        ),
    ]
    no_click_share: Annotated[
        float | None,
        Meta(description="no_clicks / searches with results in a session; null without any"),
    ]


class TermTotals(msgspec.Struct, kw_only=True):
    """All searches of the range, those that no term counts included."""

    searches: int
    zero_results: int
    no_clicks: int
    no_click_share: float | None
    without_term: Annotated[
        int,
        Meta(description="Sent without a term, or with one that looks like personal data"),
    ]


class TermReport(msgspec.Struct, kw_only=True):
    """Terms by the number that they are sorted by, then in the order of their characters."""

    data: list[TermCount]
    totals: TermTotals
    start: UtcDatetime
    end: UtcDatetime
    timezone: str


COUNTS = f"""count(*) AS searches, count(*) FILTER (WHERE e.results_count = 0) AS zero_results,
  count(*) FILTER (WHERE f.outcome = {SearchOutcome.NOT_CLICKED}) AS no_clicks,
  count(*) FILTER (WHERE f.outcome IN ({SearchOutcome.CLICKED}, {SearchOutcome.NOT_CLICKED}))
    AS seen_to_end"""
# Whether a result was clicked is what the fact of a search says.
SEARCHED = f"""
LEFT JOIN facts f ON f.tenant_id = $1 AND f.subject = e.id AND f.kind = {Kind.KB_SEARCH}"""
PERSON = "CASE WHEN e.customer IS NULL THEN e.session::text ELSE e.customer::text END"
CHOSEN = f"""{SEARCHED}
WHERE e.tenant_id = $1 AND e.type = {StoredType.SEARCH} AND NOT e.is_deleted
  AND e.occurred_at >= $2 AND e.occurred_at < $3"""


def most_searched(term: str, source: str, sort: TermSort) -> str:
    """`term` of the rows of `source`, by one of their numbers; none that fewer people than the
    tenant's smallest group have sent. Whoever gave no name is one by session."""
    return f"""
SELECT * FROM (
  SELECT {term} AS term, {COUNTS} FROM {source} {CHOSEN} AND {term} IS NOT NULL GROUP BY 1
  HAVING $5 OR count(DISTINCT {PERSON}) >= coalesce((
    SELECT smallest_group FROM privacy_settings WHERE tenant_id = $1), 0)
) AS counted
ORDER BY {sort.value} DESC, term COLLATE "C" LIMIT $4"""


TERMS = {
    TermUnit.term: ("e.term", "kb_events e"),
    TermUnit.word: (
        "word",
        "kb_events e CROSS JOIN LATERAL jsonb_array_elements_text(e.words) AS word",
    ),
}
MOST_SEARCHED = {
    (by, sort): most_searched(*TERMS[by], sort) for by in TermUnit for sort in TermSort
}
TOTALS = (
    f"SELECT {COUNTS}, count(*) FILTER (WHERE e.term IS NULL) AS without_term "
    f"FROM kb_events e {CHOSEN}"
)
TABLE_FORM = (
    "The same terms as a table: `row` (data or totals), the term, and its numbers as in JSON."
)
COLUMNS = ("searches", "zero_results", "zero_result_share", "no_clicks", "no_click_share")


def share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def term_lines(found: TermReport) -> Iterator[list[Any]]:
    yield ["row", "term", *COLUMNS]
    for each in found.data:
        yield ["data", each.term, *(getattr(each, name) for name in COLUMNS)]
    totals = found.totals
    zero_share = share(totals.zero_results, totals.searches)
    yield [
        "totals", None, totals.searches, totals.zero_results, zero_share, totals.no_clicks,
        totals.no_click_share,
    ]  # fmt: skip


async def get_terms(request: AnyRequest, principal: Principal) -> Response:
    wanted, desk = params_of(request, TermParams), desk_of(request, principal)
    period = await asked_period(desk, wanted)
    place = (principal.tenant_id, period.start, period.end)
    async with snapshot_of(desk) as snapshot:
        connection = snapshot.connection
        rows = await connection.fetch(
            MOST_SEARCHED[wanted.by, wanted.sort], *place, wanted.limit, desk.sees_everything
        )
        totals = await connection.fetchrow(TOTALS, *place)
    found = TermReport(
        data=[
            TermCount(
                term=row["term"],
                searches=row["searches"],
                zero_results=row["zero_results"],
                zero_result_share=row["zero_results"] / row["searches"],
                no_clicks=row["no_clicks"],
                no_click_share=share(row["no_clicks"], row["seen_to_end"]),
            )
            for row in rows
        ],
        totals=TermTotals(
            searches=totals["searches"],
            zero_results=totals["zero_results"],
            no_clicks=totals["no_clicks"],
            no_click_share=share(totals["no_clicks"], totals["seen_to_end"]),
            without_term=totals["without_term"],
        ),
        start=period.start,
        end=period.end,
        timezone=period.timezone,
    )
    return table_or_json(found, term_lines(found), request.headers.get("accept"), desk.language)


OPERATIONS = [
    Operation(
        method="GET",
        path="/v1/kb/terms",
        operation_id="getKbTerms",
        summary="Most searched terms of the knowledge base",
        description="Search terms by number of searches, or of those in vain, with the share that "
        "found nothing and the share of which no result was clicked. "
        "Spellings of one term count together: case, widths, spaces, and in Arabic vowel signs "
        "and the forms of alef, ya and ta marbuta. Terms that look like an e-mail address or hold "
        "seven digits or more are not listed, nor, where the tenant hides small groups, those that "
        "too few people searched for. Read from the searches themselves: always exact.",
        tag=QUERY_TAG,
        handler=get_terms,
        scope=Scope.REPORTS_READ,
        params=TermParams,
        responses={200: Media(body=TermReport, texts={CSV: TABLE_FORM}, headers=SPOKEN)},
        problems=("query_timeout", "too_many_queries"),
    ),
]

"""Where the knowledge base leaves people alone: topics with tickets, and what help there was."""

from enum import StrEnum
from typing import Annotated
from uuid import UUID

import asyncpg
import msgspec
from msgspec import Meta

from csapi.access.principals import Principal, Scope
from csapi.access.tenancy import tenant_transaction
from csapi.facts.kb_event import StoredType
from csapi.facts.kinds import Dimension, Kind
from csapi.kit.http import Response, json_response
from csapi.kit.operations import AnyRequest, Operation, params_of
from csapi.kit.quantities import UtcDatetime
from csapi.metrics.dimensions import label_of
from csapi.metrics.periods import Period
from csapi.reports.endpoints import QUERY_TAG, desk_of
from csapi.reports.ranges import RangeParams
from csapi.reports.service import asked_period


class GapKind(StrEnum):
    """no_article: nothing is written about the topic. article_fails: people read an article about
    it and opened a ticket all the same. none: neither."""

    no_article = "no_article"
    article_fails = "article_fails"
    none = "none"


class ContentGapParams(RangeParams, kw_only=True):
    """Tickets of which range, and how far back a visit counts."""

    window_hours: Annotated[
        int, Meta(ge=1, le=720, description="A visit so many hours before the ticket counts")
    ] = 24
    limit: Annotated[int, Meta(ge=1, le=1000, description="At most so many topics")] = 50


class ContentGap(msgspec.Struct, kw_only=True):
    """A topic as it was when its tickets were opened."""

    topic: str
    label: str
    gap: GapKind
    score: Annotated[
        int,
        Meta(
            description="Tickets that better content might have spared: without an article all of "
            "them, else those after a read article or a search in vain"
        ),
    ]
    tickets: int
    articles: Annotated[int, Meta(description="Published articles about the topic now")]
    views: Annotated[int, Meta(description="Views of those articles in the range")]
    tickets_after_view: Annotated[
        int, Meta(description="Tickets whose customer read one of them in the window before")
    ]
    tickets_after_zero_results: Annotated[
        int, Meta(description="Tickets whose customer searched in vain in the window before")
    ]
    zero_result_searches: Annotated[int, Meta(description="Those searches")]


class ContentGapTotals(msgspec.Struct, kw_only=True):
    """All tickets of the range."""

    tickets: int
    without_topic: int


class ContentGapReport(msgspec.Struct, kw_only=True):
    """Topics by score, then by tickets, then by their keys."""

    data: list[ContentGap]
    totals: ContentGapTotals
    start: UtcDatetime
    end: UtcDatetime
    timezone: str


OPENED = f"""opened AS MATERIALIZED (
  SELECT f.subject AS id, f.topic, f.customer, f.occurred_at AS at FROM facts f
  WHERE f.tenant_id = $1 AND f.kind = {Kind.TICKET_CREATED}
    AND f.occurred_at >= $2 AND f.occurred_at < $3)"""

WRITTEN = """written AS (
  SELECT topic, count(*) AS articles FROM kb_articles
  WHERE tenant_id = $1 AND topic IS NOT NULL AND NOT is_stub AND NOT is_deleted
    AND coalesce((item->>'published')::boolean, true) GROUP BY topic)"""

# A visit is the ticket's by its customer, or by the session that the ticket came out of.
LABEL, LABEL_JOIN = label_of(Dimension.TOPIC)
GAPS = f"""
WITH {OPENED}, visits AS (
  SELECT o.id, o.topic, e.id AS visit, e.type, e.results_count, e.article, e.occurred_at, o.at
  FROM opened o JOIN kb_events e ON e.tenant_id = $1 AND e.customer = o.customer
  WHERE o.topic IS NOT NULL AND NOT e.is_deleted
  UNION
  SELECT o.id, o.topic, e.id, e.type, e.results_count, e.article, e.occurred_at, o.at
  FROM opened o
  JOIN sessions s ON s.tenant_id = $1 AND s.ticket = o.id AND NOT s.is_stub AND NOT s.is_deleted
  JOIN kb_events e ON e.tenant_id = $1 AND e.session = s.id AND NOT e.is_deleted
  WHERE o.topic IS NOT NULL
), helped AS (
  SELECT v.id, v.topic,
    bool_or(v.type = {StoredType.VIEW} AND a.topic = v.topic) AS has_read,
    count(*) FILTER (WHERE v.type = {StoredType.SEARCH} AND v.results_count = 0) AS in_vain
  FROM visits v
  LEFT JOIN kb_articles a ON a.tenant_id = $1 AND a.id = v.article AND NOT a.is_deleted
  WHERE v.occurred_at <= v.at AND v.occurred_at >= v.at - $4 * interval '1 hour'
  GROUP BY v.id, v.topic
), by_topic AS (
  SELECT topic, count(*) AS tickets FROM opened WHERE topic IS NOT NULL GROUP BY topic
), visited AS (
  SELECT topic, count(*) FILTER (WHERE has_read) AS after_view,
    count(*) FILTER (WHERE in_vain > 0) AS after_zero, sum(in_vain)::bigint AS in_vain,
    count(*) FILTER (WHERE has_read OR in_vain > 0) AS after_either
  FROM helped GROUP BY topic
), {WRITTEN}, viewed AS (
  SELECT topic, count(*) AS views FROM facts
  WHERE tenant_id = $1 AND kind = {Kind.KB_VIEW} AND occurred_at >= $2 AND occurred_at < $3
    AND topic IS NOT NULL GROUP BY topic
)
SELECT m.key AS topic, coalesce({LABEL}, m.key) AS label, t.tickets,
  coalesce(w.articles, 0) AS articles, coalesce(v.views, 0) AS views,
  coalesce(h.after_view, 0) AS tickets_after_view,
  coalesce(h.after_zero, 0) AS tickets_after_zero_results,
  coalesce(h.in_vain, 0) AS zero_result_searches,
  CASE WHEN w.articles IS NULL THEN t.tickets ELSE coalesce(h.after_either, 0) END AS score
FROM by_topic t JOIN members m ON m.tenant_id = $1 AND m.member = t.topic{LABEL_JOIN}
LEFT JOIN written w ON w.topic = t.topic LEFT JOIN viewed v ON v.topic = t.topic
LEFT JOIN visited h ON h.topic = t.topic
ORDER BY score DESC, t.tickets DESC, m.key COLLATE "C" LIMIT $5"""

TOTALS = f"""
WITH {OPENED}
SELECT count(*) AS tickets, count(*) FILTER (WHERE topic IS NULL) AS without_topic FROM opened"""


def gap_of(articles: int, after_view: int) -> GapKind:
    if articles == 0:
        return GapKind.no_article
    return GapKind.article_fails if after_view else GapKind.none


async def read_gaps(
    connection: asyncpg.Connection, tenant_id: UUID, period: Period, window_hours: int, limit: int
) -> list[ContentGap]:
    """Topics of the tickets of a period, the largest gaps first."""
    place = (tenant_id, period.start, period.end)
    rows = await connection.fetch(GAPS, *place, window_hours, limit)
    return [
        ContentGap(**row, gap=gap_of(row["articles"], row["tickets_after_view"])) for row in rows
    ]


async def get_content_gaps(request: AnyRequest, principal: Principal) -> Response:
    wanted = params_of(request, ContentGapParams)
    period = await asked_period(desk_of(request, principal), wanted)
    place = (principal.tenant_id, period.start, period.end)
    pool = request.app.state.pool
    async with tenant_transaction(pool, principal.tenant_id, readonly=True) as connection:
        gaps = await read_gaps(
            connection, principal.tenant_id, period, wanted.window_hours, wanted.limit
        )
        totals = await connection.fetchrow(TOTALS, *place)
    return json_response(
        ContentGapReport(
            data=gaps,
            totals=ContentGapTotals(**totals),
            start=period.start,
            end=period.end,
            timezone=period.timezone,
        )
    )


OPERATIONS = [
    Operation(
        method="GET",
        path="/v1/kb/content-gaps",
        operation_id="getContentGaps",
        summary="Topics that the knowledge base leaves open",
        description="Topics of the tickets opened in the range, each with what the knowledge base "
        "has about it and what the tickets' customers did there before: by their customer, or by "
        "the session that the ticket came out of. Two kinds of gaps: nothing is written, or it is "
        "read and does not help. Read from the records themselves: always exact.",
        tag=QUERY_TAG,
        handler=get_content_gaps,
        scope=Scope.REPORTS_READ,
        params=ContentGapParams,
        responses={200: ContentGapReport},
        problems=("query_timeout",),
    ),
]

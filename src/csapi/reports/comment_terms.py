"""What customers write about in their comments, most often first."""

from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

from csapi.access.principals import Principal, Scope
from csapi.facts.feedback import SURVEYS
from csapi.facts.kinds import Kind
from csapi.facts.outcomes import Box
from csapi.facts.wire import Key, Survey, normalized
from csapi.kit.http import Response, json_response
from csapi.kit.operations import AnyRequest, Operation, params_of
from csapi.kit.quantities import UtcDatetime
from csapi.reports.endpoints import QUERY_TAG, desk_of
from csapi.reports.frozen import check_range_kept
from csapi.reports.ranges import RangeParams
from csapi.reports.service import asked_period, snapshot_of


class CommentUnit(StrEnum):
    """What is counted, once a comment: single words, or two that follow each other."""

    word = "word"
    phrase = "phrase"


class CommentTermParams(RangeParams, kw_only=True):
    """Which comments, and how many terms of them."""

    by: Annotated[CommentUnit, Meta(description="Single words or phrases of two")] = (
        CommentUnit.word
    )
    survey: Annotated[Survey | None, Meta(description="Of one kind of survey alone")] = None
    language: Annotated[Key | None, Meta(description="As the feedback says")] = None
    at_least: Annotated[
        int, Meta(ge=1, le=1000, description="In so many pieces of feedback at least")
    ] = 2
    limit: Annotated[int, Meta(ge=1, le=1000, description="At most so many")] = 50


class CommentTerm(msgspec.Struct, kw_only=True):
    """A term of one language, in the one spelling that all its spellings share."""

    term: str
    language: Annotated[str | None, Meta(description="As the feedback says; null if it does not")]
    feedback: Annotated[int, Meta(description="Pieces of feedback with it")]
    positive: Annotated[int, Meta(description="Those of them with a satisfied rating")]
    negative: Annotated[int, Meta(description="Those of them with a dissatisfied rating")]
    negative_share: Annotated[float, Meta(description="negative / feedback")]


class CommentTotals(msgspec.Struct, kw_only=True):
    """All feedback of the range that has a comment, whatever its words; null where that is of fewer
    customers than the tenant's smallest group."""

    with_comment: int | None
    positive: int | None
    negative: int | None
    without_term: Annotated[int | None, Meta(description="Comments in which no word counts")]


class CommentTermReport(msgspec.Struct, kw_only=True):
    """Terms by number of comments, then in the order of their characters."""

    data: list[CommentTerm]
    totals: CommentTotals
    start: UtcDatetime
    end: UtcDatetime
    timezone: str


CHOSEN = """
  WHERE f.tenant_id = $1 AND f.responded_at >= $2 AND f.responded_at < $3
    AND NOT f.is_stub AND NOT f.is_deleted AND f.words IS NOT NULL
    AND ($4::smallint IS NULL OR f.survey = $4) AND ($5::text IS NULL OR f.language = $5)"""
BOXES = (
    f"count(*) FILTER (WHERE f.box = {Box.POSITIVE}) AS positive, "
    f"count(*) FILTER (WHERE f.box = {Box.NEGATIVE}) AS negative"
)
TERMS = {
    CommentUnit.word: "SELECT DISTINCT word FROM jsonb_array_elements_text(f.words) AS word",
    CommentUnit.phrase: "SELECT DISTINCT word || ' ' || following FROM ("
    "SELECT word, lead(word) OVER (ORDER BY place) AS following "
    "FROM jsonb_array_elements_text(f.words) WITH ORDINALITY AS each (word, place)) AS pairs "
    "WHERE following IS NOT NULL",
}


# Who said it, as far as is known: after merges, and through tickets and calls. Whoever is not known
# is one by piece of feedback.
PERSON = f"""coalesce((SELECT p.customer::text FROM facts p WHERE p.tenant_id = f.tenant_id
    AND p.subject = f.id AND p.kind = {Kind.FEEDBACK_COMMENT} AND p.ordinal = 0), f.id::text)"""


def most_said(by: CommentUnit, *, hides: bool) -> str:
    """The terms that at least $6 comments have; `hides`: and at least $8 people."""
    who, enough = "", ""
    if hides:
        who = f"CROSS JOIN LATERAL (SELECT {PERSON} OFFSET 0) AS who (person)"
        enough = " AND count(DISTINCT who.person) >= $8"
    return f"""
SELECT t.term, f.language, count(*) AS feedback, {BOXES}
FROM feedback f {who} CROSS JOIN LATERAL ({TERMS[by]}) AS t (term) {CHOSEN}
GROUP BY t.term, f.language HAVING count(*) >= $6{enough}
ORDER BY feedback DESC, t.term COLLATE "C", f.language COLLATE "C" LIMIT $7"""


MOST_SAID = {
    (by, hides): most_said(by, hides=hides) for by in CommentUnit for hides in (False, True)
}
TOTALS = f"""
SELECT count(*) AS with_comment, {BOXES},
  count(*) FILTER (WHERE f.words = '[]') AS without_term
FROM feedback f {CHOSEN}"""
PEOPLE = f"SELECT count(DISTINCT {PERSON}) FROM feedback f {CHOSEN}"
HIDDEN = dict.fromkeys(("with_comment", "positive", "negative", "without_term"))


async def get_comment_terms(request: AnyRequest, principal: Principal) -> Response:
    wanted, desk = params_of(request, CommentTermParams), desk_of(request, principal)
    period = await asked_period(desk, wanted)
    chosen = (
        principal.tenant_id,
        period.start,
        period.end,
        None if wanted.survey is None else int(SURVEYS[wanted.survey]),
        None if wanted.language is None else normalized(wanted.language),
    )
    async with snapshot_of(desk) as snapshot:
        connection, smallest = snapshot.connection, (await snapshot.standing()).smallest_group
        hides = smallest is not None and not desk.sees_everything
        what = "comments are read from them"
        await check_range_kept(connection, desk.tenant_id, period.start, what, "/from")
        rows = await connection.fetch(
            MOST_SAID[wanted.by, hides],
            *chosen,
            wanted.at_least,
            wanted.limit,
            *([smallest] if hides else []),
        )
        totals = dict(await connection.fetchrow(TOTALS, *chosen))
        if hides and 0 < await connection.fetchval(PEOPLE, *chosen) < smallest:
            totals = HIDDEN
    return json_response(
        CommentTermReport(
            data=[
                CommentTerm(**row, negative_share=row["negative"] / row["feedback"]) for row in rows
            ],
            totals=CommentTotals(**totals),
            start=period.start,
            end=period.end,
            timezone=period.timezone,
        )
    )


OPERATIONS = [
    Operation(
        method="GET",
        path="/v1/feedback/terms",
        operation_id="getFeedbackTerms",
        summary="What comments are about",
        description="Words or phrases of the comments of feedback, by how many comments have them, "
        "with how many of those were satisfied or dissatisfied. Each term counts once a comment, "
        "in one spelling; languages are counted apart. E-mail addresses, numbers and the small "
        "words that every text has are left out, and what fewer than `at_least` comments say; "
        "where the tenant hides small groups, also what too few customers say.",
        tag=QUERY_TAG,
        handler=get_comment_terms,
        scope=Scope.REPORTS_READ,
        params=CommentTermParams,
        responses={200: CommentTermReport},
        problems=("query_timeout", "too_many_queries"),
    ),
]

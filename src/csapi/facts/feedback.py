"""Feedback: the requests that were sent, and the ratings that came back."""

from typing import Annotated

import msgspec
from msgspec import Meta

from csapi.facts.kinds import NO_OUTCOME, VALUE_SCALE, Dimension, Kind, Resource
from csapi.facts.lookup import Lookup
from csapi.facts.outcomes import Box, CommentOutcome, RequestOutcome
from csapi.facts.resource import Column, RecordKind, attribute_columns
from csapi.facts.sentiment import SENTIMENT_COLUMNS, sentiment_values
from csapi.facts.sql import ATTRIBUTES, CHOSEN, fact_select, lateral
from csapi.facts.tags import TAG_JOIN, tag_log, tags_at
from csapi.facts.text import said_words
from csapi.facts.ticket_history import EventType, events_of, period_join, periods, was
from csapi.facts.wire import (
    Custom,
    Key,
    Record,
    Sentiment,
    SentimentScore,
    Survey,
    Text,
    normalized,
)
from csapi.kit.quantities import UtcDatetime

LARGEST = 1_000
Rating = Annotated[float, Meta(ge=-LARGEST, le=LARGEST, description="On the survey's own scale")]

SURVEYS = {
    Survey.csat: Kind.CSAT,
    Survey.ces: Kind.CES,
    Survey.nps: Kind.NPS,
    Survey.fcr: Kind.FCR,
}
SCALES = {
    Survey.csat: (1.0, 5.0),
    Survey.ces: (1.0, 7.0),
    Survey.nps: (0.0, 10.0),
    Survey.fcr: (0.0, 1.0),
}
POINTS_FOR_TWO_BOXES = 4


class FeedbackRequest(Record):
    """A customer was asked. Agent and team are those at that moment.

    Without `created_at` the request was created when it was sent.
    """

    sent_at: UtcDatetime
    source_updated_at: UtcDatetime | None = None
    survey: Survey = Survey.csat
    channel: Key | None = None
    ticket: Key | None = None
    call: Key | None = None
    agent: Key | None = None
    team: Key | None = None
    customer: Key | None = None
    created_at: UtcDatetime | None = None
    delivered_at: UtcDatetime | None = None
    custom: Custom = {}
    deleted: bool = False


class Feedback(Record):
    """A customer answered. A changed rating replaces the first.

    The scale defaults to 1 to 5 (csat), 1 to 7 (ces), 0 to 10 (nps), and 0 to 1 (fcr: was the
    first contact enough). `positive_values` says which
    ratings mean satisfied where that is not the upper end of the scale. `site` is where it was
    given without being asked for, such as an app store: the channel where no ticket or call names
    one.
    """

    survey: Survey
    rating: Rating
    responded_at: UtcDatetime
    source_updated_at: UtcDatetime | None = None
    scale_min: Rating | None = None
    scale_max: Rating | None = None
    positive_values: Annotated[list[Rating], Meta(max_length=100)] | None = None
    request: Key | None = None
    ticket: Key | None = None
    call: Key | None = None
    agent: Key | None = None
    team: Key | None = None
    customer: Key | None = None
    site: Key | None = None
    comment: Text | None = None
    language: Key | None = None
    reasons: Annotated[list[Key], Meta(max_length=100)] = []
    sentiment_label: Sentiment | None = None
    sentiment_score: SentimentScore | None = None
    custom: Custom = {}
    deleted: bool = False


def scale_of(feedback: Feedback) -> tuple[float, float]:
    lowest, highest = SCALES[feedback.survey]
    return (
        lowest if feedback.scale_min is None else feedback.scale_min,
        highest if feedback.scale_max is None else feedback.scale_max,
    )


def check_rating(feedback: Feedback) -> tuple[str, str, str] | None:
    lowest, highest = scale_of(feedback)
    if highest <= lowest:
        return "/scale_max", "invalid_value", "The scale must end above its start."
    if not lowest <= feedback.rating <= highest:
        return "/rating", "out_of_range", f"The rating is outside its scale {lowest:g}-{highest:g}."
    return None


def box_of(feedback: Feedback) -> Box:
    """Top-2-box and bottom-2-box; one box at each end on scales of fewer than four points.

    Net promoter: 9 and 10 promote, 0 to 6 detract (Reichheld).
    """
    if feedback.positive_values is not None:
        return Box.POSITIVE if feedback.rating in feedback.positive_values else Box.NEGATIVE
    if feedback.survey is Survey.nps:
        if feedback.rating >= 9:
            return Box.POSITIVE
        return Box.NEUTRAL if feedback.rating > 6 else Box.NEGATIVE
    lowest, highest = scale_of(feedback)
    width = 1 if highest - lowest + 1 >= POINTS_FOR_TWO_BOXES else 0
    if feedback.rating >= highest - width:
        return Box.POSITIVE
    return Box.NEGATIVE if feedback.rating <= lowest + width else Box.NEUTRAL


def request_row(request: FeedbackRequest, lookup: Lookup) -> tuple[object, ...]:
    source = request.source
    return (
        request.sent_at,
        int(SURVEYS[request.survey]),
        request.ticket,
        request.call,
        lookup.agent(source, request.agent),
        lookup.team(source, request.team),
        lookup.customer(source, request.customer),
        *lookup.custom(request.custom),
        request.created_at,
    )


def feedback_row(feedback: Feedback, lookup: Lookup) -> tuple[object, ...]:
    source = feedback.source
    return (
        int(SURVEYS[feedback.survey]),
        feedback.responded_at,
        round(feedback.rating * VALUE_SCALE),
        int(box_of(feedback)),
        feedback.request,
        feedback.ticket,
        feedback.call,
        lookup.agent(source, feedback.agent),
        lookup.team(source, feedback.team),
        lookup.customer(source, feedback.customer),
        *lookup.custom(feedback.custom),
        lookup.label(Dimension.CHANNEL, feedback.site),
        *sentiment_values(feedback.sentiment_label, feedback.sentiment_score),
        None if feedback.language is None else normalized(feedback.language),
        None if feedback.comment is None else listed(said_words(feedback.comment)),
    )


def listed(words: list[str]) -> str:
    return msgspec.json.encode(words).decode()


CONTEXT_JOINS = f"""
LEFT JOIN tickets t ON t.tenant_id = $1 AND t.id = {{ticket}}
LEFT JOIN calls k ON k.tenant_id = $1 AND k.id = {{call}}
{period_join("owner", "t.id", EventType.ASSIGNED)}
{period_join("topic_then", "t.id", EventType.TOPIC_CHANGED)}
{period_join("priority_then", "t.id", EventType.PRIORITY_CHANGED)}
{TAG_JOIN.format(ticket="t.id")}"""

# What was asked and answered about a test or spam is no more real than that ticket was.
IS_REAL = f"""{CHOSEN} AND (t.is_excluded IS NOT TRUE
  OR (t.item->>'is_test' IS DISTINCT FROM 'true' AND t.item->>'is_spam' IS DISTINCT FROM 'true'))"""
CONTEXT_DIMENSIONS = {
    "channel": "coalesce(t.channel, k.channel)",
    "inbox": "t.inbox",
    "queue": "k.queue",
    "type": "coalesce(t.type, k.type)",
    "topic": f"coalesce({was('topic_then', 'value', 't.topic')}, k.topic)",
    "priority": f"coalesce({was('priority_then', 'value', 't.priority')}, k.priority)",
    "tags": f"coalesce({tags_at('t.tags', 'e.at')}, k.tags)",
}
OWNER = f"coalesce({was('owner', 'agent', 't.agent')}, k.agent)"
OWNER_TEAM = f"coalesce({was('owner', 'team', 't.team')}, k.team)"


def with_periods(tickets: str) -> str:
    events = events_of(f"ARRAY({tickets})")
    return (
        f"WITH events AS MATERIALIZED ({events}), periods AS ({periods('events')}), "
        f"tag_log AS ({tag_log('events')})"
    )


# delivered_at and comment are read off the item: records from before these facts have them, too.
REQUEST_EVENTS = f"""
  SELECT step.*, c.agent, c.team, NULL::bigint, NULL::bigint, NULL::bigint, true
  FROM (VALUES
    ({Kind.FEEDBACK_REQUEST}, 0,
     CASE WHEN EXISTS (SELECT 1 FROM feedback f WHERE f.tenant_id = $1 AND f.request = c.id
                         AND NOT f.is_stub AND NOT f.is_deleted)
          THEN {RequestOutcome.ANSWERED} ELSE {RequestOutcome.UNANSWERED} END, c.sent_at),
    ({Kind.FEEDBACK_REQUEST_CREATED}, 0, {NO_OUTCOME}, coalesce(c.created_at, c.sent_at)),
    ({Kind.FEEDBACK_REQUEST_DELIVERED}, 0, {NO_OUTCOME}, (c.item->>'delivered_at')::timestamptz)
  ) AS step (kind, ordinal, outcome, at)
  WHERE step.at IS NOT NULL"""

REQUEST_FACTS = fact_select(
    resource=Resource.FEEDBACK_REQUEST,
    before=with_periods(
        "SELECT ticket FROM feedback_requests WHERE tenant_id = $1 AND id = ANY($2::uuid[])"
    ),
    source="feedback_requests c "
    + lateral(REQUEST_EVENTS)
    + CONTEXT_JOINS.format(ticket="c.ticket", call="c.call"),
    actor=f"coalesce(e.agent, {OWNER})",
    owner=(OWNER, OWNER_TEAM),
    where=IS_REAL,
    dimensions={
        **CONTEXT_DIMENSIONS,
        "customer": "coalesce(c.customer, t.customer, k.customer)",
        **{name: f"coalesce(c.{name}, t.{name}, k.{name})" for name in ATTRIBUTES},
    },
)

HAS_COMMENT = "c.item->>'comment' ~ '[^[:space:]]'"
# Whose mean is one of ratings as they are.
AVERAGED = (Survey.csat, Survey.ces)
LOWEST, HIGHEST = (
    f"coalesce((c.item->>'{name}')::numeric, CASE c.survey "
    + " ".join(f"WHEN {SURVEYS[each]} THEN {SCALES[each][place]:g}" for each in AVERAGED)
    + " END)"
    for place, name in enumerate(("scale_min", "scale_max"))
)
# A number of its own for every scale whose ends are whole; of the others, nearly so.
OTHERS = 1_000_000_000
SCALE_MARK = f"""(SELECT CASE WHEN lowest % 1 = 0 AND highest % 1 = 0
  THEN (lowest + {LARGEST}) * {2 * LARGEST + 1} + highest + {LARGEST}
  ELSE {(2 * LARGEST + 1) ** 2} +
    abs(hashtextextended(trim_scale(lowest) || ' ' || trim_scale(highest), 0) % {OTHERS})
  END FROM (VALUES ({LOWEST}, {HIGHEST})) AS scale (lowest, highest))::bigint"""
# Ratings are stored to four decimals: on a scale that is finer than these, one may lie beside it.
NORMALIZED = f"""CASE WHEN c.survey = {Kind.CSAT} THEN greatest(0, least({VALUE_SCALE},
      round((c.rating - {LOWEST} * {VALUE_SCALE}) / ({HIGHEST} - {LOWEST}))))::bigint END"""
FEEDBACK_EVENTS = f"""
  SELECT said.kind, 0, said.outcome, c.responded_at, coalesce(c.agent, r.agent),
    coalesce(c.team, r.team), said.mark, said.value, NULL::bigint, true
  FROM (VALUES
    (c.survey::int, c.box::int, c.rating, {SCALE_MARK}),
    ({Kind.FEEDBACK_COMMENT}, CASE WHEN {HAS_COMMENT} THEN {CommentOutcome.GIVEN}
                              ELSE {CommentOutcome.NONE} END, NULL, NULL),
    ({Kind.RATING_NORMALIZED}, CASE WHEN c.survey = {Kind.CSAT} THEN c.box::int END, {NORMALIZED},
     NULL),
    ({Kind.SENTIMENT}, c.sentiment::int, c.sentiment_score, NULL)
  ) AS said (kind, outcome, value, mark)
  WHERE said.outcome IS NOT NULL"""

# Through a subquery: coalesce() itself makes no index condition (facts/sql.py).
REQUEST_JOIN = """feedback c
LEFT JOIN feedback_requests r ON r.tenant_id = $1 AND r.id = c.request
CROSS JOIN LATERAL (
  SELECT coalesce(c.ticket, r.ticket) AS ticket, coalesce(c.call, r.call) AS call OFFSET 0) about
"""

FEEDBACK_FACTS = fact_select(
    resource=Resource.FEEDBACK,
    before=with_periods(
        f"SELECT about.ticket FROM {REQUEST_JOIN} WHERE c.tenant_id = $1 AND c.id = ANY($2::uuid[])"
    ),
    source=REQUEST_JOIN
    + lateral(FEEDBACK_EVENTS)
    + CONTEXT_JOINS.format(ticket="about.ticket", call="about.call"),
    actor=f"coalesce(e.agent, {OWNER})",
    owner=(OWNER, OWNER_TEAM),
    where=IS_REAL,
    dimensions={
        **CONTEXT_DIMENSIONS,
        "channel": f"coalesce({CONTEXT_DIMENSIONS['channel']}, c.site)",
        "customer": "coalesce(c.customer, r.customer, t.customer, k.customer)",
        **{name: f"coalesce(c.{name}, r.{name}, t.{name}, k.{name})" for name in ATTRIBUTES},
    },
)

FEEDBACK_REQUESTS = RecordKind(
    name="feedback-requests",
    table="feedback_requests",
    resource=Resource.FEEDBACK_REQUEST,
    item=FeedbackRequest,
    columns=(
        Column("sent_at", "timestamptz"),
        Column("survey", "smallint"),
        Column("ticket", "text", link="tickets"),
        Column("call", "text", link="calls"),
        Column("agent", "integer"),
        Column("team", "integer"),
        Column("customer", "bigint"),
        *attribute_columns(),
        Column("created_at", "timestamptz"),
    ),
    row=request_row,
    instants=("sent_at", "created_at", "delivered_at"),
    people="SELECT coalesce(c.customer, t.customer, k.customer) AS customer "
    "FROM feedback_requests c LEFT JOIN tickets t ON t.tenant_id = $1 AND t.id = c.ticket "
    "LEFT JOIN calls k ON k.tenant_id = $1 AND k.id = c.call "
    "WHERE c.tenant_id = $1 AND c.id = ANY($2::uuid[])",
    derivation=REQUEST_FACTS,
)

FEEDBACK = RecordKind(
    name="feedback",
    table="feedback",
    resource=Resource.FEEDBACK,
    item=Feedback,
    columns=(
        Column("survey", "smallint"),
        Column("responded_at", "timestamptz"),
        Column("rating", "bigint"),
        Column("box", "smallint"),
        Column("request", "text", link="feedback_requests"),
        Column("ticket", "text", link="tickets"),
        Column("call", "text", link="calls"),
        Column("agent", "integer"),
        Column("team", "integer"),
        Column("customer", "bigint"),
        *attribute_columns(),
        Column("site", "integer"),
        *SENTIMENT_COLUMNS,
        Column("language", "text"),
        Column("words", "jsonb"),
    ),
    row=feedback_row,
    instants=("responded_at",),
    checks=(check_rating,),
    returning=("old.request AS old_request", "new.request AS request"),
    people="SELECT coalesce(c.customer, r.customer, t.customer, k.customer) AS customer "
    f"FROM {REQUEST_JOIN} "
    "LEFT JOIN tickets t ON t.tenant_id = $1 AND t.id = about.ticket "
    "LEFT JOIN calls k ON k.tenant_id = $1 AND k.id = about.call "
    "WHERE c.tenant_id = $1 AND c.id = ANY($2::uuid[])",
    derivation=FEEDBACK_FACTS,
)

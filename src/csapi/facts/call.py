"""Calls: what sources send, and the facts of a call."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated

import msgspec

from csapi.facts.business_hours import Clock
from csapi.facts.kinds import Dimension, Kind, Resource
from csapi.facts.lookup import Lookup, milliseconds
from csapi.facts.outcomes import CallOutcome, HandlingOutcome
from csapi.facts.resource import Column, RecordKind, attribute_columns
from csapi.facts.sentiment import SENTIMENT_COLUMNS, sentiment_values
from csapi.facts.sql import ATTRIBUTES, CONTACT_VALUES, TIE_BREAK, fact_select, lateral
from csapi.facts.tags import TAGS_COLUMN, refill_tags
from csapi.facts.wire import Custom, Key, Record, Sentiment, SentimentScore, Tags
from csapi.kit.quantities import Seconds, UtcDatetime, seconds_to_ms

PHONE = "phone"


class CallDirection(StrEnum):
    """Who called whom."""

    inbound = "inbound"
    outbound = "outbound"


class CallDisposition(StrEnum):
    """How a call left the queue. Absent, it is derived from the stamps."""

    answered = "answered"
    abandoned = "abandoned"
    flowed_out = "flowed_out"
    callback = "callback"


class CallLeg(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """One agent's part of a call."""

    agent: Key | None = None
    started_at: UtcDatetime | None = None
    ended_at: UtcDatetime | None = None
    ring_seconds: Seconds | None = None
    talk_seconds: Seconds | None = None
    hold_seconds: Seconds | None = None
    after_call_work_seconds: Seconds | None = None
    transferred_to: Key | None = None


Legs = Annotated[list[CallLeg], msgspec.Meta(max_length=1_000)]


class Call(Record):
    """A call. Explicit seconds beat stamps; without an outcome the stamps decide. `started_at` is
    when the contact began, such as in the phone menu before the queue."""

    queue_entered_at: UtcDatetime
    source_updated_at: UtcDatetime | None = None
    started_at: UtcDatetime | None = None
    direction: CallDirection = CallDirection.inbound
    outcome: CallDisposition | None = None
    answered_at: UtcDatetime | None = None
    abandoned_at: UtcDatetime | None = None
    ended_at: UtcDatetime | None = None
    wait_seconds: Seconds | None = None
    agent: Key | None = None
    team: Key | None = None
    queue: Key | None = None
    customer: Key | None = None
    ticket: Key | None = None
    topic: Key | None = None
    type: Key | None = None
    priority: Key | None = None
    resolved: bool | None = None
    legs: Legs = []
    tags: Tags = []
    sentiment_label: Sentiment | None = None
    sentiment_score: SentimentScore | None = None
    custom: Custom = {}
    deleted: bool = False


OUTCOMES = {
    CallDisposition.answered: CallOutcome.ANSWERED,
    CallDisposition.abandoned: CallOutcome.ABANDONED,
    CallDisposition.flowed_out: CallOutcome.FLOWED_OUT,
    CallDisposition.callback: CallOutcome.CALLBACK,
}


def outcome_of(call: Call) -> CallOutcome:
    if call.outcome is not None:
        return OUTCOMES[call.outcome]
    if call.answered_at is not None or any(leg.talk_seconds for leg in call.legs):
        return CallOutcome.ANSWERED
    if call.abandoned_at is not None or call.ended_at is not None:
        return CallOutcome.ABANDONED
    return CallOutcome.OPEN


def wait_ms(call: Call) -> int | None:
    """Queue entry to answer, or to the caller's leaving. May be negative: stamps can be wrong."""
    if call.wait_seconds is not None:
        return seconds_to_ms(call.wait_seconds)
    left = call.answered_at or call.abandoned_at
    return None if left is None else milliseconds(left, call.queue_entered_at)


def total_ms(parts: Sequence[float | None]) -> int | None:
    """The sum of the parts that are known; None when none is."""
    known = [seconds_to_ms(part) for part in parts if part is not None]
    return sum(known) if known else None


def talk_of(call: Call) -> int | None:
    """Talk time of all legs; of a call without legs, answer to end."""
    talk = total_ms([leg.talk_seconds for leg in call.legs])
    if talk is None and call.answered_at and call.ended_at and not call.legs:
        return max(0, milliseconds(call.ended_at, call.answered_at))
    return talk


def leg_rows(call: Call, lookup: Lookup) -> str | None:
    """The legs of a transferred call for derivation; one leg needs none of its own."""
    if len(call.legs) < 2:
        return None
    rows = [
        {
            "agent": lookup.agent(call.source, leg.agent),
            "at": leg.ended_at or call.ended_at or call.queue_entered_at,
            "talk": total_ms([leg.talk_seconds]),
            "hold": total_ms([leg.hold_seconds]),
            "acw": total_ms([leg.after_call_work_seconds]),
            "handle": total_ms([leg.talk_seconds, leg.hold_seconds, leg.after_call_work_seconds]),
        }
        for leg in call.legs
    ]
    return msgspec.json.encode(rows).decode()


def call_row(call: Call, lookup: Lookup) -> tuple[object, ...]:
    source = call.source
    wait = wait_ms(call)
    negative = wait is not None and wait < 0
    talk = talk_of(call)
    hold = total_ms([leg.hold_seconds for leg in call.legs])
    work = total_ms([leg.after_call_work_seconds for leg in call.legs])
    parts = [part for part in (talk, hold, work) if part is not None]
    agent = call.agent
    if agent is None and call.legs:
        agent = call.legs[0].agent
    return (
        call.queue_entered_at,
        call.ended_at,
        call.direction is CallDirection.inbound,
        int(outcome_of(call)),
        lookup.label(Dimension.CHANNEL, PHONE),
        None if negative else wait,
        wait if negative else None,
        talk,
        hold,
        work,
        sum(parts) if parts else None,
        leg_rows(call, lookup),
        call.resolved,
        lookup.agent(source, agent),
        lookup.team(source, call.team),
        lookup.label(Dimension.QUEUE, call.queue),
        lookup.customer(source, call.customer),
        call.ticket,
        lookup.label(Dimension.TOPIC, call.topic),
        lookup.label(Dimension.TYPE, call.type),
        lookup.label(Dimension.PRIORITY, call.priority),
        *lookup.custom(call.custom),
        *sentiment_values(call.sentiment_label, call.sentiment_score),
        lookup.tags(call.tags),
    )


ENDED = "coalesce(c.ended_at, c.queue_entered_at)"
HANDLED = f"c.outcome = {CallOutcome.ANSWERED}"
SPAN = (
    f"CASE WHEN c.legs IS NULL THEN {HandlingOutcome.ONE_LEG} ELSE {HandlingOutcome.ALL_LEGS} END"
)


# started_at is read off the item: it has no column.
FROM_START = (
    "coalesce(c.wait_ms, c.negative_wait_ms) "
    "+ (extract(epoch FROM c.queue_entered_at - s.started_at) * 1000)::bigint"
)


def handling(kind: Kind, column: str) -> str:
    return (
        f"({kind}, 0, {SPAN}, {ENDED}, c.agent, c.team, c.{column}, NULL, NULL, "
        f"c.is_inbound AND {HANDLED} AND c.{column} IS NOT NULL)"
    )


LEGS_HANDLED = f"""
  SELECT part.kind, leg.ordinal::int, {HandlingOutcome.LEG}, leg.at, leg.agent, NULL::int,
         part.duration, NULL::bigint, NULL::bigint, true
  FROM ROWS FROM (jsonb_to_recordset(c.legs)
         AS (agent int, at timestamptz, talk bigint, hold bigint, acw bigint, handle bigint))
       WITH ORDINALITY AS leg (agent, at, talk, hold, acw, handle, ordinal)
  CROSS JOIN LATERAL (VALUES ({Kind.TALK}, leg.talk), ({Kind.HOLD}, leg.hold),
    ({Kind.AFTER_CALL_WORK}, leg.acw), ({Kind.HANDLE}, leg.handle)) AS part (kind, duration)
  WHERE c.legs IS NOT NULL AND c.is_inbound AND {HANDLED} AND part.duration IS NOT NULL"""

CALL_EVENTS = f"""
  SELECT * FROM (VALUES
    ({Kind.CALL}, 0, c.outcome::int, c.queue_entered_at, c.agent, c.team, c.wait_ms,
     CASE WHEN c.is_resolved THEN 10000 WHEN NOT c.is_resolved THEN 0 END,
     c.negative_wait_ms, c.is_inbound),
    ({Kind.CONTACT}, {TIE_BREAK}, {CONTACT_VALUES}, c.queue_entered_at, c.agent, c.team, NULL,
     NULL, NULL, c.is_inbound),
    ({Kind.CALL_FROM_START}, 0, c.outcome::int, c.queue_entered_at, c.agent, c.team,
     CASE WHEN {FROM_START} >= 0 THEN {FROM_START} END, NULL,
     CASE WHEN {FROM_START} < 0 THEN {FROM_START} END,
     c.is_inbound AND s.started_at IS NOT NULL),
    ({Kind.OUTBOUND_CALL}, 0, c.outcome::int, c.queue_entered_at, c.agent, c.team, NULL, NULL, NULL,
     NOT c.is_inbound),
    ({Kind.SENTIMENT}, 0, c.sentiment::int, c.queue_entered_at, c.agent, c.team, NULL,
     c.sentiment_score, NULL, c.sentiment IS NOT NULL),
    {handling(Kind.TALK, "talk_ms")},
    {handling(Kind.HOLD, "hold_ms")},
    {handling(Kind.AFTER_CALL_WORK, "after_call_work_ms")},
    {handling(Kind.HANDLE, "handle_ms")}
  ) AS whole (kind, ordinal, outcome, at, agent, team, duration, value, negative, counts)
  WHERE counts
  UNION ALL {LEGS_HANDLED}"""

CALLS = RecordKind(
    name="calls",
    table="calls",
    resource=Resource.CALL,
    item=Call,
    columns=(
        Column("queue_entered_at", "timestamptz"),
        Column("ended_at", "timestamptz"),
        Column("is_inbound", "boolean"),
        Column("outcome", "smallint"),
        Column("channel", "integer"),
        Column("wait_ms", "bigint"),
        Column("negative_wait_ms", "bigint"),
        Column("talk_ms", "bigint"),
        Column("hold_ms", "bigint"),
        Column("after_call_work_ms", "bigint"),
        Column("handle_ms", "bigint"),
        Column("legs", "jsonb"),
        Column("is_resolved", "boolean"),
        Column("agent", "integer"),
        Column("team", "integer"),
        Column("queue", "integer"),
        Column("customer", "bigint"),
        Column("ticket", "text", link="tickets"),
        Column("topic", "integer"),
        Column("type", "integer"),
        Column("priority", "integer"),
        *attribute_columns(),
        *SENTIMENT_COLUMNS,
        TAGS_COLUMN,
    ),
    row=call_row,
    people="SELECT customer FROM calls WHERE tenant_id = $1 AND id = ANY($2::uuid[])",
    instants=("started_at", "queue_entered_at", "answered_at", "abandoned_at", "ended_at"),
    derivation=fact_select(
        resource=Resource.CALL,
        source="calls c CROSS JOIN LATERAL (SELECT (c.item->>'started_at')::timestamptz) "
        f"AS s (started_at) {lateral(CALL_EVENTS)}",
        clock=Clock("coalesce(e.team, acting.team)"),
        dimensions={
            "channel": "c.channel",
            "queue": "c.queue",
            "type": "c.type",
            "topic": "c.topic",
            "priority": "c.priority",
            "customer": "c.customer",
            **{name: f"c.{name}" for name in ATTRIBUTES},
            "tags": "c.tags",
        },
    ),
    refill=refill_tags("calls"),
)

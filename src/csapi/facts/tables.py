"""Raw records as their sources sent them, and the facts derived from them."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from csapi.kit.tables import column, instant, tenant_table, uuid

ATTRIBUTE_SLOTS = 8


def integers() -> pg.ARRAY[int]:
    return pg.ARRAY(sa.Integer)


def tags() -> sa.Column[Any]:
    """Members in their order; null is untagged, and never an empty list."""
    return column("tags", integers(), null=True)


def attributes() -> list[sa.Column[Any]]:
    return [column(f"attr{slot}", sa.Integer, null=True) for slot in range(1, ATTRIBUTE_SLOTS + 1)]


def identity() -> list[sa.Column[Any]]:
    """What every replaceable record carries: its names, and its place among its own versions."""
    return [
        column("id", uuid, default="uuidv7()"),
        column("source", sa.Text),
        column("external_id", sa.Text),
        column("version_at", instant, default="'-infinity'"),
        column("content_hash", sa.BigInteger, default="0"),
        column("received_at", instant, default="clock_timestamp()"),
        column("is_stub", sa.Boolean, default="false"),
        column("is_deleted", sa.Boolean, default="false"),
        column("item", pg.JSON, null=True),
    ]


def sentiment() -> list[sa.Column[Any]]:
    """What the source's own model made of the words; score x 10,000."""
    return [
        column("sentiment", sa.SmallInteger, null=True),
        column("sentiment_score", sa.BigInteger, null=True),
    ]


RECORD_KEYS: dict[str, Any] = {"key": ("id",), "unique": [("source", "external_id")]}

custom_attributes = tenant_table(
    "custom_attributes",
    column("name", sa.Text),
    column("label", sa.Text),
    column("slot", sa.SmallInteger),
    column("created_at", instant, default="now()"),
    key=("name",),
    unique=[("slot",)],
)

members = tenant_table(
    "members",
    column("member", sa.Integer, default="nextval('surrogates')"),
    column("dimension", sa.SmallInteger),
    column("key", sa.Text),
    key=("member",),
    unique=[("dimension", "key")],
)

teams = tenant_table(
    "teams",
    *identity(),
    column("surrogate", sa.Integer, default="nextval('surrogates')"),
    column("name", sa.Text, null=True),
    **RECORD_KEYS,
    indexes=[("surrogate",), ("external_id",)],
)

agents = tenant_table(
    "agents",
    *identity(),
    column("surrogate", sa.Integer, default="nextval('surrogates')"),
    column("name", sa.Text, null=True),
    column("is_bot", sa.Boolean, default="false"),
    **RECORD_KEYS,
    indexes=[("surrogate",), ("external_id",)],
)

agent_teams = tenant_table(
    "agent_teams",
    column("agent", sa.Integer),
    column("valid_from", instant),
    column("valid_to", instant),
    column("team", sa.Integer),
    key=("agent", "valid_from"),
)

tickets = tenant_table(
    "tickets",
    *identity(),
    column("created_at", instant, null=True),
    column("channel", sa.Integer, null=True),
    column("inbox", sa.Integer, null=True),
    column("type", sa.Integer, null=True),
    column("topic", sa.Integer, null=True),
    column("priority", sa.Integer, null=True),
    column("status", sa.SmallInteger, null=True),
    column("customer", sa.BigInteger, null=True),
    column("initiated_by", sa.SmallInteger, null=True),
    column("agent", sa.Integer, null=True),
    column("team", sa.Integer, null=True),
    column("is_excluded", sa.Boolean, default="false"),
    column("first_reply_at", instant, null=True),
    column("first_reply_by", sa.Integer, null=True),
    column("first_assigned_at", instant, null=True),
    column("first_solved_at", instant, null=True),
    column("last_solved_at", instant, null=True),
    column("solved_by", sa.Integer, null=True),
    column("messages_in", sa.Integer, null=True),
    column("messages_out", sa.Integer, null=True),
    *attributes(),
    tags(),
    **RECORD_KEYS,
    indexes=[("customer",)],
)

ticket_events = tenant_table(
    "ticket_events",
    column("id", uuid, default="uuidv7()"),
    column("source", sa.Text),
    column("event_id", sa.Text),
    column("ticket", uuid),
    column("type", sa.SmallInteger),
    column("occurred_at", instant),
    column("sequence", sa.BigInteger),
    column("received_at", instant, default="clock_timestamp()"),
    column("message_kind", sa.SmallInteger, null=True),
    column("actor", sa.Integer, null=True),
    column("channel", sa.Integer, null=True),
    column("from_value", sa.Integer, null=True),
    column("to_value", sa.Integer, null=True),
    column("agent", sa.Integer, null=True),
    column("team", sa.Integer, null=True),
    column("in_reply_to", sa.Text, null=True),
    column("item", pg.JSON),
    *sentiment(),
    key=("id",),
    unique=[("source", "event_id")],
    indexes=[("ticket",)],
)

calls = tenant_table(
    "calls",
    *identity(),
    column("queue_entered_at", instant, null=True),
    column("ended_at", instant, null=True),
    column("is_inbound", sa.Boolean, null=True),
    column("outcome", sa.SmallInteger, null=True),
    column("channel", sa.Integer, null=True),
    column("wait_ms", sa.BigInteger, null=True),
    column("negative_wait_ms", sa.BigInteger, null=True),
    column("talk_ms", sa.BigInteger, null=True),
    column("hold_ms", sa.BigInteger, null=True),
    column("after_call_work_ms", sa.BigInteger, null=True),
    column("handle_ms", sa.BigInteger, null=True),
    column("legs", pg.JSONB, null=True),
    column("is_resolved", sa.Boolean, null=True),
    column("agent", sa.Integer, null=True),
    column("team", sa.Integer, null=True),
    column("queue", sa.Integer, null=True),
    column("customer", sa.BigInteger, null=True),
    column("ticket", uuid, null=True),
    column("topic", sa.Integer, null=True),
    column("type", sa.Integer, null=True),
    column("priority", sa.Integer, null=True),
    *attributes(),
    *sentiment(),
    tags(),
    **RECORD_KEYS,
    indexes=[("customer",)],
)

feedback_requests = tenant_table(
    "feedback_requests",
    *identity(),
    column("sent_at", instant, null=True),
    column("survey", sa.SmallInteger, null=True),
    column("ticket", uuid, null=True),
    column("call", uuid, null=True),
    column("agent", sa.Integer, null=True),
    column("team", sa.Integer, null=True),
    column("channel", sa.Integer, null=True),
    column("customer", sa.BigInteger, null=True),
    *attributes(),
    column("created_at", instant, null=True),
    **RECORD_KEYS,
    indexes=[("ticket",), ("call",), ("customer",)],
)

feedback = tenant_table(
    "feedback",
    *identity(),
    column("survey", sa.SmallInteger, null=True),
    column("responded_at", instant, null=True),
    column("rating", sa.BigInteger, null=True),
    column("box", sa.SmallInteger, null=True),
    column("request", uuid, null=True),
    column("ticket", uuid, null=True),
    column("call", uuid, null=True),
    column("agent", sa.Integer, null=True),
    column("team", sa.Integer, null=True),
    column("customer", sa.BigInteger, null=True),
    *attributes(),
    column("site", sa.Integer, null=True),
    *sentiment(),
    column("language", sa.Text, null=True),
    column("words", pg.JSONB, null=True),
    **RECORD_KEYS,
    indexes=[("request",), ("ticket",), ("call",), ("customer",), ("responded_at",)],
)

presence = tenant_table(
    "presence",
    *identity(),
    column("agent", sa.Integer, null=True),
    column("state", sa.SmallInteger, null=True),
    column("started_at", instant, null=True),
    column("ended_at", instant, null=True),
    column("channel", sa.Integer, null=True),
    *attributes(),
    **RECORD_KEYS,
    indexes=[("agent", "started_at", "external_id", "ended_at")],
)

shifts = tenant_table(
    "shifts",
    *identity(),
    column("agent", sa.Integer, null=True),
    column("started_at", instant, null=True),
    column("ended_at", instant, null=True),
    column("is_paid", sa.Boolean, null=True),
    *attributes(),
    **RECORD_KEYS,
    indexes=[("agent", "started_at")],
)

work_sessions = tenant_table(
    "work_sessions",
    *identity(),
    column("agent", sa.Integer, null=True),
    column("ticket", uuid, null=True),
    column("channel", sa.Integer, null=True),
    column("started_at", instant, null=True),
    column("ended_at", instant, null=True),
    *attributes(),
    **RECORD_KEYS,
)

facts = tenant_table(
    "facts",
    column("subject", uuid),
    column("kind", sa.SmallInteger),
    column("ordinal", sa.Integer),
    column("resource", sa.SmallInteger),
    column("outcome", sa.SmallInteger),
    column("definition_version", sa.SmallInteger),
    column("occurred_at", instant),
    column("actor_agent", sa.Integer, null=True),
    column("actor_team", sa.Integer, null=True),
    column("owner_agent", sa.Integer, null=True),
    column("owner_team", sa.Integer, null=True),
    column("channel", sa.Integer, null=True),
    column("inbox", sa.Integer, null=True),
    column("queue", sa.Integer, null=True),
    column("type", sa.Integer, null=True),
    column("topic", sa.Integer, null=True),
    column("priority", sa.Integer, null=True),
    column("segment", sa.Integer, null=True),
    column("customer", sa.BigInteger, null=True),
    *attributes(),
    column("duration_ms", sa.BigInteger, null=True),
    column("business_ms", sa.BigInteger, null=True),
    column("value", sa.BigInteger, null=True),
    column("gap_next_ms", sa.BigInteger, null=True),
    column("negative_ms", sa.BigInteger, null=True),
    tags(),
    key=("subject", "kind", "ordinal"),
    indexes=[("kind", "occurred_at")],
)

CONTACT_KIND = 2
sa.Index(
    "facts_contact_idx",
    facts.c.tenant_id,
    facts.c.customer,
    facts.c.occurred_at,
    facts.c.subject,
    postgresql_where=sa.text(f"kind = {CONTACT_KIND} AND customer IS NOT NULL"),
)

# reason: a MarkReason. Whoever derives in the background says so once for its whole transaction.
MARK_REASON = "coalesce(nullif(current_setting('csapi.mark_reason', true), ''), '1')::smallint"

marks = tenant_table(
    "marks",
    column("grain", sa.SmallInteger),
    column("bucket", instant),
    column("marked_at", instant, default="clock_timestamp()"),
    column("reason", sa.SmallInteger, default=MARK_REASON),
    key=(),
    indexes=[("grain", "bucket")],
)

subject_marks = tenant_table(
    "subject_marks",
    column("resource", sa.SmallInteger),
    column("subject", uuid),
    column("marked_at", instant, default="clock_timestamp()"),
    key=(),
    indexes=[("resource", "subject")],
)

definitions = tenant_table(
    "definitions",
    column("resource", sa.SmallInteger),
    column("fingerprint", sa.BigInteger),
    column("target", sa.BigInteger, null=True),
    column("reached", uuid, null=True),
    column("marked_at", instant, null=True),
    key=("resource",),
)

reference_marks = tenant_table(
    "reference_marks",
    column("id", uuid, default="uuidv7()"),
    column("reference", sa.SmallInteger),
    column("member", sa.BigInteger, null=True),
    column("marked_at", instant, default="clock_timestamp()"),
    key=("id",),
)

"""Raw records of self-service: forms, sessions without an agent, the knowledge base."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from csapi.facts.tables import RECORD_KEYS, attributes, identity
from csapi.kit.tables import column, instant, tenant_table, uuid

forms = tenant_table(
    "forms",
    *identity(),
    column("submitted_at", instant, null=True),
    column("type", sa.Integer, null=True),
    column("channel", sa.Integer, null=True),
    column("customer", sa.BigInteger, null=True),
    column("ticket", uuid, null=True),
    *attributes(),
    **RECORD_KEYS,
    indexes=[("customer",)],
)

sessions = tenant_table(
    "sessions",
    *identity(),
    column("kind", sa.SmallInteger, null=True),
    column("started_at", instant, null=True),
    column("ended_at", instant, null=True),
    column("outcome", sa.SmallInteger, null=True),
    column("channel", sa.Integer, null=True),
    column("topic", sa.Integer, null=True),
    column("customer", sa.BigInteger, null=True),
    column("ticket", uuid, null=True),
    *attributes(),
    **RECORD_KEYS,
    indexes=[("customer", "started_at"), ("ticket",)],
)

kb_articles = tenant_table(
    "kb_articles",
    *identity(),
    column("topic", sa.Integer, null=True),
    **RECORD_KEYS,
)

kb_events = tenant_table(
    "kb_events",
    *identity(),
    column("type", sa.SmallInteger, null=True),
    column("occurred_at", instant, null=True),
    column("session", uuid, null=True),
    column("article", uuid, null=True),
    column("results_count", sa.Integer, null=True),
    column("is_helpful", sa.Boolean, null=True),
    column("term", sa.Text, null=True),
    column("words", pg.JSONB, null=True),
    column("customer", sa.BigInteger, null=True),
    *attributes(),
    **RECORD_KEYS,
    indexes=[("session", "occurred_at"), ("type", "occurred_at"), ("article",), ("customer",)],
)

"""Records of work inside the house: reviews of its quality, and tasks."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from csapi.facts.tables import RECORD_KEYS, attributes, identity
from csapi.kit.tables import column, instant, tenant_table, uuid

quality_reviews = tenant_table(
    "quality_reviews",
    *identity(),
    column("reviewed_at", instant, null=True),
    column("agent", sa.Integer, null=True),
    column("team", sa.Integer, null=True),
    column("reviewer", sa.Integer, null=True),
    column("ticket", uuid, null=True),
    column("call", uuid, null=True),
    column("channel", sa.Integer, null=True),
    column("form", sa.Integer, null=True),
    column("outcome", sa.SmallInteger, null=True),
    column("score", sa.BigInteger, null=True),
    column("criteria", pg.JSONB, null=True),
    *attributes(),
    **RECORD_KEYS,
    indexes=[("ticket",), ("call",)],
)

tasks = tenant_table(
    "tasks",
    *identity(),
    column("type", sa.Integer, null=True),
    column("team", sa.Integer, null=True),
    column("ticket", uuid, null=True),
    column("holdings", pg.JSONB, null=True),
    column("completed_at", instant, null=True),
    column("completed_by", sa.Integer, null=True),
    column("completed_team", sa.Integer, null=True),
    column("held_since", instant, null=True),
    column("deadline_outcome", sa.SmallInteger, null=True),
    *attributes(),
    **RECORD_KEYS,
    indexes=[("ticket",)],
)

"""Records that describe what items name: inboxes, queues, channels, topics, ticket types; and
annotations, which describe a time."""

from typing import Any

import sqlalchemy as sa

from csapi.facts.tables import RECORD_KEYS, identity
from csapi.kit.tables import column, instant, tenant_table


def descriptions(name: str, *more: sa.Column[Any]) -> sa.Table:
    """Records of one label dimension. member: which of its members a record describes."""
    return tenant_table(
        name,
        *identity(),
        column("member", sa.Integer, null=True),
        column("label", sa.Text, null=True),
        *more,
        **RECORD_KEYS,
        indexes=[("member",)],
    )


inboxes = descriptions("inboxes")
queues = descriptions("queues")
channels = descriptions("channels")
ticket_types = descriptions("ticket_types")
topics = descriptions(
    "topics",
    column("parent", sa.Integer, null=True),
    column("department", sa.Integer, null=True),
)

annotations = tenant_table(
    "annotations",
    *identity(),
    column("starts_at", instant, null=True),
    column("ends_at", instant, null=True),
    **RECORD_KEYS,
    indexes=[("starts_at",)],
)

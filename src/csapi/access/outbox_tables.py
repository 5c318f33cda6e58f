"""Who is told what, what is still to be told, and what came of it."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from csapi.kit.tables import column, instant, tenant_table, uuid

webhook_endpoints = tenant_table(
    "webhook_endpoints",
    column("id", uuid, default="uuidv7()"),
    column("url", sa.Text),
    column("description", sa.Text, null=True),
    column("events", pg.ARRAY(sa.Text)),
    column("is_enabled", sa.Boolean, default="true"),
    column("disabled_reason", sa.Text, null=True),
    column("disabled_at", instant, null=True),
    column("failing_since", instant, null=True),
    column("created_at", instant, default="clock_timestamp()"),
    column("updated_at", instant, default="clock_timestamp()"),
    key=("id",),
)

# A secret must be there to sign with. The API may add one and read none; the worker reads them.
webhook_secrets = tenant_table(
    "webhook_secrets",
    column("endpoint", uuid),
    column("id", uuid, default="uuidv7()"),
    column("secret", sa.LargeBinary),
    column("created_at", instant, default="clock_timestamp()"),
    # For so long after this one came, the one before it signs, too.
    column("overlap_seconds", sa.Integer),
    key=("endpoint", "id"),
)

webhook_events = tenant_table(
    "webhook_events",
    column("id", uuid, default="uuidv7()"),
    column("type", sa.Text),
    column("once", sa.Text, null=True),
    column("body", sa.Text),
    key=("id",),
    unique=[("type", "once")],
)

webhook_deliveries = tenant_table(
    "webhook_deliveries",
    column("endpoint", uuid),
    column("id", uuid, default="uuidv7()"),
    column("event", uuid),
    column("status", sa.Text, default="'pending'"),
    column("attempts", sa.SmallInteger, default="0"),
    column("is_replay", sa.Boolean),
    column("created_at", instant, default="clock_timestamp()"),
    column("next_attempt_at", instant, null=True),
    column("finished_at", instant, null=True),
    key=("endpoint", "id"),
)

webhook_attempts = tenant_table(
    "webhook_attempts",
    column("delivery", uuid),
    column("number", sa.SmallInteger),
    column("started_at", instant),
    column("duration_ms", sa.Integer),
    column("status_code", sa.SmallInteger, null=True),
    column("error", sa.Text, null=True),
    column("excerpt", sa.Text, null=True),
    key=("delivery", "number"),
)

# Deliveries that wait, and for when: all that the worker sees across tenants.
webhook_marks = tenant_table(
    "webhook_marks",
    column("endpoint", uuid),
    column("delivery", uuid),
    column("due_at", instant),
    key=("endpoint", "delivery"),
)

scan_marks = tenant_table(
    "scan_marks",
    column("scan", sa.Text),
    column("due_at", instant),
    key=("scan",),
)

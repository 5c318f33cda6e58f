"""Schedules as they were sent, and what they are expanded to."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from csapi.facts.tables import RECORD_KEYS, identity
from csapi.kit.tables import column, instant, tenant_table

# is_applied: no fact can have been derived before this version, or a recompute was asked for since.
schedules = tenant_table(
    "schedules",
    *identity(),
    column("surrogate", sa.Integer, default="nextval('surrogates')"),
    column("name", sa.Text, null=True),
    column("teams", pg.JSONB, null=True),
    column("inboxes", pg.JSONB, null=True),
    column("is_default", sa.Boolean, default="false"),
    column("is_applied", sa.Boolean, default="false"),
    column("expanded_to", instant, null=True),
    **RECORD_KEYS,
)

# When a schedule is open. open_before_ms: how long it was open before, all intervals together.
business_intervals = tenant_table(
    "business_intervals",
    column("schedule", sa.Integer),
    column("starts_at", instant),
    column("ends_at", instant),
    column("open_before_ms", sa.BigInteger),
    key=("schedule", "starts_at"),
)

# Which schedule is in force for a team or an inbox, or for all else (member 0). No overlaps.
schedule_periods = tenant_table(
    "schedule_periods",
    column("scope", sa.SmallInteger),
    column("member", sa.Integer),
    column("valid_from", instant),
    column("valid_to", instant),
    column("schedule", sa.Integer),
    key=("scope", "member", "valid_from"),
)

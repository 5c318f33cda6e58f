"""How long a tenant's records are kept, and what is frozen (docs/retention.md)."""

from datetime import timedelta

import sqlalchemy as sa

from csapi.kit.tables import column, instant, tenant_table

# Nothing younger is ever refused or removed.
LEAST_KEPT = timedelta(days=90)
KEPT_DAYS_UPTO = 36_500

# keep_days: none, for ever. refused_before: what is older is taken in no more. removed_before: the
# records of which are through, as far as they go.
retention = tenant_table(
    "retention",
    column("keep_days", sa.Integer, null=True),
    column("updated_at", instant, default="clock_timestamp()"),
    column("refused_before", instant, null=True),
    column("removed_before", instant, null=True),
    column("removed", sa.BigInteger, default="0"),
    key=(),
)
retention.append_constraint(sa.PrimaryKeyConstraint("tenant_id"))

# Buckets before an instant are never counted again from `frozen_at` on.
freezes = tenant_table(
    "freezes",
    column("frozen_before", instant),
    column("frozen_at", instant, default="clock_timestamp()"),
    key=("frozen_before",),
)

# Slots that something has changed since they were frozen, how often and when last.
dead_marks = tenant_table(
    "dead_marks",
    column("bucket", instant),
    column("times", sa.Integer),
    column("last_at", instant, default="clock_timestamp()"),
    key=("bucket",),
)

"""Summaries: cuboids of facts per bucket, and the mutex of each bucket."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from csapi.kit.tables import column, instant, tenant_table

summaries = tenant_table(
    "summaries",
    column("cuboid", sa.SmallInteger),
    column("grain", sa.SmallInteger),
    column("bucket", instant),
    column("kind", sa.SmallInteger),
    column("outcome", sa.SmallInteger),
    column("key1", sa.Integer),
    column("key2", sa.Integer),
    column("n", sa.BigInteger),
    column("negative_n", sa.BigInteger),
    column("negative_sum", sa.BigInteger),
    column("duration_n", sa.BigInteger),
    column("duration_sum", sa.BigInteger),
    column("duration_sumsq", sa.Numeric),
    column("duration_min", sa.BigInteger, null=True),
    column("duration_max", sa.BigInteger, null=True),
    column("duration_zero_n", sa.BigInteger),
    column("business_n", sa.BigInteger),
    column("business_sum", sa.BigInteger),
    column("value_n", sa.BigInteger),
    column("value_sum", sa.BigInteger),
    column("value_sumsq", sa.Numeric),
    column("bins", pg.ARRAY(sa.SmallInteger), null=True),
    column("counts", pg.ARRAY(sa.Integer), null=True),
    key=("cuboid", "grain", "bucket", "kind", "outcome", "key1", "key2"),
)

rollup_buckets = tenant_table(
    "rollup_buckets",
    column("grain", sa.SmallInteger),
    column("bucket", instant),
    column("sequence", sa.BigInteger, default="0"),
    column("computed_at", instant, null=True),
    column("rebuild_ms", sa.Integer, default="0"),
    # Of a day: its slots have rows of every cuboid.
    column("is_slotted", sa.Boolean, default="false"),
    # Of a day: how often it was counted again after it had been counted as a whole, the last time,
    # and the sum of the reasons (facts/tables.py).
    column("revisions", sa.Integer, default="0"),
    column("revised_by", sa.SmallInteger, default="0"),
    column("revised_at", instant, null=True),
    key=("grain", "bucket"),
)

# params: what a tenant has settled of a metric from a local day on.
metric_settings = tenant_table(
    "metric_settings",
    column("metric", sa.Text),
    column("valid_from", sa.Date),
    column("params", pg.JSONB),
    column("updated_at", instant, default="clock_timestamp()"),
    key=("metric", "valid_from"),
)

# smallest_group: numbers about fewer customers are not shown; none: all are.
privacy_settings = tenant_table(
    "privacy_settings",
    column("smallest_group", sa.Integer, null=True),
    column("updated_at", instant, default="clock_timestamp()"),
    key=(),
)
privacy_settings.append_constraint(sa.PrimaryKeyConstraint("tenant_id"))

# Weights by name, of what makes the severity of drivers and of metrics of agents.
weight_settings = tenant_table(
    "weight_settings",
    column("drivers", pg.JSON),
    column("evaluations", pg.JSON),
    column("updated_at", instant, default="clock_timestamp()"),
    key=(),
)
weight_settings.append_constraint(sa.PrimaryKeyConstraint("tenant_id"))

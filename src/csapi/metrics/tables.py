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
    key=("grain", "bucket"),
)

"""What tells whether numbers can be trusted: what came, and what nightly audits found."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from csapi.kit.tables import column, instant, tenant_table, uuid

# Items by what became of them (created, updated, duplicate, stale, rejected), by the day of UTC on
# which they came.
ingest_counts = tenant_table(
    "ingest_counts",
    column("day", sa.Date),
    column("resource", sa.Text),
    column("status", sa.Text),
    column("n", sa.BigInteger),
    key=("day", "resource", "status"),
)

# reached: where the next night goes on.
audits = tenant_table(
    "audits",
    column("id", uuid, default="uuidv7()"),
    column("started_at", instant),
    column("finished_at", instant),
    column("subjects_checked", sa.Integer),
    column("buckets_checked", sa.Integer),
    column("pending", sa.Integer),
    column("mismatches", sa.Integer),
    column("first_day", sa.Date),
    column("last_day", sa.Date),
    column("examples", pg.JSON),
    column("reached", pg.JSON),
    key=("id",),
)

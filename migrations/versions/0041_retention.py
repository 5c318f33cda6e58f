"""How long records are kept, which buckets are frozen, and what came too late for those; and the
worker reads audit logs, to check them."""

from alembic import op

revision = "0041"
down_revision = "0040"

POLICY = "tenant_id = current_setting('csapi.tenant_id')::uuid"
DDL = (
    """
CREATE TABLE retention (
  tenant_id UUID NOT NULL,
  keep_days INTEGER,
  updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
  refused_before TIMESTAMP WITH TIME ZONE,
  removed_before TIMESTAMP WITH TIME ZONE,
  removed BIGINT DEFAULT 0 NOT NULL,
  CONSTRAINT retention_pkey PRIMARY KEY (tenant_id)
)""",
    """
CREATE TABLE freezes (
  tenant_id UUID NOT NULL,
  frozen_before TIMESTAMP WITH TIME ZONE NOT NULL,
  frozen_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
  CONSTRAINT freezes_pkey PRIMARY KEY (tenant_id, frozen_before)
)""",
    """
CREATE TABLE dead_marks (
  tenant_id UUID NOT NULL,
  bucket TIMESTAMP WITH TIME ZONE NOT NULL,
  times INTEGER NOT NULL,
  last_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
  CONSTRAINT dead_marks_pkey PRIMARY KEY (tenant_id, bucket)
)""",
)
GRANTS = {
    "retention": {"csapi_api": "SELECT, INSERT, UPDATE", "csapi_worker": "SELECT, UPDATE"},
    "freezes": {"csapi_api": "SELECT", "csapi_worker": "SELECT, INSERT"},
    "dead_marks": {"csapi_api": "SELECT", "csapi_worker": "SELECT, INSERT, UPDATE"},
}
TABLES = tuple(GRANTS)
READ_BY_WORKER = ("audit_heads", "audit_log")
# The worker may delete tickets, events, calls and feedback already (0040).
REMOVED_BY_WORKER = ("quality_reviews", "tasks")

# Plans for large tenants, as everywhere: no key is ever worth less than its full length.
SAY_DISTINCT = """
SELECT pg_restore_attribute_stats(
  'schemaname', 'csapi', 'relname', '{table}', 'attname', '{column}', 'inherited', false,
  'null_frac', 0::real, 'avg_width', 16, 'n_distinct', {distinct}::real)"""
DISTINCT = (
    ("retention", "tenant_id", 1),
    ("freezes", "tenant_id", 1),
    ("dead_marks", "tenant_id", 1),
    ("dead_marks", "bucket", -1),
)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '2s'")
    for statement in DDL:
        op.execute(statement)
    for table in TABLES:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY tenant ON {table} TO csapi_api, csapi_worker "
            f"USING ({POLICY}) WITH CHECK ({POLICY})"
        )
        op.execute(f"CREATE POLICY closing ON {table} TO csapi_owner USING ({POLICY})")
        op.execute(f"ALTER TABLE {table} ALTER COLUMN tenant_id SET STATISTICS 0")
        for role, what in GRANTS[table].items():
            op.execute(f"GRANT {what} ON {table} TO {role}")
    op.execute(f"GRANT SELECT ON {', '.join(READ_BY_WORKER)} TO csapi_worker")
    op.execute(f"GRANT DELETE ON {', '.join(REMOVED_BY_WORKER)} TO csapi_worker")
    for table, column, distinct in DISTINCT:
        op.execute(SAY_DISTINCT.format(table=table, column=column, distinct=distinct))


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '2s'")
    op.execute(f"REVOKE DELETE ON {', '.join(REMOVED_BY_WORKER)} FROM csapi_worker")
    op.execute(f"REVOKE SELECT ON {', '.join(READ_BY_WORKER)} FROM csapi_worker")
    for table in reversed(TABLES):
        op.execute(f"DROP TABLE {table}")

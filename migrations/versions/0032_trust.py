"""What came of items that were sent, and what nightly audits found."""

from alembic import op

revision = "0032"
down_revision = "0031"

TABLES = ("ingest_counts", "audits")

DDL = """
CREATE TABLE ingest_counts (
  tenant_id UUID NOT NULL,
  day DATE NOT NULL,
  resource TEXT NOT NULL,
  status TEXT NOT NULL,
  n BIGINT NOT NULL,
  CONSTRAINT ingest_counts_pkey PRIMARY KEY (tenant_id, day, resource, status)
);
CREATE TABLE audits (
  tenant_id UUID NOT NULL,
  id UUID DEFAULT uuidv7() NOT NULL,
  started_at TIMESTAMP WITH TIME ZONE NOT NULL,
  finished_at TIMESTAMP WITH TIME ZONE NOT NULL,
  subjects_checked INTEGER NOT NULL,
  buckets_checked INTEGER NOT NULL,
  pending INTEGER NOT NULL,
  mismatches INTEGER NOT NULL,
  first_day DATE NOT NULL,
  last_day DATE NOT NULL,
  examples JSON NOT NULL,
  reached JSON NOT NULL,
  CONSTRAINT audits_pkey PRIMARY KEY (tenant_id, id)
);
"""

POLICY = "(tenant_id = current_setting('csapi.tenant_id')::uuid)"

GRANTS = {
    "csapi_api": {"SELECT, INSERT, UPDATE": ("ingest_counts",), "SELECT": ("audits",)},
    "csapi_worker": {"SELECT, INSERT, DELETE": ("audits",)},
}

# Plans for large tenants, as everywhere: no key is ever worth less than its full length.
SAY_DISTINCT = """
SELECT pg_restore_attribute_stats(
  'schemaname', 'csapi', 'relname', '{table}', 'attname', '{column}', 'inherited', false,
  'null_frac', 0::real, 'avg_width', 16, 'n_distinct', {distinct}::real)
"""
DISTINCT = {
    "ingest_counts": {"tenant_id": 1, "day": -0.1},
    "audits": {"tenant_id": 1, "id": -1},
}


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '2s'")
    for statement in DDL.split(";\n"):
        if statement.strip():
            op.execute(statement)
    for table in TABLES:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY tenant ON {table} TO csapi_api, csapi_worker "
            f"USING {POLICY} WITH CHECK {POLICY}"
        )
        op.execute(f"ALTER TABLE {table} ALTER COLUMN tenant_id SET STATISTICS 0")
    for role, grants in GRANTS.items():
        for privileges, tables in grants.items():
            op.execute(f"GRANT {privileges} ON {', '.join(tables)} TO {role}")
    for table, columns in DISTINCT.items():
        for column, distinct in columns.items():
            op.execute(SAY_DISTINCT.format(table=table, column=column, distinct=distinct))


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '2s'")
    for table in reversed(TABLES):
        op.execute(f"DROP TABLE {table}")

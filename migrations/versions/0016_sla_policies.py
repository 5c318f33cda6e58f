"""SLA policies, and the targets that derivations look up."""

from alembic import op

revision = "0016"
down_revision = "0015"

TABLES = ("sla_policies", "sla_targets")

DDL = """
CREATE TABLE sla_policies (
  tenant_id UUID NOT NULL,
  id UUID DEFAULT uuidv7() NOT NULL,
  source TEXT NOT NULL,
  external_id TEXT NOT NULL,
  version_at TIMESTAMP WITH TIME ZONE DEFAULT '-infinity' NOT NULL,
  content_hash BIGINT DEFAULT 0 NOT NULL,
  received_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
  is_stub BOOLEAN DEFAULT false NOT NULL,
  is_deleted BOOLEAN DEFAULT false NOT NULL,
  item JSON,
  name TEXT,
  position INTEGER,
  valid_from DATE,
  valid_to DATE,
  rule JSONB,
  is_applied BOOLEAN DEFAULT false NOT NULL,
  CONSTRAINT sla_policies_pkey PRIMARY KEY (tenant_id, id),
  CONSTRAINT sla_policies_tenant_id_source_external_id_key UNIQUE (tenant_id, source, external_id)
);
CREATE TABLE sla_targets (
  tenant_id UUID NOT NULL,
  metric SMALLINT NOT NULL,
  rank INTEGER NOT NULL,
  place SMALLINT NOT NULL,
  priority INTEGER,
  target_ms BIGINT NOT NULL,
  is_business BOOLEAN NOT NULL,
  valid_from TIMESTAMP WITH TIME ZONE NOT NULL,
  valid_to TIMESTAMP WITH TIME ZONE NOT NULL,
  channels INTEGER[],
  inboxes INTEGER[],
  types INTEGER[],
  priorities INTEGER[],
  teams INTEGER[],
  CONSTRAINT sla_targets_pkey PRIMARY KEY (tenant_id, metric, rank, place)
);
"""

POLICY = "(tenant_id = current_setting('csapi.tenant_id')::uuid)"

# The worker reads what it derives by; policies it never writes.
GRANTS = {
    "csapi_api": {
        "SELECT, INSERT, UPDATE": ("sla_policies",),
        "SELECT, INSERT, DELETE": ("sla_targets",),
    },
    "csapi_worker": {"SELECT": ("sla_policies", "sla_targets")},
}

# Plans for large tenants, as everywhere: no key is ever worth less than its full length.
PLAN_FOR_LARGE_TENANTS = """
SELECT pg_restore_attribute_stats(
  'schemaname', 'csapi', 'relname', '{table}', 'attname', 'tenant_id', 'inherited', false,
  'null_frac', 0::real, 'avg_width', 16, 'n_distinct', 1::real)
"""
DISTINCT = {"sla_policies": {"id": -1, "external_id": -1}, "sla_targets": {"rank": -0.3}}
SAY_DISTINCT = """
SELECT pg_restore_attribute_stats(
  'schemaname', 'csapi', 'relname', '{table}', 'attname', '{column}', 'inherited', false,
  'null_frac', 0::real, 'avg_width', {width}, 'n_distinct', {distinct}::real)
"""


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
        op.execute(PLAN_FOR_LARGE_TENANTS.format(table=table))
    for role, grants in GRANTS.items():
        for privileges, tables in grants.items():
            op.execute(f"GRANT {privileges} ON {', '.join(tables)} TO {role}")
    for table, columns in DISTINCT.items():
        for column, distinct in columns.items():
            width = 12 if column == "external_id" else 8
            op.execute(
                SAY_DISTINCT.format(table=table, column=column, width=width, distinct=distinct)
            )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '2s'")
    # The code before this does not know such a mark. What was derived it derives anew by itself.
    op.execute("ALTER TABLE reference_marks NO FORCE ROW LEVEL SECURITY")
    op.execute("DELETE FROM reference_marks WHERE reference = 12")
    op.execute("ALTER TABLE reference_marks FORCE ROW LEVEL SECURITY")
    for table in reversed(TABLES):
        op.execute(f"DROP TABLE {table}")

"""Schedules, when they are open, and for whom they are in force."""

from alembic import op

revision = "0006"
down_revision = "0005"

TABLES = ("schedules", "business_intervals", "schedule_periods")

DDL = """
CREATE TABLE schedules (
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
  surrogate INTEGER DEFAULT nextval('surrogates') NOT NULL,
  name TEXT,
  teams JSONB,
  inboxes JSONB,
  is_default BOOLEAN DEFAULT false NOT NULL,
  is_applied BOOLEAN DEFAULT false NOT NULL,
  expanded_to TIMESTAMP WITH TIME ZONE,
  CONSTRAINT schedules_pkey PRIMARY KEY (tenant_id, id),
  CONSTRAINT schedules_tenant_id_source_external_id_key UNIQUE (tenant_id, source, external_id)
);
CREATE TABLE business_intervals (
  tenant_id UUID NOT NULL,
  schedule INTEGER NOT NULL,
  starts_at TIMESTAMP WITH TIME ZONE NOT NULL,
  ends_at TIMESTAMP WITH TIME ZONE NOT NULL,
  open_before_ms BIGINT NOT NULL,
  CONSTRAINT business_intervals_pkey PRIMARY KEY (tenant_id, schedule, starts_at)
);
CREATE TABLE schedule_periods (
  tenant_id UUID NOT NULL,
  scope SMALLINT NOT NULL,
  member INTEGER NOT NULL,
  valid_from TIMESTAMP WITH TIME ZONE NOT NULL,
  valid_to TIMESTAMP WITH TIME ZONE NOT NULL,
  schedule INTEGER NOT NULL,
  CONSTRAINT schedule_periods_pkey PRIMARY KEY (tenant_id, scope, member, valid_from)
);
"""

POLICY = "(tenant_id = current_setting('csapi.tenant_id')::uuid)"

# The worker extends what is expanded; a version of a schedule it never writes.
GRANTS = {
    "csapi_api": {
        "SELECT, INSERT, UPDATE": ("schedules",),
        "SELECT, INSERT, DELETE": ("business_intervals", "schedule_periods"),
    },
    "csapi_worker": {
        "SELECT, UPDATE": ("schedules",),
        "SELECT, INSERT, DELETE": ("business_intervals", "schedule_periods"),
    },
}

# Plans for large tenants, as everywhere: no key is ever worth less than its full length.
PLAN_FOR_LARGE_TENANTS = """
SELECT pg_restore_attribute_stats(
  'schemaname', 'csapi', 'relname', '{table}', 'attname', 'tenant_id', 'inherited', false,
  'null_frac', 0::real, 'avg_width', 16, 'n_distinct', 1::real)
"""
DISTINCT = {
    "schedules": {"id": -1, "external_id": -1, "surrogate": -1},
    "business_intervals": {"schedule": -0.001, "starts_at": -0.5},
    "schedule_periods": {"member": -0.8},
}
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
    for table in reversed(TABLES):
        op.execute(f"DROP TABLE {table}")

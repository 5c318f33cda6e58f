"""Comparison reports: sets of questions, their runs, and when schedules ask."""

from alembic import op

revision = "0024"
down_revision = "0023"

TABLES = ("reports", "report_runs", "report_marks")

DDL = """
CREATE TABLE reports (
  tenant_id UUID NOT NULL,
  id UUID DEFAULT uuidv7() NOT NULL,
  content JSON NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
  updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
  CONSTRAINT reports_pkey PRIMARY KEY (tenant_id, id)
);
CREATE TABLE report_runs (
  tenant_id UUID NOT NULL,
  report UUID NOT NULL,
  id UUID NOT NULL,
  trigger TEXT NOT NULL,
  turn TIMESTAMP WITH TIME ZONE,
  as_of TIMESTAMP WITH TIME ZONE NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE NOT NULL,
  sections SMALLINT NOT NULL,
  failed SMALLINT NOT NULL,
  content JSON NOT NULL,
  CONSTRAINT report_runs_pkey PRIMARY KEY (tenant_id, report, id),
  CONSTRAINT report_runs_tenant_id_report_turn_key UNIQUE (tenant_id, report, turn)
);
CREATE TABLE report_marks (
  tenant_id UUID NOT NULL,
  report UUID NOT NULL,
  turn TIMESTAMP WITH TIME ZONE NOT NULL,
  due_at TIMESTAMP WITH TIME ZONE NOT NULL,
  attempt SMALLINT DEFAULT 0 NOT NULL,
  CONSTRAINT report_marks_pkey PRIMARY KEY (tenant_id, report)
);
"""

POLICY = "(tenant_id = current_setting('csapi.tenant_id')::uuid)"

GRANTS = {
    "csapi_api": {
        "SELECT, INSERT, UPDATE, DELETE": ("reports", "report_marks"),
        "SELECT, INSERT, DELETE": ("report_runs",),
    },
    "csapi_worker": {
        "SELECT": ("reports",),
        "SELECT, INSERT, DELETE": ("report_runs",),
        "SELECT, UPDATE": ("report_marks",),
    },
}

# Plans for large tenants, as everywhere: no key is ever worth less than its full length.
SAY_DISTINCT = """
SELECT pg_restore_attribute_stats(
  'schemaname', 'csapi', 'relname', '{table}', 'attname', '{column}', 'inherited', false,
  'null_frac', 0::real, 'avg_width', 16, 'n_distinct', {distinct}::real)
"""
DISTINCT = {
    "reports": {"tenant_id": 1, "id": -1},
    "report_runs": {"tenant_id": 1, "report": -0.01, "id": -1, "turn": -0.9},
    "report_marks": {"tenant_id": 1, "report": -1},
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
    op.execute("CREATE POLICY sweep ON report_marks FOR SELECT TO csapi_worker USING (true)")
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

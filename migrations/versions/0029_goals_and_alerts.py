"""Goals, alerts and what they found, and when the worker looks at them."""

from alembic import op

revision = "0029"
down_revision = "0028"

TABLES = ("goals", "alerts", "alert_events", "watch_marks")

DDL = """
CREATE TABLE goals (
  tenant_id UUID NOT NULL,
  id UUID DEFAULT uuidv7() NOT NULL,
  content JSON NOT NULL,
  metric TEXT NOT NULL,
  match TEXT NOT NULL,
  starts_on DATE NOT NULL,
  due_on DATE NOT NULL,
  status TEXT NOT NULL,
  status_at TIMESTAMP WITH TIME ZONE NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
  updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
  CONSTRAINT goals_pkey PRIMARY KEY (tenant_id, id)
);
CREATE TABLE alerts (
  tenant_id UUID NOT NULL,
  id UUID DEFAULT uuidv7() NOT NULL,
  content JSON NOT NULL,
  looked_at TIMESTAMP WITH TIME ZONE,
  finding JSON,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
  updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
  CONSTRAINT alerts_pkey PRIMARY KEY (tenant_id, id)
);
CREATE TABLE alert_events (
  tenant_id UUID NOT NULL,
  id UUID DEFAULT uuidv7() NOT NULL,
  alert UUID NOT NULL,
  bucket TIMESTAMP WITH TIME ZONE NOT NULL,
  content JSON NOT NULL,
  state TEXT DEFAULT 'open' NOT NULL,
  is_over BOOLEAN DEFAULT false NOT NULL,
  quiet SMALLINT DEFAULT 0 NOT NULL,
  note TEXT,
  fired_at TIMESTAMP WITH TIME ZONE NOT NULL,
  last_seen_at TIMESTAMP WITH TIME ZONE NOT NULL,
  acknowledged_at TIMESTAMP WITH TIME ZONE,
  resolved_at TIMESTAMP WITH TIME ZONE,
  CONSTRAINT alert_events_pkey PRIMARY KEY (tenant_id, id),
  CONSTRAINT alert_events_tenant_id_alert_bucket_key UNIQUE (tenant_id, alert, bucket)
);
CREATE TABLE watch_marks (
  tenant_id UUID NOT NULL,
  watch SMALLINT NOT NULL,
  id UUID NOT NULL,
  turn TIMESTAMP WITH TIME ZONE NOT NULL,
  due_at TIMESTAMP WITH TIME ZONE NOT NULL,
  attempt SMALLINT DEFAULT 0 NOT NULL,
  CONSTRAINT watch_marks_pkey PRIMARY KEY (tenant_id, watch, id)
);
"""

POLICY = "(tenant_id = current_setting('csapi.tenant_id')::uuid)"

GRANTS = {
    "csapi_api": {
        "SELECT, INSERT, UPDATE, DELETE": (
            "goals",
            "alerts",
            "alert_events",
            "watch_marks",
        ),
    },
    "csapi_worker": {
        "SELECT, UPDATE": ("goals", "alerts"),
        "SELECT, INSERT, UPDATE, DELETE": ("alert_events",),
        "SELECT, UPDATE, DELETE": ("watch_marks",),
    },
}

# Plans for large tenants, as everywhere: no key is ever worth less than its full length.
SAY_DISTINCT = """
SELECT pg_restore_attribute_stats(
  'schemaname', 'csapi', 'relname', '{table}', 'attname', '{column}', 'inherited', false,
  'null_frac', 0::real, 'avg_width', 16, 'n_distinct', {distinct}::real)
"""
DISTINCT = {
    "goals": {"tenant_id": 1, "id": -1},
    "alerts": {"tenant_id": 1, "id": -1},
    "alert_events": {"tenant_id": 1, "id": -1, "alert": -0.01, "bucket": -0.9},
    "watch_marks": {"tenant_id": 1, "id": -1, "watch": 2},
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
    op.execute("CREATE POLICY sweep ON watch_marks FOR SELECT TO csapi_worker USING (true)")
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

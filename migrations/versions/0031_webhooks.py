"""Webhooks: endpoints, their secrets, what happened, what is to be delivered, and what came of it."""

from alembic import op

revision = "0031"
down_revision = "0029"

TABLES = (
    "webhook_endpoints",
    "webhook_secrets",
    "webhook_events",
    "webhook_deliveries",
    "webhook_attempts",
    "webhook_marks",
    "scan_marks",
)

DDL = """
CREATE TABLE webhook_endpoints (
  tenant_id UUID NOT NULL,
  id UUID DEFAULT uuidv7() NOT NULL,
  url TEXT NOT NULL,
  description TEXT,
  events TEXT[] NOT NULL,
  is_enabled BOOLEAN DEFAULT true NOT NULL,
  disabled_reason TEXT,
  disabled_at TIMESTAMP WITH TIME ZONE,
  failing_since TIMESTAMP WITH TIME ZONE,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
  updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
  CONSTRAINT webhook_endpoints_pkey PRIMARY KEY (tenant_id, id)
);
CREATE TABLE webhook_secrets (
  tenant_id UUID NOT NULL,
  endpoint UUID NOT NULL,
  id UUID DEFAULT uuidv7() NOT NULL,
  secret BYTEA NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
  overlap_seconds INTEGER NOT NULL,
  CONSTRAINT webhook_secrets_pkey PRIMARY KEY (tenant_id, endpoint, id)
);
CREATE TABLE webhook_events (
  tenant_id UUID NOT NULL,
  id UUID DEFAULT uuidv7() NOT NULL,
  type TEXT NOT NULL,
  once TEXT,
  body TEXT NOT NULL,
  CONSTRAINT webhook_events_pkey PRIMARY KEY (tenant_id, id),
  CONSTRAINT webhook_events_tenant_id_type_once_key UNIQUE (tenant_id, type, once)
);
CREATE TABLE webhook_deliveries (
  tenant_id UUID NOT NULL,
  endpoint UUID NOT NULL,
  id UUID DEFAULT uuidv7() NOT NULL,
  event UUID NOT NULL,
  status TEXT DEFAULT 'pending' NOT NULL,
  attempts SMALLINT DEFAULT 0 NOT NULL,
  is_replay BOOLEAN NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
  next_attempt_at TIMESTAMP WITH TIME ZONE,
  finished_at TIMESTAMP WITH TIME ZONE,
  CONSTRAINT webhook_deliveries_pkey PRIMARY KEY (tenant_id, endpoint, id)
);
CREATE TABLE webhook_attempts (
  tenant_id UUID NOT NULL,
  delivery UUID NOT NULL,
  number SMALLINT NOT NULL,
  started_at TIMESTAMP WITH TIME ZONE NOT NULL,
  duration_ms INTEGER NOT NULL,
  status_code SMALLINT,
  error TEXT,
  excerpt TEXT,
  CONSTRAINT webhook_attempts_pkey PRIMARY KEY (tenant_id, delivery, number)
);
CREATE TABLE webhook_marks (
  tenant_id UUID NOT NULL,
  endpoint UUID NOT NULL,
  delivery UUID NOT NULL,
  due_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT webhook_marks_pkey PRIMARY KEY (tenant_id, endpoint, delivery)
);
CREATE TABLE scan_marks (
  tenant_id UUID NOT NULL,
  scan TEXT NOT NULL,
  due_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT scan_marks_pkey PRIMARY KEY (tenant_id, scan)
);
"""

POLICY = "(tenant_id = current_setting('csapi.tenant_id')::uuid)"

# The API adds secrets and reads none: what it cannot read it cannot give away.
GRANTS = {
    "csapi_api": {
        "SELECT, INSERT, UPDATE, DELETE": (
            "webhook_endpoints",
            "webhook_deliveries",
            "webhook_marks",
        ),
        "SELECT, INSERT, DELETE": ("scan_marks",),
        "SELECT, INSERT": ("webhook_events",),
        "SELECT, DELETE": ("webhook_attempts",),
        "INSERT": ("webhook_secrets",),
    },
    "csapi_worker": {
        "SELECT, INSERT, UPDATE, DELETE": ("webhook_deliveries", "webhook_marks", "scan_marks"),
        "SELECT, INSERT, DELETE": ("webhook_events", "webhook_attempts"),
        "SELECT, UPDATE": ("webhook_endpoints",),
        "SELECT, DELETE": ("webhook_secrets",),
    },
}

# Plans for large tenants, as everywhere: no key is ever worth less than its full length.
SAY_DISTINCT = """
SELECT pg_restore_attribute_stats(
  'schemaname', 'csapi', 'relname', '{table}', 'attname', '{column}', 'inherited', false,
  'null_frac', 0::real, 'avg_width', 16, 'n_distinct', {distinct}::real)
"""
DISTINCT = {
    "webhook_endpoints": {"tenant_id": 1, "id": -1},
    "webhook_secrets": {"tenant_id": 1, "endpoint": -0.5, "id": -1},
    "webhook_events": {"tenant_id": 1, "id": -1, "once": -0.9},
    "webhook_deliveries": {"tenant_id": 1, "endpoint": -0.01, "id": -1},
    "webhook_attempts": {"tenant_id": 1, "delivery": -0.5},
    "webhook_marks": {"tenant_id": 1, "endpoint": -0.01, "delivery": -1},
    "scan_marks": {"tenant_id": 1, "scan": -1},
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
    for table in ("webhook_marks", "scan_marks"):
        op.execute(f"CREATE POLICY sweep ON {table} FOR SELECT TO csapi_worker USING (true)")
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

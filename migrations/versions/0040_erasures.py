"""Erasures: receipts, names that must not come back, and rows that are somebody's no more."""

from alembic import op

revision = "0040"
down_revision = "0039"

TABLES = ("erasures", "erasure_keys", "erased_names", "erasure_marks")

DDL = """
CREATE TABLE erasures (
  tenant_id UUID NOT NULL,
  id UUID DEFAULT uuidv7() NOT NULL,
  sequence BIGINT NOT NULL,
  mode TEXT NOT NULL,
  status TEXT DEFAULT 'queued' NOT NULL,
  reference TEXT,
  actor_kind TEXT NOT NULL,
  actor TEXT,
  requested_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
  started_at TIMESTAMP WITH TIME ZONE,
  finished_at TIMESTAMP WITH TIME ZONE,
  step SMALLINT DEFAULT 0 NOT NULL,
  reached UUID,
  counts JSONB DEFAULT '{}' NOT NULL,
  CONSTRAINT erasures_pkey PRIMARY KEY (tenant_id, id),
  CONSTRAINT erasures_tenant_id_sequence_key UNIQUE (tenant_id, sequence)
);
CREATE TABLE erasure_keys (
  tenant_id UUID NOT NULL,
  key BYTEA NOT NULL,
  CONSTRAINT erasure_keys_pkey PRIMARY KEY (tenant_id)
);
CREATE TABLE erased_names (
  tenant_id UUID NOT NULL,
  hash BYTEA NOT NULL,
  erasure UUID NOT NULL,
  CONSTRAINT erased_names_pkey PRIMARY KEY (tenant_id, hash)
);
CREATE INDEX erased_names_tenant_id_erasure_idx ON erased_names (tenant_id, erasure);
CREATE TABLE erasure_marks (
  tenant_id UUID NOT NULL,
  erasure UUID NOT NULL,
  due_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT erasure_marks_pkey PRIMARY KEY (tenant_id, erasure)
);
ALTER TABLE customers ADD COLUMN erasure UUID;
CREATE INDEX customers_erasure_idx ON customers (tenant_id, erasure) WHERE erasure IS NOT NULL;
"""

POLICY = "(tenant_id = current_setting('csapi.tenant_id')::uuid)"

# Nobody takes a receipt, or a name that must not come back, away.
GRANTS = {
    "csapi_api": {
        "SELECT, INSERT": ("erasures", "erasure_keys", "erased_names", "erasure_marks"),
    },
    "csapi_worker": {
        "SELECT, INSERT, UPDATE": ("erasures", "erasure_keys"),
        "SELECT, INSERT": ("erased_names",),
        "SELECT, INSERT, UPDATE, DELETE": ("erasure_marks",),
    },
}
# What the worker must be able to change in what was there before.
FURTHER = {
    "DELETE": (
        "customers",
        "tickets",
        "ticket_events",
        "calls",
        "feedback_requests",
        "feedback",
        "forms",
        "sessions",
        "kb_events",
    ),
    "UPDATE, DELETE": ("customer_merges",),
    "SELECT, UPDATE": ("saved_queries", "custom_metrics", "reports", "report_runs"),
}
# Of these it could read nothing before.
UNSEEN = ("saved_queries",)

# Plans for large tenants, as everywhere: no key is ever worth less than its full length.
SAY_DISTINCT = """
SELECT pg_restore_attribute_stats(
  'schemaname', 'csapi', 'relname', '{table}', 'attname', '{column}', 'inherited', false,
  'null_frac', 0::real, 'avg_width', 16, 'n_distinct', {distinct}::real)
"""
DISTINCT = {
    "erasures": {"tenant_id": 1, "id": -1, "sequence": -1},
    "erasure_keys": {"tenant_id": 1},
    "erased_names": {"tenant_id": 1, "hash": -1, "erasure": -0.1},
    "erasure_marks": {"tenant_id": 1, "erasure": -1},
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
        op.execute(f"CREATE POLICY closing ON {table} TO csapi_owner USING {POLICY}")
        op.execute(f"ALTER TABLE {table} ALTER COLUMN tenant_id SET STATISTICS 0")
    op.execute("CREATE POLICY sweep ON erasure_marks FOR SELECT TO csapi_worker USING (true)")
    for role, grants in GRANTS.items():
        for privileges, tables in grants.items():
            op.execute(f"GRANT {privileges} ON {', '.join(tables)} TO {role}")
    for privileges, tables in FURTHER.items():
        op.execute(f"GRANT {privileges} ON {', '.join(tables)} TO csapi_worker")
    for table, columns in DISTINCT.items():
        for column, distinct in columns.items():
            op.execute(SAY_DISTINCT.format(table=table, column=column, distinct=distinct))


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '2s'")
    for privileges, tables in FURTHER.items():
        taken = privileges.replace("SELECT, ", "")
        op.execute(f"REVOKE {taken} ON {', '.join(tables)} FROM csapi_worker")
    op.execute(f"REVOKE SELECT ON {', '.join(UNSEEN)} FROM csapi_worker")
    op.execute("DROP INDEX customers_erasure_idx")
    op.execute("ALTER TABLE customers DROP COLUMN erasure")
    for table in reversed(TABLES):
        op.execute(f"DROP TABLE {table}")

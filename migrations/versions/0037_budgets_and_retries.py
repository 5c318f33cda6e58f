"""Budgets that an operator sets for a tenant, and requests that are done once."""

from alembic import op

revision = "0037"
down_revision = "0036"

POLICY = "tenant_id = current_setting('csapi.tenant_id')::uuid"
TABLES = ("budgets", "idempotency")
DDL = (
    """
CREATE TABLE budgets (
  tenant_id UUID NOT NULL,
  policy TEXT NOT NULL,
  quota BIGINT NOT NULL,
  updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
  CONSTRAINT budgets_pkey PRIMARY KEY (tenant_id, policy)
)""",
    """
CREATE TABLE idempotency (
  tenant_id UUID NOT NULL,
  holder TEXT NOT NULL,
  operation TEXT NOT NULL,
  key TEXT NOT NULL,
  fingerprint BYTEA NOT NULL,
  claim UUID NOT NULL,
  state TEXT NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
  status INTEGER,
  headers TEXT,
  body BYTEA,
  CONSTRAINT idempotency_pkey PRIMARY KEY (tenant_id, holder, operation, key)
)""",
    "CREATE INDEX idempotency_tenant_id_created_at_idx ON idempotency (tenant_id, created_at)",
)
GRANTS = {
    "budgets": {"csapi_api": "SELECT, INSERT, UPDATE, DELETE"},
    # The worker drops what is old.
    "idempotency": {
        "csapi_api": "SELECT, INSERT, UPDATE, DELETE",
        "csapi_worker": "SELECT, DELETE",
    },
}

# Plans for large tenants, as everywhere: no key is ever worth less than its full length.
SAY_DISTINCT = """
SELECT pg_restore_attribute_stats(
  'schemaname', 'csapi', 'relname', '{table}', 'attname', '{column}', 'inherited', false,
  'null_frac', 0::real, 'avg_width', 16, 'n_distinct', {distinct}::real)"""
DISTINCT = (
    ("budgets", "tenant_id", 1),
    ("idempotency", "tenant_id", 1),
    ("idempotency", "key", -1),
    ("idempotency", "created_at", -1),
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
        op.execute(f"ALTER TABLE {table} ALTER COLUMN tenant_id SET STATISTICS 0")
        for role, what in GRANTS[table].items():
            op.execute(f"GRANT {what} ON {table} TO {role}")
    for table, column, distinct in DISTINCT:
        op.execute(SAY_DISTINCT.format(table=table, column=column, distinct=distinct))


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '2s'")
    for table in TABLES:
        op.execute(f"DROP TABLE {table}")

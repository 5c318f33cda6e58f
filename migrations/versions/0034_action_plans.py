"""Action plans, and what agents suggest."""

from alembic import op

revision = "0034"
down_revision = "0033"

POLICY = "tenant_id = current_setting('csapi.tenant_id')::uuid"
TABLES = ("action_plans", "suggestions")
DDL = (
    """
CREATE TABLE action_plans (
  tenant_id UUID NOT NULL,
  id UUID DEFAULT uuidv7() NOT NULL,
  content JSON NOT NULL,
  status TEXT NOT NULL,
  goal UUID,
  suggestion UUID,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
  updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
  closed_at TIMESTAMP WITH TIME ZONE,
  CONSTRAINT action_plans_pkey PRIMARY KEY (tenant_id, id)
)""",
    "CREATE INDEX action_plans_tenant_id_suggestion_idx ON action_plans (tenant_id, suggestion)",
    """
CREATE TABLE suggestions (
  tenant_id UUID NOT NULL,
  id UUID DEFAULT uuidv7() NOT NULL,
  agent UUID NOT NULL,
  kind TEXT NOT NULL,
  content TEXT NOT NULL,
  status TEXT NOT NULL,
  reply TEXT,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
  updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
  CONSTRAINT suggestions_pkey PRIMARY KEY (tenant_id, id)
)""",
    "CREATE INDEX suggestions_tenant_id_agent_id_idx ON suggestions (tenant_id, agent, id)",
)

# Plans for large tenants, as everywhere: no key is ever worth less than its full length.
SAY_DISTINCT = """
SELECT pg_restore_attribute_stats(
  'schemaname', 'csapi', 'relname', '{table}', 'attname', '{column}', 'inherited', false,
  'null_frac', 0::real, 'avg_width', 16, 'n_distinct', {distinct}::real)"""
DISTINCT = (
    ("action_plans", "tenant_id", 1),
    ("action_plans", "id", -1),
    ("suggestions", "tenant_id", 1),
    ("suggestions", "id", -1),
    ("suggestions", "agent", -0.05),
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
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO csapi_api")
    for table, column, distinct in DISTINCT:
        op.execute(SAY_DISTINCT.format(table=table, column=column, distinct=distinct))


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '2s'")
    for table in TABLES:
        op.execute(f"DROP TABLE {table}")

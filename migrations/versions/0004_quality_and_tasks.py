"""Quality reviews and tasks; sentiment, sites, and when requests for feedback were created."""

from alembic import op

revision = "0004"
down_revision = "0003"

TABLES = ("quality_reviews", "tasks")

DDL = """
CREATE TABLE quality_reviews (
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
  reviewed_at TIMESTAMP WITH TIME ZONE,
  agent INTEGER,
  team INTEGER,
  reviewer INTEGER,
  ticket UUID,
  call UUID,
  channel INTEGER,
  form INTEGER,
  outcome SMALLINT,
  score BIGINT,
  criteria JSONB,
  attr1 INTEGER,
  attr2 INTEGER,
  attr3 INTEGER,
  attr4 INTEGER,
  attr5 INTEGER,
  attr6 INTEGER,
  attr7 INTEGER,
  attr8 INTEGER,
  CONSTRAINT quality_reviews_pkey PRIMARY KEY (tenant_id, id),
  CONSTRAINT quality_reviews_tenant_id_source_external_id_key UNIQUE (tenant_id, source, external_id)
);
CREATE INDEX quality_reviews_tenant_id_call_idx ON quality_reviews (tenant_id, call);
CREATE INDEX quality_reviews_tenant_id_ticket_idx ON quality_reviews (tenant_id, ticket);
CREATE TABLE tasks (
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
  type INTEGER,
  team INTEGER,
  ticket UUID,
  holdings JSONB,
  completed_at TIMESTAMP WITH TIME ZONE,
  completed_by INTEGER,
  completed_team INTEGER,
  held_since TIMESTAMP WITH TIME ZONE,
  deadline_outcome SMALLINT,
  attr1 INTEGER,
  attr2 INTEGER,
  attr3 INTEGER,
  attr4 INTEGER,
  attr5 INTEGER,
  attr6 INTEGER,
  attr7 INTEGER,
  attr8 INTEGER,
  CONSTRAINT tasks_pkey PRIMARY KEY (tenant_id, id),
  CONSTRAINT tasks_tenant_id_source_external_id_key UNIQUE (tenant_id, source, external_id)
);
CREATE INDEX tasks_tenant_id_ticket_idx ON tasks (tenant_id, ticket);
"""

# Nullable and without defaults: no table is written anew.
COLUMNS = {
    "calls": {"sentiment": "SMALLINT", "sentiment_score": "BIGINT"},
    "ticket_events": {"sentiment": "SMALLINT", "sentiment_score": "BIGINT"},
    "feedback_requests": {"created_at": "TIMESTAMP WITH TIME ZONE"},
    "feedback": {"site": "INTEGER", "sentiment": "SMALLINT", "sentiment_score": "BIGINT"},
}

POLICY = "(tenant_id = current_setting('csapi.tenant_id')::uuid)"

# As for the tables that came before: tenant_id looks the same for every tenant, and other columns
# have figures until ANALYZE comes by.
PLAN_FOR_LARGE_TENANTS = """
SELECT pg_restore_attribute_stats(
  'schemaname', 'csapi', 'relname', '{table}', 'attname', 'tenant_id', 'inherited', false,
  'null_frac', 0::real, 'avg_width', 16, 'n_distinct', 1::real)
"""
DISTINCT = {
    "quality_reviews": {"id": -1, "external_id": -1, "ticket": -0.9, "call": -0.9},
    "tasks": {"id": -1, "external_id": -1, "ticket": -0.5},
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
        for column, distinct in DISTINCT[table].items():
            width = 12 if column == "external_id" else 16
            op.execute(
                SAY_DISTINCT.format(table=table, column=column, width=width, distinct=distinct)
            )
    op.execute(f"GRANT SELECT, INSERT, UPDATE ON {', '.join(TABLES)} TO csapi_api")
    op.execute(f"GRANT SELECT, UPDATE ON {', '.join(TABLES)} TO csapi_worker")
    for table, columns in COLUMNS.items():
        added = ", ".join(f"ADD COLUMN {name} {type_}" for name, type_ in columns.items())
        op.execute(f"ALTER TABLE {table} {added}")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '2s'")
    for table, columns in COLUMNS.items():
        dropped = ", ".join(f"DROP COLUMN {name}" for name in columns)
        op.execute(f"ALTER TABLE {table} {dropped}")
    for table in reversed(TABLES):
        op.execute(f"DROP TABLE {table}")

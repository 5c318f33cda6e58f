"""People's time: presence, shifts and work sessions."""

from alembic import op

revision = "0003"
down_revision = "0002"

TABLES = ("presence", "shifts", "work_sessions")

IDENTITY = """
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
  agent INTEGER,"""
ATTRIBUTES = """
  attr1 INTEGER,
  attr2 INTEGER,
  attr3 INTEGER,
  attr4 INTEGER,
  attr5 INTEGER,
  attr6 INTEGER,
  attr7 INTEGER,
  attr8 INTEGER,"""

DDL = f"""
CREATE TABLE presence ({IDENTITY}
  state SMALLINT,
  started_at TIMESTAMP WITH TIME ZONE,
  ended_at TIMESTAMP WITH TIME ZONE,
  channel INTEGER,{ATTRIBUTES}
  CONSTRAINT presence_pkey PRIMARY KEY (tenant_id, id),
  CONSTRAINT presence_tenant_id_source_external_id_key UNIQUE (tenant_id, source, external_id)
);
CREATE INDEX presence_tenant_id_agent_started_at_external_id_ended_at_idx
  ON presence (tenant_id, agent, started_at, external_id, ended_at);
CREATE TABLE shifts ({IDENTITY}
  started_at TIMESTAMP WITH TIME ZONE,
  ended_at TIMESTAMP WITH TIME ZONE,
  is_paid BOOLEAN,{ATTRIBUTES}
  CONSTRAINT shifts_pkey PRIMARY KEY (tenant_id, id),
  CONSTRAINT shifts_tenant_id_source_external_id_key UNIQUE (tenant_id, source, external_id)
);
CREATE INDEX shifts_tenant_id_agent_started_at_idx ON shifts (tenant_id, agent, started_at);
CREATE TABLE work_sessions ({IDENTITY}
  ticket UUID,
  channel INTEGER,
  started_at TIMESTAMP WITH TIME ZONE,
  ended_at TIMESTAMP WITH TIME ZONE,{ATTRIBUTES}
  CONSTRAINT work_sessions_pkey PRIMARY KEY (tenant_id, id),
  CONSTRAINT work_sessions_tenant_id_source_external_id_key UNIQUE (tenant_id, source, external_id)
);
"""

POLICY = "(tenant_id = current_setting('csapi.tenant_id')::uuid)"

# Made up, and kept, so that no tenant ever looks empty to the planner.
PLAN_FOR_LARGE_TENANTS = """
SELECT pg_restore_attribute_stats(
  'schemaname', 'csapi', 'relname', '{table}', 'attname', 'tenant_id', 'inherited', false,
  'null_frac', 0::real, 'avg_width', 16, 'n_distinct', 1::real)
"""

# Until ANALYZE comes by. A negative figure is a share of the rows.
DISTINCT = {"id": (8, -1), "external_id": (12, -1), "agent": (8, -0.01), "started_at": (8, -0.9)}
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
        for column, (width, distinct) in DISTINCT.items():
            op.execute(
                SAY_DISTINCT.format(table=table, column=column, width=width, distinct=distinct)
            )
        op.execute(f"GRANT SELECT, INSERT, UPDATE ON {table} TO csapi_api")
        op.execute(f"GRANT SELECT, UPDATE ON {table} TO csapi_worker")
    # Whoever derives an agent's presence and shifts locks the agent's row.
    op.execute("GRANT UPDATE ON agents TO csapi_worker")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '2s'")
    op.execute("REVOKE UPDATE ON agents FROM csapi_worker")
    for table in reversed(TABLES):
        op.execute(f"DROP TABLE {table}")

"""What tenants settle of their metrics, small groups, and which days were counted again, and why."""

from alembic import op

revision = "0018"
down_revision = "0017"

POLICY = "tenant_id = current_setting('csapi.tenant_id')::uuid"
TABLES = ("metric_settings", "privacy_settings")
REASON = "coalesce(nullif(current_setting('csapi.mark_reason', true), ''), '1')::smallint"

DDL = """
CREATE TABLE metric_settings (
  tenant_id UUID NOT NULL,
  metric TEXT NOT NULL,
  valid_from DATE NOT NULL,
  params JSONB NOT NULL,
  updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
  CONSTRAINT metric_settings_pkey PRIMARY KEY (tenant_id, metric, valid_from)
);
CREATE TABLE privacy_settings (
  tenant_id UUID NOT NULL,
  smallest_group INTEGER,
  updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
  CONSTRAINT privacy_settings_pkey PRIMARY KEY (tenant_id)
);
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '2s'")
    for statement in filter(str.strip, DDL.split(";")):
        op.execute(statement)
    for table in TABLES:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY tenant ON {table} TO csapi_api, csapi_worker "
            f"USING ({POLICY}) WITH CHECK ({POLICY})"
        )
        op.execute(f"GRANT SELECT, INSERT, UPDATE ON {table} TO csapi_api")
        op.execute(f"GRANT SELECT ON {table} TO csapi_worker")
    # The default says it: no statement that writes marks has to know.
    op.execute("ALTER TABLE marks ADD COLUMN reason SMALLINT DEFAULT 1 NOT NULL")
    op.execute(f"ALTER TABLE marks ALTER COLUMN reason SET DEFAULT {REASON}")
    op.execute("""
        ALTER TABLE rollup_buckets
          ADD COLUMN revisions INTEGER DEFAULT 0 NOT NULL,
          ADD COLUMN revised_by SMALLINT DEFAULT 0 NOT NULL,
          ADD COLUMN revised_at TIMESTAMP WITH TIME ZONE""")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '2s'")
    op.execute("""
        ALTER TABLE rollup_buckets
          DROP COLUMN revisions, DROP COLUMN revised_by, DROP COLUMN revised_at""")
    op.execute("ALTER TABLE marks DROP COLUMN reason")
    for table in TABLES:
        op.execute(f"DROP TABLE {table}")

"""The weights by which a tenant ranks its drivers and its agents."""

from alembic import op

revision = "0028"
down_revision = "0027"

POLICY = "tenant_id = current_setting('csapi.tenant_id')::uuid"

DDL = """
CREATE TABLE weight_settings (
  tenant_id UUID NOT NULL,
  drivers JSON NOT NULL,
  evaluations JSON NOT NULL,
  updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
  CONSTRAINT weight_settings_pkey PRIMARY KEY (tenant_id)
)"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '2s'")
    op.execute(DDL)
    op.execute("ALTER TABLE weight_settings ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE weight_settings FORCE ROW LEVEL SECURITY")
    op.execute(
        "CREATE POLICY tenant ON weight_settings TO csapi_api, csapi_worker "
        f"USING ({POLICY}) WITH CHECK ({POLICY})"
    )
    op.execute("GRANT SELECT, INSERT, UPDATE ON weight_settings TO csapi_api")
    op.execute("GRANT SELECT ON weight_settings TO csapi_worker")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '2s'")
    op.execute("DROP TABLE weight_settings")

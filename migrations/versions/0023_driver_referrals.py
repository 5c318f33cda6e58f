"""Topics handed to a department."""

from alembic import op

revision = "0023"
down_revision = "0020"

DDL = """
CREATE TABLE driver_referrals (
  tenant_id UUID NOT NULL,
  id UUID DEFAULT uuidv7() NOT NULL,
  topic TEXT NOT NULL,
  department TEXT NOT NULL,
  owner TEXT,
  due_on DATE,
  status TEXT NOT NULL,
  note TEXT,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
  updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
  closed_at TIMESTAMP WITH TIME ZONE,
  CONSTRAINT driver_referrals_pkey PRIMARY KEY (tenant_id, id)
)
"""

POLICY = "(tenant_id = current_setting('csapi.tenant_id')::uuid)"

# Plans for large tenants, as everywhere: no key is ever worth less than its full length.
PLAN_FOR_LARGE_TENANTS = """
SELECT pg_restore_attribute_stats(
  'schemaname', 'csapi', 'relname', 'driver_referrals', 'attname', '{column}', 'inherited', false,
  'null_frac', 0::real, 'avg_width', 16, 'n_distinct', {distinct}::real)
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '2s'")
    op.execute(DDL)
    op.execute("ALTER TABLE driver_referrals ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE driver_referrals FORCE ROW LEVEL SECURITY")
    op.execute(
        "CREATE POLICY tenant ON driver_referrals TO csapi_api, csapi_worker "
        f"USING {POLICY} WITH CHECK {POLICY}"
    )
    op.execute("ALTER TABLE driver_referrals ALTER COLUMN tenant_id SET STATISTICS 0")
    op.execute(PLAN_FOR_LARGE_TENANTS.format(column="tenant_id", distinct=1))
    op.execute(PLAN_FOR_LARGE_TENANTS.format(column="id", distinct=-1))
    op.execute("GRANT SELECT, INSERT, UPDATE ON driver_referrals TO csapi_api")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '2s'")
    op.execute("DROP TABLE driver_referrals")

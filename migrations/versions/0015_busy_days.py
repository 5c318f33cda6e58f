"""Which days have slot rows of every cuboid. Rows of slots that others still have are not read and
go with the daily trim."""

from alembic import op

revision = "0015"
down_revision = "0010"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '2s'")
    op.execute("ALTER TABLE rollup_buckets ADD COLUMN is_slotted BOOLEAN DEFAULT false NOT NULL")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '2s'")
    # The code before this reads slot rows of every cuboid for the last days: let it write them.
    for table in ("marks", "summaries"):
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    op.execute("""
        INSERT INTO marks (tenant_id, grain, bucket)
        SELECT tenant_id, grain, bucket FROM summaries
        WHERE cuboid = 1 AND grain = 1 AND bucket > now() - interval '8 days'
        GROUP BY tenant_id, grain, bucket""")
    for table in ("marks", "summaries"):
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE rollup_buckets DROP COLUMN is_slotted")

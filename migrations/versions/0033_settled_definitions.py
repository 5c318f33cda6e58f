"""When all subjects of a changed derivation were marked: it is through once those marks are gone."""

from alembic import op

revision = "0033"
down_revision = "0032"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '2s'")
    op.execute("ALTER TABLE definitions ADD COLUMN marked_at TIMESTAMP WITH TIME ZONE")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '2s'")
    op.execute("ALTER TABLE definitions DROP COLUMN marked_at")

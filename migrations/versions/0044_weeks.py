"""With which day a tenant's weeks begin."""

from alembic import op

revision = "0044"
down_revision = "0043"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '2s'")
    op.execute("ALTER TABLE tenant_settings ADD COLUMN week_starts_on TEXT")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '2s'")
    op.execute("ALTER TABLE tenant_settings DROP COLUMN week_starts_on")

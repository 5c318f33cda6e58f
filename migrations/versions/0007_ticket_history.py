"""What the history of a ticket needs: first assignment of snapshots, and which message a reply
answers."""

from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '2s'")
    op.execute("ALTER TABLE tickets ADD COLUMN first_assigned_at TIMESTAMP WITH TIME ZONE")
    op.execute("ALTER TABLE ticket_events ADD COLUMN in_reply_to TEXT")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '2s'")
    op.execute("ALTER TABLE ticket_events DROP COLUMN in_reply_to")
    op.execute("ALTER TABLE tickets DROP COLUMN first_assigned_at")

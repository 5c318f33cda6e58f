"""The words of comments, and the index that finds feedback by the time of its answer."""

from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '2s'")
    op.execute("ALTER TABLE feedback ADD COLUMN language TEXT, ADD COLUMN words JSONB")
    op.execute(
        "CREATE INDEX feedback_tenant_id_responded_at_idx ON feedback (tenant_id, responded_at)"
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '2s'")
    op.execute("DROP INDEX feedback_tenant_id_responded_at_idx")
    op.execute("ALTER TABLE feedback DROP COLUMN words, DROP COLUMN language")

"""Words of events may be overwritten while records are taken in: a ticket may turn out to be
somebody's who was erased only after its events."""

from alembic import op

revision = "0042"
down_revision = "0041"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '2s'")
    op.execute("GRANT UPDATE (item) ON ticket_events TO csapi_api")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '2s'")
    op.execute("REVOKE UPDATE (item) ON ticket_events FROM csapi_api")

"""${message}"""

from alembic import op

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '2s'")
    ${upgrades if upgrades else "raise NotImplementedError"}


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '2s'")
    ${downgrades if downgrades else "raise NotImplementedError"}

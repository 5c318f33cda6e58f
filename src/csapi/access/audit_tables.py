"""Who did what, and how much a tenant may send."""

import sqlalchemy as sa

from csapi.kit.tables import column, instant, tenant_table

# The last entry of each chain. Its row is what writers of a tenant queue on.
audit_heads = tenant_table(
    "audit_heads",
    column("sequence", sa.BigInteger),
    column("hash", sa.LargeBinary),
    key=(),
)
audit_heads.append_constraint(sa.PrimaryKeyConstraint("tenant_id"))

# details: the text that the hash is of, JSON.
audit_log = tenant_table(
    "audit_log",
    column("sequence", sa.BigInteger),
    column("at", instant),
    column("actor_kind", sa.Text),
    column("actor", sa.Text, null=True),
    column("action", sa.Text),
    column("subject", sa.Text, null=True),
    column("details", sa.Text),
    column("previous", sa.LargeBinary),
    column("hash", sa.LargeBinary),
    key=("sequence",),
)

# period: day or month, of UTC.
quotas = tenant_table(
    "quotas",
    column("period", sa.Text),
    column("items", sa.BigInteger),
    key=("period",),
)

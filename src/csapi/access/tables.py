"""Who may call, and for which tenant."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from csapi.kit.tables import column, instant, tenant_table

tenants = tenant_table(
    "tenants",
    column("name", sa.Text),
    column("timezone", sa.Text),
    column("created_at", instant, default="now()"),
    key=(),
)
tenants.append_constraint(sa.PrimaryKeyConstraint("tenant_id"))

api_keys = tenant_table(
    "api_keys",
    column("key_id", sa.Text),
    column("name", sa.Text),
    column("secret_sha256", sa.LargeBinary),
    column("scopes", pg.ARRAY(sa.Text)),
    column("created_at", instant, default="now()"),
    column("expires_at", instant, null=True),
    column("revoked_at", instant, null=True),
    column("last_used_at", instant, null=True),
    key=("key_id",),
)
# The one look-up without a tenant: a key arrives before anybody knows whose it is.
sa.Index("api_keys_key_id_idx", api_keys.c.key_id)

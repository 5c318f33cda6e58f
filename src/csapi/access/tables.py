"""Who may call, and for which tenant."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from csapi.kit.tables import column, instant, metadata, tenant_table, uuid

tenants = tenant_table(
    "tenants",
    column("name", sa.Text),
    column("timezone", sa.Text),
    column("created_at", instant, default="now()"),
    key=(),
)
tenants.append_constraint(sa.PrimaryKeyConstraint("tenant_id"))

# What a tenant has settled of itself; null is what holds without it.
tenant_settings = tenant_table(
    "tenant_settings",
    column("language", sa.Text, null=True),
    column("currency", sa.Text, null=True),
    column("week_starts_on", sa.Text, null=True),
    column("updated_at", instant, default="clock_timestamp()"),
    key=(),
)
tenant_settings.append_constraint(sa.PrimaryKeyConstraint("tenant_id"))

# From when on a tenant is no more. actor_kind, actor: as in the audit log, which goes with it.
tenant_closings = tenant_table(
    "tenant_closings",
    column("requested_at", instant),
    column("closes_at", instant),
    column("actor_kind", sa.Text),
    column("actor", sa.Text, null=True),
    key=(),
)
tenant_closings.append_constraint(sa.PrimaryKeyConstraint("tenant_id"))

# What is left of tenants. deleted: how many rows went, by table.
closed_tenants = sa.Table(
    "closed_tenants",
    metadata,
    column("id", uuid),
    column("name", sa.Text),
    column("created_at", instant),
    column("requested_at", instant),
    column("actor_kind", sa.Text),
    column("actor", sa.Text, null=True),
    column("closes_at", instant),
    column("started_at", instant, default="clock_timestamp()"),
    column("finished_at", instant, null=True),
    column("deleted", pg.JSONB, default="'{}'"),
    sa.PrimaryKeyConstraint("id"),
)

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
    # Networks that it may be used from; the keys that made it and that stand in for it.
    column("allowed_ips", pg.ARRAY(sa.Text), null=True),
    column("created_by", sa.Text, null=True),
    column("replaced_by", sa.Text, null=True),
    key=("key_id",),
)
# The one look-up without a tenant: a key arrives before anybody knows whose it is.
sa.Index("api_keys_key_id_idx", api_keys.c.key_id)

# Web pages whose scripts may read answers, by their origin.
browser_origins = tenant_table(
    "browser_origins",
    column("origin", sa.Text),
    key=("origin",),
)

# How much a tenant may ask for, where it is not what holds for all.
budgets = tenant_table(
    "budgets",
    column("policy", sa.Text),
    column("quota", sa.BigInteger),
    column("updated_at", instant, default="clock_timestamp()"),
    key=("policy",),
)

# Requests with an Idempotency-Key, and what they were answered. holder: the key or portal token.
idempotency = tenant_table(
    "idempotency",
    column("holder", sa.Text),
    column("operation", sa.Text),
    column("key", sa.Text),
    column("fingerprint", sa.LargeBinary),
    column("claim", uuid),
    column("state", sa.Text),
    column("created_at", instant, default="clock_timestamp()"),
    column("status", sa.Integer, null=True),
    column("headers", sa.Text, null=True),
    column("body", sa.LargeBinary, null=True),
    key=("holder", "operation", "key"),
    indexes=[("created_at",)],
)

# Short-lived tokens for browsers. Each lives no longer than the key that made it. agent: whose own
# token it is.
portal_tokens = tenant_table(
    "portal_tokens",
    column("token_id", sa.Text),
    column("key_id", sa.Text),
    column("secret_sha256", sa.LargeBinary),
    column("filters", pg.JSON, null=True),
    column("expires_at", instant),
    column("agent", uuid, null=True),
    key=("token_id",),
    indexes=[("expires_at",)],
)
sa.Index("portal_tokens_token_id_idx", portal_tokens.c.token_id)

# What opens one stream, once. The tenant stands in the ticket: there is no look-up without it.
live_tickets = tenant_table(
    "live_tickets",
    column("ticket_id", sa.Text),
    column("secret_sha256", sa.LargeBinary),
    column("key_id", sa.Text),
    column("token_id", sa.Text, null=True),
    column("filters", pg.JSON, null=True),
    column("expires_at", instant),
    key=("ticket_id",),
    indexes=[("expires_at",)],
)

"""Identity providers, whom they know, and sign-ins by them that are under way."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from csapi.kit.tables import column, instant, tenant_table, uuid

identity_providers = tenant_table(
    "identity_providers",
    column("id", uuid, default="uuidv7()"),
    column("name", sa.Text),
    column("issuer", sa.Text),
    column("client_id", sa.Text),
    column("redirect_uris", pg.ARRAY(sa.Text)),
    # None: of any.
    column("email_domains", pg.ARRAY(sa.Text)),
    # Of whoever comes without an invitation; null: nobody does.
    column("default_role", sa.Text, null=True),
    column("is_enabled", sa.Boolean),
    column("created_at", instant, default="clock_timestamp()"),
    column("updated_at", instant, default="clock_timestamp()"),
    key=("id",),
    unique=[("issuer",)],
)

# Only functions of the migration reach it.
identity_provider_secrets = tenant_table(
    "identity_provider_secrets",
    column("provider", uuid),
    column("secret", sa.Text),
    key=("provider",),
)

# Somebody as a provider knows them. It stays when the person is removed or the provider goes, so
# that nobody comes back as somebody new.
identities = tenant_table(
    "identities",
    column("id", uuid, default="uuidv7()"),
    column("issuer", sa.Text),
    column("subject", sa.Text),
    column("person", uuid),
    # As the provider says; for people to read, and for nothing else.
    column("email", sa.Text, null=True),
    column("created_at", instant),
    column("used_at", instant),
    key=("id",),
    unique=[("issuer", "subject")],
    indexes=[("person",)],
)

# A sign-in that was begun. person, session: of whoever links an identity to themselves.
sign_in_flows = tenant_table(
    "sign_in_flows",
    column("token_id", sa.Text),
    column("secret_sha256", sa.LargeBinary),
    column("browser_sha256", sa.LargeBinary),
    column("provider", uuid),
    column("redirect_uri", sa.Text),
    column("person", uuid, null=True),
    column("session", uuid, null=True),
    column("began_at", instant),
    key=("token_id",),
    indexes=[("began_at",)],
)

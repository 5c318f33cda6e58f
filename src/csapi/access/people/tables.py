"""People, the tenants that they belong to, and how they are signed in."""

import sqlalchemy as sa

from csapi.kit.tables import column, instant, metadata, tenant_table, uuid

# People belong to several tenants: the next three tables have none, and only the functions of the
# migration reach them.
people = sa.Table(
    "people",
    metadata,
    column("id", uuid, default="uuidv7()"),
    # Neither is known of whom an identity provider alone knows.
    column("email", sa.Text, null=True),
    column("password_hash", sa.Text, null=True),
    # Sessions that began before are over.
    column("sessions_from", instant),
    column("reset_sha256", sa.LargeBinary, null=True),
    column("reset_expires_at", instant, null=True),
    column("reset_tenant", uuid, null=True),
    column("created_at", instant, default="clock_timestamp()"),
    sa.PrimaryKeyConstraint("id"),
    sa.UniqueConstraint("email"),
)

# By the digest of an e-mail address, whether or not anybody has it, or of a network address.
sign_in_attempts = sa.Table(
    "sign_in_attempts",
    metadata,
    column("key", sa.LargeBinary),
    column("failures", sa.Integer),
    column("last_at", instant),
    column("locked_until", instant),
    sa.PrimaryKeyConstraint("key"),
)
sa.Index(None, sign_in_attempts.c.last_at)

signing_keys = sa.Table(
    "signing_keys",
    metadata,
    column("kid", sa.Text),
    column("private_key", sa.LargeBinary),
    column("public_key", sa.LargeBinary),
    column("signs_from", instant),
    column("ends_at", instant, null=True),
    sa.PrimaryKeyConstraint("kid"),
)

memberships = tenant_table(
    "memberships",
    column("person", uuid),
    column("role", sa.Text),
    # Whose record a person with the role agent is.
    column("agent", uuid, null=True),
    column("created_at", instant, default="clock_timestamp()"),
    key=("person",),
)
# Whoever signs in may not have said to which tenant.
sa.Index("memberships_person_idx", memberships.c.person)

# A family of refresh tokens: the digest is that of the one that was not used yet.
person_sessions = tenant_table(
    "person_sessions",
    column("id", uuid),
    column("token_id", sa.Text),
    column("person", uuid),
    column("secret_sha256", sa.LargeBinary),
    column("user_agent", sa.Text, null=True),
    column("created_at", instant),
    column("used_at", instant),
    column("expires_at", instant),
    # The identity provider that it was begun by; null: by a password.
    column("provider", uuid, null=True),
    key=("id",),
    unique=[("token_id",)],
    indexes=[("person",)],
)
# A family may have gone on in another tenant.
sa.Index("person_sessions_token_id_idx", person_sessions.c.token_id)

invitations = tenant_table(
    "invitations",
    column("id", uuid),
    column("token_id", sa.Text),
    column("secret_sha256", sa.LargeBinary),
    column("email", sa.Text),
    column("role", sa.Text),
    column("agent", uuid, null=True),
    # The person, if it was not a key.
    column("invited_by", uuid, null=True),
    column("created_at", instant),
    column("expires_at", instant),
    key=("id",),
    unique=[("token_id",)],
)

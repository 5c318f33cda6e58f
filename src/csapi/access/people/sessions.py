"""Sessions: families of refresh tokens, of which only the newest is good.

A family goes on where its person switches to another tenant. Whoever comes with another secret of
it has a token that was used: it, or the one in force, is in wrong hands, and the family ends, in
whatever tenant it is. The id within a token stands nowhere else, so nobody can end
somebody's session by guessing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg

from csapi.access.people.roles import SCOPES_OF, Role
from csapi.access.people.signing import Claims
from csapi.access.principals import Principal
from csapi.access.sealed import REFRESH, Sealed, new_sealed
from csapi.access.tenancy import tenant_transaction

IDLE, LONGEST = timedelta(days=14), timedelta(days=90)
LONGEST_AGENT = 200
MOST_SESSIONS = 100

# And the oldest of very many.
FORGET = """
DELETE FROM person_sessions
WHERE tenant_id = $1 AND person = $2 AND (expires_at < $3 OR id IN (
  SELECT id FROM person_sessions WHERE tenant_id = $1 AND person = $2
  ORDER BY id DESC OFFSET $4::int - 1))"""
ADD = """
INSERT INTO person_sessions
  (tenant_id, id, token_id, person, secret_sha256, user_agent, created_at, used_at, expires_at,
   provider)
VALUES ($1, uuidv7(), $2, $3, $4, $5, $7, $6,
  least($6::timestamptz + $8, $7::timestamptz + $9), $10)
RETURNING id"""
# What a provider has begun ends with it.
VOUCHED = """(s.provider IS NULL OR EXISTS (SELECT FROM identity_providers v
  WHERE v.tenant_id = $1 AND v.id = s.provider AND v.is_enabled))"""
# Of two who come with it at once, the second waits for the first and then finds another secret.
ROTATE = f"""
UPDATE person_sessions s
SET secret_sha256 = $4, used_at = $5, expires_at = least($5 + $6::interval, s.created_at + $7)
FROM memberships m
WHERE s.tenant_id = $1 AND s.token_id = $2 AND s.secret_sha256 = $3 AND s.expires_at > $5
  AND m.tenant_id = $1 AND m.person = s.person AND s.created_at >= sessions_valid_from(s.person)
  AND {VOUCHED}
RETURNING s.id, s.person, m.role"""
END_FAMILY = "SELECT end_family($1)"
LOCKED = f"""
SELECT s.id, s.person, s.provider, s.created_at FROM person_sessions s
JOIN memberships m ON m.tenant_id = $1 AND m.person = s.person
WHERE s.tenant_id = $1 AND s.token_id = $2 AND s.secret_sha256 = $3 AND s.expires_at > $4
  AND s.created_at >= sessions_valid_from(s.person) AND {VOUCHED} FOR UPDATE OF s"""
END_TAKEN = "DELETE FROM person_sessions WHERE tenant_id = $1 AND id = $2"
SIGN_OUT = """
DELETE FROM person_sessions WHERE tenant_id = $1 AND token_id = $2 AND secret_sha256 = $3"""
LIST = """
SELECT s.id, s.user_agent, s.created_at, s.used_at, s.expires_at, s.provider AS provider_id,
  p.name AS provider_name
FROM person_sessions s
LEFT JOIN identity_providers p ON p.tenant_id = $1 AND p.id = s.provider
WHERE s.tenant_id = $1 AND s.person = $2 AND s.expires_at > $3
  AND s.created_at >= sessions_valid_from(s.person) AND (s.provider IS NULL OR p.is_enabled)
ORDER BY s.id DESC LIMIT $4"""
END_ONE = """
DELETE FROM person_sessions WHERE tenant_id = $1 AND person = $2 AND id = $3 RETURNING id"""
END_ALL = "DELETE FROM person_sessions WHERE tenant_id = $1 AND person = $2"
WHO = f"""
SELECT m.role, m.agent, t.timezone, o.language, c.closes_at FROM memberships m
JOIN tenants t ON t.tenant_id = $1
JOIN person_sessions s ON s.tenant_id = $1 AND s.id = $3 AND s.person = $2
LEFT JOIN tenant_settings o ON o.tenant_id = $1
LEFT JOIN tenant_closings c ON c.tenant_id = $1
WHERE m.tenant_id = $1 AND m.person = $2 AND s.expires_at > $4
  AND s.created_at >= sessions_valid_from($2) AND {VOUCHED}"""


@dataclass(frozen=True, slots=True)
class Session:
    """A session as it is told to whoever began or continued it. The token exists only here."""

    id: UUID
    tenant_id: UUID
    person: UUID
    role: Role
    refresh: Sealed


@dataclass(frozen=True, slots=True)
class Since:
    """A family of tokens that goes on in another tenant, and when it began."""

    family: str
    began_at: datetime


async def begin_session(
    connection: asyncpg.Connection,
    tenant_id: UUID,
    person: UUID,
    role: Role,
    user_agent: str | None,
    now: datetime,
    *,
    since: Since | None = None,
    provider: UUID | None = None,
) -> Session:
    """A new one, in the transaction of the tenant. `since`: what it goes on with.
    `provider`: who vouched for the person."""
    token = new_sealed(REFRESH, tenant_id, since.family if since else None)
    began_at = since.began_at if since else now
    agent = None if user_agent is None else user_agent[:LONGEST_AGENT]
    await connection.execute(FORGET, tenant_id, person, now, MOST_SESSIONS)
    id_ = await connection.fetchval(
        ADD, tenant_id, token.id, person, token.digest, agent, now, began_at, IDLE, LONGEST,
        provider,
    )  # fmt: skip
    return Session(id_, tenant_id, person, role, token)


async def continue_session(pool: asyncpg.Pool, old: Sealed, now: datetime) -> Session | None:
    """The session with a new token in place of `old`; None where that is not the one in force, and
    then the family has ended."""
    tenant_id, token = old.owner, new_sealed(REFRESH, old.owner, old.id)
    async with tenant_transaction(pool, tenant_id) as connection:
        row = await connection.fetchrow(
            ROTATE, tenant_id, old.id, old.digest, token.digest, now, IDLE, LONGEST
        )
        if row is None:
            await connection.execute(END_FAMILY, old.id)
            return None
    return Session(row["id"], tenant_id, row["person"], Role(row["role"]), token)


async def take_session(
    connection: asyncpg.Connection, old: Sealed, now: datetime
) -> asyncpg.Record | None:
    """Whose session it is, by what and since when, locked; None as with continue_session."""
    row = await connection.fetchrow(LOCKED, old.owner, old.id, old.digest, now)
    if row is None:
        await connection.execute(END_FAMILY, old.id)
    return row


async def end_by_token(pool: asyncpg.Pool, token: Sealed) -> None:
    async with tenant_transaction(pool, token.owner) as connection:
        await connection.execute(SIGN_OUT, token.owner, token.id, token.digest)


async def list_sessions(
    pool: asyncpg.Pool, tenant_id: UUID, person: UUID, now: datetime
) -> Sequence[asyncpg.Record]:
    async with tenant_transaction(pool, tenant_id, readonly=True) as connection:
        rows: Sequence[asyncpg.Record] = await connection.fetch(
            LIST, tenant_id, person, now, MOST_SESSIONS
        )
    return rows


async def end_session(pool: asyncpg.Pool, tenant_id: UUID, person: UUID, id_: UUID) -> bool:
    async with tenant_transaction(pool, tenant_id) as connection:
        return await connection.fetchval(END_ONE, tenant_id, person, id_) is not None


async def end_sessions(pool: asyncpg.Pool, tenant_id: UUID, person: UUID) -> None:
    async with tenant_transaction(pool, tenant_id) as connection:
        await connection.execute(END_ALL, tenant_id, person)


async def principal_of(pool: asyncpg.Pool, claims: Claims, now: datetime) -> Principal | None:
    """Whom an access token stands for, by the membership as it is now and not as it was when the
    token was signed; None where the session or the membership has ended."""
    tenant_id = claims.tenant
    async with tenant_transaction(pool, tenant_id, readonly=True) as connection:
        row = await connection.fetchrow(WHO, tenant_id, claims.sub, claims.sid, now)
    if row is None:
        return None
    role = Role(row["role"])
    return Principal(
        tenant_id=tenant_id,
        key_id=str(claims.sid),
        scopes=SCOPES_OF[role],
        timezone=row["timezone"],
        is_portal=role is Role.AGENT,
        agent_id=row["agent"],
        person_id=claims.sub,
        role=role.value,
        language=row["language"],
        closes_at=row["closes_at"],
    )

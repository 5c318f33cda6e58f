"""What browsers need: portal tokens in place of keys, and the origins whose pages may read answers.

A portal token is opaque: a row says what it may see, and whose key made it. Revoking that key, or
its expiry, ends it (docs/decisions/0016).
"""

import hmac
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import asyncpg

from csapi.access.audit import audited
from csapi.access.audit_actions import AuditAction
from csapi.access.principals import Principal, Scope
from csapi.access.service import DUMMY_DIGEST
from csapi.access.tenancy import tenant_transaction
from csapi.access.tokens import PORTAL_PREFIX, Token, new_token, parse_token

SCOPES = frozenset({Scope.REPORTS_READ.value})

FORGET_EXPIRED = "DELETE FROM portal_tokens WHERE tenant_id = $1 AND expires_at < $2"
ADD_PORTAL = """
INSERT INTO portal_tokens
  (tenant_id, token_id, key_id, secret_sha256, filters, expires_at, agent)
VALUES ($1, $2, $3, $4, $5, $6, $7)"""
# Those that would let somebody in now.
LIST_PORTAL = """
SELECT p.token_id, p.key_id, p.filters::text AS filters, p.expires_at, p.agent
FROM portal_tokens p JOIN api_keys k ON k.tenant_id = $1 AND k.key_id = p.key_id
WHERE p.tenant_id = $1 AND ($3 OR p.key_id = $2) AND p.expires_at > $4 AND k.revoked_at IS NULL
  AND (k.expires_at IS NULL OR k.expires_at > $4) AND ($5::text IS NULL OR p.token_id > $5)
ORDER BY p.token_id LIMIT $6"""
REVOKE_PORTAL = """
DELETE FROM portal_tokens WHERE tenant_id = $1 AND token_id = $2 AND ($4 OR key_id = $3)
RETURNING token_id"""
FORGET_ORIGINS = "DELETE FROM browser_origins WHERE tenant_id = $1 AND origin <> ALL ($2::text[])"
ADD_ORIGINS = """
INSERT INTO browser_origins (tenant_id, origin) SELECT $1, unnest($2::text[])
ON CONFLICT DO NOTHING"""
ORIGINS = "SELECT origin FROM browser_origins WHERE tenant_id = $1 ORDER BY origin"


async def create_portal_token(
    pool: asyncpg.Pool,
    principal: Principal,
    filters: str | None,
    *,
    now: datetime,
    expires_at: datetime,
    agent_id: UUID | None = None,
) -> Token:
    """A new token of the principal's key, of an agent if one is named. Its text exists only in the
    return value."""
    token = new_token(PORTAL_PREFIX)
    async with tenant_transaction(pool, principal.tenant_id) as connection:
        await connection.execute(FORGET_EXPIRED, principal.tenant_id, now)
        await connection.execute(
            ADD_PORTAL,
            principal.tenant_id,
            token.key_id,
            principal.key_id,
            token.digest,
            filters,
            expires_at,
            agent_id,
        )
        act, is_agents = AuditAction.portal_token_created, agent_id is not None
        await audited(connection, principal, act, token.key_id, is_agents_own=is_agents)
    return token


async def list_portal_tokens(
    pool: asyncpg.Pool, principal: Principal, *, now: datetime, after: str | None, limit: int
) -> Sequence[asyncpg.Record]:
    """Living tokens of the principal's key, or with admin:write of its tenant, by their ids."""
    is_admin = Scope.ADMIN_WRITE in principal.scopes
    arguments = principal.tenant_id, principal.key_id, is_admin, now, after, limit
    async with tenant_transaction(pool, principal.tenant_id, readonly=True) as connection:
        rows: Sequence[asyncpg.Record] = await connection.fetch(LIST_PORTAL, *arguments)
    return rows


async def revoke_portal_token(pool: asyncpg.Pool, principal: Principal, token_id: str) -> bool:
    """End a token of the principal's key, or with admin:write any of its tenant; False if there is
    none. Processes that have just seen it trust it for some seconds more (access/guard.py)."""
    is_admin = Scope.ADMIN_WRITE in principal.scopes
    arguments = principal.tenant_id, token_id, principal.key_id, is_admin
    async with tenant_transaction(pool, principal.tenant_id) as connection:
        if await connection.fetchval(REVOKE_PORTAL, *arguments) is None:
            return False
        await audited(connection, principal, AuditAction.portal_token_revoked, token_id)
        return True


async def recognize_portal_token(
    connection: asyncpg.Connection, text: str, now: datetime
) -> Principal | None:
    """Whom a living token stands for; None for an unknown, wrong or expired one, and for one whose
    key no longer lives: all look alike."""
    token = parse_token(text)
    if token is None or token.prefix != PORTAL_PREFIX:
        return None
    row = await connection.fetchrow("SELECT * FROM find_portal_token($1)", token.key_id)
    stored = DUMMY_DIGEST if row is None else row["secret_sha256"]
    if not hmac.compare_digest(stored, token.digest) or row is None:
        return None
    ends = [each for each in (row["expires_at"], row["key_expires_at"]) if each is not None]
    if row["revoked_at"] is not None or min(ends) <= now:
        return None
    return Principal(
        tenant_id=row["tenant_id"],
        key_id=row["key_id"],
        scopes=SCOPES,
        timezone=row["timezone"],
        is_portal=True,
        filters=row["filters"],
        token_id=token.key_id,
        agent_id=row["agent"],
        language=row["language"],
        closes_at=row["closes_at"],
    )


async def origins_of(pool: asyncpg.Pool, tenant_id: UUID) -> frozenset[str]:
    async with tenant_transaction(pool, tenant_id, readonly=True) as connection:
        return frozenset(row["origin"] for row in await connection.fetch(ORIGINS, tenant_id))


async def set_origins(pool: asyncpg.Pool, principal: Principal, origins: Sequence[str]) -> None:
    """Exactly these from now on."""
    tenant_id, count = principal.tenant_id, len(origins)
    async with tenant_transaction(pool, tenant_id) as connection:
        await connection.execute(FORGET_ORIGINS, tenant_id, list(origins))
        await connection.execute(ADD_ORIGINS, tenant_id, list(origins))
        await audited(connection, principal, AuditAction.browser_origins_changed, count=count)

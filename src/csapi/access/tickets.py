"""Tickets: each opens one stream, once, for a page whose EventSource can send no header.

`cst_<tenant>_<id>_<secret><checksum>`. An address ends up in histories and logs of proxies, so what
stands in it must be worth nothing afterwards: a ticket is deleted by the statement that finds it
good.
"""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

import asyncpg

from csapi.access.portal import SCOPES
from csapi.access.principals import Principal
from csapi.access.sealed import TICKET, Sealed, new_sealed, parse_sealed
from csapi.access.tenancy import tenant_transaction

# By whom a stream was opened: a key, a portal token that the key made, or the session of a person,
# whose id stands for the key.
Opener = tuple[str, str | None]

FORGET_EXPIRED = "DELETE FROM live_tickets WHERE tenant_id = $1 AND expires_at < $2"
ADD = """
INSERT INTO live_tickets
  (tenant_id, ticket_id, secret_sha256, key_id, token_id, filters, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)"""
# Of two who come with it at once, the second waits for the first and then finds no row.
REDEEM = """
DELETE FROM live_tickets l USING tenants t
LEFT JOIN tenant_settings o ON o.tenant_id = $1
LEFT JOIN tenant_closings c ON c.tenant_id = $1
WHERE l.tenant_id = $1 AND l.ticket_id = $2 AND l.secret_sha256 = $3 AND t.tenant_id = $1
RETURNING l.key_id, l.token_id, l.filters, l.expires_at, t.timezone, o.language, c.closes_at"""
LIVING = """
SELECT w.key_id, w.token_id FROM unnest($2::text[], $3::text[]) AS w (key_id, token_id)
JOIN api_keys k ON k.tenant_id = $1 AND k.key_id = w.key_id
WHERE k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > $4)
  AND (w.token_id IS NULL OR EXISTS (
    SELECT 1 FROM portal_tokens p
    WHERE p.tenant_id = $1 AND p.token_id = w.token_id AND p.expires_at > $4))
UNION ALL
SELECT s.id::text, NULL FROM person_sessions s
JOIN memberships m ON m.tenant_id = $1 AND m.person = s.person
WHERE s.tenant_id = $1 AND s.id = ANY ($5::uuid[]) AND s.expires_at > $4 AND m.agent IS NULL
  AND s.created_at >= sessions_valid_from(s.person)"""
UUID_LENGTH = 36


def parse_ticket(text: str) -> Sealed | None:
    """The parts of a well-formed ticket with a right checksum, else None."""
    return parse_sealed(TICKET, text)


async def create_ticket(
    pool: asyncpg.Pool, principal: Principal, *, now: datetime, expires_at: datetime
) -> Sealed:
    """A ticket that sees what the principal sees. Its text exists only in the return value."""
    ticket = new_sealed(TICKET, principal.tenant_id)
    async with tenant_transaction(pool, principal.tenant_id) as connection:
        await connection.execute(FORGET_EXPIRED, principal.tenant_id, now)
        await connection.execute(
            ADD,
            principal.tenant_id,
            ticket.id,
            ticket.digest,
            principal.key_id,
            principal.token_id,
            principal.filters,
            expires_at,
        )
    return ticket


async def redeem_ticket(pool: asyncpg.Pool, text: str, now: datetime) -> Principal | None:
    """Whom a ticket stands for, which is then used up; None for an unknown, wrong, used or expired
    one, and for one whose key or token no longer lives: all look alike."""
    ticket = parse_ticket(text)
    if ticket is None:
        return None
    tenant_id = ticket.owner
    async with tenant_transaction(pool, tenant_id) as connection:
        row = await connection.fetchrow(REDEEM, tenant_id, ticket.id, ticket.digest)
        if row is None or row["expires_at"] <= now:
            return None
        opener = row["key_id"], row["token_id"]
        if opener not in await living(connection, tenant_id, [opener], now):
            return None
    return Principal(
        tenant_id=tenant_id,
        key_id=row["key_id"],
        scopes=SCOPES,
        timezone=row["timezone"],
        is_portal=True,
        filters=row["filters"],
        token_id=row["token_id"],
        language=row["language"],
        closes_at=row["closes_at"],
    )


async def living(
    connection: asyncpg.Connection, tenant_id: UUID, openers: Collection[Opener], now: datetime
) -> set[Opener]:
    """Those of the keys, tokens and sessions that are neither revoked nor over."""
    keys, tokens = [key for key, _ in openers], [token for _, token in openers]
    sessions = [UUID(key) for key in keys if len(key) == UUID_LENGTH]
    rows = await connection.fetch(LIVING, tenant_id, keys, tokens, now, sessions)
    return {(row["key_id"], row["token_id"]) for row in rows}

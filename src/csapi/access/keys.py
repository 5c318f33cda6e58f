"""Keys that keys administer: made, replaced with overlap, ended, and ended by whoever finds one.

Who changes keys of a tenant holds the head of its audit log first, so that changes come one after
another: two keys cannot end each other, each taking the other for the one that is left.
"""

import hmac
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg

from csapi.access.addresses import read_networks
from csapi.access.audit import Actor, audited
from csapi.access.audit_actions import ActorKind, AuditAction
from csapi.access.principals import Principal, Scope
from csapi.access.service import WantedKey, add_key
from csapi.access.tenancy import tenant_transaction
from csapi.access.tokens import PORTAL_PREFIX, PREFIX, Token, parse_token
from csapi.kit.db import acquire

MOST_KEYS = 100

COLUMNS = """key_id, name, scopes, allowed_ips, created_by, replaced_by, created_at, expires_at,
  revoked_at, last_used_at"""
LIST = f"""
SELECT {COLUMNS} FROM api_keys
WHERE tenant_id = $1 AND ($2::timestamptz IS NULL OR (created_at, key_id) < ($2, $3::text))
ORDER BY created_at DESC, key_id DESC LIMIT $4"""
ONE = f"SELECT {COLUMNS} FROM api_keys WHERE tenant_id = $1 AND key_id = $2"
LIVING = """
SELECT count(*) FROM api_keys
WHERE tenant_id = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $2)"""
# What is being replaced ends soon, and does not count.
OTHER_ADMINS = """
SELECT count(*) FROM api_keys
WHERE tenant_id = $1 AND key_id <> $2 AND $3 = ANY(scopes) AND revoked_at IS NULL
  AND replaced_by IS NULL AND (expires_at IS NULL OR expires_at > $4)"""
HAND_OVER = """
UPDATE api_keys SET replaced_by = $3, expires_at = least(expires_at, $4)
WHERE tenant_id = $1 AND key_id = $2 RETURNING expires_at"""
REVOKE = """
UPDATE api_keys SET revoked_at = $3
WHERE tenant_id = $1 AND key_id = $2 AND revoked_at IS NULL RETURNING key_id"""
FIND = """
SELECT w.id, f.tenant_id, f.secret_sha256
FROM unnest($1::text[]) AS w (id) CROSS JOIN LATERAL {function}(w.id) AS f"""
FIND_KEYS = FIND.format(function="find_api_key")
FIND_PORTAL = FIND.format(function="find_portal_token")
END_PORTAL = """
DELETE FROM portal_tokens WHERE tenant_id = $1 AND token_id = $2 RETURNING token_id"""
HOLD = """
INSERT INTO audit_heads (tenant_id, sequence, hash) VALUES ($1, 0, '')
ON CONFLICT (tenant_id) DO UPDATE SET sequence = audit_heads.sequence"""


class TooManyKeysError(Exception):
    """There are as many living keys as there may be."""


class LastAdminKeyError(Exception):
    """It is the last key that can make others."""


class EndedKeyError(Exception):
    """The key has ended, so nothing can take its place without a gap."""


@dataclass(frozen=True, slots=True)
class Handover:
    """A new key in place of one that goes on until `overlap_ends_at`."""

    token: Token
    row: Any
    overlap_ends_at: datetime


def lives(row: Any, now: datetime) -> bool:
    return row["revoked_at"] is None and (row["expires_at"] is None or row["expires_at"] > now)


async def checked_room(connection: asyncpg.Connection, tenant_id: UUID, now: datetime) -> None:
    await connection.execute(HOLD, tenant_id)
    if await connection.fetchval(LIVING, tenant_id, now) >= MOST_KEYS:
        raise TooManyKeysError


async def make_key(
    connection: asyncpg.Connection, by: Principal, wanted: WantedKey, now: datetime
) -> tuple[Token, Any]:
    """A key that a key makes. Raises TooManyKeysError."""
    await checked_room(connection, by.tenant_id, now)
    token = await add_key(connection, by.tenant_id, wanted, by.key_id)
    scopes = sorted(wanted.scopes)
    await audited(connection, by, AuditAction.key_created, token.key_id, scopes=scopes)
    return token, await connection.fetchrow(ONE, by.tenant_id, token.key_id)


async def rotate_key(
    connection: asyncpg.Connection,
    by: Principal,
    old: Any,
    expires_at: datetime | None,
    *,
    overlap: timedelta,
    now: datetime,
) -> Handover:
    """A new key that may do what `old`, a row of ONE, may do. Raises TooManyKeysError, and
    EndedKeyError where the old one has ended meanwhile."""
    await checked_room(connection, by.tenant_id, now)
    old = await connection.fetchrow(ONE, by.tenant_id, old["key_id"])
    if not lives(old, now):
        raise EndedKeyError
    networks = read_networks(old["allowed_ips"] or ())
    wanted = WantedKey(old["name"], tuple(old["scopes"]), expires_at, networks)
    token = await add_key(connection, by.tenant_id, wanted, by.key_id)
    place = by.tenant_id, old["key_id"]
    ends_at = await connection.fetchval(HAND_OVER, *place, token.key_id, now + overlap)
    seconds = int(overlap.total_seconds())
    await audited(
        connection,
        by,
        AuditAction.key_rotated,
        old["key_id"],
        new_key=token.key_id,
        overlap_seconds=seconds,
    )
    row = await connection.fetchrow(ONE, by.tenant_id, token.key_id)
    return Handover(token, row, ends_at)


async def end_key(
    connection: asyncpg.Connection, by: Principal, key_id: str, now: datetime
) -> bool:
    """Revoke; False where the tenant has no such key. Twice is once. Raises LastAdminKeyError."""
    await connection.execute(HOLD, by.tenant_id)
    row = await connection.fetchrow(ONE, by.tenant_id, key_id)
    if row is None:
        return False
    if not lives(row, now):
        return True
    admin = Scope.ADMIN_WRITE.value
    if admin in row["scopes"] and not await connection.fetchval(
        OTHER_ADMINS, by.tenant_id, key_id, admin, now
    ):
        raise LastAdminKeyError
    await connection.fetchval(REVOKE, by.tenant_id, key_id, now)
    await audited(connection, by, AuditAction.key_revoked, key_id)
    return True


async def end_tokens(pool: asyncpg.Pool, texts: Iterable[str], now: datetime) -> None:
    """End every key and portal token of ours among the texts, whosever it is: who holds it can do
    all that it may, and may end it. A last key ends, too: what has leaked must."""
    tokens = {token.text: token for text in texts if (token := parse_token(text)) is not None}
    for prefix, sql in ((PREFIX, FIND_KEYS), (PORTAL_PREFIX, FIND_PORTAL)):
        held = [each for each in tokens.values() if each.prefix == prefix]
        if not held:
            continue
        async with acquire(pool) as connection:
            found = await connection.fetch(sql, [each.key_id for each in held])
        for tenant_id, key_id in matching(held, found):
            await end_token(pool, Actor(tenant_id, ActorKind.holder), prefix, key_id, now)


def matching(held: Sequence[Token], found: Sequence[Any]) -> list[tuple[UUID, str]]:
    """Those of which the secret is right, too."""
    return sorted(
        {
            (row["tenant_id"], row["id"])
            for row in found
            for token in held
            if token.key_id == row["id"] and hmac.compare_digest(row["secret_sha256"], token.digest)
        }
    )


async def end_token(
    pool: asyncpg.Pool, holder: Actor, prefix: str, key_id: str, now: datetime
) -> None:
    tenant_id = holder.tenant_id
    async with tenant_transaction(pool, tenant_id) as connection:
        if prefix == PORTAL_PREFIX:
            act = AuditAction.portal_token_revoked
            ended = await connection.fetchval(END_PORTAL, tenant_id, key_id)
        else:
            act = AuditAction.key_revoked
            # As whoever else changes keys: the head first.
            await connection.execute(HOLD, tenant_id)
            ended = await connection.fetchval(REVOKE, tenant_id, key_id, now)
        if ended is not None:
            await audited(connection, holder, act, key_id)


async def note_refusal(pool: asyncpg.Pool, principal: Principal) -> None:
    """That a key was tried from where it may not be used; the address is personal data."""
    async with tenant_transaction(pool, principal.tenant_id) as connection:
        await audited(connection, principal, AuditAction.key_refused, principal.key_id)

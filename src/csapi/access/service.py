"""Tenants and keys: make, list, revoke, recognize."""

import hmac
import unicodedata
import zoneinfo
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

import asyncpg

from csapi.access.addresses import Network, read_networks
from csapi.access.audit import Actor, audited
from csapi.access.audit_actions import ActorKind, AuditAction
from csapi.access.principals import Principal, Scope
from csapi.access.tenancy import tenant_scope, tenant_transaction
from csapi.access.tokens import PREFIX, Token, new_token, parse_token

DUMMY_DIGEST = new_token().digest
NAME_LENGTH = 255
UNPRINTED = ("Cc", "Cs")


class AccessError(ValueError):
    """What is wrong with a request to make or change a tenant or a key, in one line."""


@dataclass(frozen=True, slots=True)
class NewKey:
    token: str
    key_id: str
    name: str
    scopes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WantedKey:
    """What a key is to be. Without `allowed_ips` it may be used from everywhere."""

    name: str
    scopes: tuple[str, ...]
    expires_at: datetime | None = None
    allowed_ips: Sequence[Network] = ()


ADD_KEY = """
INSERT INTO api_keys
  (tenant_id, key_id, name, secret_sha256, scopes, expires_at, allowed_ips, created_by)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"""


def check_timezone(name: str) -> str:
    if name not in zoneinfo.available_timezones():
        raise AccessError(f"{name!r} is not an IANA time zone. Name one such as Europe/Berlin.")
    return name


async def check_known_to_postgres(connection: asyncpg.Connection, timezone: str) -> None:
    """Days are cut in SQL: a zone that only Python knows would stop the worker for everybody."""
    try:
        await connection.fetchval("SELECT now() AT TIME ZONE $1", timezone)
    except asyncpg.InvalidParameterValueError:
        raise AccessError(
            f"PostgreSQL does not know the time zone {timezone!r}. Name one such as Europe/Berlin."
        ) from None


def check_name(name: str, what: str) -> str:
    """A name that a database can hold and a terminal can show."""
    if not name.strip():
        raise AccessError(f"A {what} needs a name.")
    if len(name) > NAME_LENGTH or any(unicodedata.category(each) in UNPRINTED for each in name):
        raise AccessError(
            f"The name of a {what} has at most {NAME_LENGTH} characters and no control characters."
        )
    return name


def check_scopes(scopes: Sequence[str]) -> tuple[str, ...]:
    known = {scope.value for scope in Scope}
    if unknown := sorted(set(scopes) - known):
        raise AccessError(
            f"Unknown scope {', '.join(unknown)}. Known scopes: {', '.join(sorted(known))}."
        )
    if not scopes:
        raise AccessError("A key needs at least one scope.")
    return tuple(dict.fromkeys(scopes))


async def create_tenant(connection: asyncpg.Connection, name: str, timezone: str) -> UUID:
    check_timezone(timezone)
    check_name(name, "tenant")
    tenant_id = uuid4()
    async with tenant_scope(connection, tenant_id):
        await check_known_to_postgres(connection, timezone)
        await connection.execute(
            "INSERT INTO tenants (tenant_id, name, timezone) VALUES ($1, $2, $3)",
            tenant_id,
            name,
            timezone,
        )
        await audited(connection, operator_of(tenant_id), AuditAction.tenant_created)
    return tenant_id


def operator_of(tenant_id: UUID) -> Actor:
    return Actor(tenant_id, ActorKind.operator)


async def create_key(
    connection: asyncpg.Connection,
    tenant_id: UUID,
    name: str,
    scopes: Sequence[str],
    expires_at: datetime | None = None,
    allowed_ips: Sequence[Network] = (),
) -> NewKey:
    """A new key, made by an operator. Its text exists only in the return value: the database holds
    a digest."""
    wanted = WantedKey(check_name(name, "key"), check_scopes(scopes), expires_at, allowed_ips)
    async with tenant_scope(connection, tenant_id):
        await check_tenant(connection, tenant_id)
        token = await add_key(connection, tenant_id, wanted)
        act = AuditAction.key_created
        await audited(
            connection, operator_of(tenant_id), act, token.key_id, scopes=sorted(wanted.scopes)
        )
    return NewKey(token.text, token.key_id, wanted.name, wanted.scopes)


async def check_tenant(connection: asyncpg.Connection, tenant_id: UUID) -> None:
    if not await connection.fetchval("SELECT 1 FROM tenants WHERE tenant_id = $1", tenant_id):
        raise AccessError(f"There is no tenant {tenant_id}.")


async def add_key(
    connection: asyncpg.Connection,
    tenant_id: UUID,
    wanted: WantedKey,
    created_by: str | None = None,
) -> Token:
    token = new_token()
    await connection.execute(
        ADD_KEY,
        tenant_id,
        token.key_id,
        wanted.name,
        token.digest,
        list(wanted.scopes),
        wanted.expires_at,
        [str(each) for each in wanted.allowed_ips] or None,
        created_by,
    )
    return token


async def list_keys(connection: asyncpg.Connection, tenant_id: UUID) -> Sequence[asyncpg.Record]:
    async with tenant_scope(connection, tenant_id, readonly=True):
        rows: Sequence[asyncpg.Record] = await connection.fetch(
            "SELECT key_id, name, scopes, created_at, expires_at, revoked_at, last_used_at, "
            "allowed_ips, created_by "
            "FROM api_keys WHERE tenant_id = $1 ORDER BY created_at, key_id",
            tenant_id,
        )
    return rows


async def revoke_key(connection: asyncpg.Connection, tenant_id: UUID, key_id: str) -> bool:
    """Revoke; False when the tenant has no such key. Revoking twice keeps the first time."""
    async with tenant_scope(connection, tenant_id):
        found = await connection.fetchval(
            "UPDATE api_keys SET revoked_at = coalesce(revoked_at, now()) "
            "WHERE tenant_id = $1 AND key_id = $2 RETURNING key_id",
            tenant_id,
            key_id,
        )
        if found is not None:
            await audited(connection, operator_of(tenant_id), AuditAction.key_revoked, key_id)
    return found is not None


async def recognize(
    connection: asyncpg.Connection, text: str, now: datetime
) -> tuple[Principal, Token] | None:
    """The principal of a valid key, or None: unknown, revoked, expired and wrong look alike."""
    token = parse_token(text)
    if token is None or token.prefix != PREFIX:
        return None
    row = await connection.fetchrow("SELECT * FROM find_api_key($1)", token.key_id)
    stored = DUMMY_DIGEST if row is None else row["secret_sha256"]
    if not hmac.compare_digest(stored, token.digest) or row is None:
        return None
    if row["revoked_at"] is not None or (row["expires_at"] and row["expires_at"] <= now):
        return None
    principal = Principal(
        tenant_id=row["tenant_id"],
        key_id=token.key_id,
        scopes=frozenset(row["scopes"]),
        timezone=row["timezone"],
        allowed_ips=read_networks(row["allowed_ips"] or ()),
        language=row["language"],
        closes_at=row["closes_at"],
    )
    return principal, token


async def touch_key(pool: asyncpg.Pool, principal: Principal) -> None:
    async with tenant_transaction(pool, principal.tenant_id) as connection:
        await connection.execute(
            "UPDATE api_keys SET last_used_at = now() WHERE tenant_id = $1 AND key_id = $2",
            principal.tenant_id,
            principal.key_id,
        )

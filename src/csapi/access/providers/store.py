"""Identity providers of a tenant, as its administrators read and write them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg

from csapi.access.audit import audited
from csapi.access.audit_actions import AuditAction
from csapi.access.people.members import check_power
from csapi.access.people.roles import Role
from csapi.access.principals import Principal
from csapi.access.tenancy import tenant_transaction
from csapi.kit.problems import FieldError, Problem, invalid

MOST_PROVIDERS = 10
COLUMNS = """id, name, issuer, client_id, redirect_uris, email_domains, default_role, is_enabled,
  created_at, updated_at"""
LIST = f"SELECT {COLUMNS} FROM identity_providers WHERE tenant_id = $1 ORDER BY id"
ONE = f"SELECT {COLUMNS} FROM identity_providers WHERE tenant_id = $1 AND id = $2"
COUNT = "SELECT count(*) FROM identity_providers WHERE tenant_id = $1"
CREATE = f"""
INSERT INTO identity_providers
  (tenant_id, issuer, name, client_id, redirect_uris, email_domains, default_role, is_enabled)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (tenant_id, issuer) DO NOTHING RETURNING {COLUMNS}"""
CHANGE = f"""
UPDATE identity_providers SET name = $3, client_id = $4, redirect_uris = $5, email_domains = $6,
  default_role = $7, is_enabled = $8, updated_at = clock_timestamp()
WHERE tenant_id = $1 AND id = $2 RETURNING {COLUMNS}"""
DROP_FLOWS = "DELETE FROM sign_in_flows WHERE tenant_id = $1 AND provider = $2"
DROP_SESSIONS = "DELETE FROM person_sessions WHERE tenant_id = $1 AND provider = $2"
DROP = "DELETE FROM identity_providers WHERE tenant_id = $1 AND id = $2 RETURNING id"
KEEP_SECRET = "SELECT keep_provider_secret($1, $2)"  # noqa: S105  a statement
FORGET_SECRET = "SELECT forget_provider_secret($1)"  # noqa: S105  a statement


@dataclass(frozen=True, slots=True)
class Wanted:
    """How a provider is to be. The issuer is not among it: identities are by it."""

    name: str
    client_id: str
    redirect_uris: list[str]
    email_domains: list[str]
    default_role: Role | None
    is_enabled: bool

    @property
    def values(self) -> tuple[object, ...]:
        role = None if self.default_role is None else self.default_role.value
        return (
            self.name, self.client_id, self.redirect_uris, self.email_domains, role,
            self.is_enabled,
        )  # fmt: skip


def missing() -> Problem:
    return Problem("not_found", "There is no such identity provider.")


def check_role(principal: Principal, role: Role | None) -> None:
    """Nobody lets others in with a role that they could not give. Raises Problem."""
    if role is not None:
        check_power(principal, role)


async def list_providers(pool: asyncpg.Pool, tenant_id: UUID) -> Sequence[asyncpg.Record]:
    async with tenant_transaction(pool, tenant_id, readonly=True) as connection:
        rows: Sequence[asyncpg.Record] = await connection.fetch(LIST, tenant_id)
    return rows


async def get_provider(pool: asyncpg.Pool, tenant_id: UUID, id_: UUID) -> asyncpg.Record:
    """Raises Problem (not_found)."""
    async with tenant_transaction(pool, tenant_id, readonly=True) as connection:
        row = await connection.fetchrow(ONE, tenant_id, id_)
    if row is None:
        raise missing()
    return row


async def create_provider(
    pool: asyncpg.Pool, principal: Principal, issuer: str, secret: str, wanted: Wanted
) -> asyncpg.Record:
    """Raises Problem."""
    tenant_id = principal.tenant_id
    check_role(principal, wanted.default_role)
    async with tenant_transaction(pool, tenant_id) as connection:
        if await connection.fetchval(COUNT, tenant_id) >= MOST_PROVIDERS:
            raise Problem("conflict", f"There are {MOST_PROVIDERS} identity providers already.")
        row = await connection.fetchrow(CREATE, tenant_id, issuer, *wanted.values)
        if row is None:
            text = "There is a provider with this issuer already."
            raise invalid(FieldError("/issuer", "invalid_value", text))
        await connection.execute(KEEP_SECRET, row["id"], secret)
        await audited(connection, principal, AuditAction.identity_provider_created, row["id"])
    return row


async def change_provider(
    pool: asyncpg.Pool, principal: Principal, id_: UUID, changes: dict[str, Any]
) -> asyncpg.Record:
    """`changes`: values by name, those of Wanted and the secret. Raises Problem."""
    tenant_id, secret = principal.tenant_id, changes.pop("client_secret", None)
    async with tenant_transaction(pool, tenant_id) as connection:
        before = await connection.fetchrow(f"{ONE} FOR UPDATE", tenant_id, id_)
        if before is None:
            raise missing()
        had = None if before["default_role"] is None else Role(before["default_role"])
        names = ("name", "client_id", "redirect_uris", "email_domains", "is_enabled")
        kept = {name: before[name] for name in names}
        wanted = Wanted(**{**kept, "default_role": had, **changes})
        for role in (had, wanted.default_role):
            check_role(principal, role)
        row = await connection.fetchrow(CHANGE, tenant_id, id_, *wanted.values)
        if secret is not None:
            await connection.execute(KEEP_SECRET, id_, secret)
        told = sorted([*changes, *(["client_secret"] if secret is not None else [])])
        act = AuditAction.identity_provider_changed
        await audited(connection, principal, act, id_, changed=told)
    return row


async def delete_provider(pool: asyncpg.Pool, principal: Principal, id_: UUID) -> None:
    """The sessions that it has begun end. Who is known by it stays known. Raises Problem."""
    tenant_id = principal.tenant_id
    async with tenant_transaction(pool, tenant_id) as connection:
        if await connection.fetchval(DROP, tenant_id, id_) is None:
            raise missing()
        await connection.execute(FORGET_SECRET, id_)
        await connection.execute(DROP_FLOWS, tenant_id, id_)
        await connection.execute(DROP_SESSIONS, tenant_id, id_)
        await audited(connection, principal, AuditAction.identity_provider_deleted, id_)

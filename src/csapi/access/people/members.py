"""Members of a tenant: who they are, inviting, changing and removing them.

Nobody gives, changes or takes away a role that may do more than they may themselves.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NoReturn
from uuid import UUID, uuid4

import asyncpg

from csapi.access.audit import audited
from csapi.access.audit_actions import AuditAction
from csapi.access.people.accounts import (
    Caller,
    People,
    check_has_password,
    check_password,
    prove,
    refuse_sign_in,
)
from csapi.access.people.roles import NEEDED_FOR, Role
from csapi.access.people.sessions import END_ALL, Session, begin_session
from csapi.access.principals import Principal
from csapi.access.sealed import INVITATION, Sealed, new_sealed
from csapi.access.tenancy import tenant_transaction
from csapi.kit.db import acquire
from csapi.kit.problems import FieldError, Problem, invalid

MOST_INVITATIONS = 1_000

LIST = """
SELECT m.person, m.role, m.agent, m.created_at, p.email IS NOT NULL AS has_password,
  coalesce(p.email, (SELECT i.email FROM identities i
    WHERE i.tenant_id = $1 AND i.person = m.person ORDER BY i.used_at DESC LIMIT 1)) AS email,
  ARRAY(SELECT i.issuer FROM identities i
    WHERE i.tenant_id = $1 AND i.person = m.person ORDER BY 1) AS issuers
FROM memberships m JOIN people_of_tenant() p ON p.id = m.person
WHERE m.tenant_id = $1 AND ($2::uuid IS NULL OR m.person > $2)
  AND ($3::uuid IS NULL OR m.person = $3)
ORDER BY m.person LIMIT $4"""
# Owners are locked in one order, so that two who leave at once do not both find the other.
OWNERS = """
SELECT person FROM memberships WHERE tenant_id = $1 AND role = 'owner' ORDER BY person FOR UPDATE"""
ROLE = "SELECT role FROM memberships WHERE tenant_id = $1 AND person = $2 FOR UPDATE"
CHANGE = "UPDATE memberships SET role = $3, agent = $4 WHERE tenant_id = $1 AND person = $2"
REMOVE = "DELETE FROM memberships WHERE tenant_id = $1 AND person = $2"
ADD = """
INSERT INTO memberships (tenant_id, person, role, agent) VALUES ($1, $2, $3, $4)
ON CONFLICT DO NOTHING RETURNING person"""
AGENT = """
SELECT 1 FROM agents WHERE tenant_id = $1 AND id = $2 AND NOT is_deleted AND NOT is_bot"""
FORGET = "DELETE FROM invitations WHERE tenant_id = $1 AND expires_at < $2"
COUNT = "SELECT count(*) FROM invitations WHERE tenant_id = $1"
INVITE = """
INSERT INTO invitations
  (tenant_id, id, token_id, secret_sha256, email, role, agent, invited_by, created_at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"""
# Else whoever is removed could come back by an invitation of their own.
WITHDRAW_ALL = "DELETE FROM invitations WHERE tenant_id = $1 AND invited_by = $2"
# The identity stays: nobody comes back by it without an invitation.
FORGET_EMAIL = "UPDATE identities SET email = NULL WHERE tenant_id = $1 AND person = $2"
INVITATIONS = """
SELECT id, email, role, agent, created_at, expires_at FROM invitations
WHERE tenant_id = $1 AND expires_at > $2 ORDER BY created_at DESC, id LIMIT $3"""
WITHDRAW = "DELETE FROM invitations WHERE tenant_id = $1 AND id = $2 RETURNING id"
FIND = """
SELECT email FROM invitations
WHERE tenant_id = $1 AND token_id = $2 AND secret_sha256 = $3 AND expires_at > $4"""
TAKE = """
DELETE FROM invitations
WHERE tenant_id = $1 AND token_id = $2 AND secret_sha256 = $3 AND expires_at > $4
RETURNING role, agent"""


@dataclass(frozen=True, slots=True)
class Place:
    """A role, and the agent's record that goes with the role agent alone."""

    role: Role
    agent: UUID | None


def check_power(principal: Principal, role: Role) -> None:
    """Whether the principal may give or take away the role. Raises Problem."""
    if missing := NEEDED_FOR[role] - principal.scopes:
        detail = f"The role {role} may do more than you: you lack {', '.join(sorted(missing))}."
        raise Problem("insufficient_scope", detail)
    if role is Role.OWNER and principal.role not in (None, Role.OWNER):
        raise Problem("insufficient_scope", "Only owners make, change or remove owners.")


async def check_place(connection: asyncpg.Connection, tenant_id: UUID, place: Place) -> None:
    """Raises Problem where the agent does not go with the role, or does not exist."""
    if (place.agent is None) == (place.role is Role.AGENT):
        text = "The role agent names the agent's record; other roles name none."
        raise invalid(FieldError("/agent_id", "invalid_value", text))
    if place.agent is not None and not await connection.fetchval(AGENT, tenant_id, place.agent):
        text = "There is no such agent, or it is a bot."
        raise invalid(FieldError("/agent_id", "invalid_value", text))


async def list_members(
    pool: asyncpg.Pool, tenant_id: UUID, *, after: UUID | None, person: UUID | None, limit: int
) -> Sequence[asyncpg.Record]:
    async with tenant_transaction(pool, tenant_id, readonly=True) as connection:
        rows: Sequence[asyncpg.Record] = await connection.fetch(
            LIST, tenant_id, after, person, limit
        )
    return rows


async def role_of(connection: asyncpg.Connection, tenant_id: UUID, person: UUID) -> Role:
    """Raises Problem (not_found)."""
    role = await connection.fetchval(ROLE, tenant_id, person)
    if role is None:
        raise Problem("not_found", "There is no such member.")
    return Role(role)


async def check_not_last(connection: asyncpg.Connection, tenant_id: UUID, person: UUID) -> None:
    owners = await connection.fetch(OWNERS, tenant_id)
    if [row["person"] for row in owners] == [person]:
        raise Problem("conflict", "The last owner stays: make another one first.")


async def change_member(
    pool: asyncpg.Pool, principal: Principal, person: UUID, place: Place
) -> None:
    """Raises Problem: not_found, insufficient_scope, conflict for the last owner."""
    tenant_id = principal.tenant_id
    check_power(principal, place.role)
    async with tenant_transaction(pool, tenant_id) as connection:
        await check_place(connection, tenant_id, place)
        if place.role is not Role.OWNER:
            await check_not_last(connection, tenant_id, person)
        check_power(principal, await role_of(connection, tenant_id, person))
        await connection.execute(WITHDRAW_ALL, tenant_id, person)
        await connection.execute(CHANGE, tenant_id, person, place.role.value, place.agent)
        changed = {"role": place.role.value}
        await audited(connection, principal, AuditAction.member_changed, person, **changed)


async def remove_member(pool: asyncpg.Pool, principal: Principal, person: UUID) -> None:
    """The membership, its sessions and the invitations by it end. Raises as change_member does."""
    tenant_id = principal.tenant_id
    async with tenant_transaction(pool, tenant_id) as connection:
        await check_not_last(connection, tenant_id, person)
        check_power(principal, await role_of(connection, tenant_id, person))
        await connection.execute(WITHDRAW_ALL, tenant_id, person)
        await connection.execute(REMOVE, tenant_id, person)
        await connection.execute(END_ALL, tenant_id, person)
        await connection.execute(FORGET_EMAIL, tenant_id, person)
        await audited(connection, principal, AuditAction.member_removed, person)


async def check_may_reset(pool: asyncpg.Pool, principal: Principal, person: UUID) -> None:
    """Whoever resets a password can be that person afterwards. Raises Problem."""
    async with tenant_transaction(pool, principal.tenant_id) as connection:
        check_power(principal, await role_of(connection, principal.tenant_id, person))
        await check_has_password(connection, person)
        await audited(connection, principal, AuditAction.password_reset_created, person)


async def invite(
    pool: asyncpg.Pool,
    principal: Principal,
    email: str,
    place: Place,
    *,
    now: datetime,
    lives: timedelta,
) -> tuple[UUID, Sealed]:
    """An invitation and its token, which exists only here. Raises Problem."""
    tenant_id, id_ = principal.tenant_id, uuid4()
    check_power(principal, place.role)
    token = new_sealed(INVITATION, tenant_id)
    async with tenant_transaction(pool, tenant_id) as connection:
        await check_place(connection, tenant_id, place)
        await connection.execute(FORGET, tenant_id, now)
        if await connection.fetchval(COUNT, tenant_id) >= MOST_INVITATIONS:
            raise Problem("conflict", f"There are {MOST_INVITATIONS:,} invitations: withdraw some.")
        what = (id_, token.id, token.digest, email, place.role.value, place.agent)
        who = principal.person_id
        await connection.execute(INVITE, tenant_id, *what, who, now, now + lives)
        given = {"role": place.role.value}
        await audited(connection, principal, AuditAction.invitation_created, id_, **given)
    return id_, token


async def list_invitations(
    pool: asyncpg.Pool, tenant_id: UUID, now: datetime
) -> Sequence[asyncpg.Record]:
    async with tenant_transaction(pool, tenant_id, readonly=True) as connection:
        rows: Sequence[asyncpg.Record] = await connection.fetch(
            INVITATIONS, tenant_id, now, MOST_INVITATIONS
        )
    return rows


async def withdraw(pool: asyncpg.Pool, principal: Principal, id_: UUID) -> bool:
    async with tenant_transaction(pool, principal.tenant_id) as connection:
        if await connection.fetchval(WITHDRAW, principal.tenant_id, id_) is None:
            return False
        await audited(connection, principal, AuditAction.invitation_withdrawn, id_)
    return True


async def accept(
    people: People, token: Sealed, password: str, caller: Caller, now: datetime
) -> Session:
    """Become a member: with the password of the account, or a new one where there is none.
    Raises Problem."""
    tenant_id = token.owner
    arguments = tenant_id, token.id, token.digest, now
    async with tenant_transaction(people.pool, tenant_id, readonly=True) as connection:
        email = await connection.fetchval(FIND, *arguments)
    if email is None:
        refuse_invitation()
    async with acquire(people.pool) as connection:
        known = await connection.fetchval("SELECT id FROM find_person($1)", email)
    hashed = None
    if known is None:
        check_password(password, email)
        hashed = await people.hasher.hash(password)
    elif await prove(people, email, password, caller, now) is None:
        refuse_sign_in()
    async with tenant_transaction(people.pool, tenant_id) as connection:
        row = await connection.fetchrow(TAKE, *arguments)
        if row is None:
            refuse_invitation()
        if known is None:
            known = await connection.fetchval("SELECT add_person($1, $2, $3)", email, hashed, now)
        if known is None:
            raise Problem("conflict", "The account has just been made. Accept again with it.")
        role = Role(row["role"])
        if await connection.fetchval(ADD, tenant_id, known, role.value, row["agent"]) is None:
            raise Problem("conflict", "The account is a member already.")
        return await begin_session(connection, tenant_id, known, role, caller.user_agent, now)


def refuse_invitation() -> NoReturn:
    raise Problem("token_used", "The invitation is unknown, used or over. Ask for another.")

"""Accounts: signing in, changing and resetting passwords.

Whether an e-mail address has an account is told to nobody: the answers, the work behind them and
the counting of attempts are the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NoReturn
from uuid import UUID

import asyncpg

from csapi.access.people.hashing import Hasher
from csapi.access.people.roles import Role, digest_of, normalized_email, password_fault
from csapi.access.people.sessions import Session, begin_session
from csapi.access.people.signing import Signer
from csapi.access.sealed import RESET, Sealed, new_sealed
from csapi.access.tenancy import tenant_transaction
from csapi.kit.db import acquire
from csapi.kit.problems import FieldError, Problem, invalid

RESET_LIVES = timedelta(hours=24)
ROLE_IN = "SELECT role FROM memberships WHERE tenant_id = $1 AND person = $2 FOR SHARE"


@dataclass(frozen=True, slots=True)
class Caller:
    """Where an attempt comes from."""

    address: str
    user_agent: str | None


@dataclass(frozen=True, slots=True)
class Membership:
    tenant_id: UUID
    name: str
    role: Role


@dataclass(frozen=True, slots=True)
class People:
    """What signing in needs, once in each process."""

    pool: asyncpg.Pool
    signer: Signer
    hasher: Hasher


def refuse_sign_in() -> NoReturn:
    raise Problem("sign_in_failed", "The e-mail address or the password is wrong.")


def refuse_reset() -> NoReturn:
    raise Problem("token_used", "The token is unknown, used or over. Ask for another.")


def check_password(password: str, email: str, pointer: str = "/password") -> None:
    """Raises Problem where it is no good new password."""
    if fault := password_fault(password, email):
        raise invalid(FieldError(pointer, "invalid_value", fault))


async def prove(
    people: People, email: str, password: str, caller: Caller, now: datetime
) -> tuple[UUID, str] | None:
    """Whose account it is, with the hash as stored, if the password is right; None if it is not, or
    if there is none. Raises Problem (too_many_attempts) where it was tried too often."""
    people.hasher.check_room()
    keys = digest_of("account", email), digest_of("address", caller.address)
    async with acquire(people.pool) as connection:
        wait = await connection.fetchval("SELECT take_attempt($1, $2, $3)", *keys, now)
        if wait:
            raise Problem(
                "too_many_attempts",
                "Too many attempts for this account or from this address.",
                headers={"Retry-After": str(wait)},
            )
        row = await connection.fetchrow("SELECT * FROM find_person($1)", email)
    stored = None if row is None else row["password_hash"]
    if not await people.hasher.verify(stored, password) or row is None:
        return None
    async with acquire(people.pool) as connection:
        await connection.execute("SELECT forgive_attempt($1, $2, $3)", *keys, now)
    return row["id"], row["password_hash"]


async def memberships_of(pool: asyncpg.Pool, person: UUID) -> Sequence[Membership]:
    async with acquire(pool) as connection:
        rows = await connection.fetch("SELECT * FROM memberships_of($1)", person)
    return [Membership(row["tenant_id"], row["name"], Role(row["role"])) for row in rows]


async def sign_in(
    people: People,
    text: str,
    password: str,
    tenant_id: UUID | None,
    caller: Caller,
    now: datetime,
) -> tuple[Session | None, Sequence[Membership]]:
    """A session, and all tenants of the person; no session where they have several and none was
    named. Raises Problem (sign_in_failed, too_many_attempts)."""
    email = normalized_email(text) or ""
    found = await prove(people, email, password, caller, now)
    if found is None:
        refuse_sign_in()
    person, _ = found
    choices = await memberships_of(people.pool, person)
    wanted = [each for each in choices if tenant_id in (None, each.tenant_id)]
    if not wanted:
        refuse_sign_in()
    if len(wanted) > 1:
        return None, choices
    session = await open_session(people.pool, wanted[0].tenant_id, person, caller, now)
    return session, choices


async def open_session(
    pool: asyncpg.Pool, tenant_id: UUID, person: UUID, caller: Caller, now: datetime
) -> Session:
    """Raises Problem (sign_in_failed) where the membership has just ended."""
    async with tenant_transaction(pool, tenant_id) as connection:
        role = await connection.fetchval(ROLE_IN, tenant_id, person)
        if role is None:
            refuse_sign_in()
        return await begin_session(
            connection, tenant_id, person, Role(role), caller.user_agent, now
        )


async def change_password(
    people: People,
    tenant_id: UUID,
    person: UUID,
    passwords: tuple[str, str],
    caller: Caller,
    now: datetime,
) -> Session:
    """`passwords`: the one in force, and the new one. Ends all sessions, in all tenants, and begins
    one. Raises Problem."""
    old, new = passwords
    async with acquire(people.pool) as connection:
        row = await connection.fetchrow("SELECT * FROM password_of($1)", person)
    if row is None:
        refuse_sign_in()
    email = row["email"]
    check_password(new, email, "/new_password")
    found = await prove(people, email, old, caller, now)
    if found is None:
        raise invalid(FieldError("/password", "invalid_value", "This is not the password."))
    hashed = await people.hasher.hash(new)
    async with acquire(people.pool) as connection:
        done = await connection.fetchval(
            "SELECT set_password($1, $2, $3, $4)", person, found[1], hashed, now
        )
    if done is None:
        raise Problem("conflict", "The password has just been changed.")
    return await open_session(people.pool, tenant_id, person, caller, now)


async def make_reset(
    connection: asyncpg.Connection, person: UUID, now: datetime, by_tenant: UUID | None
) -> Sealed | None:
    """What resets a password, once; None where there is no such person, or they belong to other
    tenants than the one that asks. The one before it, if any, ends."""
    token = new_sealed(RESET, person)
    made = await connection.fetchval(
        "SELECT make_reset($1, $2, $3, $4)", person, token.digest, now + RESET_LIVES, by_tenant
    )
    return None if made is None else token


async def use_reset(people: People, token: Sealed, password: str, now: datetime) -> None:
    """Set a password; all sessions of the person end. Raises Problem."""
    async with acquire(people.pool) as connection:
        email = await connection.fetchval(
            "SELECT find_reset($1, $2, $3)", token.owner, token.digest, now
        )
    done = None
    if email is not None:
        check_password(password, email)
        hashed = await people.hasher.hash(password)
        async with acquire(people.pool) as connection:
            done = await connection.fetchval(
                "SELECT use_reset($1, $2, $3, $4)", token.owner, token.digest, hashed, now
            )
    if done is None:
        refuse_reset()

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
from csapi.access.people.sessions import END_TAKEN, Session, Since, begin_session, take_session
from csapi.access.people.signing import Signer
from csapi.access.providers.issuers import Issuers
from csapi.access.sealed import RESET, Sealed, new_sealed
from csapi.access.tenancy import tenant_transaction
from csapi.kit.db import acquire
from csapi.kit.problems import FieldError, Problem, invalid

RESET_LIVES = timedelta(hours=24)
ROLE_IN = "SELECT role FROM memberships WHERE tenant_id = $1 AND person = $2 FOR SHARE"
IS_BOUND = """
SELECT provider IS NOT NULL FROM person_sessions WHERE tenant_id = $1 AND id = $2"""


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
    issuers: Issuers

    def close(self) -> None:
        self.hasher.close()
        self.issuers.close()


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
    pool: asyncpg.Pool,
    tenant_id: UUID,
    person: UUID,
    caller: Caller,
    now: datetime,
    *,
    since: Since | None = None,
) -> Session:
    """`since`: what it goes on with. Raises Problem (sign_in_failed) where the
    membership has just ended."""
    async with tenant_transaction(pool, tenant_id) as connection:
        role = await connection.fetchval(ROLE_IN, tenant_id, person)
        if role is None:
            refuse_sign_in()
        return await begin_session(
            connection, tenant_id, person, Role(role), caller.user_agent, now, since=since
        )


async def switch(
    pool: asyncpg.Pool, old: Sealed, tenant_id: UUID, caller: Caller, now: datetime
) -> Session | None:
    """A session in another tenant of the same person in place of that of `old`, which it outlives
    by nothing; None as with continue_session. Raises Problem, and then the old one goes on."""
    async with tenant_transaction(pool, old.owner) as connection:
        row = await take_session(connection, old, now)
        if row is None:
            return None
        if row["provider"] is not None and tenant_id != old.owner:
            detail = (
                "An identity provider of this tenant vouches for you here alone. Sign in there."
            )
            raise Problem("conflict", detail)
        choices = await connection.fetch("SELECT * FROM memberships_of($1)", row["person"])
        if tenant_id not in {each["tenant_id"] for each in choices}:
            raise Problem("not_found", "You do not belong to such a tenant.")
        if tenant_id == old.owner:
            raise Problem("conflict", "You are in this tenant already: renew the tokens.")
        # Before the old one goes, which is locked: whoever ends the family meanwhile waits for it
        # and then finds this one.
        since = Since(old.id, row["created_at"])
        session = await open_session(pool, tenant_id, row["person"], caller, now, since=since)
        await connection.execute(END_TAKEN, old.owner, row["id"])
    return session


async def tenants_of(
    pool: asyncpg.Pool, tenant_id: UUID, person: UUID, session: UUID
) -> Sequence[Membership]:
    """Where somebody may switch to, and where they are. A session by an identity provider knows of
    its own tenant alone."""
    async with tenant_transaction(pool, tenant_id, readonly=True) as connection:
        is_bound = await connection.fetchval(IS_BOUND, tenant_id, session)
    choices = await memberships_of(pool, person)
    return [each for each in choices if each.tenant_id == tenant_id or is_bound is False]


async def check_has_password(connection: asyncpg.Connection, person: UUID) -> None:
    """Raises Problem where an identity provider is the only way in."""
    row = await connection.fetchrow("SELECT * FROM password_of($1)", person)
    if row is not None and row["password_hash"] is None:
        raise Problem("conflict", "There is no password: an identity provider is the only way in.")


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
        await check_has_password(connection, person)
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

"""From whom a provider vouches for to a person of the tenant, by issuer and subject alone.

What a provider says of e-mail addresses finds nobody: it may be the provider of anybody.
"""

from datetime import datetime
from typing import NoReturn
from uuid import UUID

import asyncpg

from csapi.access.audit import Actor, audited
from csapi.access.audit_actions import ActorKind, AuditAction
from csapi.access.people.accounts import ROLE_IN, Caller
from csapi.access.people.members import ADD, FIND, refuse_invitation
from csapi.access.people.members import TAKE as TAKE_INVITATION
from csapi.access.people.roles import Role
from csapi.access.people.sessions import VOUCHED, Session, begin_session
from csapi.access.providers.flows import Finished, Linking
from csapi.access.providers.id_tokens import Vouched
from csapi.access.providers.schemas import PUBLIC_ISSUERS
from csapi.access.sealed import Sealed
from csapi.access.tenancy import tenant_transaction
from csapi.kit.problems import FieldError, Problem, invalid

KNOWN = """
SELECT person FROM identities WHERE tenant_id = $1 AND issuer = $2 AND subject = $3"""
STILL = "SELECT is_enabled FROM identity_providers WHERE tenant_id = $1 AND id = $2 FOR SHARE"
ADD_IDENTITY = """
INSERT INTO identities (tenant_id, issuer, subject, person, email, created_at, used_at)
VALUES ($1, $2, $3, $4, $5, $6, $6) ON CONFLICT DO NOTHING RETURNING id"""
USED = """
UPDATE identities SET email = $4, used_at = $5
WHERE tenant_id = $1 AND issuer = $2 AND subject = $3 RETURNING id"""
OF_SESSION = f"""
SELECT m.role FROM person_sessions s
JOIN memberships m ON m.tenant_id = $1 AND m.person = s.person
WHERE s.tenant_id = $1 AND s.id = $2 AND s.person = $3 AND s.expires_at > $4
  AND s.created_at >= sessions_valid_from(s.person) AND {VOUCHED} FOR SHARE OF s, m"""


def refuse(why: str) -> NoReturn:
    raise Problem("sign_in_failed", why)


def check_domain(provider: asyncpg.Record, vouched: Vouched) -> None:
    """Raises Problem where the provider is for addresses of other domains."""
    domains = provider["email_domains"]
    if not domains:
        return
    if vouched.email is None or not vouched.is_verified:
        refuse("The identity provider does not say that it has verified your e-mail address.")
    if vouched.email.rpartition("@")[2] not in domains:
        refuse("The identity provider is not for e-mail addresses of this domain.")


async def settle(
    pool: asyncpg.Pool,
    tenant_id: UUID,
    finished: Finished,
    invitation: Sealed | None,
    caller: Caller,
    now: datetime,
) -> Session:
    """The session of whoever it is, who may have just become a member. Raises Problem."""
    provider, vouched = finished.provider, finished.vouched
    check_domain(provider, vouched)
    async with tenant_transaction(pool, tenant_id) as connection:
        # Whoever turns it off waits for us, or we see it.
        if not await connection.fetchval(STILL, tenant_id, provider["id"]):
            refuse("The identity provider is not in use any more.")
        newcomer = Newcomer(connection, tenant_id, finished, now)
        person, role = await newcomer.settle(invitation)
        # Memberships are locked before identities, as where somebody is removed.
        used = await connection.fetchval(
            USED, tenant_id, provider["issuer"], vouched.subject, vouched.email, now
        )
        if used is None:
            refuse("The identity has just been unlinked.")
        session = await begin_session(
            connection, tenant_id, person, role, caller.user_agent, now, provider=provider["id"]
        )
        if newcomer.act is not None:
            by = Actor(tenant_id, ActorKind.member, str(person))
            told = {"provider": str(provider["id"]), "role": role.value}
            await audited(connection, by, newcomer.act, person, **told)
    return session


class Newcomer:
    """One who comes from a provider, in the transaction that settles who it is. `act`: what has
    come of it that is to be noted."""

    def __init__(
        self, connection: asyncpg.Connection, tenant_id: UUID, finished: Finished, now: datetime
    ) -> None:
        self._connection = connection
        self._tenant_id = tenant_id
        self._provider = finished.provider
        self._vouched = finished.vouched
        self._linking = finished.linking
        self._now = now
        self.act: AuditAction | None = None

    async def settle(self, invitation: Sealed | None) -> tuple[UUID, Role]:
        subject = self._provider["issuer"], self._vouched.subject
        known: UUID | None = await self._connection.fetchval(KNOWN, self._tenant_id, *subject)
        if self._linking is not None:
            return await self._linked(known, self._linking)
        if invitation is not None:
            return await self._invited(known, invitation)
        if known is not None:
            role = await self._connection.fetchval(ROLE_IN, self._tenant_id, known)
            if role is None:
                refuse("You are no member any more: ask for an invitation.")
            return known, Role(role)
        return await self._just_in_time()

    async def _linked(self, known: UUID | None, linking: Linking) -> tuple[UUID, Role]:
        """To whoever has begun it, if they are still signed in."""
        role = await self._connection.fetchval(
            OF_SESSION, self._tenant_id, linking.session, linking.person, self._now
        )
        if role is None:
            refuse("The session that began this has ended.")
        if known not in (None, linking.person):
            raise Problem("conflict", "Somebody else here signs in by this identity.")
        if known is None:
            await self._add_identity(linking.person)
            self.act = AuditAction.identity_linked
        return linking.person, Role(role)

    async def _invited(self, known: UUID | None, invitation: Sealed) -> tuple[UUID, Role]:
        """A member by an invitation to the address that the provider has verified. Nobody's account
        is touched: an account of that address is another person's as far as we know."""
        if invitation.owner != self._tenant_id:
            refuse_invitation()
        arguments = self._tenant_id, invitation.id, invitation.digest, self._now
        email = await self._connection.fetchval(FIND, *arguments)
        if email is None:
            refuse_invitation()
        if not self._vouched.is_verified or self._vouched.email != email:
            text = "It is for another e-mail address than the one that the provider has verified."
            raise invalid(FieldError("/invitation_token", "invalid_value", text))
        row = await self._connection.fetchrow(TAKE_INVITATION, *arguments)
        if row is None:
            refuse_invitation()
        person = known or await self._new_person()
        await self._add_member(person, Role(row["role"]), row["agent"])
        return person, Role(row["role"])

    async def _just_in_time(self) -> tuple[UUID, Role]:
        """Somebody new, of this tenant and this provider alone."""
        text = self._provider["default_role"]
        is_open = self._provider["issuer"] in PUBLIC_ISSUERS and not self._provider["email_domains"]
        if text is None or is_open:
            refuse("You are no member: ask for an invitation.")
        person = await self._new_person()
        await self._add_member(person, Role(text), None)
        return person, Role(text)

    async def _new_person(self) -> UUID:
        person: UUID = await self._connection.fetchval("SELECT add_known_person($1)", self._now)
        await self._add_identity(person)
        return person

    async def _add_member(self, person: UUID, role: Role, agent: UUID | None) -> None:
        if await self._connection.fetchval(ADD, self._tenant_id, person, role.value, agent) is None:
            raise Problem("conflict", "The person is a member already.")
        self.act = AuditAction.member_joined

    async def _add_identity(self, person: UUID) -> None:
        provider, vouched = self._provider, self._vouched
        subject = provider["issuer"], vouched.subject
        added = await self._connection.fetchval(
            ADD_IDENTITY, self._tenant_id, *subject, person, vouched.email, self._now
        )
        if added is None:
            raise Problem("conflict", "The same identity has just signed in: sign in again.")

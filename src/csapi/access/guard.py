"""From the Authorization header to a principal that holds the scope."""

import asyncio
import hashlib
import logging
import time
from collections import OrderedDict
from collections.abc import Coroutine, Sequence
from datetime import UTC, datetime
from uuid import UUID

import asyncpg

from csapi.access.addresses import Network, address_of, is_within
from csapi.access.keys import note_refusal
from csapi.access.limiting import Refusals
from csapi.access.people.roles import Role
from csapi.access.people.sessions import principal_of
from csapi.access.people.signing import Signer
from csapi.access.portal import origins_of, recognize_portal_token
from csapi.access.principals import Principal
from csapi.access.service import recognize, touch_key
from csapi.access.tickets import redeem_ticket
from csapi.access.tokens import PORTAL_PREFIX, parse_token
from csapi.kit.body import header
from csapi.kit.clock import now
from csapi.kit.cors import allow_origin, origin_of
from csapi.kit.db import acquire
from csapi.kit.kept import keep
from csapi.kit.language import TENANT_LANGUAGE
from csapi.kit.operations import AnyRequest, Operation, operation_of
from csapi.kit.params import first_value
from csapi.kit.problems import Problem

log = logging.getLogger(__name__)

# How long a revoked key may go on working in a process that has just seen it.
TRUSTED_SECONDS = 5.0
TOUCH_SECONDS = 60.0
REMEMBERED_KEYS = 10_000
BEARER = "bearer "


def check_kind(principal: Principal, operation: Operation) -> None:
    """Whether a key, a portal token, an agent's own token or a person may call the operation."""
    if operation.person:
        if principal.person_id is None:
            raise Problem("not_a_person", "It is about whoever has signed in: a key is nobody.")
        if operation.owner and principal.role != Role.OWNER:
            raise Problem("insufficient_scope", "Only an owner of the tenant may do this.")
    elif operation.agent:
        if principal.agent_id is None:
            raise Problem(
                "not_an_agent",
                "Nobody's own: it takes a portal token that is bound to an agent (`agent` of POST "
                "/v1/portal-tokens), or somebody who signed in with the role agent.",
            )
    elif principal.agent_id is not None:
        raise Problem("insufficient_scope", "An agent's own token sees what is under /v1/me alone.")
    elif principal.is_portal and not operation.portal:
        if operation.unfiltered and principal.filters is None:
            return
        what = "with filters " if operation.unfiltered else ""
        detail = f"A portal token {what}may not do this: it takes a key."
        raise Problem("insufficient_scope", detail)


def check_open(principal: Principal, operation: Operation, at: datetime) -> None:
    """Whether the tenant is there, and takes what the operation would write."""
    closes_at = principal.closes_at
    if closes_at is None:
        return
    if closes_at <= at:
        raise Problem("unauthorized", "The tenant is closed.")
    if operation.charged == "write" and not (operation.while_closing or operation.person):
        raise Problem(
            "tenant_closing",
            f"The tenant closes at {closes_at.astimezone(UTC):%Y-%m-%dT%H:%MZ}: until then it is "
            "read and exported, and nothing is written.",
        )


class Guard:
    """Recognizes keys, and people who have signed in. What it found is trusted for a few seconds,
    by digest and not by key."""

    def __init__(
        self,
        pool: asyncpg.Pool,
        signer: Signer,
        proxies: Sequence[Network] = (),
        refusals_per_minute: int = 0,
    ) -> None:
        self._pool = pool
        self._signer = signer
        self._proxies = proxies
        self._refusals = Refusals(refusals_per_minute, proxies)
        self._known: OrderedDict[bytes, tuple[float, Principal]] = OrderedDict()
        # Digests of what was right when it was last looked up: not held up by wrong ones beside it.
        self._good: OrderedDict[bytes, None] = OrderedDict()
        self._touched: dict[str, float] = {}
        self._origins: OrderedDict[UUID, tuple[float, frozenset[str]]] = OrderedDict()
        self._tasks: set[asyncio.Task[None]] = set()

    async def __call__(self, request: AnyRequest, scope: str) -> Principal:
        """Raises Problem: `unauthorized` without a valid key, `insufficient_scope` without scope,
        `address_not_allowed` from elsewhere than the key allows, `not_an_agent` where only an
        agent's own token will do, `tenant_closing` where nothing is written any more,
        `rate_limited` where the address has sent too much that is not valid."""
        ticket = self._ticket(request)
        if ticket is None:
            principal = await self._principal(request, self._credentials(request))
        else:
            principal = await self._redeemed(request, ticket)
        self._check_address(request, principal)
        if (origin := origin_of(request.scope)) is not None:
            await self.admit(request, origin, principal.tenant_id)
        check_kind(principal, operation_of(request))
        if scope not in principal.scopes:
            who = "key" if principal.role is None else f"role {principal.role}"
            raise Problem("insufficient_scope", f"The {who} lacks the scope {scope}.")
        check_open(principal, operation_of(request), now())
        if principal.language is not None:
            request.scope["state"][TENANT_LANGUAGE] = principal.language
        return principal

    async def admit(self, request: AnyRequest, origin: str, tenant_id: UUID) -> bool:
        """Let scripts of a page read the answer, if its origin is one of the tenant's; whether it
        is."""
        clock = time.monotonic()
        known = self._origins.get(tenant_id)
        if known is None or clock - known[0] >= TRUSTED_SECONDS:
            known = (clock, await origins_of(self._pool, tenant_id))
            self._origins[tenant_id] = known
            if len(self._origins) > REMEMBERED_KEYS:
                self._origins.popitem(last=False)
        if origin not in known[1]:
            return False
        allow_origin(request.scope, origin)
        return True

    def _credentials(self, request: AnyRequest) -> str:
        value = header(request, b"authorization")
        if value is None:
            key = header(request, b"x-api-key")
            if key is None:
                raise Problem("unauthorized", "Send Authorization: Bearer <API key>.")
            return key
        if value[: len(BEARER)].lower() != BEARER:
            raise Problem("unauthorized", "Send Authorization: Bearer <API key>.")
        return value[len(BEARER) :].strip()

    def _ticket(self, request: AnyRequest) -> str | None:
        """The ticket that stands in the address, where it may and no header says who calls."""
        names = (b"authorization", b"x-api-key")
        if any(header(request, name) is not None for name in names):
            return None
        return first_value(request, "ticket") if operation_of(request).ticketed else None

    async def _redeemed(self, request: AnyRequest, text: str) -> Principal:
        self._refusals.check(request.scope)
        principal = await redeem_ticket(self._pool, text, now())
        if principal is None:
            self._refusals.count(request.scope)
            raise Problem("unauthorized", "The ticket is not valid: it opens one stream, once.")
        return principal

    async def _principal(self, request: AnyRequest, text: str) -> Principal:
        digest = hashlib.sha256(text.encode("latin-1", "replace")).digest()
        clock = time.monotonic()
        known = self._known.get(digest)
        if known is not None and clock < known[0]:
            return known[1]
        self._known.pop(digest, None)
        trusted_until = clock + TRUSTED_SECONDS
        if digest not in self._good:
            self._refusals.check(request.scope)
        if "." in text:
            person, lives = await self._person(request, text)
            return self._remember(digest, min(trusted_until, clock + lives), person)
        # What is no key of ours by its checksum must not wait for, or use up, a connection.
        if parse_token(text) is None:
            self._refusals.count(request.scope)
            raise Problem("unauthorized", "The API key is not valid.")
        async with acquire(self._pool) as connection:
            if text.startswith(PORTAL_PREFIX):
                principal = await recognize_portal_token(connection, text, now())
            else:
                found = await recognize(connection, text, now())
                principal = None if found is None else found[0]
        if principal is None:
            self._good.pop(digest, None)
            self._refusals.count(request.scope)
            raise Problem("unauthorized", "The API key is not valid.")
        self._note_use(principal, clock)
        return self._remember(digest, trusted_until, principal)

    def _remember(self, digest: bytes, until: float, principal: Principal) -> Principal:
        keep(self._good, digest, None, most=REMEMBERED_KEYS)
        keep(self._known, digest, (until, principal), most=REMEMBERED_KEYS)
        return principal

    def _check_address(self, request: AnyRequest, principal: Principal) -> None:
        if not principal.allowed_ips:
            return
        address = address_of(request.scope, self._proxies)
        if address is None or not is_within(address, principal.allowed_ips):
            name = f"refused {principal.key_id}"
            self._note(name, time.monotonic(), note_refusal(self._pool, principal))
            raise Problem("address_not_allowed", "The key may not be used from this address.")

    async def _person(self, request: AnyRequest, text: str) -> tuple[Principal, float]:
        """Whom an access token stands for, and how many seconds it has left."""
        at = now()
        claims = await self._signer.recognize(text, at)
        principal = None if claims is None else await principal_of(self._pool, claims, at)
        if claims is None or principal is None:
            self._refusals.count(request.scope)
            raise Problem("unauthorized", "The access token is not valid.")
        return principal, claims.exp - at.timestamp()

    def forget(self, tenant_id: UUID) -> None:
        """Of a tenant nothing is trusted: what has changed of it holds from the next request on."""
        for digest in [
            each for each, (_, who) in self._known.items() if who.tenant_id == tenant_id
        ]:
            del self._known[digest]

    def _note_use(self, principal: Principal, clock: float) -> None:
        self._note(principal.key_id, clock, touch_key(self._pool, principal))

    def _note(self, name: str, clock: float, work: Coroutine[object, object, None]) -> None:
        """Write it at most once a minute, beside the request and not in its way."""
        if clock - self._touched.get(name, -TOUCH_SECONDS) < TOUCH_SECONDS:
            work.close()
            return
        if len(self._touched) > REMEMBERED_KEYS:
            self._touched.clear()
        self._touched[name] = clock
        task = asyncio.create_task(self._written(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _written(self, work: Coroutine[object, object, None]) -> None:
        try:
            await work
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
            log.warning("the use of a key not noted")

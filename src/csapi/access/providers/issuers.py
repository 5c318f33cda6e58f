"""What identity providers publish: their endpoints and keys, fetched with care and kept a while.

Providers are named by tenants, so whatever they answer is hostile until it is shown not to be.
"""

import asyncio
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import msgspec

from csapi.access.providers.keys import VerifyingKey, keys_of
from csapi.kit.checked_http import Fetcher, FetchError
from csapi.kit.kept import keep
from csapi.kit.problems import Problem
from csapi.kit.public_addresses import refusal

WELL_KNOWN = "/.well-known/openid-configuration"
MOST_BYTES, FETCH_SECONDS, TOKEN_SECONDS = 128 * 1024, 5.0, 10.0
ENDPOINTS_LIVE, KEYS_LIVE = 3_600.0, 600.0
# What fails is not asked again at once, and a key that nobody knows does not make us ask at will.
FAILURE_LIVES, ASK_AGAIN = 5.0, 10.0
MOST_KNOWN = 1_000


class IssuerError(Exception):
    """A provider does not do what it should; `reason` in a word."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def unavailable(error: IssuerError) -> Problem:
    detail = f"The identity provider does not answer as it should: {error.reason}."
    return Problem("provider_unavailable", detail)


class Endpoints(msgspec.Struct, frozen=True, kw_only=True):
    """What of a discovery document is used."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    token_endpoint_auth_methods_supported: list[str] | None = None
    authorization_response_iss_parameter_supported: bool = False

    @property
    def posts_secret(self) -> bool:
        """Whether the client's secret goes into the body: where the header is not offered."""
        offered = self.token_endpoint_auth_methods_supported or ["client_secret_basic"]
        return "client_secret_basic" not in offered and "client_secret_post" in offered


@dataclass(slots=True)
class Known:
    """Of one issuer, as one tenant names it."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    endpoints: Endpoints | None = None
    endpoints_until: float = 0.0
    keys: tuple[VerifyingKey, ...] = ()
    keys_at: float = float("-inf")
    failure: str = ""
    failed_until: float = 0.0


class Issuers:
    """What is known of issuers, in a process. Tenants share nothing here."""

    def __init__(self, *, insecure: bool) -> None:
        self._fetcher = Fetcher(insecure=insecure)
        self._insecure = insecure
        self._known: OrderedDict[tuple[UUID, str], Known] = OrderedDict()

    def close(self) -> None:
        self._fetcher.close()

    def _of(self, tenant_id: UUID, issuer: str) -> Known:
        known = self._known.get((tenant_id, issuer)) or Known()
        keep(self._known, (tenant_id, issuer), known, most=MOST_KNOWN)
        return known

    def doubt(self, tenant_id: UUID, issuer: str) -> None:
        """Let the next one ask anew, unless it was asked a moment ago."""
        known = self._of(tenant_id, issuer)
        if time.monotonic() - known.keys_at >= ASK_AGAIN:
            known.endpoints_until, known.keys_at = 0.0, float("-inf")

    async def endpoints(self, tenant_id: UUID, issuer: str) -> Endpoints:
        """Raises IssuerError."""
        known = self._of(tenant_id, issuer)
        async with known.lock:
            return await self._endpoints(known, issuer)

    async def _endpoints(self, known: Known, issuer: str) -> Endpoints:
        if known.endpoints is None or time.monotonic() >= known.endpoints_until:
            body = await self._fetched(known, issuer.removesuffix("/") + WELL_KNOWN)
            known.endpoints = self._read_endpoints(known, issuer, body)
            known.endpoints_until = time.monotonic() + ENDPOINTS_LIVE
        return known.endpoints

    def _read_endpoints(self, known: Known, issuer: str, body: bytes) -> Endpoints:
        try:
            found = msgspec.json.decode(body, type=Endpoints)
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            raise self._failed(known, "not_a_discovery_document") from None
        if found.issuer != issuer:
            raise self._failed(known, "another_issuer")
        named = (found.authorization_endpoint, found.token_endpoint, found.jwks_uri)
        if any(refusal(each, insecure=self._insecure) is not None for each in named):
            raise self._failed(known, "blocked_endpoint")
        return found

    async def keys(
        self, tenant_id: UUID, issuer: str, *, older_than: float = KEYS_LIVE
    ) -> tuple[VerifyingKey, ...]:
        """Asked for anew if what is known is older than so many seconds. Raises IssuerError."""
        known = self._of(tenant_id, issuer)
        async with known.lock:
            if time.monotonic() - known.keys_at >= older_than:
                endpoints = await self._endpoints(known, issuer)
                body = await self._fetched(known, endpoints.jwks_uri)
                try:
                    known.keys = keys_of(msgspec.json.decode(body))
                except (msgspec.MsgspecError, UnicodeError, RecursionError):
                    raise self._failed(known, "not_a_key_set") from None
                known.keys_at = time.monotonic()
            return known.keys

    async def key_for(
        self, tenant_id: UUID, issuer: str, algorithm: str, kid: str | None
    ) -> VerifyingKey | None:
        """The key that a token says it was signed by. One that is not known may be new."""
        for older_than in (KEYS_LIVE, ASK_AGAIN):
            keys = await self.keys(tenant_id, issuer, older_than=older_than)
            fitting = [key for key in keys if key.algorithm == algorithm and kid in (None, key.kid)]
            # Without a name it must be plain which one it is.
            if len(fitting) == 1 or (fitting and kid is not None):
                return fitting[0]
        return None

    async def _fetched(self, known: Known, url: str) -> bytes:
        if time.monotonic() < known.failed_until:
            raise IssuerError(known.failure)
        try:
            answer = await self._fetcher.fetch(
                "GET", url, most_bytes=MOST_BYTES, seconds=FETCH_SECONDS
            )
        except FetchError as error:
            raise self._failed(known, error.reason) from None
        if answer.status != 200:
            raise self._failed(known, f"status_{answer.status}")
        return answer.body

    def _failed(self, known: Known, reason: str) -> IssuerError:
        known.failure, known.failed_until = reason, time.monotonic() + FAILURE_LIVES
        return IssuerError(reason)

    async def post(self, url: str, headers: dict[str, str], body: bytes) -> tuple[int, Any]:
        """Status and JSON of what a token endpoint answers. Raises IssuerError."""
        try:
            answer = await self._fetcher.fetch(
                "POST", url, headers=headers, body=body, most_bytes=MOST_BYTES,
                seconds=TOKEN_SECONDS,
            )  # fmt: skip
        except FetchError as error:
            raise IssuerError(error.reason) from None
        try:
            return answer.status, msgspec.json.decode(answer.body)
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            if answer.status == 200:
                raise IssuerError("not_a_token_answer") from None
            return answer.status, None

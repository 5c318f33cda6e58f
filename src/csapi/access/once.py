"""Idempotency-Key: a request that is sent again is done once, and answered as the first time.

A row says that a request with the key is under way. The transaction with its effect settles the row
as well, so that neither is there without the other; the answer is kept afterwards. Where a process
dies before the effect, the row is taken over once its lease has run out; where it dies after it,
nothing is done again, and whoever asks is told so.
"""

import asyncio
import hashlib
import logging
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import msgspec

from csapi.access.principals import Principal
from csapi.access.tenancy import settling, tenant_transaction
from csapi.kit.body import header, read_body
from csapi.kit.clock import now
from csapi.kit.db import acquire
from csapi.kit.http import Response
from csapi.kit.operations import AnyRequest, operation_of
from csapi.kit.problems import Problem

log = logging.getLogger(__name__)

KEPT_HOURS = 24
# Longer than any request: statements end before, and bodies were read.
LEASE_SECONDS = 120
# A larger answer is not kept; where it can be read again, its Location says.
MOST_KEPT_BYTES = 256 * 1024
REPLAYED = (b"idempotency-replayed", b"true")
_KEY = re.compile(r"[\x21-\x7e]{1,255}\Z")
_KEPT_HEADERS = {"content-type", "content-language", "location"}

RUNNING, SETTLED, ANSWERED, WITHHELD = "running", "settled", "answered", "withheld"

# One who comes second waits for the first one's row, which is committed at once.
CLAIM = f"""
INSERT INTO idempotency AS i (tenant_id, holder, operation, key, fingerprint, claim, state)
VALUES ($1, $2, $3, $4, $5, $6, '{RUNNING}')
ON CONFLICT (tenant_id, holder, operation, key) DO UPDATE SET fingerprint = excluded.fingerprint,
  claim = excluded.claim, state = excluded.state, created_at = clock_timestamp(),
  status = NULL, headers = NULL, body = NULL
WHERE i.created_at <= clock_timestamp() - $7::interval
  OR (i.state = '{RUNNING}' AND i.fingerprint = excluded.fingerprint
    AND i.created_at <= clock_timestamp() - $8::interval)
RETURNING claim"""
FOUND = """
SELECT fingerprint, state, status, headers, body,
  created_at > clock_timestamp() - $5::interval AS is_fresh
FROM idempotency
WHERE tenant_id = $1 AND holder = $2 AND operation = $3 AND key = $4"""
# Looks whether the transaction has changed anything before it does so itself.
SETTLE = f"""
WITH seen AS MATERIALIZED (SELECT pg_current_xact_id_if_assigned() IS NOT NULL AS has_written),
settled AS (
  UPDATE idempotency i SET state = '{SETTLED}' FROM seen
  WHERE i.tenant_id = $1 AND i.holder = $2 AND i.operation = $3 AND i.key = $4 AND i.claim = $5
    AND i.state IN ('{RUNNING}', '{SETTLED}') AND seen.has_written
  RETURNING 1)
SELECT has_written, EXISTS (SELECT FROM settled) AS is_ours FROM seen"""
KEEP = """
UPDATE idempotency SET state = $6, status = $7, headers = $8, body = $9
WHERE tenant_id = $1 AND holder = $2 AND operation = $3 AND key = $4 AND claim = $5"""
RELEASE = f"""
DELETE FROM idempotency
WHERE tenant_id = $1 AND holder = $2 AND operation = $3 AND key = $4 AND claim = $5
  AND state = '{RUNNING}'"""
FORGET = "DELETE FROM idempotency WHERE tenant_id = $1 AND created_at <= $2"


@dataclass(slots=True)
class Claim:
    """A request that is under way, as its row knows it."""

    tenant_id: UUID
    holder: str
    operation: str
    key: str
    claim: UUID

    @property
    def place(self) -> tuple[Any, ...]:
        return self.tenant_id, self.holder, self.operation, self.key, self.claim

    async def settle(self, connection: asyncpg.Connection) -> None:
        """Called by every writing transaction of the request before it commits. Raises Problem,
        so that it does not, where the lease has run out and another one took over."""
        row = await connection.fetchrow(SETTLE, *self.place)
        if row["has_written"] and not row["is_ours"]:
            raise in_progress()


def in_progress() -> Problem:
    return Problem("request_in_progress", "A request with this Idempotency-Key is under way.")


def key_of(request: AnyRequest) -> str | None:
    """Raises Problem `invalid_idempotency_key`."""
    text = header(request, b"idempotency-key")
    if text is not None and not _KEY.match(text):
        raise Problem(
            "invalid_idempotency_key",
            "Idempotency-Key is 1 to 255 visible ASCII characters, such as a UUID.",
        )
    return text


def fingerprint_of(request: AnyRequest, body: bytes) -> bytes:
    scope = request.scope
    digest = hashlib.sha256()
    for part in (scope["method"].encode(), scope["path"].encode(), scope["query_string"], body):
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.digest()


async def answer_once(
    pool: asyncpg.Pool,
    request: AnyRequest,
    principal: Principal,
    answer: Callable[[], Awaitable[Response]],
) -> Response:
    """The answer to a request, or the one that was given to the same request before."""
    operation = operation_of(request)
    if operation.repeats != "keyed" or (key := key_of(request)) is None:
        return await answer()
    body = b"" if operation.request is None else await read_body(request)
    holder = principal.token_id or principal.key_id
    claim = Claim(principal.tenant_id, holder, operation.operation_id, key, uuid4())
    known = await claimed(pool, claim, fingerprint_of(request, body))
    if known is not None:
        return known
    return await _answered(pool, claim, answer, is_secret=operation.secret)


async def claimed(pool: asyncpg.Pool, claim: Claim, fingerprint: bytes) -> Response | None:
    """Take the key for this request: None. Or what the one that has it was answered."""
    async with tenant_transaction(pool, claim.tenant_id) as connection:
        mine = await connection.fetchval(
            CLAIM,
            *claim.place[:4],
            fingerprint,
            claim.claim,
            timedelta(hours=KEPT_HOURS),
            timedelta(seconds=LEASE_SECONDS),
        )
        if mine is not None:
            return None
        row = await connection.fetchrow(FOUND, *claim.place[:4], timedelta(seconds=LEASE_SECONDS))
    if row is not None and row["fingerprint"] != fingerprint:
        raise Problem(
            "idempotency_key_reused",
            "The Idempotency-Key was used within 24 hours for another request.",
        )
    # What is settled gets its answer in a moment, if the process lives.
    is_near = row is not None and row["state"] == SETTLED and row["is_fresh"]
    if row is None or row["state"] == RUNNING or is_near:
        raise in_progress()
    return _again(row)


def _again(row: asyncpg.Record) -> Response:
    headers = msgspec.json.decode(row["headers"], type=dict[str, str]) if row["headers"] else {}
    if row["state"] != ANSWERED:
        where = f" What it made is at {headers['location']}." if "location" in headers else ""
        raise Problem(
            "answer_not_kept",
            f"The request was carried out and is not repeated; its answer is not kept.{where}",
            headers={"Location": headers["location"]} if where else {},
        )
    media_type = headers.pop("content-type", "application/json")
    again = Response(row["body"], status=row["status"], media_type=media_type, headers=headers)
    again.headers.append(REPLAYED)
    return again


async def _answered(
    pool: asyncpg.Pool, claim: Claim, answer: Callable[[], Awaitable[Response]], *, is_secret: bool
) -> Response:
    try:
        with settling(claim):
            given = await answer()
    except BaseException:
        # What had no effect may be tried again. What had one stays settled.
        await asyncio.shield(_write(pool, claim, RELEASE))
        raise
    await asyncio.shield(_keep(pool, claim, given, is_secret=is_secret))
    return given


async def _write(pool: asyncpg.Pool, claim: Claim, statement: str, *arguments: object) -> None:
    """Beside the answer, which is given whether or not this works: without it the row says what
    is known, and goes when its lease runs out."""
    try:
        async with tenant_transaction(pool, claim.tenant_id) as connection:
            await connection.execute(statement, *claim.place, *arguments)
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        log.warning("state of a retry not written: %s", type(error).__name__)


async def _keep(pool: asyncpg.Pool, claim: Claim, given: Response, *, is_secret: bool) -> None:
    headers = {name.decode(): value.decode("latin-1") for name, value in given.headers}
    kept = {name: value for name, value in headers.items() if name in _KEPT_HEADERS}
    is_kept = not is_secret and len(given.body) <= MOST_KEPT_BYTES
    await _write(
        pool,
        claim,
        KEEP,
        ANSWERED if is_kept else WITHHELD,
        given.status,
        msgspec.json.encode(kept).decode(),
        given.body if is_kept else None,
    )


async def trim_requests(pool: asyncpg.Pool) -> int:
    """Forget requests whose key has had its time; the number of tenants gone through."""
    oldest = now() - timedelta(hours=KEPT_HOURS)
    async with acquire(pool) as connection:
        tenants = [row[0] for row in await connection.fetch("SELECT tenant_id FROM tenants")]
    for tenant_id in tenants:
        async with tenant_transaction(pool, tenant_id) as connection:
            await connection.execute(FORGET, tenant_id, oldest)
    return len(tenants)

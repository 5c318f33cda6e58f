"""The audit log over HTTP: read, and checked."""

import binascii
from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from csapi.access.audit import checked_chain
from csapi.access.audit_actions import ActorKind, AuditAction
from csapi.access.principals import Principal, Scope
from csapi.access.tenancy import tenant_transaction
from csapi.facts.wire import Key
from csapi.kit.cursors import cursor_at, place_before
from csapi.kit.db import Arguments
from csapi.kit.http import Response, json_response
from csapi.kit.language import asked_language
from csapi.kit.operations import AnyRequest, Media, Operation, params_of
from csapi.kit.quantities import UtcDatetime
from csapi.reports.administration.keys import TAG
from csapi.reports.encoders import CSV, table_or_json
from csapi.reports.pages import Cursor
from csapi.reports.refusals import refuse
from csapi.reports.schemas import QueryPage

HASH_LENGTH = 64
COLUMNS = (
    "sequence", "at", "actor_kind", "actor", "action", "subject", "details", "previous", "hash",
)  # fmt: skip
FORM = "A line for each entry, with `details` as JSON."


class AuditEntry(msgspec.Struct, kw_only=True):
    """An act. `actor`: id of the key or the token. `subject`: id or name of what was acted on.
    `hash` is of the entry and of `previous`, the hash of the one before it."""

    sequence: int
    at: UtcDatetime
    actor_kind: Annotated[str, Meta(description=", ".join(ActorKind))]
    actor: str | None
    action: str
    subject: str | None
    details: dict[str, Any]
    previous: str
    hash: str


class AuditPage(msgspec.Struct, kw_only=True):
    """Entries, the newest first."""

    data: list[AuditEntry]
    page: QueryPage


class AuditParams(msgspec.Struct, kw_only=True):
    """Which entries to list."""

    action: Annotated[AuditAction | None, Meta(description="What was done")] = None
    subject: Annotated[Key | None, Meta(description="Id or name of what was acted on")] = None
    since: Annotated[UtcDatetime | None, Meta(description="From this instant on")] = None
    until: Annotated[UtcDatetime | None, Meta(description="Before this instant")] = None
    limit: Annotated[int, Meta(ge=1, le=1000, description="Page size")] = 100
    cursor: Cursor = None


class VerificationParams(msgspec.Struct, kw_only=True):
    """An entry whose hash somebody has noted elsewhere."""

    sequence: Annotated[
        Annotated[int, Meta(ge=1, le=2**53)] | None, Meta(description="Of the noted entry")
    ] = None
    hash: Annotated[
        Annotated[str, Meta(min_length=HASH_LENGTH, max_length=HASH_LENGTH)] | None,
        Meta(description="Of the noted entry, in hexadecimal digits"),
    ] = None


class FlawReason(StrEnum):
    """`missing`: an entry was taken away, also at the end. `changed`: it is not what its hash is
    of. `not_linked`: it does not follow the one before. `not_as_noted`: it has another hash than
    the one that was noted. `not_the_head`: the chain ends elsewhere than where it was left."""

    missing = "missing"
    changed = "changed"
    not_linked = "not_linked"
    not_as_noted = "not_as_noted"
    not_the_head = "not_the_head"


class BrokenEntry(msgspec.Struct, kw_only=True):
    """The first entry that is not as it was written."""

    sequence: int
    reason: FlawReason


class AuditVerification(msgspec.Struct, kw_only=True):
    """`sequence` and `hash`: of the last entry up to which all is well. Note them elsewhere: a
    chain that is written anew from its start is well in itself, and has other hashes."""

    is_intact: bool
    entries: Annotated[int, Meta(description="How many are well")]
    sequence: int
    hash: str
    first_broken: BrokenEntry | None


def list_statement(principal: Principal, wanted: AuditParams) -> tuple[str, list[object]]:
    arguments = Arguments()
    tests = [f"tenant_id = {arguments.add(principal.tenant_id, 'uuid')}"]
    place = place_before(wanted, tuple[int])
    if place is not None:
        tests.append(f"sequence < {arguments.add(place[0], 'bigint')}")
    for column, op, value, cast in (
        ("action", "=", wanted.action and wanted.action.value, "text"),
        ("subject", "=", wanted.subject, "text"),
        ("at", ">=", wanted.since, "timestamptz"),
        ("at", "<", wanted.until, "timestamptz"),
    ):
        if value is not None:
            tests.append(f"{column} {op} {arguments.add(value, cast)}")
    limit = arguments.add(wanted.limit + 1, "integer")
    sql = (
        f"SELECT {', '.join(COLUMNS)} FROM audit_log WHERE {' AND '.join(tests)} "
        f"ORDER BY sequence DESC LIMIT {limit}"
    )
    return sql, arguments.values


def entry_of(row: Any) -> AuditEntry:
    fields = {name: row[name] for name in COLUMNS}
    fields["details"] = msgspec.json.decode(row["details"])
    fields["previous"], fields["hash"] = row["previous"].hex(), row["hash"].hex()
    return AuditEntry(**fields)


def lines_of(entries: list[AuditEntry]) -> Iterator[list[Any]]:
    yield list(COLUMNS)
    for entry in entries:
        cells = [getattr(entry, name) for name in COLUMNS]
        cells[COLUMNS.index("details")] = msgspec.json.encode(entry.details).decode()
        yield cells


async def list_entries(request: AnyRequest, principal: Principal) -> Response:
    wanted = params_of(request, AuditParams)
    sql, arguments = list_statement(principal, wanted)
    pool, tenant_id = request.app.state.pool, principal.tenant_id
    async with tenant_transaction(pool, tenant_id, readonly=True) as connection:
        rows = await connection.fetch(sql, *arguments)
    data = [entry_of(row) for row in rows[: wanted.limit]]
    cursor = cursor_at(wanted, [data[-1].sequence]) if len(rows) > wanted.limit else None
    found = AuditPage(data=data, page=QueryPage(next_cursor=cursor))
    language, accept = asked_language(request.scope), request.headers.get("accept")
    return table_or_json(found, lines_of(data), accept, language, cursor)


def noted_in(wanted: VerificationParams) -> dict[int, bytes]:
    if (wanted.sequence is None) != (wanted.hash is None):
        refuse("/hash", "required", "Give sequence and hash of an entry, or neither.")
    if wanted.sequence is None or wanted.hash is None:
        return {}
    try:
        return {wanted.sequence: binascii.unhexlify(wanted.hash)}
    except ValueError:
        refuse("/hash", "invalid_value", "64 hexadecimal digits.")


async def verify(request: AnyRequest, principal: Principal) -> Response:
    noted = noted_in(params_of(request, VerificationParams))
    pool, tenant_id = request.app.state.pool, principal.tenant_id
    async with (
        request.app.state.lanes.enter(tenant_id),
        tenant_transaction(pool, tenant_id, readonly=True) as connection,
    ):
        found = await checked_chain(connection, tenant_id, noted)
    flaw = found.flaw
    answer = AuditVerification(
        is_intact=flaw is None,
        entries=found.entries,
        sequence=found.sequence,
        hash=found.hash.hex(),
        first_broken=None
        if flaw is None
        else BrokenEntry(sequence=flaw.sequence, reason=FlawReason(flaw.reason)),
    )
    return json_response(answer)


OPERATIONS = [
    Operation(
        method="GET",
        path="/v1/audit-log",
        operation_id="listAuditLog",
        summary="Who did what",
        description="Keys made, replaced, ended and refused; settings, definitions, webhooks and "
        "plans changed; files and reports made and fetched. Entries are added in the transaction "
        "of what they tell, are never changed, and hold no personal data.",
        tag=TAG,
        handler=list_entries,
        scope=Scope.ADMIN_WRITE,
        params=AuditParams,
        responses={200: Media(body=AuditPage, texts={CSV: FORM}, headers=("X-Next-Cursor",))},
        problems=("invalid_cursor",),
    ),
    Operation(
        method="GET",
        path="/v1/audit-log/verification",
        operation_id="verifyAuditLog",
        summary="Whether the audit log is as it was written",
        description="Walks the chain of hashes, and names the first entry that was changed, taken "
        "away or put in. With `sequence` and `hash` of an entry that you have noted, also whether "
        "that one is still the same.",
        tag=TAG,
        handler=verify,
        scope=Scope.ADMIN_WRITE,
        params=VerificationParams,
        responses={200: AuditVerification},
        problems=("too_many_queries",),
    ),
]

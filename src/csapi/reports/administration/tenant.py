"""The tenant: its name, what holds where a request says nothing, and its closing."""

from typing import Annotated
from uuid import UUID

import asyncpg
import msgspec
from msgspec import UNSET, Meta, UnsetType

from csapi.access.audit import audited
from csapi.access.audit_actions import AuditAction
from csapi.access.closing import Closing, find_closing, request_closing, withdraw_closing
from csapi.access.principals import Principal, Scope
from csapi.access.service import AccessError, check_known_to_postgres, check_name
from csapi.access.tenancy import tenant_transaction
from csapi.facts.cost_entry import Currency
from csapi.facts.costs import BOOKED_CURRENCY, CURRENCY
from csapi.facts.usage import HAS_RECORDS
from csapi.kit.body import header
from csapi.kit.clock import now
from csapi.kit.http import Response, json_response, no_content
from csapi.kit.language import Language
from csapi.kit.operations import AnyRequest, Media, Operation, body_of
from csapi.kit.problems import Problem
from csapi.kit.quantities import UtcDatetime
from csapi.metrics.periods import WeekStart
from csapi.reports.administration.keys import TAG
from csapi.reports.etags import known_tags, matching, tag_of
from csapi.reports.ranges import known_zone
from csapi.reports.refusals import refuse

LINKS = {
    "definitions": "/v1/metric-settings",
    "weights": "/v1/weight-settings",
    "privacy": "/v1/privacy-settings",
    "business_hours": "/v1/schedules",
    "custom_attributes": "/v1/custom-attributes",
    "browser_origins": "/v1/browser-origins",
    "retention": "/v1/retention",
    "members": "/v1/members",
    "identity_providers": "/v1/identity-providers",
    "api_keys": "/v1/api-keys",
    "audit_log": "/v1/audit-log",
    "usage": "/v1/usage",
    "limits": "/v1/limits",
}

READ = f"""
SELECT t.name, t.timezone, t.created_at, s.language, s.week_starts_on, ({CURRENCY}) AS currency,
  coalesce(s.updated_at, t.created_at) AS updated_at
FROM tenants t LEFT JOIN tenant_settings s ON s.tenant_id = $1 WHERE t.tenant_id = $1"""
RENAME = "UPDATE tenants SET name = $2, timezone = $3 WHERE tenant_id = $1"
# Whether each is among what changes, and what it then is.
SETTLE = """
INSERT INTO tenant_settings AS s (tenant_id, language, currency, week_starts_on)
VALUES ($1, $3, $5, $7)
ON CONFLICT (tenant_id) DO UPDATE SET
  language = CASE WHEN $2 THEN excluded.language ELSE s.language END,
  currency = CASE WHEN $4 THEN excluded.currency ELSE s.currency END,
  week_starts_on = CASE WHEN $6 THEN excluded.week_starts_on ELSE s.week_starts_on END,
  updated_at = clock_timestamp()"""

TenantName = Annotated[str, Meta(min_length=1, max_length=255)]


class TenantClosing(msgspec.Struct, kw_only=True):
    """From `closes_at` on nobody is let in, and all that the tenant has is deleted. Until then
    everything can be read and exported, and nothing written."""

    requested_at: UtcDatetime
    closes_at: UtcDatetime


class TenantDocument(msgspec.Struct, kw_only=True):
    """The tenant. `timezone`: that of its days, and of questions that name none; `week_starts_on`:
    of its weeks, likewise; `language`: of labels, where a request has no Accept-Language;
    `currency`: of the cost book. `links`: where what else is settled stands."""

    tenant_id: UUID
    name: str
    timezone: str
    week_starts_on: WeekStart
    language: Language | None
    currency: str | None
    created_at: UtcDatetime
    updated_at: UtcDatetime
    closing: TenantClosing | None
    links: dict[str, str]


class TenantChange(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What changes: what is absent stays, null clears."""

    name: TenantName | UnsetType = UNSET
    timezone: str | UnsetType = UNSET
    week_starts_on: WeekStart | UnsetType | None = UNSET
    language: Language | UnsetType | None = UNSET
    currency: Currency | UnsetType | None = UNSET


class TenantClosingRequest(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """`confirm`: the name of the tenant, letter for letter."""

    confirm: str


def closing_of(found: Closing) -> TenantClosing:
    return TenantClosing(requested_at=found.requested_at, closes_at=found.closes_at)


async def read_tenant(connection: asyncpg.Connection, tenant_id: UUID) -> TenantDocument:
    row = await connection.fetchrow(READ, tenant_id)
    if row is None:
        raise Problem("not_found", "The tenant is closed.")
    closing = await find_closing(connection, tenant_id)
    return TenantDocument(
        tenant_id=tenant_id,
        name=row["name"],
        timezone=row["timezone"],
        week_starts_on=WeekStart(row["week_starts_on"] or WeekStart.monday),
        language=row["language"] and Language(row["language"]),
        currency=row["currency"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        closing=None if closing is None else closing_of(closing),
        links=LINKS,
    )


def tagged(found: TenantDocument) -> tuple[bytes, str]:
    body = msgspec.json.encode(found)
    return body, tag_of(body, None)


async def get_tenant(request: AnyRequest, principal: Principal) -> Response:
    tenant_id = principal.tenant_id
    async with tenant_transaction(request.app.state.pool, tenant_id, readonly=True) as connection:
        body, tag = tagged(await read_tenant(connection, tenant_id))
    headers = {"etag": f'"{tag}"'}
    if matching(tag, known_tags(header(request, b"if-none-match"))):
        return Response(status=304, headers=headers)
    return json_response(body, 200, headers)


async def check_zone(connection: asyncpg.Connection, tenant_id: UUID, zone: str) -> None:
    """Raises Problem: what is stored by day is of the zone that there was."""
    known_zone(zone)
    try:
        await check_known_to_postgres(connection, zone)
    except AccessError as error:
        refuse("/timezone", "unknown_timezone", str(error))
    if await connection.fetchval(HAS_RECORDS, tenant_id):
        raise Problem(
            "conflict",
            "There are records: their days, months, costs and targets are of the tenant's zone. A "
            "question may name another one (`timezone`). To change it for good, export everything "
            '(POST /v1/exports with "tenant_data": true) into a tenant of the other zone.',
        )


async def check_currency(connection: asyncpg.Connection, tenant_id: UUID, currency: str) -> None:
    booked = await connection.fetchval(BOOKED_CURRENCY, tenant_id)
    if booked is not None and booked != currency:
        raise Problem(
            "conflict",
            f"The entries of the cost book are in {booked}, and amounts are not converted: delete "
            "them first, then send them in the other currency.",
        )


async def change(
    connection: asyncpg.Connection, tenant_id: UUID, known: TenantDocument, wanted: TenantChange
) -> None:
    """Raises Problem where something of it cannot be."""
    name, zone = wanted.name or known.name, wanted.timezone or known.timezone
    try:
        check_name(name, "tenant")
    except AccessError as error:
        refuse("/name", "invalid_value", str(error))
    if zone != known.timezone:
        await check_zone(connection, tenant_id, zone)
    language, currency, week = wanted.language, wanted.currency, wanted.week_starts_on
    if currency:
        await check_currency(connection, tenant_id, currency)
    await connection.execute(RENAME, tenant_id, name, zone)
    await connection.execute(
        SETTLE, tenant_id, language is not UNSET, language or None, currency is not UNSET,
        currency or None, week is not UNSET, week or None,
    )  # fmt: skip


async def update_tenant(request: AnyRequest, principal: Principal) -> Response:
    wanted, tenant_id = await body_of(request, TenantChange), principal.tenant_id
    if wanted.timezone == "":
        known_zone("")
    fields = msgspec.structs.asdict(wanted).items()
    changed = sorted(name for name, value in fields if value is not UNSET)
    asked = header(request, b"if-match")
    pool = request.app.state.pool
    # Nobody sends costs meanwhile: their currency and their months are as they are found here.
    async with tenant_transaction(pool, tenant_id, lock="exclusive") as connection:
        known = await read_tenant(connection, tenant_id)
        if asked is not None and not matching(tagged(known)[1], known_tags(asked)):
            raise Problem("precondition_failed", "The tenant has changed since it was read.")
        if changed:
            await change(connection, tenant_id, known, wanted)
            await audited(connection, principal, AuditAction.tenant_changed, fields=changed)
        body, tag = tagged(await read_tenant(connection, tenant_id))
    request.app.state.standings.forget(tenant_id)
    request.app.state.guard.forget(tenant_id)
    return json_response(body, 200, {"etag": f'"{tag}"'})


async def close_tenant(request: AnyRequest, principal: Principal) -> Response:
    wanted, tenant_id = await body_of(request, TenantClosingRequest), principal.tenant_id
    async with tenant_transaction(request.app.state.pool, tenant_id) as connection:
        known = await read_tenant(connection, tenant_id)
        if wanted.confirm != known.name:
            refuse("/confirm", "invalid_value", "It is not the name of the tenant.")
        found, is_new = await request_closing(connection, principal, now())
    request.app.state.guard.forget(tenant_id)
    return json_response(closing_of(found), 201 if is_new else 200)


async def withdraw_tenant_closing(request: AnyRequest, principal: Principal) -> Response:
    tenant_id = principal.tenant_id
    async with tenant_transaction(request.app.state.pool, tenant_id) as connection:
        if not await withdraw_closing(connection, principal, now()):
            raise Problem("not_found", "Nobody has asked for the tenant to be closed.")
    request.app.state.guard.forget(tenant_id)
    return no_content()


OPERATIONS = [
    Operation(
        method="GET",
        path="/v1/tenant",
        operation_id="getTenant",
        summary="Read what the tenant is",
        description="Its name, zone, language and currency, whether it is about to close, and "
        "where its other settings stand.",
        tag=TAG,
        handler=get_tenant,
        scope=Scope.REPORTS_READ,
        responses={
            200: Media(body=TenantDocument, headers=("ETag",)),
            304: Media(description="As in the answer that you have.", headers=("ETag",)),
        },
    ),
    Operation(
        method="PATCH",
        path="/v1/tenant",
        operation_id="updateTenant",
        summary="Change what the tenant is",
        description="What is absent stays as it is, null clears. `timezone` can change until there "
        "are records, `currency` until there are costs in another one: then 409 says what to do. "
        "`week_starts_on` is of `time:week`, `this_week` and `last_week`; null is Monday. Other "
        "processes follow within 5 seconds.",
        tag=TAG,
        handler=update_tenant,
        scope=Scope.ADMIN_WRITE,
        request=TenantChange,
        request_examples={"arabic": {"language": "ar"}},
        responses={200: Media(body=TenantDocument, headers=("ETag",))},
        problems=("conflict", "precondition_failed"),
    ),
    Operation(
        method="POST",
        path="/v1/tenant/closing",
        operation_id="closeTenant",
        repeats="harmless",
        summary="Close the tenant for good",
        description="Only owners who have signed in. For 30 days everything can be read and "
        "exported, nothing is written (409 `tenant_closing`), and it can be withdrawn. Then nobody "
        "is let in, and all that the tenant has is deleted. Asking again changes nothing.",
        tag=TAG,
        handler=close_tenant,
        scope=Scope.ADMIN_WRITE,
        person=True,
        owner=True,
        request=TenantClosingRequest,
        request_examples={"named": {"confirm": "Example Inc."}},
        responses={200: TenantClosing, 201: TenantClosing},
    ),
    Operation(
        method="DELETE",
        path="/v1/tenant/closing",
        operation_id="withdrawTenantClosing",
        summary="Keep the tenant after all",
        description="Only owners who have signed in, until `closes_at`.",
        tag=TAG,
        handler=withdraw_tenant_closing,
        scope=Scope.ADMIN_WRITE,
        person=True,
        owner=True,
        responses={204: None},
        problems=("not_found",),
    ),
]

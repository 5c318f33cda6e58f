"""How long records are kept: set by who administers a tenant, done by the worker at night."""

from typing import Annotated, Any
from uuid import UUID

import asyncpg
import msgspec
from msgspec import Meta

from csapi.access.audit import Actor, audited
from csapi.access.audit_actions import AuditAction
from csapi.access.principals import Principal, Scope
from csapi.access.tenancy import tenant_transaction
from csapi.facts.retention_tables import KEPT_DAYS_UPTO, LEAST_KEPT
from csapi.kit.http import Response, json_response
from csapi.kit.operations import AnyRequest, Operation, body_of
from csapi.kit.quantities import UtcDatetime
from csapi.reports.administration.keys import TAG

GET = """
SELECT r.keep_days, r.refused_before, r.removed_before, coalesce(r.removed, 0) AS removed,
  (SELECT max(frozen_before) FROM freezes WHERE tenant_id = $1) AS frozen_before,
  (SELECT max(frozen_at) FROM freezes WHERE tenant_id = $1) AS frozen_at,
  (SELECT coalesce(sum(times), 0) FROM dead_marks WHERE tenant_id = $1)::bigint AS late_changes
FROM (SELECT) AS one LEFT JOIN retention r ON r.tenant_id = $1"""
PUT = """
INSERT INTO retention (tenant_id, keep_days) VALUES ($1, $2)
ON CONFLICT (tenant_id)
DO UPDATE SET keep_days = excluded.keep_days, updated_at = clock_timestamp()"""

KeepDays = Annotated[
    int,
    Meta(
        ge=LEAST_KEPT.days,
        le=KEPT_DAYS_UPTO,
        description="For how many days records are kept. They go by whole local months: those of a "
        "month in which one is to be kept stay",
    ),
]


class RetentionSetting(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Null keeps records for ever, which is how a tenant begins."""

    keep_days: KeepDays | None


class Retention(msgspec.Struct, kw_only=True):
    """How long records are kept, and how far that has been done."""

    keep_days: KeepDays | None
    refused_before: Annotated[
        UtcDatetime | None,
        Meta(description="New records that begin before it are refused (event_too_old)"),
    ]
    frozen_before: Annotated[
        UtcDatetime | None,
        Meta(description="Before it, numbers stand as they were counted; only summaries are kept"),
    ]
    frozen_at: Annotated[UtcDatetime | None, Meta(description="When that was last moved")]
    removed_before: Annotated[
        UtcDatetime | None, Meta(description="As far as records have been removed")
    ]
    removed: Annotated[int, Meta(ge=0, description="Records that were removed, ever")]
    late_changes: Annotated[
        int, Meta(ge=0, description="Changes that concerned what is frozen and were not counted")
    ]


async def read_retention(connection: asyncpg.Connection, tenant_id: UUID) -> Retention:
    row: Any = await connection.fetchrow(GET, tenant_id)
    return msgspec.convert(dict(row), Retention)


async def write_retention(
    connection: asyncpg.Connection, by: Principal | Actor, keep_days: int | None
) -> Retention:
    """Set it, in a transaction of the tenant."""
    await connection.execute(PUT, by.tenant_id, keep_days)
    found = await read_retention(connection, by.tenant_id)
    await audited(connection, by, AuditAction.retention_changed, keep_days=keep_days)
    return found


async def get_retention(request: AnyRequest, principal: Principal) -> Response:
    pool, tenant_id = request.app.state.pool, principal.tenant_id
    async with tenant_transaction(pool, tenant_id, readonly=True) as connection:
        return json_response(await read_retention(connection, tenant_id))


async def put_retention(request: AnyRequest, principal: Principal) -> Response:
    wanted = await body_of(request, RetentionSetting)
    async with tenant_transaction(request.app.state.pool, principal.tenant_id) as connection:
        found = await write_retention(connection, principal, wanted.keep_days)
    return json_response(found)


OPERATIONS = [
    Operation(
        method="GET",
        path="/v1/retention",
        operation_id="getRetention",
        summary="Read how long records are kept",
        description="For how many days, and how far what is older has been frozen and removed.",
        tag=TAG,
        handler=get_retention,
        scope=Scope.REPORTS_READ,
        responses={200: Retention},
    ),
    Operation(
        method="PUT",
        path="/v1/retention",
        operation_id="setRetention",
        summary="Set how long records are kept",
        description="A week later at night the worker freezes the summaries of what is older, and "
        "removes its tickets, calls, feedback, reviews and tasks; until then it can be changed "
        "back. After that it cannot be undone: a longer time brings nothing back. Reports over "
        "frozen time go on from summaries; what those do not have is refused with "
        "`beyond_retention`.",
        tag=TAG,
        handler=put_retention,
        scope=Scope.ADMIN_WRITE,
        request=RetentionSetting,
        request_examples={"two years": {"keep_days": 730}},
        responses={200: Retention},
    ),
]

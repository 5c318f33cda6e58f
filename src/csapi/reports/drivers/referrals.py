"""Topics handed to a department: who owns it, until when, and how far it is."""

from datetime import date
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

import asyncpg
import msgspec
from msgspec import UNSET, Meta, UnsetType

from csapi.access.audit import audited
from csapi.access.audit_actions import AuditAction
from csapi.access.happenings import DriverReferred
from csapi.access.outbox import emit
from csapi.access.principals import Principal, Scope
from csapi.access.tenancy import tenant_transaction
from csapi.facts.wire import Key, Text, normalized
from csapi.kit.cursors import id_before
from csapi.kit.http import Response, json_response
from csapi.kit.operations import AnyRequest, Operation, body_of, params_of, path_of
from csapi.kit.problems import Problem
from csapi.kit.quantities import UtcDatetime
from csapi.metrics.dimensions import DIMENSIONS
from csapi.reports.drivers.endpoints import DriverPath
from csapi.reports.drivers.scoring import id_of, key_of
from csapi.reports.endpoints import QUERY_TAG
from csapi.reports.pages import Cursor, page_by_id
from csapi.reports.read import find_members
from csapi.reports.refusals import refuse
from csapi.reports.resolve import Wanted
from csapi.reports.schemas import QueryPage
from csapi.reports.surroundings import topic_tree

MOST_REFERRALS = 10_000


class ReferralStatus(StrEnum):
    """How far a referral is. done and declined are ends."""

    open = "open"
    in_progress = "in_progress"
    done = "done"
    declined = "declined"


class NewReferral(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Hands a topic to a department: the one that is responsible for it now if none is named."""

    department: Key | None = None
    owner: Text | None = None
    due_on: date | None = None
    status: ReferralStatus = ReferralStatus.open
    note: Text | None = None


class ReferralChange(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What changes: what is absent stays, null clears."""

    department: Key | UnsetType = UNSET
    owner: Text | UnsetType | None = UNSET
    due_on: date | UnsetType | None = UNSET
    status: ReferralStatus | UnsetType = UNSET
    note: Text | UnsetType | None = UNSET


class Referral(msgspec.Struct, kw_only=True):
    """A topic in the hands of a department. `closed_at`: when it was done or declined."""

    id: str
    driver_id: str
    topic: str
    department: str
    owner: str | None
    due_on: date | None
    status: ReferralStatus
    note: str | None
    created_at: UtcDatetime
    updated_at: UtcDatetime
    closed_at: UtcDatetime | None


class ReferralPage(msgspec.Struct, kw_only=True):
    """Referrals, the newest first."""

    data: list[Referral]
    page: QueryPage


class ReferralPath(msgspec.Struct, kw_only=True):
    referral_id: Annotated[UUID, Meta(description="Our id of the referral")]


class ReferralParams(msgspec.Struct, kw_only=True):
    """Which referrals."""

    driver_id: Annotated[str | None, Meta(description="About this driver alone")] = None
    status: Annotated[ReferralStatus | None, Meta(description="Of this status alone")] = None
    limit: Annotated[int, Meta(ge=1, le=1000, description="Page size")] = 100
    cursor: Cursor = None


COLUMNS = "id, topic, department, owner, due_on, status, note, created_at, updated_at, closed_at"
CLOSED = f"('{ReferralStatus.done}', '{ReferralStatus.declined}')"
CREATE = f"""
INSERT INTO driver_referrals (tenant_id, topic, department, owner, due_on, status, note, closed_at)
SELECT $1, $2::text, $3::text, $4::text, $5::date, $6::text, $7::text,
  CASE WHEN $6::text IN {CLOSED} THEN clock_timestamp() END
WHERE (SELECT count(*) FROM driver_referrals WHERE tenant_id = $1) < {MOST_REFERRALS}
RETURNING {COLUMNS}"""
ONE = f"SELECT {COLUMNS} FROM driver_referrals WHERE tenant_id = $1 AND id = $2 FOR UPDATE"
READ = f"SELECT {COLUMNS} FROM driver_referrals WHERE tenant_id = $1 AND id = $2"
LIST = f"""
SELECT {COLUMNS} FROM driver_referrals
WHERE tenant_id = $1 AND ($2::text IS NULL OR topic = $2) AND ($3::text IS NULL OR status = $3)
  AND ($4::uuid IS NULL OR id < $4)
ORDER BY id DESC LIMIT $5"""
# An end stays when it was reached until it is left.
CHANGE = f"""
UPDATE driver_referrals SET department = $3, owner = $4, due_on = $5, status = $6, note = $7,
  updated_at = clock_timestamp(),
  closed_at = CASE WHEN $6 IN {CLOSED} THEN coalesce(closed_at, clock_timestamp()) END
WHERE tenant_id = $1 AND id = $2
RETURNING {COLUMNS}"""
EDITABLE = ReferralChange.__struct_fields__
EXAMPLE = {"department": "finance", "owner": "Kim", "due_on": "2026-04-15", "note": "Since 3.2"}


def referral(row: asyncpg.Record) -> Referral:
    fields = {**row, "id": str(row["id"]), "status": ReferralStatus(row["status"])}
    return Referral(**fields, driver_id=id_of(row["topic"]))


async def responsible(connection: asyncpg.Connection, tenant_id: UUID, member: int) -> str | None:
    """The key of the department that is responsible for a topic now."""
    department = (await topic_tree(connection, tenant_id)).department(member)
    if department is None:
        return None
    found: str | None = await connection.fetchval(
        "SELECT key FROM members WHERE tenant_id = $1 AND member = $2", tenant_id, department
    )
    return found


async def create_referral(request: AnyRequest, principal: Principal) -> Response:
    topic = normalized(key_of(path_of(request, DriverPath).driver_id))
    asked, tenant_id = await body_of(request, NewReferral), principal.tenant_id
    async with tenant_transaction(request.app.state.pool, tenant_id) as connection:
        wanted = Wanted(DIMENSIONS["topic"], (topic,))
        members = await find_members(connection, tenant_id, [wanted])
        if not members:
            raise Problem("not_found", "There is no such topic for this key.")
        department = asked.department
        if department is None:
            department = await responsible(connection, tenant_id, members["topic", topic][0])
        if department is None:
            refuse("/department", "required", "No department is responsible for the topic.")
        row = await connection.fetchrow(
            CREATE, tenant_id, topic, department, asked.owner, asked.due_on, asked.status,
            asked.note,
        )  # fmt: skip
        if row is None:
            text = f"There are {MOST_REFERRALS:,} referrals, and no room for more."
            raise Problem("conflict", text)
        made = referral(row)
        await emit(connection, tenant_id, referred(made))
        await audited(connection, principal, AuditAction.referral_created, made.id)
    request.app.state.wake_webhooks()
    return json_response(made, 201)


def referred(made: Referral) -> DriverReferred:
    """Without what was written about it, and who owns it."""
    return DriverReferred(
        referral_id=made.id,
        driver_id=made.driver_id,
        topic=made.topic,
        department=made.department,
        due_on=made.due_on,
        status=made.status.value,
        path=f"/v1/referrals/{made.id}",
    )


async def list_referrals(request: AnyRequest, principal: Principal) -> Response:
    wanted = params_of(request, ReferralParams)
    topic = None if wanted.driver_id is None else normalized(key_of(wanted.driver_id))
    after = id_before(wanted)
    pool, tenant_id = request.app.state.pool, principal.tenant_id
    async with tenant_transaction(pool, tenant_id, readonly=True) as connection:
        rows = await connection.fetch(
            LIST, tenant_id, topic, wanted.status, after, wanted.limit + 1
        )
    page, place = page_by_id(rows, wanted)
    return json_response(ReferralPage(data=[referral(row) for row in page], page=place))


def found_referral(row: Any) -> Any:
    if row is None:
        raise Problem("not_found", "There is no such referral for this key.")
    return row


async def get_referral(request: AnyRequest, principal: Principal) -> Response:
    id_, pool = path_of(request, ReferralPath).referral_id, request.app.state.pool
    async with tenant_transaction(pool, principal.tenant_id, readonly=True) as connection:
        row = found_referral(await connection.fetchrow(READ, principal.tenant_id, id_))
    return json_response(referral(row))


async def change_referral(request: AnyRequest, principal: Principal) -> Response:
    id_ = path_of(request, ReferralPath).referral_id
    change, tenant_id = await body_of(request, ReferralChange), principal.tenant_id
    async with tenant_transaction(request.app.state.pool, tenant_id) as connection:
        row = found_referral(await connection.fetchrow(ONE, tenant_id, id_))
        given = {name: getattr(change, name) for name in EDITABLE}
        values = [row[name] if each is UNSET else each for name, each in given.items()]
        changed = await connection.fetchrow(CHANGE, tenant_id, id_, *values)
        await audited(connection, principal, AuditAction.referral_changed, id_)
    return json_response(referral(changed))


OPERATIONS = [
    Operation(
        method="POST",
        path="/v1/drivers/{driver_id}/referrals",
        operation_id="createReferral",
        repeats="keyed",
        summary="Hand a topic to a department",
        description="With an owner, a date by when, and a note. Without `department` the one that "
        "is responsible for the topic now. Needs a topic that something was about.",
        tag=QUERY_TAG,
        handler=create_referral,
        scope=Scope.ADMIN_WRITE,
        path_params=DriverPath,
        request=NewReferral,
        request_examples={"to_finance": EXAMPLE},
        responses={201: Referral},
        problems=("conflict",),
    ),
    Operation(
        method="GET",
        path="/v1/referrals",
        operation_id="listReferrals",
        summary="List referrals",
        description="The newest first.",
        tag=QUERY_TAG,
        handler=list_referrals,
        scope=Scope.REPORTS_READ,
        params=ReferralParams,
        responses={200: ReferralPage},
        problems=("invalid_cursor",),
    ),
    Operation(
        method="GET",
        path="/v1/referrals/{referral_id}",
        operation_id="getReferral",
        summary="Read a referral",
        description="As it is now.",
        tag=QUERY_TAG,
        handler=get_referral,
        scope=Scope.REPORTS_READ,
        path_params=ReferralPath,
        responses={200: Referral},
    ),
    Operation(
        method="PATCH",
        path="/v1/referrals/{referral_id}",
        operation_id="updateReferral",
        summary="Change a referral",
        description="What is absent stays as it is; null clears owner, date or note.",
        tag=QUERY_TAG,
        handler=change_referral,
        scope=Scope.ADMIN_WRITE,
        path_params=ReferralPath,
        request=ReferralChange,
        request_examples={"done": {"status": "done"}},
        responses={200: Referral},
    ),
]

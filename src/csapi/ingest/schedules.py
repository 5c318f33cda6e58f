"""Asking for the business time of what was derived before a schedule changed."""

from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from csapi.access.audit import audited
from csapi.access.audit_actions import AuditAction
from csapi.access.principals import Principal, Scope
from csapi.access.tenancy import tenant_transaction
from csapi.facts.schedule_periods import ask_for_recompute
from csapi.kit.http import Response, json_response
from csapi.kit.operations import AnyRequest, Operation, path_of
from csapi.kit.problems import Problem

TAG = "Business hours"

FIND_SCHEDULE = "SELECT surrogate FROM schedules WHERE tenant_id = $1 AND id = $2 AND NOT is_stub"


class SchedulePath(msgspec.Struct, kw_only=True):
    id: Annotated[UUID, Meta(description="Our id of the schedule")]


class RecomputeReceipt(msgspec.Struct, kw_only=True):
    """The recompute is noted. Until it is done, answers say so by `pending_subjects`."""

    id: str
    request_id: str


async def recompute(request: AnyRequest, principal: Principal) -> Response:
    wanted = path_of(request, SchedulePath).id
    pool = request.app.state.pool
    async with tenant_transaction(pool, principal.tenant_id) as connection:
        surrogate = await connection.fetchval(FIND_SCHEDULE, principal.tenant_id, wanted)
        if surrogate is None:
            raise Problem("not_found", "There is no such schedule.")
        await ask_for_recompute(connection, principal.tenant_id, surrogate)
        await audited(connection, principal, AuditAction.schedule_recomputed, wanted)
    request.app.state.wake_worker()
    receipt = RecomputeReceipt(id=str(wanted), request_id=request.scope["state"]["request_id"])
    return json_response(receipt, 202)


OPERATIONS = [
    Operation(
        method="POST",
        path="/v1/schedules/{id}/recompute",
        operation_id="recomputeSchedule",
        repeats="harmless",
        summary="Measure business time again",
        description="A change of a schedule leaves the business time of what is already there as "
        "it is. This derives all tickets and calls with business time again in the background, by "
        "all schedules as they are now; a deleted schedule may be named, too.",
        tag=TAG,
        handler=recompute,
        scope=Scope.ADMIN_WRITE,
        path_params=SchedulePath,
        responses={202: RecomputeReceipt},
        problems=("not_found",),
    ),
]

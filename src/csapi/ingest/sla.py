"""Asking for targets to be decided anew after a policy changed."""

from csapi.access.audit import audited
from csapi.access.audit_actions import AuditAction
from csapi.access.principals import Principal, Scope
from csapi.access.tenancy import tenant_transaction
from csapi.facts.sla_targets import ask_for_recompute
from csapi.ingest.schedules import RecomputeReceipt
from csapi.ingest.schemas import RecordPath
from csapi.kit.http import Response, json_response
from csapi.kit.operations import AnyRequest, Operation, path_of
from csapi.kit.problems import Problem

TAG = "SLA policies"

HAS_POLICY = """
SELECT EXISTS (SELECT 1 FROM sla_policies WHERE tenant_id = $1 AND id = $2 AND NOT is_stub)"""


async def recompute(request: AnyRequest, principal: Principal) -> Response:
    wanted = path_of(request, RecordPath).id
    pool = request.app.state.pool
    async with tenant_transaction(pool, principal.tenant_id) as connection:
        if not await connection.fetchval(HAS_POLICY, principal.tenant_id, wanted):
            raise Problem("not_found", "There is no such policy.")
        await ask_for_recompute(connection, principal.tenant_id)
        await audited(connection, principal, AuditAction.sla_policy_recomputed, wanted)
    request.app.state.wake_worker()
    receipt = RecomputeReceipt(id=str(wanted), request_id=request.scope["state"]["request_id"])
    return json_response(receipt, 202)


OPERATIONS = [
    Operation(
        method="POST",
        path="/v1/sla-policies/{id}/recompute",
        operation_id="recomputeSlaPolicy",
        repeats="harmless",
        summary="Decide targets anew",
        description="A change of a policy that reaches back leaves the tickets that are already "
        "there as they are. This derives all tickets in the background, by all policies as they "
        "are now; a deleted policy may be named, too.",
        tag=TAG,
        handler=recompute,
        scope=Scope.ADMIN_WRITE,
        path_params=RecordPath,
        responses={202: RecomputeReceipt},
        problems=("not_found",),
    ),
]

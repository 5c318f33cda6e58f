"""The weights that a tenant ranks by where a request names none."""

import msgspec

from csapi.access.audit import audited
from csapi.access.audit_actions import AuditAction
from csapi.access.principals import Principal, Scope
from csapi.access.tenancy import tenant_transaction
from csapi.kit.http import Response, json_response
from csapi.kit.operations import AnyRequest, Operation, body_of
from csapi.kit.problems import pointer
from csapi.metrics.catalog import METRICS
from csapi.metrics.metric import Direction
from csapi.reports.drivers.severity import WEIGHTS
from csapi.reports.refusals import refuse
from csapi.reports.settings import TAG
from csapi.reports.standing import READ_WEIGHTS, weights_of
from csapi.reports.weights import LARGEST_WEIGHT

PUT_WEIGHTS = """
INSERT INTO weight_settings (tenant_id, drivers, evaluations) VALUES ($1, $2::json, $3::json)
ON CONFLICT (tenant_id) DO UPDATE SET drivers = excluded.drivers,
  evaluations = excluded.evaluations, updated_at = clock_timestamp()"""


class WeightSettings(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Weights above 0, up to 1000, by name. `drivers`: of the shares that make the severity; empty:
    those of the documentation. `evaluations`: of metrics whose direction is good or bad, for
    `composite`; empty: there is none unless a request asks for it."""

    drivers: dict[str, float]
    evaluations: dict[str, float]


def check_weights(place: str, given: dict[str, float], able: list[str]) -> None:
    for name, weight in given.items():
        where = pointer(place, name)
        if name not in able:
            refuse(where, "invalid_value", "This can have no weight; these can.", able)
        if not 0 < weight <= LARGEST_WEIGHT:
            refuse(where, "out_of_range", f"A weight is above 0 and up to {LARGEST_WEIGHT:g}.")


async def put_weights(request: AnyRequest, principal: Principal) -> Response:
    wanted = await body_of(request, WeightSettings)
    check_weights("drivers", wanted.drivers, list(WEIGHTS))
    directed = [name for name, each in METRICS.items() if each.direction is not Direction.neutral]
    check_weights("evaluations", wanted.evaluations, directed)
    tenant_id = principal.tenant_id
    texts = [msgspec.json.encode(each).decode() for each in (wanted.drivers, wanted.evaluations)]
    async with tenant_transaction(request.app.state.pool, tenant_id) as tenant:
        await tenant.execute(PUT_WEIGHTS, tenant_id, *texts)
        await audited(tenant, principal, AuditAction.weights_changed)
    request.app.state.standings.forget(tenant_id)
    return json_response(wanted)


async def get_weights(request: AnyRequest, principal: Principal) -> Response:
    tenant_id = principal.tenant_id
    async with tenant_transaction(request.app.state.pool, tenant_id, readonly=True) as tenant:
        found = weights_of(await tenant.fetchval(READ_WEIGHTS, tenant_id))
    return json_response(
        WeightSettings(drivers=dict(found.drivers), evaluations=dict(found.evaluations))
    )


OPERATIONS = [
    Operation(
        method="PUT",
        path="/v1/weight-settings",
        operation_id="setWeights",
        summary="Settle the weights of drivers and evaluations",
        description="What `GET /v1/drivers` and `GET /v1/agents/evaluations` rank by where a "
        "request names no `weight`. Replaces what was settled before. Other processes follow "
        "within 5 seconds.",
        tag=TAG,
        handler=put_weights,
        scope=Scope.ADMIN_WRITE,
        request=WeightSettings,
        request_examples={
            "satisfaction_first": {
                "drivers": {"contacts": 1, "dissatisfaction": 3},
                "evaluations": {"csat_score": 2, "response_time": 1},
            }
        },
        responses={200: WeightSettings},
    ),
    Operation(
        method="GET",
        path="/v1/weight-settings",
        operation_id="getWeights",
        summary="Read the weights that are settled",
        description="Empty where nothing is.",
        tag=TAG,
        handler=get_weights,
        scope=Scope.REPORTS_READ,
        responses={200: WeightSettings},
    ),
]

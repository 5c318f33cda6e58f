"""Alerts over HTTP, and what they told of."""

from dataclasses import replace

from csapi.access.audit import audited
from csapi.access.audit_actions import AuditAction
from csapi.access.principals import Principal, Scope
from csapi.access.tenancy import tenant_transaction
from csapi.kit.http import Response, json_response, no_content
from csapi.kit.operations import AnyRequest, Media, Operation, body_of, path_of
from csapi.kit.problems import Problem
from csapi.metrics.metric import MergeClass, Metric
from csapi.reports.alerts import store
from csapi.reports.alerts.looking import Glance, look
from csapi.reports.alerts.schemas import (
    MOST_ALERTS,
    MOST_WINDOW_DAYS,
    AlertGrain,
    AlertKind,
    AlertList,
    AlertPath,
    AlertRequest,
    SavedAlert,
)
from csapi.reports.alerts.timing import grain_of, last_end, next_look
from csapi.reports.endpoints import desk_of
from csapi.reports.goals.checks import check_metric
from csapi.reports.goals.endpoints import ASKING, TAG
from csapi.reports.refusals import refuse
from csapi.reports.service import Desk, slowness_told, snapshot_of
from csapi.reports.watching import Watch, set_mark

LOW = {
    "name": "Satisfaction below 80 %",
    "kind": "threshold",
    "metric": {"id": "csat_score"},
    "bound": {"below": 0.8},
    "window": 7,
}
RUSH = {"name": "Calls out of the usual", "kind": "anomaly", "metric": {"id": "calls_offered"},
        "grain": "hour"}  # fmt: skip
SLOWER = {"name": "First answers get slower", "kind": "drift",
          "metric": {"id": "first_response_time"}}  # fmt: skip


def missing() -> Problem:
    return Problem("not_found", "There is no such alert for this key.")


def check_fields(alert: AlertRequest) -> None:
    """What the kind of alert needs, and what it has no use for."""
    is_threshold, bound = alert.kind is AlertKind.threshold, alert.bound
    if is_threshold and bound is None:
        refuse("/bound", "required", "A threshold has a bound.")
    if bound is not None and (bound.above is None) is (bound.below is None):
        refuse("/bound", "invalid_value", "Give either `above` or `below`.")
    others = {"bound": bound, "window": alert.window}
    for name, value in {"side": alert.side}.items() if is_threshold else others.items():
        if value is not None:
            refuse(f"/{name}", "not_supported", f"{alert.kind} has no {name}.")
    if alert.kind is AlertKind.drift:
        if alert.grain not in (None, AlertGrain.week):
            refuse("/grain", "not_supported", "Drift is by week.", [AlertGrain.week.value])
    elif alert.grain is AlertGrain.week:
        allowed = [AlertGrain.hour.value, AlertGrain.day.value]
        refuse("/grain", "not_supported", "A week is a window of seven days.", allowed)
    if (alert.window or 1) > MOST_WINDOW_DAYS and grain_of(alert) is AlertGrain.day:
        refuse("/window", "out_of_range", f"At most {MOST_WINDOW_DAYS} days.")


def check_kind(alert: AlertRequest, metric: Metric) -> None:
    is_extreme = metric.merge_class is MergeClass.extreme or alert.metric.agg in ("min", "max")
    if is_extreme and alert.kind is not AlertKind.threshold:
        message = "One record decides an extreme: it has no usual range. Ask for a threshold."
        refuse("/metric", "not_supported", message)


async def checked(request: AnyRequest, principal: Principal) -> tuple[AlertRequest, Desk]:
    alert, desk = await body_of(request, AlertRequest), desk_of(request, principal)
    check_fields(alert)
    end = last_end(grain_of(alert), desk.timezone, desk.now)
    async with snapshot_of(desk) as snapshot:
        for window in Glance(alert, desk.timezone, end).all():
            check_kind(alert, await check_metric(snapshot, window))
    return alert, desk


async def create_alert(request: AnyRequest, principal: Principal) -> Response:
    alert, desk = await checked(request, principal)
    tenant_id = principal.tenant_id
    async with tenant_transaction(desk.pool, tenant_id) as connection:
        row = await connection.fetchrow(store.ADD, tenant_id, store.text_of(alert))
        if row is not None:
            following = next_look(alert, desk.timezone, desk.now)
            await set_mark(connection, tenant_id, Watch.ALERT, row["id"], following)
            await audited(connection, principal, AuditAction.alert_created, row["id"])
    if row is None:
        raise Problem("conflict", f"There are {MOST_ALERTS} alerts: delete one first.")
    made = store.alert_of(row)
    return json_response(made, 201, {"location": f"/v1/alerts/{made.id}"})


async def replace_alert(request: AnyRequest, principal: Principal) -> Response:
    alert_id, tenant_id = path_of(request, AlertPath).alert_id, principal.tenant_id
    alert, desk = await checked(request, principal)
    following = next_look(alert, desk.timezone, desk.now)
    async with tenant_transaction(desk.pool, tenant_id) as connection:
        # The mark first, as the worker does.
        await set_mark(connection, tenant_id, Watch.ALERT, alert_id, following)
        row = await connection.fetchrow(store.REPLACE, tenant_id, alert_id, store.text_of(alert))
        if row is None:
            raise missing()
        await connection.execute(store.END_EVENTS, tenant_id, alert_id)
        await audited(connection, principal, AuditAction.alert_changed, alert_id)
    return json_response(store.alert_of(row))


async def list_alerts(request: AnyRequest, principal: Principal) -> Response:
    pool = request.app.state.pool
    async with tenant_transaction(pool, principal.tenant_id, readonly=True) as connection:
        rows = await connection.fetch(store.LIST, principal.tenant_id)
    return json_response(AlertList(data=[store.alert_of(row) for row in rows]))


async def get_alert(request: AnyRequest, principal: Principal) -> Response:
    alert_id, pool = path_of(request, AlertPath).alert_id, request.app.state.pool
    async with tenant_transaction(pool, principal.tenant_id, readonly=True) as connection:
        row = await connection.fetchrow(store.ONE, principal.tenant_id, alert_id)
    if row is None:
        raise missing()
    return json_response(store.alert_of(row))


async def look_now(request: AnyRequest, principal: Principal) -> Response:
    """By what every key that reads reports may see, as the worker looks."""
    alert_id, tenant_id = path_of(request, AlertPath).alert_id, principal.tenant_id
    desk = replace(desk_of(request, principal), sees_everything=False, names_customers=False)
    with slowness_told():
        async with snapshot_of(desk) as snapshot:
            row = await snapshot.connection.fetchrow(store.ONE, tenant_id, alert_id)
            if row is None:
                raise missing()
            alert = store.request_of(row)
            end = last_end(grain_of(alert), desk.timezone, desk.now)
            found, _ = await look(snapshot, alert, end)
    async with tenant_transaction(desk.pool, tenant_id) as connection:
        await store.keep_look(connection, tenant_id, row, found, desk.now)
        row = await connection.fetchrow(store.ONE, tenant_id, alert_id)
        if row is not None:
            await audited(connection, principal, AuditAction.alert_looked_at, alert_id)
    if row is None:
        raise missing()
    return json_response(store.alert_of(row))


async def delete_alert(request: AnyRequest, principal: Principal) -> Response:
    place = principal.tenant_id, path_of(request, AlertPath).alert_id
    async with tenant_transaction(request.app.state.pool, principal.tenant_id) as connection:
        await set_mark(connection, place[0], Watch.ALERT, place[1], None)
        if await connection.fetchval(store.DROP, *place) is None:
            raise missing()
        await connection.execute(store.DROP_EVENTS, *place)
        await audited(connection, principal, AuditAction.alert_deleted, place[1])
    return no_content()


READING = [
    Operation(
        method="GET",
        path="/v1/alerts",
        operation_id="listAlerts",
        summary="List alerts",
        description="All of them, the newest first, with what the latest look found.",
        tag=TAG,
        handler=list_alerts,
        scope=Scope.REPORTS_READ,
        responses={200: AlertList},
    ),
    Operation(
        method="GET",
        path="/v1/alerts/{alert_id}",
        operation_id="getAlert",
        summary="Read an alert",
        description="With what the latest look found.",
        tag=TAG,
        handler=get_alert,
        scope=Scope.REPORTS_READ,
        path_params=AlertPath,
        responses={200: SavedAlert},
    ),
]
WRITING = [
    Operation(
        method="POST",
        path="/v1/alerts",
        operation_id="createAlert",
        repeats="keyed",
        summary="Set an alert",
        description="Told of a value beyond a bound, of an hour or day out of its usual range, or "
        "of weeks that move away from those before. It is looked at with each bucket that is over, "
        "by the tenant's clock, from the next one on. docs/goals.md says how often it is wrong.",
        tag=TAG,
        handler=create_alert,
        scope=Scope.ADMIN_WRITE,
        request=AlertRequest,
        request_examples={"threshold": LOW, "anomaly": RUSH, "drift": SLOWER},
        responses={201: Media(body=SavedAlert, headers=("Location",))},
        problems=("conflict", *ASKING),
    ),
    Operation(
        method="PUT",
        path="/v1/alerts/{alert_id}",
        operation_id="replaceAlert",
        summary="Replace an alert",
        description="What is looked at from now on. What it told of stays; what went on is over.",
        tag=TAG,
        handler=replace_alert,
        scope=Scope.ADMIN_WRITE,
        path_params=AlertPath,
        request=AlertRequest,
        request_examples={"threshold": LOW},
        responses={200: SavedAlert},
        problems=ASKING,
    ),
    Operation(
        method="POST",
        path="/v1/alerts/{alert_id}/looks",
        operation_id="lookAtAlert",
        repeats="harmless",
        summary="Look at once",
        description="At the latest bucket that is over, as it is done by itself once the next one "
        "is. What it finds is told and kept in the same way; the same bucket is told of once.",
        tag=TAG,
        handler=look_now,
        scope=Scope.ADMIN_WRITE,
        path_params=AlertPath,
        responses={200: SavedAlert},
        problems=ASKING,
    ),
    Operation(
        method="DELETE",
        path="/v1/alerts/{alert_id}",
        operation_id="deleteAlert",
        summary="Delete an alert",
        description="The alert is gone, and what it told of with it.",
        tag=TAG,
        handler=delete_alert,
        scope=Scope.ADMIN_WRITE,
        path_params=AlertPath,
        responses={204: None},
    ),
]
OPERATIONS = [*READING, *WRITING]

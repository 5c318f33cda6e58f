"""What alerts told of, over HTTP."""

from typing import Any

from msgspec import UNSET

from csapi.access.audit import audited
from csapi.access.audit_actions import AuditAction
from csapi.access.principals import Principal, Scope
from csapi.access.tenancy import tenant_transaction
from csapi.kit.cursors import id_before
from csapi.kit.http import Response, json_response
from csapi.kit.operations import AnyRequest, Operation, body_of, params_of, path_of
from csapi.kit.problems import Problem
from csapi.reports.alerts import store
from csapi.reports.alerts.schemas import (
    AlertEvent,
    AlertEventChange,
    AlertEventPage,
    AlertEventParams,
    AlertEventPath,
    AlertState,
)
from csapi.reports.goals.endpoints import TAG
from csapi.reports.pages import page_by_id


def missing_event() -> Problem:
    return Problem("not_found", "There is no such event of an alert for this key.")


async def list_events(request: AnyRequest, principal: Principal) -> Response:
    wanted, tenant_id = params_of(request, AlertEventParams), principal.tenant_id
    after = id_before(wanted)
    pool = request.app.state.pool
    async with tenant_transaction(pool, tenant_id, readonly=True) as connection:
        rows = await connection.fetch(
            store.EVENTS, tenant_id, wanted.alert_id, wanted.state, after, wanted.limit + 1
        )
    page, place = page_by_id(rows, wanted)
    data = [store.event_of(row) for row in page]
    return json_response(AlertEventPage(data=data, page=place))


def found_event(row: Any) -> Any:
    if row is None:
        raise missing_event()
    return row


async def get_event(request: AnyRequest, principal: Principal) -> Response:
    event_id, pool = path_of(request, AlertEventPath).event_id, request.app.state.pool
    async with tenant_transaction(pool, principal.tenant_id, readonly=True) as connection:
        row = await connection.fetchrow(store.ONE_EVENT, principal.tenant_id, event_id)
    return json_response(store.event_of(found_event(row)))


async def change_event(request: AnyRequest, principal: Principal) -> Response:
    place = principal.tenant_id, path_of(request, AlertEventPath).event_id
    change = await body_of(request, AlertEventChange)
    async with tenant_transaction(request.app.state.pool, principal.tenant_id) as connection:
        row = found_event(await connection.fetchrow(store.LOCK_EVENT, *place))
        state = AlertState(row["state"]) if change.state is UNSET else change.state
        note = row["note"] if change.note is UNSET else change.note
        changed = await connection.fetchrow(store.CHANGE_EVENT, *place, state.value, note)
        act, event_id = AuditAction.alert_event_changed, place[1]
        await audited(connection, principal, act, event_id, state=state.value)
    return json_response(store.event_of(changed))


OPERATIONS = [
    Operation(
        method="GET",
        path="/v1/alert-events",
        operation_id="listAlertEvents",
        summary="List what alerts told of",
        description="The newest first: when, the value, the range that was expected, the query "
        "that gives the value, and what people have done about it. The latest 1,000 of an alert "
        "are kept.",
        tag=TAG,
        handler=list_events,
        scope=Scope.REPORTS_READ,
        params=AlertEventParams,
        responses={200: AlertEventPage},
        problems=("invalid_cursor",),
    ),
    Operation(
        method="GET",
        path="/v1/alert-events/{event_id}",
        operation_id="getAlertEvent",
        summary="Read what an alert told of",
        description="As it is now.",
        tag=TAG,
        handler=get_event,
        scope=Scope.REPORTS_READ,
        path_params=AlertEventPath,
        responses={200: AlertEvent},
    ),
    Operation(
        method="PATCH",
        path="/v1/alert-events/{event_id}",
        operation_id="updateAlertEvent",
        summary="Acknowledge or resolve what an alert told of",
        description="What is absent stays as it is.",
        tag=TAG,
        handler=change_event,
        scope=Scope.ADMIN_WRITE,
        path_params=AlertEventPath,
        request=AlertEventChange,
        request_examples={
            "seen": {"state": "acknowledged", "note": "A campaign; Kim looks at it."}
        },
        responses={200: AlertEvent},
    ),
]

"""Webhooks: the endpoints of the API."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
from msgspec import UNSET

from csapi.access.audit import audited
from csapi.access.audit_actions import AuditAction
from csapi.access.happenings import WebhookTest
from csapi.access.outbox import MOST_REPLAYED, MOST_WEBHOOKS, emit
from csapi.access.principals import Principal
from csapi.access.tenancy import tenant_transaction
from csapi.connect.webhooks import store
from csapi.connect.webhooks.schemas import (
    CreatedWebhook,
    DeliveryDetail,
    DeliveryPage,
    DeliveryParams,
    DeliveryPath,
    NewWebhook,
    ReplayRequest,
    SecretRotation,
    WebhookChange,
    WebhookList,
    WebhookPage,
    WebhookPath,
    WebhookSecret,
)
from csapi.connect.webhooks.signing import secret_text
from csapi.kit.clock import now
from csapi.kit.cursors import cut_by_id, id_before
from csapi.kit.http import Response, json_response, no_content
from csapi.kit.operations import AnyRequest, body_of, params_of, path_of
from csapi.kit.problems import FieldError, Problem, invalid
from csapi.kit.public_addresses import REFUSALS, refusal


def missing() -> Problem:
    return Problem("not_found", "There is no such webhook for this key.")


def missing_delivery() -> Problem:
    return Problem("not_found", "There is no such delivery for this key.")


def disabled() -> Problem:
    return Problem("conflict", "The webhook is disabled: enable it first (PATCH is_enabled).")


async def check_room(connection: Any, tenant_id: UUID, endpoint: UUID) -> None:
    """Nobody piles up more than an endpoint is sent at once."""
    waiting = await connection.fetchval(store.WAITING, tenant_id, endpoint)
    if waiting >= MOST_REPLAYED:
        raise Problem("conflict", f"{waiting:,} deliveries wait already: let them go first.")


def check_url(request: AnyRequest, url: str) -> None:
    found = refusal(url, insecure=request.app.state.settings.webhooks_insecure)
    if found is not None:
        raise invalid(FieldError("/url", "invalid_value", REFUSALS[found]))


async def create_webhook(request: AnyRequest, principal: Principal) -> Response:
    asked, tenant_id = await body_of(request, NewWebhook), principal.tenant_id
    check_url(request, asked.url)
    wanted = store.Wanted(asked.url, asked.events, asked.description, asked.is_enabled)
    async with tenant_transaction(request.app.state.pool, tenant_id) as connection:
        made = await store.create(connection, tenant_id, wanted, now())
        if made is not None:
            await audited(connection, principal, AuditAction.webhook_created, made[0]["id"])
    if made is None:
        raise Problem("conflict", f"There are {MOST_WEBHOOKS} webhooks: delete one first.")
    row, secret = made
    created = CreatedWebhook(**store.fields_of(row), secret=secret_text(secret))
    return json_response(created, 201, {"location": f"/v1/webhooks/{created.id}"})


async def list_webhooks(request: AnyRequest, principal: Principal) -> Response:
    pool, tenant_id = request.app.state.pool, principal.tenant_id
    async with tenant_transaction(pool, tenant_id, readonly=True) as connection:
        rows = await connection.fetch(store.LIST, tenant_id)
    return json_response(WebhookList(data=[store.webhook(row) for row in rows]))


async def found_webhook(connection: Any, tenant_id: UUID, id_: UUID, sql: str = store.ONE) -> Any:
    row = await connection.fetchrow(sql, tenant_id, id_)
    if row is None:
        raise missing()
    return row


async def get_webhook(request: AnyRequest, principal: Principal) -> Response:
    id_, tenant_id = path_of(request, WebhookPath).webhook_id, principal.tenant_id
    pool = request.app.state.pool
    async with tenant_transaction(pool, tenant_id, readonly=True) as connection:
        row = await found_webhook(connection, tenant_id, id_)
    return json_response(store.webhook(row))


async def change_webhook(request: AnyRequest, principal: Principal) -> Response:
    id_, tenant_id = path_of(request, WebhookPath).webhook_id, principal.tenant_id
    change = await body_of(request, WebhookChange)
    if change.url is not UNSET:
        check_url(request, change.url)
    async with tenant_transaction(request.app.state.pool, tenant_id) as connection:
        row = await found_webhook(connection, tenant_id, id_, store.LOCKED)
        before = store.webhook(row)
        values = {
            name: getattr(before if given is UNSET else change, name)
            for name, given in msgspec.structs.asdict(change).items()
        }
        row = await store.change(connection, tenant_id, id_, store.Wanted(**values), now())
        await audited(connection, principal, AuditAction.webhook_changed, id_)
    return json_response(store.webhook(row))


async def delete_webhook(request: AnyRequest, principal: Principal) -> Response:
    id_, tenant_id = path_of(request, WebhookPath).webhook_id, principal.tenant_id
    async with tenant_transaction(request.app.state.pool, tenant_id) as connection:
        if not await store.remove(connection, tenant_id, id_, now()):
            raise missing()
        await audited(connection, principal, AuditAction.webhook_deleted, id_)
    return no_content()


async def rotate_secret(request: AnyRequest, principal: Principal) -> Response:
    id_, tenant_id = path_of(request, WebhookPath).webhook_id, principal.tenant_id
    overlap = (await body_of(request, SecretRotation)).overlap_seconds
    async with tenant_transaction(request.app.state.pool, tenant_id) as connection:
        await found_webhook(connection, tenant_id, id_, store.LOCKED)
        secret = await store.add_secret(connection, tenant_id, id_, overlap)
        act = AuditAction.webhook_secret_rotated
        await audited(connection, principal, act, id_, overlap_seconds=overlap)
    ends_at = now() + timedelta(seconds=overlap)
    return json_response(WebhookSecret(secret=secret_text(secret), overlap_ends_at=ends_at), 201)


async def test_webhook(request: AnyRequest, principal: Principal) -> Response:
    id_, tenant_id = path_of(request, WebhookPath).webhook_id, principal.tenant_id
    async with tenant_transaction(request.app.state.pool, tenant_id) as connection:
        await found_webhook(connection, tenant_id, id_)
        await check_room(connection, tenant_id, id_)
        made = await emit(connection, tenant_id, WebhookTest(webhook_id=str(id_)), to=id_)
        if made is None:
            raise disabled()
        told = await store.detail(connection, tenant_id, id_, made)
        await audited(connection, principal, AuditAction.webhook_tested, id_)
    request.app.state.wake_webhooks()
    return json_response(told, 202)


async def list_deliveries(request: AnyRequest, principal: Principal) -> Response:
    id_, tenant_id = path_of(request, WebhookPath).webhook_id, principal.tenant_id
    wanted = params_of(request, DeliveryParams)
    after = id_before(wanted, id_)
    pool = request.app.state.pool
    async with tenant_transaction(pool, tenant_id, readonly=True) as connection:
        await found_webhook(connection, tenant_id, id_)
        rows = await store.deliveries(connection, tenant_id, id_, wanted, after)
    page, cursor = cut_by_id(rows, wanted, id_)
    data = [store.delivery(row) for row in page]
    return json_response(DeliveryPage(data=data, page=WebhookPage(next_cursor=cursor)))


async def get_delivery(request: AnyRequest, principal: Principal) -> Response:
    path, tenant_id = path_of(request, DeliveryPath), principal.tenant_id
    pool = request.app.state.pool
    async with tenant_transaction(pool, tenant_id, readonly=True) as connection:
        found = await store.detail(connection, tenant_id, path.webhook_id, path.delivery_id)
    if found is None:
        raise missing_delivery()
    return json_response(found)


async def replay_delivery(request: AnyRequest, principal: Principal) -> Response:
    path, tenant_id = path_of(request, DeliveryPath), principal.tenant_id
    place = tenant_id, path.webhook_id
    async with tenant_transaction(request.app.state.pool, tenant_id) as connection:
        if await store.detail(connection, *place, path.delivery_id) is None:
            raise missing_delivery()
        row = await found_webhook(connection, *place, store.LOCKED)
        if not row["is_enabled"]:
            raise disabled()
        await check_room(connection, *place)
        made = await connection.fetchval(store.REPLAY_ONE, *place, path.delivery_id)
        told: DeliveryDetail | None = await store.detail(connection, *place, made)
        act, delivery = AuditAction.webhook_replayed, str(path.delivery_id)
        await audited(connection, principal, act, path.webhook_id, delivery=delivery)
    request.app.state.wake_webhooks()
    return json_response(told, 202)


async def replay_range(request: AnyRequest, principal: Principal) -> Response:
    id_, tenant_id = path_of(request, WebhookPath).webhook_id, principal.tenant_id
    asked = await body_of(request, ReplayRequest)
    end = now() if asked.to is None else asked.to
    if end <= asked.from_:
        message = "The range ends before it begins."
        raise invalid(FieldError("/to", "invalid_value", message))
    async with tenant_transaction(request.app.state.pool, tenant_id) as connection:
        row = await found_webhook(connection, tenant_id, id_, store.LOCKED)
        if not row["is_enabled"]:
            raise disabled()
        await check_room(connection, tenant_id, id_)
        ends = asked.from_, end
        made = await store.replay_range(connection, tenant_id, row, *ends, asked.kind)
        await audited(connection, principal, AuditAction.webhook_replayed, id_)
    request.app.state.wake_webhooks()
    return json_response(made, 202)

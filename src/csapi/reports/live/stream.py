"""Now as a stream of server-sent events, and the tickets that open one from a page."""

from collections.abc import Collection
from dataclasses import replace
from datetime import timedelta
from typing import Annotated
from uuid import UUID

import asyncpg
import msgspec
from msgspec import Meta

from csapi.access.principals import Principal
from csapi.access.tenancy import tenant_transaction
from csapi.access.tickets import Opener, create_ticket, living
from csapi.kit.clock import now
from csapi.kit.http import Response, json_response
from csapi.kit.language import Language
from csapi.kit.news import News
from csapi.kit.operations import AnyRequest, params_of
from csapi.kit.quantities import UtcDatetime
from csapi.kit.streams import EVENTS, EventStream, event
from csapi.reports.endpoints import desk_of
from csapi.reports.live.hub import Hub
from csapi.reports.live.reading import live
from csapi.reports.live.schemas import LiveParams, LiveReport
from csapi.reports.ranges import known_zone
from csapi.reports.work_params import told_by_parameter

LONGEST_TICKET_SECONDS = 30


class LiveStreamParams(LiveParams, kw_only=True):
    """The same, and what an EventSource cannot say in headers."""

    language: Annotated[
        Language | None, Meta(description="Language of labels, in place of Accept-Language")
    ] = None
    ticket: Annotated[
        str | None, Meta(description="A ticket of POST /v1/live/tickets, in place of a key")
    ] = None


class LiveTicket(msgspec.Struct, kw_only=True):
    """Opens one stream, once, until it expires."""

    ticket: str
    expires_at: UtcDatetime


def hub_of(pool: asyncpg.Pool, news: News) -> Hub:
    """The streams of this process."""

    async def check(tenant_id: UUID, openers: Collection[Opener]) -> set[Opener]:
        async with tenant_transaction(pool, tenant_id, readonly=True) as connection:
            return await living(connection, tenant_id, openers, now())

    return Hub(news, check)


def frame_of(report: LiveReport) -> bytes:
    """The state of a moment, whose id is its `as_of`."""
    id_ = report.as_of.isoformat().replace("+00:00", "Z")
    return event("live", msgspec.json.encode(report), id_)


async def create_live_ticket(request: AnyRequest, principal: Principal) -> Response:
    made = now()
    expires_at = made + timedelta(seconds=LONGEST_TICKET_SECONDS)
    pool = request.app.state.pool
    ticket = await create_ticket(pool, principal, now=made, expires_at=expires_at)
    return json_response(LiveTicket(ticket=ticket.text, expires_at=expires_at), 201)


async def stream_live(request: AnyRequest, principal: Principal) -> Response:
    asked = params_of(request, LiveStreamParams)
    wanted = LiveParams(
        team=sorted(set(asked.team)),
        channel=sorted(set(asked.channel)),
        inbox=sorted(set(asked.inbox)),
        timezone=known_zone(asked.timezone or principal.timezone),
    )
    if request.scope["method"] == "HEAD":
        return Response(media_type=EVENTS)
    desk = desk_of(request, principal)
    desk = replace(desk, language=asked.language or desk.language)

    async def ask() -> bytes:
        return frame_of(await live(replace(desk, now=now()), wanted))

    key = msgspec.json.encode(wanted), principal.filters, desk.sees_everything, desk.language
    hub: Hub = request.app.state.hub
    with told_by_parameter("/channel"):
        listener = await hub.join(
            principal.tenant_id, key, (principal.key_id, principal.token_id), ask
        )
    return EventStream(listener.pieces(), listener.leave)

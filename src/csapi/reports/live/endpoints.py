"""What is going on now."""

from csapi.access.principals import Principal, Scope
from csapi.kit.http import Response
from csapi.kit.operations import AnyRequest, Media, Operation, params_of
from csapi.kit.streams import EVENTS
from csapi.reports.encoders import CSV
from csapi.reports.endpoints import QUERY_TAG, SPOKEN, desk_of
from csapi.reports.live.encoders import LIVE_FORM, encoded_live
from csapi.reports.live.reading import live
from csapi.reports.live.schemas import LiveParams, LiveReport
from csapi.reports.live.stream import (
    LiveStreamParams,
    LiveTicket,
    create_live_ticket,
    stream_live,
)
from csapi.reports.ranges import known_zone
from csapi.reports.work_params import told_by_parameter


async def get_live(request: AnyRequest, principal: Principal) -> Response:
    wanted = params_of(request, LiveParams)
    known_zone(wanted.timezone or principal.timezone)
    desk = desk_of(request, principal)
    with told_by_parameter("/channel"):
        found = await live(desk, wanted)
    return encoded_live(found, request.headers.get("accept"), desk.language)


OPERATIONS = [
    Operation(
        method="GET",
        path="/v1/live",
        operation_id="getLive",
        summary="What is going on now",
        description="Today so far, and what is open, waits or is at risk now: as a whole, by "
        "queue, channel and type, with how many agents are in each state. All from one snapshot "
        "of what has been acknowledged; each number is what POST /v1/query answers at that moment.",
        tag=QUERY_TAG,
        handler=get_live,
        scope=Scope.REPORTS_READ,
        portal=True,
        params=LiveParams,
        responses={200: Media(body=LiveReport, texts={CSV: LIVE_FORM}, headers=SPOKEN)},
        problems=("query_timeout", "too_many_queries", "unknown_timezone"),
    ),
    Operation(
        method="GET",
        path="/v1/live/stream",
        operation_id="streamLive",
        summary="What is going on now, as it changes",
        description="Server-sent events: at once the present state, and another one within a "
        "second or so of each accepted record, at the latest every ten seconds. `event: live` has "
        "as `data` what GET /v1/live answers to the same parameters, as `id` its `as_of`. "
        '`event: end` is the last one, with the reason: `{"reason": "expired"}`, `revoked` or '
        "`closing`; open another stream then, with another ticket. Lines that start with a colon "
        "are signs of life.",
        tag=QUERY_TAG,
        handler=stream_live,
        scope=Scope.REPORTS_READ,
        portal=True,
        ticketed=True,
        budget="none",
        params=LiveStreamParams,
        responses={
            200: Media(
                body=str,
                description="Events as text; `data` of `event: live` is a LiveReport as JSON.",
                media_type=EVENTS,
                example='id: 2026-01-05T10:00:00Z\nevent: live\ndata: {"as_of": "..."}\n\n',
            )
        },
        problems=("query_timeout", "too_many_queries", "too_many_streams", "unknown_timezone"),
    ),
    Operation(
        method="POST",
        path="/v1/live/tickets",
        operation_id="createLiveTicket",
        repeats="keyed",
        secret=True,
        summary="Make a ticket for a stream",
        description="An EventSource can send no header: `/v1/live/stream?ticket=` lets it in once, "
        "within thirty seconds. What it opens sees what the caller sees, but never more than a "
        "portal token without filters, and ends with the caller's key or token.",
        tag=QUERY_TAG,
        handler=create_live_ticket,
        scope=Scope.REPORTS_READ,
        portal=True,
        responses={201: LiveTicket},
    ),
]

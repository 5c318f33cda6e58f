"""What is going on now."""

from csapi.access.principals import Principal, Scope
from csapi.kit.http import Response, json_response
from csapi.kit.language import spoken
from csapi.kit.operations import AnyRequest, Media, Operation, params_of
from csapi.reports.endpoints import QUERY_TAG, SPOKEN, desk_of
from csapi.reports.live.reading import live
from csapi.reports.live.schemas import LiveParams, LiveReport
from csapi.reports.ranges import known_zone
from csapi.reports.work_params import told_by_parameter


async def get_live(request: AnyRequest, principal: Principal) -> Response:
    wanted = params_of(request, LiveParams)
    known_zone(wanted.timezone or principal.timezone)
    desk = desk_of(request, principal)
    with told_by_parameter("/channel"):
        found = await live(desk, wanted)
    return json_response(found, headers=spoken(desk.language))


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
        params=LiveParams,
        responses={200: Media(body=LiveReport, headers=SPOKEN)},
        problems=("query_timeout", "too_many_queries", "unknown_timezone"),
    ),
]

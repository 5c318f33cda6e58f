"""The radar: the endpoint."""

from csapi.access.principals import Principal, Scope
from csapi.kit.http import Response
from csapi.kit.operations import AnyRequest, Media, Operation, params_of
from csapi.reports.encoders import CSV
from csapi.reports.endpoints import QUERY_TAG, desk_of
from csapi.reports.radar.encoders import TABLE_FORM, encoded_radar
from csapi.reports.radar.examples import RADAR_EXAMPLE
from csapi.reports.radar.params import RadarParams
from csapi.reports.radar.scan import radar
from csapi.reports.radar.schemas import Radar


async def get_radar(request: AnyRequest, principal: Principal) -> Response:
    wanted = params_of(request, RadarParams)
    desk = desk_of(request, principal)
    found = await radar(desk, wanted)
    return encoded_radar(found, request.headers.get("accept"), desk.language)


OPERATIONS = [
    Operation(
        method="GET",
        path="/v1/radar",
        operation_id="getRadar",
        summary="What is new among what people turn to us about",
        description="Topics that were never there before; topics that came more often than their "
        "own weeks before and the same days of a year before explain, corrected for the number of "
        "topics; words and phrases that came up in subjects and comments and that no topic covers. "
        "Each with customers, first seen, the responsible department, what the knowledge base has, "
        "and records. The last seven days if no range is named, at most 31; whole local days. A "
        "topic that goes on under another name is under `renamed_topics`, `untagged` is always "
        "there.",
        tag=QUERY_TAG,
        handler=get_radar,
        scope=Scope.REPORTS_READ,
        params=RadarParams,
        responses={200: Media(body=Radar, texts={CSV: TABLE_FORM}, example=RADAR_EXAMPLE)},
        problems=("query_timeout", "too_many_queries", "range_too_long"),
    ),
]

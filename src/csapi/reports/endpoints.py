"""Reading: the query engine and first screens."""

from typing import Annotated

import msgspec
from msgspec import Meta

from csapi.access.principals import Principal, Scope
from csapi.kit.clock import now
from csapi.kit.http import Response
from csapi.kit.language import asked_language
from csapi.kit.operations import AnyRequest, Media, Operation, body_of, params_of
from csapi.reports.encoders import CSV, CSV_FORM, NDJSON, NDJSON_FORM, encoded
from csapi.reports.kpi_encoders import KPIS_FORM, encoded_kpis
from csapi.reports.kpi_schemas import KpiCompare, KpiReport, KpiSet
from csapi.reports.kpis import kpis
from csapi.reports.narrowing import read_filters
from csapi.reports.schemas import Query, QueryAnswer
from csapi.reports.service import Desk, answer
from csapi.reports.work_params import (
    Values,
    WorkParams,
    filter_of,
    range_of,
    told_by_parameter,
)

QUERY_TAG = "Reports"
SPOKEN = ("Content-Language",)
TEXTS = {CSV: CSV_FORM, NDJSON: NDJSON_FORM}

EXAMPLE = {
    "metrics": [
        {"id": "service_level", "as": "sl20", "params": {"threshold_seconds": 20}},
        {"id": "average_handle_time", "as": "aht_p90", "agg": "p90"},
    ],
    "time": {"range": {"from": "2026-01-01", "to": "2026-02-01"}, "timezone": "UTC"},
    "dimensions": ["time:day"],
    "filters": {"and": [{"dimension": "topic", "op": "in", "values": ["billing"]}]},
    "include": ["totals"],
}
SERIES_EXAMPLE = {
    "metrics": [{"id": "calls_offered"}],
    "time": {"range": {"from": "2026-01-01", "to": "2026-02-01"}},
    "dimensions": ["time:day", "queue"],
    "shape": "series",
    "top": {"n": 5, "by": "calls_offered", "other": True},
}


COMPARE_EXAMPLE = {
    "metrics": [{"id": "csat_score"}],
    "time": {"range": {"from": "2026-01-01", "to": "2026-02-01"}},
    "dimensions": ["team"],
    "compare": {"to": "previous_period"},
    "include": ["totals", "confidence"],
}
SEGMENT_EXAMPLE = {
    "metrics": [{"id": "service_level"}],
    "time": {"range": {"preset": "last_30_days"}},
    "filters": {"dimension": "team", "op": "in", "values": ["north"]},
    "compare": {
        "to": "segment",
        "filters": {"dimension": "team", "op": "in", "values": ["south"]},
    },
}


class KpiParams(WorkParams, kw_only=True):
    """Which first screen, over which range and work."""

    set: Annotated[KpiSet, Meta(description="Which numbers")]
    team: Annotated[Values, Meta(description="Work of these teams alone")] = msgspec.field(
        default_factory=list
    )
    compare: Annotated[
        KpiCompare | None, Meta(description="What each number is held against; nothing if absent")
    ] = None
    sparkline: Annotated[
        bool, Meta(description="Whether each number comes with its line over time")
    ] = False
    charts: Annotated[
        bool, Meta(description="Whether the charts of the screen come with it, ready to be drawn")
    ] = False


def desk_of(request: AnyRequest, principal: Principal) -> Desk:
    state = request.app.state
    return Desk(
        pool=state.pool,
        tenant_id=principal.tenant_id,
        timezone=principal.timezone,
        now=now(),
        live_slots_max=state.settings.live_slots_max,
        only=None if principal.filters is None else read_filters(principal.filters),
        lanes=state.lanes,
        sees_everything=Scope.ADMIN_WRITE in principal.scopes,
        names_customers=Scope.NAMES_READ in principal.scopes,
        standings=state.standings,
        language=asked_language(request.scope),
    )


async def query(request: AnyRequest, principal: Principal) -> Response:
    asked = await body_of(request, Query)
    desk = desk_of(request, principal)
    found = await answer(desk, asked)
    return encoded(asked, found, request.headers.get("accept"), desk.language)


async def get_kpis(request: AnyRequest, principal: Principal) -> Response:
    wanted = params_of(request, KpiParams)
    desk = desk_of(request, principal)
    with told_by_parameter("/set"):
        found = await kpis(
            desk,
            wanted.set,
            range_of(wanted),
            wanted.timezone,
            wanted.compare,
            filter_of({name: getattr(wanted, name) for name in ("team", "channel", "inbox")}),
            sparkline=wanted.sparkline,
            charts=wanted.charts,
        )
    return encoded_kpis(found, request.headers.get("accept"), desk.language)


OPERATIONS = [
    Operation(
        method="POST",
        path="/v1/query",
        operation_id="runQuery",
        repeats="harmless",
        budget="read",
        summary="Ask for metrics",
        description="Any metrics of the catalog over a range, grouped and filtered. Without "
        "dimensions there is exactly one row; with time dimensions alone every bucket is there. "
        "`shape` lays the same numbers out as rows, as series for charts, or as a matrix. "
        "`compare` holds every value against another range or other records, with a verdict.",
        tag=QUERY_TAG,
        handler=query,
        scope=Scope.REPORTS_READ,
        portal=True,
        request=Query,
        request_examples={
            "service_level_by_day": EXAMPLE,
            "largest_queues": SERIES_EXAMPLE,
            "satisfaction_against_last_month": COMPARE_EXAMPLE,
            "team_against_team": SEGMENT_EXAMPLE,
        },
        responses={200: Media(body=QueryAnswer, texts=TEXTS, headers=(*SPOKEN, "X-Next-Cursor"))},
        problems=("invalid_cursor", "snapshot_moved", "query_timeout", "too_many_queries"),
    ),
    Operation(
        method="GET",
        path="/v1/kpis",
        operation_id="getKpis",
        summary="Numbers of a first screen",
        description="One call for a screen of tiles; the last 30 days unless a range is given. "
        "`compare` adds to each tile what it is held against, with a verdict; `sparkline` its line "
        "over time, by day, or by week or month where there are more than 62; `charts` the charts "
        "of the screen, each as the engine answers it in series or as a matrix. `team`, `channel` "
        "and `inbox` choose the work that counts.",
        tag=QUERY_TAG,
        handler=get_kpis,
        scope=Scope.REPORTS_READ,
        portal=True,
        params=KpiParams,
        responses={200: Media(body=KpiReport, texts={CSV: KPIS_FORM}, headers=SPOKEN)},
        problems=("query_timeout", "too_many_queries"),
    ),
]

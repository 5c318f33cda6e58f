"""Reading: the query engine, first screens, the catalog."""

import base64
import binascii
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from csapi.access.principals import Principal, Scope
from csapi.access.tenancy import tenant_transaction
from csapi.kit.clock import now
from csapi.kit.http import Response, json_response
from csapi.kit.operations import AnyRequest, Media, Operation, body_of, params_of, path_of
from csapi.kit.problems import Problem
from csapi.metrics.catalog import METRICS
from csapi.metrics.dimensions import DIMENSIONS, Dimension, Source, dimension_of
from csapi.metrics.dimensions import list_members as members_of
from csapi.metrics.periods import RangePreset
from csapi.reports.describe import metric_info
from csapi.reports.encoders import CSV, CSV_FORM, NDJSON, NDJSON_FORM, encoded
from csapi.reports.kpis import KpiSet, kpis
from csapi.reports.narrowing import read_filters
from csapi.reports.read import custom_dimensions
from csapi.reports.refusals import refuse
from csapi.reports.schemas import (
    DimensionInfo,
    DimensionList,
    KpiReport,
    MemberInfo,
    MemberPage,
    MetricInfo,
    MetricList,
    Query,
    QueryAnswer,
    QueryPage,
    TimeRange,
)
from csapi.reports.service import Desk, answer

QUERY_TAG = "Reports"
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


class KpiParams(msgspec.Struct, kw_only=True):
    """Which first screen, over which range."""

    set: Annotated[KpiSet, Meta(description="Which numbers")]
    from_: Annotated[str | None, Meta(description="First local day or instant")] = msgspec.field(
        name="from", default=None
    )
    to: Annotated[str | None, Meta(description="Until before this day or instant")] = None
    preset: Annotated[RangePreset | None, Meta(description="Instead of from and to")] = None
    timezone: Annotated[str | None, Meta(description="IANA zone; the tenant's if absent")] = None


class MetricPath(msgspec.Struct, kw_only=True):
    id: Annotated[str, Meta(description="Id of the metric")]


class DimensionPath(msgspec.Struct, kw_only=True):
    id: Annotated[str, Meta(description="Id of the dimension")]


class MemberParams(msgspec.Struct, kw_only=True):
    """Which members to list."""

    limit: Annotated[int, Meta(ge=1, le=1000, description="Page size")] = 100
    cursor: Annotated[str | None, Meta(description="next_cursor of a page")] = None


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
        standings=state.standings,
    )


async def query(request: AnyRequest, principal: Principal) -> Response:
    asked = await body_of(request, Query)
    found = await answer(desk_of(request, principal), asked)
    return encoded(asked, found, request.headers.get("accept"))


async def get_kpis(request: AnyRequest, principal: Principal) -> Response:
    wanted = params_of(request, KpiParams)
    range_ = TimeRange(from_=wanted.from_, to=wanted.to, preset=wanted.preset)
    if wanted.from_ is None and wanted.to is None and wanted.preset is None:
        range_ = TimeRange(preset=RangePreset.last_30_days)
    desk = desk_of(request, principal)
    return json_response(await kpis(desk, wanted.set, range_, wanted.timezone))


async def tenant_dimensions(request: AnyRequest, principal: Principal) -> tuple[Dimension, ...]:
    pool = request.app.state.pool
    async with tenant_transaction(pool, principal.tenant_id, readonly=True) as connection:
        return await custom_dimensions(connection, principal.tenant_id)


async def list_metrics(request: AnyRequest, principal: Principal) -> Response:
    custom = await tenant_dimensions(request, principal)
    return json_response(
        MetricList(data=[metric_info(metric, custom) for metric in METRICS.values()])
    )


async def get_metric(request: AnyRequest, principal: Principal) -> Response:
    metric = METRICS.get(path_of(request, MetricPath).id)
    if metric is None:
        raise Problem("not_found", "There is no such metric.")
    return json_response(metric_info(metric, await tenant_dimensions(request, principal)))


async def list_dimensions(request: AnyRequest, principal: Principal) -> Response:
    custom = await tenant_dimensions(request, principal)
    return json_response(
        DimensionList(
            data=[
                DimensionInfo(id=each.id, label=each.label, description=each.description)
                for each in (*DIMENSIONS.values(), *custom)
            ]
        )
    )


def entity_members(table: str) -> str:
    return f"""
SELECT external_id AS key, coalesce(max(name), external_id) AS label FROM {table}
WHERE tenant_id = $1 AND external_id > $2 GROUP BY external_id ORDER BY external_id LIMIT $3"""


async def list_members(request: AnyRequest, principal: Principal) -> Response:
    wanted = params_of(request, MemberParams)
    custom = await tenant_dimensions(request, principal)
    dimension = dimension_of(path_of(request, DimensionPath).id, custom)
    if dimension is None:
        raise Problem("not_found", "There is no such dimension.")
    if dimension.source is Source.value:
        refuse("/id", "invalid_value", "This dimension has no list of members.")
    after = read_key(wanted.cursor)
    arguments: list[Any] = [principal.tenant_id]
    if dimension.source is Source.members:
        sql = members_of(dimension)
        arguments.append(int(dimension.labels or 0))
    else:
        sql = entity_members(dimension.source.value)
    pool = request.app.state.pool
    async with tenant_transaction(pool, principal.tenant_id, readonly=True) as connection:
        rows = await connection.fetch(sql, *arguments, after, wanted.limit + 1)
    page = rows[: wanted.limit]
    cursor = write_key(page[-1]["key"]) if len(rows) > wanted.limit else None
    return json_response(
        MemberPage(
            data=[MemberInfo(key=row["key"], label=row["label"]) for row in page],
            page=QueryPage(next_cursor=cursor),
        )
    )


def write_key(key: str) -> str:
    return base64.urlsafe_b64encode(key.encode()).decode().rstrip("=")


def read_key(cursor: str | None) -> str:
    try:
        text = base64.urlsafe_b64decode((cursor or "") + "=" * (-len(cursor or "") % 4)).decode()
    except (binascii.Error, ValueError):
        text = "\x00"
    if "\x00" in text:
        raise Problem("invalid_cursor", "Take next_cursor of the last page as it is.")
    return text


OPERATIONS = [
    Operation(
        method="POST",
        path="/v1/query",
        operation_id="runQuery",
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
        responses={200: Media(body=QueryAnswer, texts=TEXTS, headers=("X-Next-Cursor",))},
        problems=("invalid_cursor", "snapshot_moved", "query_timeout", "too_many_queries"),
    ),
    Operation(
        method="GET",
        path="/v1/kpis",
        operation_id="getKpis",
        summary="Numbers of a first screen",
        description="One call for a screen of tiles; the last 30 days unless a range is given.",
        tag=QUERY_TAG,
        handler=get_kpis,
        scope=Scope.REPORTS_READ,
        portal=True,
        params=KpiParams,
        responses={200: KpiReport},
        problems=("query_timeout", "too_many_queries"),
    ),
    Operation(
        method="GET",
        path="/v1/metrics",
        operation_id="listMetrics",
        summary="List metrics",
        description="The catalog: every definition with formula, unit, parameters, dimensions.",
        tag=QUERY_TAG,
        handler=list_metrics,
        scope=Scope.REPORTS_READ,
        portal=True,
        responses={200: MetricList},
    ),
    Operation(
        method="GET",
        path="/v1/metrics/{id}",
        operation_id="getMetric",
        summary="Read a metric",
        description="One definition of the catalog.",
        tag=QUERY_TAG,
        handler=get_metric,
        scope=Scope.REPORTS_READ,
        portal=True,
        path_params=MetricPath,
        responses={200: MetricInfo},
    ),
    Operation(
        method="GET",
        path="/v1/dimensions",
        operation_id="listDimensions",
        summary="List dimensions",
        description="What answers can be grouped and filtered by, declared attributes included.",
        tag=QUERY_TAG,
        handler=list_dimensions,
        scope=Scope.REPORTS_READ,
        responses={200: DimensionList},
    ),
    Operation(
        method="GET",
        path="/v1/dimensions/{id}/values",
        operation_id="listDimensionValues",
        summary="List the members of a dimension",
        description="Keys as filters take them, in their order.",
        tag=QUERY_TAG,
        handler=list_members,
        scope=Scope.REPORTS_READ,
        params=MemberParams,
        path_params=DimensionPath,
        responses={200: MemberPage},
        problems=("invalid_cursor",),
    ),
]

"""Reading the catalog: metrics, dimensions and their members."""

import base64
import binascii
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from csapi.access.principals import Principal, Scope
from csapi.access.tenancy import tenant_transaction
from csapi.kit.http import Response, json_response
from csapi.kit.language import asked_language, spoken
from csapi.kit.operations import AnyRequest, Media, Operation, params_of, path_of
from csapi.kit.problems import Problem
from csapi.metrics.catalog import METRICS
from csapi.metrics.dimensions import DIMENSIONS, Dimension, Source, dimension_of
from csapi.metrics.dimensions import list_members as members_of
from csapi.metrics.words import ALL_WORDS, Words
from csapi.reports.catalog_schemas import (
    DimensionInfo,
    DimensionList,
    MemberInfo,
    MemberPage,
    MetricInfo,
    MetricList,
)
from csapi.reports.describe import metric_info
from csapi.reports.endpoints import QUERY_TAG, SPOKEN
from csapi.reports.read import custom_dimensions
from csapi.reports.refusals import refuse
from csapi.reports.schemas import QueryPage


class MetricPath(msgspec.Struct, kw_only=True):
    id: Annotated[str, Meta(description="Id of the metric")]


class DimensionPath(msgspec.Struct, kw_only=True):
    id: Annotated[str, Meta(description="Id of the dimension")]


class MemberParams(msgspec.Struct, kw_only=True):
    """Which members to list."""

    limit: Annotated[int, Meta(ge=1, le=1000, description="Page size")] = 100
    cursor: Annotated[str | None, Meta(description="next_cursor of a page")] = None


async def tenant_dimensions(request: AnyRequest, principal: Principal) -> tuple[Dimension, ...]:
    pool = request.app.state.pool
    async with tenant_transaction(pool, principal.tenant_id, readonly=True) as connection:
        return await custom_dimensions(connection, principal.tenant_id)


def words_for(request: AnyRequest) -> Words:
    return ALL_WORDS[asked_language(request.scope)]


async def list_metrics(request: AnyRequest, principal: Principal) -> Response:
    custom, words = await tenant_dimensions(request, principal), words_for(request)
    return json_response(
        MetricList(data=[metric_info(metric, custom, words) for metric in METRICS.values()]),
        headers=spoken(words.language),
    )


async def get_metric(request: AnyRequest, principal: Principal) -> Response:
    metric = METRICS.get(path_of(request, MetricPath).id)
    if metric is None:
        raise Problem("not_found", "There is no such metric.")
    custom, words = await tenant_dimensions(request, principal), words_for(request)
    return json_response(metric_info(metric, custom, words), headers=spoken(words.language))


async def list_dimensions(request: AnyRequest, principal: Principal) -> Response:
    custom, words = await tenant_dimensions(request, principal), words_for(request)
    return json_response(
        DimensionList(
            data=[
                DimensionInfo(id=each.id, label=words.dimension(each), description=each.description)
                for each in (*DIMENSIONS.values(), *custom)
            ]
        ),
        headers=spoken(words.language),
    )


def entity_members(table: str, *, is_named: bool) -> str:
    label = "coalesce(max(name), external_id)" if is_named else "external_id"
    return f"""
SELECT external_id AS key, {label} AS label FROM {table}
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
        source = dimension.source
        is_named = source is not Source.customers or Scope.NAMES_READ in principal.scopes
        sql = entity_members(source.value, is_named=is_named)
    pool = request.app.state.pool
    async with tenant_transaction(pool, principal.tenant_id, readonly=True) as connection:
        rows = await connection.fetch(sql, *arguments, after, wanted.limit + 1)
    page = rows[: wanted.limit]
    cursor = write_key(page[-1]["key"]) if len(rows) > wanted.limit else None
    words = words_for(request)
    data = [
        MemberInfo(key=row["key"], label=row["label"] or words.member(dimension.labels, row["key"]))
        for row in page
    ]
    return json_response(
        MemberPage(data=data, page=QueryPage(next_cursor=cursor)), headers=spoken(words.language)
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
        method="GET",
        path="/v1/metrics",
        operation_id="listMetrics",
        summary="List metrics",
        description="The catalog: every definition with formula, unit, parameters, dimensions. "
        "Labels are in the language of Accept-Language, descriptions in English.",
        tag=QUERY_TAG,
        handler=list_metrics,
        scope=Scope.REPORTS_READ,
        portal=True,
        responses={200: Media(body=MetricList, headers=SPOKEN)},
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
        responses={200: Media(body=MetricInfo, headers=SPOKEN)},
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
        responses={200: Media(body=DimensionList, headers=SPOKEN)},
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
        responses={200: Media(body=MemberPage, headers=SPOKEN)},
        problems=("invalid_cursor",),
    ),
]

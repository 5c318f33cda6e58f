"""Metrics of a tenant's own, as formulas over the catalog."""

import re
from collections.abc import Sequence
from typing import Annotated

import asyncpg
import msgspec
from msgspec import Meta

from csapi.access.audit import audited
from csapi.access.audit_actions import AuditAction
from csapi.access.principals import Principal, Scope
from csapi.access.tenancy import tenant_transaction
from csapi.kit.http import Response, json_response, no_content
from csapi.kit.operations import AnyRequest, Operation, body_of, path_of
from csapi.kit.problems import Problem
from csapi.kit.quantities import UtcDatetime
from csapi.metrics.dimensions import CUSTOM_PREFIX, Dimension
from csapi.reports.catalog_endpoints import tenant_dimensions
from csapi.reports.checks import allowed_dimensions
from csapi.reports.definitions import MetricDefinition, build_metric
from csapi.reports.refusals import refuse

TAG = "Custom metrics"
MOST_CUSTOM = 200
ID = re.compile(r"[a-z][a-z0-9_-]{0,62}")

COLUMNS = "id, definition::text AS definition, created_at, updated_at"
LIST = f"SELECT {COLUMNS} FROM custom_metrics WHERE tenant_id = $1 ORDER BY id"
ONE = f"SELECT {COLUMNS} FROM custom_metrics WHERE tenant_id = $1 AND id = $2"
DELETE = "DELETE FROM custom_metrics WHERE tenant_id = $1 AND id = $2 RETURNING id"
SAVE = f"""
INSERT INTO custom_metrics AS m (tenant_id, id, definition)
SELECT $1, $2::text, $3::text::json
WHERE (SELECT count(*) FROM custom_metrics WHERE tenant_id = $1 AND id <> $2) < {MOST_CUSTOM}
ON CONFLICT (tenant_id, id) DO UPDATE
SET definition = excluded.definition, updated_at = clock_timestamp()
RETURNING new.id, new.definition::text AS definition, new.created_at, new.updated_at,
  old.id IS NULL AS is_new"""

EXAMPLE = {
    "label": "Handled per answered hour",
    "unit": "count",
    "direction": "higher_is_better",
    "formula": "calls_answered * 3600 / talk",
    "operands": {"talk": {"id": "average_talk_time", "agg": "sum"}},
}
RATE = {
    "label": "Answered of those who waited long enough",
    "unit": "share",
    "formula": "calls_answered / (calls_offered - short)",
    "operands": {"short": {"id": "calls_short_abandoned", "params": {"short_abandon_seconds": 10}}},
}


class CustomMetricPath(msgspec.Struct, kw_only=True):
    id: Annotated[
        str,
        Meta(description="Id of the metric: small letters, digits, `_`, `-`; without `custom.`"),
    ]


class CustomMetric(msgspec.Struct, kw_only=True):
    """A custom metric. Queries name it `metric`; `dimensions` are those that all of its parts have,
    empty where the catalog no longer has one of its metrics."""

    id: str
    metric: str
    definition: MetricDefinition
    dimensions: list[str]
    created_at: UtcDatetime
    updated_at: UtcDatetime


class CustomMetricList(msgspec.Struct, kw_only=True):
    """All custom metrics by id."""

    data: list[CustomMetric]


def custom_metric(row: asyncpg.Record, custom: Sequence[Dimension]) -> CustomMetric:
    definition = msgspec.json.decode(row["definition"], type=MetricDefinition)
    try:
        dimensions = allowed_dimensions(build_metric(row["id"], definition), custom)
    except Problem:
        dimensions = []
    return CustomMetric(
        id=row["id"],
        metric=CUSTOM_PREFIX + row["id"],
        definition=definition,
        dimensions=dimensions,
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )


async def put_metric(request: AnyRequest, principal: Principal) -> Response:
    metric_id = path_of(request, CustomMetricPath).id
    definition = await body_of(request, MetricDefinition)
    if ID.fullmatch(metric_id) is None:
        message = "A small letter, then up to 62 small letters, digits, `_` and `-`."
        refuse("/id", "invalid_value", message)
    build_metric(metric_id, definition)
    text = msgspec.json.encode(definition).decode()
    custom = await tenant_dimensions(request, principal)
    pool = request.app.state.pool
    async with tenant_transaction(pool, principal.tenant_id) as connection:
        row = await connection.fetchrow(SAVE, principal.tenant_id, metric_id, text)
        if row is not None:
            await audited(connection, principal, AuditAction.custom_metric_changed, metric_id)
    if row is None:
        raise Problem("conflict", f"There are {MOST_CUSTOM} custom metrics: delete one first.")
    return json_response(custom_metric(row, custom), 201 if row["is_new"] else 200)


async def list_metrics(request: AnyRequest, principal: Principal) -> Response:
    custom = await tenant_dimensions(request, principal)
    pool = request.app.state.pool
    async with tenant_transaction(pool, principal.tenant_id, readonly=True) as connection:
        rows = await connection.fetch(LIST, principal.tenant_id)
    return json_response(CustomMetricList(data=[custom_metric(row, custom) for row in rows]))


async def get_metric(request: AnyRequest, principal: Principal) -> Response:
    metric_id = path_of(request, CustomMetricPath).id
    custom = await tenant_dimensions(request, principal)
    pool = request.app.state.pool
    async with tenant_transaction(pool, principal.tenant_id, readonly=True) as connection:
        row = await connection.fetchrow(ONE, principal.tenant_id, metric_id)
    if row is None:
        raise Problem("not_found", "There is no such custom metric for this key.")
    return json_response(custom_metric(row, custom))


async def delete_metric(request: AnyRequest, principal: Principal) -> Response:
    metric_id = path_of(request, CustomMetricPath).id
    pool = request.app.state.pool
    async with tenant_transaction(pool, principal.tenant_id) as connection:
        if await connection.fetchval(DELETE, principal.tenant_id, metric_id) is None:
            raise Problem("not_found", "There is no such custom metric for this key.")
        await audited(connection, principal, AuditAction.custom_metric_deleted, metric_id)
    return no_content()


OPERATIONS = [
    Operation(
        method="PUT",
        path="/v1/custom-metrics/{id}",
        operation_id="saveCustomMetric",
        summary="Define a metric by a formula",
        description="Queries name it `custom.<id>`. Its parts are added up over each group first, "
        "and then it divides, once: it is never a ratio of rounded values. It replaces the one of "
        "that id, also in saved queries.",
        tag=TAG,
        handler=put_metric,
        scope=Scope.ADMIN_WRITE,
        path_params=CustomMetricPath,
        request=MetricDefinition,
        request_examples={"pace": EXAMPLE, "rate": RATE},
        responses={200: CustomMetric, 201: CustomMetric},
        problems=("conflict", "unknown_metric"),
    ),
    Operation(
        method="GET",
        path="/v1/custom-metrics",
        operation_id="listCustomMetrics",
        summary="List custom metrics",
        description="All custom metrics with their formulas and dimensions.",
        tag=TAG,
        handler=list_metrics,
        scope=Scope.REPORTS_READ,
        responses={200: CustomMetricList},
    ),
    Operation(
        method="GET",
        path="/v1/custom-metrics/{id}",
        operation_id="getCustomMetric",
        summary="Read a custom metric",
        description="One custom metric with its formula and dimensions.",
        tag=TAG,
        handler=get_metric,
        scope=Scope.REPORTS_READ,
        path_params=CustomMetricPath,
        responses={200: CustomMetric},
    ),
    Operation(
        method="DELETE",
        path="/v1/custom-metrics/{id}",
        operation_id="deleteCustomMetric",
        summary="Delete a custom metric",
        description="Queries that name it, saved ones included, are refused from then on.",
        tag=TAG,
        handler=delete_metric,
        scope=Scope.ADMIN_WRITE,
        path_params=CustomMetricPath,
        responses={204: None},
    ),
]

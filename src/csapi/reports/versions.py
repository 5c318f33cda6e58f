"""The versions of a definition, and how far its facts have been derived by the current one."""

from collections.abc import Sequence
from datetime import date
from enum import StrEnum
from typing import Annotated
from uuid import UUID

import asyncpg
import msgspec
from msgspec import Meta

from csapi.access.principals import Principal, Scope
from csapi.access.tenancy import tenant_transaction
from csapi.facts.kinds import Resource
from csapi.facts.origins import resources_of
from csapi.facts.registry import SUBJECT_KINDS
from csapi.kit.http import Response, json_response
from csapi.kit.operations import AnyRequest, Operation, path_of
from csapi.kit.problems import Problem
from csapi.metrics.catalog import METRICS
from csapi.metrics.fingerprints import fingerprint
from csapi.metrics.metric import Metric
from csapi.reports.catalog_endpoints import MetricPath
from csapi.reports.endpoints import QUERY_TAG

PROGRESS = """
SELECT k.resource, coalesce(d.fingerprint, k.fingerprint) AS fingerprint, d.target, d.reached,
  d.marked_at,
  (SELECT count(DISTINCT m.subject) FROM subject_marks m
   WHERE m.tenant_id = $1 AND m.resource = k.resource) AS pending
FROM unnest($2::smallint[], $3::bigint[]) AS k (resource, fingerprint)
LEFT JOIN definitions d ON d.tenant_id = $1 AND d.resource = k.resource
ORDER BY k.resource"""


class RebuildStatus(StrEnum):
    """How far stored facts are: all are of the current derivation, some are, or none is yet."""

    done = "done"
    running = "running"
    waiting = "waiting"


class ResourceRebuild(msgspec.Struct, kw_only=True):
    """The facts of one kind of record. `fingerprint` names the derivation that this server has."""

    resource: str
    fingerprint: str
    status: RebuildStatus
    share_done: Annotated[float, Meta(description="Records whose facts are of this derivation")]
    pending_subjects: Annotated[int, Meta(description="Records marked to be derived again")]


class Rebuild(msgspec.Struct, kw_only=True):
    """All kinds of records that the metric is made of: the one that is least far decides."""

    status: RebuildStatus
    share_done: float
    pending_subjects: int
    resources: list[ResourceRebuild]


class MetricVersion(msgspec.Struct, kw_only=True):
    """A version of a definition. `fingerprint` names its formula. `effective_from`: the day of the
    release that brought it; null: the first one. `rebuild`: of the current version alone."""

    version: str
    fingerprint: str
    effective_from: date | None
    change: str
    is_current: bool
    rebuild: Rebuild | None


class MetricVersions(msgspec.Struct, kw_only=True):
    """The versions of a metric, the latest one first."""

    id: str
    data: list[MetricVersion]


async def get_versions(request: AnyRequest, principal: Principal) -> Response:
    metric = METRICS.get(path_of(request, MetricPath).id)
    if metric is None:
        raise Problem("not_found", "There is no such metric.")
    pool, tenant_id = request.app.state.pool, principal.tenant_id
    async with tenant_transaction(pool, tenant_id, readonly=True) as connection:
        found = await rebuild_of(connection, tenant_id, resources_of(metric.kinds))
    return json_response(MetricVersions(id=metric.id, data=versions_of(metric, found)))


def versions_of(metric: Metric, rebuild: Rebuild) -> list[MetricVersion]:
    current = MetricVersion(
        version=metric.version,
        fingerprint=fingerprint(metric),
        effective_from=metric.since,
        change=metric.change,
        is_current=True,
        rebuild=rebuild,
    )
    earlier = [
        MetricVersion(
            version=each.version,
            fingerprint=each.fingerprint,
            effective_from=each.since,
            change=each.change,
            is_current=False,
            rebuild=None,
        )
        for each in reversed(metric.history)
    ]
    return [current, *earlier]


async def rebuild_of(
    connection: asyncpg.Connection, tenant_id: UUID, resources: Sequence[Resource]
) -> Rebuild:
    numbers = [int(each) for each in resources]
    names = [SUBJECT_KINDS[each].fingerprint for each in resources]
    rows = await connection.fetch(PROGRESS, tenant_id, numbers, names)
    found = [await progress_of(connection, tenant_id, row) for row in rows]
    order = (RebuildStatus.waiting, RebuildStatus.running, RebuildStatus.done)
    return Rebuild(
        status=min((each.status for each in found), key=order.index, default=RebuildStatus.done),
        share_done=min((each.share_done for each in found), default=1),
        pending_subjects=sum(each.pending_subjects for each in found),
        resources=found,
    )


async def progress_of(
    connection: asyncpg.Connection, tenant_id: UUID, row: asyncpg.Record
) -> ResourceRebuild:
    """What has not been marked is of the earlier derivation, and what is marked waits for this."""
    kind, pending = SUBJECT_KINDS[Resource(row["resource"])], row["pending"]
    is_marked = row["marked_at"] is not None
    is_through = row["target"] is None and row["fingerprint"] == kind.fingerprint
    has_begun = is_through or row["target"] == kind.fingerprint
    status, share_done = RebuildStatus.waiting, 0.0
    if is_through and pending == 0:
        status, share_done = RebuildStatus.done, 1.0
    elif has_begun:
        status = RebuildStatus.running
        marked, everything = await connection.fetchrow(
            f"SELECT count(*) FILTER (WHERE $2 OR id <= $3), count(*) FROM {kind.table} "
            "WHERE tenant_id = $1",
            *(tenant_id, is_marked or is_through, row["reached"]),
        )
        share_done = max(0, marked - pending) / everything if everything else 1.0
    return ResourceRebuild(
        resource=kind.name,
        fingerprint=f"{kind.fingerprint & (2**64 - 1):016x}",
        status=status,
        share_done=share_done,
        pending_subjects=pending,
    )


OPERATIONS = [
    Operation(
        method="GET",
        path="/v1/metrics/{id}/versions",
        operation_id="listMetricVersions",
        summary="Versions of a definition, and how far its facts are",
        description="A new version of a formula holds for all history at once. A changed "
        "derivation of facts is carried to stored history in the background: `rebuild` says how "
        "far that is for you. Until it is through, values of the metric are null with the reason "
        "`definition_changing`: no answer mixes two definitions.",
        tag=QUERY_TAG,
        handler=get_versions,
        scope=Scope.REPORTS_READ,
        path_params=MetricPath,
        responses={200: MetricVersions},
    ),
]

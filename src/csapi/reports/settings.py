"""What a tenant settles of its reports: definitions from a day on, and the smallest group shown."""

from datetime import date
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from csapi.access.audit import audited
from csapi.access.audit_actions import AuditAction
from csapi.access.principals import Principal, Scope
from csapi.access.tenancy import tenant_transaction
from csapi.kit.http import Response, json_response
from csapi.kit.operations import AnyRequest, Operation, body_of
from csapi.kit.problems import Problem, shown
from csapi.kit.quantities import UtcDatetime
from csapi.metrics.catalog import METRICS
from csapi.metrics.periods import EARLIEST, LATEST
from csapi.reports.ordering import Name
from csapi.reports.refusals import refuse
from csapi.reports.resolve_metrics import resolve_params

TAG = "Settings"
MOST_SETTINGS = 500

PUT_SETTING = """
INSERT INTO metric_settings (tenant_id, metric, valid_from, params)
VALUES ($1, $2, $3, $4::jsonb)
ON CONFLICT (tenant_id, metric, valid_from)
DO UPDATE SET params = excluded.params, updated_at = clock_timestamp()
RETURNING updated_at, (old.metric IS NULL) AS is_new"""

COUNT_SETTINGS = "SELECT count(*) FROM metric_settings WHERE tenant_id = $1"

LIST_SETTINGS = """
SELECT metric, valid_from, params::text AS params, updated_at FROM metric_settings
WHERE tenant_id = $1 ORDER BY metric, valid_from"""

PUT_PRIVACY = """
INSERT INTO privacy_settings (tenant_id, smallest_group) VALUES ($1, $2)
ON CONFLICT (tenant_id)
DO UPDATE SET smallest_group = excluded.smallest_group, updated_at = clock_timestamp()"""

GET_PRIVACY = "SELECT smallest_group FROM privacy_settings WHERE tenant_id = $1"


class MetricSetting(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The parameters of a metric from a local day of the tenant on. They replace those of the entry
    before whole: what they do not name is the catalog's default, so `{}` goes back to it."""

    metric: Name
    valid_from: Annotated[date, Meta(description="First local day on which they hold")]
    params: dict[str, Any]


class StoredMetricSetting(msgspec.Struct, kw_only=True):
    """An entry, and when it was last written."""

    metric: str
    valid_from: date
    params: dict[str, Any]
    updated_at: UtcDatetime


class MetricSettingList(msgspec.Struct, kw_only=True):
    """All entries, by metric and day."""

    data: list[StoredMetricSetting]
    limit: int


class PrivacySettings(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Numbers about fewer different customers than `smallest_group` are not shown to keys without
    the scope admin:write. Null shows everything."""

    smallest_group: Annotated[int, Meta(ge=2, le=1000)] | None


async def put_setting(request: AnyRequest, principal: Principal) -> Response:
    wanted = await body_of(request, MetricSetting)
    metric = METRICS.get(wanted.metric)
    if metric is None:
        message = f"There is no metric {shown(wanted.metric)}."
        refuse("/metric", "unknown_metric", message, sorted(METRICS))
    if not EARLIEST <= wanted.valid_from.year <= LATEST:
        refuse("/valid_from", "out_of_range", f"Between the years {EARLIEST} and {LATEST}.")
    resolved = resolve_params(metric, wanted.params, "/params")
    params = {name: resolved[name] for name in wanted.params}
    tenant_id, text = principal.tenant_id, msgspec.json.encode(params).decode()
    async with tenant_transaction(request.app.state.pool, tenant_id, lock="exclusive") as tenant:
        row = await tenant.fetchrow(PUT_SETTING, tenant_id, wanted.metric, wanted.valid_from, text)
        if await tenant.fetchval(COUNT_SETTINGS, tenant_id) > MOST_SETTINGS:
            raise Problem("conflict", f"A tenant has at most {MOST_SETTINGS} settings of metrics.")
        act, since = AuditAction.metric_setting_changed, wanted.valid_from
        await audited(tenant, principal, act, wanted.metric, valid_from=since)
    request.app.state.standings.forget(tenant_id)
    answer = StoredMetricSetting(
        metric=wanted.metric,
        valid_from=wanted.valid_from,
        params=params,
        updated_at=row["updated_at"],
    )
    return json_response(answer, 201 if row["is_new"] else 200)


async def list_settings(request: AnyRequest, principal: Principal) -> Response:
    tenant_id = principal.tenant_id
    async with tenant_transaction(request.app.state.pool, tenant_id, readonly=True) as tenant:
        rows = await tenant.fetch(LIST_SETTINGS, tenant_id)
    data = [
        StoredMetricSetting(
            metric=row["metric"],
            valid_from=row["valid_from"],
            params=msgspec.json.decode(row["params"]),
            updated_at=row["updated_at"],
        )
        for row in rows
    ]
    return json_response(MetricSettingList(data=data, limit=MOST_SETTINGS))


async def put_privacy(request: AnyRequest, principal: Principal) -> Response:
    wanted = await body_of(request, PrivacySettings)
    tenant_id = principal.tenant_id
    async with tenant_transaction(request.app.state.pool, tenant_id) as tenant:
        await tenant.execute(PUT_PRIVACY, tenant_id, wanted.smallest_group)
        smallest = wanted.smallest_group
        await audited(tenant, principal, AuditAction.privacy_changed, smallest_group=smallest)
    request.app.state.standings.forget(tenant_id)
    return json_response(wanted)


async def get_privacy(request: AnyRequest, principal: Principal) -> Response:
    tenant_id = principal.tenant_id
    async with tenant_transaction(request.app.state.pool, tenant_id, readonly=True) as tenant:
        smallest = await tenant.fetchval(GET_PRIVACY, tenant_id)
    return json_response(PrivacySettings(smallest_group=smallest))


OPERATIONS = [
    Operation(
        method="POST",
        path="/v1/metric-settings",
        operation_id="setMetricParameters",
        repeats="harmless",
        summary="Settle the parameters of a metric from a day on",
        description="What answers use where a query does not name a parameter, for facts from that "
        "local day on. A range over a change is counted by what was in force on each day; the "
        "answer names the parts in `meta.variants`. Writing the same metric and day again replaces "
        "the entry. Other processes follow within 5 seconds.",
        tag=TAG,
        handler=put_setting,
        scope=Scope.ADMIN_WRITE,
        request=MetricSetting,
        request_examples={
            "strict": {
                "metric": "service_level",
                "valid_from": "2026-01-01",
                "params": {"variant": "all_abandons_missed", "threshold_seconds": 30},
            }
        },
        responses={200: StoredMetricSetting, 201: StoredMetricSetting},
        problems=("conflict",),
    ),
    Operation(
        method="GET",
        path="/v1/metric-settings",
        operation_id="listMetricSettings",
        summary="List what is settled of metrics",
        description="All entries, by metric and day.",
        tag=TAG,
        handler=list_settings,
        scope=Scope.REPORTS_READ,
        responses={200: MetricSettingList},
    ),
    Operation(
        method="PUT",
        path="/v1/privacy-settings",
        operation_id="setPrivacy",
        summary="Hide numbers about few customers",
        description="Off by default. Hidden values are null with the reason `suppressed`. Other "
        "processes follow within 5 seconds.",
        tag=TAG,
        handler=put_privacy,
        scope=Scope.ADMIN_WRITE,
        request=PrivacySettings,
        request_examples={"five": {"smallest_group": 5}},
        responses={200: PrivacySettings},
    ),
    Operation(
        method="GET",
        path="/v1/privacy-settings",
        operation_id="getPrivacy",
        summary="Read from how many customers on numbers are shown",
        description="Null: everything is shown.",
        tag=TAG,
        handler=get_privacy,
        scope=Scope.REPORTS_READ,
        responses={200: PrivacySettings},
    ),
]

"""How much was sent: records by resource and day, exactly as many as there are."""

from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

import asyncpg
import msgspec
from msgspec import Meta

from csapi.access.principals import Principal, Scope
from csapi.access.tenancy import tenant_transaction
from csapi.facts.usage import bounds_of, created_between, created_by_day, quotas_of
from csapi.kit.clock import now
from csapi.kit.http import Response
from csapi.kit.language import asked_language
from csapi.kit.operations import AnyRequest, Media, Operation, params_of
from csapi.kit.quantities import UtcDatetime
from csapi.reports.administration.keys import TAG
from csapi.reports.encoders import CSV, table_or_json
from csapi.reports.refusals import refuse

LONGEST_USAGE_DAYS = 92
FORM = "A line for each day and resource."


class UsageParams(msgspec.Struct, kw_only=True, rename={"from_": "from"}):
    """Days of UTC; `to` is not within. Without both: this month up to now."""

    from_: Annotated[date | None, Meta(description="First day")] = None
    to: Annotated[date | None, Meta(description="The day after the last")] = None


class DayUsage(msgspec.Struct, kw_only=True):
    """Records of a resource that came to be on a day of UTC and are there."""

    day: date
    resource: str
    created: int


class QuotaUsage(msgspec.Struct, kw_only=True):
    """How many records may be made in the day or month of UTC that it now is, how many were, and
    when the next one begins. With nothing left, sending answers 429 `quota_exceeded`."""

    period: str
    limit: int
    used: int
    remaining: int
    resets_at: UtcDatetime


class Usage(msgspec.Struct, kw_only=True, rename={"from_": "from"}):
    """Days and resources without a record are left out. `totals`: by resource, over the range.
    `quotas`: those of now, whatever the range; empty where the operator has set none."""

    from_: date
    to: date
    data: list[DayUsage]
    totals: dict[str, int]
    created: Annotated[int, Meta(description="In all")]
    quotas: list[QuotaUsage]


def range_of(wanted: UsageParams, today: date) -> tuple[date, date]:
    """First day and the day after the last. Raises Problem."""
    start = wanted.from_ or (wanted.to or today).replace(day=1)
    end = wanted.to or max(start, today) + timedelta(days=1)
    if end <= start:
        refuse("/to", "invalid_value", "The range ends before it begins.")
    if (end - start).days > LONGEST_USAGE_DAYS:
        refuse("/to", "range_too_long", f"Ask for {LONGEST_USAGE_DAYS} days at most.")
    return start, end


def lines_of(found: Usage) -> Iterator[list[Any]]:
    yield ["day", "resource", "created"]
    for each in found.data:
        yield [each.day, each.resource, each.created]


async def quotas_now(
    connection: asyncpg.Connection, tenant_id: UUID, at: datetime
) -> list[QuotaUsage]:
    found = []
    for period, limit in (await quotas_of(connection, tenant_id)).items():
        start, end = bounds_of(period, at)
        used = await created_between(connection, tenant_id, start, end)
        found.append(
            QuotaUsage(
                period=period,
                limit=limit,
                used=used,
                remaining=max(0, limit - used),
                resets_at=end,
            )
        )
    return found


async def get_usage(request: AnyRequest, principal: Principal) -> Response:
    at = now()
    start, end = range_of(params_of(request, UsageParams), at.date())
    pool, tenant_id = request.app.state.pool, principal.tenant_id
    async with (
        request.app.state.lanes.enter(tenant_id),
        tenant_transaction(pool, tenant_id, readonly=True) as connection,
    ):
        rows = await created_by_day(connection, tenant_id, start, end)
        quotas = await quotas_now(connection, tenant_id, at)
    totals = Counter[str]()
    for _, resource, created in rows:
        totals[resource] += created
    found = Usage(
        from_=start,
        to=end,
        data=[DayUsage(day=day, resource=name, created=count) for day, name, count in rows],
        totals=dict(sorted(totals.items())),
        created=totals.total(),
        quotas=quotas,
    )
    language, accept = asked_language(request.scope), request.headers.get("accept")
    return table_or_json(found, lines_of(found), accept, language)


OPERATIONS = [
    Operation(
        method="GET",
        path="/v1/usage",
        operation_id="getUsage",
        summary="How much was sent",
        description="How many records of each resource came to be on each day of UTC: a count of "
        "the records that are there. Sending one again makes none. A record that something else "
        "mentioned before it was sent came to be when it was mentioned. `quotas` says how much of "
        "what the operator allows is left.",
        tag=TAG,
        handler=get_usage,
        scope=Scope.ADMIN_WRITE,
        params=UsageParams,
        responses={200: Media(body=Usage, texts={CSV: FORM})},
        problems=("too_many_queries", "range_too_long"),
    ),
]

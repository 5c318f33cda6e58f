"""How many records a tenant may make in a day or a month of UTC.

What has been counted is kept in the process and added to every few seconds: a request waits for no
count of a whole month. So several processes, or one batch, may go beyond a quota by what comes in
meanwhile; nothing of a request is ever taken in half.
"""

import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg

from csapi.access.tenancy import tenant_transaction
from csapi.facts.usage import bounds_of, created_between, quotas_of
from csapi.kit.problems import Problem

COUNTED_SECONDS = 5.0
UNLIMITED_SECONDS = 30.0
# Ids are made before their transactions commit; by then all of them have.
SETTLED = timedelta(minutes=2)
# How long a request waits for a count of what was made before the process came.
LOOK_SECONDS = 1.0
REMEMBERED = 10_000

SET = """
INSERT INTO quotas (tenant_id, period, items) VALUES ($1, $2, $3)
ON CONFLICT (tenant_id, period) DO UPDATE SET items = excluded.items"""
DROP = "DELETE FROM quotas WHERE tenant_id = $1 AND period = $2"


@dataclass(slots=True)
class Count:
    """Records made in the period that began at `start`: `settled` of them before `until`."""

    start: datetime
    until: datetime
    settled: int = 0
    used: int = 0


@dataclass(slots=True)
class Allowance:
    """What a tenant may make, as it was looked at last."""

    looked_at: float
    limits: Sequence[tuple[str, int]]
    counts: dict[str, Count]


class Quotas:
    """Refuses what is beyond a quota. A tenant without one pays nothing but a look now and then."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self._known: OrderedDict[UUID, Allowance] = OrderedDict()

    async def check(self, tenant_id: UUID, now: datetime) -> None:
        """Raises Problem `quota_exceeded` where nothing of a quota is left."""
        allowance = self._known.get(tenant_id)
        clock = time.monotonic()
        lasts = COUNTED_SECONDS if allowance and allowance.limits else UNLIMITED_SECONDS
        if allowance is None or clock - allowance.looked_at >= lasts:
            if allowance is not None:
                # Others need not look meanwhile.
                allowance.looked_at = clock
            allowance = await self._look(tenant_id, allowance, now)
        for period, items in allowance.limits:
            if allowance.counts[period].used >= items:
                raise refusal(period, items, now)

    def add(self, tenant_id: UUID, created: int) -> None:
        """Count what has just been made, until it is counted in the database."""
        allowance = self._known.get(tenant_id)
        if allowance is not None:
            for count in allowance.counts.values():
                count.used += created

    async def _look(self, tenant_id: UUID, last: Allowance | None, now: datetime) -> Allowance:
        counts = {} if last is None else dict(last.counts)
        async with tenant_transaction(self._pool, tenant_id, readonly=True) as connection:
            limits = list((await quotas_of(connection, tenant_id)).items())
            for period, _ in limits:
                counts[period] = await counted(
                    connection, tenant_id, counts.get(period), bounds_of(period, now), now
                )
        found = Allowance(time.monotonic(), limits, counts)
        self._known[tenant_id] = found
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return found


async def counted(
    connection: asyncpg.Connection,
    tenant_id: UUID,
    last: Count | None,
    bounds: tuple[datetime, datetime],
    now: datetime,
) -> Count:
    """Count on from where all that was made has been counted, as far as there is time: what is not
    counted yet is allowed."""
    start, end = bounds
    count = Count(start, start) if last is None or last.start != start else replace(last)
    settled_until, deadline = min(now - SETTLED, end), time.monotonic() + LOOK_SECONDS
    while count.until < settled_until and time.monotonic() < deadline:
        step = min(count.until + timedelta(days=1), settled_until)
        count.settled += await created_between(connection, tenant_id, count.until, step)
        count.until = step
    count.used = count.settled
    if count.until >= settled_until:
        count.used += await created_between(connection, tenant_id, count.until, end)
    return count


def refusal(period: str, items: int, now: datetime) -> Problem:
    _, end = bounds_of(period, now)
    seconds = max(1, int((end - now).total_seconds()) + 1)
    return Problem(
        "quota_exceeded",
        f"{items:,} new records in a {period} of UTC are there. Nothing of this request was "
        f"stored: send all of it again from {end:%Y-%m-%dT%H:%MZ} on.",
        headers={"Retry-After": str(seconds)},
    )


async def set_quota(
    connection: asyncpg.Connection, tenant_id: UUID, period: str, items: int | None
) -> None:
    """None: without one from now on."""
    if items is None:
        await connection.execute(DROP, tenant_id, period)
    else:
        await connection.execute(SET, tenant_id, period, items)

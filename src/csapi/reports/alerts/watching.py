"""The worker's part: each alert with each bucket that is over."""

from datetime import timedelta

import asyncpg

from csapi.access.tenancy import tenant_transaction
from csapi.reports.alerts import store
from csapi.reports.alerts.looking import look
from csapi.reports.alerts.timing import LAGS, grain_of, last_end, next_look
from csapi.reports.service import Desk, snapshot_of
from csapi.reports.watching import Next, Outcome, Turn

# Where records that were accepted are not counted yet, it is looked again, so many times.
RETRY, MOST_RETRIES = timedelta(minutes=5), 3


async def look_at_alert(desk: Desk, turn: Turn) -> Outcome:
    """Of buckets that were missed the latest is looked at."""
    async with tenant_transaction(desk.pool, desk.tenant_id, readonly=True) as connection:
        row = await connection.fetchrow(store.ONE, desk.tenant_id, turn.id)
    if row is None:
        return Outcome(None, None)
    alert = store.request_of(row)
    grain = grain_of(alert)
    end = max(turn.at, last_end(grain, desk.timezone, desk.now - LAGS[grain]))
    async with snapshot_of(desk) as snapshot:
        found, is_exact = await look(snapshot, alert, end)
    is_late = desk.now >= end + LAGS[grain] + MOST_RETRIES * RETRY
    if not is_exact and not is_late:
        return Outcome(None, Next(turn.at, desk.now + RETRY))

    async def write(connection: asyncpg.Connection) -> None:
        await store.keep_look(connection, desk.tenant_id, row, found, desk.now)

    return Outcome(write, next_look(alert, desk.timezone, end))

"""The worker's part: where each goal is, once each local day."""

from datetime import date, datetime, timedelta

import asyncpg

from csapi.access.tenancy import tenant_transaction
from csapi.metrics.zones import day_start, local_date
from csapi.reports.goals import store
from csapi.reports.goals.reading import states_of
from csapi.reports.goals.schemas import GoalRequest
from csapi.reports.service import Desk, snapshot_of
from csapi.reports.watching import Next, Outcome, Turn
from csapi.reports.windows import Seeing

# After midnight, so that what came late to the day before is in; and for some days after the due
# date, for the same reason.
LAG, LATE_DAYS = timedelta(minutes=30), 7


def next_look(goal: GoalRequest, timezone: str, now: datetime) -> Next | None:
    """The start of the next local day; of a goal that begins later that of its first."""
    today = local_date(timezone, now)
    if today > goal.due_on + timedelta(days=LATE_DAYS):
        return None
    day: date = max(today + timedelta(days=1), goal.starts_on)
    turn = day_start(timezone, day)
    return Next(turn, turn + LAG)


async def look_at_goal(desk: Desk, turn: Turn) -> Outcome:
    async with tenant_transaction(desk.pool, desk.tenant_id, readonly=True) as connection:
        row = await connection.fetchrow(store.ONE, desk.tenant_id, turn.id)
    if row is None:
        return Outcome(None, None)
    goal = store.request_of(row)
    async with snapshot_of(desk) as snapshot:
        (state,) = await states_of(Seeing(snapshot), [goal], snapshot)

    async def write(connection: asyncpg.Connection) -> None:
        # Not where it is another goal by now.
        told = state.status.value, desk.now, row["updated_at"]
        await connection.execute(store.KEEP_STATUS, desk.tenant_id, turn.id, *told)

    return Outcome(write, next_look(goal, desk.timezone, desk.now))

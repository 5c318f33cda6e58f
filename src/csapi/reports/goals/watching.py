"""The worker's part: where each goal is, once each local day."""

from datetime import date, datetime, timedelta

import asyncpg

from csapi.access.happenings import GoalDrifting
from csapi.access.outbox import emit
from csapi.access.tenancy import tenant_transaction
from csapi.metrics.zones import day_start, local_date
from csapi.reports.goals import store
from csapi.reports.goals.reading import states_of
from csapi.reports.goals.schemas import GoalRequest, GoalState, GoalStatus
from csapi.reports.service import Desk, snapshot_of
from csapi.reports.watching import Next, Outcome, Turn
from csapi.reports.windows import Seeing

# After midnight, so that what came late to the day before is in; and for some days after the due
# date, for the same reason.
LAG, LATE_DAYS = timedelta(minutes=30), 7
DRIFTING = (GoalStatus.off_track, GoalStatus.missed)


def next_look(goal: GoalRequest, timezone: str, now: datetime) -> Next | None:
    """The start of the next local day; of a goal that begins later that of its first."""
    today = local_date(timezone, now)
    if today > goal.due_on + timedelta(days=LATE_DAYS):
        return None
    day: date = max(today + timedelta(days=1), goal.starts_on)
    turn = day_start(timezone, day)
    return Next(turn, turn + LAG)


def drifting(id_: str, goal: GoalRequest, state: GoalState, now: datetime) -> GoalDrifting:
    return GoalDrifting(
        goal_id=id_,
        status=state.status.value,
        metric=goal.metric.id,
        value=None if state.current is None else state.current.value.value,
        target=goal.target,
        due_on=goal.due_on,
        as_of=now,
        path=f"/v1/goals/{id_}",
    )


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
        before = await connection.fetchval(store.KEEP_STATUS, desk.tenant_id, turn.id, *told)
        if before is not None and state.status in DRIFTING and before not in DRIFTING:
            await emit(connection, desk.tenant_id, drifting(str(turn.id), goal, state, desk.now))

    return Outcome(write, next_look(goal, desk.timezone, desk.now))

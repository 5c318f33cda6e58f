"""Action plans in their table."""

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
from msgspec import UNSET

from csapi.kit.problems import Problem
from csapi.reports.plans.schemas import (
    MOST_PLANS,
    ActionPlan,
    NewPlan,
    PlanChange,
    PlanStatus,
    StepStatus,
)
from csapi.reports.refusals import refuse

COLUMNS = (
    "id, content::text AS content, status, goal, suggestion, created_at, updated_at, closed_at"
)
CLOSED = f"('{PlanStatus.done}', '{PlanStatus.abandoned}')"
ADD = f"""
INSERT INTO action_plans (tenant_id, content, status, goal, suggestion, closed_at)
SELECT $1, $2::text::json, $3::text, $4::uuid, $5::uuid,
  CASE WHEN $3::text IN {CLOSED} THEN clock_timestamp() END
WHERE (SELECT count(*) FROM action_plans WHERE tenant_id = $1) < {MOST_PLANS}
RETURNING {COLUMNS}"""
LIST = f"""
SELECT {COLUMNS} FROM action_plans
WHERE tenant_id = $1 AND ($2::text IS NULL OR status = $2) AND ($3::uuid IS NULL OR goal = $3)
  AND ($4::uuid IS NULL OR id < $4)
ORDER BY id DESC LIMIT $5"""
READ = f"SELECT {COLUMNS} FROM action_plans WHERE tenant_id = $1 AND id = $2"
LOCK = f"{READ} FOR UPDATE"
# An end stays when it was reached until it is left.
CHANGE = f"""
UPDATE action_plans SET content = $3::text::json, status = $4, goal = $5,
  updated_at = clock_timestamp(),
  closed_at = CASE WHEN $4 IN {CLOSED} THEN coalesce(closed_at, clock_timestamp()) END
WHERE tenant_id = $1 AND id = $2
RETURNING {COLUMNS}"""
DELETE = "DELETE FROM action_plans WHERE tenant_id = $1 AND id = $2 RETURNING id"
IS_RUN = "SELECT true FROM report_runs WHERE tenant_id = $1 AND report = $2 AND id = $3"
IS_GOAL = "SELECT true FROM goals WHERE tenant_id = $1 AND id = $2"


def plan_of(row: Any) -> NewPlan:
    return msgspec.json.decode(row["content"], type=NewPlan)


def action_plan(row: Any, today: date) -> ActionPlan:
    """The plan of a row. today: the local day, by which steps are late."""
    plan = plan_of(row)
    ended = (StepStatus.done, StepStatus.dropped)
    return ActionPlan(
        id=str(row["id"]),
        plan=plan,
        suggestion_id=None if row["suggestion"] is None else str(row["suggestion"]),
        steps_done=sum(step.status is StepStatus.done for step in plan.steps),
        steps_late=sum(
            step.due_on is not None and step.due_on < today and step.status not in ended
            for step in plan.steps
        ),
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        closed_at=row["closed_at"],
    )


def found_plan(row: Any) -> Any:
    if row is None:
        raise Problem("not_found", "There is no such plan for this key.")
    return row


def check_days(plan: NewPlan) -> None:
    """Raises Problem."""
    if plan.ends_on is None:
        return
    if plan.starts_on is None:
        refuse("/starts_on", "required", "A plan that ends has begun: name its first day.")
    if plan.ends_on <= plan.starts_on:
        refuse("/ends_on", "invalid_value", "`ends_on` must be later than `starts_on`.")


async def check_references(
    connection: asyncpg.Connection, tenant_id: UUID, plan: NewPlan, before: NewPlan | None = None
) -> None:
    """Whether what is newly referred to is there. Raises Problem."""
    goal, run = plan.goal_id, plan.report_run
    is_new = before is None or goal != before.goal_id
    if goal and is_new and not await connection.fetchval(IS_GOAL, tenant_id, goal):
        refuse("/goal_id", "invalid_value", "There is no such goal for this key.")
    is_new = before is None or run != before.report_run
    if run and is_new:
        known = await connection.fetchval(IS_RUN, tenant_id, run.report_id, run.run_id)
        if not known:
            refuse("/report_run", "invalid_value", "There is no such run for this key.")


async def add_plan(
    connection: asyncpg.Connection, tenant_id: UUID, plan: NewPlan, suggestion: UUID | None = None
) -> asyncpg.Record:
    """Its row. Raises Problem for what it refers to, and where there is no room."""
    check_days(plan)
    await check_references(connection, tenant_id, plan)
    text = msgspec.json.encode(plan).decode()
    row = await connection.fetchrow(ADD, tenant_id, text, plan.status, plan.goal_id, suggestion)
    if row is None:
        raise Problem("conflict", f"There are {MOST_PLANS} plans, and no room for more.")
    return row


def changed(plan: NewPlan, change: PlanChange) -> NewPlan:
    given = {
        name: value
        for name in change.__struct_fields__
        if (value := getattr(change, name)) is not UNSET
    }
    return msgspec.structs.replace(plan, **given)


async def change_plan(
    connection: asyncpg.Connection, tenant_id: UUID, id_: UUID, before: NewPlan, plan: NewPlan
) -> asyncpg.Record:
    """Its row. `connection` holds the lock of the plan. Raises Problem."""
    check_days(plan)
    await check_references(connection, tenant_id, plan, before)
    text = msgspec.json.encode(plan).decode()
    return await connection.fetchrow(CHANGE, tenant_id, id_, text, plan.status, plan.goal_id)


async def list_plans(
    connection: asyncpg.Connection, tenant_id: UUID, *wanted: object
) -> Sequence[asyncpg.Record]:
    """wanted: status, goal, the id before which, and how many."""
    rows: Sequence[asyncpg.Record] = await connection.fetch(LIST, tenant_id, *wanted)
    return rows

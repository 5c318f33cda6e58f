"""Tasks: work that was given to somebody, and what became of it."""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise
from typing import Annotated, NamedTuple

import msgspec
from msgspec import Meta

from csapi.facts.kinds import Dimension, Kind, Resource
from csapi.facts.lookup import Lookup
from csapi.facts.outcomes import DeadlineOutcome, HoldingOutcome
from csapi.facts.resource import Column, RecordKind, attribute_columns
from csapi.facts.sql import ATTRIBUTES, fact_select, lateral, nobody
from csapi.facts.ticket_replies import timed
from csapi.facts.wire import Custom, Key, Record, Text
from csapi.facts.work_tables import tasks
from csapi.kit.quantities import EARLIEST, UtcDatetime

# A task may be due long from now.
LATEST_DUE = datetime(2200, 1, 1, tzinfo=UTC)


class TaskAssignment(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """From `at` on, `agent` holds the task; without an agent, nobody does."""

    agent: Key | None = None
    at: UtcDatetime


class Task(Record):
    """A task as it stands now.

    `assignments` is the whole history of its holders. Without it, `assignee` holds the task from
    `assigned_at` on. The dimensions are the task's own: it takes none from its ticket.
    """

    source_updated_at: UtcDatetime | None = None
    title: Text | None = None
    kind: Key | None = None
    assignee: Key | None = None
    team: Key | None = None
    ticket: Key | None = None
    assigned_at: UtcDatetime | None = None
    started_at: UtcDatetime | None = None
    completed_at: UtcDatetime | None = None
    assignments: Annotated[list[TaskAssignment], Meta(max_length=1_000)] = []
    due_at: UtcDatetime | None = None
    custom: Custom = {}
    deleted: bool = False


class Holding(NamedTuple):
    """A stretch of a task's life with one holder, and how it ended."""

    agent: Key | None
    at: datetime
    outcome: HoldingOutcome
    is_last: bool


class Completion(NamedTuple):
    """Who completed a task, since when they held it, and whether they are its last holder."""

    agent: Key | None
    since: datetime | None
    is_last: bool


def check_due(task: Task) -> tuple[str, str, str] | None:
    if task.due_at is None or EARLIEST <= task.due_at < LATEST_DUE:
        return None
    return "/due_at", "out_of_range", "The year is not between 1990 and 2199."


def history(task: Task) -> list[TaskAssignment]:
    """The assignments in their order; those of one instant as they were sent."""
    if task.assignments:
        return sorted(task.assignments, key=lambda each: each.at)
    if task.assignee is not None and task.assigned_at is not None:
        return [TaskAssignment(agent=task.assignee, at=task.assigned_at)]
    return []


def place_at_completion(task: Task, assignments: list[TaskAssignment]) -> int | None:
    """Which assignment was in force when the task was completed: the last one by then.

    A completion before the first assignment is the first holder's: stamps can be wrong.
    """
    completed = task.completed_at
    if completed is None or not assignments:
        return None
    return max(0, sum(each.at <= completed for each in assignments) - 1)


def holdings(task: Task) -> Iterator[Holding]:
    """How each holding by an agent ended."""
    assignments = history(task)
    done = place_at_completion(task, assignments)
    for place, (each, following) in enumerate(pairwise([*assignments, None])):
        if each is None or each.agent is None:
            continue
        outcome = HoldingOutcome.HANDED_ON if following else HoldingOutcome.OPEN
        if place == done:
            outcome = HoldingOutcome.COMPLETED
        yield Holding(each.agent, each.at, outcome, following is None)


def completion(task: Task) -> Completion:
    assignments = history(task)
    place = place_at_completion(task, assignments)
    if place is None:
        return Completion(task.assignee, None, is_last=True)
    each, is_last = assignments[place], place == len(assignments) - 1
    return Completion(each.agent, None if each.agent is None else each.at, is_last)


def deadline_of(task: Task) -> DeadlineOutcome:
    """Done exactly when it was due, a task is in time."""
    if task.due_at is None or task.completed_at is None:
        return DeadlineOutcome.NO_DEADLINE
    is_late = task.completed_at > task.due_at
    return DeadlineOutcome.OVERDUE if is_late else DeadlineOutcome.IN_TIME


def task_row(task: Task, lookup: Lookup) -> tuple[object, ...]:
    source = task.source
    team, done = lookup.team(source, task.team), completion(task)
    # The team of the record is that of its last holder.
    rows = [
        {
            "agent": lookup.agent(source, each.agent),
            "team": team if each.is_last else None,
            "at": each.at,
            "outcome": int(each.outcome),
        }
        for each in holdings(task)
    ]
    return (
        lookup.label(Dimension.TYPE, task.kind),
        team,
        task.ticket,
        msgspec.json.encode(rows).decode() if rows else None,
        task.completed_at,
        lookup.agent(source, done.agent),
        team if done.is_last else None,
        done.since,
        int(deadline_of(task)),
        *lookup.custom(task.custom),
    )


TASK_EVENTS = f"""
  SELECT {Kind.TASK_ASSIGNED}, held.ordinal::int, held.outcome, held.at, held.agent, held.team,
    NULL::bigint, NULL::bigint, NULL::bigint, true
  FROM ROWS FROM (jsonb_to_recordset(c.holdings)
         AS (agent int, team int, at timestamptz, outcome int))
       WITH ORDINALITY AS held (agent, team, at, outcome, ordinal)
  UNION ALL
  SELECT {Kind.TASK_COMPLETED}, 0, c.deadline_outcome::int, c.completed_at, c.completed_by,
    c.completed_team, {timed("c.completed_at", "c.held_since")}, true
  WHERE c.completed_at IS NOT NULL"""

TASKS = RecordKind(
    name="tasks",
    table=tasks.name,
    resource=Resource.TASK,
    item=Task,
    columns=(
        Column("type", "integer"),
        Column("team", "integer"),
        Column("ticket", "text", link="tickets"),
        Column("holdings", "jsonb"),
        Column("completed_at", "timestamptz"),
        Column("completed_by", "integer"),
        Column("completed_team", "integer"),
        Column("held_since", "timestamptz"),
        Column("deadline_outcome", "smallint"),
        *attribute_columns(),
    ),
    row=task_row,
    instants=("assigned_at", "started_at", "completed_at"),
    checks=(check_due,),
    people=nobody(tasks.name),
    derivation=fact_select(
        resource=Resource.TASK,
        source=f"tasks c {lateral(TASK_EVENTS)}",
        dimensions={"type": "c.type", **{name: f"c.{name}" for name in ATTRIBUTES}},
    ),
)

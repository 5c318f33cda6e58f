"""Tasks: who held them, and what became of them."""

from csapi.facts.kinds import Kind
from csapi.facts.outcomes import DeadlineOutcome, HoldingOutcome
from csapi.metrics.catalog.vocabulary import (
    COHORT,
    HIGHER,
    LOWER,
    STAYS_OPEN,
    averaged,
    counted,
    distinct,
    ratio,
)
from csapi.metrics.formulas import Facts, share
from csapi.metrics.parts import Measure

ASSIGNED = Facts(Kind.TASK_ASSIGNED)
COMPLETED = Facts(Kind.TASK_COMPLETED)
OVERDUE = Facts(Kind.TASK_COMPLETED, (DeadlineOutcome.OVERDUE,))
IN_TIME = Facts(Kind.TASK_COMPLETED, (DeadlineOutcome.IN_TIME,))

TASK_METRICS = (
    counted(
        "tasks_assigned",
        "Tasks assigned",
        ASSIGNED,
        "Assignments of tasks to agents, by the instant of the assignment.",
        basis=COHORT,
        pitfalls="A task that is handed on counts again for its next holder.",
    ),
    distinct(
        "distinct_tasks_assigned",
        "Different tasks assigned",
        ASSIGNED,
        Measure.SUBJECTS,
        "Different tasks that were given to an agent, however often they were handed on.",
    ),
    counted(
        "tasks_completed",
        "Tasks completed",
        COMPLETED,
        "Tasks by the instant of their completion; by agent, those that the agent held then.",
        direction=HIGHER,
    ),
    ratio(
        "task_completion_rate",
        "Task completion rate",
        lambda _: share(
            Facts(Kind.TASK_ASSIGNED, (HoldingOutcome.COMPLETED,)).count(), ASSIGNED.count()
        ),
        "The share of assignments whose holder completed the task, in the bucket of the "
        "assignment.",
        formula_text="assignments completed by their holder so far / assignments",
        example="Given to Kim, handed on to Lee, completed by Lee: Kim 0 / 1, Lee 1 / 1, together "
        "1 / 2.",
        basis=COHORT,
        pitfalls="Handing a task on is not completing it. A task that comes back to an agent is "
        "held twice. Recent tasks may still be completed.",
        stays_open=STAYS_OPEN,
    ),
    averaged(
        "task_time_to_complete",
        "Time to complete a task",
        COMPLETED,
        "From the last assignment to the completion: the holder's own time.",
        pitfalls="Time with earlier holders is not in it, nor are tasks that nobody was assigned.",
    ),
    ratio(
        "tasks_overdue_rate",
        "Tasks completed late",
        lambda _: share(OVERDUE.count(), OVERDUE.count() + IN_TIME.count()),
        "The share of completed tasks with a due date that were completed after it.",
        formula_text="completed after the due date / completed with a due date",
        example="Of 10 completed tasks 8 had a due date and 2 of those were late: 0.25.",
        direction=LOWER,
        pitfalls="Tasks that are overdue and still open are not in it. Exactly when due is in "
        "time.",
    ),
)

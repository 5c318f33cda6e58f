"""What a tenant keeps summaries of, and no records: which questions those can answer.

Nothing is guessed: a question about a frozen range that needs what is gone is refused.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NoReturn
from uuid import UUID

import asyncpg

from csapi.metrics.cuboids import Cuboid
from csapi.metrics.parts import AGE_MEASURES, COHORTS, Measure
from csapi.metrics.plan import Run
from csapi.metrics.question import Question
from csapi.reports.refusals import refuse

# Columns of the statement that reads a state: $1 the tenant, $2 the start of the range, $3 its end.
# An attribute that was declared after some of the range was frozen is in no summary of that.
FROZEN = """
  (SELECT max(frozen_before) FROM freezes WHERE tenant_id = $1) AS frozen_before,
  (SELECT max(frozen_at) FROM freezes WHERE tenant_id = $1) AS frozen_at,
  (SELECT array_agg(DISTINCT a.slot) FROM custom_attributes a JOIN freezes z USING (tenant_id)
   WHERE a.tenant_id = $1 AND z.frozen_at < a.created_at AND z.frozen_before > $2) AS undeclared,
  (SELECT sum(times) FROM dead_marks WHERE tenant_id = $1 AND bucket < $3) AS late"""


# What is read of records beside the rows of an answer.
READ_BESIDE = AGE_MEASURES | COHORTS | {Measure.DUE_N}
FROZEN_BEFORE = """
SELECT max(frozen_before) AS frozen_before, max(frozen_at) AS frozen_at, NULL::smallint[] AS
  undeclared, 0 AS late FROM freezes WHERE tenant_id = $1"""


@dataclass(frozen=True, slots=True)
class Frozen:
    """Before `before` there are summaries alone, as of `at`. undeclared: the slots of attributes
    that part of the range knows nothing of. late: how often something changed what is frozen."""

    before: datetime
    at: datetime
    undeclared: tuple[int, ...] = ()
    late: int = 0


def frozen_of(row: Any) -> Frozen | None:
    if row["frozen_before"] is None:
        return None
    return Frozen(
        row["frozen_before"].astimezone(UTC),
        row["frozen_at"].astimezone(UTC),
        tuple(row["undeclared"] or ()),
        int(row["late"] or 0),
    )


def refuse_gone(frozen: Frozen, what: str, pointer: str = "/time/range/from") -> NoReturn:
    message = (
        f"Records from before {told(frozen.before)} were removed as the tenant's retention says, "
        f"and {what}. Ask from then on, or for less detail (docs/retention.md)."
    )
    refuse(pointer, "beyond_retention", message)


def told(instant: datetime) -> str:
    return instant.isoformat().replace("+00:00", "Z")


def check_kept(
    frozen: Frozen | None, question: Question, facts: Sequence[Run], cuboid: Cuboid | None
) -> None:
    """Raise Problem where the rows that answer a question are gone. facts: the runs of time that
    are read from records."""
    if frozen is None:
        return
    if any(start < frozen.before for start, _ in facts):
        refuse_gone(frozen, "the summaries that are left do not have this detail")
    if cuboid is None or question.period.start >= frozen.before:
        return
    if cuboid.attribute_slot in frozen.undeclared:
        refuse_gone(frozen, "the attribute was declared after they were counted")
    for asked in question.metrics:
        measures = {part.measure for part in asked.parts}
        if asked.formula.survival is not None or measures & READ_BESIDE:
            refuse_gone(frozen, f"{asked.name} is not in the summaries that are left")


def check_records_kept(frozen: Frozen | None, start: datetime, what: str) -> None:
    """The same for what is read of the records themselves."""
    if frozen is not None and start < frozen.before:
        refuse_gone(frozen, what)


async def check_range_kept(
    connection: asyncpg.Connection, tenant_id: UUID, start: datetime, what: str, pointer: str
) -> None:
    """The same for a report that reads no state. pointer: where its range begins."""
    frozen = frozen_of(await connection.fetchrow(FROZEN_BEFORE, tenant_id))
    if frozen is not None and start < frozen.before:
        refuse_gone(frozen, what, pointer)


def frozen_cautions(frozen: Frozen | None, question: Question) -> tuple[str, ...]:
    """What to know of an answer that has something from before."""
    if frozen is None or not (question.period.start < frozen.before or question.stocks):
        return ()
    found = (
        f"before {told(frozen.before)} only summaries are kept: they are counted as of "
        f"{told(frozen.at)} at the latest, and changes of definitions, teams or records since then "
        "are not in them"
    )
    if frozen.late == 0:
        return (found,)
    return found, f"{frozen.late} changes concerned what is frozen and were not counted"

"""How long what lasts at an instant has lasted: open tickets, waiting customers.

What lasts is a fact at its start; what has ended since is one at its end, with its length. So the
few facts that last and those that ended after the instant are read, and none of what was before.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from csapi.facts.business_hours import HAS_SCHEDULES, open_between
from csapi.facts.kinds import Kind
from csapi.kit.db import Statement
from csapi.metrics.compile import Compiler
from csapi.metrics.members import fact_key
from csapi.metrics.parts import AGE_MEASURES, AGES, INTERRUPTED, LASTING, Hours, Measure
from csapi.metrics.question import Asked, MemberGroup, Question, TimeGroup

# Parts of one kind by one clock, in the order in which the rows have them.
ORDER = (Measure.AGE_N, Measure.AGE_SUM, Measure.AGE_MIN, Measure.AGE_MAX)


@dataclass(frozen=True, slots=True)
class Aged:
    """What lasts, by which clock, and where its four numbers belong among the parts."""

    kind: Kind
    hours: Hours
    places: tuple[int | None, ...]


def aged_in(question: Question) -> list[Aged]:
    """What of a question is about ages."""
    asked = {
        (part.kind, Hours.calendar if part.measure in AGES else Hours.business)
        for part in question.parts
        if part.measure in AGE_MEASURES
    }
    found = []
    for kind, hours in sorted(asked):
        wanted = [each if hours is Hours.calendar else AGES[each] for each in ORDER]
        at = {part.measure: n for n, part in enumerate(question.parts) if part.kind is kind}
        found.append(Aged(kind, hours, tuple(at.get(measure) for measure in wanted)))
    return found


def instants_of(question: Question) -> tuple[list[datetime], list[datetime]]:
    """The buckets that have begun: where each starts, and the instant that it is looked at."""
    period, now = question.period, question.now or question.period.end
    spans = [(period.start, period.end)]
    for group in question.groups:
        if isinstance(group, TimeGroup):
            spans = [(each.start, each.end) for each in group.buckets if each.start and each.end]
    begun = [(start, min(end, now)) for start, end in spans if start < now]
    return [start for start, _ in begun], [instant for _, instant in begun]


def milliseconds(interval: str) -> str:
    return f"(extract(epoch FROM {interval}) * 1000)::bigint"


def aged_rows(compiler: Compiler, aged: Aged, values: Mapping[str, str]) -> str:
    """A row for each instant of the question and each that lasts then, with its age in ms."""
    starts, instants = (
        compiler.arguments.add(each, "timestamptz[]") for each in instants_of(compiler.question)
    )
    keys = "".join(
        f", {fact_key(group.dimension)} AS k{n}"
        for n, group in enumerate(compiler.groups)
        if isinstance(group, MemberGroup)
    )
    listed = "".join(f", {value} AS {name}" for name, value in values.items())
    before = "coalesce(f.value, 0) / 10"
    since = f"f.since - {before} * interval '1 millisecond'"
    age = f"{milliseconds('t.instant - f.since')} + {before}"
    if aged.hours is Hours.business:
        # Where it was not all the time until the fact, business time before is on the fact.
        is_one_span = aged.kind not in INTERRUPTED
        began = since if is_one_span else "f.since"
        spent = open_between(began, "t.instant", "f.owner_team", "f.inbox")
        added = "" if is_one_span else " + CASE WHEN f.value > 0 THEN f.business_ms ELSE 0 END"
        age = f"CASE WHEN {HAS_SCHEDULES} THEN {spent}::bigint{added} END"
    condition = compiler.wanted()
    ended = compiler.arguments.add([int(kind) for kind in LASTING[aged.kind]], "smallint[]")
    length = "duration_ms * interval '1 millisecond'"
    return f"""SELECT t.starts_at AS at, {int(aged.kind)} AS kind{keys}{listed}, {age} AS age
  FROM (
    SELECT *, occurred_at AS since, cardinality({instants}) AS until FROM facts
    WHERE tenant_id = {compiler.tenant} AND kind = {int(aged.kind)}
      AND kind = ANY ({compiler.kinds})
    UNION ALL
    SELECT *, occurred_at - {length}, width_bucket(occurred_at, {instants}) FROM facts
    WHERE tenant_id = {compiler.tenant} AND kind = ANY ({ended})
      AND occurred_at >= ({instants})[1] AND duration_ms > 0
  ) AS f
  CROSS JOIN LATERAL (
    SELECT ({starts})[n] AS starts_at, ({instants})[n] AS instant
    FROM generate_series(width_bucket(f.since, {instants}) + 1, f.until) AS n) AS t
  WHERE {condition}"""


def aged_statement(tenant_id: UUID, question: Question, aged: Aged, *, with_all: bool) -> Statement:
    """One row a group: g0.., is_total, how many last, the sum, the least and the greatest of their
    ages in ms; as far as they are asked for the subjects of those two, and all ages in order."""
    compiler = Compiler(tenant_id, question)
    rows = aged_rows(compiler, aged, {"subject": "f.subject", "resource": "f.resource"})
    known = "FILTER (WHERE age IS NOT NULL)"
    *_, least, greatest = aged.places

    def record(order: str) -> str:
        listed = f"array_agg(ARRAY[subject::text, resource::text] ORDER BY {order}, subject)"
        return f"({listed} {known})[1:1]"

    youngest = "NULL" if least is None else record("age")
    oldest = "NULL" if greatest is None else record("age DESC")
    ages = f"array_agg(age ORDER BY age) {known}" if with_all else "NULL"
    sums = ["count(age)", "coalesce(sum(age), 0)::bigint", "min(age)", "max(age)"]
    values = [*sums, youngest, oldest, ages]
    return compiler.grouped(rows, [f"{value} AS v{n}" for n, value in enumerate(values)])


def ranked_in(question: Question, aged: Aged) -> Sequence[Asked]:
    """The metrics of a question that take their percentiles of these ages."""
    return [
        asked
        for asked in question.metrics
        if asked.percentile is not None
        and (spread := asked.formula.spread) is not None
        and (spread.kind, spread.hours) == (aged.kind, aged.hours)
    ]

"""From a question and its plan to SQL. Pure: statements come out, nothing runs."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

from csapi.facts.kinds import FORESEEN, Grain
from csapi.kit.db import Arguments, Statement
from csapi.metrics.bins import bins_within
from csapi.metrics.cells import inside
from csapi.metrics.cuboids import Cuboid, covering
from csapi.metrics.members import fact_key, fact_test, looked_up
from csapi.metrics.other_facts import IS_RESOLVED, IS_SWITCHED, on_topic
from csapi.metrics.parts import (
    COHORTS,
    DISTINCT,
    EXTREMES,
    FILLED,
    OF_RESOLVED,
    ON_TOPIC,
    SQUARED,
    THRESHOLDS,
    Measure,
    Part,
)
from csapi.metrics.periods import TimeGrain
from csapi.metrics.plan import Pieces, Run
from csapi.metrics.question import (
    NO_MEMBER,
    OTHER,
    Condition,
    Group,
    Kept,
    MemberGroup,
    Question,
    TimeGroup,
)
from csapi.metrics.topics import Through
from csapi.metrics.zones import changes, offset

STORED = {
    Measure.N: "x.n",
    Measure.NEGATIVE_N: "x.negative_n",
    Measure.NEGATIVE_SUM: "x.negative_sum",
    Measure.DURATION_N: "x.duration_n",
    Measure.DURATION_SUM: "x.duration_sum",
    Measure.DURATION_ZERO_N: "x.duration_zero_n",
    Measure.DURATION_MIN: "x.duration_min",
    Measure.DURATION_MAX: "x.duration_max",
    Measure.BUSINESS_N: "x.business_n",
    Measure.BUSINESS_SUM: "x.business_sum",
    Measure.VALUE_N: "x.value_n",
    Measure.VALUE_SUM: "x.value_sum",
    Measure.BALANCE: "x.value_sum",
    Measure.DURATION_SUMSQ: "x.duration_sumsq",
    Measure.VALUE_SUMSQ: "x.value_sumsq",
    **{measure: "NULL::bigint" if measure in EXTREMES else "0" for measure in FILLED},
}
COUNTED = {
    Measure.N: "1",
    Measure.NEGATIVE_N: "(f.negative_ms IS NOT NULL)::int",
    Measure.NEGATIVE_SUM: "coalesce(f.negative_ms, 0)",
    Measure.DURATION_N: "(f.duration_ms IS NOT NULL)::int",
    Measure.DURATION_SUM: "coalesce(f.duration_ms, 0)",
    Measure.DURATION_ZERO_N: "coalesce(f.duration_ms = 0, false)::int",
    Measure.DURATION_MIN: "f.duration_ms",
    Measure.DURATION_MAX: "f.duration_ms",
    Measure.POSITIVE_MIN: "nullif(f.duration_ms, 0)",
    Measure.BUSINESS_N: "(f.business_ms IS NOT NULL)::int",
    Measure.BUSINESS_SUM: "coalesce(f.business_ms, 0)",
    Measure.BUSINESS_ZERO_N: "coalesce(f.business_ms = 0, false)::int",
    Measure.BUSINESS_MIN: "f.business_ms",
    Measure.BUSINESS_MAX: "f.business_ms",
    Measure.BUSINESS_POSITIVE_MIN: "nullif(f.business_ms, 0)",
    Measure.VALUE_N: "(f.value IS NOT NULL)::int",
    Measure.VALUE_SUM: "coalesce(f.value, 0)",
    Measure.BALANCE: "coalesce(f.value, 0)",
    **{each: f"coalesce(f.{name}::numeric * f.{name}, 0)" for each, name in SQUARED.items()},
    Measure.SUBJECTS: "f.subject",
    Measure.CUSTOMERS: "f.customer",
    **{measure: "NULL::bigint" if measure in EXTREMES else "0" for measure in FILLED},
}


def cuboid_for(question: Question) -> Cuboid | None:
    """The smallest cuboid that can answer; None where only facts can. A cell is read from facts."""
    if question.cell is not None:
        return None
    for part in question.parts:
        if part.measure is Measure.WITHIN_N:
            if bins_within(int(part.threshold_ms or 0)) is None:
                return None
        elif part.measure not in STORED:
            return None
    return covering(question.columns)


def column_of(part: Part) -> str:
    """The name under which the rows of a statement carry a part's measure."""
    if part.threshold_ms is not None:
        name = part.measure.value.removesuffix("_n")
        return f"{name}_{part.threshold_ms}".replace("-", "minus_")
    return part.measure.value


def fact_value(part: Part) -> str:
    """A measure of a fact `f`."""
    limit = int(part.threshold_ms or 0)
    if part.measure in COHORTS:
        return "0"
    if part.measure in OF_RESOLVED:
        counted = fact_value(replace(part, measure=OF_RESOLVED[part.measure]))
        return f"CASE WHEN {counted} = 1 AND {IS_RESOLVED} THEN 1 ELSE 0 END"
    if part.measure in ON_TOPIC:
        return on_topic(part.measure, limit)
    if part.measure is Measure.SWITCHED_WITHIN_N:
        return f"CASE WHEN f.gap_next_ms <= {limit} THEN {IS_SWITCHED} ELSE 0 END"
    if column := THRESHOLDS.get(part.measure):
        return f"coalesce({column} <= {limit}, false)::int"
    return COUNTED[part.measure]


def stored_value(part: Part) -> str:
    """A measure of a summary row; within a threshold, from its bins."""
    if part.measure is not Measure.WITHIN_N:
        return STORED[part.measure]
    last = (bins_within(int(part.threshold_ms or 0)) or 0) - 1
    place = f"width_bucket({last}::smallint, x.bins)"
    return f"coalesce(CASE WHEN x.counts IS NULL THEN {place} ELSE x.counts[{place}] END, 0)"


AHEAD = ", ".join(str(int(kind)) for kind in FORESEEN)
# One more than may be answered: the reader refuses when it gets that many.
MOST_GROUPS = 50_000


class Compiler:
    """Builds one statement of one question for one tenant."""

    def __init__(self, tenant_id: UUID, question: Question) -> None:
        self.question = question
        self.groups = question.groups if question.cell is None else question.cell.groups
        self.arguments = Arguments()
        self.tenant = self.arguments.add(tenant_id, "uuid")
        self.kinds = self.arguments.add([int(kind) for kind in question.kinds], "smallint[]")
        self.by_column = {column_of(part): part for part in question.parts}

    def parts(self, pieces: Pieces, cuboid: Cuboid | None) -> Statement:
        """One row a group: g0.. the groups, is_total, p0.. the parts as integers."""
        fact = {name: fact_value(part) for name, part in self.by_column.items()}
        stored = {}
        if cuboid is not None:
            stored = {name: stored_value(part) for name, part in self.by_column.items()}
        rows = self.union(pieces, cuboid, fact, stored)
        return self.grouped(rows, self.sums())

    def sums(self) -> list[str]:
        return [f"{self.summed(part)} AS p{n}" for n, part in enumerate(self.question.parts)]

    def union(
        self,
        pieces: Pieces,
        cuboid: Cuboid | None,
        fact: Mapping[str, str],
        stored: Mapping[str, str],
    ) -> str:
        """The rows of all pieces, with the values under their names."""
        branches = []
        if cuboid is not None:
            for grain, runs in (
                (Grain.MONTH, pieces.months),
                (Grain.DAY, pieces.days),
                (Grain.SLOT, pieces.slots),
            ):
                if runs:
                    branches.append(self._stored(cuboid, grain, runs, stored))
        if pieces.facts or not branches:
            branches.append(self.facts(pieces.facts, fact))
        return "\nUNION ALL\n".join(branches)

    def keyed(self, rows: str) -> str:
        """The rows with the keys of their groups as g0.., of a cell those in it."""
        return inside(self._keyed(rows), self.question.cell, self.arguments)

    def _keyed(self, rows: str) -> str:
        keys = [self._group(n, group) for n, group in enumerate(self.groups)]
        joined = f"(\n{rows}\n) AS rows" + "".join(
            self._mapped(n, group)
            for n, group in enumerate(self.groups)
            if isinstance(group, MemberGroup)
        )
        if self.question.kept is None:
            named = [f"{key} AS g{n}" for n, key in enumerate(keys)]
            return f"SELECT {', '.join([*named, 'rows.*'])} FROM {joined}"
        return self._told_apart(self.question.kept, keys, joined)

    def _told_apart(self, kept: Kept, keys: Sequence[str], rows: str) -> str:
        """The same with the key OTHER where a row is of no group that is told apart."""
        named = ", ".join([*(f"{key} AS h{n}" for n, key in enumerate(keys)), "rows.*"])
        places = [n for n, group in enumerate(self.groups) if group.id in kept.ids]
        own = ", ".join(f"coalesce(h{n}::bigint, {NO_MEMBER})" for n in places)
        columns = [
            self.arguments.add([NO_MEMBER if key is None else key for key in column], "bigint[]")
            for column in zip(*kept.keys, strict=True)
        ]
        known = f"({own}) IN (SELECT * FROM unnest({', '.join(columns)}))" if columns else "false"
        told = [
            f"CASE WHEN is_kept THEN h{n}::bigint ELSE {OTHER} END AS g{n}"
            if n in places
            else f"h{n} AS g{n}"
            for n in range(len(keys))
        ]
        return f"""SELECT {", ".join(told)}, * FROM (
SELECT *, {known} AS is_kept FROM (SELECT {named} FROM {rows}) AS named) AS told"""

    def grouped(self, rows: str, values: Sequence[str]) -> Statement:
        names = ", ".join(f"g{n}" for n in range(len(self.question.groups)))
        listed = f"{names}, " if names else ""
        total = f"(grouping({names}) > 0)" if names else "true"
        sets = f"GROUPING SETS (({names}), ())" if self.question.with_totals else f"({names})"
        by = f"\nGROUP BY {sets}{self._having(names)}\nLIMIT {MOST_GROUPS + 2}" if names else ""
        sql = f"""SELECT {listed}{total} AS is_total, {", ".join(values)}
FROM ({self.keyed(rows)}) AS keyed{by}"""
        return Statement(sql, tuple(self.arguments.values))

    def _having(self, names: str) -> str:
        """Facts that only say how another number is to be read make no group of their own."""
        if self.question.own_kinds == self.question.kinds:
            return ""
        own = self.arguments.add([int(kind) for kind in self.question.own_kinds], "smallint[]")
        total = f"grouping({names}) > 0 OR " if self.question.with_totals else ""
        return f"\nHAVING {total}count(*) FILTER (WHERE kind = ANY({own})) > 0"

    def wanted_of(self, part: Part) -> str:
        """Which of the rows a part is about."""
        wanted = matching(part.kind, part.outcomes)
        for bound, order in ((part.since, ">="), (part.until, "<")):
            if bound is not None:
                wanted += f" AND at {order} {self.arguments.add(bound, 'timestamptz')}"
        return wanted

    def summed(self, part: Part) -> str:
        column, wanted = column_of(part), self.wanted_of(part)
        if part.measure in EXTREMES:
            return f"{EXTREMES[part.measure]}({column}) FILTER (WHERE {wanted})"
        if part.measure in DISTINCT:
            return f"count(DISTINCT {column}) FILTER (WHERE {wanted})"
        exact = "numeric" if part.measure in SQUARED else "bigint"
        return f"coalesce(sum({column}) FILTER (WHERE {wanted}), 0)::{exact}"

    def _runs(self, runs: Sequence[Run]) -> str:
        starts = self.arguments.add([run[0] for run in runs], "timestamptz[]")
        ends = self.arguments.add([run[1] for run in runs], "timestamptz[]")
        return f"unnest({starts}, {ends}) AS run (starts_at, ends_at)"

    def facts(self, runs: Sequence[Run], values: Mapping[str, str], only: str | None = None) -> str:
        keys = "".join(
            f", {fact_key(group.dimension)} AS k{n}"
            for n, group in enumerate(self.groups)
            if isinstance(group, MemberGroup)
        )
        listed = "".join(f", {value} AS {name}" for name, value in values.items())
        conditions = [only or "true", self.wanted()]
        # OFFSET 0: one index scan a run, whatever the planner thinks of their number.
        return f"""SELECT f.* FROM {self._runs(runs)} CROSS JOIN LATERAL (
  SELECT f.occurred_at AS at, f.kind, f.outcome{keys}{listed} FROM facts f
  WHERE f.tenant_id = {self.tenant} AND f.kind = ANY ({self.kinds})
    AND f.occurred_at >= run.starts_at AND f.occurred_at < run.ends_at
    AND {" AND ".join(conditions)}
  OFFSET 0) AS f"""

    def _stored(
        self, cuboid: Cuboid, grain: Grain, runs: Sequence[Run], values: Mapping[str, str]
    ) -> str:
        keys = "".join(
            f", nullif({stored_key(cuboid, group.dimension.column)}, 0)::bigint AS k{n}"
            for n, group in enumerate(self.groups)
            if isinstance(group, MemberGroup)
        )
        listed = "".join(f", {value} AS {name}" for name, value in values.items())
        return f"""SELECT x.* FROM {self._runs(runs)} CROSS JOIN LATERAL (
  SELECT x.bucket AS at, x.kind, x.outcome{keys}{listed} FROM summaries x
  WHERE x.tenant_id = {self.tenant} AND x.cuboid = {cuboid.number} AND x.grain = {int(grain)}
    AND x.bucket >= run.starts_at AND x.bucket < run.ends_at AND x.kind = ANY ({self.kinds})
    AND {self.condition(self.question.condition, cuboid)}
  OFFSET 0) AS x"""

    def wanted(self) -> str:
        """What the question asks of facts `f`."""
        asked = self.condition(self.question.condition, None)
        if self.question.seen_until is None:
            return asked
        now = self.arguments.add(self.question.seen_until, "timestamptz")
        return f"{asked} AND (f.occurred_at < {now} OR f.kind NOT IN ({AHEAD}))"

    def condition(self, condition: Condition | None, cuboid: Cuboid | None) -> str:
        if condition is None:
            return "true"
        if condition.test is not None:
            test = condition.test
            members = self.arguments.add(list(test.members), "bigint[]")
            if cuboid is None:
                return fact_test(test.dimension, self.tenant, members, is_in=test.is_in)
            key = stored_key(cuboid, test.dimension.column)
            return f"{key} {'= ANY' if test.is_in else '<> ALL'} ({members})"
        if condition.none is not None:
            return f"NOT ({self.condition(condition.none, cuboid)})"
        children = condition.every or condition.some
        joint = " AND " if condition.every else " OR "
        return "(" + joint.join(self.condition(child, cuboid) for child in children) + ")"

    def _mapped(self, number: int, group: MemberGroup) -> str:
        if group.dimension.is_looked_up:
            return looked_up(number, group.dimension, self.tenant)
        if (mapping := group.mapping) is None:
            return ""
        members = self.arguments.add(list(mapping), "bigint[]")
        seen_as = self.arguments.add(list(mapping.values()), "bigint[]")
        return (
            f"\nLEFT JOIN unnest({members}, {seen_as}) AS map{number} (from{number}, to{number}) "
            f"ON from{number} = k{number}"
        )

    def _group(self, number: int, group: Group) -> str:
        if isinstance(group, MemberGroup):
            if group.dimension.is_looked_up:
                return f"to{number}"
            if group.mapping is None:
                return f"k{number}"
            is_own = group.dimension.through is Through.parent
            return f"coalesce(to{number}, k{number})" if is_own else f"to{number}"
        if group.is_cycle:
            return self._cycle(group)
        starts = [bucket.start for bucket in group.buckets]
        return f"width_bucket(at, {self.arguments.add(starts, 'timestamptz[]')}) - 1"

    def _cycle(self, group: TimeGroup) -> str:
        """The hour or weekday of the local clock, by the offsets that Python's zone data has."""
        zone, start = self.question.period.timezone, self.question.period.start
        turns = [datetime(1900, 1, 1, tzinfo=UTC), *changes(zone, start, self.question.period.end)]
        offsets = [int(offset(zone, max(turn, start)).total_seconds()) for turn in turns]
        index = f"width_bucket(at, {self.arguments.add(turns, 'timestamptz[]')})"
        seconds = (
            f"(floor(extract(epoch FROM at))::bigint + "
            f"({self.arguments.add(offsets, 'bigint[]')})[{index}])"
        )
        if group.grain is TimeGrain.hour_of_day:
            return f"({seconds} / 3600) % 24"
        # 1970-01-01 was a Thursday, the fourth day of its week.
        return f"({seconds} / 86400 + 3) % 7"


def matching(kind: int, outcomes: Sequence[int], prefix: str = "") -> str:
    listed = ", ".join(str(int(outcome)) for outcome in outcomes)
    chosen = f" AND {prefix}outcome IN ({listed})" if listed else ""
    return f"{prefix}kind = {int(kind)}{chosen}"


def stored_key(cuboid: Cuboid, column: str) -> str:
    return f"x.key{cuboid.columns.index(column) + 1}"

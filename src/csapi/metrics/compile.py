"""From a question and its plan to SQL. Pure: statements come out, nothing runs."""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from csapi.facts.kinds import Grain
from csapi.kit.db import Arguments, Statement
from csapi.metrics.bins import bins_within
from csapi.metrics.cuboids import Cuboid, covering
from csapi.metrics.formulas import EXTREMES, Measure, Part
from csapi.metrics.periods import TimeGrain, edges
from csapi.metrics.plan import Pieces, Run
from csapi.metrics.question import Asked, Condition, Group, MemberGroup, Question, TimeGroup
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
    Measure.VALUE_N: "x.value_n",
    Measure.VALUE_SUM: "x.value_sum",
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
    Measure.VALUE_N: "(f.value IS NOT NULL)::int",
    Measure.VALUE_SUM: "coalesce(f.value, 0)",
}


def cuboid_for(question: Question) -> Cuboid | None:
    """The smallest cuboid that can answer; None where only facts can."""
    for part in question.parts:
        if part.threshold_ms is not None and bins_within(part.threshold_ms) is None:
            return None
    return covering(question.columns)


def column_of(part: Part) -> str:
    """The name under which the rows of a statement carry a part's measure."""
    if part.measure is Measure.WITHIN_N:
        return f"within_{part.threshold_ms}"
    return part.measure.value


def fact_value(part: Part) -> str:
    if part.measure is Measure.WITHIN_N:
        return f"coalesce(f.duration_ms <= {int(part.threshold_ms or 0)}, false)::int"
    return COUNTED[part.measure]


def stored_value(part: Part) -> str:
    """A measure of a summary row; within a threshold, from its bins."""
    if part.measure is not Measure.WITHIN_N:
        return STORED[part.measure]
    above = bins_within(int(part.threshold_ms or 0))
    return (
        f"CASE WHEN x.counts IS NULL "
        f"THEN (SELECT count(*) FROM unnest(x.bins) AS b (bin) WHERE bin < {above}) "
        f"ELSE (SELECT coalesce(sum(count), 0) FROM unnest(x.bins, x.counts) AS b (bin, count) "
        f"WHERE bin < {above}) END"
    )


class Compiler:
    """Builds the statements of one question for one tenant."""

    def __init__(self, tenant_id: UUID, question: Question) -> None:
        self.question = question
        self.arguments = Arguments()
        self.tenant = self.arguments.add(tenant_id, "uuid")
        self.kinds = self.arguments.add([int(kind) for kind in question.kinds], "smallint[]")
        self.columns = list(dict.fromkeys(column_of(part) for part in question.parts))
        self.by_column = {column_of(part): part for part in question.parts}

    def parts(self, pieces: Pieces, cuboid: Cuboid | None) -> Statement:
        """One row a group: g0.. the groups, is_total, p0.. the parts as integers."""
        branches = []
        if cuboid is not None:
            for grain, runs in (
                (Grain.MONTH, pieces.months),
                (Grain.DAY, pieces.days),
                (Grain.SLOT, pieces.slots),
            ):
                if runs:
                    branches.append(self._stored(cuboid, grain, runs))
        if pieces.facts or not branches:
            branches.append(self._facts(pieces.facts))
        rows = "\nUNION ALL\n".join(branches)
        sums = [f"{self._sum(part)} AS p{n}" for n, part in enumerate(self.question.parts)]
        return self._grouped(rows, sums)

    def percentiles(self, asked: Sequence[Asked]) -> Statement:
        """One row a group: g0.., is_total, p0.. one percentile in milliseconds for each asked."""
        period = self.question.period
        rows = self._facts([(period.start, period.end)], extra=", f.duration_ms")
        values = []
        for n, each in enumerate(asked):
            spread = each.formula.spread
            if spread is None or each.percentile is None:
                continue
            fraction = self.arguments.add(each.percentile / 100, "float8")
            zero = " AND duration_ms > 0" if each.formula.exclude_zero else ""
            chosen = matching(Part(spread.kind, spread.outcomes, Measure.N))
            values.append(
                f"percentile_cont({fraction}) WITHIN GROUP (ORDER BY duration_ms) "
                f"FILTER (WHERE {chosen} AND duration_ms IS NOT NULL{zero}) AS p{n}"
            )
        return self._grouped(rows, values)

    def _grouped(self, rows: str, values: Sequence[str]) -> Statement:
        keys = [f"{self._group(n, group)} AS g{n}" for n, group in enumerate(self.question.groups)]
        names = ", ".join(f"g{n}" for n in range(len(keys)))
        grouped = f"({names})"
        if self.question.with_totals and keys:
            grouped = f"GROUPING SETS (({names}), ())"
        total = f"(grouping({names}) > 0) AS is_total" if keys else "true AS is_total"
        listed = f"{names}, " if keys else ""
        inner = f"SELECT {', '.join([*keys, '*'])} FROM (\n{rows}\n) AS rows"
        by = f"\nGROUP BY {grouped}" if keys else ""
        sql = f"SELECT {listed}{total}, {', '.join(values)}\nFROM ({inner}) AS keyed{by}"
        return Statement(sql, tuple(self.arguments.values))

    def _sum(self, part: Part) -> str:
        column = column_of(part)
        if part.measure in EXTREMES:
            return f"{EXTREMES[part.measure]}({column}) FILTER (WHERE {matching(part)})"
        return f"coalesce(sum({column}) FILTER (WHERE {matching(part)}), 0)::bigint"

    def _runs(self, runs: Sequence[Run]) -> str:
        starts = self.arguments.add([run[0] for run in runs], "timestamptz[]")
        ends = self.arguments.add([run[1] for run in runs], "timestamptz[]")
        return f"unnest({starts}, {ends}) AS run (starts_at, ends_at)"

    def _facts(self, runs: Sequence[Run], extra: str = "") -> str:
        keys = "".join(
            f", {fact_key(group)} AS k{n}"
            for n, group in enumerate(self.question.groups)
            if isinstance(group, MemberGroup)
        )
        values = "".join(f", {fact_value(self.by_column[name])} AS {name}" for name in self.columns)
        return f"""SELECT f.occurred_at AS at, f.kind, f.outcome{keys}{values}{extra}
FROM {self._runs(runs)} JOIN facts f ON f.tenant_id = {self.tenant} AND f.kind = ANY ({self.kinds})
  AND f.occurred_at >= run.starts_at AND f.occurred_at < run.ends_at
WHERE {self._condition(self.question.condition, None)}"""

    def _stored(self, cuboid: Cuboid, grain: Grain, runs: Sequence[Run]) -> str:
        keys = "".join(
            f", nullif({stored_key(cuboid, group.dimension.column)}, 0)::bigint AS k{n}"
            for n, group in enumerate(self.question.groups)
            if isinstance(group, MemberGroup)
        )
        values = "".join(
            f", {stored_value(self.by_column[name])} AS {name}" for name in self.columns
        )
        return f"""SELECT x.bucket AS at, x.kind, x.outcome{keys}{values}
FROM {self._runs(runs)} JOIN summaries x ON x.tenant_id = {self.tenant}
  AND x.cuboid = {cuboid.number} AND x.grain = {int(grain)}
  AND x.bucket >= run.starts_at AND x.bucket < run.ends_at
WHERE x.kind = ANY ({self.kinds}) AND {self._condition(self.question.condition, cuboid)}"""

    def _condition(self, condition: Condition | None, cuboid: Cuboid | None) -> str:
        if condition is None:
            return "true"
        if condition.test is not None:
            test = condition.test
            column = test.dimension.column
            key = f"coalesce(f.{column}, 0)" if cuboid is None else stored_key(cuboid, column)
            members = self.arguments.add(list(test.members), "bigint[]")
            return f"{key} {'= ANY' if test.is_in else '<> ALL'} ({members})"
        if condition.none is not None:
            return f"NOT ({self._condition(condition.none, cuboid)})"
        children = condition.every or condition.some
        joint = " AND " if condition.every else " OR "
        return "(" + joint.join(self._condition(child, cuboid) for child in children) + ")"

    def _group(self, number: int, group: Group) -> str:
        if isinstance(group, MemberGroup):
            return f"k{number}"
        if group.is_cycle:
            return self._cycle(group)
        starts = edges(group.grain, self.question.period)[:-1]
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


def matching(part: Part) -> str:
    outcomes = ", ".join(str(int(outcome)) for outcome in part.outcomes)
    chosen = f" AND outcome IN ({outcomes})" if outcomes else ""
    return f"kind = {int(part.kind)}{chosen}"


def fact_key(group: MemberGroup) -> str:
    return f"f.{group.dimension.column}::bigint"


def stored_key(cuboid: Cuboid, column: str) -> str:
    return f"x.key{cuboid.columns.index(column) + 1}"

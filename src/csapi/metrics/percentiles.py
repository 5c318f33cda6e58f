"""Percentiles of durations: exact from facts, or from the bins of summaries. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from csapi.kit.db import Statement
from csapi.metrics.bins import EDGE_VALUES, middle
from csapi.metrics.compile import MOST_GROUPS, Compiler, matching
from csapi.metrics.cuboids import Cuboid
from csapi.metrics.formulas import MS_PER_SECOND, Facts
from csapi.metrics.parts import Hours
from csapi.metrics.plan import Pieces
from csapi.metrics.question import Asked, Question
from csapi.metrics.statistics import Interval, Z


@dataclass(frozen=True, slots=True)
class Percentile:
    """A percentile, from bins only near; its interval, if it is asked for and there are enough."""

    seconds: float
    is_exact: bool
    interval: Interval | None = None


# So many durations are sorted; of more, bins are read.
EXACT_MAX = 100_000


def exact_statement(
    tenant_id: UUID, question: Question, spread: Facts, asked: Sequence[Asked]
) -> Statement:
    """One row a group: g0.., is_total, how many durations of `spread` there are, and for each of
    `asked` the two between which the percentile lies, and those at the ends of its interval if it
    has one. They agree in exclude_zero."""
    compiler = Compiler(tenant_id, question)
    least = 1 if asked[0].formula.exclude_zero else 0
    column = "f.business_ms" if spread.hours is Hours.business else "f.duration_ms"
    rows = compiler.facts(
        [(question.period.start, question.period.end)],
        {"duration_ms": column},
        f"{column} >= {least} AND {matching(spread.kind, spread.outcomes, 'f.')}",
    )
    grouped = compiler.grouped(
        rows, ["count(*) AS n", "array_agg(duration_ms ORDER BY duration_ms) AS d"]
    )
    keys = ", ".join([*(f"g{n}" for n in range(len(question.groups))), "is_total"])
    found = []
    for number, each in enumerate(asked):
        rank = f"{compiler.arguments.add(each.percentile, 'bigint')} * (n - 1)"
        found.append(f"d[({rank} / 100 + 1)::int] AS l{number}")
        found.append(f"d[(({rank} + 99) / 100 + 1)::int] AS h{number}")
        for name, place in ends_of(compiler, each):
            found.append(f"d[({place})::int] AS {name}{number}")
    sql = f"SELECT {keys}, n, {', '.join(found)}\nFROM ({grouped.sql}) AS sorted"
    return Statement(sql, tuple(compiler.arguments.values))


def binned_statement(
    tenant_id: UUID,
    question: Question,
    spread: Facts,
    asked: Sequence[Asked],
    pieces: Pieces,
    cuboid: Cuboid | None,
) -> Statement:
    """One row a group: g0.., is_total, how many durations there are, and for each of `asked` the
    bins of the same durations. They agree in exclude_zero."""
    compiler = Compiler(tenant_id, question)
    one_bin = "NULL"
    if pieces.facts:
        edges = compiler.arguments.add(EDGE_VALUES, "float8[]")
        one_bin = f"ARRAY[width_bucket((f.duration_ms - 1)::float8, {edges})::smallint]"
    rows = compiler.union(
        pieces,
        cuboid,
        {"bins": one_bin, "counts": "NULL::integer[]"},
        {"bins": "x.bins", "counts": "x.counts"},
    )
    names = [f"g{n}" for n in range(len(question.groups))]
    by = f"PARTITION BY {', '.join(names)}" if names else ""
    binned = f"""SELECT {", ".join([*names, "bins", "counts"])},
    count(*) OVER ({by}) AS pieces
  FROM ({compiler.keyed(rows)}) AS keyed
  WHERE {matching(spread.kind, spread.outcomes)} AND bins[1] IS NOT NULL"""
    places = [
        Sought(compiler.arguments.add(fraction_of(each), "float8"), ends_of(compiler, each))
        for each in asked
    ]
    has_zero = not asked[0].formula.exclude_zero
    parts = [alone(names, places, has_zero=has_zero)]
    if names:
        parts.append(merged(names, places, "pieces > 1", has_zero=has_zero))
    if question.with_totals or not names:
        nothing = [f"NULL AS {name}" for name in names]
        where = "true" if names else "pieces > 1"
        parts.append(merged(nothing, places, where, has_zero=has_zero, is_total=True))
    listed = "\nUNION ALL\n".join(parts)
    sql = f"WITH binned AS MATERIALIZED (\n  {binned}\n)\n{listed}\nLIMIT {MOST_GROUPS + 2}"
    return Statement(sql, tuple(compiler.arguments.values))


@dataclass(frozen=True, slots=True)
class Sought:
    """A percentile as SQL: its share, and the ranks at the ends of its interval, if it has one."""

    share: str
    ends: Sequence[tuple[str, str]]

    @property
    def rank(self) -> str:
        """From 0 on, and between two durations where it is not whole."""
        return f"{self.share} * (n - 1)"


# How many durations lie in the first so many bins of a row.
UPTO = "CASE WHEN counts IS NULL THEN {0} ELSE coalesce(counts[{0}], 0) END"


def bin_at(rank: str) -> str:
    """The bin of the duration at a rank, from 0 on, of a row alone."""
    rank = f"{rank} + zeros"
    return f"bins[CASE WHEN counts IS NULL THEN {rank} ELSE width_bucket({rank}, counts) END + 1]"


def alone(names: Sequence[str], places: Sequence[Sought], *, has_zero: bool) -> str:
    """Groups of which there is one row. Few durations are a list of their bins; of many, counts say
    how many lie in a bin or before it, so that a rank is looked up in them."""
    found = []
    for number, each in enumerate(places):
        for name, rank in (("l", f"floor({each.rank})"), ("h", f"ceil({each.rank})")):
            found.append(f"{bin_at(f'{rank}::int')} AS {name}{number}")
        found += [
            f"CASE WHEN {place} >= 1 THEN {bin_at(f'({place})::int - 1')} END AS {name}{number}"
            for name, place in each.ends
        ]
    zeros = "0"
    if not has_zero:
        zeros = UPTO.format("cardinality(array_positions(bins, 0::smallint))")
    keys = "".join(f"{name}, " for name in names)
    is_total = "false" if names else "true"
    return f"""SELECT {keys}{is_total} AS is_total, n, {", ".join(found)}
FROM (
  SELECT *, ({UPTO.format("cardinality(bins)")} - zeros)::bigint AS n
  FROM (SELECT *, {zeros} AS zeros FROM binned WHERE pieces = 1) AS counted
) AS alone
WHERE n > 0"""


def merged(
    names: Sequence[str],
    places: Sequence[Sought],
    where: str,
    *,
    has_zero: bool,
    is_total: bool = False,
) -> str:
    """Groups, or the whole, from the bins of all their rows."""
    found = []
    for number, each in enumerate(places):
        for name, rank in (("l", f"floor({each.rank})"), ("h", f"ceil({each.rank})")):
            found.append(f"min(bin) FILTER (WHERE upto > {rank}) AS {name}{number}")
        found += [
            f"min(bin) FILTER (WHERE {place} >= 1 AND upto >= {place}) AS {name}{number}"
            for name, place in each.ends
        ]
    keys = "".join(f"{name}, " for name in names)
    own = [] if is_total else [*names]
    by = f"PARTITION BY {', '.join(own)}" if own else ""
    zero = "" if has_zero else " AND bin > 0"
    grouped = f"\nGROUP BY {', '.join(own)}" if own else "\nHAVING count(*) > 0"
    return f"""SELECT {keys}{"true" if is_total else "false"} AS is_total, max(n) AS n,
  {", ".join(found)}
FROM (
  SELECT {"".join(f"{name}, " for name in own)}bin,
    (sum(count) OVER ({by} ORDER BY bin))::bigint AS upto,
    (sum(count) OVER ({by}))::bigint AS n
  FROM (
    SELECT {", ".join([*own, "bin"])}, sum(coalesce(upto - before, 1))::bigint AS count
    FROM binned, unnest(bins, counts, 0 || counts) AS b (bin, upto, before)
    WHERE {where} AND bin IS NOT NULL{zero}
    GROUP BY {", ".join([*own, "bin"])}
  ) AS counted
) AS ranked{grouped}"""


def ends_of(compiler: Compiler, asked: Asked) -> list[tuple[str, str]]:
    """The ranks, from 1 on, of the durations between which a percentile of all lies in 95 of 100
    samples; beyond what there is where there are too few. By the normal approximation of how many
    of n durations are under it."""
    if not asked.has_bounds:
        return []
    share = compiler.arguments.add(fraction_of(asked), "float8")
    reach = f"{compiler.arguments.add(Z, 'float8')} * sqrt(n * {share} * (1 - {share}))"
    return [(name, f"ceil(n * {share} {sign} {reach})") for name, sign in (("a", "-"), ("b", "+"))]


def fraction_of(asked: Asked) -> float:
    return (asked.percentile or 0) / 100


def interpolate(asked: Asked, n: int, low: float, high: float) -> float:
    """The percentile in seconds between two durations in ms, as PERCENTILE_CONT defines it.

    Of whole milliseconds, exact: one division at the end.
    """
    past = (asked.percentile or 0) * (n - 1) % 100
    return (low * (100 - past) + high * past) / (100 * MS_PER_SECOND)


def percentiles_of(
    asked: Sequence[Asked], values: Sequence[Any], *, is_exact: bool
) -> dict[str, Percentile]:
    """From how many durations there are, and for each percentile the durations, or their bins, that
    a statement has found."""
    n, *found = values
    if not n:
        return {}
    near = [each if each is None or is_exact else middle(each) for each in found]
    width = 4 if asked[0].has_bounds else 2
    answer = {}
    for number, each in enumerate(asked):
        low, high, *ends = near[number * width : (number + 1) * width]
        seconds = interpolate(each, n, low, high)
        interval = None
        if ends and None not in ends:
            interval = (
                min(ends[0] / MS_PER_SECOND, seconds),
                max(ends[1] / MS_PER_SECOND, seconds),
            )
        answer[each.name] = Percentile(seconds, is_exact, interval)
    return answer

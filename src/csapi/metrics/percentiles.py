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
    total = f"grouping({', '.join(names)}) > 0" if names else "true"
    sets = [[*names, "bin"], *([["bin"]] if question.with_totals and names else [])]
    grouped = ", ".join(f"({', '.join(names_of)})" for names_of in sets)
    keys = ", ".join([*names, "is_total"])
    found = []
    for number, each in enumerate(asked):
        rank = f"{compiler.arguments.add(fraction_of(each), 'float8')} * (n - 1)"
        found.append(f"min(bin) FILTER (WHERE upto > floor({rank})) AS l{number}")
        found.append(f"min(bin) FILTER (WHERE upto > ceil({rank})) AS h{number}")
        for name, place in ends_of(compiler, each):
            found.append(
                f"min(bin) FILTER (WHERE {place} >= 1 AND upto >= {place}) AS {name}{number}"
            )
    zero = " AND bin > 0" if asked[0].formula.exclude_zero else ""
    sql = f"""SELECT {keys}, max(n) AS n, {", ".join(found)}
FROM (
  SELECT {keys}, bin, (sum(count) OVER (PARTITION BY {keys} ORDER BY bin))::bigint AS upto,
    (sum(count) OVER (PARTITION BY {keys}))::bigint AS n
  FROM (
    SELECT {", ".join([*names, f"({total}) AS is_total"])}, bin,
      sum(coalesce(upto - before, 1))::bigint AS count
    FROM ({compiler.keyed(rows)}) AS keyed,
      unnest(bins, counts, 0 || counts) AS b (bin, upto, before)
    WHERE {matching(spread.kind, spread.outcomes)} AND bin IS NOT NULL{zero}
    GROUP BY GROUPING SETS ({grouped})
  ) AS counted
) AS ranked
GROUP BY {keys}
LIMIT {MOST_GROUPS + 2}"""
    return Statement(sql, tuple(compiler.arguments.values))


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

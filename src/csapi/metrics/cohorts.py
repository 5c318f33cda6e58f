"""Cohorts: who was in stock at the start of a bucket, and who of them still is at its end. Pure.

Nothing of that adds up over time, so it is counted from the facts of every subject. At the start
means just before the bucket: the cohort of a month is the stock at the end of the month before.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

from csapi.kit.db import Statement
from csapi.metrics.compile import MOST_GROUPS, Compiler, matching
from csapi.metrics.parts import COHORTS, Measure
from csapi.metrics.question import MemberGroup, Question, TimeGroup
from csapi.metrics.stocks import Keys, Parts, empty_parts

BEGINNING = datetime(1900, 1, 1, tzinfo=UTC)
# Kind and outcomes of the facts that make the stock.
Stock = tuple[int, tuple[int, ...]]


def stocks_of(question: Question) -> list[Stock]:
    """The stocks that the question has cohorts of."""
    found = [(int(part.kind), part.outcomes) for part in question.parts if part.measure in COHORTS]
    return list(dict.fromkeys(found))


def time_place(question: Question) -> int | None:
    places = [n for n, group in enumerate(question.groups) if isinstance(group, TimeGroup)]
    return places[0] if places else None


def spans_of(question: Question) -> list[tuple[datetime, datetime]]:
    """The buckets, or the whole range."""
    place = time_place(question)
    group = None if place is None else question.groups[place]
    if isinstance(group, TimeGroup):
        return [(each.start, each.end) for each in group.buckets if each.start and each.end]
    return [(question.period.start, question.period.end)]


def cohort_statement(tenant_id: UUID, question: Question, stock: Stock) -> Statement:
    """One row for each bucket and combination of members that has a cohort: the number of the
    bucket, g0.. the members at its start, how many there are, and how many stayed.

    Filters choose who belongs to a cohort; whoever has moved out of them since may still be there.
    """
    groups = tuple(group for group in question.groups if isinstance(group, MemberGroup))
    compiler = Compiler(tenant_id, replace(question, groups=groups, condition=None))
    spans = spans_of(question)
    starts = compiler.arguments.add([start for start, _ in spans], "timestamptz[]")
    ends = compiler.arguments.add([end for _, end in spans], "timestamptz[]")
    values = {
        "subject": "f.subject",
        "value": "f.value",
        "is_chosen": compiler.condition(question.condition, None),
    }
    runs = [(BEGINNING, question.period.end)]
    rows = compiler.facts(runs, values, matching(*stock, prefix="f."))
    names = "".join(f", g{n}" for n in range(len(groups)))
    keyed = compiler.keyed("SELECT * FROM own WHERE is_chosen")
    sql = f"""WITH own AS MATERIALIZED ({rows}
), spans AS (
  SELECT * FROM unnest({starts}, {ends}) WITH ORDINALITY AS s (starts_at, ends_at, bucket)
), held AS (
  SELECT s.bucket, o.subject, sum(o.value) AS value
  FROM spans s JOIN own o ON o.at < s.ends_at GROUP BY s.bucket, o.subject
), started AS (
  SELECT s.bucket{names}, k.subject FROM spans s JOIN ({keyed}) AS k ON k.at < s.starts_at
  GROUP BY s.bucket{names}, k.subject HAVING sum(k.value) > 0
)
SELECT (bucket - 1)::int AS bucket{names}, count(*) AS started,
  count(*) FILTER (WHERE held.value > 0) AS stayed
FROM started JOIN held USING (bucket, subject)
GROUP BY bucket{names} LIMIT {MOST_GROUPS + 2}"""
    return Statement(sql, tuple(compiler.arguments.values))


def cohort_entries(
    compiler: Compiler, question: Question, values: Mapping[str, str], listed: Sequence[str]
) -> str:
    """One row for each subject of the one cohort of a cell. `listed`: expressions over subject,
    is_left (whether it stays), and of its facts before the cell the last instant as `at`, resource,
    and `latest`: that instant in microseconds, and after it the `values` of then. `compiler`: of
    the question without its condition."""
    (stock,) = stocks_of(question)
    start = compiler.arguments.add(question.period.start, "timestamptz")
    own = {
        "subject": "f.subject",
        "resource": "f.resource",
        "value": "f.value",
        "is_chosen": compiler.condition(question.condition, None),
        **values,
    }
    runs = [(BEGINNING, question.period.end)]
    rows = compiler.facts(runs, own, matching(*stock, prefix="f."))
    keyed = compiler.keyed("SELECT * FROM own WHERE is_chosen")
    order = f"ARRAY[(extract(epoch FROM at) * 1000000)::bigint, {', '.join(values)}]::bigint[]"
    return f"""WITH own AS MATERIALIZED ({rows}
), held AS (
  SELECT subject, sum(value) > 0 AS is_left FROM own GROUP BY subject
), started AS (
  SELECT subject, max(at) AS at, min(resource) AS resource, max({order}) AS latest
  FROM ({keyed}) AS k WHERE at < {start} GROUP BY subject HAVING sum(value) > 0
)
SELECT {", ".join(listed)} FROM started JOIN held USING (subject)"""


def with_cohorts(
    question: Question,
    parts: Mapping[Keys, Parts],
    stock: Stock,
    rows: Sequence[Sequence[int | None]],
) -> dict[Keys, Parts]:
    """The parts of all groups with what a cohort statement found."""
    found: dict[Keys, Parts] = dict(parts)
    place = time_place(question)
    for bucket, *members, started, stayed in rows:
        keys = tuple(members)
        if place is not None:
            keys = (*keys[:place], bucket, *keys[place:])
        filled = list(found.get(keys) or empty_parts(question))
        for number, part in enumerate(question.parts):
            if (int(part.kind), part.outcomes) == stock and part.measure in COHORTS:
                filled[number] = started if part.measure is Measure.STARTED else stayed
        found[keys] = filled
    return found

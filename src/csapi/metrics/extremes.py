"""Which record a longest or shortest duration is of. Pure."""

from collections.abc import Sequence
from uuid import UUID

from csapi.kit.db import Statement
from csapi.metrics.compile import COUNTED, Compiler, matching
from csapi.metrics.parts import AGE_MEASURES, EXTREMES
from csapi.metrics.question import Asked, Question


def records_asked(question: Question) -> list[Asked]:
    """The metrics of a question whose value is that of one record in facts."""
    return [
        asked
        for asked in question.metrics
        if asked.extreme is not None and asked.extreme.measure not in AGE_MEASURES
    ]


def extreme_statement(
    tenant_id: UUID, question: Question, asked: Asked, ends: Sequence[int]
) -> Statement:
    """One row a group: g0.., is_total, and subject and resource of the record at the end: of
    several the earliest. ends: the extremes of all groups, which spare the rest."""
    part = asked.extreme
    if part is None:
        raise AssertionError(asked.name)
    compiler = Compiler(tenant_id, question)
    is_longest = EXTREMES[part.measure] == "max"
    column = COUNTED[part.measure]
    bound = compiler.arguments.add(min(ends) if is_longest else max(ends), "bigint")
    rows = compiler.facts(
        [(question.period.start, question.period.end)],
        {"length": column, "subject": "f.subject", "resource": "f.resource"},
        f"{matching(part.kind, part.outcomes, 'f.')} "
        f"AND {column} {'>=' if is_longest else '<='} {bound}",
    )
    order = f"length {'DESC' if is_longest else 'ASC'}, at, subject"
    first = f"(array_agg(ARRAY[subject::text, resource::text] ORDER BY {order}))[1:1]"
    return compiler.grouped(rows, [f"{first} AS record"])

"""Outlooks: what has begun by the end of a range and is due soon after it. Pure.

Due instants are known beforehand: every decision that is to come is a fact already, or was one
until something else decided it earlier. So what is due within x after an instant is among the
decisions of those x, and nothing else need be read.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from csapi.kit.db import Statement
from csapi.metrics.compile import Compiler, column_of
from csapi.metrics.parts import EXTREMES, Measure
from csapi.metrics.question import Question

Keys = tuple[int | None, ...]
Parts = Sequence[int | None]
MS = timedelta(milliseconds=1)


def outlook_question(question: Question) -> tuple[Question, datetime]:
    """The question about what is to come, and the instant that it looks ahead from: the end of
    the range, or now where that comes first."""
    asked = tuple(each for each in question.metrics if each.formula.is_outlook)
    period, now = question.period, question.now
    end = period.end if now is None else min(period.end, now)
    longest = max(part.threshold_ms or 0 for each in asked for part in each.parts)
    ahead = replace(period, start=end, end=end + (longest + 1) * MS)
    return replace(question, metrics=asked, period=ahead, now=None), end


def due_statement(tenant_id: UUID, question: Question, since: datetime) -> Statement:
    """One row a group, as Compiler.parts gives it. `question`, `since`: of outlook_question."""
    compiler = Compiler(tenant_id, question)
    values = due_values(compiler, question, since)
    rows = compiler.facts([(question.period.start, question.period.end)], values)
    return compiler.grouped(rows, compiler.sums())


def due_values(compiler: Compiler, question: Question, since: datetime) -> dict[str, str]:
    """Whether a fact `f` is due, by the columns of the parts that ask so. Other parts of a formula
    are read elsewhere: 0."""
    start = compiler.arguments.add(since, "timestamptz")
    values: dict[str, str] = {}
    for part in question.parts:
        if part.measure is not Measure.DUE_N:
            values[column_of(part)] = "NULL::bigint" if part.measure in EXTREMES else "0"
        elif column_of(part) not in values:
            until = compiler.arguments.add(
                since + timedelta(milliseconds=part.threshold_ms or 0), "timestamptz"
            )
            values[column_of(part)] = (
                f"(f.occurred_at - f.duration_ms * interval '1 millisecond' < {start} AND "
                f"f.occurred_at + f.gap_next_ms * interval '1 millisecond' <= {until})::int"
            )
    return values


def with_due(question: Question, ahead: Question, parts: Parts, due: Parts | None) -> Parts:
    """The parts of a group with what is due in them."""
    if due is None:
        return parts
    found = list(parts)
    for place, part in enumerate(ahead.parts):
        if part.measure is Measure.DUE_N:
            found[question.parts.index(part)] = due[place]
    return found

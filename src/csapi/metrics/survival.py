"""Waits that may still last, by Kaplan and Meier: what has not ended counts for as long as it has
been seen to last, and not as if it had ended. Pure."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from uuid import UUID

from csapi.facts.kinds import Kind
from csapi.kit.db import Statement
from csapi.metrics.compile import Compiler
from csapi.metrics.question import Question

# So many waits are put in order.
MOST_WAITS = 500_000
# Exactly a half, as a product of floats may miss it by a hair.
HALF = 0.5 * (1 + 1e-12)

# A wait without a reply was seen until now, or until the ticket was solved without one.
SEEN_MS = f"""CASE WHEN f.duration_ms IS NULL AND f.negative_ms IS NULL THEN greatest(coalesce(
    (SELECT d.duration_ms FROM facts d WHERE d.tenant_id = f.tenant_id AND d.subject = f.subject
      AND d.kind = {Kind.WAIT_DROPPED} AND d.ordinal = 0),
    (extract(epoch FROM %s - coalesce((SELECT w.occurred_at FROM facts w
      WHERE w.tenant_id = f.tenant_id AND w.subject = f.subject AND w.kind = {Kind.WAITING}
        AND w.ordinal = 0), f.occurred_at)) * 1000)::bigint), 0) END"""


def seen_ms(compiler: Compiler) -> str:
    """How long a wait `f` that has not ended has been seen to last."""
    question = compiler.question
    return SEEN_MS % compiler.arguments.add(question.now or question.period.end, "timestamptz")


def survival_statement(tenant_id: UUID, question: Question) -> Statement:
    """One row a group: g0.., is_total, the waits in ms that ended in a reply, and for how long the
    others were seen, both in order."""
    compiler = Compiler(tenant_id, question)
    rows = compiler.facts(
        [(question.period.start, question.period.end)],
        {"ended_ms": "f.duration_ms", "seen_ms": seen_ms(compiler)},
        f"f.kind = {int(Kind.AWAITED)}",
    )

    def in_order(column: str) -> str:
        listed = f"array_agg({column} ORDER BY {column}) FILTER (WHERE {column} IS NOT NULL)"
        return f"coalesce({listed}, '{{}}') AS {column}"

    return compiler.grouped(rows, [in_order("ended_ms"), in_order("seen_ms")])


def stretches(
    ended: Sequence[int], seen: Sequence[int], last_ms: int
) -> Iterator[tuple[int, int, int]]:
    """Stretches of time up to `last_ms` in which no wait is lost sight of: the ends in each as
    places from and until in `ended`, and how many waits last before it."""
    begin = lost = 0
    lost_in_all = bisect_left(seen, last_ms)
    while True:
        until = seen[lost] if lost < lost_in_all else last_ms
        end = bisect_right(ended, until)
        yield begin, end, len(ended) - begin + len(seen) - lost
        if lost >= lost_in_all:
            return
        begin, lost = end, bisect_right(seen, until)


def surviving(ended: Sequence[int], seen: Sequence[int], threshold_ms: int) -> float | None:
    """The share of waits that last longer than the threshold. Of waits that all ended, or were all
    seen for longer, it is a plain share; else a product of such shares."""
    if not ended and not seen:
        return None
    share = 1.0
    for begin, end, at_risk in stretches(ended, seen, threshold_ms):
        if at_risk:
            share = share * (at_risk - (end - begin)) / at_risk
    return share


def median(ended: Sequence[int], seen: Sequence[int]) -> int | None:
    """The first instant, in ms, at which no more than half of the waits last; None where more than
    half of them last as far as they were seen."""
    if not ended:
        return None
    share = 1.0
    for begin, end, at_risk in stretches(ended, seen, ended[-1]):
        for gone in range(1, end - begin + 1):
            if share * (at_risk - gone) / at_risk <= HALF:
                return ended[begin + gone - 1]
        if at_risk:
            share = share * (at_risk - (end - begin)) / at_risk
    return None

"""Strong entity tags of answers: `"<body>"` or `"<body>.<state>"`.

<body> is a digest of the bytes of the answer: no number can change under the same tag. <state> is a
digest of all that the answer is made from, where two small statements tell it: then a request that
brings the tag back learns that nothing has changed without a number being read, in any process.

What an answer is made from: every write of facts leaves a mark in its transaction, and marks go
only in the transaction that raises the sequence of their bucket. With no mark in the range, the
same sequences mean the same facts. That tells nothing of names, topics, costs and annotations, nor
of what was before the range, or of another range, or of what a customer is now: answers with any
of these have no <state>.
"""

import hashlib
from collections.abc import Collection, Iterator
from uuid import UUID

import asyncpg

from csapi.facts.kinds import Grain
from csapi.kit.language import Language
from csapi.metrics.metric import Unit
from csapi.metrics.parts import ON_TOPIC, Measure
from csapi.metrics.periods import QUARTER_HOUR
from csapi.metrics.plan import EPOCH
from csapi.metrics.question import MemberGroup, Question
from csapi.reports.pages import fingerprint_of
from csapi.reports.schemas import Include, Query
from csapi.reports.service import Resolved, Snapshot
from csapi.reports.state import State, read_state

# What looks at facts beside the one that is counted, wherever those are.
ELSEWHERE = {Measure.SWITCHED_WITHIN_N, *ON_TOPIC}

SEQUENCES = f"""
SELECT sum(sequence) FROM rollup_buckets
WHERE tenant_id = $1 AND grain = {Grain.DAY} AND bucket >= $2::timestamptz - interval '2 days'
  AND bucket < $3"""


def digest(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=15).hexdigest()


def known_tags(if_none_match: str | None) -> list[str]:
    """The tags of the header, without quotes and without what marks them as weak."""
    given = [each.strip().removeprefix("W/") for each in (if_none_match or "").split(",")]
    return [each.strip('"') for each in given if each]


def tag_of(body: bytes, state: str | None) -> str:
    return digest(body) if state is None else f"{digest(body)}.{state}"


def matching(tag: str, known: Collection[str]) -> bool:
    """Whether a client that has `known` has this very answer."""
    body = tag.partition(".")[0]
    return "*" in known or any(each.partition(".")[0] == body for each in known)


def unchanged(state: str | None, known: Collection[str]) -> str | None:
    """The tag among `known` of what would be answered now, as far as the state alone tells."""
    return next((tag for tag in known if state and tag.partition(".")[2] == state), None)


def is_traceable(query: Query, resolved: Resolved) -> bool:
    """Whether marks and sequences tell of all that the answer is made from."""
    question = resolved.question
    return not (
        resolved.warnings
        or resolved.target is not None
        or not is_of_its_range(question)
        or Include.annotations in query.include
        or any(asked.metric.unit is Unit.MONEY for asked in question.metrics)
        or any(isinstance(group, MemberGroup) for group in question.groups)
    )


def is_of_its_range(question: Question) -> bool:
    """Whether what is counted follows from the facts of the range alone, whatever else changes."""
    condition, cell = question.condition, question.cell
    looked_at = set() if condition is None else condition.dimensions()
    groups = question.groups if cell is None else (*question.groups, *cell.groups)
    looked_at |= {group.dimension for group in groups if isinstance(group, MemberGroup)}
    return not (
        question.seen_until is not None
        or question.has_outlooks
        or question.is_at_instant
        or any(asked.formula.survival is not None for asked in question.metrics)
        or any(part.measure in ELSEWHERE for part in question.parts)
        or any(each.through is not None or each.of_customer is not None for each in looked_at)
    )


async def sequences_of(
    connection: asyncpg.Connection, tenant_id: UUID, question: Question
) -> tuple[State, int | None]:
    """The state of a question's range, and the sequences of its buckets: with the same ones it has
    the same facts. None while marks wait there."""
    start, end = question.period.start, question.period.end
    # The mark of a slot stands at its start, which may be before the range.
    start -= (start - EPOCH) % QUARTER_HOUR
    state = await read_state(connection, tenant_id, question, start, end)
    if state.slots or state.months:
        return state, None
    return state, await connection.fetchval(SEQUENCES, tenant_id, start, end) or 0


def ingredients(
    query: Query, question: Question, media_type: str, language: Language
) -> Iterator[object]:
    """What decides about the answer besides facts."""
    yield media_type, language
    yield fingerprint_of(query), query.cursor
    yield question.period, question.tenant_timezone, question.condition
    for asked in question.metrics:
        metric = asked.metric
        yield metric.id, metric.label, metric.unit, metric.direction, metric.version
        yield asked.agg, sorted(asked.params.items()), asked.formula
        yield sorted(asked.all_variants.items()), asked.unsettled, asked.is_untold
    yield question.revised_since


async def state_of(
    snapshot: Snapshot, query: Query, resolved: Resolved, media_type: str
) -> str | None:
    """The <state> of the answer to a resolved query; None where it has none, or not now."""
    if not is_traceable(query, resolved):
        return None
    question = resolved.question
    connection, tenant_id = snapshot.connection, snapshot.desk.tenant_id
    state, sequences = await sequences_of(connection, tenant_id, question)
    if sequences is None:
        return None
    has_windows = any(asked.formula.matures_ms is not None for asked in question.metrics)
    desk, hides = snapshot.desk, await snapshot.smallest_group()
    seen = [*ingredients(query, question, media_type, desk.language), state, sequences]
    seen += [hides, desk.now if has_windows else None]
    return digest(repr(seen).encode())

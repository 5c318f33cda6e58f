"""Strong entity tags of answers: `"<body>"` or `"<body>.<state>"`.

<body> is a digest of the bytes of the answer: no number can change under the same tag. <state> is a
digest of all that the answer is made from, where two small statements tell it: then a request that
brings the tag back learns that nothing has changed without a number being read, in any process.

What an answer is made from: every write of facts leaves a mark in its transaction, and marks go
only in the transaction that raises the sequence of their bucket. With no mark in the range, the
same sequences mean the same facts. That tells nothing of names, topics, costs and annotations, nor
of what was before the range, or of another range: answers with any of these have no <state>.
"""

import hashlib
from collections.abc import Collection, Iterator

from csapi.facts.kinds import Grain
from csapi.metrics.metric import Unit
from csapi.metrics.question import MemberGroup, Question
from csapi.reports.pages import fingerprint_of
from csapi.reports.schemas import Include, Query
from csapi.reports.service import Resolved, Snapshot
from csapi.reports.state import read_state

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
    condition = question.condition
    tested = set() if condition is None else condition.dimensions()
    return not (
        resolved.warnings
        or resolved.target is not None
        or question.seen_until is not None
        or question.has_outlooks
        or question.has_cohorts
        or question.stocks
        or Include.annotations in query.include
        or any(asked.metric.unit is Unit.MONEY for asked in question.metrics)
        or any(isinstance(group, MemberGroup) for group in question.groups)
        or any(dimension.through is not None for dimension in tested)
    )


def ingredients(query: Query, question: Question, media_type: str) -> Iterator[object]:
    """What decides about the answer besides facts."""
    yield media_type
    yield fingerprint_of(query), query.cursor
    yield question.period, question.tenant_timezone, question.condition
    for asked in question.metrics:
        metric = asked.metric
        yield metric.id, metric.label, metric.unit, metric.direction, metric.version
        yield asked.agg, sorted(asked.params.items()), asked.formula
        yield asked.variants, asked.unsettled, asked.is_untold
    yield question.revised_since


async def state_of(
    snapshot: Snapshot, query: Query, resolved: Resolved, media_type: str
) -> str | None:
    """The <state> of the answer to a resolved query; None where it has none, or not now."""
    if not is_traceable(query, resolved):
        return None
    question = resolved.question
    connection, tenant_id = snapshot.connection, snapshot.desk.tenant_id
    span = (question.period.start, question.period.end)
    state = await read_state(connection, tenant_id, question, *span)
    if state.slots or state.months:
        return None
    sequences = await connection.fetchval(SEQUENCES, tenant_id, *span)
    has_windows = any(asked.formula.matures_ms is not None for asked in question.metrics)
    desk, standing = snapshot.desk, await snapshot.standing()
    hides = None if desk.sees_everything else standing.smallest_group
    seen = [*ingredients(query, question, media_type), state, sequences]
    seen += [hides, desk.now if has_windows else None]
    return digest(repr(seen).encode())

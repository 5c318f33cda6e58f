"""What an answer needs besides facts: how topics hang together, annotations, the currency."""

from collections.abc import Iterator
from uuid import UUID

import asyncpg

from csapi.facts.annotation import ANNOTATIONS, Annotation, AnnotationScope
from csapi.facts.costs import CURRENCY
from csapi.facts.wire import normalized
from csapi.metrics.dimensions import ALIASES, DIMENSIONS
from csapi.metrics.periods import Period
from csapi.metrics.topics import TOPIC_RECORDS, TopicRecord, TopicTree
from csapi.reports.schemas import FilterNode, FilterOp, QueryAnnotation

MOST_ANNOTATIONS = 1_000

FIND_ANNOTATIONS = f"""
SELECT id, item::text AS item FROM annotations
WHERE tenant_id = $1 AND NOT is_stub AND NOT is_deleted
  AND starts_at < $3 AND (starts_at >= $2 OR ends_at > $2)
ORDER BY starts_at, source, external_id LIMIT {MOST_ANNOTATIONS}"""

ONE_ANNOTATION = """
SELECT item::text FROM annotations
WHERE tenant_id = $1 AND id = $2 AND NOT is_stub AND NOT is_deleted"""


async def topic_tree(connection: asyncpg.Connection, tenant_id: UUID) -> TopicTree:
    rows = await connection.fetch(TOPIC_RECORDS, tenant_id)
    return TopicTree(
        {row["member"]: TopicRecord(row["key"], row["parent"], row["department"]) for row in rows}
    )


async def currency_of(connection: asyncpg.Connection, tenant_id: UUID) -> str | None:
    """The currency of the cost book; None where there is none."""
    found: str | None = await connection.fetchval(CURRENCY, tenant_id)
    return found


async def annotations_of(
    connection: asyncpg.Connection, tenant_id: UUID, period: Period, filters: FilterNode | None
) -> list[QueryAnnotation]:
    """The annotations of a period that what is filtered for does not contradict."""
    tests = list(joint_tests(filters))
    found = []
    for row in await connection.fetch(FIND_ANNOTATIONS, tenant_id, period.start, period.end):
        item: Annotation = ANNOTATIONS.decoder.decode(row["item"])
        if any(contradicts(test, scope) for test in tests for scope in item.scope):
            continue
        found.append(annotation(row["id"], item))
    return found


async def annotation_of(
    connection: asyncpg.Connection, tenant_id: UUID, id_: UUID
) -> QueryAnnotation | None:
    text = await connection.fetchval(ONE_ANNOTATION, tenant_id, id_)
    return None if text is None else annotation(id_, ANNOTATIONS.decoder.decode(text))


def annotation(id_: UUID, item: Annotation) -> QueryAnnotation:
    return QueryAnnotation(
        id=str(id_),
        source=item.source,
        external_id=item.external_id,
        starts_at=item.starts_at,
        ends_at=item.ends_at,
        kind=item.kind,
        text=item.text,
        scope=item.scope,
    )


def joint_tests(node: FilterNode | None) -> Iterator[FilterNode]:
    """The tests that every fact of the answer passes."""
    if node is None:
        return
    for child in node.and_ or ():
        yield from joint_tests(child)
    if node.dimension is not None:
        yield node


def contradicts(test: FilterNode, scope: AnnotationScope) -> bool:
    """Whether nothing that passes the test can be within the scope."""
    name = test.dimension or ""
    if ALIASES.get(name, name) != ALIASES.get(scope.dimension, scope.dimension):
        return False
    if test.op is FilterOp.is_null:
        return True
    values = {normalized(value) for value in scope.values}
    chosen = {normalized(value) for value in test.values or ()}
    if (dimension := DIMENSIONS.get(name)) is not None and dimension.is_multiple:
        # What has one of them may have another one, too.
        return test.op is FilterOp.not_in and values <= chosen
    if test.op is FilterOp.is_in:
        return values.isdisjoint(chosen)
    return test.op is FilterOp.not_in and values <= chosen

"""Articles of the knowledge base. They have no facts: what happens to them are kb-events."""

from csapi.facts.kinds import Dimension, Resource
from csapi.facts.lookup import Lookup
from csapi.facts.resource import Column, RecordKind
from csapi.facts.self_service_tables import kb_articles
from csapi.facts.wire import Custom, Key, Record, Text
from csapi.kit.quantities import UtcDatetime


class KbArticle(Record):
    """An article. Views of it and votes on it are grouped by its topic."""

    source_updated_at: UtcDatetime | None = None
    topic: Key | None = None
    language: Key | None = None
    title: Text | None = None
    published: bool | None = None
    custom: Custom = {}
    deleted: bool = False


def article_row(article: KbArticle, lookup: Lookup) -> tuple[object, ...]:
    return (lookup.label(Dimension.TOPIC, article.topic),)


KB_ARTICLES = RecordKind(
    name="kb-articles",
    table=kb_articles.name,
    item=KbArticle,
    columns=(Column("topic", "integer"),),
    row=article_row,
    instants=(),
    returning=(
        "(old.topic, old.is_deleted) IS DISTINCT FROM (new.topic, new.is_deleted) AS topic_moved",
    ),
)

# An article may have been read a million times: the worker derives its events again.
MARK_EVENTS_OF_ARTICLES = f"""
INSERT INTO subject_marks (tenant_id, resource, subject)
SELECT tenant_id, {Resource.KB_EVENT}::smallint, id FROM kb_events
WHERE tenant_id = $1 AND article = ANY($2::uuid[])"""

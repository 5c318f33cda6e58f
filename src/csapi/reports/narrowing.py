"""Answers that show a part of the tenant only: a filter that is joined to every question."""

from dataclasses import replace
from functools import lru_cache

import msgspec

from csapi.metrics.question import Condition, Question
from csapi.reports.schemas import FilterNode, Query


@lru_cache(maxsize=1_000)
def read_filters(text: str) -> FilterNode:
    return msgspec.json.decode(text, type=FilterNode)


def narrowed(question: Question, only: Condition) -> Question:
    """The question of what passes `only`, whatever else it asks for."""
    asked = question.condition
    return replace(question, condition=only if asked is None else Condition(every=(only, asked)))


def with_filters(query: Query, only: FilterNode | None) -> Query:
    """The query as it was answered: its filters and `only`."""
    if only is None:
        return query
    both = [only] if query.filters is None else [only, query.filters]
    return msgspec.structs.replace(query, filters=FilterNode(and_=both))

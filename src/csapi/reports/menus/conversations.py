"""Conversations and ratings by class of customer, inbox, team, tag or channel."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Annotated

import msgspec
from msgspec import Meta

from csapi.kit.quantities import UtcDatetime
from csapi.reports.layouts import DimensionValue
from csapi.reports.menus.params import ConversationsBy, ConversationsParams
from csapi.reports.ordering import OrderBy, SortDirection
from csapi.reports.refusals import refuse
from csapi.reports.schemas import (
    MetricRequest,
    MetricValue,
    QueryMeta,
    QueryPage,
)
from csapi.reports.service import (
    Desk,
    Snapshot,
    read_answer,
    resolved,
    slowness_told,
    snapshot_of,
)
from csapi.reports.shape import dimension_value, metric_value, ordered
from csapi.reports.work_params import PREVIOUS, query_of, told_by_parameter

# A rating never stands alone: with how much was handled, and how many of those asked have answered.
METRICS = (
    "contacts",
    "csat_score",
    "csat_bottom_2_box",
    "rating_average",
    "feedback_response_rate",
)
DISTRIBUTION = "rating_distribution"
MEMBER, RATING = "member", "rating"


class RatingShare(msgspec.Struct, kw_only=True):
    """How many ratings were this one; null where that is hidden."""

    rating: str
    count: int | None


class ConversationRow(msgspec.Struct, kw_only=True):
    """The conversations of one member, each number beside that of the range before. `ratings`: how
    many satisfaction ratings were each value."""

    member: DimensionValue
    metrics: dict[str, MetricValue]
    ratings: list[RatingShare]


class ConversationTotals(msgspec.Struct, kw_only=True):
    """All conversations, each once."""

    metrics: dict[str, MetricValue]
    ratings: list[RatingShare]


class ConversationList(msgspec.Struct, kw_only=True):
    """Conversations by the members of a dimension. By tag a conversation is in the row of each of
    its tags: rows overlap, and `totals` are not their sum."""

    by: Annotated[ConversationsBy, Meta(description="What rows are of")]
    data: list[ConversationRow]
    totals: ConversationTotals
    start: UtcDatetime
    end: UtcDatetime
    timezone: str
    page: QueryPage
    meta: QueryMeta


def order_of(wanted: ConversationsParams) -> OrderBy:
    """Raises Problem."""
    name, is_down = wanted.sort.removeprefix("-"), wanted.sort.startswith("-")
    if name not in (MEMBER, *METRICS):
        refuse("/sort", "invalid_value", "There is no such column.", [MEMBER, *METRICS])
    way = SortDirection.desc if is_down else SortDirection.asc
    return OrderBy(by=wanted.by.value if name == MEMBER else name, direction=way)


async def conversations(desk: Desk, wanted: ConversationsParams) -> ConversationList:
    """A page of members, from one snapshot. Raises Problem for what cannot be asked."""
    name = wanted.by.value
    metrics = [MetricRequest(id=each) for each in METRICS]
    query = msgspec.structs.replace(
        query_of(wanted, metrics, [name], PREVIOUS, wanted.only),
        order_by=[order_of(wanted)],
        limit=wanted.limit,
        cursor=wanted.cursor,
    )
    async with snapshot_of(desk) as snapshot:
        with slowness_told(), told_by_parameter("/by"):
            asked = await resolved(snapshot, query)
            found = await read_answer(snapshot, query, asked)
            by_member = await read_ratings(snapshot, wanted, [name])
            overall = await read_ratings(snapshot, wanted, [])
    period = asked.question.period
    return ConversationList(
        by=wanted.by,
        data=[
            ConversationRow(
                member=row.dimensions[name],
                metrics=row.metrics,
                ratings=by_member.get(row.dimensions[name].key, []),
            )
            for row in found.data
        ],
        totals=ConversationTotals(metrics=found.totals or {}, ratings=overall.get(None, [])),
        start=period.start,
        end=period.end,
        timezone=period.timezone,
        page=found.page,
        meta=found.meta,
    )


async def read_ratings(
    snapshot: Snapshot, wanted: ConversationsParams, dimensions: Sequence[str]
) -> Mapping[str | None, list[RatingShare]]:
    """How many of each rating there are, by the key of the member; without a dimension under None,
    which is also the key of what has no member."""
    requests = [MetricRequest(id=DISTRIBUTION)]
    query = query_of(wanted, requests, [*dimensions, RATING], only=wanted.only)
    query = msgspec.structs.replace(query, include=[])
    question = (await resolved(snapshot, query)).question
    reading = await snapshot.read(question)
    (asked,), (places,) = question.metrics, question.places
    *members, rating = question.groups
    found: dict[str | None, list[RatingShare]] = defaultdict(list)
    for group in ordered(question, reading):
        given = dimension_value(rating, group.keys[-1], reading).key
        key = dimension_value(members[0], group.keys[0], reading).key if members else None
        if given is not None:
            count = metric_value(asked, places, group).value
            found[key].append(
                RatingShare(rating=given, count=None if count is None else int(count))
            )
    return found

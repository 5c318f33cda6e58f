"""Quality reviews: what a reviewer made of one piece of an agent's work."""

from collections.abc import Iterable
from typing import Annotated

import msgspec
from msgspec import Meta

from csapi.facts.kinds import Dimension, Kind, Resource
from csapi.facts.lookup import Lookup
from csapi.facts.outcomes import CriterionOutcome, ReviewOutcome
from csapi.facts.resource import Column, RecordKind, attribute_columns
from csapi.facts.sql import ATTRIBUTES, fact_select, lateral, nobody
from csapi.facts.wire import Custom, Key, Record, Text, normalized
from csapi.facts.work_tables import quality_reviews
from csapi.kit.quantities import UtcDatetime, ten_thousandths, weighted_ten_thousandths

Weight = Annotated[float, Meta(gt=0, le=1_000_000)]
Score = Annotated[float, Meta(ge=0, le=1, description="0 to 1; null where it does not apply")]


class QualityCriterion(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """One criterion of the form. Failed without a score, its score is 0."""

    criterion: Key
    weight: Weight = 1.0
    score: Score | None = None
    is_auto_fail: bool = False
    has_failed: bool = False


class QualityReview(Record):
    """A review of an agent's work. Failing a criterion with `is_auto_fail` makes its score 0.

    `channel` is that of the work. The dimensions are the review's own: it takes none from the
    ticket or call that it names.
    """

    reviewed_at: UtcDatetime
    agent: Key
    criteria: Annotated[list[QualityCriterion], Meta(min_length=1, max_length=200)]
    source_updated_at: UtcDatetime | None = None
    team: Key | None = None
    reviewer: Key | None = None
    ticket: Key | None = None
    call: Key | None = None
    channel: Key | None = None
    form: Key | None = None
    form_version: Key | None = None
    comment: Text | None = None
    custom: Custom = {}
    deleted: bool = False


def check_criteria(review: QualityReview) -> tuple[str, str, str] | None:
    """A criterion comes once: its score would count double."""
    seen: set[str] = set()
    for index, each in enumerate(review.criteria):
        name = normalized(each.criterion)
        if name in seen:
            return f"/criteria/{index}/criterion", "invalid_value", "The criterion is there twice."
        seen.add(name)
    return None


def score_of(each: QualityCriterion) -> float | None:
    return 0.0 if each.score is None and each.has_failed else each.score


def outcome_of(each: QualityCriterion) -> CriterionOutcome:
    if each.has_failed:
        return CriterionOutcome.FAILED
    return CriterionOutcome.NOT_APPLICABLE if each.score is None else CriterionOutcome.MET


def assess(criteria: Iterable[QualityCriterion]) -> tuple[ReviewOutcome, int | None]:
    """How a review ended, and its score x 10,000: the mean of what applied by weight.

    The mean is that of the decimal numbers that were sent, and is rounded once, halves up.
    """
    pairs = []
    for each in criteria:
        if each.is_auto_fail and each.has_failed:
            return ReviewOutcome.AUTO_FAILED, 0
        if (score := score_of(each)) is not None:
            pairs.append((each.weight, score))
    mean = weighted_ten_thousandths(pairs)
    return ReviewOutcome.NOT_SCORED if mean is None else ReviewOutcome.SCORED, mean


def criterion_rows(review: QualityReview, lookup: Lookup) -> str:
    """The criteria for derivation, in their order."""
    rows = []
    for each in review.criteria:
        score = score_of(each)
        rows.append(
            {
                "topic": lookup.label(Dimension.TOPIC, each.criterion),
                "outcome": int(outcome_of(each)),
                "score": None if score is None else ten_thousandths(score),
            }
        )
    return msgspec.json.encode(rows).decode()


def review_row(review: QualityReview, lookup: Lookup) -> tuple[object, ...]:
    source = review.source
    outcome, score = assess(review.criteria)
    return (
        review.reviewed_at,
        lookup.agent(source, review.agent),
        lookup.team(source, review.team),
        lookup.agent(source, review.reviewer),
        review.ticket,
        review.call,
        lookup.label(Dimension.CHANNEL, review.channel),
        lookup.label(Dimension.TYPE, review.form),
        int(outcome),
        score,
        criterion_rows(review, lookup),
        *lookup.custom(review.custom),
    )


REVIEW_EVENTS = f"""
  SELECT {Kind.QUALITY_REVIEW} AS kind, 0 AS ordinal, c.outcome::int, c.reviewed_at, c.agent,
    c.team, NULL::bigint, c.score, NULL::bigint, true, NULL::int AS topic
  UNION ALL
  SELECT {Kind.QUALITY_CRITERION}, part.ordinal::int, part.outcome, c.reviewed_at, c.agent,
    c.team, NULL, part.score, NULL, true, part.topic
  FROM ROWS FROM (jsonb_to_recordset(c.criteria) AS (topic int, outcome int, score bigint))
       WITH ORDINALITY AS part (topic, outcome, score, ordinal)"""

QUALITY_REVIEWS = RecordKind(
    name="quality-reviews",
    table=quality_reviews.name,
    resource=Resource.QUALITY_REVIEW,
    item=QualityReview,
    columns=(
        Column("reviewed_at", "timestamptz"),
        Column("agent", "integer"),
        Column("team", "integer"),
        Column("reviewer", "integer"),
        Column("ticket", "text", link="tickets"),
        Column("call", "text", link="calls"),
        Column("channel", "integer"),
        Column("form", "integer"),
        Column("outcome", "smallint"),
        Column("score", "bigint"),
        Column("criteria", "jsonb"),
        *attribute_columns(),
    ),
    row=review_row,
    instants=("reviewed_at",),
    checks=(check_criteria,),
    people=nobody(quality_reviews.name),
    derivation=fact_select(
        resource=Resource.QUALITY_REVIEW,
        source=f"quality_reviews c {lateral(REVIEW_EVENTS, 'topic')}",
        dimensions={
            "channel": "c.channel",
            "type": "c.form",
            "topic": "e.topic",
            **{name: f"c.{name}" for name in ATTRIBUTES},
        },
    ),
)

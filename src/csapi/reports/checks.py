"""What cannot be asked, and how it is refused."""

from collections.abc import Sequence

from csapi.metrics.dimensions import DIMENSIONS, TIME_PREFIX, Dimension, Source
from csapi.metrics.metric import Metric
from csapi.metrics.periods import CYCLES, TimeGrain
from csapi.metrics.question import Asked, Group, TimeGroup
from csapi.reports.refusals import refuse


def allowed_dimensions(metric: Metric, custom: Sequence[Dimension]) -> list[str]:
    ids = [each for each in DIMENSIONS if each != "rating" or metric.by_rating]
    return [*ids, *(each.id for each in custom), *(TIME_PREFIX + each.value for each in TimeGrain)]


def check_stocks(asked: Sequence[Asked], groups: Sequence[Group]) -> None:
    """What is of an instant is at the end of one bucket: not of an hour of the day, nor of two at
    once. Nor has a cohort a start and an end of these."""
    stocks = [each for each in asked if each.formula.is_at_instant or each.formula.is_cohort]
    times = [(n, group) for n, group in enumerate(groups) if isinstance(group, TimeGroup)]
    for number, (place, group) in enumerate(times):
        if stocks and (group.is_cycle or number):
            refuse(
                f"/dimensions/{place}",
                "dimension_not_allowed",
                f"{stocks[0].metric.id} is about the ends of buckets: it takes one time dimension, "
                "and no cycle.",
                [TIME_PREFIX + each.value for each in TimeGrain if each not in CYCLES],
            )


def check_outlooks(asked: Sequence[Asked], groups: Sequence[Group]) -> None:
    """An outlook is one at the end of the range."""
    outlook = next((each for each in asked if each.formula.is_outlook), None)
    for place, group in enumerate(groups):
        if outlook is not None and isinstance(group, TimeGroup):
            refuse(
                f"/dimensions/{place}",
                "dimension_not_allowed",
                f"{outlook.metric.id} is that at the end of the range: it takes no time dimension.",
            )


def check_allowed(
    asked: Sequence[Asked], used: Sequence[tuple[str, Dimension]], custom: Sequence[Dimension]
) -> None:
    """`rating` is about ratings alone: for anything else it would silently select nothing."""
    for where, dimension in used:
        if dimension.source is not Source.value:
            continue
        for each in asked:
            if not each.metric.by_rating:
                refuse(
                    where,
                    "dimension_not_allowed",
                    f"{each.metric.id} has no dimension {dimension.id}.",
                    allowed_dimensions(each.metric, custom),
                )

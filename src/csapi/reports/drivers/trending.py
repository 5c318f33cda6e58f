"""Whether topics rise, die out or have a season, from the weeks and months that are over."""

from collections.abc import Mapping, Sequence

from csapi.metrics.statistics import holm_of_known
from csapi.reports.drivers.params import DriverParams
from csapi.reports.drivers.reading import (
    Drivers,
    History,
    read_history,
    whole_months,
    whole_weeks,
)
from csapi.reports.drivers.schemas import Trend
from csapi.reports.drivers.trends import (
    LEAST_MONTHS,
    LEAST_WEEKS,
    SIGNIFICANT,
    TrendDirection,
    mann_kendall,
    season_p,
    slope,
)
from csapi.reports.service import Snapshot

Values = Sequence[float]


async def read_weeks(
    snapshot: Snapshot, wanted: DriverParams, found: Drivers, topics: Sequence[str]
) -> History:
    span = whole_weeks(found.period, snapshot.desk.now)
    return await read_history(snapshot, wanted, found.period.timezone, "time:week", span, topics)


async def read_months(
    snapshot: Snapshot, wanted: DriverParams, found: Drivers, topics: Sequence[str]
) -> History:
    span = whole_months(found.period, snapshot.desk.now)
    return await read_history(snapshot, wanted, found.period.timezone, "time:month", span, topics)


def long_enough(history: History, topics: Sequence[str], least: int) -> list[Values | None]:
    """The series of each topic, None of what is hidden or too short."""
    values = [history.values[each] for each in topics]
    return [each if each is not None and len(each) >= least else None for each in values]


def trends_of(weeks: History, months: History, topics: Sequence[str]) -> Mapping[str, Trend]:
    """Of topics that are looked at together."""
    weekly = long_enough(weeks, topics, LEAST_WEEKS)
    monthly = long_enough(months, topics, LEAST_MONTHS)
    tested = [None if each is None else mann_kendall(each) for each in weekly]
    p_values = holm_of_known([None if each is None else each[1] for each in tested])
    seasons = holm_of_known([None if each is None else season_p(each) for each in monthly])
    found = {}
    for place, topic in enumerate(topics):
        series, test, p_value, season = (
            weekly[place],
            tested[place],
            p_values[place],
            seasons[place],
        )
        found[topic] = Trend(
            direction=None if test is None or p_value is None else direction_of(test[0], p_value),
            weeks=len(weeks.starts),
            contacts_per_week=None if series is None else slope(series),
            p_adjusted=p_value,
            seasonal=None if season is None else season < SIGNIFICANT,
            months=len(months.starts),
            seasonal_p_adjusted=season,
        )
    return found


def direction_of(up: int, p_value: float) -> TrendDirection:
    if p_value >= SIGNIFICANT:
        return TrendDirection.steady
    return TrendDirection.rising if up > 0 else TrendDirection.dying_out

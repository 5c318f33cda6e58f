"""Intervals of people's time: what is asked of them, and how they become facts.

Durations are differences of instants in whole milliseconds, so that pieces add up to their whole.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from csapi.facts.kinds import Kind

LONGEST_DAYS = 31
LONGEST = timedelta(days=LONGEST_DAYS)
# In hours: a day of an interval would be as long as the session's time zone makes it.
LONGEST_SQL = f"interval '{LONGEST_DAYS * 24} hours'"

NOTHING = "'{}'::tstzmultirange"


def check_interval(item: Any) -> tuple[str, str, str] | None:
    """What is wrong with started_at and ended_at together, if anything."""
    ended_at: datetime | None = item.ended_at
    if ended_at is None:
        return None
    if ended_at < item.started_at:
        return "/ended_at", "out_of_range", "The end is before the start."
    if ended_at - item.started_at > LONGEST:
        return "/ended_at", "out_of_range", f"An interval lasts {LONGEST_DAYS} days at most."
    return None


CHECKS: tuple[Callable[[Any], tuple[str, str, str] | None], ...] = (check_interval,)


def millisecond(instant: str) -> str:
    return f"(extract(epoch FROM {instant}) * 1000)::bigint"


def cut(spans: str) -> str:
    """FROM items: the parts of a multirange, each in a slot of its own, as `piece`.

    They go through an array, which the planner takes for ten elements. It takes a multirange for
    100 and a series for 1,000: joins of a thousandfold estimate were split into thousands of files.
    """
    return f"""unnest(ARRAY(
    SELECT tstzrange(greatest(lower(part.span), slot.starts_at),
      least(upper(part.span), slot.starts_at + interval '15 minutes'))
    FROM unnest({spans}) AS part (span)
    CROSS JOIN LATERAL generate_series(
      date_bin('15 minutes', lower(part.span), 'epoch'),
      upper(part.span) - interval '1 microsecond', interval '15 minutes') AS slot (starts_at)
  )) AS cut (span)
  CROSS JOIN LATERAL (SELECT lower(cut.span), upper(cut.span)) AS piece (starts_at, ends_at)"""


def pieces(kind: Kind, outcome: str, spans: str) -> str:
    """Events of `c`: one for each part of a multirange that lies in a slot of its own."""
    return f"""
  SELECT {kind}, (row_number() OVER (ORDER BY piece.starts_at))::int, {outcome}, piece.starts_at,
    c.agent, NULL::int, {millisecond("piece.ends_at")} - {millisecond("piece.starts_at")},
    NULL::bigint, NULL::bigint, true
  FROM {cut(spans)}"""


def whole(kind: Kind, outcome: str, ends_at: str, spans: str) -> str:
    """The event of `c` at its end, where that is known; duration: what counts of it."""
    length = f"{millisecond('upper(part.span)')} - {millisecond('lower(part.span)')}"
    return f"""
  SELECT {kind}, 0, {outcome}, {ends_at}, c.agent, NULL::int,
    (SELECT coalesce(sum({length}), 0)::bigint FROM unnest({spans}) AS part (span)),
    NULL::bigint, NULL::bigint, true
  WHERE {ends_at} IS NOT NULL"""


def span(starts_at: str, ends_at: str) -> str:
    return f"tstzmultirange(tstzrange({starts_at}, {ends_at}))"

"""The timeline of an agent: which state counts at which moment.

A presence record lasts from its start to its end; without an end, to the start of the same agent's
next record, and not at all while there is none. Where records of an agent overlap, the one that
started last counts, so every moment belongs to one record at most. That depends on nothing but the
records, so it comes out the same in any order of arrival.
"""

from csapi.facts.interval import LONGEST_SQL, NOTHING, span


def place(alias: str) -> str:
    """Where a record stands among its agent's. (An agent's records are all of one source.)"""
    return f"({alias}.started_at, {alias}.external_id)"


def of_same_agent(other: str, alias: str) -> str:
    return (
        f"{other}.tenant_id = $1 AND {other}.agent = {alias}.agent AND NOT {other}.is_stub "
        f"AND NOT {other}.is_deleted"
    )


def end_of(alias: str) -> str:
    """The end of a presence record; null where it is not known yet."""
    return f"""coalesce({alias}.ended_at, (
      SELECT n.started_at FROM presence n
      WHERE {of_same_agent("n", alias)} AND {place("n")} > {place(alias)}
        AND n.started_at <= {alias}.started_at + {LONGEST_SQL}
      ORDER BY n.started_at, n.external_id LIMIT 1))"""


def covered(alias: str) -> str:
    """The spans that later records of the same agent cover."""
    return f"""(
      SELECT range_agg(tstzrange(k.started_at, coalesce({end_of("k")}, k.started_at)))
      FROM presence k WHERE {of_same_agent("k", alias)} AND {place("k")} > {place(alias)}
        AND k.started_at < {alias}_end.at)"""


def counted(alias: str) -> str:
    """Joins for a presence record: {alias}_end.at, when it ended, and {alias}_time.spans, what
    counts of it. (OFFSET 0: each is computed once.)"""
    lasted = span(f"{alias}.started_at", f"coalesce({alias}_end.at, {alias}.started_at)")
    return f"""
  CROSS JOIN LATERAL (SELECT {end_of(alias)} AS at OFFSET 0) {alias}_end
  CROSS JOIN LATERAL (
    SELECT {lasted} - coalesce({covered(alias)}, {NOTHING}) AS spans OFFSET 0) {alias}_time"""


def presence_within(shift: str) -> str:
    """FROM items: every presence record `p` that can count during a shift, as counted() gives it.

    Of those without an end, none can reach into the shift from before the last one to start until
    then.
    """
    return f"""(
    SELECT coalesce((
      SELECT n.started_at FROM presence n
      WHERE {of_same_agent("n", shift)} AND n.started_at <= {shift}.started_at
      ORDER BY n.started_at DESC LIMIT 1), {shift}.started_at) AS at OFFSET 0) AS last_before
  CROSS JOIN LATERAL (
    SELECT * FROM presence p
    WHERE {of_same_agent("p", shift)} AND p.started_at < {shift}.ended_at
      AND p.started_at >= {shift}.started_at - {LONGEST_SQL} AND p.ended_at > {shift}.started_at
    UNION ALL
    SELECT * FROM presence p
    WHERE {of_same_agent("p", shift)} AND p.started_at < {shift}.ended_at
      AND p.started_at >= last_before.at AND p.ended_at IS NULL) AS p
  {counted("p")}"""

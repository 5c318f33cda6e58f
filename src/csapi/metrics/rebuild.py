"""Statements that write summaries. The caller holds the bucket's lock and has emptied the bucket.

One scan of the facts feeds all cuboids (GROUPING SETS); docs/performance.md says what else was
measured. Every builder has a twin that only selects the rows, for `csapi verify`.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from csapi.facts.kinds import Grain, Kind
from csapi.kit.db import Arguments, Statement
from csapi.metrics.bins import EDGE_VALUES
from csapi.metrics.cuboids import CUBOIDS, Cuboid, kept
from csapi.metrics.tables import summaries

SLOT = timedelta(minutes=15)
KINDS = [int(kind) for kind in Kind]
COLUMNS = ", ".join(summaries.columns.keys())
# The square of a larger number overflows bigint; numeric products are slow, so only those use it.
ROOT = 3_037_000_499


def _square(column: str) -> str:
    return (
        f"CASE WHEN {column} BETWEEN -{ROOT} AND {ROOT} THEN {column} * {column} END "
        f"AS {column}_sq, CASE WHEN {column} NOT BETWEEN -{ROOT} AND {ROOT} "
        f"THEN {column}::numeric * {column} END AS {column}_large_sq"
    )


MEASURED = f"""f.kind, f.outcome, f.negative_ms, f.duration_ms, f.business_ms, f.value,
    {_square("duration_ms")}, {_square("value")}"""

MEASURES = """count(*) AS n, count(negative_ms) AS negative_n,
    coalesce(sum(negative_ms), 0)::bigint AS negative_sum,
    count(duration_ms) AS duration_n, coalesce(sum(duration_ms), 0)::bigint AS duration_sum,
    coalesce(sum(duration_ms_sq), 0) + coalesce(sum(duration_ms_large_sq), 0) AS duration_sumsq,
    min(duration_ms) AS duration_min, max(duration_ms) AS duration_max,
    count(*) FILTER (WHERE duration_ms = 0) AS duration_zero_n,
    count(business_ms) AS business_n, coalesce(sum(business_ms), 0)::bigint AS business_sum,
    count(value) AS value_n, coalesce(sum(value), 0)::bigint AS value_sum,
    coalesce(sum(value_sq), 0) + coalesce(sum(value_large_sq), 0) AS value_sumsq"""

SUMMED = """sum(n)::bigint AS n, sum(negative_n)::bigint AS negative_n,
    sum(negative_sum)::bigint AS negative_sum,
    sum(duration_n)::bigint AS duration_n, sum(duration_sum)::bigint AS duration_sum,
    sum(duration_sumsq) AS duration_sumsq,
    min(duration_min) AS duration_min, max(duration_max) AS duration_max,
    sum(duration_zero_n)::bigint AS duration_zero_n,
    sum(business_n)::bigint AS business_n, sum(business_sum)::bigint AS business_sum,
    sum(value_n)::bigint AS value_n, sum(value_sum)::bigint AS value_sum,
    sum(value_sumsq) AS value_sumsq"""

MEASURE_NAMES = [name for name in summaries.columns.keys()[8:] if name not in {"bins", "counts"}]

# Few bins are a sorted list with repeats and without counts: smaller, and several times faster to
# make. Of many, each comes once, and counts are running totals: how many durations lie in it and
# in those before it, so that a threshold costs one search and no sum. The choice depends on the
# number of durations alone: the same facts give the same row by any way.
REPEATED_MAX = 64
COUNTED = """FROM (
      SELECT bin, sum(count(*)) OVER (ORDER BY bin)::integer AS upto
      FROM unnest(raw_bins) AS bin GROUP BY bin
    ) AS b"""
STORED_BINS = f"""CASE WHEN duration_n <= {REPEATED_MAX} THEN array_sort(raw_bins)
    ELSE (SELECT array_agg(bin ORDER BY bin) {COUNTED}) END AS bins,
  CASE WHEN duration_n > {REPEATED_MAX}
    THEN (SELECT array_agg(upto ORDER BY bin) {COUNTED}) END AS counts"""

SUMMED_BINS = """FROM (
      SELECT bin, sum(sum(coalesce(upto - before, 1))) OVER (ORDER BY bin)::integer AS upto
      FROM unnest(parts) AS p, unnest(p.bins, p.counts, 0 || p.counts) AS u (bin, upto, before)
      WHERE bin IS NOT NULL GROUP BY bin
    ) AS b"""
MERGED_BINS = f"""CASE WHEN duration_n <= {REPEATED_MAX}
    THEN (SELECT array_sort(array_agg(bin)) FROM unnest(parts) AS p, unnest(p.bins) AS bin)
    ELSE (SELECT array_agg(bin ORDER BY bin) {SUMMED_BINS}) END AS bins,
  CASE WHEN duration_n > {REPEATED_MAX}
    THEN (SELECT array_agg(upto ORDER BY bin) {SUMMED_BINS}) END AS counts"""


def _columns(cuboids: Sequence[Cuboid]) -> list[str]:
    return sorted({column for cuboid in cuboids for column in cuboid.columns})


def _by_cuboid(cuboids: Sequence[Cuboid], columns: Sequence[str]) -> tuple[str, str, str]:
    """The cuboid's number and keys of a group, told from which columns GROUPING leaves out."""
    numbers, first, second = [], [], []
    for cuboid in cuboids:
        bits = "".join("0" if column in cuboid.columns else "1" for column in columns)
        mask = int(bits or "0", 2)
        numbers.append(f"WHEN {mask} THEN {cuboid.number}")
        if cuboid.columns:
            first.append(f"WHEN {cuboid.number} THEN {cuboid.columns[0]}")
        if len(cuboid.columns) > 1:
            second.append(f"WHEN {cuboid.number} THEN {cuboid.columns[1]}")
    number = f"CASE grouping({', '.join(columns)}) {' '.join(numbers)} END"
    key1 = f"CASE cuboid {' '.join(first)} ELSE 0 END" if first else "0"
    key2 = f"CASE cuboid {' '.join(second)} ELSE 0 END" if second else "0"
    return number if columns else str(cuboids[0].number), key1, key2


def _from_facts(
    grain: Grain, bucket: str, scan: str, tenant: str, edges: str, cuboids: Sequence[Cuboid]
) -> str:
    """Rows of summaries from facts. `scan` is a FROM and WHERE with alias f; bucket is its column
    or a constant."""
    columns = _columns(cuboids)
    number, key1, key2 = _by_cuboid(cuboids, columns)
    by_bucket = bucket == "slot"
    fixed = ["slot"] if by_bucket else []
    sets = ", ".join(
        f"({', '.join([*fixed, 'kind', 'outcome', *cuboid.columns])})" for cuboid in cuboids
    )
    members = "".join(f", coalesce(f.{column}, 0) AS {column}" for column in columns)
    groups = "".join(f", {column}" for column in [*fixed, *columns])
    return f"""SELECT {tenant} AS tenant_id, cuboid::smallint AS cuboid,
  {int(grain)}::smallint AS grain, {bucket} AS bucket, kind, outcome,
  ({key1})::integer AS key1, ({key2})::integer AS key2,
  {", ".join(MEASURE_NAMES)},
  {STORED_BINS}
FROM (
  SELECT {number} AS cuboid, kind, outcome{groups}, {MEASURES},
    array_agg(bin) FILTER (WHERE bin IS NOT NULL) AS raw_bins
  FROM (
    SELECT {"slot, " if by_bucket else ""}{MEASURED}{members},
      width_bucket((f.duration_ms - 1)::float8, {edges})::smallint AS bin
    {scan}
  ) AS measured
  GROUP BY GROUPING SETS ({sets})
) AS g"""


def slot_rows(
    tenant_id: UUID,
    slots: Sequence[datetime],
    attribute_slots: Sequence[int],
    cuboids: Sequence[Cuboid],
) -> Statement:
    """The rows that the given slots should have."""
    arguments = Arguments()
    tenant = arguments.add(tenant_id, "uuid")
    starts = arguments.add(list(slots), "timestamptz[]")
    ends = arguments.add([slot + SLOT for slot in slots], "timestamptz[]")
    # The ends are computed here: `slot + interval` is not leakproof, so under row-level security
    # it would be a filter on all later facts and not an index condition.
    # OFFSET 0: one index scan per slot, never a join of all slots with all facts.
    scan = f"""FROM unnest({starts}, {ends}) AS s (slot, slot_end)
    CROSS JOIN LATERAL (
      SELECT * FROM facts
      WHERE tenant_id = {tenant} AND kind = ANY ({arguments.add(KINDS, "smallint[]")})
        AND occurred_at >= slot AND occurred_at < slot_end
      OFFSET 0
    ) AS f"""
    edges = arguments.add(EDGE_VALUES, "float8[]")
    chosen = kept(cuboids, attribute_slots)
    sql = _from_facts(Grain.SLOT, "slot", scan, tenant, edges, chosen)
    return Statement(sql, tuple(arguments.values))


def bucket_rows_from_facts(
    tenant_id: UUID,
    grain: Grain,
    start: datetime,
    end: datetime,
    attribute_slots: Sequence[int],
    cuboids: Sequence[Cuboid] = CUBOIDS,
) -> Statement:
    """The rows that the day or month [start, end) should have."""
    arguments = Arguments()
    tenant = arguments.add(tenant_id, "uuid")
    bucket = arguments.add(start, "timestamptz")
    scan = f"""FROM facts AS f
    WHERE f.tenant_id = {tenant} AND f.kind = ANY ({arguments.add(KINDS, "smallint[]")})
      AND f.occurred_at >= {bucket} AND f.occurred_at < {arguments.add(end, "timestamptz")}"""
    edges = arguments.add(EDGE_VALUES, "float8[]")
    chosen = kept(cuboids, attribute_slots)
    return Statement(
        _from_facts(grain, bucket, scan, tenant, edges, chosen), tuple(arguments.values)
    )


def bucket_rows_from_finer(
    tenant_id: UUID, finer: Grain, grain: Grain, start: datetime, end: datetime
) -> Statement:
    """The rows of the day or month [start, end) as the sum of its slots or days."""
    arguments = Arguments()
    tenant = arguments.add(tenant_id, "uuid")
    numbers = arguments.add([cuboid.number for cuboid in CUBOIDS], "smallint[]")
    bucket = arguments.add(start, "timestamptz")
    # Cuboid by cuboid, so that memory is that of the largest one. Whole rows are collected because
    # PostgreSQL has no aggregate that joins arrays of different lengths.
    sql = f"""SELECT {tenant} AS tenant_id, cuboid, {int(grain)}::smallint AS grain,
  {bucket} AS bucket, kind, outcome, key1, key2, {", ".join(MEASURE_NAMES)},
  {MERGED_BINS}
FROM unnest({numbers}) AS c (cuboid) CROSS JOIN LATERAL (
  SELECT kind, outcome, key1, key2, {SUMMED}, array_agg(s) FILTER (WHERE bins IS NOT NULL) AS parts
  FROM summaries AS s
  WHERE s.tenant_id = {tenant} AND s.cuboid = c.cuboid AND s.grain = {int(finer)}
    AND s.bucket >= {bucket} AND s.bucket < {arguments.add(end, "timestamptz")}
  GROUP BY kind, outcome, key1, key2
) AS g"""
    return Statement(sql, tuple(arguments.values))


def _insert(rows: Statement) -> Statement:
    return Statement(f"INSERT INTO summaries ({COLUMNS})\n{rows.sql}", rows.arguments)


def rebuild_slots(
    tenant_id: UUID,
    slots: Sequence[datetime],
    attribute_slots: Sequence[int],
    cuboids: Sequence[Cuboid] = CUBOIDS,
) -> Statement:
    """Write the rows of slots. Old slots take SLOT_CUBOIDS only."""
    return _insert(slot_rows(tenant_id, slots, attribute_slots, cuboids))


def rebuild_day_from_slots(
    tenant_id: UUID, start: datetime, end: datetime, day_bucket: datetime | None = None
) -> Statement:
    """Write a day's rows from slot rows: for days whose slots have rows of every cuboid."""
    del day_bucket  # a day's bucket is its first instant
    return _insert(bucket_rows_from_finer(tenant_id, Grain.SLOT, Grain.DAY, start, end))


def rebuild_day_from_facts(
    tenant_id: UUID, start: datetime, end: datetime, attribute_slots: Sequence[int]
) -> Statement:
    """Write a day's rows from facts: for old days."""
    return _insert(bucket_rows_from_facts(tenant_id, Grain.DAY, start, end, attribute_slots))


def rebuild_month(tenant_id: UUID, start: datetime, end: datetime) -> Statement:
    """Write a month's rows from its days."""
    return _insert(bucket_rows_from_finer(tenant_id, Grain.DAY, Grain.MONTH, start, end))


def mismatches(
    expected: Statement,
    grain: Grain,
    start: datetime,
    end: datetime,
    tenant_id: UUID,
    cuboids: Sequence[Cuboid] = CUBOIDS,
) -> Statement:
    """Count the buckets in [start, end) whose rows are not the expected ones, bit for bit.

    `expected` comes from slot_rows or bucket_rows_from_facts for the same buckets and cuboids.
    """
    both = _beside_stored(expected, grain, start, end, tenant_id, cuboids)
    sql = f"""{both.sql}
SELECT count(DISTINCT bucket) FROM (
  (SELECT * FROM expected EXCEPT ALL SELECT * FROM stored)
  UNION ALL (SELECT * FROM stored EXCEPT ALL SELECT * FROM expected)
) AS d"""
    return Statement(sql, both.arguments)


def differences(
    expected: Statement,
    grain: Grain,
    start: datetime,
    end: datetime,
    tenant_id: UUID,
    cuboids: Sequence[Cuboid] = CUBOIDS,
    *,
    most: int,
) -> Statement:
    """The rows that `mismatches` counts: each as it is stored and as it should be, as JSON."""
    both = _beside_stored(expected, grain, start, end, tenant_id, cuboids)
    sql = f"""{both.sql}
SELECT to_json(s)::text AS was, to_json(e)::text AS should
FROM expected AS e FULL JOIN stored AS s USING (cuboid, bucket, kind, outcome, key1, key2)
WHERE e IS DISTINCT FROM s
ORDER BY cuboid, bucket, kind, outcome, key1, key2 LIMIT {int(most)}"""
    return Statement(sql, both.arguments)


def _beside_stored(
    expected: Statement,
    grain: Grain,
    start: datetime,
    end: datetime,
    tenant_id: UUID,
    cuboids: Sequence[Cuboid],
) -> Statement:
    arguments = Arguments()
    arguments.values.extend(expected.arguments)
    stored = f"""SELECT {COLUMNS} FROM summaries
  WHERE tenant_id = {arguments.add(tenant_id, "uuid")}
    AND cuboid = ANY ({arguments.add([each.number for each in cuboids], "smallint[]")})
    AND grain = {int(grain)} AND bucket >= {arguments.add(start, "timestamptz")}
    AND bucket < {arguments.add(end, "timestamptz")}"""
    sql = f"WITH expected AS MATERIALIZED ({expected.sql}), stored AS MATERIALIZED ({stored})"
    return Statement(sql, tuple(arguments.values))

"""I1 and I2 as one statement for each, over all of one tenant in one snapshot."""

from uuid import UUID

import asyncpg
from tests.delivery.checks import take_snapshot, violations, wrong_buckets

from csapi.facts.kinds import Grain, Kind

SLOT, DAY, MONTH = int(Grain.SLOT), int(Grain.DAY), int(Grain.MONTH)
SUMS = """count(*) AS n, count(duration_ms) AS duration_n,
  coalesce(sum(duration_ms), 0)::bigint AS duration_sum,
  min(duration_ms) AS duration_min, max(duration_ms) AS duration_max,
  count(business_ms) AS business_n, coalesce(sum(business_ms), 0)::bigint AS business_sum,
  count(value) AS value_n, coalesce(sum(value), 0)::bigint AS value_sum,
  count(negative_ms) AS negative_n"""
NAMES = (
    "grain, bucket, kind, outcome, n, duration_n, duration_sum, duration_min, duration_max, "
    "business_n, business_sum, value_n, value_sum, negative_n"
)


def start_of(grain: str) -> str:
    return f"date_trunc('{grain}', {{}}, $2)"


def of_facts(grain: int, bucket: str) -> str:
    start = bucket.format("occurred_at")
    return (
        f"SELECT {grain} AS grain, {start} AS bucket, kind, outcome, {SUMS} "
        "FROM facts WHERE tenant_id = $1 GROUP BY 2, 3, 4"
    )


# Before it summaries stay, and their facts go.
FROZEN_BEFORE = "SELECT max(frozen_before) FROM freezes WHERE tenant_id = $1"

# I1: what is stored of everything together, or what the facts give, where the other has it not and
# no mark waits. A day is marked by its slots; a month by its own marks, and by those of its slots.
WRONG_BUCKETS = f"""
WITH expected AS (
  {of_facts(SLOT, "date_bin('15 minutes', {}, 'epoch')")}
  UNION ALL {of_facts(DAY, start_of("day"))}
  UNION ALL {of_facts(MONTH, start_of("month"))}
), stored AS (SELECT {NAMES} FROM summaries WHERE tenant_id = $1 AND cuboid = 1),
waiting AS (
  SELECT DISTINCT {SLOT} AS grain, bucket FROM marks WHERE tenant_id = $1 AND grain = {SLOT}
  UNION SELECT {DAY}, {start_of("day").format("bucket")} FROM marks
  WHERE tenant_id = $1 AND grain = {SLOT}
  UNION SELECT {MONTH}, {start_of("month").format("bucket")} FROM marks WHERE tenant_id = $1
)
SELECT grain, bucket, count(*) AS differing FROM (
  (SELECT {NAMES} FROM expected EXCEPT ALL SELECT {NAMES} FROM stored)
  UNION ALL (SELECT {NAMES} FROM stored EXCEPT ALL SELECT {NAMES} FROM expected)
) AS d WHERE (grain, bucket) NOT IN (SELECT grain, bucket FROM waiting)
AND bucket >= coalesce(({FROZEN_BEFORE}), '-infinity')
GROUP BY grain, bucket ORDER BY grain, bucket"""

COUNTED = """
SELECT (SELECT count(*) FROM (
    SELECT DISTINCT grain, bucket FROM summaries WHERE tenant_id = $1 AND cuboid = 1) AS b)
    AS buckets,
  (SELECT count(*) FROM marks WHERE tenant_id = $1) AS marks,
  (SELECT count(*) FROM subject_marks WHERE tenant_id = $1)
  + (SELECT count(*) FROM reference_marks WHERE tenant_id = $1) AS derivations"""

# I2, in the small: a call is counted once as what it is, and a ticket's creation too, unless a
# derivation waits; what was deleted is not counted.
COUNTED_ONCE = {
    "calls": f"kind IN ({Kind.CALL:d}, {Kind.OUTBOUND_CALL:d})",
    "tickets": f"kind = {Kind.TICKET_CREATED:d}",
}
WRONGLY_COUNTED = " UNION ALL ".join(
    f"""
SELECT '{table}' AS what, r.external_id, count(f.subject) AS times
FROM {table} r LEFT JOIN facts f ON f.tenant_id = $1 AND f.subject = r.id AND {condition}
WHERE r.tenant_id = $1 AND NOT EXISTS (
  SELECT FROM subject_marks m WHERE m.tenant_id = $1 AND m.subject = r.id)
GROUP BY r.id, r.external_id, r.is_stub, r.is_deleted
HAVING count(f.subject) <> (NOT r.is_stub AND NOT r.is_deleted)::int"""
    for table, condition in COUNTED_ONCE.items()
)


async def wrong_as_a_whole(connection: asyncpg.Connection, tenant_id: UUID, zone: str) -> list[str]:
    """A tenant cell by cell and fact by fact in plain Python; where time was frozen, its buckets
    since then."""
    snapshot = await take_snapshot(connection, tenant_id, zone)
    is_frozen = snapshot.frozen_before is not None
    return wrong_buckets(snapshot) if is_frozen else violations(snapshot)

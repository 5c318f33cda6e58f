"""The statements that write facts. $1 is the tenant, $2 the subjects.

Every statement that changes facts also marks their slots, before and after the change.
"""

from csapi.facts.kinds import Grain, Kind
from csapi.facts.registry import SUBJECT_KINDS
from csapi.facts.sql import FACT_COLUMNS, milliseconds_between

COLUMNS = ", ".join(FACT_COLUMNS)
PLACE = ("subject", "kind", "ordinal")
GAPS = ("duration_ms", "gap_next_ms")

SLOT = "date_bin('15 minutes', occurred_at, 'epoch')"
MARK_SLOTS = (
    f"INSERT INTO marks (tenant_id, grain, bucket) "
    f"SELECT DISTINCT $1::uuid, {Grain.SLOT}::smallint, {SLOT} FROM moved"
)

# Customers, and those that they were merged into: contacts of all of them stand in one row.
LOCK_CUSTOMERS = """
SELECT 1 FROM customers WHERE tenant_id = $1 AND surrogate = ANY($2::bigint[] || ARRAY(
  SELECT merged_into FROM customers
  WHERE tenant_id = $1 AND surrogate = ANY($2::bigint[]) AND merged_into IS NOT NULL))
ORDER BY source, external_id FOR NO KEY UPDATE"""

LOCK_AGENTS = """
SELECT 1 FROM agents WHERE tenant_id = $1 AND surrogate = ANY($2::int[])
ORDER BY source, external_id FOR NO KEY UPDATE"""

LOCK_AGENTS_OF = """
SELECT 1 FROM agents WHERE tenant_id = $1 AND surrogate = ANY(ARRAY(
  SELECT agent FROM presence WHERE tenant_id = $1 AND id = ANY($2::uuid[])
  UNION SELECT agent FROM shifts WHERE tenant_id = $1 AND id = ANY($2::uuid[])))
ORDER BY source, external_id FOR NO KEY UPDATE"""

OLD_CUSTOMERS = """
SELECT DISTINCT customer FROM facts
WHERE tenant_id = $1 AND subject = ANY($2::uuid[]) AND customer IS NOT NULL"""

IS_CONTACT = f"kind = {Kind.CONTACT} AND customer IS NOT NULL"


def neighbour(order: str, direction: str) -> str:
    """The stored contact of f.customer next to `f` on one side."""
    return (
        f"SELECT p.subject, p.occurred_at FROM facts p "
        f"WHERE p.tenant_id = $1 AND p.kind = {Kind.CONTACT} AND p.customer IS NOT NULL "
        "AND p.customer = f.customer AND (p.occurred_at, p.ordinal, p.subject) "
        f"{order} (f.occurred_at, f.ordinal, f.subject) "
        f"ORDER BY p.occurred_at {direction}, p.ordinal {direction}, p.subject {direction} LIMIT 1"
    )


NEIGHBOURS = f"""
  LEFT JOIN LATERAL ({neighbour("<", "DESC")}) before ON true
  LEFT JOIN LATERAL ({neighbour(">", "ASC")}) after ON true"""


def with_gaps() -> str:
    """The columns of a new contact `f`, with its gaps to stored and to other new contacts."""
    previous = milliseconds_between("greatest(before_at, lag_at)", "f.occurred_at")
    following = milliseconds_between("f.occurred_at", "least(after_at, lead_at)")
    gaps = dict(zip(GAPS, (previous, following), strict=True))
    return ", ".join(gaps.get(name, f"f.{name}") for name in FACT_COLUMNS)


def derive_new(derivation: str) -> str:
    """Insert the facts of new subjects, contacts with their gaps, and mend those beside them."""
    return f"""
WITH derived AS MATERIALIZED ({derivation}
), contacts AS (
  SELECT *, lag(occurred_at) OVER w AS lag_at, lead(occurred_at) OVER w AS lead_at
  FROM derived WHERE {IS_CONTACT}
  WINDOW w AS (PARTITION BY customer ORDER BY occurred_at, ordinal, subject)
), placed AS MATERIALIZED (
  SELECT f.*, before.subject AS before, before.occurred_at AS before_at,
    after.subject AS after, after.occurred_at AS after_at
  FROM contacts f {NEIGHBOURS}
), inserted AS (
  INSERT INTO facts ({COLUMNS})
  SELECT {COLUMNS} FROM derived WHERE NOT ({IS_CONTACT})
  UNION ALL SELECT {with_gaps()} FROM placed f
  RETURNING occurred_at
), beside AS (
  SELECT subject, max(previous_at) AS previous_at, min(next_at) AS next_at FROM (
    SELECT before, NULL::timestamptz, occurred_at FROM placed WHERE before IS NOT NULL
    UNION ALL SELECT after, occurred_at, NULL FROM placed WHERE after IS NOT NULL
  ) AS either (subject, previous_at, next_at) GROUP BY subject
), refreshed AS (
  UPDATE facts f SET
    duration_ms = coalesce({milliseconds_between("b.previous_at", "f.occurred_at")}, f.duration_ms),
    gap_next_ms = coalesce({milliseconds_between("f.occurred_at", "b.next_at")}, f.gap_next_ms)
  FROM beside b WHERE f.tenant_id = $1 AND f.subject = b.subject AND f.kind = {Kind.CONTACT}
  RETURNING f.occurred_at
), moved AS (
  SELECT occurred_at FROM inserted UNION ALL SELECT occurred_at FROM refreshed
)
{MARK_SLOTS}"""


def matching(one: str, other: str) -> str:
    return " AND ".join(f"{one}.{name} = {other}.{name}" for name in PLACE)


def row_of(alias: str) -> str:
    """What a fact says, without what depends on other subjects."""
    is_own = f"({alias}.kind <> {Kind.CONTACT} OR {alias}.customer IS NULL)"
    values = [
        f"CASE WHEN {is_own} THEN {alias}.{name} END" if name in GAPS else f"{alias}.{name}"
        for name in FACT_COLUMNS
    ]
    return f"ROW({', '.join(values)})"


def replacements() -> str:
    """SET clause of a fact that changed. A contact keeps its gaps: REFRESH_GAPS sees to them."""
    changes = []
    for name in FACT_COLUMNS:
        if name in ("tenant_id", *PLACE):
            continue
        value = f"excluded.{name}"
        if name in GAPS:
            value = (
                f"CASE WHEN excluded.kind = {Kind.CONTACT} AND excluded.customer IS NOT NULL "
                f"THEN facts.{name} ELSE {value} END"
            )
        changes.append(f"{name} = {value}")
    return ", ".join(changes)


def derive_again(derivation: str) -> str:
    """Write only what differs from the stored facts: other slots need not be rolled up again.

    Gives customer and instant of each contact that came, went or moved.
    """
    return f"""
WITH derived AS MATERIALIZED ({derivation}
), present AS MATERIALIZED (
  SELECT {COLUMNS} FROM facts WHERE tenant_id = $1 AND subject = ANY($2::uuid[])
), removed AS (
  DELETE FROM facts WHERE tenant_id = $1 AND subject = ANY($2::uuid[])
    AND NOT EXISTS (SELECT 1 FROM derived n WHERE {matching("n", "facts")})
  RETURNING kind, customer, occurred_at
), changed AS MATERIALIZED (
  SELECT n.*, o.subject IS NULL AS is_new, o.customer AS old_customer, o.occurred_at AS old_at
  FROM derived n LEFT JOIN present o ON {matching("n", "o")}
  WHERE o.subject IS NULL OR {row_of("o")} IS DISTINCT FROM {row_of("n")}
), written AS (
  INSERT INTO facts ({COLUMNS}) SELECT {COLUMNS} FROM changed
  ON CONFLICT (tenant_id, {", ".join(PLACE)}) DO UPDATE SET {replacements()}
), before AS (
  SELECT kind, customer, occurred_at FROM removed
  UNION ALL SELECT kind, old_customer, old_at FROM changed WHERE NOT is_new
), moved AS (
  SELECT occurred_at FROM before UNION SELECT occurred_at FROM changed
), marked AS ({MARK_SLOTS})
SELECT customer, occurred_at FROM before WHERE {IS_CONTACT}
UNION SELECT customer, occurred_at FROM changed WHERE {IS_CONTACT}"""


CONTACTS_OF = f"""
SELECT customer, occurred_at FROM facts
WHERE tenant_id = $1 AND subject = ANY($2::uuid[]) AND {IS_CONTACT}"""

DERIVE_NEW = {resource: derive_new(kind.derivation) for resource, kind in SUBJECT_KINDS.items()}
DERIVE_AGAIN = {resource: derive_again(kind.derivation) for resource, kind in SUBJECT_KINDS.items()}


def contacts_at(condition: str, order: str = "") -> str:
    return (
        "(SELECT subject, customer, occurred_at, ordinal FROM facts\n"
        f"     WHERE tenant_id = $1 AND {IS_CONTACT}\n"
        f"       AND customer = i.customer AND occurred_at {condition} i.at{order})"
    )


# Only contacts at a moved instant, or next to one, can have other gaps than before.
REFRESH_GAPS = f"""
WITH instants AS (
  SELECT DISTINCT customer, at FROM unnest($2::bigint[], $3::timestamptz[]) AS i (customer, at)
), near AS (
  SELECT n.subject, n.customer, n.occurred_at, n.ordinal
  FROM instants i CROSS JOIN LATERAL (
    {contacts_at("<", " ORDER BY occurred_at DESC, ordinal DESC, subject DESC LIMIT 1")}
    UNION ALL
    {contacts_at("=")}
    UNION ALL
    {contacts_at(">", " ORDER BY occurred_at, ordinal, subject LIMIT 1")}
  ) n
), gaps AS (
  SELECT DISTINCT f.subject,
    {milliseconds_between("before.occurred_at", "f.occurred_at")} AS previous_ms,
    {milliseconds_between("f.occurred_at", "after.occurred_at")} AS next_ms
  FROM near f {NEIGHBOURS}
), moved AS (
  UPDATE facts SET duration_ms = gaps.previous_ms, gap_next_ms = gaps.next_ms
  FROM gaps
  WHERE facts.tenant_id = $1 AND facts.subject = gaps.subject AND facts.kind = {Kind.CONTACT}
    AND (facts.duration_ms, facts.gap_next_ms) IS DISTINCT FROM (gaps.previous_ms, gaps.next_ms)
  RETURNING facts.occurred_at
), marked AS ({MARK_SLOTS})
SELECT count(*) FROM moved"""

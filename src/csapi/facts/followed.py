"""Keeping the next contact after a session right when contacts come, go or move.

Both are facts of the same customer, and both are written under the customer's lock.
"""

from csapi.facts.derive_sql import CONTACTS_OF, MARK_SLOTS
from csapi.facts.kinds import Kind, Resource
from csapi.facts.session import NEXT_CONTACT_MS

CONTACT_RESOURCES = frozenset({Resource.TICKET, Resource.CALL})
SESSION_KINDS = f"({Kind.SELF_SERVICE_SESSION}, {Kind.BOT_SESSION}, {Kind.IVR_SESSION})"


def refresh_sessions(touched: str) -> str:
    """Mend the sessions that contacts at (customer, occurred_at) of `touched` may follow.

    Only a session with no other contact between its start and that instant can be concerned.
    """
    return f"""
WITH touched AS ({touched}
), followed AS MATERIALIZED (
  SELECT DISTINCT c.id, {NEXT_CONTACT_MS} AS next_ms
  FROM touched i CROSS JOIN LATERAL (
    SELECT i.customer UNION ALL
    SELECT o.surrogate FROM customers o WHERE o.tenant_id = $1 AND o.merged_into = i.customer
  ) AS alias (customer)
  JOIN sessions c ON c.tenant_id = $1 AND c.customer = alias.customer
    AND c.started_at <= i.occurred_at AND NOT c.is_stub AND NOT c.is_deleted
  WHERE NOT EXISTS (
    SELECT 1 FROM facts p
    WHERE p.tenant_id = $1 AND p.kind = {Kind.CONTACT} AND p.customer IS NOT NULL
      AND p.customer = i.customer
      AND p.occurred_at >= c.started_at AND p.occurred_at < i.occurred_at)
), moved AS (
  UPDATE facts SET duration_ms = followed.next_ms FROM followed
  WHERE facts.tenant_id = $1 AND facts.subject = followed.id AND facts.kind IN {SESSION_KINDS}
    AND facts.duration_ms IS DISTINCT FROM followed.next_ms
  RETURNING facts.occurred_at
)
{MARK_SLOTS}"""


# $2 the subjects whose contacts are new
REFRESH_BEFORE_NEW = refresh_sessions(CONTACTS_OF)
# $2 customers, $3 the instants at which their contacts came, went or moved
REFRESH_BEFORE = refresh_sessions(
    "SELECT * FROM unnest($2::bigint[], $3::timestamptz[]) AS i (customer, occurred_at)"
)

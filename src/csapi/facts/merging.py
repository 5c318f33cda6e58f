"""Which customers are one, by all the merges that were ever sent, in whatever order.

A customer is whom it was merged into, and so on to the end of the chain. `customers.merged_into`
holds that end for everybody who is not it. It changes under the tenant's exclusive lock alone:
derivations read it without locking every customer on the way.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

Connection = Any

# Who ends where the written ones end, and the merges on all their ways.
WAYS = """
WITH RECURSIVE concerned AS (
  SELECT unnest($2::bigint[]) AS customer
  UNION
  SELECT m.from_customer FROM concerned c JOIN customer_merges m
    ON m.tenant_id = $1 AND m.into_customer = c.customer AND NOT m.is_deleted
), way AS (
  SELECT customer FROM concerned
  UNION
  SELECT m.into_customer FROM way w JOIN customer_merges m
    ON m.tenant_id = $1 AND m.from_customer = w.customer AND NOT m.is_deleted
)
SELECT w.customer, c.customer IS NOT NULL AS is_concerned, m.into_customer,
  m.source, m.external_id
FROM way w LEFT JOIN concerned c ON c.customer = w.customer
LEFT JOIN customer_merges m
  ON m.tenant_id = $1 AND m.from_customer = w.customer AND NOT m.is_deleted"""

SETTLE = """
UPDATE customers c SET merged_into = s.merged_into
FROM unnest($2::bigint[], $3::bigint[]) AS s (customer, merged_into)
WHERE c.tenant_id = $1 AND c.surrogate = s.customer
  AND c.merged_into IS DISTINCT FROM s.merged_into
RETURNING c.surrogate"""


@dataclass(frozen=True, slots=True)
class Merge:
    """The next customer on the way; the name of the one that is merged."""

    into: int
    name: tuple[str, str]


def end_of(customer: int, merges: Mapping[int, Merge]) -> int:
    """The last customer of the chain. Of a circle, the one whose name comes first: so no order of
    arrival shows."""
    path: dict[int, None] = {}
    at = customer
    while at in merges and at not in path:
        path[at] = None
        at = merges[at].into
    if at not in path:
        return at
    ring = list(path)[list(path).index(at) :]
    return min(ring, key=lambda each: merges[each].name)


def ends(concerned: Iterable[int], merges: Mapping[int, Merge]) -> dict[int, int | None]:
    """Whom each customer was merged into; None for one that stands for itself."""
    found = ((customer, end_of(customer, merges)) for customer in sorted(concerned))
    return {customer: None if end == customer else end for customer, end in found}


async def settle(connection: Connection, tenant_id: UUID, merged: Sequence[int]) -> list[int]:
    """Bring customers in line with the merges of `merged`; the customers who are others now.

    The caller holds the tenant's exclusive lock.
    """
    rows = await connection.fetch(WAYS, tenant_id, list(merged))
    merges = {
        row["customer"]: Merge(row["into_customer"], (row["source"], row["external_id"]))
        for row in rows
        if row["into_customer"] is not None
    }
    wanted = ends((row["customer"] for row in rows if row["is_concerned"]), merges)
    changed = await connection.fetch(SETTLE, tenant_id, list(wanted), list(wanted.values()))
    return [row["surrogate"] for row in changed]

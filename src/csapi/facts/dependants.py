"""Which facts depend on which other records, and the order in which those are locked."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from csapi.facts.kb_event import StoredType
from csapi.facts.kinds import Resource

Connection = Any

# A new answer touches its request, and both take their customer from a ticket or call. A new click
# touches the search before it.
ALWAYS = frozenset({Resource.FEEDBACK_REQUEST, Resource.FEEDBACK, Resource.KB_EVENT})

LOCK = " ORDER BY source, external_id FOR NO KEY UPDATE"

REQUESTS_OF = {
    Resource.TICKET: "SELECT id FROM feedback_requests WHERE tenant_id = $1 "
    "AND ticket = ANY($2::uuid[])" + LOCK,
    Resource.CALL: "SELECT id FROM feedback_requests WHERE tenant_id = $1 "
    "AND call = ANY($2::uuid[])" + LOCK,
    Resource.FEEDBACK: "SELECT id FROM feedback_requests WHERE tenant_id = $1 "
    "AND id = ANY($2::uuid[])" + LOCK,
}

FEEDBACK_OF = {
    Resource.TICKET: "SELECT id FROM feedback WHERE tenant_id = $1 "
    "AND (ticket = ANY($2::uuid[]) OR request = ANY($3::uuid[]))" + LOCK,
    Resource.CALL: "SELECT id FROM feedback WHERE tenant_id = $1 "
    "AND (call = ANY($2::uuid[]) OR request = ANY($3::uuid[]))" + LOCK,
    Resource.FEEDBACK_REQUEST: "SELECT id FROM feedback WHERE tenant_id = $1 "
    "AND (request = ANY($2::uuid[]) OR request = ANY($3::uuid[]))" + LOCK,
}

SESSIONS_OF_TICKETS = (
    "SELECT id FROM sessions WHERE tenant_id = $1 AND ticket = ANY($2::uuid[])" + LOCK
)
LOCK_SESSIONS = "SELECT id FROM sessions WHERE tenant_id = $1 AND id = ANY($2::uuid[])" + LOCK

# A search or click changes what becomes of the searches of its own instant and of the one before.
SEARCHES_BEFORE = f"""
SELECT id FROM kb_events WHERE tenant_id = $1 AND id IN (
  SELECT s.id FROM unnest($2::uuid[], $3::timestamptz[]) AS i (session, at)
  CROSS JOIN LATERAL (
    SELECT id FROM kb_events s WHERE s.tenant_id = $1 AND s.session = i.session
      AND s.type = {StoredType.SEARCH} AND NOT s.is_deleted AND s.occurred_at = i.at
    UNION ALL
    (SELECT id FROM kb_events s WHERE s.tenant_id = $1 AND s.session = i.session
      AND s.type = {StoredType.SEARCH} AND NOT s.is_deleted AND s.occurred_at < i.at
    ORDER BY s.occurred_at DESC, s.external_id COLLATE "C" DESC LIMIT 1)
  ) s
){LOCK}"""


async def lock_dependants(
    connection: Connection,
    tenant_id: UUID,
    resource: Resource,
    subjects: dict[Resource, list[UUID]],
    written: Sequence[Mapping[str, Any]],
) -> None:
    """Add the subjects whose facts depend on the written ones, with their rows locked.

    Each look-up comes after the locks before it: whoever links a record to another locks both,
    so nobody can link behind our back.
    """
    ids = subjects[resource]
    if resource is Resource.FEEDBACK:
        linked = {row["request"] for row in written} | {row["old_request"] for row in written}
        wanted = [request for request in linked if request is not None]
    else:
        wanted = ids
    requests: list[UUID] = []
    if wanted and (sql := REQUESTS_OF.get(resource)):
        requests = [row[0] for row in await connection.fetch(sql, tenant_id, wanted)]
        subjects[Resource.FEEDBACK_REQUEST] = requests
    if sql := FEEDBACK_OF.get(resource):
        rows = await connection.fetch(sql, tenant_id, ids, requests)
        subjects[Resource.FEEDBACK] = [row[0] for row in rows]
    if resource is Resource.TICKET:
        rows = await connection.fetch(SESSIONS_OF_TICKETS, tenant_id, ids)
        subjects[Resource.SESSION] = [row[0] for row in rows]
    if resource is Resource.KB_EVENT:
        await lock_visits(connection, tenant_id, subjects, written)


def places(written: Iterable[Mapping[str, Any]], types: Iterable[int]) -> set[tuple[UUID, Any]]:
    """Session and instant of events of some types, where they were and where they are now."""
    return {
        (row[f"{version}_session"], row[f"{version}_occurred_at"])
        for row in written
        for version in ("old", "new")
        if row[f"{version}_type"] in types and row[f"{version}_session"] is not None
    }


async def lock_visits(
    connection: Connection,
    tenant_id: UUID,
    subjects: dict[Resource, list[UUID]],
    written: Sequence[Mapping[str, Any]],
) -> None:
    """What depends on written events of the knowledge base: other searches, and sessions.

    The sessions that events are in now were locked as linked records; those that events have left
    are locked here.
    """
    moved = places(written, (StoredType.SEARCH, StoredType.CLICK))
    if not moved:
        return
    left = {row["old_session"] for row in written} - {row["new_session"] for row in written}
    if left := left - {None}:
        await connection.fetch(LOCK_SESSIONS, tenant_id, list(left))
    sessions, instants = zip(*moved, strict=True)
    rows = await connection.fetch(SEARCHES_BEFORE, tenant_id, sessions, instants)
    known = subjects[Resource.KB_EVENT]
    subjects[Resource.KB_EVENT] = list({*known, *(row[0] for row in rows)})
    searched = places(written, (StoredType.SEARCH,))
    subjects[Resource.SESSION] = list({session for session, _ in searched})

"""Which facts depend on which other records, and the order in which those are locked."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from csapi.facts.kinds import Resource

Connection = Any

# A new answer touches its request, and both take their customer from a ticket or call.
ALWAYS = frozenset({Resource.FEEDBACK_REQUEST, Resource.FEEDBACK})

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

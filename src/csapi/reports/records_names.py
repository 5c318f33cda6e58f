"""Which records the entries of a listing are about, by their names: two statements a page."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg

from csapi.facts.customer import CUSTOMERS
from csapi.facts.kinds import Resource
from csapi.facts.registry import SUBJECT_KINDS
from csapi.facts.ticket import TICKETS
from csapi.kit.tables import metadata
from csapi.reports.schemas import RecordRef

Found = tuple[RecordRef, RecordRef | None]


@dataclass(frozen=True, slots=True)
class RecordNames:
    """Records by resource and id, each with its ticket; customers by surrogate."""

    records: Mapping[tuple[int, UUID], Found]
    customers: Mapping[int, RecordRef]


def subjects_sql(resource: Resource, ids: str) -> str:
    """The records of one resource by their ids ($1 tenant), with the ticket that each names, or
    the request that it answers."""
    table = SUBJECT_KINDS[resource].table
    columns = metadata.tables[table].c
    ticket, join = "NULL::uuid, NULL::text, NULL::text", ""
    if "ticket" in columns:
        ticket, about = "t.id, t.source, t.external_id", "r.ticket"
        if "request" in columns:
            # Through a subquery: coalesce() itself makes no index condition (facts/sql.py).
            about = "about.ticket"
            join = """
LEFT JOIN feedback_requests q ON q.tenant_id = $1 AND q.id = r.request
CROSS JOIN LATERAL (SELECT coalesce(r.ticket, q.ticket) AS ticket OFFSET 0) about"""
        join += f"\nLEFT JOIN {TICKETS.table} t ON t.tenant_id = $1 AND t.id = {about}"
    return f"""
SELECT {resource}::int, r.id, NULL::bigint, r.source, r.external_id, {ticket}
FROM {table} r{join}
WHERE r.tenant_id = $1 AND r.id = ANY({ids}::uuid[])"""


def customers_sql(members: str) -> str:
    return f"""
SELECT NULL::int, r.id, r.surrogate::bigint, r.source, r.external_id, NULL::uuid, NULL::text,
  NULL::text
FROM {CUSTOMERS.table} r WHERE r.tenant_id = $1 AND r.surrogate = ANY({members}::bigint[])"""


async def record_names(
    connection: asyncpg.Connection,
    tenant_id: UUID,
    subjects: Mapping[Resource, Sequence[UUID]],
    customers: Sequence[int],
) -> RecordNames:
    """The names of subjects and customers: one statement for all."""
    arguments: list[Any] = [tenant_id]
    statements = []
    for resource, ids in subjects.items():
        arguments.append(ids)
        statements.append(subjects_sql(resource, f"${len(arguments)}"))
    if customers:
        arguments.append(customers)
        statements.append(customers_sql(f"${len(arguments)}"))
    if not statements:
        return RecordNames({}, {})
    return named(await connection.fetch(" UNION ALL ".join(statements), *arguments))


def named(rows: Iterable[Sequence[Any]]) -> RecordNames:
    records: dict[tuple[int, UUID], Found] = {}
    customers: dict[int, RecordRef] = {}
    for resource, id_, surrogate, source, external_id, *ticket in rows:
        if resource is None:
            customers[surrogate] = ref(CUSTOMERS.name, id_, source, external_id)
            continue
        record = ref(SUBJECT_KINDS[Resource(resource)].name, id_, source, external_id)
        its_ticket = None if ticket[0] is None else ref(TICKETS.name, *ticket)
        is_ticket = resource == Resource.TICKET
        records[resource, id_] = record, record if is_ticket else its_ticket
    return RecordNames(records, customers)


def ref(resource: str, id_: UUID, source: str, external_id: str) -> RecordRef:
    return RecordRef(resource=resource, id=str(id_), source=source, external_id=external_id)

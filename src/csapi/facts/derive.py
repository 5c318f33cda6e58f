"""Facts from raw records, in the transaction that changes them.

Order inside a transaction, everywhere: ticket rows, call rows, request rows, feedback rows,
review rows, task rows, form rows, session rows, rows of the knowledge base, presence rows, shift
rows, work session rows, agent rows, customer rows, then facts. Rows of one table are locked in the
order of (source, external_id). All contact facts of a customer, and those of the sessions before
them, are written under the customer's lock: their gaps depend on each other. So are the facts of an
agent's presence and shifts under the agent's lock (facts/agent_time.py).
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from csapi.facts.derive_sql import (
    CONTACTS_OF,
    DERIVE_AGAIN,
    DERIVE_NEW,
    LOCK_AGENTS_OF,
    LOCK_CUSTOMERS,
    OLD_CUSTOMERS,
    REFRESH_GAPS,
)
from csapi.facts.followed import CONTACT_RESOURCES, REFRESH_BEFORE, REFRESH_BEFORE_NEW
from csapi.facts.kinds import Resource
from csapi.facts.registry import SUBJECT_KINDS

Connection = Any


def people_statement(kind_sql: str) -> str:
    return f"SELECT DISTINCT customer FROM ({kind_sql}) AS p WHERE customer IS NOT NULL"


async def people_of(
    connection: Connection, tenant_id: UUID, subjects: Mapping[Resource, Sequence[UUID]]
) -> set[int]:
    """The customers that the subjects belong to, before and after."""
    if not any(SUBJECT_KINDS[resource].people for resource in subjects):
        return set()
    everyone = [subject for ids in subjects.values() for subject in ids]
    found = {row[0] for row in await connection.fetch(OLD_CUSTOMERS, tenant_id, everyone)}
    for resource, ids in subjects.items():
        if people := SUBJECT_KINDS[resource].people:
            sql = people_statement(people)
            found |= {row[0] for row in await connection.fetch(sql, tenant_id, list(ids))}
    return found


async def lock_customers(connection: Connection, tenant_id: UUID, customers: Iterable[int]) -> None:
    if ids := list(customers):
        await connection.execute(LOCK_CUSTOMERS, tenant_id, ids)


async def lock_agents_of(
    connection: Connection, tenant_id: UUID, subjects: Mapping[Resource, Sequence[UUID]]
) -> None:
    """Lock the agents whose presence or shifts are among the subjects."""
    if any(resource in subjects for resource in (Resource.PRESENCE, Resource.SHIFT)):
        everyone = [subject for ids in subjects.values() for subject in ids]
        await connection.execute(LOCK_AGENTS_OF, tenant_id, everyone)


async def derive_new(
    connection: Connection,
    tenant_id: UUID,
    resource: Resource,
    subjects: Sequence[UUID],
    customers: set[int],
) -> None:
    """Write the facts of subjects that have none yet. Their rows are locked by the caller."""
    await lock_customers(connection, tenant_id, customers)
    await connection.execute(DERIVE_NEW[resource], tenant_id, list(subjects))
    if customers and resource in CONTACT_RESOURCES:
        await connection.execute(REFRESH_BEFORE_NEW, tenant_id, list(subjects))


async def derive_again(
    connection: Connection, tenant_id: UUID, subjects: Mapping[Resource, Sequence[UUID]]
) -> None:
    """Bring the facts of subjects in line with their history; mark the slots of what changes.

    The rows of the subjects are locked by the caller.
    """
    chosen = {resource: ids for resource, ids in sorted(subjects.items()) if ids}
    if not chosen:
        return
    await lock_agents_of(connection, tenant_id, chosen)
    await lock_customers(connection, tenant_id, await people_of(connection, tenant_id, chosen))
    await derive_locked(connection, tenant_id, chosen)


async def derive_locked(
    connection: Connection, tenant_id: UUID, subjects: Mapping[Resource, Sequence[UUID]]
) -> None:
    """The same where the agents and customers of the subjects are locked, too."""
    contacts: list[Any] = []
    for resource, ids in subjects.items():
        contacts += await connection.fetch(DERIVE_AGAIN[resource], tenant_id, list(ids))
    await refresh_gaps(connection, tenant_id, contacts)


async def refresh_gaps(
    connection: Connection, tenant_id: UUID, contacts: Sequence[tuple[int, datetime]]
) -> None:
    """Mend the gaps of contacts at and beside the instants of customers, who are locked, and
    those of the sessions before."""
    if contacts:
        customers, instants = zip(*contacts, strict=True)
        await connection.execute(REFRESH_GAPS, tenant_id, customers, instants)
        await connection.execute(REFRESH_BEFORE, tenant_id, customers, instants)


async def mend_gaps(connection: Connection, tenant_id: UUID, subjects: Sequence[UUID]) -> None:
    """Mend the gaps of the subjects' contacts, which derivation leaves alone while they stay."""
    contacts = await connection.fetch(CONTACTS_OF, tenant_id, subjects)
    await lock_customers(connection, tenant_id, {row["customer"] for row in contacts})
    await refresh_gaps(connection, tenant_id, contacts)

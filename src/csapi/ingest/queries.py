"""Reading records back."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from csapi.kit.db import Arguments, Statement


@dataclass(frozen=True, slots=True)
class Within:
    """A half-open range, and the columns of start and end of what is to lie in it."""

    columns: tuple[str, str]
    since: datetime | None
    until: datetime | None


def list_statement(
    table: str,
    name_column: str,
    tenant_id: UUID,
    *,
    source: str | None,
    external_id: str | None,
    after: UUID | None,
    limit: int,
    within: Within | None = None,
) -> Statement:
    """Records in the order of their ids, which is the order of first receipt. `within`: only those
    that last at some moment of a range."""
    arguments = Arguments()
    conditions = [f"tenant_id = {arguments.add(tenant_id, 'uuid')}"]
    if name_column == "external_id":
        conditions.append("NOT is_stub")
    if source is not None:
        conditions.append(f"source = {arguments.add(source, 'text')}")
    if external_id is not None:
        conditions.append(f"{name_column} = {arguments.add(external_id, 'text')}")
    if within is not None:
        start, end = within.columns
        conditions.append("NOT is_deleted")
        if within.until is not None:
            conditions.append(f"{start} < {arguments.add(within.until, 'timestamptz')}")
        if within.since is not None:
            since = arguments.add(within.since, "timestamptz")
            conditions.append(f"({start} >= {since} OR {end} > {since})")
    if after is not None:
        conditions.append(f"id > {arguments.add(after, 'uuid')}")
    return Statement(
        f"SELECT id, received_at, item::text AS item FROM {table} "
        f"WHERE {' AND '.join(conditions)} ORDER BY id LIMIT {arguments.add(limit, 'bigint')}",
        tuple(arguments.values),
    )


def one_statement(table: str, tenant_id: UUID, record_id: UUID) -> Statement:
    known = "" if table == "ticket_events" else "AND NOT is_stub"
    return Statement(
        f"SELECT id, received_at, item::text AS item FROM {table} "
        f"WHERE tenant_id = $1::uuid AND id = $2::uuid {known}",
        (tenant_id, record_id),
    )

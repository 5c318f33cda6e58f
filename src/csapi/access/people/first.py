"""The first person of a tenant, whom nobody can have invited."""

from datetime import datetime
from uuid import UUID

import asyncpg

from csapi.access.people.hashing import HASHER, as_hashed
from csapi.access.people.members import ADD
from csapi.access.people.roles import Role, normalized_email, password_fault
from csapi.access.service import AccessError, check_tenant
from csapi.access.tenancy import tenant_scope


async def create_member(
    connection: asyncpg.Connection,
    tenant_id: UUID,
    text: str,
    password: str,
    role: Role,
    now: datetime,
) -> UUID:
    """Whoever has an account keeps its password. Raises AccessError."""
    email = normalized_email(text)
    if email is None:
        raise AccessError(f"{text!r} is no e-mail address.")
    async with tenant_scope(connection, tenant_id):
        await check_tenant(connection, tenant_id)
        person: UUID | None = await connection.fetchval("SELECT id FROM find_person($1)", email)
        if person is None:
            if fault := password_fault(password, email):
                raise AccessError(fault)
            hashed = HASHER.hash(as_hashed(password))
            person = await connection.fetchval("SELECT add_person($1, $2, $3)", email, hashed, now)
        added = await connection.fetchval(ADD, tenant_id, person, role.value, None)
        if person is None or added is None:
            raise AccessError(f"{email} is a member already.")
    return person

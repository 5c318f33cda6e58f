"""The closing of a tenant: asked for, withdrawn, and looked up.

From the request on the tenant is read and exported, and nothing is written (access/guard.py); from
`closes_at` on nobody is let in, and the worker deletes its rows (access/deletion.py).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg

from csapi.access.audit import Actor, actor_of, audited
from csapi.access.audit_actions import AuditAction
from csapi.access.principals import Principal

# How long it can be withdrawn.
GRACE = timedelta(days=30)

REQUEST = """
INSERT INTO tenant_closings (tenant_id, requested_at, closes_at, actor_kind, actor)
VALUES ($1, $2, $3, $4, $5) ON CONFLICT (tenant_id) DO NOTHING RETURNING closes_at"""
FIND = "SELECT requested_at, closes_at FROM tenant_closings WHERE tenant_id = $1"
WITHDRAW = """
DELETE FROM tenant_closings WHERE tenant_id = $1 AND closes_at > $2 RETURNING closes_at"""


@dataclass(frozen=True, slots=True)
class Closing:
    """When it was asked for, and from when on the tenant is no more."""

    requested_at: datetime
    closes_at: datetime


async def find_closing(connection: asyncpg.Connection, tenant_id: UUID) -> Closing | None:
    row = await connection.fetchrow(FIND, tenant_id)
    return None if row is None else Closing(row["requested_at"], row["closes_at"])


async def request_closing(
    connection: asyncpg.Connection,
    by: Principal | Actor,
    now: datetime,
    grace: timedelta = GRACE,
) -> tuple[Closing, bool]:
    """The closing, and whether it is new: one that is under way stays as it is."""
    actor = actor_of(by)
    closes_at = now + grace
    found = await connection.fetchval(
        REQUEST, actor.tenant_id, now, closes_at, actor.kind.value, actor.id
    )
    if found is not None:
        act = AuditAction.tenant_closing_requested
        await audited(connection, by, act, actor.tenant_id, closes_at=closes_at)
        return Closing(now, closes_at), True
    known = await find_closing(connection, actor.tenant_id)
    if known is None:
        raise AssertionError(actor.tenant_id)
    return known, False


async def withdraw_closing(
    connection: asyncpg.Connection, by: Principal | Actor, now: datetime
) -> bool:
    """Whether there was one whose time was not over."""
    tenant_id = actor_of(by).tenant_id
    if await connection.fetchval(WITHDRAW, tenant_id, now) is None:
        return False
    await audited(connection, by, AuditAction.tenant_closing_withdrawn, tenant_id)
    return True

from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import click
import msgspec

from csapi.access.audit import audited
from csapi.access.audit_actions import AuditAction
from csapi.access.closing import GRACE, request_closing, withdraw_closing
from csapi.access.deletion import Receipt, receipts
from csapi.access.principals import Scope
from csapi.access.service import (
    AccessError,
    NewKey,
    check_tenant,
    check_timezone,
    create_key,
    create_tenant,
    operator_of,
)
from csapi.access.tenancy import tenant_scope
from csapi.cli.errors import one_line_errors
from csapi.cli.options import json_lines_option, json_option, tenant_option
from csapi.cli.target import as_api, as_worker, data_dir_option
from csapi.facts.usage import quotas_of
from csapi.ingest.quotas import set_quota
from csapi.kit.clock import now

LIST = """
SELECT t.tenant_id, t.name, t.timezone, c.closes_at
FROM tenants t LEFT JOIN tenant_closings c ON c.tenant_id = t.tenant_id ORDER BY t.created_at"""
CONFIRMED = "SELECT 1 FROM tenants WHERE tenant_id = $1 AND name = $2"


@click.group()
def tenants() -> None:
    """Make, list and close tenants."""


@tenants.command()
@click.argument("name")
@click.option(
    "--timezone", default="UTC", show_default=True, help="IANA zone of the tenant's days."
)
@json_option
@data_dir_option
@one_line_errors
def create(name: str, timezone: str, as_json: bool, data_dir: Path | None) -> None:
    """Make a tenant and a first key with all scopes. The key is shown this once."""
    check_timezone(timezone)

    async def work(connection: asyncpg.Connection) -> tuple[str, NewKey]:
        tenant_id = await create_tenant(connection, name, timezone)
        key = await create_key(connection, tenant_id, "first key", [each.value for each in Scope])
        return str(tenant_id), key

    tenant_id, key = as_api(data_dir, work)
    if as_json:
        answer = {"tenant_id": tenant_id, "name": name, "timezone": timezone, "key": key.token}
        click.echo(msgspec.json.encode(answer).decode())
        return
    click.echo(f"tenant  {tenant_id}  {name}  {timezone}")
    click.echo(f"key     {key.token}  (shown once; all scopes)")


@tenants.command()
@tenant_option
@click.option("--period", type=click.Choice(["day", "month"]), required=True, help="Of UTC.")
@click.option(
    "--items",
    type=click.IntRange(min=0),
    default=None,
    help="New records (default: no quota).",
)
@data_dir_option
@one_line_errors
def quota(tenant: UUID, period: str, items: int | None, data_dir: Path | None) -> None:
    """Limit how many new records a tenant may send in a day or month."""

    async def work(connection: asyncpg.Connection) -> dict[str, int]:
        async with tenant_scope(connection, tenant):
            await check_tenant(connection, tenant)
            await set_quota(connection, tenant, period, items)
            act = AuditAction.quota_changed
            await audited(connection, operator_of(tenant), act, period, items=items)
            return await quotas_of(connection, tenant)

    click.echo(msgspec.json.encode(as_api(data_dir, work)).decode())


@tenants.command()
@tenant_option
@click.option("--confirm", required=True, help="The tenant's name, letter for letter.")
@click.option(
    "--days",
    type=click.IntRange(0, 365),
    default=GRACE.days,
    show_default=True,
    help="How long it can be withdrawn.",
)
@data_dir_option
@one_line_errors
def close(tenant: UUID, confirm: str, days: int, data_dir: Path | None) -> None:
    """Close a tenant.

    From now on it is only read, and after --days all that it has is deleted. Until then `csapi
    tenants reopen` withdraws it.
    """

    async def work(connection: asyncpg.Connection) -> str:
        async with tenant_scope(connection, tenant):
            await check_tenant(connection, tenant)
            if not await connection.fetchval(CONFIRMED, tenant, confirm):
                raise AccessError("--confirm is not the name of the tenant.")
            actor, grace = operator_of(tenant), timedelta(days=days)
            found, _ = await request_closing(connection, actor, now(), grace)
            return found.closes_at.isoformat()

    click.echo(f"{tenant} closes at {as_api(data_dir, work)}")


@tenants.command()
@tenant_option
@data_dir_option
@one_line_errors
def reopen(tenant: UUID, data_dir: Path | None) -> None:
    """Withdraw the closing of a tenant."""

    async def work(connection: asyncpg.Connection) -> bool:
        async with tenant_scope(connection, tenant):
            return await withdraw_closing(connection, operator_of(tenant), now())

    if not as_api(data_dir, work):
        raise AccessError("There is no closing of that tenant that can be withdrawn.")
    click.echo(f"{tenant} stays")


def told(receipt: Receipt) -> dict[str, Any]:
    return {
        "tenant_id": receipt.id,
        "name": receipt.name,
        "requested_at": receipt.requested_at,
        "closes_at": receipt.closes_at,
        "started_at": receipt.started_at,
        "finished_at": receipt.finished_at,
        "rows": sum(receipt.deleted.values()),
        "deleted": dict(sorted(receipt.deleted.items())),
    }


@tenants.command()
@json_lines_option
@data_dir_option
@one_line_errors
def closed(as_json: bool, data_dir: Path | None) -> None:
    """List tenants that are gone or being deleted, and how many rows went."""
    for receipt in as_worker(data_dir, receipts):
        fields = told(receipt)
        if as_json:
            click.echo(msgspec.json.encode(fields).decode())
            continue
        how = "being deleted" if receipt.finished_at is None else f"gone {receipt.finished_at}"
        click.echo(f"{receipt.id}  {receipt.name}  {how}  {fields['rows']:,} rows")


@tenants.command("list")
@json_lines_option
@data_dir_option
@one_line_errors
def list_(as_json: bool, data_dir: Path | None) -> None:
    """List tenants, and when each that is about to close does."""

    async def work(connection: asyncpg.Connection) -> list[dict[str, str]]:
        return [
            {name: str(value) for name, value in row.items() if value is not None}
            for row in await connection.fetch(LIST)
        ]

    for tenant in as_worker(data_dir, work):
        line = msgspec.json.encode(tenant).decode() if as_json else "  ".join(tenant.values())
        click.echo(line)

from pathlib import Path
from uuid import UUID

import asyncpg
import click
import msgspec

from csapi.access.audit import audited
from csapi.access.audit_actions import AuditAction
from csapi.access.principals import Scope
from csapi.access.service import (
    NewKey,
    check_tenant,
    check_timezone,
    create_key,
    create_tenant,
    operator_of,
)
from csapi.access.tenancy import tenant_scope
from csapi.cli.errors import one_line_errors
from csapi.cli.target import as_api, as_worker, data_dir_option
from csapi.ingest.quotas import quotas_of, set_quota


@click.group()
def tenants() -> None:
    """Make and list tenants."""


@tenants.command()
@click.argument("name")
@click.option(
    "--timezone", default="UTC", show_default=True, help="IANA zone of the tenant's days."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
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
@click.option("--tenant", type=click.UUID, required=True, help="The tenant's id.")
@click.option("--period", type=click.Choice(["day", "month"]), required=True, help="Of UTC.")
@click.option(
    "--items", type=click.IntRange(min=0), default=None, help="New records; none: ends it."
)
@data_dir_option
@one_line_errors
def quota(tenant: UUID, period: str, items: int | None, data_dir: Path | None) -> None:
    """Say how many new records a tenant may send; without --items as many as it likes."""

    async def work(connection: asyncpg.Connection) -> dict[str, int]:
        async with tenant_scope(connection, tenant):
            await check_tenant(connection, tenant)
            await set_quota(connection, tenant, period, items)
            act = AuditAction.quota_changed
            await audited(connection, operator_of(tenant), act, period, items=items)
            return await quotas_of(connection, tenant)

    click.echo(msgspec.json.encode(as_api(data_dir, work)).decode())


@tenants.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
@data_dir_option
@one_line_errors
def list_(as_json: bool, data_dir: Path | None) -> None:
    """List tenants."""

    async def work(connection: asyncpg.Connection) -> list[dict[str, str]]:
        rows = await connection.fetch(
            "SELECT tenant_id, name, timezone FROM tenants ORDER BY created_at"
        )
        return [
            {"tenant_id": str(row["tenant_id"]), "name": row["name"], "timezone": row["timezone"]}
            for row in rows
        ]

    for tenant in as_worker(data_dir, work):
        line = msgspec.json.encode(tenant).decode() if as_json else "  ".join(tenant.values())
        click.echo(line)

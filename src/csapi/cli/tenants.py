from pathlib import Path

import asyncpg
import click
import msgspec

from csapi.access.principals import Scope
from csapi.access.service import NewKey, check_timezone, create_key, create_tenant
from csapi.cli.errors import one_line_errors
from csapi.cli.target import as_api, as_worker, data_dir_option


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

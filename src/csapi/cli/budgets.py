from pathlib import Path
from uuid import UUID

import asyncpg
import click
import msgspec

from csapi.access.limiting import POLICIES, standard_budgets
from csapi.access.service import AccessError
from csapi.access.tenancy import tenant_scope
from csapi.cli.errors import one_line_errors
from csapi.cli.options import json_option, tenant_option
from csapi.cli.target import as_api, data_dir_option
from csapi.kit.settings import MOST_UNITS, load_settings

SET = """
INSERT INTO budgets (tenant_id, policy, quota)
SELECT tenant_id, $2, $3 FROM tenants WHERE tenant_id = $1
ON CONFLICT (tenant_id, policy) DO UPDATE SET quota = excluded.quota, updated_at = clock_timestamp()
RETURNING quota"""
UNSET = "DELETE FROM budgets WHERE tenant_id = $1 AND policy = $2 RETURNING quota"
OWN = "SELECT policy, quota FROM budgets WHERE tenant_id = $1"

policy_argument = click.argument("policy", type=click.Choice(POLICIES))


@click.group()
def budgets() -> None:
    """See and set how much a tenant may ask for in a minute."""


@budgets.command("list")
@tenant_option
@json_option
@data_dir_option
@one_line_errors
def list_(tenant: UUID, as_json: bool, data_dir: Path | None) -> None:
    """The tenant's budgets in units a minute: its own, or what holds for all."""

    async def work(connection: asyncpg.Connection) -> dict[str, int]:
        async with tenant_scope(connection, tenant, readonly=True):
            return {row["policy"]: row["quota"] for row in await connection.fetch(OWN, tenant)}

    own = as_api(data_dir, work)
    found = {
        policy: {"quota": own.get(policy, quota), "own": policy in own}
        for policy, quota in standard_budgets(load_settings()).items()
    }
    if as_json:
        click.echo(msgspec.json.encode(found).decode())
        return
    for policy, each in found.items():
        quota = f"{each['quota']:,}" if each["quota"] else "no limit"
        click.echo(f"{policy:14}{quota:>16}{'  its own' if each['own'] else ''}")


@budgets.command("set")
@tenant_option
@policy_argument
@click.argument("quota", type=click.IntRange(0, MOST_UNITS))
@data_dir_option
@one_line_errors
def set_(tenant: UUID, policy: str, quota: int, data_dir: Path | None) -> None:
    """Give the tenant a budget of its own: units a minute, 0 for no limit. Takes effect within
    half a minute."""

    async def work(connection: asyncpg.Connection) -> bool:
        async with tenant_scope(connection, tenant):
            return await connection.fetchval(SET, tenant, policy, quota) is not None

    if not as_api(data_dir, work):
        raise AccessError(f"There is no tenant {tenant}.")
    click.echo(f"{policy} of {tenant} is {quota:,}")


@budgets.command()
@tenant_option
@policy_argument
@data_dir_option
@one_line_errors
def unset(tenant: UUID, policy: str, data_dir: Path | None) -> None:
    """Let what holds for all hold for the tenant again."""

    async def work(connection: asyncpg.Connection) -> bool:
        async with tenant_scope(connection, tenant):
            return await connection.fetchval(UNSET, tenant, policy) is not None

    if not as_api(data_dir, work):
        raise AccessError(f"The tenant has no {policy} of its own.")
    click.echo(f"{policy} of {tenant} is what holds for all")
